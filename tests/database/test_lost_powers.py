"""What somebody left open while they had power ends with that power."""

import hashlib
from uuid import UUID, uuid4

import pytest

from tests.acting import refused
from tests.world import Organization, Person, World

ADDRESS = "198.51.100.7"


@pytest.fixture
def acme(world: World) -> Organization:
    made = world.organization("acme")
    made.owner("first")
    return made


def invite(acme: Organization, by: Person, role: str) -> UUID:
    """An invitation of somebody new."""
    with acme.world.acting_as(by) as db:
        made: dict[str, str] = db.value(
            "select api.create_invitation(%s, %s, organization_id => %s)",
            f"{uuid4().hex}@example.test", role, acme.id,
        )  # fmt: skip
    return UUID(made["id"])


def is_open(acme: Organization, invitation_id: UUID) -> bool:
    found: bool = acme.world.value(
        "select revoked_at is null from app.invitations where organization_id = %s and id = %s",
        acme.id, invitation_id,
    )  # fmt: skip
    return found


def shown_link(acme: Organization, by: Person, closer: Person, secret: bytes | None = None) -> str:
    """A portal link that an admin makes; without secret they see it themselves."""
    token = uuid4().hex
    with acme.world.acting_as(by) as db:
        db.rows(
            "select * from api.create_access_link("
            "'pcf', %s, closer_id => %s, secret => %s, organization_id => %s)",
            hashlib.sha256(token.encode()).digest(), closer.closer_id, secret, acme.id,
        )  # fmt: skip
    return token


def outcome(acme: Organization, token: str) -> str:
    with acme.world.acting_as_role("gateway") as db:
        (row,) = db.rows(
            "select outcome from session.portal_get(%s, %s)",
            hashlib.sha256(token.encode()).digest(), ADDRESS,
        )  # fmt: skip
    acme.world.execute("select set_config('app.access_link_id', '', true)")
    answered: str = row["outcome"]
    return answered


def test_an_owner_who_is_removed_cannot_come_back_by_an_invitation_of_their_own(
    acme: Organization,
) -> None:
    olga, other = acme.owner("olga"), acme.owner("other")
    made = [invite(acme, olga, role) for role in ("owner", "admin", "member")]
    kept = invite(acme, other, "owner")
    with acme.world.acting_as(other) as db:
        db.rows("select api.remove_member(%s, %s)", olga.user_id, acme.id)
    assert [is_open(acme, one) for one in made] == [False] * 3
    assert is_open(acme, kept)


def test_an_invitation_stands_while_whoever_made_it_could_still_make_it(acme: Organization) -> None:
    olga, other = acme.owner("olga"), acme.owner("other")
    made = {role: invite(acme, olga, role) for role in ("owner", "admin", "member")}
    for now, left in (("admin", {"member"}), ("member", set())):
        with acme.world.acting_as(other) as db:
            db.rows("select api.set_member_role(%s, %s, %s)", olga.user_id, now, acme.id)
        assert {role for role, one in made.items() if is_open(acme, one)} == left


def test_invitations_elsewhere_and_those_of_the_platform_stand(acme: Organization) -> None:
    olga, root = acme.owner("olga"), acme.world.super_admin()
    beta = acme.world.organization("beta")
    beta.owner("second")
    beta.join(olga, "owner")
    elsewhere, by_root = invite(beta, olga, "owner"), invite(acme, root, "owner")
    with acme.world.acting_as(olga) as db:
        db.rows("select api.leave_organization(%s)", acme.id)
    assert is_open(beta, elsewhere)
    assert is_open(acme, by_root)
    acme.world.super_admin("another")
    with acme.world.acting_as(root) as db:
        db.rows("select api.revoke_super_admin(%s, 'left the company')", root.user_id)
    assert not is_open(acme, by_root)


@pytest.mark.parametrize("keep_row", [True, False])
def test_who_is_deleted_leaves_no_invitation_open(acme: Organization, keep_row: bool) -> None:
    olga = acme.owner("olga")
    made = invite(acme, olga, "owner")
    acme.world.execute("select app.delete_user(%s, %s)", olga.user_id, keep_row)
    assert not is_open(acme, made)


def test_a_link_that_was_shown_to_an_admin_ends_when_they_are_none(acme: Organization) -> None:
    ada, dana = acme.admin("ada"), acme.closer("dana")
    shown, sent = shown_link(acme, ada, dana), shown_link(acme, ada, dana, b"0" * 48)
    with acme.world.acting_as(acme.owner("olga")) as db:
        db.rows("select api.remove_member(%s, %s)", ada.user_id, acme.id)
    assert (outcome(acme, shown), outcome(acme, sent)) == ("not_valid", "open")


def test_an_entry_of_somebody_else_with_the_invited_address_stays_theirs(
    acme: Organization,
) -> None:
    dana, nia = acme.closer("dana"), acme.world.person("nia")
    acme.world.execute(
        "update app.closers set email = %s where organization_id = %s and id = %s",
        nia.email, acme.id, dana.closer_id,
    )  # fmt: skip
    acme.join(nia, "member")
    acme.world.value("select app.enroll_closer(%s, %s)", acme.id, nia.user_id)
    whose = acme.world.value(
        "select profile_id from app.closers where organization_id = %s and id = %s",
        acme.id, dana.closer_id,
    )  # fmt: skip
    assert whose == dana.user_id


def test_nobody_hears_of_a_field_by_writing_where_they_may_not(acme: Organization) -> None:
    field = acme.world.insert(
        "custom_field_definitions",
        organization_id=acme.id, entity="lead", name="tier", label="Tier", field_type="select",
    )  # fmt: skip
    acme.world.insert(
        "custom_field_options",
        organization_id=acme.id, definition_id=field, value="Top secret", label="x", position=1,
    )  # fmt: skip
    lead = acme.lead()
    write = (
        "insert into api.custom_field_values (organization_id, definition_id, lead_id, text_value)"
        " values (%s, %s, %s, 'x')"
    )
    stranger = acme.world.organization("beta").owner()
    with acme.world.acting_as(stranger) as db, refused("42501") as error:
        db.rows(write, acme.id, field, lead.id)
    assert "secret" not in str(error.value)
    with acme.world.acting_as(acme.admin()) as db, refused("PT422"):
        db.rows(write, acme.id, field, lead.id)


def test_a_list_is_not_arranged_by_endless_ids(acme: Organization) -> None:
    with acme.world.acting_as(acme.admin()) as db:
        with refused("PT422"):
            db.value("select api.arrange_list('sources', %s, %s)", [uuid4()] * 1001, acme.id)
        assert db.value("select api.arrange_list('sources', '{}', %s)", acme.id) == 0
