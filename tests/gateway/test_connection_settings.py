"""Admins make connections and change their secrets; the secrets are never seen again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from salesdash.sealing import open_connection_api_key, open_connection_secret
from salesdash.secretbox import SecretBox, SecretUnreadable
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import MASTER_KEY, Gateway
from tests.gateway.endpoint import Endpoint
from tests.stripe_events import as_sent, payment, refund, signature
from tests.world import Organization, Person, World

SECRET = "whsec_never_seen_again"
PATH = "/functions/v1/webhook-connections"


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


@pytest.fixture
def post(client: httpx.Client, gateway: Gateway, committed_world: World) -> Any:
    """Ask as somebody; without a person, as nobody."""

    def ask(path: str, person: Person | None = None, **fields: object) -> httpx.Response:
        token = committed_world.token(person, gateway.jwt_secret) if person else None
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return client.post(path, json=fields, headers=headers)

    return ask


def made(answer: httpx.Response, client: httpx.Client, acme: Organization) -> Endpoint:
    assert answer.status_code == 201, answer.text
    assert answer.json()["organization_id"] == str(acme.id)
    return Endpoint(client, acme, answer.json()["id"])


def accepts(endpoint: Endpoint, secret: str) -> bool:
    """Whether a new delivery signed with this secret is taken in."""
    body = as_sent(payment()[0])
    answer = endpoint.post(body, header=signature(body, secret=secret))
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


def test_an_admin_makes_a_connection_that_takes_deliveries(
    post: Any, client: httpx.Client, acme: Organization
) -> None:
    answer = post(PATH, acme.admin(), name="Stripe", connectionType="stripe", webhookSecret=SECRET)
    endpoint = made(answer, client, acme)
    assert answer.json()["url"].endswith(endpoint.path)
    assert accepts(endpoint, SECRET)
    assert not accepts(endpoint, "whsec_other")


def test_the_previous_secret_counts_while_it_is_asked_to(
    post: Any, client: httpx.Client, acme: Organization
) -> None:
    admin = acme.admin()
    answer = post(PATH, admin, name="Stripe", connection_type="stripe", webhook_secret=SECRET)
    endpoint = made(answer, client, acme)
    assert accepts(endpoint, SECRET)
    rotate = f"{PATH}/{endpoint.id}/secret"
    assert post(rotate, admin, webhook_secret="whsec_second").status_code == 200
    assert accepts(endpoint, "whsec_second")
    assert accepts(endpoint, SECRET)
    again = post(rotate, admin, webhook_secret="whsec_third_one", previous_valid_seconds=0)
    assert again.status_code == 200
    assert accepts(endpoint, "whsec_third_one")
    # Whoever has not heard of it yet may take the old one for a moment.
    wait_until(lambda: not accepts(endpoint, "whsec_second"), lambda: "it still counts")
    too_long = post(rotate, admin, webhook_secret="whsec_fourth", previousValidSeconds=604801)
    assert refused_fields(too_long) == {"previous_valid_seconds"}


def test_pausing_renaming_and_deleting(post: Any, client: httpx.Client, acme: Organization) -> None:
    admin = acme.admin()
    answer = post(PATH, admin, name="Stripe", connection_type="stripe", webhook_secret=SECRET)
    endpoint = made(answer, client, acme)
    update, delete = (
        "/rest/v1/rpc/update_webhook_connection",
        "/rest/v1/rpc/delete_webhook_connection",
    )
    connection_id = str(endpoint.id)
    body = as_sent(payment()[0])

    def delivered() -> int:
        header = signature(body, secret=SECRET)
        return endpoint.post(body, header=header).status_code

    assert delivered() == 200
    assert post(update, admin, connection_id=connection_id, is_active=False).is_success
    assert delivered() == 404
    changed = post(update, admin, connection_id=connection_id, is_active=True, name="Ours")
    assert changed.is_success
    assert delivered() == 200
    assert post(delete, admin, connection_id=connection_id).is_success
    assert delivered() == 404
    assert endpoint.count("payments") == 1
    (kept,) = endpoint.rows("webhook_connections")
    assert (kept["name"], kept["webhook_secret"]) == ("Ours", None)
    assert post(update, admin, connection_id=connection_id, name="x").status_code == 404


def test_nobody_else_may(post: Any, acme: Organization, committed_world: World) -> None:
    stranger = committed_world.organization("other").admin()
    fields = {"name": "Stripe", "connection_type": "stripe", "webhook_secret": SECRET}
    theirs = {**fields, "organization_id": str(acme.id)}
    assert post(PATH, None, **fields).status_code == 401
    assert post(PATH, acme.closer(), **fields).status_code == 403
    assert post(PATH, stranger, **theirs).status_code == 404
    rotate = f"{PATH}/{uuid4()}/secret"
    assert post(rotate, acme.admin(), webhook_secret=SECRET).status_code == 404
    assert (
        committed_world.rows(
            "select id from app.webhook_connections where organization_id = %s", acme.id
        )
        == []
    )


def refused_fields(answer: httpx.Response) -> set[str]:
    """The fields that a refusal names."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid_fields")
    return set(told["errors"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("webhook_secret", secret) for secret in (None, "", "short", 7, "x" * 1025)),
        *(("api_key", key) for key in ("", "short", 7, ["x" * 20])),
        *(("name", name) for name in (None, "", "  ", 7, "x" * 201, "a\0b")),
        *(("connection_type", name) for name in (None, "", "paypal", "Stripe", 7)),
        *(("rate_limit_per_minute", limit) for limit in (0, -1, 100_001, 2**40, "60", 1.5, True)),
        ("provider_account", 7),
    ],
)
def test_a_wrong_field_is_named(
    post: Any, acme: Organization, committed_world: World, field: str, value: object
) -> None:
    fields = {"name": "Stripe", "connection_type": "stripe", "webhook_secret": SECRET}
    answer = post(PATH, acme.admin(), **{**fields, field: value})
    assert refused_fields(answer) == {field}
    assert SECRET not in answer.text
    assert (
        committed_world.rows(
            "select id from app.webhook_connections where organization_id = %s", acme.id
        )
        == []
    )


def test_every_wrong_setting_is_named_at_once(post: Any, acme: Organization) -> None:
    answer = post(PATH, acme.admin(), webhook_secret=SECRET, rate_limit_per_minute=0)
    assert refused_fields(answer) == {"name", "connection_type", "rate_limit_per_minute"}


def test_what_is_no_json_object_is_refused(
    client: httpx.Client, gateway: Gateway, acme: Organization
) -> None:
    token = acme.world.token(acme.admin(), gateway.jwt_secret)
    for body in (b"", b"[]", b"{", b"name=Stripe"):
        answer = client.post(PATH, content=body, headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


def test_wrong_changes_are_refused_whole(
    post: Any, client: httpx.Client, acme: Organization
) -> None:
    admin = acme.admin()
    answer = post(PATH, admin, name="Stripe", connection_type="stripe", webhook_secret=SECRET)
    endpoint = made(answer, client, acme)
    wrong = post(
        "/rest/v1/rpc/update_webhook_connection",
        admin,
        connection_id=str(endpoint.id),
        name=" ",
        rate_limit_per_minute=0,
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "PT422")
    assert set(json.loads(wrong.json()["details"])) == {"name", "rate_limit_per_minute"}
    (kept,) = endpoint.rows("webhook_connections")
    assert (kept["name"], kept["rate_limit_per_minute"]) == ("Stripe", 60)


def test_the_urls_that_are_answered_take_deliveries(
    post: Any, client: httpx.Client, acme: Organization
) -> None:
    answer = post(
        PATH, acme.admin(), name="Stripe", connection_type="stripe", webhook_secret=SECRET
    )
    endpoint = made(answer, client, acme)
    urls = answer.json()["urls"]
    assert urls[0] == answer.json()["url"]
    assert [urlsplit(url).path for url in urls] == [endpoint.path, "/functions/v1/generic-webhook"]
    body = as_sent(payment()[0])
    told = [
        httpx.post(
            url,
            content=body,
            headers={"stripe-signature": signature(body, secret=SECRET)},
            trust_env=False,
        ).json()["status"]
        for url in urls
    ]
    assert told == ["processed", "duplicate"]


# -- keys by which providers are asked


def stored_key(endpoint: Endpoint) -> str:
    """What the worker will ask with."""
    (row,) = endpoint.rows("webhook_connections")
    return open_connection_api_key(
        SecretBox(MASTER_KEY),
        bytes(row["api_key"]),  # type: ignore[call-overload]
        organization_id=endpoint.organization.id,
        connection_id=endpoint.id,
    )


def test_an_api_key_is_kept_sealed_under_its_own_name(
    post: Any, client: httpx.Client, acme: Organization
) -> None:
    admin = acme.admin()
    answer = post(
        PATH,
        admin,
        name="Whop",
        connection_type="whop",
        webhook_secret=SECRET,
        apiKey="whop_key_first",
    )
    endpoint = made(answer, client, acme)
    assert stored_key(endpoint) == "whop_key_first"
    path = f"{PATH}/{endpoint.id}/api-key"
    assert post(path, admin, api_key="whop_key_second").status_code == 200
    assert stored_key(endpoint) == "whop_key_second"
    (row,) = endpoint.rows("webhook_connections")
    assert (row["api_key_last4"], row["webhook_secret_last4"]) == ("cond", SECRET[-4:])
    with pytest.raises(SecretUnreadable):
        open_connection_secret(
            SecretBox(MASTER_KEY),
            bytes(row["api_key"]),  # type: ignore[call-overload]
            organization_id=acme.id,
            connection_id=endpoint.id,
        )


def test_acuitys_key_is_its_signing_secret_too(
    post: Any, client: httpx.Client, acme: Organization
) -> None:
    admin = acme.admin()
    answer = post(PATH, admin, name="Acuity", connection_type="acuity", api_key="1234:key_number_1")
    endpoint = made(answer, client, acme)
    path = f"{PATH}/{endpoint.id}/api-key"

    def secrets() -> tuple[str, bytes | None]:
        (row,) = endpoint.rows("webhook_connections")
        opened = open_connection_secret(
            SecretBox(MASTER_KEY),
            bytes(row["webhook_secret"]),  # type: ignore[call-overload]
            organization_id=acme.id,
            connection_id=endpoint.id,
        )
        return opened, row["webhook_secret_previous"]  # type: ignore[return-value]

    assert (stored_key(endpoint), secrets()) == ("1234:key_number_1", ("key_number_1", None))
    assert post(path, admin, api_key="1234:key_number_2").status_code == 200
    assert (stored_key(endpoint), secrets()[0]) == ("1234:key_number_2", "key_number_2")
    assert secrets()[1] is not None
    kept = post(path, admin, api_key="77:key_number_3", keep_webhook_secret=True)
    assert kept.status_code == 200
    assert (stored_key(endpoint), secrets()[0]) == ("77:key_number_3", "key_number_2")


@pytest.mark.parametrize("key", ["0123456789abcdef", "ann:0123456789", "12:short", ":0123456789"])
def test_acuitys_key_needs_its_user(post: Any, acme: Organization, key: str) -> None:
    answer = post(PATH, acme.admin(), name="Acuity", connection_type="acuity", api_key=key)
    assert refused_fields(answer) == {"api_key"}


def test_nobody_else_sets_an_api_key_and_nobody_reads_one(
    post: Any, client: httpx.Client, gateway: Gateway, acme: Organization, committed_world: World
) -> None:
    admin = acme.admin()
    answer = post(PATH, admin, name="Whop", connection_type="whop", webhook_secret=SECRET)
    endpoint = made(answer, client, acme)
    path = f"{PATH}/{endpoint.id}/api-key"
    stranger = committed_world.organization("other").admin()
    assert post(path, None, api_key="whop_key_first").status_code == 401
    assert post(path, acme.closer(), api_key="whop_key_first").status_code == 404
    assert post(path, stranger, api_key="whop_key_first").status_code == 404
    assert endpoint.rows("webhook_connections")[0]["api_key"] is None
    assert post(path, admin, api_key="short").status_code == 422
    assert post(path, admin, api_key="whop_key_first").status_code == 200
    token = committed_world.token(admin, gateway.jwt_secret)
    for where in (path, f"{PATH}/{endpoint.id}/secret", PATH):
        read = client.get(where, headers={"authorization": f"Bearer {token}"})
        assert read.status_code == 405
    for column in ("api_key", "webhook_secret", "webhook_secret_previous"):
        read = client.get(
            f"/rest/v1/webhook_connections?select={column}",
            headers={"authorization": f"Bearer {token}"},
        )
        assert (read.status_code, read.json()["code"]) == (400, "42703")


@pytest.mark.parametrize("account_again", [" acct_1 ", None])
def test_a_connection_made_again_tells_of_the_same_money(
    account_again: str | None, post: Any, client: httpx.Client, acme: Organization
) -> None:
    admin = acme.admin()
    charge, intent = payment(email="lee@lead.test")
    story = [as_sent(event) for event in (charge, intent, refund(charge, 40000))]

    def tell(account: str | None) -> tuple[Endpoint, list[str]]:
        answer = post(
            PATH,
            admin,
            name="Stripe",
            connection_type="stripe",
            webhook_secret=SECRET,
            provider_account=account,
        )
        endpoint = made(answer, client, acme)
        answers = [
            endpoint.post(body, header=signature(body, secret=SECRET)).json() for body in story
        ]
        return endpoint, [answer["status"] for answer in answers]

    def money(endpoint: Endpoint) -> list[object]:
        return [
            [(row["id"], row["amount"], row["refund_amount"]) for row in endpoint.rows("payments")],
            [(row["id"], row["amount"]) for row in endpoint.rows("payment_refunds")],
            [(row["id"], row["amount_base"]) for row in endpoint.rows("payment_credits")],
        ]

    first, told = tell("acct_1")
    assert told == ["processed"] * 3
    before = money(first)
    assert len(first.rows("payments")) == 1
    deleted = post("/rest/v1/rpc/delete_webhook_connection", admin, connection_id=str(first.id))
    assert deleted.is_success
    again, told = tell(account_again)
    assert told == ["processed"] * 3
    assert again.id != first.id
    assert money(again) == before


def test_a_secret_in_plain_text_is_refused_by_the_database(post: Any, acme: Organization) -> None:
    answer = post(
        "/rest/v1/rpc/create_webhook_connection",
        acme.admin(),
        id=str(uuid4()),
        name="Stripe",
        connection_type="stripe",
        webhook_secret=f"\\x{SECRET.encode().hex() * 3}",
        webhook_secret_last4="gain",
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "PT422")


def test_an_id_is_used_once_whoever_asks(
    post: Any, client: httpx.Client, acme: Organization, committed_world: World
) -> None:
    answer = post(
        PATH, acme.admin(), name="Stripe", connection_type="stripe", webhook_secret=SECRET
    )
    endpoint = made(answer, client, acme)
    taken = post(
        "/rest/v1/rpc/create_webhook_connection",
        committed_world.organization("thief").admin(),
        id=str(endpoint.id),
        name="Mine",
        connection_type="stripe",
        webhook_secret=f"\\x{b'0123456789ab'.hex()}{'00' * 40}",
        webhook_secret_last4="gain",
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "PT409")


def test_no_answer_no_log_and_no_audit_row_holds_the_secret(
    post: Any, client: httpx.Client, gateway: Gateway, acme: Organization, logs: Path
) -> None:
    admin = acme.admin()
    secret, key = f"whsec_{uuid4().hex}", f"sk_{uuid4().hex}"
    answer = post(
        PATH,
        admin,
        name="Stripe",
        connection_type="stripe",
        webhook_secret=secret,
        api_key=key,
    )
    endpoint = made(answer, client, acme)
    assert accepts(endpoint, secret)
    token = acme.world.token(admin, gateway.jwt_secret)
    shown = client.get(
        f"/rest/v1/webhook_connections?id=eq.{endpoint.id}",
        headers={"authorization": f"Bearer {token}"},
    )
    assert shown.json()[0]["webhook_secret_last4"] == secret[-4:]
    rotated = post(f"{PATH}/{endpoint.id}/secret", admin, webhook_secret=f"{secret}2")
    assert rotated.status_code == 200
    assert post(f"{PATH}/{endpoint.id}/api-key", admin, api_key=f"{key}2").status_code == 200
    (kept,) = endpoint.rows("webhook_connections")
    stored = [
        bytes(kept[column])  # type: ignore[call-overload]
        for column in ("webhook_secret", "webhook_secret_previous", "api_key")
    ]
    told = [answer.text, shown.text, str(endpoint.rows("audit_logs"))]
    told += [log.read_text(errors="replace") for log in logs.iterdir()]
    assert len(endpoint.rows("audit_logs")) > 2
    for place in told:
        assert secret not in place
        assert key not in place
        for sealed in stored:
            assert sealed.hex() not in place
            assert str(sealed) not in place
    assert secret.encode() not in b"".join(stored)
    assert key.encode() not in b"".join(stored)
