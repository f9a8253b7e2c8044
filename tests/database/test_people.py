"""Who the caller is, what they may ask about others, and why they see what they see."""

import psycopg
import pytest

from tests.world import Person, World

VERDICT = "select grants from api.explain_access(%s, %s, %s, %s) where rule = 'verdict'"


def test_me_answers_one_row_per_organization(world: World) -> None:
    acme = world.organization("acme", timezone="Europe/Berlin", currency="EUR")
    other = world.organization("other")
    dana = acme.closer("dana")
    there = other.join(dana, "admin")

    with world.acting_as(there) as db:
        mine = {row["organization_id"]: row for row in db.rows("select * from api.me()")}

    assert set(mine) == {acme.id, other.id}
    assert mine[acme.id]["role"] == "member"
    assert mine[acme.id]["closer_id"] == dana.closer_id
    assert mine[acme.id]["payee_id"] == dana.payee_id
    assert (mine[acme.id]["timezone"], mine[acme.id]["currency"]) == ("Europe/Berlin", "EUR")
    assert mine[other.id]["role"] == "admin"
    assert mine[other.id]["closer_id"] is None
    assert not mine[other.id]["is_super_admin"]


def test_the_helper_questions_answer_about_oneself_and_to_admins_only(world: World) -> None:
    acme, other = world.organization("acme"), world.organization("other")
    ada, dana, stranger = acme.admin(), acme.closer(), other.admin("oscar")
    questions = (
        "select api.user_is_org_member(%s, %s)",
        "select api.user_is_org_admin(%s, %s)",
    )

    with world.acting_as(dana) as db:
        assert [db.value(q, dana.user_id, acme.id) for q in questions] == [True, False]
        assert [db.value(q, ada.user_id, acme.id) for q in questions] == [None, None]
        assert db.ids("select api.get_user_organization_ids(%s)", dana.user_id) == {acme.id}
        assert db.ids("select api.get_user_organization_ids(%s)", ada.user_id) == set()
        assert db.value("select api.is_super_admin(%s)", dana.user_id) is False
        assert db.value("select api.is_super_admin(%s)", ada.user_id) is None
    with world.acting_as(ada) as db:
        assert [db.value(q, dana.user_id, acme.id) for q in questions] == [True, False]
        assert db.ids("select api.get_user_organization_ids(%s)", dana.user_id) == {acme.id}
    with world.acting_as(stranger) as db:
        assert [db.value(q, dana.user_id, acme.id) for q in questions] == [None, None]
        assert db.ids("select api.get_user_organization_ids(%s)", dana.user_id) == set()


def test_a_call_without_organization_means_the_only_one(world: World) -> None:
    acme, other = world.organization("acme"), world.organization("other")
    ada = acme.admin()
    lead = acme.lead("Lee")
    with world.acting_as(ada) as db:
        assert db.rows("select * from api.record_history('leads', %s)", lead.id)

    both = other.join(ada, "admin")
    with world.acting_as(both) as db, pytest.raises(psycopg.Error) as refused:
        db.rows("select * from api.record_history('leads', %s)", lead.id)
    assert refused.value.sqlstate == "PT422"
    assert str(acme.id) in str(refused.value.diag.message_detail)
    assert str(other.id) in str(refused.value.diag.message_detail)


@pytest.mark.parametrize("relation", ["events", "leads", "payments", "payment_credits", "closers"])
def test_the_explanation_agrees_with_what_each_person_sees(world: World, relation: str) -> None:
    acme = world.organization("acme")
    ada, dana, eli, sam = acme.admin(), acme.closer("dana"), acme.closer("eli"), acme.setter("sam")
    call = acme.event(closer=dana, setter=sam, outcome="closed")
    acme.payment(closer=dana, setter=sam, event=call)
    rows = world.rows(f"select id from app.{relation} where organization_id = %s", acme.id)
    people: tuple[Person, ...] = (ada, dana, eli, sam)
    assert rows

    for row in rows:
        for person in people:
            with world.acting_as(person) as db:
                sees = bool(db.ids(f"select id from api.{relation} where id = %s", row["id"]))
            told = explained(world, ada, person, relation, row["id"])
            assert told == sees, (relation, person.name)


def explained(world: World, admin: Person, person: Person, relation: str, row_id: object) -> object:
    with world.acting_as(admin) as db:
        return db.value(VERDICT, person.user_id, relation, row_id, admin.organization_id)


def test_an_explanation_says_nothing_about_other_organizations(world: World) -> None:
    acme, other = world.organization("acme"), world.organization("other")
    ada = acme.admin()
    theirs, stranger = other.lead("Lee"), other.closer("dana")
    mine = acme.lead("Lou")

    with world.acting_as(ada) as db:
        rules = db.rows(
            "select * from api.explain_access(%s, 'leads', %s, %s)", ada.user_id, theirs.id, acme.id
        )
        assert [rule["grants"] for rule in rules] == [False, True, False]
        rules = db.rows(
            "select * from api.explain_access(%s, 'leads', %s, %s)",
            stranger.user_id,
            mine.id,
            acme.id,
        )
        assert [rule["rule"] for rule in rules][-1] == "verdict"
        assert [rule["grants"] for rule in rules] == [True, False, False]
        with pytest.raises(psycopg.Error) as refused:
            db.rows(
                "select * from api.explain_access(%s, 'leads', %s, %s)",
                ada.user_id,
                theirs.id,
                other.id,
            )
        assert refused.value.sqlstate == "PT404"
        with pytest.raises(psycopg.Error) as refused:
            db.rows(
                "select * from api.explain_access(%s, 'organizations\"; --', %s, %s)",
                ada.user_id,
                mine.id,
                acme.id,
            )
        assert refused.value.sqlstate == "PT422"
    with world.acting_as(acme.closer()) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.rows(
            "select * from api.explain_access(%s, 'leads', %s, %s)", ada.user_id, mine.id, acme.id
        )


def test_an_organization_keeps_an_owner(world: World) -> None:
    acme = world.organization("acme")
    olga = acme.owner()
    alone = "delete from app.organization_members where organization_id = %s and user_id = %s"

    with pytest.raises(psycopg.Error) as refused, world.connection.transaction():
        world.execute(alone, acme.id, olga.user_id)
    assert refused.value.sqlstate == "PT409"
    acme.owner("otto")
    world.execute(alone, acme.id, olga.user_id)
    assert (
        world.value(
            "select count(*) from app.organization_members where organization_id = %s", acme.id
        )
        == 1
    )


def test_a_profile_follows_its_user(world: World) -> None:
    person = world.person("Nina")
    world.execute("update auth.users set email = 'new@example.test' where id = %s", person.user_id)
    [profile] = world.rows(
        "select full_name, email from app.profiles where user_id = %s", person.user_id
    )
    assert profile == {"full_name": "Nina", "email": "new@example.test"}


def test_rosters_show_names_to_colleagues_and_the_rest_to_admins_and_oneself(world: World) -> None:
    acme = world.organization("acme")
    ada, dana, eli = acme.admin(), acme.closer("dana"), acme.closer("eli")
    roster = "select name, email, payee_id from api.closers"

    with world.acting_as(ada) as db:
        assert all(row["email"] for row in db.rows(roster))
    with world.acting_as(dana) as db:
        seen = {row["name"]: row for row in db.rows(roster)}
        assert seen["dana"]["email"] == dana.email
        assert seen["eli"] == {"name": "eli", "email": None, "payee_id": None}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.changed("update api.closers set name = 'x' where id = %s", eli.closer_id)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.changed("delete from api.closers where id = %s", eli.closer_id)


def test_admins_write_rosters_and_get_the_row_back(world: World) -> None:
    acme = world.organization("acme")
    with world.acting_as(acme.admin()) as db:
        [made] = db.rows(
            "insert into api.closers (organization_id, name, email) values (%s, 'Zed', 'Z@x.test')"
            " returning id, name, is_active, aliases",
            acme.id,
        )
        assert made["id"] is not None
        assert (made["name"], made["is_active"], made["aliases"]) == ("Zed", True, [])
        [changed] = db.rows(
            "update api.closers set email = 'zed@x.test', is_active = false where id = %s"
            " returning email, is_active",
            made["id"],
        )
        assert changed == {"email": "zed@x.test", "is_active": False}
        assert db.changed("delete from api.closers where id = %s", made["id"]) == 1
        assert db.rows("select id from api.closers where id = %s", made["id"]) == []


def test_ids_of_another_organization_open_no_door(world: World) -> None:
    """An admin of one organization, who is a plain closer of another, borrows ids from there."""
    home, there = world.organization("home"), world.organization("there")
    eve = home.admin("eve")
    eve_there = there.closer("eve", person=eve)
    victim = there.closer("dana")
    call = there.event(closer=victim)
    lead_id = world.value("select lead_id from app.events where id = %s", call.id)

    with world.acting_as(eve_there) as db:
        for borrowed in (victim.closer_id, there.id, victim.payee_id):
            for table in ("closers", "setters", "payees"):
                with pytest.raises(psycopg.Error) as refused:
                    db.changed(
                        f"insert into api.{table} (organization_id, id, name, profile_id)"
                        " values (%s, %s, 'me', %s)",
                        home.id,
                        borrowed,
                        eve.user_id,
                    )
                assert refused.value.sqlstate == "PT409"
        db.changed(
            "insert into api.leads (organization_id, id, full_name) values (%s, %s, 'mine')",
            home.id,
            lead_id,
        )
        assert db.ids("select id from api.events") == set()
        assert db.rows("select organization_id from api.leads where id = %s", lead_id) == [
            {"organization_id": home.id}
        ]


def test_partitions_are_made_ahead_and_once(world: World) -> None:
    made = world.value("select app.ensure_partitions(timestamptz '2031-11-15 12:00Z')")
    assert made == 2 * 4
    assert world.value("select app.ensure_partitions(timestamptz '2031-11-15 12:00Z')") == 0
    names = world.rows("select to_regclass('app.audit_logs_2032_02') is not null as there")
    assert names == [{"there": True}]
