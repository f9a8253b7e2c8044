"""Settings of an organization: what they may be, and what follows a change."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.acting import refused
from tests.world import NOON, Organization, World


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def change(acme: Organization, **settings: object) -> dict[str, Any]:
    """The organization after its admin has changed this."""
    named = ", ".join(f"{name} => %({name})s" for name in settings)
    with acme.world.acting_as(acme.admin()) as db:
        (row,) = db.rows(f"select * from api.update_organization({named})", **settings)
    return row


def test_what_is_left_out_stays(acme: Organization) -> None:
    before = change(acme, name="  Acme Two ")
    after = change(acme, week_start=7, pcf_grace="1 hour", slot_minutes=30, report_hour=6)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"week_start", "pcf_grace", "slot_minutes", "report_hour"}
    assert (after["name"], after["timezone"]) == ("Acme Two", "America/New_York")
    (logged,) = acme.world.rows(
        "select new_data ->> 'week_start' as day from app.audit_logs"
        " where organization_id = %s and table_name = 'organizations' and action = 'UPDATE'"
        " and old_data ->> 'week_start' <> new_data ->> 'week_start'",
        acme.id,
    )
    assert logged == {"day": "7"}


def test_every_wrong_setting_is_named_at_once_and_nothing_changes(acme: Organization) -> None:
    wrong = {
        "name": " ",
        "timezone": "Mars/Olympus",
        "currency": "XQZ",
        "week_start": 8,
        "pay_calendar": "yearly",
        "pcf_grace": "31 days",
        "slot_minutes": 4,
        "attribution_window_days": 0,
        "setter_attribution": "last",
        "report_hour": 24,
        "min_sample": 0,
    }
    with refused("PT422") as caught:
        change(acme, **wrong)
    assert set(json.loads(caught.value.diag.message_detail or "")) == set(wrong)
    with refused("PT422") as caught:
        change(acme, report_hour=9, min_sample=-1)
    assert set(json.loads(caught.value.diag.message_detail or "")) == {"min_sample"}
    assert change(acme)["report_hour"] == 8


def test_a_weekly_calendar_needs_a_day_on_which_a_period_starts(acme: Organization) -> None:
    with refused("PT422") as caught:
        change(acme, pay_calendar="biweekly")
    assert set(json.loads(caught.value.diag.message_detail or "")) == {"pay_anchor_on"}
    changed = change(acme, pay_calendar="biweekly", pay_anchor_on=date(2026, 3, 2))
    assert (changed["pay_calendar"], changed["pay_anchor_on"]) == ("biweekly", date(2026, 3, 2))
    assert change(acme, pay_calendar="weekly")["pay_anchor_on"] == date(2026, 3, 2)


def test_the_currency_changes_until_there_is_money(acme: Organization) -> None:
    assert change(acme, currency="eur")["currency"] == "EUR"
    assert change(acme, currency="USD")["currency"] == "USD"
    acme.payment(amount=Decimal("10.00"), paid_at=NOON)
    with refused("PT409") as caught:
        change(acme, currency="EUR", report_hour=9)
    assert "USD" in (caught.value.diag.message_detail or "")
    assert change(acme, currency="USD")["report_hour"] == 8


def test_numbers_follow_a_new_zone_at_once(acme: Organization) -> None:
    """03:30 UTC on the first of February is January in New York and February in London."""
    late = datetime(2026, 2, 1, 3, 30, tzinfo=UTC)
    acme.event(closer=acme.closer(), scheduled_at=late, outcome="closed")
    acme.payment(amount=Decimal("10.00"), paid_at=late)

    def january() -> dict[str, Decimal]:
        with acme.world.acting_as(acme.admin()) as db:
            rows = db.rows("select metric, value from api.core_metrics('2026-01-01', '2026-01-31')")
        found = {row["metric"]: row["value"] for row in rows}
        return {name: found[name] for name in ("scheduled_calls", "cash_collected")}

    assert january() == {"scheduled_calls": 1, "cash_collected": Decimal("10.00")}
    change(acme, timezone="Europe/London")
    assert january() == {"scheduled_calls": 0, "cash_collected": Decimal("0.00")}
    change(acme, timezone="America/New_York")
    assert january() == {"scheduled_calls": 1, "cash_collected": Decimal("10.00")}


def test_a_new_zone_may_reach_the_rate_of_another_day(acme: Organization) -> None:
    """A rate is at most seven days old: on the first of February that of the 24th is not."""
    acme.world.insert(
        "fx_rates",
        organization_id=acme.id,
        day="2026-01-24",
        from_currency="EUR",
        to_currency="USD",
        rate="1.1",
    )
    late = datetime(2026, 2, 1, 3, 30, tzinfo=UTC)
    change(acme, timezone="Europe/London")
    payment = acme.payment(amount=Decimal("10.00"), paid_at=late)
    acme.world.execute(
        "update app.payments set currency = 'EUR', amount_base = null"
        " where organization_id = %s and id = %s",
        acme.id,
        payment.id,
    )
    converted = "select amount_base from app.payments where organization_id = %s and id = %s"
    change(acme, timezone="Europe/Paris")
    assert acme.world.value(converted, acme.id, payment.id) is None
    change(acme, timezone="America/New_York")
    assert acme.world.value(converted, acme.id, payment.id) == Decimal("11.00")


def test_dials_are_counted_on_the_day_that_they_are_in_the_new_zone(acme: Organization) -> None:
    setter = acme.setter()
    for number, started, talked in ((1, 2, 40), (2, 3, 10), (3, 15, 90)):
        acme.world.insert(
            "setter_calls",
            organization_id=acme.id,
            setter_id=setter.setter_id,
            provider="close",
            provider_call_id=f"call-{number}",
            started_at=datetime(2026, 2, 1, started, tzinfo=UTC),
            activity_date="2026-01-31" if started < 5 else "2026-02-01",
            talk_seconds=talked,
        )
    for day, dials, connects, talked in (("2026-01-31", 2, 1, 50), ("2026-02-01", 1, 1, 90)):
        acme.world.insert(
            "setter_activities",
            organization_id=acme.id,
            setter_id=setter.setter_id,
            provider="close",
            activity_date=day,
            dials=dials,
            connects=connects,
            talk_seconds=talked,
        )
    # A day of which no single calls are known stays as it is.
    acme.world.insert(
        "setter_activities",
        organization_id=acme.id,
        setter_id=setter.setter_id,
        provider="close",
        activity_date="2025-12-31",
        dials=7,
    )

    def days() -> list[tuple[str, int, int, int]]:
        rows = acme.world.rows(
            "select activity_date::text as day, dials, connects, talk_seconds"
            " from app.setter_activities where organization_id = %s order by activity_date",
            acme.id,
        )
        return [(r["day"], r["dials"], r["connects"], r["talk_seconds"]) for r in rows]

    change(acme, timezone="Europe/London")
    assert days() == [("2025-12-31", 7, 0, 0), ("2026-02-01", 3, 2, 140)]
    change(acme, timezone="America/New_York")
    assert days() == [
        ("2025-12-31", 7, 0, 0),
        ("2026-01-31", 2, 1, 50),
        ("2026-02-01", 1, 1, 90),
    ]


def test_schedules_are_due_by_the_new_zone(acme: Organization) -> None:
    acme.world.execute(
        "update app.job_schedules set next_fire_at = now() where organization_id = %s", acme.id
    )
    change(acme, timezone="Asia/Tokyo")
    waiting = "select count(*) from app.job_schedules where organization_id = %s"
    assert acme.world.value(f"{waiting} and next_fire_at is not null", acme.id) == 0
    assert acme.world.value(waiting, acme.id) > 0


# -- integrations


def integrate(acme: Organization, **defaults: object) -> dict[str, Any]:
    named = ", ".join(f"{name} => %({name})s" for name in defaults)
    with acme.world.acting_as(acme.admin()) as db:
        (row,) = db.rows(f"select * from api.update_integrations({named})", **defaults)
    return row


def test_defaults_of_integrations_are_set_kept_and_taken_away(acme: Organization) -> None:
    integrate(acme, primary_crm="ghl", ghl_location_id=" loc1 ", stripe_publishable_key="pk_test_1")
    row = integrate(acme, primary_booking_platform="calendly", ghl_location_id="")
    assert (row["primary_crm"], row["primary_booking_platform"]) == ("ghl", "calendly")
    assert (row["ghl_location_id"], row["stripe_publishable_key"]) == (None, "pk_test_1")
    with refused("PT422") as caught:
        integrate(
            acme,
            primary_crm="pipedrive",
            primary_booking_platform="x",
            primary_payment_processor="paypal",
            ghl_location_id="x" * 201,
            whop_company_id="x" * 201,
            stripe_publishable_key="sk_live_secret",
        )
    detail = caught.value.diag.message_detail or ""
    assert len(json.loads(detail)) == 6
    assert "sk_live" not in detail


def test_a_key_that_is_not_sealed_is_not_stored(acme: Organization) -> None:
    call = "select id from api.set_integration_key('stripe', %s, 'abcd')"
    with acme.world.acting_as(acme.admin()) as db:
        for plain in (b"sk_live_plain", b"x" * 60, None):
            with refused("PT422"):
                db.value(call, plain)
    assert acme.world.value(
        "select count(*) from app.organization_integrations"
        " where organization_id = %s and stripe_api_key_encrypted is not null",
        acme.id,
    ) == 0  # fmt: skip
