"""Where calls come from: who decides, what rules match, and what a change of rules does."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.acting import refused
from tests.calendly_events import BOOKED_AT, Invitee
from tests.database.inbox import Inbox, open_inbox
from tests.world import NOON, Organization, Row, World

HOUR = timedelta(hours=1)
PERIOD = (date(2026, 3, 1), date(2026, 3, 31))


@pytest.fixture
def inbox(world: World) -> Inbox:
    return open_inbox(world.organization("acme"), provider="calendly")


def add_rule(
    acme: Organization, position: int, field: str, operator: str, value: str, **to: Row
) -> None:
    acme.world.insert(
        "source_rules",
        organization_id=acme.id,
        position=position,
        field=field,
        operator=operator,
        value=value,
        **{name: row.id for name, row in to.items()},
    )


def booked(
    inbox: Inbox, utm: Mapping[str, str | None] | None = None, **given: Any
) -> tuple[Invitee, dict[str, Any]]:
    invitee = Invitee(utm=utm or {}, **given)
    assert inbox.take(invitee.created()) == "processed"
    return invitee, call_of(inbox, invitee)


def call_of(inbox: Inbox, invitee: Invitee) -> dict[str, Any]:
    (row,) = [row for row in inbox.rows("events") if row["calendly_invitee_uuid"] == invitee.id]
    return row


@pytest.mark.parametrize(
    ("field", "operator", "value", "matches"),
    [
        ("utm_source", "equals", "INSTAGRAM ", True),
        ("utm_source", "equals", "insta", False),
        ("utm_source", "starts_with", "Insta", True),
        ("utm_source", "contains", "tagr", True),
        ("utm_source", "is_present", "", True),
        ("utm_medium", "is_present", "", False),
        ("utm_campaign", "contains", "100%", True),
        ("answer", "contains", "youtube", True),
        ("answer", "equals", "A friend", True),
        ("answer", "equals", "friend", False),
        ("referrer", "is_present", "", False),
    ],
)
def test_what_a_rule_matches(
    inbox: Inbox, field: str, operator: str, value: str, matches: bool
) -> None:
    source = inbox.organization.source()
    add_rule(inbox.organization, 1, field, operator, value, source_id=source)
    _, call = booked(
        inbox,
        {"utm_source": "Instagram", "utm_campaign": "save 100% now"},
        answers=[("How did you find us?", "On YouTube, I think"), ("Who told you?", "A friend")],
    )
    assert call["source_id"] == (source.id if matches else None)
    assert call["source_origin"] == ("rule" if matches else None)


def test_the_first_rule_by_position_decides_and_archived_ones_do_not(inbox: Inbox) -> None:
    acme = inbox.organization
    first, second, gone = acme.source("a"), acme.source("b"), acme.source("c")
    paid = acme.traffic_type()
    add_rule(acme, 3, "utm_source", "is_present", "", source_id=second)
    add_rule(acme, 2, "utm_source", "equals", "ig", source_id=first, traffic_type_id=paid)
    add_rule(acme, 1, "utm_source", "equals", "ig", source_id=gone)
    acme.world.execute(
        "update app.source_rules set archived_at = now() where source_id = %s", gone.id
    )
    _, call = booked(inbox, {"utm_source": "ig"})
    assert (call["source_id"], call["traffic_type_id"]) == (first.id, paid.id)
    _, other = booked(inbox, {"utm_source": "x"})
    assert (other["source_id"], other["traffic_type_id"]) == (second.id, None)


def test_a_call_type_decides_what_no_rule_does(inbox: Inbox) -> None:
    acme = inbox.organization
    ads, referral, cold = acme.source("Ads"), acme.source("Referral"), acme.traffic_type("Cold")
    acme.world.execute(
        "update app.call_types set default_source_id = %s, default_traffic_type_id = %s"
        " where organization_id = %s and id = %s",
        referral.id, cold.id, acme.id, acme.call_type("Strategy session").id,
    )  # fmt: skip
    add_rule(acme, 1, "utm_source", "equals", "ads", source_id=ads)
    _, plain = booked(inbox)
    _, from_ads = booked(inbox, {"utm_source": "ads"})
    assert [
        (call["source_id"], call["traffic_type_id"], call["source_origin"])
        for call in (plain, from_ads)
    ] == [(referral.id, cold.id, "call_type"), (ads.id, cold.id, "rule")]


def test_a_later_booking_inherits_what_a_person_said_of_the_first(inbox: Inbox) -> None:
    acme = inbox.organization
    ads, podcast = acme.source("Ads"), acme.source("Podcast")
    add_rule(acme, 1, "utm_source", "equals", "ads", source_id=ads)
    first, _ = booked(inbox, {"utm_source": "ads"})
    with acme.world.acting_as(acme.admin()) as db:
        db.changed("update api.events set source_id = %s", podcast.id)
    second = first.rescheduled_to(NOON + HOUR, BOOKED_AT + HOUR)
    inbox.take(second.created())
    assert call_of(inbox, first)["source_origin"] == "manual"
    later = call_of(inbox, second)
    assert (later["source_id"], later["source_origin"]) == (podcast.id, "inherited")


def test_a_lead_comes_from_where_its_first_booking_came_from(inbox: Inbox) -> None:
    acme = inbox.organization
    for position, name in enumerate(["ads", "podcast"]):
        add_rule(acme, position, "utm_source", "equals", name, source_id=acme.source(name))
    second = Invitee(email="m@lead.test", utm={"utm_source": "podcast"}, booked_at=BOOKED_AT + HOUR)
    first = Invitee(email="m@lead.test", utm={"utm_source": "ads"}, start=NOON + 24 * HOUR)
    inbox.take(second.created())
    inbox.take(first.created())
    assert inbox.row("leads")["source_id"] == call_of(inbox, first)["source_id"]


def test_a_source_that_a_person_gave_a_lead_stays(inbox: Inbox) -> None:
    acme = inbox.organization
    ads, podcast = acme.source("Ads"), acme.source("Podcast")
    add_rule(acme, 1, "utm_source", "equals", "ads", source_id=ads)
    first, _ = booked(inbox, {"utm_source": "ads"})
    with acme.world.acting_as(acme.admin()) as db:
        db.changed("update api.leads set source_id = %s", podcast.id)
    inbox.take(Invitee(email=first.email, utm=first.utm, start=NOON + HOUR).created())
    assert inbox.row("leads")["source_id"] == podcast.id


# -- changing rules


def preview(acme: Organization, rules: object) -> list[dict[str, Any]]:
    with acme.world.acting_as(acme.admin()) as db:
        return db.rows(
            "select * from api.preview_source_rules(%s, %s, %s, %s)",
            None if rules is None else Jsonb(rules, dumps=_dumps), *PERIOD, acme.id,
        )  # fmt: skip


def _dumps(rules: object) -> str:
    return json.dumps(rules, default=str)


def apply(acme: Organization) -> int:
    with acme.world.acting_as(acme.admin()) as db:
        changed: int = db.value("select api.apply_source_rules(%s, %s, %s)", *PERIOD, acme.id)
    return changed


def test_a_preview_counts_what_would_change_and_changes_nothing(inbox: Inbox) -> None:
    acme = inbox.organization
    ads = acme.source("Ads")
    calls = {booked(inbox, {"utm_source": "ads"})[1]["id"] for _ in range(7)}
    booked(inbox, {"utm_source": "other"})
    before = inbox.rows("events")
    rule = {"field": "utm_source", "operator": "equals", "value": "ads", "source_id": ads.id}
    (change,) = preview(acme, [rule])
    assert (change["old_source_id"], change["new_source_id"]) == (None, ads.id)
    assert change["calls"] == 7
    assert len(change["sample_ids"]) == 5
    assert set(change["sample_ids"]) <= calls
    assert preview(acme, None) == preview(acme, []) == []
    assert inbox.rows("events") == before


def test_applying_rules_changes_what_nobody_set(inbox: Inbox) -> None:
    acme = inbox.organization
    ads, podcast = acme.source("Ads"), acme.source("Podcast")
    first, _ = booked(inbox, {"utm_source": "ads"})
    second = first.rescheduled_to(NOON + HOUR, BOOKED_AT + HOUR, utm={})
    inbox.take(second.created())
    by_hand, call = booked(inbox, {"utm_source": "ads"})
    with acme.world.acting_as(acme.admin()) as db:
        db.changed("update api.events set source_id = %s where id = %s", podcast.id, call["id"])
    out_of_range, _ = booked(inbox, {"utm_source": "ads"}, booked_at=BOOKED_AT - 60 * 24 * HOUR)
    add_rule(acme, 1, "utm_source", "equals", "ads", source_id=ads)

    (change,) = preview(acme, None)
    assert (change["calls"], change["new_source_id"]) == (2, ads.id)
    assert [apply(acme), apply(acme)] == [2, 0]
    assert call_of(inbox, first)["source_id"] == ads.id
    assert call_of(inbox, second)["source_id"] == ads.id
    assert call_of(inbox, by_hand)["source_id"] == podcast.id
    assert call_of(inbox, out_of_range)["source_id"] is None
    leads = {row["email"]: row["source_id"] for row in inbox.rows("leads")}
    assert leads[first.email] == ads.id
    assert preview(acme, None) == []


def test_payments_follow_the_source_of_their_call(inbox: Inbox) -> None:
    acme = inbox.organization
    ads = acme.source("Ads")
    invitee, call = booked(inbox, {"utm_source": "ads"})
    acme.payment(
        amount=Decimal("10.00"),
        lead=Row(acme.id, call["lead_id"]),
        event=Row(acme.id, call["id"]),
        customer_email=invitee.email,
        attribution_method="identity_event",
    )
    add_rule(acme, 1, "utm_source", "equals", "ads", source_id=ads)
    assert apply(acme) == 1
    assert inbox.row("payments")["source_id"] == ads.id


@pytest.mark.parametrize(
    "rules",
    [
        {},
        "x",
        [1],
        [{}],
        [{"field": "utm_source", "operator": "equals", "value": "a"}],
        [{"field": "utm", "operator": "equals", "value": "a", "source_id": "SOURCE"}],
        [{"field": "answer", "operator": "like", "value": "a", "source_id": "SOURCE"}],
        [{"field": "answer", "operator": "equals", "value": "a", "source_id": "OTHER"}],
        [{"field": "answer", "operator": "equals", "value": "a", "source_id": "no id"}],
    ],
)
def test_what_is_no_rule_of_the_organization_is_refused(world: World, rules: Any) -> None:
    acme, beta = world.organization("acme"), world.organization("beta")
    ids = {"SOURCE": acme.source().id, "OTHER": beta.source().id}
    if isinstance(rules, list):
        rules = [
            {**rule, "source_id": ids.get(rule["source_id"], rule["source_id"])}
            if isinstance(rule, dict) and "source_id" in rule
            else rule
            for rule in rules
        ]
    with refused("PT422"):
        preview(acme, rules)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from api.preview_source_rules('[]', %s, %s, %s)",
        "select api.apply_source_rules(%s, %s, %s)",
    ],
)
def test_only_admins_preview_and_apply_rules(world: World, statement: str) -> None:
    acme, beta = world.organization("acme"), world.organization("beta")
    for person, code in (
        (acme.closer(), "42501"),
        (acme.setter(), "42501"),
        (beta.admin(), "PT404"),
    ):
        with refused(code), world.acting_as(person) as db:
            db.rows(statement, *PERIOD, acme.id)
