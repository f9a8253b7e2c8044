"""What the holder of a personal link sees and does, and when they no longer do."""

import json

import pytest

from tests.acting import refused
from tests.portal import ADDRESS, ago, hash_of, link_of, locked_payout
from tests.world import ANSWERS, Organization, Person, Row, World


@pytest.fixture
def acme(world: World) -> Organization:
    made = world.organization("acme")
    world.execute(
        "insert into app.portal_settings (organization_id) values (%s) on conflict do nothing",
        made.id,
    )
    return made


@pytest.fixture
def dana(acme: Organization) -> Person:
    return acme.closer("dana")


def call(acme: Organization, closer: Person, interval: str = "3 hours") -> Row:
    """A call of an hour that started this long ago."""
    return acme.event(closer=closer, scheduled_at=ago(acme.world, interval))


def set_portal(acme: Organization, **settings: object) -> None:
    for name, value in settings.items():
        acme.world.execute(
            f"update app.portal_settings set {name} = %s where organization_id = %s", value, acme.id
        )


def ids(calls: list[dict[str, object]]) -> list[str]:
    return [str(one["event_id"]) for one in calls]


def test_the_portal_lists_pending_calls_oldest_first(acme: Organization, dana: Person) -> None:
    young, old = call(acme, dana, "90 minutes"), call(acme, dana, "5 days")
    outcome, portal = link_of(acme, dana).get()
    assert outcome == "open"
    assert (portal["closer"]["name"], portal["organization"]["name"]) == ("dana", "acme")
    assert ids(portal["pending"]) == [str(old.id), str(young.id)]
    assert [one["is_overdue"] for one in portal["pending"]] == [True, False]
    assert all(one["can_submit"] for one in portal["pending"])


def test_calls_to_come_are_listed_as_far_as_the_settings_say(
    acme: Organization, dana: Person
) -> None:
    set_portal(acme, days_ahead=3)
    soon, later = call(acme, dana, "-10 minutes"), call(acme, dana, "-2 days")
    call(acme, dana, "-9 days")
    _, portal = link_of(acme, dana).get()
    assert ids(portal["upcoming"]) == [str(soon.id), str(later.id)]
    assert [one["can_submit"] for one in portal["upcoming"]] == [True, False]


def test_recent_calls_stay_as_long_as_their_form_may_change(
    acme: Organization, dana: Person
) -> None:
    set_portal(acme, allow_late_edit_days=2)
    link = link_of(acme, dana)
    fresh, old = call(acme, dana, "1 day"), call(acme, dana, "6 days")
    for one in (fresh, old):
        assert link.submit(one, **ANSWERS["showed_offer"], notes="Thinks about it.")[0] == "open"
    _, portal = link.get()
    assert portal["pending"] == []
    assert ids(portal["recent"]) == [str(fresh.id)]
    assert portal["recent"][0]["form"]["offer_made"] is True
    assert portal["recent"][0]["form"]["notes"] == "Thinks about it."
    outcome, reason = link.submit(old, **ANSWERS["no_show"])
    assert (outcome, reason["code"]) == ("refused", "PT409")


def test_nobody_elses_calls_are_listed_or_taken(
    world: World, acme: Organization, dana: Person
) -> None:
    eli = acme.closer("eli")
    his = call(acme, eli)
    other = world.organization("umbrella")
    theirs = call(other, other.closer("dana"))
    deleted, duplicate = call(acme, dana), call(acme, dana, "4 hours")
    world.execute("select app.delete_event(%s, %s, 'Not real.', now())", acme.id, deleted.id)
    link = link_of(acme, dana)
    for one in (his, theirs, deleted):
        outcome, reason = link.submit(one, **ANSWERS["closed"])
        assert (outcome, reason["code"]) == ("refused", "PT404")
    assert ids(link.get()[1]["pending"]) == [str(duplicate.id)]
    assert acme.state(his) == other.state(theirs) == ("scheduled", None)


def test_a_form_by_link_does_what_a_form_does(acme: Organization, dana: Person) -> None:
    link, one = link_of(acme, dana), call(acme, dana)
    outcome, made = link.submit(one, **ANSWERS["closed"], cash_collected="1500.00")
    assert (outcome, made["call_status"], made["version"]) == ("open", "completed", 1)
    assert acme.state(one) == ("completed", "closed")
    (form,) = acme.world.rows("select * from app.post_call_forms where event_id = %s", one.id)
    assert (form["submitted_via"], form["closer_id"], form["is_human"]) == (
        "portal",
        dana.closer_id,
        True,
    )
    assert acme.world.value(
        "select count(*) from app.payments where organization_id = %s and source = 'manual'",
        acme.id,
    )


def test_problems_of_a_form_are_named_and_change_nothing(acme: Organization, dana: Person) -> None:
    set_portal(acme, require_notes=True)
    link, one = link_of(acme, dana), call(acme, dana)
    outcome, reason = link.submit(one, call_occurred=True, cash_collected="1.005")
    assert (outcome, reason["code"]) == ("refused", "PT422")
    assert json.loads(reason["details"]).keys() == {"cash_collected", "notes"}
    assert acme.state(one) == ("scheduled", None)
    assert link.row()["last_used_at"] is not None


def test_cover_is_credited_to_who_took_the_call(acme: Organization, dana: Person) -> None:
    eli = acme.closer("eli")
    one = call(acme, dana)
    acme.form(one, at=ago(acme.world, "1 hour"), **ANSWERS["closed"], closer_id=str(eli.closer_id))
    assert ids(link_of(acme, eli).get()[1]["recent"]) == [str(one.id)]
    outcome, _ = link_of(acme, eli).submit(one, **ANSWERS["showed_offer"])
    assert outcome == "open"
    (row,) = acme.world.rows("select credited_closer_id from app.events where id = %s", one.id)
    assert row["credited_closer_id"] == eli.closer_id


@pytest.mark.parametrize(
    "closing",
    [
        "update app.closer_access_tokens set revoked_at = now() where id = %(link)s",
        "update app.closer_access_tokens set expires_at = now() where id = %(link)s",
        "update app.closers set is_active = false where id = %(closer)s",
        "update app.closers set active_until = current_date - 2 where id = %(closer)s",
        "update app.closers set profile_id = null where id = %(closer)s",
        "update app.organizations set suspended_at = now() where id = %(organization)s",
        "update app.organizations set deleted_at = now() where id = %(organization)s",
        "delete from app.organization_members where user_id = %(user)s",
        "update auth.users set disabled_at = now() where id = %(user)s",
        "select app.delete_user(%(user)s)",
        "select app.delete_user(%(user)s, keep_row => true)",
    ],
)
def test_a_link_ends_at_once(acme: Organization, dana: Person, closing: str) -> None:
    link, one = link_of(acme, dana), call(acme, dana)
    assert link.get()[0] == "open"
    acme.world.execute(
        closing,
        link=link.id,
        closer=dana.closer_id,
        organization=acme.id,
        user=dana.user_id,
    )
    assert link.get() == ("not_valid", {})
    assert link.submit(one, **ANSWERS["closed"]) == ("not_valid", {})
    assert acme.state(one) == ("scheduled", None)


def test_who_comes_back_gets_no_old_link_back(acme: Organization, dana: Person) -> None:
    link = link_of(acme, dana)
    statement = link_of(acme, dana, scope="statement", snapshot=locked_payout(acme, dana))
    # Who the payee is may be known from the roster alone.
    acme.world.execute("update app.payees set profile_id = null where id = %s", dana.payee_id)
    assert statement.statement()[0] == "not_valid"
    statement = link_of(acme, dana, scope="statement")
    assert statement.statement()[0] == "open"
    acme.world.execute("delete from app.organization_members where user_id = %s", dana.user_id)
    acme.join(dana, "member")
    assert link.get()[0] == statement.statement()[0] == "not_valid"
    assert link_of(acme, dana).get()[0] == "open"


def test_a_closer_without_a_login_has_a_portal(acme: Organization, dana: Person) -> None:
    acme.world.execute("update app.closers set profile_id = null where id = %s", dana.closer_id)
    assert link_of(acme, dana).get()[0] == "open"


def test_a_link_opens_its_own_page_only(acme: Organization, dana: Person) -> None:
    portal = link_of(acme, dana)
    statement = link_of(acme, dana, scope="statement", snapshot=locked_payout(acme, dana))
    assert portal.statement() == ("not_valid", {})
    assert statement.get() == ("not_valid", {})
    assert statement.submit(call(acme, dana), **ANSWERS["closed"]) == ("not_valid", {})


def test_attempts_are_limited_by_address_and_uses_by_link(acme: Organization, dana: Person) -> None:
    link, other = link_of(acme, dana), link_of(acme, acme.closer("eli"))
    guess = "select outcome from session.portal_get(%s, %s)"
    outcomes = [acme.world.value(guess, hash_of(f"guess {n}"), ADDRESS) for n in range(102)]
    assert set(outcomes[:100]) == {"not_valid"}
    assert outcomes[-1] == "throttled"
    assert link.get()[0] == "throttled"
    assert link.get(address="203.0.113.9")[0] == "open"
    uses = [link.get(address=f"203.0.113.{n}")[0] for n in range(125)]
    assert uses.count("open") == 119
    assert uses[-1] == "throttled"
    assert other.get(address="203.0.113.9")[0] == "open"


def test_a_use_is_noted_at_most_once_a_minute(acme: Organization, dana: Person) -> None:
    link = link_of(acme, dana)
    for _ in range(3):
        link.get()
    notes = "select count(*) from app.audit_logs where row_id = %s and action = 'UPDATE'"
    assert acme.world.value(notes, link.id) == 1
    acme.world.execute(
        "update app.closer_access_tokens set last_used_at = now() - interval '61 seconds'"
    )
    before = acme.world.value(notes, link.id)
    link.get()
    assert acme.world.value(notes, link.id) == before + 1


def test_the_audit_trail_names_the_link(acme: Organization, dana: Person) -> None:
    link, one = link_of(acme, dana), call(acme, dana)
    link.submit(one, **ANSWERS["closed"], cash_collected="900")
    trail = acme.world.rows(
        "select table_name, actor_kind, actor_id, new_data from app.audit_logs"
        " where actor_kind = 'access_link' order by id"
    )
    assert {row["actor_id"] for row in trail} == {link.id}
    assert {"closer_access_tokens", "post_call_forms", "events", "payments"} <= {
        row["table_name"] for row in trail
    }
    assert "token_hash" not in str([row["new_data"] for row in trail])


def test_the_form_asks_what_the_organization_asks(acme: Organization, dana: Person) -> None:
    acme.package("Mentoring")
    acme.world.insert(
        "form_configs",
        organization_id=acme.id,
        version=1,
        is_active=True,
        fields=json.dumps(
            [
                {"name": "cash_collected", "type": "money", "label": "Money today?"},
                {"name": "objection", "type": "select", "label": "Objection", "options": ["price"]},
            ]
        ),
    )
    set_portal(acme, require_notes=True)
    _, portal = link_of(acme, dana).get()
    fields = {field["name"]: field for field in portal["form"]["fields"]}
    assert fields["cash_collected"]["label"] == "Money today?"
    assert fields["objection"]["type"] == "select"
    assert fields["notes"]["required"]
    assert [option["label"] for option in fields["package_id"]["options"]] == ["Mentoring"]
    assert "call_outcome_id" not in fields


def test_amounts_are_shown_only_where_the_settings_say_so(acme: Organization, dana: Person) -> None:
    eli = acme.closer("eli")
    for closer, cash in ((dana, "100.00"), (eli, "999.00")):
        one = call(acme, closer, "10 minutes")
        link_of(acme, closer).submit(one, **ANSWERS["closed"], cash_collected=cash)
    locked_payout(acme, dana)

    def shown(**settings: object) -> tuple[dict[str, object], list[dict[str, object]]]:
        set_portal(acme, **settings)
        portal = link_of(acme, dana).get()[1]
        return portal["numbers"], portal["leaderboard"]

    numbers, board = shown(leaderboard_visibility="full", show_cash=True)
    assert (numbers["cash_collected"], numbers["closes"], numbers["show_rate"]) == (100.00, 1, 1)
    assert [(line["name"], line["rank"], line["cash_collected"]) for line in board] == [
        ("eli", 1, 999.00),
        ("dana", 2, 100.00),
    ]
    numbers, board = shown(show_cash=False)
    assert "cash_collected" not in numbers
    assert "net_cash" not in board[0]
    assert [line["rank"] for line in board] == [1, 1]
    _, board = shown(leaderboard_visibility="rates", show_cash=True)
    assert board[0].keys() == {"name", "is_self", "rank", "show_rate", "offer_rate", "close_rate"}
    assert board[1]["cash_collected"] == 100.00
    _, board = shown(leaderboard_visibility="rank")
    assert board[0].keys() == {"name", "is_self", "rank"}
    _, board = shown(leaderboard_visibility="none")
    assert [line["name"] for line in board] == ["dana"]
    assert "rank" not in board[0]
    numbers, nothing = shown(show_leaderboard=False)
    assert nothing is None
    assert numbers["cash_collected"] == 100.00
    assert link_of(acme, dana).get()[1]["commission"][0]["commission"] == 1250.00
    set_portal(acme, show_commission=False)
    assert link_of(acme, dana).get()[1]["commission"] is None


def test_a_statement_link_shows_its_locked_payout(acme: Organization, dana: Person) -> None:
    payout = locked_payout(acme, dana)
    link = link_of(acme, dana, scope="statement", snapshot=payout)
    _, page = link.statement()
    assert page["payee"]["name"] == "dana"
    assert (page["statement"]["name"], page["statement"]["commission"]) == ("November", 1250.00)
    set_portal(acme, show_commission=False)
    assert link.statement()[1]["statement"] is None


def create(
    acme: Organization, who: Person, *, token: str = "made by the gateway", **arguments: object
) -> dict[str, object]:
    """Make a link as somebody."""
    given = {"scope": "pcf", "token_hash": hash_of(token), **arguments}
    names = ", ".join(f"{name} => %({name})s" for name in given)
    with acme.world.acting_as(who) as db:
        (row,) = db.rows(f"select * from api.create_access_link({names})", **given)
    return row


def test_an_admin_makes_and_revokes_a_link(acme: Organization, dana: Person) -> None:
    ada = acme.admin()
    row = create(acme, ada, closer_id=dana.closer_id)
    assert (row["closer_id"], row["payee_id"], row["sent_to"]) == (
        dana.closer_id,
        dana.payee_id,
        None,
    )
    assert "token_hash" not in row
    assert acme.world.value(
        "select expires_at = created_at + interval '30 days' from app.closer_access_tokens"
    )
    follow = "select outcome from session.portal_get(%s, %s)"
    assert acme.world.value(follow, hash_of("made by the gateway"), ADDRESS) == "open"
    with acme.world.acting_as(ada) as db:
        for _ in range(2):
            revoked = db.rows("select * from api.revoke_access_link(%s)", row["id"])
            assert revoked[0]["revoked_at"] is not None
    assert acme.world.value(follow, hash_of("made by the gateway"), ADDRESS) == "not_valid"


def test_only_admins_of_the_organization_make_and_revoke_links(
    world: World, acme: Organization, dana: Person
) -> None:
    link = link_of(acme, dana)
    stranger = world.organization("umbrella").admin("vic")
    with refused("42501"):
        create(acme, dana, closer_id=dana.closer_id)
    with refused("PT404"):
        create(acme, stranger, closer_id=dana.closer_id)
    for who, code in ((dana, "42501"), (stranger, "PT404")):
        with refused(code), world.acting_as(who) as db:
            db.rows("select * from api.revoke_access_link(%s)", link.id)
    assert link.get()[0] == "open"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"scope": "everything"}, "PT422"),
        ({"scope": None}, "PT422"),
        ({"closer_id": None}, "PT422"),
        ({"closer_id": "0197b1a0-0000-7000-8000-000000000000"}, "PT404"),
        ({"valid_days": 0}, "PT422"),
        ({"valid_days": 366}, "PT422"),
        ({"token_hash": b"short"}, "PT422"),
        ({"secret": b"not sealed by anybody"}, "PT422"),
        ({"scope": "statement"}, "PT409"),
    ],
)
def test_what_cannot_be_a_link_is_refused(
    acme: Organization, dana: Person, arguments: dict[str, object], code: str
) -> None:
    given = {"closer_id": dana.closer_id, **arguments}
    with refused(code):
        create(acme, acme.admin(), **given)
    assert acme.world.value("select count(*) from app.closer_access_tokens") == 0
    assert acme.world.value("select count(*) from app.outbox") == 0


def test_a_statement_link_needs_a_locked_payout(acme: Organization, dana: Person) -> None:
    ada, sam = acme.admin(), acme.setter("sam")
    draft = locked_payout(acme, dana, name="Draft", state="draft")
    statement = {"scope": "statement", "payee_id": dana.payee_id}
    for given in (statement, {**statement, "snapshot_id": draft.id}):
        with refused("PT409"):
            create(acme, ada, **given)
    payout = locked_payout(acme, dana)
    assert create(acme, ada, **statement)["snapshot_id"] == payout.id
    with refused("PT409"):
        create(acme, ada, scope="statement", payee_id=sam.payee_id, snapshot_id=payout.id)
    set_portal(acme, show_commission=False)
    with refused("PT409"):
        create(acme, ada, **statement)


def test_nobody_inactive_gets_a_link(acme: Organization, dana: Person) -> None:
    acme.world.execute("update app.closers set is_active = false where id = %s", dana.closer_id)
    with refused("PT409"):
        create(acme, acme.admin(), closer_id=dana.closer_id)


def test_links_by_mail_are_limited_for_each_person(acme: Organization, dana: Person) -> None:
    ada = acme.admin()
    sealed = b"0" * 12 + b"x" * 40
    for number in range(10):
        row = create(acme, ada, token=str(number), closer_id=dana.closer_id, secret=sealed)
        assert row["sent_to"] == dana.email
    with refused("PT429"):
        create(acme, ada, token="eleven", closer_id=dana.closer_id, secret=sealed)
    mails = acme.world.rows("select kind, payload from app.outbox")
    assert len(mails) == 10
    assert {mail["payload"]["to"] for mail in mails} == {dana.email}
    assert {mail["payload"]["template"] for mail in mails} == {"portal-link"}
