"""The same through the real PostgREST: what each person's token reads, and what attackers try."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from salesdash.tokens import AccessClaims, mint_access_token
from tests.fixtures.processes import Rest
from tests.matrix.conftest import Stage
from tests.matrix.expectations import reaches, read_relations
from tests.matrix.people import ACME, BETA, PEOPLE, Person, session_of
from tests.matrix.scene import row_id
from tests.matrix.test_reading_and_writing import key_of, rows_of, table_of

RELATIONS = read_relations()
OVER_HTTP = [person for person in PEOPLE.values() if person.login == "authenticator"]
SECRETS = [
    ("organization_integrations", "calendly_api_key_encrypted"),
    ("organization_integrations", "slack_webhook_url_encrypted"),
    ("webhook_connections", "webhook_secret"),
    ("webhook_connections", "webhook_secret_previous"),
    ("webhook_connections", "api_key"),
    ("closer_access_tokens", "token_hash"),
    ("invitations", "token_hash"),
    ("outbox", "secret"),
    ("outbox", "rendered"),
    ("profiles", "password_hash"),
]


def sign(claims: dict[str, Any], secret: str, **how: Any) -> str:
    return jwt.encode(claims, secret, **{"algorithm": "HS256", **how})


def token(person: Person, secret: str) -> str:
    """The token that this person carries."""
    if person.user_id:
        return mint_access_token(
            AccessClaims(
                person.user_id,
                session_of(person.user_id),
                str(person.role),
                f"{person.name}@example.test",
            ),
            secret,
            issuer="http://127.0.0.1/auth/v1",
            now=int(time.time()),
        )
    return sign({"role": person.role, **dict(person.claims)}, secret)


@pytest.fixture(scope="module")
def http(rest: Rest, stage: Stage) -> Iterator[httpx.Client]:
    """A client of PostgREST on the scene, without a token of its own."""
    assert stage.rows
    with httpx.Client(base_url=rest.url, trust_env=False, timeout=30) as client:
        yield client


class As:
    """Requests of one person."""

    def __init__(self, http: httpx.Client, rest: Rest, name: str) -> None:
        self.http = http
        person = PEOPLE[name]
        is_nobody = not person.claims
        self.headers = (
            {} if is_nobody else {"Authorization": f"Bearer {token(person, rest.jwt_secret)}"}
        )

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **more)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers=headers)


@pytest.mark.parametrize("person", OVER_HTTP, ids=[p.name for p in OVER_HTTP])
def test_each_reads_exactly_the_rows_that_are_theirs(
    stage: Stage, http: httpx.Client, rest: Rest, person: Person
) -> None:
    who, wrong = As(http, rest, person.name), []
    for relation in RELATIONS.values():
        schema, view = relation.name.split(".")
        rows = rows_of(stage, relation)
        key = key_of(relation)
        tenant = table_of(relation) != "organizations" and any(r.organization_id for r in rows)
        columns = ",".join(dict.fromkeys(("organization_id", key) if tenant else (key,)))
        answer = who.get(
            f"/{view}?select={columns}&{key}=not.is.null",
            **{"Accept-Profile": schema},
        )
        found = set()
        if answer.status_code == 200:
            found = {(row.get("organization_id"), row[key]) for row in answer.json()}
        elif answer.status_code not in (401, 403):
            wrong.append(f"{relation.name}: {answer.status_code} {answer.text}")
        wanted = {
            (str(row.organization_id) if tenant else None, row.key)
            for row in rows
            if reaches(person, relation.letters["select"], row)
        }
        if found != wanted:
            wrong.append(f"{relation.name}: {len(found - wanted)} more, {len(wanted - found)} less")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["closer", "admin", "other admin", "mixed", "super admin"])
def test_embedding_never_leaves_the_organization(http: httpx.Client, rest: Rest, name: str) -> None:
    """Rows of the two organizations have equal ids: a join by id alone would mix them."""
    who = As(http, rest, name)
    to_one = (
        "events?select=organization_id,leads(organization_id,id,email)",
        "events?select=organization_id,closer:closers!events_closer_id_fkey(organization_id,name)",
        "events?select=organization_id,source:sources(organization_id)",
        "payments?select=organization_id,leads(organization_id),deals(organization_id)",
        "payment_refunds?select=organization_id,payments(organization_id)",
        "commission_ledger?select=organization_id,payees(organization_id,name)",
    )
    to_many = (
        "leads?select=organization_id,events(organization_id),payments(organization_id)",
        "organizations?select=organization_id:id,events(organization_id),leads(organization_id)",
        "organizations?select=organization_id:id,payments(organization_id)",
        "organizations?select=organization_id:id,organization_members(organization_id)",
        "payout_snapshots?select=organization_id,payout_snapshot_details(organization_id)",
    )
    embedded = 0
    for path in (*to_one, *to_many):
        answer = who.get(f"/{path}")
        assert answer.status_code == 200, (path, answer.text)
        for row in answer.json():
            for parts in (value for value in row.values() if isinstance(value, dict | list)):
                for part in parts if isinstance(parts, list) else [parts]:
                    assert part["organization_id"] == row["organization_id"], path
                    embedded += 1
    assert embedded > 0


@pytest.mark.parametrize(("view", "column"), SECRETS)
def test_columns_with_secrets_do_not_exist_for_anybody(
    http: httpx.Client, rest: Rest, view: str, column: str
) -> None:
    """Neither shown, nor filtered or ordered by, nor reached by embedding."""
    for name in ("admin", "super admin"):
        who = As(http, rest, name)
        for query in (
            f"select={column}",
            f"select=id&{column}=not.is.null",
            f"select=id&order={column}",
            f"select=id&or=({column}.gt.a,{column}.lt.a)",
        ):
            answer = who.get(f"/{view}?{query}".replace("select=id", "select=created_at"))
            assert (answer.status_code, answer.json()["code"]) == (400, "42703"), query
        everything = who.get(f"/{view}?limit=1")
        assert all(column not in row for row in everything.json())


def test_masked_columns_are_masked_in_filters_and_orders_too(
    http: httpx.Client, rest: Rest
) -> None:
    """A colleague's e-mail is not told by asking whether it is this one."""
    setter, admin = As(http, rest, "setter"), As(http, rest, "admin")
    asked = "/closers?select=name,email&email=eq.acme.closer@private.test"
    assert len(admin.get(asked).json()) == 1
    assert setter.get(asked).json() == []
    assert setter.get("/closers?email=like.*&select=id").json() == []
    assert setter.get("/closers?profile_id=not.is.null&select=id").json() == []
    shown = setter.get("/closers?select=name,email,payee_id,profile_id,aliases&order=email.desc")
    assert {(r["email"], r["payee_id"], r["profile_id"]) for r in shown.json()} == {
        (None, None, None)
    }
    assert len(shown.json()) == 2


@pytest.mark.parametrize("name", ["closer", "setter", "payee", "admin", "other admin", "mixed"])
def test_the_other_organization_answers_like_nothing(
    http: httpx.Client, rest: Rest, name: str
) -> None:
    who = As(http, rest, name)
    foreign = next(org for org in (BETA, ACME) if org not in PEOPLE[name].admin_of)
    paths = ["webhook_events", "audit_logs", "payout_snapshots", "invitations", "outbox"]
    if name != "mixed":  # Who is a member there, and nothing more.
        paths += ["events", "leads", "payments", "closers", "organization_members", "sources"]
    for path in paths:
        answer = who.get(f"/{path}?organization_id=eq.{foreign}")
        assert (answer.status_code, answer.json()) == (200, []), path


def test_writes_that_name_another_organization_are_refused(
    http: httpx.Client, rest: Rest, stage: Stage
) -> None:
    admin = As(http, rest, "admin")
    source = str(row_id(BETA, "sources", "row"))
    for method, path, body in (
        ("POST", "/sources", {"organization_id": str(BETA), "name": "X"}),
        ("POST", "/closers", {"organization_id": str(BETA), "name": "X"}),
        ("POST", "/leads", {"organization_id": str(BETA), "full_name": "X"}),
        ("PATCH", f"/sources?id=eq.{source}", {"organization_id": str(BETA)}),
        (
            "POST",
            "/sources?on_conflict=organization_id,id",
            {"organization_id": str(BETA), "id": source, "name": "taken over"},
        ),
        ("POST", "/payees", {"organization_id": str(BETA), "name": "X"}),
        (
            "POST",
            "/post_call_forms",
            {
                "organization_id": str(BETA),
                "event_id": str(row_id(BETA, "events", "other")),
                "call_occurred": False,
            },
        ),
    ):
        merge = ",resolution=merge-duplicates" if "on_conflict" in path else ""
        answer = admin.send(
            method, path, json=body, headers={"Prefer": f"return=representation{merge}"}
        )
        assert answer.status_code in (401, 403, 404), (method, path, answer.text)
    untouched = stage.connection.execute(
        "select name from app.sources where organization_id = %s", (BETA,)
    ).fetchall()
    assert untouched == [("YouTube",)]


def test_a_blocked_change_touches_nothing(http: httpx.Client, rest: Rest, stage: Stage) -> None:
    for name in ("closer", "setter", "other admin", "stranger"):
        who = As(http, rest, name)
        for method in ("PATCH", "DELETE"):
            answer = who.send(
                method,
                f"/sources?organization_id=eq.{ACME}",
                json={"name": "changed"},
                headers={"Prefer": "return=representation"},
            )
            assert answer.status_code == 200, (name, method, answer.text)
            assert answer.json() == []
    assert stage.connection.execute(
        "select name from app.sources where organization_id = %s", (ACME,)
    ).fetchall() == [("YouTube",)]


@pytest.mark.parametrize("name", ["admin", "super admin"])
@pytest.mark.parametrize("view", ["audit_logs", "platform_audit_logs", "commission_ledger"])
def test_what_is_append_only_is_written_by_nobody(
    http: httpx.Client, rest: Rest, view: str, name: str
) -> None:
    who = As(http, rest, name)
    for method in ("POST", "PATCH", "DELETE"):
        answer = who.send(method, f"/{view}?id=not.is.null", json={"reason": "x"})
        assert answer.status_code == 403, (method, answer.text)


def test_nobody_without_a_token_gets_anything(http: httpx.Client, rest: Rest, stage: Stage) -> None:
    nobody = As(http, rest, "anon")
    for relation in RELATIONS.values():
        schema, view = relation.name.split(".")
        for method in ("GET", "POST", "PATCH", "DELETE"):
            answer = nobody.send(
                method,
                f"/{view}?limit=1" if method == "GET" else f"/{view}",
                json={} if method != "GET" else None,
                headers={"Accept-Profile": schema, "Content-Profile": schema},
            )
            assert answer.status_code == 401, (relation.name, method, answer.text)
    described = nobody.get("/").json()
    assert described.get("definitions", {}) == {}


@pytest.mark.parametrize("profile", ["app", "auth", "ingest", "session", "jobs", "pg_catalog"])
@pytest.mark.parametrize("name", ["admin", "super admin", "anon"])
def test_inner_schemas_are_no_profile(
    http: httpx.Client, rest: Rest, profile: str, name: str
) -> None:
    who = As(http, rest, name)
    for answer in (
        who.get("/users", **{"Accept-Profile": profile}),
        who.send("POST", "/rpc/check_request", json={}, headers={"Content-Profile": profile}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (406, "PGRST106")


def test_functions_that_write_do_not_answer_get(
    http: httpx.Client, rest: Rest, stage: Stage
) -> None:
    admin = As(http, rest, "admin")
    for call in (
        f"create_schedule?kind=data-quality&interval_seconds=3600&organization_id={ACME}",
        f"cancel_sync?id={row_id(ACME, 'sync_runs', 'row')}&organization_id={ACME}",
        f"cancel_message?id={row_id(ACME, 'outbox', 'row')}&organization_id={ACME}",
    ):
        answer = admin.get(f"/rpc/{call}")
        assert (answer.status_code, answer.json()["code"]) == (405, "25006"), call
    assert admin.get("/rpc/me").status_code == 200


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_signatures_and_algorithms_that_are_not_ours_are_refused(
    http: httpx.Client, rest: Rest
) -> None:
    admin = PEOPLE["admin"]
    claims = {"role": "org_admin", "exp": int(time.time()) + 600, **dict(admin.claims)}
    head, body, _ = sign(claims, rest.jwt_secret).split(".")
    for forged in (
        sign(claims, "another secret that is long enough for it"),
        sign(claims, "", algorithm="none"),
        sign(claims, rest.jwt_secret, algorithm="HS512"),
        f"{head}.{body}.",
        f"{head}.{body}.AAAA",
        sign({**claims, "exp": int(time.time()) - 60}, rest.jwt_secret),
        sign({**claims, "nbf": int(time.time()) + 3600}, rest.jwt_secret),
        "not.a.token",
    ):
        answer = http.get("/organizations", headers={"Authorization": f"Bearer {forged}"})
        assert answer.status_code == 401, (forged, answer.text)
    good = http.get(
        "/organizations", headers={"Authorization": f"Bearer {sign(claims, rest.jwt_secret)}"}
    )
    assert good.status_code == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"role": "super_admin"}, 401),
        ({"role": "authenticated"}, 401),
        ({"role": "reader"}, 401),
        ({"role": "salesdash"}, 403),
        ({"role": "gateway"}, 403),
        ({"role": "worker"}, 403),
        ({"role": "analyst"}, 403),
        ({"role": "postgres"}, 403),
        ({"sub": str(PEOPLE["super admin"].user_id), "role": "super_admin"}, 401),
        ({"sub": str(PEOPLE["owner"].user_id)}, 401),
        ({"session_id": "x"}, 401),
        ({"session_id": str(ACME)}, 401),
    ],
)
def test_our_signature_on_wrong_claims_is_worth_nothing(
    http: httpx.Client, rest: Rest, changed: dict[str, str], status: int
) -> None:
    """Even whoever got hold of the secret needs a living session, and gets that session's role."""
    claims = {"role": "org_admin", **dict(PEOPLE["admin"].claims), **changed}
    answer = http.get(
        "/organizations",
        headers={"Authorization": f"Bearer {sign(claims, rest.jwt_secret)}"},
    )
    assert answer.status_code == status, answer.text


def test_a_revoked_session_and_a_revoked_key_are_refused(
    http: httpx.Client, rest: Rest, stage: Stage
) -> None:
    for name, table, column, profile in (
        ("setter", "auth.sessions", "user_id", "api"),
        ("reader", "app.api_keys", "organization_id", "analytics"),
    ):
        who, person = As(http, rest, name), PEOPLE[name]
        key = person.user_id or ACME
        assert who.get("/events", **{"Accept-Profile": profile}).status_code == 200
        stage.connection.execute(
            f"update {table} set revoked_at = now() where {column} = %s".encode(), (key,)
        )
        try:
            answer = who.get("/events", **{"Accept-Profile": profile})
            assert (answer.status_code, answer.json()["code"]) == (401, "PT401")
        finally:
            stage.connection.execute(
                f"update {table} set revoked_at = null where {column} = %s".encode(), (key,)
            )


def test_what_a_caller_sends_never_becomes_a_header(http: httpx.Client, rest: Rest) -> None:
    """Messages of errors reach the status line; values go into details."""
    admin = As(http, rest, "admin")
    attack = "x\r\nSet-Cookie: stolen=1\r\n\r\n<script>"
    for path, body in (
        ("/rpc/request_sync", {"kind": attack, "organization_id": str(ACME)}),
        (
            "/rpc/record_history",
            {"table": attack, "id": str(ACME), "organization_id": str(ACME)},
        ),
        (
            "/rpc/explain_access",
            {
                "as_user": str(ACME),
                "relation": attack,
                "id": str(ACME),
                "organization_id": str(ACME),
            },
        ),
    ):
        answer = admin.send("POST", path, json=body)
        assert "set-cookie" not in answer.headers
        assert attack not in answer.reason_phrase
        assert "\n" not in answer.reason_phrase


def test_hints_and_details_name_only_ones_own_organizations(http: httpx.Client, rest: Rest) -> None:
    """Who belongs to two is asked which one; the choices are theirs."""
    mixed = As(http, rest, "mixed")
    answer = mixed.send("POST", "/rpc/request_sync", json={"kind": "data-quality"})
    assert (answer.status_code, answer.json()["code"]) == (422, "PT422")
    assert "Acme" in answer.json()["details"]
    stranger = As(http, rest, "stranger")
    answer = stranger.send("POST", "/rpc/request_sync", json={"kind": "data-quality"})
    assert answer.status_code == 422
    assert "Acme" not in answer.text
    assert str(ACME) not in answer.text
