"""Admins set the keys of their integrations; nobody ever sees them again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from salesdash.sealing import open_integration_key
from salesdash.secretbox import SecretBox, SecretUnreadable
from tests.edge.requests import outcome
from tests.fixtures.processes import MASTER_KEY, Gateway
from tests.world import Organization, Person, World

KEYS = {
    "calendly": "eyJraWQi.never-seen-again-1",
    "close": "api_never_seen_again_2",
    "ghl": "pit-never-seen-again-3",
    "hubspot": "pat-never-seen-again-4",
    "whop": "apik_never_seen_again_5",
    "stripe": "rk_live_never_seen_again_6",
    "slack": "https://hooks.slack.com/services/T0/B0/never-seen-again-7",
}


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


@pytest.fixture
def manage(client: httpx.Client, gateway: Gateway, committed_world: World) -> Any:
    """Ask as somebody; without a person, as nobody."""

    def ask(person: Person | None, **fields: object) -> httpx.Response:
        token = committed_world.token(person, gateway.jwt_secret) if person else None
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return client.post("/functions/v1/manage-api-keys", json=fields, headers=headers)

    return ask


def stored(acme: Organization, column: str) -> Any:
    return acme.world.value(
        f"select {column} from app.organization_integrations where organization_id = %s", acme.id
    )


def key_name(provider: str) -> str:
    return "slack_webhook_url" if provider == "slack" else f"{provider}_api_key"


@pytest.mark.parametrize("provider", sorted(KEYS))
def test_a_key_is_sealed_rotated_and_forgotten(
    manage: Any, acme: Organization, provider: str
) -> None:
    admin, name = acme.admin(), key_name(provider)
    early = manage(admin, action="rotate", provider=provider, apiKey=KEYS[provider])
    assert outcome(early) == (409, "PT409")
    for action, key in (("set", KEYS[provider]), ("rotate", KEYS[provider] + "-new1")):
        answer = manage(admin, action=action, provider=provider, api_key=key)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told == {
            "organization_id": str(acme.id),
            "provider": provider,
            "configured": True,
            "last4": key[-4:],
            "key_id": stored(acme, f"{name}_key_id"),
            "validated_at": None,
        }
        box, sealed = SecretBox(MASTER_KEY), stored(acme, f"{name}_encrypted")
        assert sealed[:12].decode() == told["key_id"]
        assert open_integration_key(box, sealed, organization_id=acme.id, key_name=name) == key
        elsewhere = acme.world.organization("bolt").id
        with pytest.raises(SecretUnreadable):
            open_integration_key(box, sealed, organization_id=elsewhere, key_name=name)
        with pytest.raises(SecretUnreadable):
            open_integration_key(box, sealed, organization_id=acme.id, key_name="other_api_key")
    gone = manage(admin, action="delete", provider=provider)
    assert (gone.json()["configured"], gone.json()["last4"]) == (False, None)
    assert stored(acme, f"{name}_encrypted") is None
    assert outcome(manage(admin, action="delete", provider=provider)) == (409, "PT409")


def test_keys_are_for_owners_and_admins_of_the_organization(
    manage: Any, acme: Organization, committed_world: World
) -> None:
    asked = {"action": "set", "provider": "stripe", "api_key": KEYS["stripe"]}
    here = {**asked, "organizationId": str(acme.id)}
    assert outcome(manage(None, **here))[0] == 401
    assert outcome(manage(acme.closer(), **here)) == (403, "42501")
    assert outcome(manage(committed_world.organization("bolt").owner(), **here)) == (404, "PT404")
    assert stored(acme, "stripe_api_key_last4") is None
    for who in (acme.owner(), acme.admin(), committed_world.super_admin()):
        assert manage(who, **here).status_code == 200
    both = acme.admin("both")
    committed_world.organization("other").join(both, "admin")
    assert outcome(manage(both, **asked)) == (422, "PT422")
    assert manage(both, **here).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "decrypt"}, "action"),
        ({"action": None}, "action"),
        ({"action": ["set"]}, "action"),
        ({"provider": "paypal"}, "provider"),
        ({"provider": None}, "provider"),
        ({"api_key": None}, "api_key"),
        ({"api_key": "short"}, "api_key"),
        ({"api_key": "sk_live two words"}, "api_key"),
        ({"api_key": "sk_live_" + "x" * 1024}, "api_key"),
        ({"api_key": 12345678}, "api_key"),
        ({"api_key": "pk_live_no_secret_at_all"}, "api_key"),
        ({"provider": "slack", "api_key": "https://evil.test/services/T0/B0/x"}, "api_key"),
        ({"provider": "slack", "api_key": "https://hooks.slack.com.evil.test/x"}, "api_key"),
        ({"provider": "slack", "api_key": "http://hooks.slack.com/services/x"}, "api_key"),
        ({"organization_id": 7}, "organization_id"),
    ],
)
def test_what_cannot_be_a_key_is_refused_and_not_repeated(
    manage: Any, acme: Organization, change: dict[str, Any], field: str
) -> None:
    asked = {"action": "set", "provider": "stripe", "api_key": KEYS["stripe"], **change}
    answer = manage(acme.admin(), **asked)
    assert outcome(answer) == (422, "invalid_fields")
    assert set(answer.json()["errors"]) == {field}
    assert "never_seen" not in answer.text
    assert str(asked["api_key"]) not in answer.text


def test_no_answer_no_log_and_no_audit_row_holds_a_key(
    manage: Any,
    client: httpx.Client,
    gateway: Gateway,
    acme: Organization,
    committed_world: World,
    logs: Path,
) -> None:
    admin = acme.admin()
    said = [manage(admin, action="set", provider=p, api_key=key).text for p, key in KEYS.items()]
    token = committed_world.token(admin, gateway.jwt_secret)
    for path in ("organization_integrations", "integrations", "audit_logs"):
        answer = client.get(f"/rest/v1/{path}", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        assert answer.json(), path
        said.append(answer.text)
    audited = committed_world.rows(
        "select l::text as row from app.audit_logs as l where l.organization_id = %s", acme.id
    )
    assert any("stripe_api_key_last4" in row["row"] for row in audited)
    said += [row["row"] for row in audited] + [log.read_text() for log in logs.glob("*.log")]
    sealed = [stored(acme, f"{key_name(p)}_encrypted").hex() for p in KEYS]
    for text in said:
        for secret in (*KEYS.values(), *sealed):
            assert secret not in text
            assert json.dumps(secret)[1:-1] not in text
