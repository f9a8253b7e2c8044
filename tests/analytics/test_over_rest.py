"""Analysts' views over REST, with a key, as a BI tool without SQL asks."""

from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from salesdash.tokens import ReaderClaims, mint_reader_key
from tests.fixtures.processes import Rest
from tests.world import World

NOON = datetime(2026, 3, 10, 16, tzinfo=UTC)


@pytest.fixture
def http(rest: Rest, committed_world: World) -> httpx.Client:
    """A key of an organization with a call, a payment and a refund; another one has the same."""
    for name in ("beta", "acme"):
        organization = committed_world.organization(name)
        closer, source = organization.closer("Ann"), organization.source("YouTube")
        lead = organization.lead()
        event = organization.event(
            closer=closer, source=source, lead=lead, scheduled_at=NOON, outcome="closed"
        )
        payment = organization.payment(closer=closer, event=event, lead=lead, paid_at=NOON)
        organization.refund(payment, amount=Decimal("10.00"), refunded_at=NOON)
    made = organization.reader_key()
    claims = ReaderClaims(made.key_id, made.organization_id)
    key = mint_reader_key(claims, rest.jwt_secret, issuer="x", now=int(NOON.timestamp()))
    headers = {"Authorization": f"Bearer {key}", "Accept-Profile": "analytics"}
    return httpx.Client(base_url=rest.url, headers=headers, trust_env=False, timeout=30)


def test_views_embed_each_other_by_the_names_of_the_keys(http: httpx.Client) -> None:
    """A roster stands behind a view several times; what is embedded is what the key says."""
    with http:
        answers = {
            path: http.get(path)
            for path in (
                "/events?select=closer_name,closers!events_closer_id_fkey(name)",
                "/events?select=source_name,sources!events_source_id_fkey(name)",
                "/events?select=id,leads(full_name),post_call_forms(deal_closed)",
                "/payments?select=amount,payment_refunds(amount),payment_credits(share)",
                "/payments?select=amount,events!payments_event_id_fkey(closer_name)",
            )
        }
    for path, answer in answers.items():
        assert answer.status_code == 200, (path, answer.text)
    rows = {path: answer.json() for path, answer in answers.items()}
    by_closer, by_source, by_lead, refunds, calls = rows.values()
    assert by_closer == [{"closer_name": "Ann", "closers": {"name": "Ann"}}]
    assert by_source == [{"source_name": "YouTube", "sources": {"name": "YouTube"}}]
    assert by_lead[0]["leads"] == {"full_name": "Lee"}
    assert by_lead[0]["post_call_forms"] == [{"deal_closed": True}]
    assert [row["payment_refunds"] for row in refunds] == [[{"amount": 10.00}]]
    assert [row["events"] for row in calls] == [{"closer_name": "Ann"}]


def test_sums_by_name_and_local_day(http: httpx.Client) -> None:
    with http:
        answer = http.get("/cash_movements?select=moved_day,kind,amount.sum()&order=kind")
        days = http.get("/daily_closer_activity?select=day,closer_name,closes,net_cash")
    assert answer.json() == [
        {"moved_day": "2026-03-10", "kind": "payment", "sum": 1000.00},
        {"moved_day": "2026-03-10", "kind": "refund", "sum": 10.00 * -1},
    ]
    assert {
        "day": "2026-03-10",
        "closer_name": "Ann",
        "closes": 1,
        "net_cash": 990.00,
    } in days.json()
