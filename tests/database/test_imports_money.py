"""Payments and refunds of files: one row per payment, whoever tells of it first."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.database.importing import importer
from tests.world import Organization, World

PAID = {
    "provider": "stripe",
    "provider_payment_id": "pi_1",
    "amount": "3000.00",
    "payment_date": "2026-01-10T12:00:00Z",
    "customer_email": "lee@lead.test",
}


def payments(acme: Organization) -> list[dict[str, Any]]:
    """The payments of the organization, oldest first."""
    return acme.world.rows(
        "select * from app.payments where organization_id = %s order by payment_date, id", acme.id
    )


def processor_tells(acme: Organization, amount: str, account: str = "") -> None:
    """A delivery about pi_1."""
    acme.world.value(
        "select what from app.record_processor_payments(array[app.told_payment("
        "%s, 'stripe', %s, 'pi_1', null, true, %s, 'USD', %s)])",
        acme.id,
        account,
        Decimal(amount),
        datetime(2026, 1, 10, 12, tzinfo=UTC),
    )


def test_the_people_that_a_file_names_are_credited_whole(world: World) -> None:
    acme = world.organization("acme")
    dana, eli, sam = acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    lead = acme.lead("Lee", email="lee@lead.test")
    acme.event(
        closer=eli, lead=lead, outcome="closed", scheduled_at=datetime(2026, 1, 9, tzinfo=UTC)
    )
    imports = importer(acme)
    rows = [PAID | {"closer": dana.email, "setter": sam.email}]
    assert imports("payments", rows).counts == (1, 0, 0, 0)
    (payment,) = payments(acme)
    assert payment["attribution_method"] == "import"
    assert (payment["closer_id"], payment["setter_id"]) == (dana.closer_id, sam.setter_id)
    assert payment["lead_id"] == lead.id
    assert world.rows(
        "select role, share, amount_base from app.payment_credits where organization_id = %s"
        " order by role",
        acme.id,
    ) == [
        {"role": "closer", "share": 1, "amount_base": Decimal("3000.00")},
        {"role": "setter", "share": 1, "amount_base": Decimal("3000.00")},
    ]
    assert imports("payments", rows).counts == (0, 0, 1, 0)
    assert imports("payments", [rows[0] | {"closer": eli.email}]).counts == (0, 1, 0, 0)
    assert payments(acme)[0]["closer_id"] == eli.closer_id


def test_without_people_the_ladder_decides(world: World) -> None:
    acme = world.organization("acme")
    eli = acme.closer("eli")
    lead = acme.lead("Lee", email="lee@lead.test")
    call = acme.event(
        closer=eli, lead=lead, outcome="closed", scheduled_at=datetime(2026, 1, 9, tzinfo=UTC)
    )
    importer(acme)("payments", [PAID])
    (payment,) = payments(acme)
    assert (payment["event_id"], payment["closer_id"]) == (call.id, eli.closer_id)
    assert payment["deal_id"] is not None


def test_a_person_whom_nobody_is_known_as_gets_nothing_and_nobody_else_does(world: World) -> None:
    acme = world.organization("acme")
    eli = acme.closer("eli")
    lead = acme.lead("Lee", email="lee@lead.test")
    acme.event(
        closer=eli, lead=lead, outcome="closed", scheduled_at=datetime(2026, 1, 9, tzinfo=UTC)
    )
    report = importer(acme)("payments", [PAID | {"closer_name": "D. Diaz"}])
    assert report.counts == (1, 0, 0, 0)
    assert payments(acme)[0]["closer_id"] is None
    assert {
        r["check_name"]
        for r in world.rows(
            "select check_name from app.exceptions where organization_id = %s", acme.id
        )
    } == {"unknown_closer", "unattributed_payment"}


def test_a_payment_is_there_once_whether_file_or_processor_tells_first(world: World) -> None:
    acme, beta = world.organization("acme"), world.organization("beta")
    importer(acme)("payments", [PAID])
    processor_tells(acme, "3000.00")
    processor_tells(beta, "3000.00")
    assert importer(beta)("payments", [PAID | {"payment_type": "pif"}]).counts == (0, 1, 0, 0)
    assert [len(payments(o)) for o in (acme, beta)] == [1, 1]
    assert payments(beta)[0]["payment_type"] == "pif"


def test_the_account_of_a_connection_made_later_is_that_of_imported_payments(world: World) -> None:
    acme = world.organization("acme")
    importer(acme)("payments", [PAID | {"refund_amount": "100"}])
    world.insert(
        "webhook_connections",
        organization_id=acme.id,
        name="Stripe",
        connection_type="stripe",
        provider_account="acct_1",
    )
    processor_tells(acme, "3000.00", account="acct_1")
    (payment,) = payments(acme)
    assert (payment["provider_account"], payment["refund_amount"]) == ("acct_1", Decimal("100.00"))


def test_an_amount_that_the_processor_told_is_not_changed_by_a_file(world: World) -> None:
    acme = world.organization("acme")
    processor_tells(acme, "2500.00")
    report = importer(acme)("payments", [PAID])
    assert report.errors == {(1, "amount")}
    assert payments(acme)[0]["amount"] == Decimal("2500.00")


def test_an_amount_that_a_file_told_follows_the_file(world: World) -> None:
    acme = world.organization("acme")
    dana = acme.closer("dana")
    imports = importer(acme)
    row = PAID | {"closer": dana.email}
    imports("payments", [row])
    assert imports("payments", [row | {"amount": "3100.00"}]).counts == (0, 1, 0, 0)
    assert world.value(
        "select amount_base from app.payment_credits where organization_id = %s", acme.id
    ) == Decimal("3100.00")


def test_a_refunded_total_is_a_refund_that_the_processors_own_explains(world: World) -> None:
    acme = world.organization("acme")
    imports = importer(acme)
    imports("payments", [PAID | {"refund_amount": "500", "refunded_at": "2026-02-01"}])
    assert payments(acme)[0]["refund_amount"] == Decimal("500.00")
    world.value(
        "select (app.record_processor_refund(%s, 'stripe', '', 'pi_1', null, 're_1', 'refund',"
        " 'succeeded', 500.00, 'USD', %s)).what",
        acme.id,
        datetime(2026, 2, 1, tzinfo=UTC),
    )
    assert payments(acme)[0]["refund_amount"] == Decimal("500.00")
    assert imports("payments", [PAID | {"refund_amount": "3001"}]).errors == {(1, "refund_amount")}


def test_refunds_are_never_more_than_is_left(world: World) -> None:
    acme = world.organization("acme")
    imports = importer(acme)
    imports("payments", [PAID])
    refund = {"payment": "pi_1", "refunded_at": "2026-02-01", "amount": "2000"}
    rows = [refund | {"external_id": "1"}, refund | {"external_id": "2"}]
    report = imports("refunds", rows)
    assert (report.counts, report.errors) == ((1, 0, 0, 1), {(2, "amount")})
    assert imports("refunds", rows).counts == (0, 0, 1, 1)
    assert payments(acme)[0]["refund_amount"] == Decimal("2000.00")


def test_a_claim_is_the_imported_payment_of_its_money(world: World) -> None:
    acme = world.organization("acme")
    dana = acme.closer("dana")
    lead = acme.lead("Lee", email="lee@lead.test")
    call = acme.event(
        closer=dana,
        lead=lead,
        outcome="closed",
        scheduled_at=datetime(2026, 1, 10, tzinfo=UTC),
        form={"cash_collected": 3000},
    )
    importer(acme)("payments", [PAID | {"event": str(call.id)}])
    assert {p["claim_state"] for p in payments(acme)} == {None, "superseded"}
    assert {p["closer_id"] for p in payments(acme)} == {dana.closer_id}


def test_money_is_refused_where_it_would_be_rounded_or_is_not_yet_paid(world: World) -> None:
    imports = importer(world.organization("acme"))
    report = imports(
        "payments",
        [
            PAID | {"amount": "10.005"},
            PAID | {"amount": "10.5", "currency": "JPY", "provider_payment_id": "pi_2"},
            PAID | {"payment_date": "2090-01-01", "provider_payment_id": "pi_3"},
            PAID | {"amount": "$10", "provider_payment_id": "pi_4"},
            PAID | {"amount": "0", "provider_payment_id": "pi_5"},
            {k: v for k, v in PAID.items() if k != "provider_payment_id"},
        ],
    )
    assert report.counts == (0, 0, 0, 6)
    assert {(1, "amount"), (2, "amount"), (3, "payment_date"), (4, "amount"), (5, "amount")} < (
        report.errors
    )
