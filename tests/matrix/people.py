"""Who tries every door: one of each kind of caller."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid5

import psycopg
from psycopg import sql

SPACE = UUID("5a1e5da5-0000-4000-8000-000000000000")


def fixed(*words: str) -> UUID:
    """The same id for the same words, in every run."""
    return uuid5(SPACE, "/".join(words))


ACME, BETA = fixed("acme"), fixed("beta")
NAMES = {ACME: "acme", BETA: "beta"}


@dataclass(frozen=True)
class Person:
    """A caller. login: whose database connection it is. role: what the connection becomes for the
    request; None for logins that do their own work. claims: of the token, beside the role.

    member_of, admin_of, owner_of: organizations, for the expectations.
    """

    name: str
    login: str
    role: str | None = None
    claims: tuple[tuple[str, str], ...] = ()
    member_of: frozenset[UUID] = frozenset()
    admin_of: frozenset[UUID] = frozenset()
    owner_of: frozenset[UUID] = frozenset()

    @property
    def user_id(self) -> UUID | None:
        """The user of the token, if it names one."""
        return next((UUID(value) for name, value in self.claims if name == "sub"), None)

    @property
    def request_claims(self) -> str:
        """What PostgREST would set as request.jwt.claims."""
        return json.dumps({"role": self.role, **dict(self.claims)})


def session_of(user: UUID) -> UUID:
    """The living session that the scene gives each user."""
    return fixed("session", str(user))


def user_of(name: str) -> UUID:
    """The user called so."""
    return fixed("user", name)


def _user(
    name: str,
    role: str,
    *,
    members: tuple[UUID, ...] = (),
    admins: tuple[UUID, ...] = (),
    owners: tuple[UUID, ...] = (),
) -> Person:
    user = user_of(name)
    return Person(
        name,
        "authenticator",
        role,
        (
            ("sub", str(user)),
            ("session_id", str(session_of(user))),
            ("email", f"{name}@example.test"),
        ),
        member_of=frozenset((*members, *admins, *owners)),
        admin_of=frozenset((*admins, *owners)),
        owner_of=frozenset(owners),
    )


ANALYST_LOGIN = "matrix_analyst"
READER_KEY = fixed("api_keys", "key")

PEOPLE = {
    person.name: person
    for person in (
        Person("anon", "authenticator", "anon"),
        _user("stranger", "authenticated"),
        _user("closer", "authenticated", members=(ACME,)),
        _user("setter", "authenticated", members=(ACME,)),
        # Belongs to the organization and is paid by it, and is on no roster.
        _user("payee", "authenticated", members=(ACME,)),
        # Holds a link to a statement: no user, no database role of their own.
        Person("link holder", "authenticator", "anon"),
        _user("admin", "org_admin", admins=(ACME,)),
        _user("owner", "org_admin", owners=(ACME,)),
        _user("super admin", "super_admin"),
        _user("other admin", "org_admin", owners=(BETA,)),
        # Admin of one organization and only a member of the other: doors for mixed powers.
        _user("mixed", "authenticated", members=(ACME,), admins=(BETA,)),
        Person(
            "reader",
            "authenticator",
            "reader",
            (("key_id", str(READER_KEY)), ("organization_id", str(ACME))),
        ),
        Person("analyst", ANALYST_LOGIN),
        Person("gateway", "gateway"),
        Person("worker", "worker"),
    )
}


@contextmanager
def being(
    connection: psycopg.Connection, person: Person, *, keep: bool = False
) -> Iterator[psycopg.Connection]:
    """Be this caller, as the database sees them, until the end of the block.

    connection: a superuser's, which alone can take on another login's session. Everything that the
    block does is rolled back, unless keep.
    """
    with connection.transaction(force_rollback=not keep):
        connection.execute(
            sql.SQL("set session authorization {}").format(sql.Identifier(person.login))
        )
        if person.role is not None:
            connection.execute(
                "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true),"
                " set_config('request.method', 'POST', true),"
                " set_config('request.path', '/', true)",
                (person.role, person.request_claims),
            )
            connection.execute("select auth.admit_request()")
        yield connection
        connection.execute("reset session authorization")
        connection.execute("select set_config('request.jwt.claims', '', true)")
