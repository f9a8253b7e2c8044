"""Closers and setters: who they are, who is paid for them, and whom platforms propose."""

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.calendly_events import Invitee
from tests.database.inbox import Inbox, open_inbox
from tests.world import NOON, Organization, Person, World

USERS = "https://api.calendly.com/users/"


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def add(who: Person, acme: Organization, table: str, **columns: object) -> UUID:
    """What POST /closers does."""
    given = {"organization_id": acme.id, **columns}
    names, holes = ", ".join(given), ", ".join(f"%({name})s" for name in given)
    with acme.world.acting_as(who) as db:
        made: UUID = db.value(
            f"insert into api.{table} ({names}) values ({holes}) returning id", **given
        )
    return made


def change(who: Person, acme: Organization, table: str, entry: UUID, **columns: object) -> None:
    """What PATCH /closers does."""
    sets = ", ".join(f"{name} = %({name})s" for name in columns)
    with acme.world.acting_as(who) as db:
        db.rows(f"update api.{table} set {sets} where id = %(entry)s", entry=entry, **columns)


def entry(acme: Organization, table: str, row_id: UUID) -> dict[str, Any]:
    (found,) = acme.world.rows(
        f"select * from app.{table} where organization_id = %s and id = %s", acme.id, row_id
    )
    return found


def payees(acme: Organization) -> dict[UUID, dict[str, Any]]:
    rows = acme.world.rows("select * from app.payees where organization_id = %s", acme.id)
    return {row["id"]: row for row in rows}


def refusal(who: Person, acme: Organization, query: str, *arguments: object) -> str | None:
    """The SQLSTATE with which somebody's call is refused; nothing is kept."""
    acme.world.session(who)
    try:
        with (
            acme.world.connection.transaction(force_rollback=True),
            acme.world.acting_as(who) as db,
        ):
            db.rows(query, *arguments)
    except psycopg.Error as error:
        return error.sqlstate
    return None


# -- one person, one payee


def test_one_person_on_both_rosters_has_one_payee(acme: Organization) -> None:
    ada, dana = acme.admin(), acme.member("dana")
    closer = add(ada, acme, "closers", name="Dana", email="dana@sales.test")
    setter = add(ada, acme, "setters", name="Dana D", email=" DANA@sales.test")
    other = add(ada, acme, "setters", name="Dana")
    assert len(payees(acme)) == 2
    shared = entry(acme, "closers", closer)["payee_id"]
    assert entry(acme, "setters", setter)["payee_id"] == shared
    assert entry(acme, "setters", other)["payee_id"] != shared
    change(ada, acme, "closers", closer, profile_id=dana.user_id)
    assert payees(acme)[shared]["profile_id"] == dana.user_id
    with acme.world.acting_as(dana) as db:
        assert db.ids("select id from api.payees") == {shared}
        (me,) = db.rows("select closer_id, setter_id, payee_id from api.me()")
    assert me == {"closer_id": closer, "setter_id": None, "payee_id": shared}


def test_who_becomes_somebody_known_is_paid_as_that_person(acme: Organization) -> None:
    ada, dana = acme.admin(), acme.closer("dana")
    setter = add(ada, acme, "setters", name="D.", email="d@private.test")
    left = entry(acme, "setters", setter)["payee_id"]
    change(ada, acme, "setters", setter, profile_id=dana.user_id)
    assert entry(acme, "setters", setter)["payee_id"] == dana.payee_id
    assert left not in payees(acme)


def test_a_payee_who_is_named_elsewhere_stays_with_the_person_and_inactive(
    acme: Organization,
) -> None:
    ada, dana = acme.admin(), acme.closer("dana")
    closer = add(ada, acme, "closers", name="Old Dana", email="old@private.test")
    old = entry(acme, "closers", closer)["payee_id"]
    acme.world.insert(
        "closer_access_tokens",
        organization_id=acme.id,
        payee_id=old,
        scope="statement",
        token_hash=b"s" * 32,
        expires_at=NOON,
    )
    change(ada, acme, "closers", closer, profile_id=dana.user_id)
    assert entry(acme, "closers", closer)["payee_id"] == dana.payee_id
    assert (payees(acme)[old]["is_active"], payees(acme)[old]["profile_id"]) == (
        False,
        dana.user_id,
    )


def test_unlinking_takes_the_payee_from_the_person_unless_another_entry_is_theirs(
    acme: Organization,
) -> None:
    ada, dana = acme.admin(), acme.member("dana")
    closer = add(ada, acme, "closers", name="Dana", email="d@x.test", profile_id=dana.user_id)
    setter = add(ada, acme, "setters", name="Dana", profile_id=dana.user_id)
    payee = entry(acme, "closers", closer)["payee_id"]
    assert entry(acme, "setters", setter)["payee_id"] == payee
    change(ada, acme, "closers", closer, profile_id=None)
    assert payees(acme)[payee]["profile_id"] == dana.user_id
    change(ada, acme, "setters", setter, profile_id=None)
    assert payees(acme)[payee]["profile_id"] is None
    eli = acme.member("eli")
    change(ada, acme, "closers", closer, profile_id=eli.user_id)
    assert payees(acme)[payee]["profile_id"] == eli.user_id
    assert len(payees(acme)) == 1


def test_another_organization_pays_the_same_person_apart(acme: Organization) -> None:
    beta = acme.world.organization("beta")
    dana = acme.closer("dana")
    there = add(beta.admin(), beta, "closers", name="Dana", email=dana.email)
    assert entry(beta, "closers", there)["payee_id"] in payees(beta)
    assert set(payees(acme)) == {dana.payee_id}


def test_only_members_are_linked(acme: Organization) -> None:
    ada, stranger = acme.admin(), acme.world.organization("beta").closer()
    closer = add(ada, acme, "closers", name="Free")
    link = "update api.closers set profile_id = %s where id = %s"
    assert refusal(ada, acme, link, stranger.user_id, closer) == "PT422"
    made = "insert into api.setters (organization_id, name, profile_id) values (%s, 'S', %s)"
    assert refusal(ada, acme, made, acme.id, stranger.user_id) == "PT422"
    paid = "insert into api.payees (organization_id, name, profile_id) values (%s, 'P', %s)"
    assert refusal(ada, acme, paid, acme.id, stranger.user_id) == "PT422"


def test_payees_from_before_are_made_for_whoever_has_none(acme: Organization) -> None:
    migration = Path("db/migrations/0026_people.sql").read_text()
    ada, dana = acme.admin(), acme.closer("dana")
    known = add(ada, acme, "setters", name="Dana", profile_id=dana.user_id)
    both = [add(ada, acme, table, name="Bo", email="bo@x.test") for table in ("closers", "setters")]
    for table in ("closers", "setters"):
        acme.world.execute(f"alter table app.{table} disable trigger completes_roster_row")
        acme.world.execute(f"update app.{table} set payee_id = null where id <> %s", dana.closer_id)
    acme.world.execute("delete from app.payees where id <> %s", dana.payee_id)
    acme.world.execute(migration[migration.index("with entry as") :])
    assert entry(acme, "setters", known)["payee_id"] == dana.payee_id
    found = {
        entry(acme, table, row)["payee_id"]
        for table, row in zip(("closers", "setters"), both, strict=True)
    }
    assert found == set(payees(acme)) - {dana.payee_id}
    assert len(found) == 1


# -- what entries are known by


def test_aliases_have_one_spelling_and_an_address_means_one_person(acme: Organization) -> None:
    ada = acme.admin()
    dana = add(ada, acme, "closers", name="Dana", aliases=[" Dana@Old.test", "DD", "dd", " "])
    eli = add(ada, acme, "closers", name="Eli", email="eli@x.test", aliases=["dd"])
    assert entry(acme, "closers", dana)["aliases"] == ["dana@old.test", "dd"]
    take = "update api.closers set aliases = %s where id = %s"
    assert refusal(ada, acme, take, ["dana@old.test"], eli) == "PT422"
    assert refusal(ada, acme, take, ["Eli@x.test"], dana) == "PT422"
    as_address = "update api.closers set email = 'DANA@old.test' where id = %s"
    assert refusal(ada, acme, as_address, eli) == "PT422"
    add(ada, acme, "setters", name="Dana", aliases=["dana@old.test"])


def test_colleagues_see_names_and_nothing_else(acme: Organization) -> None:
    dana, sam = acme.closer("dana"), acme.setter("sam")
    with acme.world.acting_as(sam) as db:
        (seen,) = db.rows("select * from api.closers where id = %s", dana.closer_id)
    shown = {name for name, value in seen.items() if value is not None}
    assert shown == {"organization_id", "id", "name", "is_active", "created_at", "updated_at"}


# -- whom platforms propose


def propose(acme: Organization, *rows: dict[str, object], provider: str = "calendly") -> int:
    told: int = acme.world.value(
        "select app.propose_hosts(%s, %s, %s)", acme.id, provider, Jsonb(list(rows))
    )
    return told


def proposals(acme: Organization) -> list[dict[str, Any]]:
    return acme.world.rows(
        "select id, provider_user_id, name, email, state, closer_id, setter_id"
        " from app.roster_proposals where organization_id = %s order by provider_user_id",
        acme.id,
    )


def accept(who: Person, acme: Organization, proposal: UUID, **said: object) -> UUID:
    named = "".join(f", {name} => %({name})s" for name in said)
    with acme.world.acting_as(who) as db:
        made: UUID = db.value(
            f"select api.accept_roster_proposal(proposal_id => %(proposal)s{named})",
            proposal=proposal, **said,
        )  # fmt: skip
    return made


def test_who_is_on_no_roster_is_proposed_once(acme: Organization) -> None:
    dana = acme.closer("dana")
    listed = (
        {"user_id": USERS + "1", "name": "Dana", "email": dana.email.upper()},
        {"user_id": USERS + "2", "name": "Nia", "email": "Nia@x.test"},
        {"user_id": None, "name": "Nobody"},
        {"email": "no address"},
        {"email": "by.address@x.test"},
    )
    assert propose(acme, *listed) == 2
    assert propose(acme, *listed) == 2
    assert [(row["provider_user_id"], row["email"], row["state"]) for row in proposals(acme)] == [
        ("by.address@x.test", "by.address@x.test", "open"),
        (USERS + "2", "nia@x.test", "open"),
    ]
    assert propose(acme, {"user_id": USERS + "3", "email": "by.address@x.test"}) == 1
    assert [row["provider_user_id"] for row in proposals(acme)] == [USERS + "2", USERS + "3"]
    assert propose(acme) == 0


def test_an_accepted_host_is_a_closer_and_gets_the_calls_that_waited(acme: Organization) -> None:
    inbox: Inbox = open_inbox(acme, provider="calendly")
    ada = acme.admin()
    for _ in range(3):
        inbox.take(Invitee(hosts=["new@example.test"]).created())
    inbox.take(Invitee(hosts=["other@example.test"]).created())
    waiting = [row["provider_user_id"] for row in proposals(acme)]
    assert waiting == ["new@example.test", "other@example.test"]
    closer = accept(ada, acme, proposals(acme)[0]["id"], roster="closer")
    taken = [row["closer_id"] for row in inbox.rows("events")]
    assert sorted(map(str, taken)) == sorted(map(str, [closer, closer, closer, None]))
    (done, still) = proposals(acme)
    assert (done["state"], done["closer_id"], still["state"]) == ("accepted", closer, "open")
    open_now = (
        "select count(*) from app.exceptions where check_name = 'unknown_host' and state = 'open'"
    )
    assert acme.world.value(open_now) == 1
    inbox.take(Invitee(hosts=["new@example.test"]).created())
    assert [row["closer_id"] for row in inbox.rows("events")].count(closer) == 4


def test_a_host_can_be_accepted_as_somebody_on_the_roster(acme: Organization) -> None:
    ada, dana, sam = acme.admin(), acme.closer("dana"), acme.setter("sam")
    propose(acme, {"user_id": USERS + "1", "name": "Dee", "email": "dee@x.test"})
    propose(acme, {"user_id": "user_9", "name": "Sammy", "email": "sammy@x.test"}, provider="close")
    by_id = {row["provider_user_id"]: row["id"] for row in proposals(acme)}
    assert accept(ada, acme, by_id[USERS + "1"], closer_id=dana.closer_id) == dana.closer_id
    assert accept(ada, acme, by_id["user_9"], setter_id=sam.setter_id) == sam.setter_id
    known = entry(acme, "closers", dana.closer_id or UUID(int=0))
    assert (known["aliases"], known["calendly_user_uri"]) == (["dee@x.test"], USERS + "1")
    known = entry(acme, "setters", sam.setter_id or UUID(int=0))
    assert (known["aliases"], known["close_user_id"]) == (["sammy@x.test"], "user_9")
    assert propose(acme, {"user_id": USERS + "1", "email": "dee@x.test"}) == 0


def test_an_entry_has_one_id_at_a_platform(acme: Organization) -> None:
    ada, dana = acme.admin(), acme.closer("dana")
    propose(acme, {"user_id": USERS + "1"}, {"user_id": USERS + "2"})
    first, second = (row["id"] for row in proposals(acme))
    accept(ada, acme, first, closer_id=dana.closer_id)
    call = "select api.accept_roster_proposal(%s, closer_id => %s)"
    assert refusal(ada, acme, call, second, dana.closer_id) == "PT409"
    assert refusal(ada, acme, call, second, UUID(int=7)) == "PT404"
    assert refusal(ada, acme, call, first, dana.closer_id) == "PT409"
    assert refusal(ada, acme, call, UUID(int=7), dana.closer_id) == "PT404"


def test_whoever_edits_the_roster_answers_open_proposals_too(acme: Organization) -> None:
    inbox: Inbox = open_inbox(acme, provider="calendly")
    ada, dana = acme.admin(), acme.closer("dana")
    invitee = Invitee(hosts=["new@example.test"])
    inbox.take(invitee.created())
    change(ada, acme, "closers", dana.closer_id or UUID(int=0), aliases=["New@example.test"])
    assert [row["closer_id"] for row in inbox.rows("events")] == [dana.closer_id]
    assert [row["state"] for row in proposals(acme)] == ["known"]
    assert inbox.open_exceptions() == set()


def test_a_dismissed_person_stays_dismissed_until_an_admin_accepts_them(
    acme: Organization,
) -> None:
    ada, person = acme.admin(), {"user_id": USERS + "1", "name": "Assistant", "email": "a@x.test"}
    propose(acme, person)
    (row,) = proposals(acme)
    with acme.world.acting_as(ada) as db:
        db.rows("select api.dismiss_roster_proposal(%s)", row["id"])
    assert propose(acme, person) == 0
    assert [p["state"] for p in proposals(acme)] == ["dismissed"]
    setter = accept(ada, acme, row["id"], roster="setter")
    assert [(p["state"], p["setter_id"]) for p in proposals(acme)] == [("accepted", setter)]
    for call in ("select api.dismiss_roster_proposal(%s)",
                 "select api.accept_roster_proposal(%s, 'closer')"):  # fmt: skip
        assert refusal(ada, acme, call, row["id"]) == "PT409"
        assert refusal(acme.closer(), acme, call, row["id"]) == "42501"
        beta = acme.world.organization("beta")
        assert refusal(beta.admin(), beta, call, row["id"]) == "PT404"


def test_a_calendar_that_is_nobodys_is_proposed_by_its_id_and_found_again(
    acme: Organization,
) -> None:
    call = acme.world.value(
        "select app.book_call(organization_id => %s, scheduled_at => %s, email => 'l@lead.test',"
        " provider => 'acuity', provider_booking_id => '1')",
        acme.id, NOON,
    )  # fmt: skip
    review = "select app.review_booking_people(%s, %s, %s, %s)"
    for _ in range(2):
        acme.world.rows(review, acme.id, call, ["cal@x.test", "Main calendar", "4711"], NOON)
    (row,) = proposals(acme)
    told = (row["provider_user_id"], row["name"], row["email"])
    assert told == ("4711", "Main calendar", "cal@x.test")
    closer = accept(acme.admin(), acme, row["id"], roster="closer")
    assert acme.world.value("select closer_id from app.events where id = %s", call) == closer
    known = "select app.closer_known_as(%s, %s)"
    assert acme.world.value(known, acme.id, "4711") == closer


@pytest.mark.parametrize("said", ["null", "'owner'", "'closer', %(row)s", "null, %(row)s, %(row)s"])
def test_one_thing_is_said_about_a_proposal(acme: Organization, said: str) -> None:
    propose(acme, {"user_id": USERS + "1"})
    (row,) = proposals(acme)
    ada = acme.admin()
    with acme.world.acting_as(ada) as db, pytest.raises(psycopg.Error) as error:
        db.rows(f"select api.accept_roster_proposal(%(row)s, {said})", row=row["id"])
    assert error.value.sqlstate == "PT422"
