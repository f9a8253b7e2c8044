"""What a post-call form may say, and what follows from it."""

import itertools
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.acting import refused
from tests.world import ANSWERS, NOON, Organization, Row, World

AFTER = NOON + timedelta(hours=1)
REASONS = ("lead_no_show", "lead_canceled", "reschedule_requested", "closer_absent", "technical")

MEANINGS = {
    # (occurred, showed, offer, closed, reason): (status, outcome, canceled_by)
    (True, True, False, False, None): ("completed", "showed_no_offer", None),
    (True, True, True, False, None): ("completed", "showed_offer", None),
    (True, True, True, True, None): ("completed", "closed", None),
    (False, False, False, False, None): ("no_show", "no_show", None),
    (False, False, False, False, "lead_no_show"): ("no_show", "no_show", None),
    (False, False, False, False, "lead_canceled"): ("canceled", None, "invitee"),
    (False, False, False, False, "reschedule_requested"): ("canceled", None, "invitee"),
    (False, False, False, False, "closer_absent"): ("canceled", None, "host"),
    (False, True, False, False, "closer_absent"): ("canceled", None, "host"),
    (False, False, False, False, "technical"): ("canceled", None, "host"),
    (False, True, False, False, "technical"): ("canceled", None, "host"),
}
COMBINATIONS = list(itertools.product(*[(True, False)] * 4, (None, *REASONS)))


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


@pytest.fixture
def call(acme: Organization) -> Row:
    return acme.event(closer=acme.closer(), setter=acme.setter())


def problems(acme: Organization, call: Row, **answers: object) -> dict[str, str]:
    """What is wrong with a form, by field. It must be refused, and change nothing."""
    with refused("PT422") as caught:
        acme.form(call, at=AFTER, **answers)
    assert acme.state(call) == ("scheduled", None)
    assert acme.world.value("select count(*) from app.post_call_forms") == 0
    found: dict[str, str] = json.loads(caught.value.diag.message_detail or "{}")
    assert all(sentence.endswith(".") for sentence in found.values())
    return found


def read(world: World, form: Row) -> dict[str, Any]:
    (row,) = world.rows("select * from app.post_call_forms where id = %s", form.id)
    return row


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_a_combination_of_answers_means_one_thing_or_is_refused(
    acme: Organization, call: Row, combination: tuple[bool, bool, bool, bool, str | None]
) -> None:
    names = ("call_occurred", "lead_showed", "offer_made", "deal_closed", "non_occurrence_reason")
    answers = dict(zip(names, combination, strict=True))
    if combination in MEANINGS:
        acme.form(call, at=AFTER, **answers)
        (event,) = acme.world.rows("select * from app.events where id = %s", call.id)
        found = (event["call_status"], event["event_outcome"], event["canceled_by"])
        assert found == MEANINGS[combination]
        assert event["pcf_submitted"]
    else:
        assert problems(acme, call, **answers).keys() <= set(names)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"event_outcome": "showed"}, "showed_no_offer"),
        ({"event_outcome": "showed_no_offer"}, "showed_no_offer"),
        ({"event_outcome": "showed_offer"}, "showed_offer"),
        ({"event_outcome": "closed"}, "closed"),
        ({"event_outcome": "no_show"}, "no_show"),
        ({"call_occurred": True}, "showed_no_offer"),
        ({"call_occurred": True, "event_outcome": "showed"}, "showed_no_offer"),
        ({"call_occurred": True, "offer_made": True, "lead_showed": None}, "showed_offer"),
        ({"call_occurred": False}, "no_show"),
    ],
    ids=str,
)
def test_what_is_left_out_has_a_default(
    acme: Organization, call: Row, answers: dict[str, object], outcome: str
) -> None:
    acme.form(call, at=AFTER, **answers)
    assert acme.state(call)[1] == outcome


def test_an_outcome_in_one_word_must_agree_with_the_other_answers(
    acme: Organization, call: Row
) -> None:
    found = problems(acme, call, call_occurred=True, offer_made=True, event_outcome="showed")
    assert found.keys() == {"event_outcome"}
    assert problems(acme, call, call_occurred=False, event_outcome="closed")


def test_everything_that_is_wrong_is_said_at_once(acme: Organization, call: Row) -> None:
    found = problems(
        acme,
        call,
        call_occurred="yes",
        offer_made=1,
        non_occurrence_reason="bored",
        payment_type="barter",
        cash_collected=-5,
        contract_value="a lot",
        currency="dollars",
        notes=["no"],
        package_id="gold",
        closer_id=str(acme.id),
        opportunity_status_id=str(acme.id),
        favourite_colour="green",
        version=7,
    )
    assert found.keys() == {
        "call_occurred",
        "offer_made",
        "non_occurrence_reason",
        "payment_type",
        "cash_collected",
        "contract_value",
        "currency",
        "notes",
        "package_id",
        "closer_id",
        "opportunity_status_id",
        "favourite_colour",
        "version",
    }


@pytest.mark.parametrize("form", ["null", "[]", '"closed"', "3"])
def test_a_form_is_an_object(acme: Organization, call: Row, form: str) -> None:
    with refused("PT422"):
        acme.world.execute("select app.record_form(%s, %s, %s, %s)", acme.id, call.id, form, AFTER)
    with refused("PT422"):
        acme.world.execute("select app.record_form(%s, %s, null, %s)", acme.id, call.id, AFTER)


def test_a_form_says_at_least_whether_the_call_took_place(acme: Organization, call: Row) -> None:
    assert problems(acme, call).keys() == {"call_occurred"}
    assert problems(acme, call, call_occurred=None, notes="well").keys() == {"call_occurred"}


@pytest.mark.parametrize(
    ("given", "currency", "kept"),
    [
        (1500, "USD", "1500.00"),
        ("1500.5", "USD", "1500.50"),
        (1500.25, "usd", "1500.25"),
        ("1500.000", "JPY", "1500"),
        ("1.234", "KWD", "1.234"),
        (0, None, "0.00"),
    ],
)
def test_money_is_kept_at_the_scale_of_its_currency(
    acme: Organization, call: Row, given: object, currency: str | None, kept: str
) -> None:
    form = read(
        acme.world,
        acme.form(call, at=AFTER, call_occurred=True, contract_value=given, currency=currency),
    )
    assert str(form["contract_value"]) == kept
    assert form["currency"] == (currency or "USD").upper()


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("10.001", "USD"),
        ("0.5", "JPY"),
        ("1e3", "USD"),
        ("NaN", "USD"),
        ("-0", "USD"),
        (True, "USD"),
    ],
)
def test_money_is_never_rounded_or_guessed(
    acme: Organization, call: Row, amount: object, currency: str
) -> None:
    found = problems(acme, call, call_occurred=True, cash_collected=amount, currency=currency)
    assert found.keys() == {"cash_collected"}


def test_a_deposit_is_not_a_close(acme: Organization, call: Row) -> None:
    found = problems(acme, call, **ANSWERS["closed"], payment_type="deposit")
    assert found.keys() == {"payment_type"}
    acme.form(call, at=AFTER, **ANSWERS["showed_offer"], payment_type="deposit")


def test_an_outcome_of_the_drop_down_must_mean_what_the_answers_say(
    acme: Organization, call: Row
) -> None:
    won = acme.call_outcome("Won", "completed", "closed")
    canceled = acme.call_outcome("Called it off", "canceled")
    found = problems(acme, call, **ANSWERS["showed_offer"], call_outcome_id=str(won.id))
    assert found.keys() == {"call_outcome_id"}
    assert problems(acme, call, **ANSWERS["closed"], call_outcome_id=str(canceled.id))
    acme.form(call, at=AFTER, **ANSWERS["closed"], call_outcome_id=str(won.id))
    acme.form(call, at=AFTER, **ANSWERS["lead_canceled"], call_outcome_id=str(canceled.id))
    assert acme.state(call) == ("canceled", None)


def test_choices_are_the_organizations_own_and_still_offered(
    acme: Organization, call: Row, world: World
) -> None:
    foreign = world.organization("umbrella").package("Elsewhere")
    package = acme.package()
    assert problems(acme, call, call_occurred=True, package_id=str(foreign.id)) == {
        "package_id": "There is no such package."
    }
    acme.form(call, at=AFTER, call_occurred=True, package_id=str(package.id))
    world.execute("update app.packages set archived_at = now() where id = %s", package.id)
    acme.form(call, at=AFTER, call_occurred=True, package_id=str(package.id), notes="as before")
    acme.form(call, at=AFTER, call_occurred=True)
    with refused("PT422"):
        acme.form(call, at=AFTER, call_occurred=True, package_id=str(package.id))


def test_submitting_again_keeps_the_old_version_and_restates_the_call(
    acme: Organization, call: Row
) -> None:
    first = acme.form(call, at=AFTER, **ANSWERS["closed"], notes="done")
    second = acme.form(call, at=AFTER + timedelta(days=3), **ANSWERS["no_show"])
    rows = acme.world.rows(
        "select id, version, is_active, deal_closed from app.post_call_forms order by version"
    )
    assert [tuple(row.values()) for row in rows] == [
        (first.id, 1, False, True),
        (second.id, 2, True, False),
    ]
    assert acme.state(call) == ("no_show", "no_show")


def test_a_cover_shift_credits_who_took_the_call(acme: Organization, world: World) -> None:
    dana, eli, kim = acme.closer("dana"), acme.closer("eli"), acme.closer("kim")
    call = acme.event(closer=dana)

    def credited() -> Any:
        return world.value("select credited_closer_id from app.events where id = %s", call.id)

    assert credited() == dana.closer_id
    acme.form(call, at=AFTER, **ANSWERS["closed"], closer_id=eli.closer_id)
    assert credited() == eli.closer_id
    world.execute("update app.events set closer_id = %s where id = %s", kim.closer_id, call.id)
    assert credited() == eli.closer_id
    acme.form(call, at=AFTER, **ANSWERS["showed_offer"])
    assert credited() == eli.closer_id
    acme.form(call, at=AFTER, **ANSWERS["showed_offer"], closer_id=kim.closer_id)
    assert credited() == kim.closer_id


def test_a_system_form_credits_whoever_is_booked(acme: Organization, world: World) -> None:
    dana, eli = acme.closer("dana"), acme.closer("eli")
    call = acme.event(closer=dana)
    world.execute("select app.report_no_show(%s, %s, %s)", acme.id, call.id, AFTER)
    world.execute("update app.events set closer_id = %s where id = %s", eli.closer_id, call.id)
    assert (
        world.value("select credited_closer_id from app.events where id = %s", call.id)
        == eli.closer_id
    )


def test_money_of_a_form_is_a_claim_until_the_form_says_otherwise(
    acme: Organization, call: Row, world: World
) -> None:
    def claims() -> list[tuple[Decimal, bool]]:
        rows = world.rows(
            "select amount, deleted_at is null as counts from app.payments"
            " where organization_id = %s and source = 'manual'",
            acme.id,
        )
        return [(row["amount"], row["counts"]) for row in rows]

    acme.form(call, at=AFTER, **ANSWERS["closed"])
    assert claims() == []
    acme.form(call, at=AFTER, **ANSWERS["closed"], cash_collected="1500.00")
    assert claims() == [(Decimal("1500.00"), True)]
    acme.form(call, at=AFTER, **ANSWERS["closed"], cash_collected="1750.00")
    assert claims() == [(Decimal("1750.00"), True)]
    acme.form(call, at=AFTER, **ANSWERS["no_show"])
    assert claims() == [(Decimal("1750.00"), False)]


def test_a_refused_form_leaves_no_claim(acme: Organization, call: Row, world: World) -> None:
    with refused("PT409"):
        acme.form(call, at=NOON - timedelta(days=1), call_occurred=True, cash_collected=5)
    assert world.value("select count(*) from app.payments") == 0
