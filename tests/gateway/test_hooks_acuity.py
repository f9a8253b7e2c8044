"""Acuity's deliveries over HTTP: proven, and fetched by the worker until the call is right."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers import numbered_form
from gateway.verify import DeliveryRejected
from gateway.verify.acuity import verify_delivery
from salesdash.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.fixtures.processes import Gateway, Worker, settings_for
from tests.gateway.endpoint import Endpoint, open_endpoint
from tests.vendors.fake_acuity import API_KEY, CALENDARS, KEY, FakeAcuity, serving, signature
from tests.world import Organization, Person, World

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
VECTOR_KEY = b"acuity-test-key"
VECTOR_BODY = b"action=scheduled&id=482910377&calendarID=7310044&appointmentTypeID=20911835"
VECTOR = "DlUQUeNp+pBLVY7ABNG6xfN2+oLRnFnhtrsHw2Ndgmc="


def signed_by_acuity(body: bytes) -> Mapping[str, str]:
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-acuity-signature": signature(body),
    }


@pytest.fixture(scope="module")
def acuity_server() -> Iterator[tuple[FakeAcuity, str]]:
    fake = FakeAcuity(time.monotonic)
    with serving(fake) as url:
        yield fake, url


@pytest.fixture(scope="module")
def system(database: Database, acuity_server: tuple[FakeAcuity, str]) -> Settings:
    return settings_for(database, acuity_base_url=acuity_server[1])


@pytest.fixture
def fake(acuity_server: tuple[FakeAcuity, str], worker: Worker) -> Iterator[FakeAcuity]:
    """Acuity, with a worker that asks it."""
    fake = acuity_server[0]
    fake.tells_changed, fake.prefix, fake.says_canceled = False, "", True
    yield fake
    fake.failures.clear()


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


@pytest.fixture
def post(client: httpx.Client, gateway: Gateway) -> Callable[..., httpx.Response]:
    """Ask as somebody."""

    def ask(path: str, person: Person, world: World, **fields: object) -> httpx.Response:
        token = world.token(person, gateway.jwt_secret)
        answer = client.post(path, json=fields, headers={"authorization": f"Bearer {token}"})
        assert answer.is_success, answer.text
        return answer

    return ask


def connected(
    post: Callable[..., httpx.Response],
    client: httpx.Client,
    organization: Organization,
    api_key: str = API_KEY,
    **fields: object,
) -> Endpoint:
    """A connection, made as an admin makes one."""
    answer = post(
        "/functions/v1/webhook-connections",
        organization.admin(),
        organization.world,
        name="Acuity",
        connection_type="acuity",
        api_key=api_key,
        rate_limit_per_minute=10_000,
        **fields,
    )
    assert answer.json()["url"].endswith(f"/hooks/acuity/{answer.json()['id']}")
    return Endpoint(client, organization, answer.json()["id"], "acuity", signed_by_acuity)


@pytest.fixture
def endpoint(
    post: Callable[..., httpx.Response], client: httpx.Client, acme: Organization
) -> Endpoint:
    return connected(post, client, acme)


def told(endpoint: Endpoint, forms: list[bytes]) -> None:
    """Deliver what Acuity says, and wait until the worker has asked."""
    for form in forms:
        answer = endpoint.post(form)
        assert (answer.status_code, answer.json()) == (200, {"status": "processed"})
    settled(endpoint)


def settled(endpoint: Endpoint) -> None:
    wait_until(
        lambda: not {run["state"] for run in endpoint.rows("sync_runs")} & {"queued", "running"},
        lambda: str(endpoint.rows("sync_runs")),
        deadline_s=60,
    )


def call(endpoint: Endpoint) -> dict[str, Any]:
    (found,) = endpoint.rows("events")
    return found


def open_exceptions(endpoint: Endpoint) -> set[object]:
    return {row["check_name"] for row in endpoint.rows("exceptions") if row["state"] == "open"}


# -- the story of an appointment


def test_an_appointment_is_booked_moved_and_canceled(endpoint: Endpoint, fake: FakeAcuity) -> None:
    acme = endpoint.organization
    fake.tells_changed, fake.prefix = True, "appointment."
    closer = acme.closer("ines")
    acme.world.execute(
        "update app.closers set email = %s where organization_id = %s",
        CALENDARS[7310044]["email"],
        acme.id,
    )
    made, forms = fake.book(at=SOON)
    told(endpoint, forms)
    booked = call(endpoint)
    assert (booked["closer_id"], booked["scheduled_at"]) == (closer.closer_id, SOON)
    assert booked["lead_email"] == "ada.k@client.test"

    told(endpoint, fake.reschedule(made, at=SOON + timedelta(hours=5)))
    moved = call(endpoint)
    assert (moved["id"], moved["scheduled_at"]) == (booked["id"], SOON + timedelta(hours=5))

    told(endpoint, fake.cancel(made))
    assert (call(endpoint)["call_status"], call(endpoint)["canceled_by"]) == ("canceled", "invitee")
    events = endpoint.rows("webhook_events")
    assert [row["event_type"] for row in events] == [
        *("scheduled", "changed"),
        *("rescheduled", "changed"),
        *("canceled", "changed"),
    ]
    assert events[-1]["event_id"] == booked["id"]
    assert {run["state"] for run in endpoint.rows("sync_runs")} == {"succeeded"}
    assert open_exceptions(endpoint) == set()


def test_equal_deliveries_are_each_looked_at(endpoint: Endpoint, fake: FakeAcuity) -> None:
    made, forms = fake.book(at=SOON)
    told(endpoint, forms)
    for hours in (1, 2):
        form = fake.reschedule(made, at=SOON + timedelta(hours=hours))
        told(endpoint, form)
        assert call(endpoint)["scheduled_at"] == SOON + timedelta(hours=hours)
    before = call(endpoint)
    told(endpoint, forms + form + form)
    assert call(endpoint) == before
    assert endpoint.count("webhook_events") == 6


def test_many_deliveries_wait_as_one_run(
    endpoint: Endpoint, acuity_server: tuple[FakeAcuity, str]
) -> None:
    _, forms = acuity_server[0].book(at=SOON)
    acme = endpoint.organization
    # A run of this kind that is under way keeps the others waiting.
    acme.world.execute(
        "insert into app.sync_runs (organization_id, kind, state, claimed_by, heartbeat_at,"
        " attempts) values (%s, 'fetch-acuity-appointment', 'running', 'w', now() + '1 hour', 1)",
        acme.id,
    )
    for form in forms * 5:
        assert endpoint.post(form).json() == {"status": "processed"}
    assert [run["state"] for run in endpoint.rows("sync_runs")] == ["running", "queued"]
    steps = [row["steps"][0]["because"] for row in endpoint.rows("webhook_events")]  # type: ignore[index]
    assert len(set(steps)) == 2


def test_orders_and_unknown_kinds_are_ignored(endpoint: Endpoint) -> None:
    for action in ("order.completed", "appointment.invented", "x"):
        answer = endpoint.post(f"action={action}&id=7".encode())
        assert answer.json() == {"status": "ignored"}
    assert endpoint.count("sync_runs") == 0


def test_two_organizations_hear_of_one_appointment_apart(
    post: Callable[..., httpx.Response],
    client: httpx.Client,
    endpoint: Endpoint,
    fake: FakeAcuity,
    committed_world: World,
) -> None:
    other = connected(post, client, committed_world.organization("other"))
    made, forms = fake.book(at=SOON)
    told(endpoint, forms)
    told(other, forms)
    told(other, fake.cancel(made))
    assert (call(endpoint)["call_status"], call(other)["call_status"]) == ("scheduled", "canceled")
    assert call(endpoint)["lead_id"] != call(other)["lead_id"]


# -- when asking fails


def test_a_vendor_that_is_away_is_asked_again(endpoint: Endpoint, fake: FakeAcuity) -> None:
    _, forms = fake.book(at=SOON)
    fake.fail_next(503, "", retry_after="0")
    fake.fail_next(429, "", retry_after="0")
    told(endpoint, forms)
    assert call(endpoint)["scheduled_at"] == SOON


def test_a_key_that_is_refused_waits_for_an_admin(
    post: Callable[..., httpx.Response],
    client: httpx.Client,
    acme: Organization,
    fake: FakeAcuity,
) -> None:
    endpoint = connected(post, client, acme, "1234567:wrong_key", webhook_secret=KEY)
    admin = acme.admin()
    _, forms = fake.book(at=SOON)
    told(endpoint, forms)
    (run,) = endpoint.rows("sync_runs")
    assert (run["state"], run["error"]) == ("failed", "Acuity answered 401 unauthorized")
    assert open_exceptions(endpoint) == {"failed_sync"}
    path = f"/functions/v1/webhook-connections/{endpoint.id}/api-key"
    post(path, admin, acme.world, api_key=API_KEY, keep_webhook_secret=True)
    post("/rest/v1/rpc/retry_sync", admin, acme.world, id=str(run["id"]))
    settled(endpoint)
    assert call(endpoint)["scheduled_at"] == SOON
    assert "failed_sync" not in open_exceptions(endpoint)


def test_without_a_key_and_without_a_connection(
    post: Callable[..., httpx.Response],
    client: httpx.Client,
    acme: Organization,
    fake: FakeAcuity,
) -> None:
    keyless = open_endpoint(client, acme, provider="acuity", signed=signed_by_acuity, secret=KEY)
    _, forms = fake.book(at=SOON)
    told(keyless, forms)
    (run,) = keyless.rows("sync_runs")
    assert run["state"] == "failed"
    post(
        "/rest/v1/rpc/delete_webhook_connection",
        acme.admin(),
        acme.world,
        connection_id=str(keyless.id),
    )
    post("/rest/v1/rpc/retry_sync", acme.admin(), acme.world, id=str(run["id"]))
    settled(keyless)
    (run,) = keyless.rows("sync_runs")
    assert (run["state"], run["counts"]) == ("succeeded", {"skipped": 1})
    assert keyless.count("events") == 0


def test_the_run_can_only_be_asked_for_by_a_delivery(
    client: httpx.Client, gateway: Gateway, acme: Organization
) -> None:
    token = acme.world.token(acme.admin(), gateway.jwt_secret)
    answer = client.post(
        "/rest/v1/rpc/request_sync",
        json={"kind": "fetch-acuity-appointment", "parameters": {"appointment_id": "1"}},
        headers={"authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "PT422")


# -- signatures


def accepts(body: bytes, header: str, *secrets: bytes) -> bool:
    try:
        verify_delivery(body, {"x-acuity-signature": header}, secrets, 0)
    except DeliveryRejected:
        return False
    return True


def test_the_documented_vector() -> None:
    assert signature(VECTOR_BODY, key=VECTOR_KEY.decode()) == VECTOR
    assert accepts(VECTOR_BODY, VECTOR, VECTOR_KEY)
    assert accepts(VECTOR_BODY, f" {VECTOR} ", b"newer key", VECTOR_KEY)


@pytest.mark.parametrize(
    ("body", "header", "secrets"),
    [
        (VECTOR_BODY, "", [VECTOR_KEY]),
        (VECTOR_BODY, VECTOR, []),
        (VECTOR_BODY, VECTOR, [b"acuity-test-kez"]),
        (VECTOR_BODY, VECTOR[:-1], [VECTOR_KEY]),
        (VECTOR_BODY, VECTOR.lower(), [VECTOR_KEY]),
        (VECTOR_BODY, VECTOR.replace("+", "-"), [VECTOR_KEY]),
        (VECTOR_BODY, f"sha256={VECTOR}", [VECTOR_KEY]),
        (VECTOR_BODY, f"{VECTOR},{VECTOR}", [VECTOR_KEY]),
        (VECTOR_BODY, "0e551051e369fa904b5580d1d11bac5f", [VECTOR_KEY]),
        (VECTOR_BODY + b"&", VECTOR, [VECTOR_KEY]),
        (b"id=482910377&" + VECTOR_BODY[:17], VECTOR, [VECTOR_KEY]),
        (VECTOR_BODY.replace(b"scheduled", b"%73cheduled"), VECTOR, [VECTOR_KEY]),
        (b"", VECTOR, [VECTOR_KEY]),
        (VECTOR_BODY, "\u2713", [VECTOR_KEY]),
    ],
)
def test_anything_else_is_refused(body: bytes, header: str, secrets: list[bytes]) -> None:
    assert not accepts(body, header, *secrets)


@given(st.binary(), st.text())
def test_no_body_and_no_header_raise_anything_else(body: bytes, header: str) -> None:
    assert not accepts(body, header, VECTOR_KEY)


def test_a_forged_delivery_asks_for_nothing(endpoint: Endpoint, client: httpx.Client) -> None:
    body = b"action=scheduled&id=482910377"
    for headers in ({}, {"x-acuity-signature": signature(body, key="other")}):
        answer = client.post(endpoint.path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_genuine")
    assert endpoint.count("webhook_events") == endpoint.count("sync_runs") == 0


# -- bodies


def test_a_form_is_an_object_of_texts_with_a_number_of_its_own() -> None:
    read = [json.loads(numbered_form(b"id=1&action=a+b&id=2&note=%C3%A9&empty=")) for _ in range(2)]
    numbers = {form.pop("delivery_id") for form in read}
    assert len(numbers) == 2
    assert read == [{"id": "2", "action": "a b", "note": "\u00e9", "empty": ""}] * 2
    assert json.loads(numbered_form(b"delivery_id=1&id=1"))["delivery_id"] != "1"


@pytest.mark.parametrize(
    "body", [b"", b"&", b"id=%FF", b"id=\xff", b"&".join(b"a%d=1" % n for n in range(101))]
)
def test_what_is_no_form_is_refused(endpoint: Endpoint, body: bytes) -> None:
    answer = endpoint.post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


@given(st.binary())
def test_whatever_is_sent_is_an_object_or_refused(body: bytes) -> None:
    try:
        text = numbered_form(body)
    except ValueError:
        return
    assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize(
    "body", [b'{"action":"scheduled","id":1}', b"a=b", b"id=1", b"action=changed"]
)
def test_a_form_that_is_no_event_is_refused(endpoint: Endpoint, body: bytes) -> None:
    answer = endpoint.post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_an_event")


@pytest.mark.parametrize("made", ["x", "-1", "1.5", "9" * 19, "1;drop", "%00"])
def test_an_appointment_that_is_none_waits_for_a_person(endpoint: Endpoint, made: str) -> None:
    answer = endpoint.post(f"action=changed&id={made}".encode())
    assert answer.json() == {"status": "queued"}
    assert endpoint.count("sync_runs") == 0
