"""Admins make connections and change their secrets; the secrets are never seen again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway
from tests.gateway.endpoint import Endpoint
from tests.stripe_events import as_sent, payment, signature
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
    assert (too_long.status_code, too_long.json()["code"]) == (422, "PT422")


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


@pytest.mark.parametrize("secret", [None, "", "short", 7, "x" * 1025])
def test_a_secret_that_cannot_be_one_is_refused(
    post: Any, acme: Organization, secret: object
) -> None:
    answer = post(
        PATH, acme.admin(), name="Stripe", connection_type="stripe", webhook_secret=secret
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_secret")


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
    secret = f"whsec_{uuid4().hex}"
    answer = post(PATH, admin, name="Stripe", connection_type="stripe", webhook_secret=secret)
    endpoint = made(answer, client, acme)
    assert accepts(endpoint, secret)
    token = acme.world.token(admin, gateway.jwt_secret)
    shown = client.get(
        f"/rest/v1/webhook_connections?id=eq.{endpoint.id}",
        headers={"authorization": f"Bearer {token}"},
    )
    assert shown.json()[0]["webhook_secret_last4"] == secret[-4:]
    stored = b"".join(bytes(row["webhook_secret"]) for row in endpoint.rows("webhook_connections"))
    told = [answer.text, shown.text, str(endpoint.rows("audit_logs"))]
    told += [log.read_text(errors="replace") for log in logs.iterdir()]
    for place in told:
        assert secret not in place
        assert stored.hex() not in place
    assert secret.encode() not in stored
