"""Deliveries under load while processes are killed, and the reckoning afterwards.

The sender does what a provider does: what was not answered with 200 is sent again, in any order.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from salesdash.sealing import seal_connection_secret
from salesdash.secretbox import SecretBox
from tests.chaos.stack import Stack
from tests.fixtures.ports import wait_until
from tests.fuzz.wire import Wire
from tests.stripe_events import Event, as_sent, payment, refund
from tests.world import World

SECRET = "whsec_of_the_ordeal"
LEADS = 20
PAID_AT_S = 1_795_168_800
SENDERS = 4
PATIENCE_S = 30.0
PAID_AT = datetime.fromtimestamp(PAID_AT_S, UTC)


class Report(NamedTuple):
    """kills by victim; deliveries that got a 200, or did not; what the reckoning found.

    duplicates: events or payments that are there more than once; lost: acknowledged events that
    are not there. wrong: whatever does not add up, in words.
    """

    kills: Counter[str]
    acknowledged: int
    unanswered: int
    stored: int
    duplicates: int
    lost: int
    payments: int
    wrong: tuple[str, ...]


class Sale(NamedTuple):
    """One payment, told by several events; refunded: Stripe's minor units, or 0."""

    events: tuple[Event, ...]
    amount: int
    refunded: int


def sales(rng: Random) -> Iterator[Sale]:
    """One after the other, for ever: charge and intent, sometimes a refund, in any order."""
    for number in itertools.count():
        amount = rng.randrange(100, 500_000)
        charge, intent = payment(
            amount=amount,
            email=f"lead{number % LEADS}@ordeal.test",
            created=PAID_AT_S,
        )
        events = [charge, intent]
        refunded = rng.randrange(1, amount) if rng.random() < 0.3 else 0
        if refunded:
            events.append(refund(charge, refunded))
        rng.shuffle(events)
        yield Sale(tuple(events), amount, refunded)


class Ordeal:
    """One organization under load. The killer and the senders share this object."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack = stack
        self.rng = Random(seed)
        self._dice = Random(seed)  # the killer's own: it is in another thread
        self.sold: list[Sale] = []
        self.acknowledged: set[str] = set()
        self.unanswered = 0
        self.waiting: list[Event] = []
        self.over = False
        with stack.world() as world:
            self.organization_id, self.connection_id = _scene(world, stack.master_key())

    def run(self, victims: Iterable[str], *, on_kill: Callable[[], None] = lambda: None) -> Report:
        """Load and kills together, then what is still owed, then the reckoning."""
        kills: Counter[str] = Counter()

        def kill_them() -> None:
            for victim in victims:
                self._wait_for_more(self._dice.randrange(5, 60))
                before = self.stack.pids()
                self.stack.kill(victim)
                kills[victim] += 1
                self.stack.wait_noticed(victim, before)
                self.stack.wait_well()
                on_kill()
            self._wait_for_more(10)

        asyncio.run(self._under_load(kill_them))
        asyncio.run(self._settle())
        return self._reckon(kills)

    def _wait_for_more(self, deliveries: int) -> None:
        """Until so many more were acknowledged."""
        target = len(self.acknowledged) + deliveries
        wait_until(
            lambda: len(self.acknowledged) >= target, lambda: "no delivery came through", 120
        )

    async def _under_load(self, work: Callable[[], None]) -> None:
        source = self._events()
        senders = [asyncio.create_task(self._send_all(source)) for _ in range(SENDERS)]
        try:
            await asyncio.to_thread(work)
        finally:
            self.over = True
            await asyncio.gather(*senders)

    async def _send_all(self, source: Iterator[Event]) -> None:
        wire = Wire(self.stack.port)
        while not self.over:
            event = self.waiting.pop(0) if self.waiting else next(source)
            if not await self._accepted(wire, event):
                self.unanswered += 1
                self.waiting.append(event)
                await asyncio.sleep(0.05)  # a provider would wait longer
        wire.close()

    def _events(self) -> Iterator[Event]:
        for sale in sales(self.rng):
            self.sold.append(sale)
            yield from sale.events
            if self.rng.random() < 0.1:
                yield self.rng.choice(sale.events)

    async def _accepted(self, wire: Wire, event: Event) -> bool:
        body = as_sent(event)
        at = int(time.time())
        digest = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        try:
            answer = await asyncio.wait_for(
                wire.post(
                    f"/hooks/stripe/{self.connection_id}",
                    {"content-type": "application/json", "stripe-signature": f"t={at},v1={digest}"},
                    body,
                ),
                PATIENCE_S,
            )
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            wire.close()
            return False
        if answer.status != 200:
            assert answer.status == 503, (answer.status, answer.body)
            assert "retry-after" in answer.headers
            return False
        # Queued: sessions got in each other's way. The worker carries it out; so reckoning asks.
        status = json.loads(answer.body)["status"]
        assert status in {"processed", "duplicate", "queued"}, answer.body
        self.acknowledged.add(event["id"])
        return True

    async def _settle(self) -> None:
        """First look what is there of what was acknowledged; then send what is still owed."""
        self.lost, self.stored_meanwhile = self._missing()
        owed = [
            event
            for sale in self.sold
            for event in sale.events
            if event["id"] not in self.acknowledged
        ]
        wire = Wire(self.stack.port)
        for event in owed:
            assert await self._accepted(wire, event), "everything is well, and yet it is refused"
        wire.close()

    def _missing(self) -> tuple[int, int]:
        with self.stack.world() as world:
            there = {
                row["provider_event_id"]
                for row in world.rows(
                    "select provider_event_id from app.webhook_events where organization_id = %s",
                    self.organization_id,
                )
            }
        return len(self.acknowledged - there), len(there)

    def _reckon(self, kills: Counter[str]) -> Report:
        expected = {event["id"] for sale in self.sold for event in sale.events}
        with self.stack.world() as world:
            self._drain(world)

            def value(query: str) -> Any:
                return world.value(query, self.organization_id)

            events, distinct = world.rows(
                "select count(*) as a, count(distinct provider_event_id) as b"
                " from app.webhook_events where organization_id = %s",
                self.organization_id,
            )[0].values()
            paid, payments = world.rows(
                "select count(*) as a, count(distinct provider_payment_id) as b"
                " from app.payments where organization_id = %s",
                self.organization_id,
            )[0].values()
            cents = Decimal(100)
            checks = {
                "events": (distinct, len(expected)),
                "dedupe keys": (
                    value("select count(*) from app.webhook_event_keys where organization_id = %s"),
                    len(expected),
                ),
                "not processed": (
                    value(
                        "select count(*) from app.webhook_events"
                        " where organization_id = %s and status <> 'processed'"
                    ),
                    0,
                ),
                "payments": (payments, len(self.sold)),
                "cash": (
                    value("select sum(amount) from app.payments where organization_id = %s"),
                    sum(sale.amount for sale in self.sold) / cents,
                ),
                "credited": (
                    value(
                        "select sum(amount_base) from app.payment_credits"
                        " where organization_id = %s and role = 'closer'"
                    ),
                    sum(sale.amount for sale in self.sold) / cents,
                ),
                "refunds": (
                    value(
                        "select coalesce(sum(amount), 0) from app.payment_refunds"
                        " where organization_id = %s and status = 'succeeded'"
                        "   and payment_id is not null"
                    ),
                    sum(sale.refunded for sale in self.sold) / cents,
                ),
                "runs not ended": (
                    value(
                        "select count(*) from app.sync_runs"
                        " where organization_id = %s and state <> 'succeeded'"
                    ),
                    0,
                ),
            }
        return Report(
            kills=kills,
            acknowledged=len(self.acknowledged),
            unanswered=self.unanswered,
            stored=self.stored_meanwhile,
            duplicates=(events - distinct) + (paid - payments),
            lost=self.lost,
            payments=payments,
            wrong=tuple(
                f"{name}: {is_there}, should be {should}"
                for name, (is_there, should) in checks.items()
                if is_there != should
            ),
        )

    def _drain(self, world: World) -> None:
        """Let the worker finish: runs of killed workers are given back, refunds find payments."""
        for table in ("sync_runs", "platform_runs"):
            world.execute(
                f"update app.{table} set heartbeat_at = heartbeat_at - interval '5 minutes'"
                " where state = 'running'"
            )
        world.execute("update app.sync_runs set available_at = now() where state = 'queued'")
        world.execute(
            "update app.webhook_events set next_attempt_at = now() where status = 'queued'"
        )
        world.execute("insert into app.platform_runs (kind) values ('inbox-upkeep')")
        busy = (
            "select (select count(*) from app.sync_runs where state in ('queued', 'running'))"
            " + (select count(*) from app.platform_runs"
            "     where kind = 'inbox-upkeep' and state in ('queued', 'running'))"
        )
        wait_until(lambda: world.value(busy) == 0, lambda: "the queue does not drain", 120)


def _scene(world: World, master_key: str) -> tuple[UUID, UUID]:
    """An organization with a closer, leads who bought, a connection, and work for the worker."""
    acme = world.organization("ordeal")
    closer = acme.closer()
    for number in range(LEADS):
        acme.event(
            closer=closer,
            email=f"lead{number}@ordeal.test",
            scheduled_at=PAID_AT - timedelta(days=1),
            outcome="closed",
        )
    connection_id = uuid4()
    world.insert(
        "webhook_connections",
        organization_id=acme.id,
        id=connection_id,
        name="Stripe",
        connection_type="stripe",
        webhook_secret=seal_connection_secret(
            SecretBox(master_key), SECRET, organization_id=acme.id, connection_id=connection_id
        ),
        rate_limit_per_minute=100_000,
    )
    for _ in range(6):
        world.insert("sync_runs", organization_id=acme.id, kind="data-quality")
    return acme.id, connection_id
