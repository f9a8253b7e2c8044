"""Who is in an organization, and as what: invitations, roles, leaving, being removed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.world import Organization, Person, World


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def refused(do: Callable[[], object]) -> tuple[str | None, str]:
    """(SQLSTATE, detail) of what an action raises."""
    with pytest.raises(psycopg.Error) as error:
        do()
    return error.value.sqlstate, error.value.diag.message_detail or ""


def code(who: Person, acme: Organization, query: str, *arguments: object) -> str | None:
    """The SQLSTATE with which somebody's call is refused; None when it works. Nothing is kept."""
    world = acme.world
    world.session(who)
    try:
        with world.connection.transaction(force_rollback=True), world.acting_as(who) as db:
            db.rows(query, *arguments)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def invite(who: Person, acme: Organization, email: str, **arguments: object) -> dict[str, Any]:
    given = {"email": email, "organization_id": acme.id, **arguments}
    named = ", ".join(f"{name} => %({name})s" for name in given)
    with acme.world.acting_as(who) as db:
        made: dict[str, Any] = db.value(f"select api.create_invitation({named})", **given)
    return made


def role_of(acme: Organization, person: Person) -> str | None:
    (found,) = acme.world.rows(
        "select (select role from app.organization_members"
        " where organization_id = %s and user_id = %s)",
        acme.id, person.user_id,
    )  # fmt: skip
    role: str | None = found["role"]
    return role


def send(acme: Organization, made: dict[str, Any], token: bytes = b"t" * 32) -> bool:
    """What the gateway does after an invitation was made or renewed."""
    with acme.world.acting_as_role("gateway") as db:
        sent: bool = db.value(
            "select session.send_invitation(%s, %s, %s, %s, 'http://sales.test', '192.0.2.1')",
            acme.id, made["id"], token, b"sealed",
        )  # fmt: skip
    return sent


# -- inviting


def test_admins_invite_members_and_only_owners_invite_owners_and_admins(acme: Organization) -> None:
    call = "select api.create_invitation(%s, %s, organization_id => %s)"
    for who, role, expected in (
        (acme.owner(), "owner", None),
        (acme.owner(), "admin", None),
        (acme.admin(), "member", None),
        (acme.admin(), "admin", "42501"),
        (acme.admin(), "owner", "42501"),
        (acme.closer(), "member", "42501"),
        (acme.world.organization("beta").owner(), "member", "PT404"),
        (acme.world.super_admin(), "owner", None),
    ):
        assert code(who, acme, call, "new@example.test", role, acme.id) == expected


def test_an_invitation_opens_nothing_before_it_was_sent(acme: Organization) -> None:
    made = invite(acme.admin(), acme, " New@Example.test ")
    assert made["email"] == "New@Example.test"
    assert made["sent_at"] is None
    known = "select count(*) from app.open_invitation(%s)"
    assert acme.world.value(known, b"t" * 32) == 0
    assert send(acme, made)
    assert acme.world.value(known, b"t" * 32) == 1
    assert refused(lambda: send(acme, made, b"u" * 32))[0] == "PT409"


def test_the_mail_says_who_invites_where_and_as_what_and_holds_no_token(acme: Organization) -> None:
    ada = acme.admin("ada")
    made = invite(ada, acme, "new@example.test", expires_in_days=3)
    send(acme, made)
    (mail,) = acme.world.rows(
        "select kind, payload, secret from app.outbox where organization_id = %s", acme.id
    )
    expires = acme.world.value(
        "select to_char((now() + interval '3 days') at time zone 'America/New_York', 'YYYY-MM-DD')"
    )
    assert (mail["kind"], mail["secret"]) == ("email", b"sealed")
    assert mail["payload"] == {
        "template": "invite",
        "to": "new@example.test",
        "role": "member",
        "site_url": "http://sales.test",
        "invited_by": "ada",
        "expires_on": expires,
        "organization_name": "acme",
    }


def test_sending_again_voids_the_link_that_was_sent_before(acme: Organization) -> None:
    ada = acme.admin()
    made = invite(ada, acme, "new@example.test")
    send(acme, made, b"1" * 32)
    with acme.world.acting_as(ada) as db:
        db.value("select api.renew_invitation(%s, 2)", UUID(made["id"]))
    known = "select count(*) from app.open_invitation(%s)"
    assert acme.world.value(known, b"1" * 32) == 0
    send(acme, made, b"2" * 32)
    assert [acme.world.value(known, token * 32) for token in (b"1", b"2")] == [0, 1]
    assert (
        acme.world.value("select count(*) from app.outbox where organization_id = %s", acme.id) == 2
    )


def test_an_address_has_one_open_invitation_and_an_expired_one_gives_way(
    acme: Organization,
) -> None:
    ada = acme.admin()
    made = invite(ada, acme, "new@example.test")
    sqlstate, detail = refused(lambda: invite(ada, acme, "NEW@example.test"))
    assert sqlstate == "PT409"
    assert made["id"] in detail
    acme.world.execute(
        "update app.invitations set expires_at = now() - interval '1 s' where id = %s", made["id"]
    )
    again = invite(ada, acme, "new@example.test")
    assert again["id"] != made["id"]
    assert acme.world.value(
        "select revoked_at is not null from app.invitations where id = %s", made["id"]
    )


def test_a_revoked_or_accepted_invitation_stays_closed(acme: Organization) -> None:
    ada, nia = acme.admin(), acme.world.person("nia")
    first = invite(ada, acme, nia.email)
    send(acme, first)
    assert acme.world.value("select app.accept_invitation(%s, %s)", b"t" * 32, nia.user_id)
    second = invite(ada, acme, "new@example.test")
    revoke, renew = "select api.revoke_invitation(%s)", "select api.renew_invitation(%s)"
    with acme.world.acting_as(ada) as db:
        db.rows(revoke, UUID(second["id"]))
    for made in (first, second):
        for call in (revoke, renew):
            assert code(ada, acme, call, UUID(made["id"])) == "PT409"
    beta = acme.world.organization("beta")
    assert code(beta.admin(), beta, revoke, UUID(second["id"])) == "PT404"


def test_the_invitation_of_an_admin_is_the_owners_business(acme: Organization) -> None:
    made = invite(acme.owner(), acme, "new@example.test", role="admin")
    for call in ("select api.revoke_invitation(%s)", "select api.renew_invitation(%s)"):
        assert code(acme.admin(), acme, call, UUID(made["id"])) == "42501"
        assert code(acme.owner(), acme, call, UUID(made["id"])) is None


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"email": "no address"}, ["email"]),
        ({"role": "sales_rep"}, ["role"]),
        ({"expires_in_days": 31}, ["expires_in_days"]),
        ({"expires_in_days": 0}, ["expires_in_days"]),
        ({"email": "", "role": "x"}, ["email", "role"]),
    ],
)
def test_what_cannot_be_invited_is_named_by_field(
    acme: Organization, wrong: dict[str, object], named: list[str]
) -> None:
    given = {"email": "new@example.test", **wrong}
    sqlstate, detail = refused(lambda: invite(acme.admin(), acme, **given))  # type: ignore[arg-type]
    assert sqlstate == "PT422"
    assert [name for name in named if f'"{name}"' in detail] == named


def test_a_roster_entry_that_is_somebody_elses_cannot_be_promised(acme: Organization) -> None:
    ada, dana = acme.admin(), acme.closer()
    free = acme.world.insert("closers", organization_id=acme.id, name="Free")
    far = acme.world.organization("beta")
    elsewhere = acme.world.insert("closers", organization_id=far.id, name="Far")
    for closer_id in (dana.closer_id, elsewhere):
        sqlstate, detail = refused(
            lambda chosen=closer_id: invite(ada, acme, "n@example.test", closer_id=chosen)  # type: ignore[misc]
        )
        assert (sqlstate, '"closer_id"' in detail) == ("PT422", True)
    made = invite(ada, acme, "n@example.test", closer_id=free, becomes_closer=True)
    assert (made["closer_id"], made["becomes_closer"]) == (str(free), False)


def test_members_are_not_invited_again(acme: Organization) -> None:
    dana = acme.closer()
    assert refused(lambda: invite(acme.admin(), acme, dana.email))[0] == "PT409"


def test_whoever_accepts_becomes_the_closer_and_the_setter_that_were_meant(
    acme: Organization,
) -> None:
    nia = acme.world.person("nia")
    closer_id = acme.world.insert("closers", organization_id=acme.id, name="Old name")
    made = invite(acme.admin(), acme, nia.email, closer_id=closer_id, becomes_setter=True)
    send(acme, made)
    assert acme.world.value("select app.accept_invitation(%s, %s)", b"t" * 32, nia.user_id)
    assert role_of(acme, nia) == "member"
    (me,) = acme.world.rows(
        "select c.id as closer_id, c.payee_id, s.payee_id as setter_payee_id, s.name"
        " from app.closers as c join app.setters as s using (organization_id, profile_id)"
        " where c.organization_id = %s and c.profile_id = %s",
        acme.id, nia.user_id,
    )  # fmt: skip
    assert (me["closer_id"], me["name"]) == (closer_id, "nia")
    assert not acme.world.value("select app.accept_invitation(%s, %s)", b"t" * 32, nia.user_id)


def test_an_entry_that_became_somebody_elses_meanwhile_stays_theirs(acme: Organization) -> None:
    nia, dana = acme.world.person("nia"), acme.member("dana")
    closer_id = acme.world.insert("closers", organization_id=acme.id, name="Free")
    send(acme, invite(acme.admin(), acme, nia.email, closer_id=closer_id))
    acme.world.execute(
        "update app.closers set profile_id = %s where id = %s", dana.user_id, closer_id
    )
    assert acme.world.value("select app.accept_invitation(%s, %s)", b"t" * 32, nia.user_id)
    owner = acme.world.value("select profile_id from app.closers where id = %s", closer_id)
    assert owner == dana.user_id


def test_too_many_mails_to_one_address_wait(acme: Organization) -> None:
    ada = acme.admin()
    made = invite(ada, acme, "new@example.test")
    answers = []
    for _ in range(11):
        with acme.world.acting_as(ada) as db:
            db.value("select api.renew_invitation(%s)", UUID(made["id"]))
        answers.append(send(acme, made))
    assert answers == [True] * 10 + [False]
    waits = "select sent_at is null from app.invitations where id = %s"
    assert acme.world.value(waits, made["id"])


# -- roles


SET_ROLE = "select api.set_member_role(%s, %s, %s)"


def test_owners_appoint_and_admins_cannot_touch_owners_or_admins(acme: Organization) -> None:
    olga, ada, dana = acme.owner(), acme.admin(), acme.closer()
    other = acme.admin("other")
    for who, whom, role, expected in (
        (olga, dana, "admin", None),
        (olga, dana, "owner", None),
        (olga, ada, "member", None),
        (ada, dana, "member", None),
        (ada, dana, "admin", "42501"),
        (ada, other, "member", "42501"),
        (ada, olga, "member", "42501"),
        (ada, ada, "owner", "42501"),
        (ada, ada, "member", None),
        (olga, olga, "member", "PT409"),
        (dana, dana, "admin", "42501"),
        (olga, dana, "king", "PT422"),
        (acme.world.super_admin(), ada, "owner", None),
        (acme.world.organization("beta").owner(), dana, "member", "PT404"),
    ):
        assert code(who, acme, SET_ROLE, whom.user_id, role, acme.id) == expected, (
            who.name, whom.name, role,
        )  # fmt: skip
    stranger = acme.world.person("stranger")
    assert code(olga, acme, SET_ROLE, stranger.user_id, "admin", acme.id) == "PT404"


def test_a_transfer_swaps_owner_and_admin_in_one_step(acme: Organization) -> None:
    olga, ada, dana = acme.owner(), acme.admin(), acme.closer()
    call = "select api.transfer_ownership(%s, %s)"
    assert code(ada, acme, call, dana.user_id, acme.id) == "42501"
    assert code(olga, acme, call, olga.user_id, acme.id) == "PT422"
    assert code(olga, acme, call, acme.world.person("x").user_id, acme.id) == "PT404"
    with acme.world.acting_as(olga) as db:
        db.rows(call, dana.user_id, acme.id)
    assert [role_of(acme, who) for who in (olga, ada, dana)] == ["admin", "admin", "owner"]
    with acme.world.acting_as(acme.world.super_admin()) as db:
        db.rows(call, ada.user_id, acme.id)
    assert [role_of(acme, who) for who in (olga, ada, dana)] == ["admin", "owner", "owner"]


# -- leaving


REMOVE = "select api.remove_member(%s, %s)"


def test_admins_remove_members_and_owners_everybody_but_the_last_owner(acme: Organization) -> None:
    olga, ada, dana, eli = acme.owner(), acme.admin(), acme.closer(), acme.closer("eli")
    for who, whom, expected in (
        (ada, dana, None),
        (ada, acme.admin("other"), "42501"),
        (ada, olga, "42501"),
        (ada, ada, None),
        (olga, ada, None),
        (olga, olga, "PT409"),
        (dana, eli, "42501"),
        (dana, dana, "42501"),
        (acme.world.organization("beta").owner(), dana, "PT404"),
        (acme.world.super_admin(), ada, None),
    ):
        assert code(who, acme, REMOVE, whom.user_id, acme.id) == expected, (who.name, whom.name)
    second = acme.owner("second")
    assert code(olga, acme, REMOVE, olga.user_id, acme.id) is None
    assert code(olga, acme, REMOVE, second.user_id, acme.id) is None


def test_who_belongs_nowhere_else_is_signed_out_and_who_does_is_not(acme: Organization) -> None:
    beta = acme.world.organization("beta")
    ada, dana, eli = acme.admin(), acme.closer("dana"), acme.closer("eli")
    beta.join(eli, "member")
    lives = "select revoked_at is null from auth.sessions where id = %s"
    sessions = {who: acme.world.session(who) for who in (dana, eli)}
    with acme.world.acting_as(ada) as db:
        for who in (dana, eli):
            db.rows(REMOVE, who.user_id, acme.id)
    assert [acme.world.value(lives, sessions[who]) for who in (dana, eli)] == [False, True]
    with acme.world.acting_as(eli) as db:
        assert db.ids("select id from api.organizations") == {beta.id}
        with pytest.raises(psycopg.Error) as error:
            db.rows("select api.leave_organization(%s)", acme.id)
    assert error.value.sqlstate == "PT404"


def test_rosters_and_calls_stay_and_who_comes_back_finds_them(acme: Organization) -> None:
    ada, dana = acme.admin(), acme.closer()
    call = acme.event(closer=dana)
    acme.payment(closer=dana, event=call)
    links = {
        scope: acme.world.insert(
            "closer_access_tokens", organization_id=acme.id, scope=scope,
            token_hash=scope.encode()[:1] * 32, closer_id=dana.closer_id, payee_id=dana.payee_id,
            expires_at=acme.world.value("select now() + interval '1 day'"),
        )
        for scope in ("pcf", "statement")
    }  # fmt: skip
    with acme.world.acting_as(dana) as db:
        db.rows("select api.leave_organization()")
    assert role_of(acme, dana) is None
    ended = "select revoked_at is not null from app.closer_access_tokens where id = %s"
    assert {scope: acme.world.value(ended, token) for scope, token in links.items()} == {
        "pcf": True,
        "statement": True,
    }
    with acme.world.acting_as(ada) as db:
        assert db.rows(
            "select profile_id, is_active from api.closers where id = %s", dana.closer_id
        )
        assert db.ids("select id from api.events") == {call.id}
    acme.world.sessions.clear()
    with acme.world.acting_as(dana) as db:
        assert db.ids("select id from api.events") == set()
        assert db.ids("select id from api.closers") == set()
    acme.join(dana, "member")
    with acme.world.acting_as(dana) as db:
        assert db.ids("select id from api.events") == {call.id}


def test_an_open_invitation_is_no_way_back_for_who_was_removed(acme: Organization) -> None:
    ada, nia = acme.admin(), acme.world.person("nia")
    send(acme, invite(ada, acme, nia.email))
    acme.join(nia, "member")
    with acme.world.acting_as(ada) as db:
        db.rows(REMOVE, nia.user_id, acme.id)
    assert not acme.world.value("select app.accept_invitation(%s, %s)", b"t" * 32, nia.user_id)


# -- leaving the platform


DELETE = "select api.delete_user(%s)"


def test_only_super_admins_delete_people_and_what_they_did_stays(acme: Organization) -> None:
    root, ada, dana = acme.world.super_admin(), acme.admin(), acme.closer()
    for who in (acme.owner(), ada, dana):
        assert code(who, acme, DELETE, dana.user_id) == "42501"
    call = acme.event(closer=dana, outcome="closed")
    payment = acme.payment(closer=dana, event=call)
    session = acme.world.session(dana)
    with acme.world.acting_as(dana) as db:
        db.rows("update api.profiles set timezone = 'Europe/Paris'")
    trail = "select count(*) from app.platform_audit_logs where actor_id = %s"
    before = acme.world.value(trail, dana.user_id)
    assert before > 0
    with acme.world.acting_as(root) as db:
        db.rows(DELETE, dana.user_id)
    assert code(root, acme, DELETE, dana.user_id) == "PT404"
    assert acme.world.value("select count(*) from auth.sessions where id = %s", session) == 0
    assert role_of(acme, dana) is None
    assert acme.world.value(trail, dana.user_id) == before
    (entry,) = acme.world.rows(
        "select c.profile_id, c.name, p.profile_id as payee_profile_id"
        " from app.closers as c join app.payees as p"
        " on p.organization_id = c.organization_id and p.id = c.payee_id where c.id = %s",
        dana.closer_id,
    )
    assert entry == {"profile_id": None, "name": "dana", "payee_profile_id": None}
    with acme.world.acting_as(ada) as db:
        assert db.ids("select id from api.events") == {call.id}
        assert db.ids("select id from api.payments") == {payment.id}


def test_the_only_owner_is_not_deleted_and_the_organizations_are_named(acme: Organization) -> None:
    world = acme.world
    root, olga = world.super_admin(), acme.owner()
    beta = world.organization("beta")
    beta.join(olga, "owner")
    beta.owner("second")
    for keep_row in (False, True):
        sqlstate, detail = refused(
            lambda keep=keep_row: world.value("select app.delete_user(%s, %s)", olga.user_id, keep)  # type: ignore[misc]
        )
        assert sqlstate == "PT409"
        assert str(acme.id) in detail
        assert str(beta.id) not in detail
    acme.owner("second")
    with world.acting_as(root) as db:
        db.rows(DELETE, olga.user_id)
    assert role_of(acme, olga) is None


def test_who_leaves_an_empty_row_behind_has_no_power_left(acme: Organization) -> None:
    ada = acme.admin()
    assert acme.world.value("select app.delete_user(%s, true)", ada.user_id)
    assert role_of(acme, ada) is None
    assert acme.world.value("select auth.database_role(%s)", ada.user_id) is None


def test_the_platform_keeps_a_super_admin(world: World) -> None:
    world.execute("delete from app.user_roles")
    root, second = world.super_admin("root"), world.super_admin("second")
    call = "select app.delete_user(%s)"
    world.execute("update auth.users set disabled_at = now() where id = %s", second.user_id)
    assert refused(lambda: world.value(call, root.user_id))[0] == "PT409"
    world.execute("update auth.users set disabled_at = null where id = %s", second.user_id)
    assert world.value(call, root.user_id)
    assert refused(lambda: world.value(call, second.user_id))[0] == "PT409"
    session = world.session(second)
    with world.acting_as_role("gateway") as db, pytest.raises(psycopg.Error) as error:
        db.rows(
            "select session.admin_update_user(%s, %s, %s, null, null, null, true, null)",
            session, second.user_id, second.user_id,
        )  # fmt: skip
    assert error.value.sqlstate == "PT409"


def test_an_invitation_ends_by_itself(acme: Organization) -> None:
    made = invite(acme.admin(), acme, "new@example.test", expires_in_days=1)
    send(acme, made)
    acme.world.execute(
        "update app.invitations set expires_at = now() - %s where id = %s",
        timedelta(seconds=1), made["id"],
    )  # fmt: skip
    assert acme.world.value("select count(*) from app.open_invitation(%s)", b"t" * 32) == 0
