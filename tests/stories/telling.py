"""Stories: what senders deliver and people do, told to an organization in whatever order.

A story is a list of steps. Deliveries may come at any time, more than once, or fail at first;
what a person does waits until the rows exist that the person would look at.
"""

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.calendly_events import Invitee
from tests.database.inbox import Inbox, open_inbox, take_together
from tests.stripe_events import Event
from tests.world import Organization, Person, Row, World

SENDERS = ("calendly", "manychat", "stripe", "whop")


@dataclass(frozen=True)
class Cast:
    """The people of every stage: the same persons, whatever the organization."""

    dana: Person
    eli: Person
    sam: Person
    tia: Person


@dataclass(frozen=True)
class Stage:
    """An organization with rosters, rules and a package, and a connection of every sender."""

    acme: Organization
    admin: Person
    package: Row
    inboxes: Mapping[str, Inbox]

    @property
    def world(self) -> World:
        return self.acme.world


def cast(world: World) -> Cast:
    """Persons who belong nowhere yet."""
    return Cast(*(world.person(name) for name in ("dana", "eli", "sam", "tia")))


def stage(world: World, people: Cast) -> Stage:
    """An organization of its own, in which these people work."""
    acme = world.organization("acme")
    for person in (people.dana, people.eli):
        acme.closer(person=acme.join(person, "member"))
    for person in (people.sam, people.tia):
        acme.setter(person=acme.join(person, "member"))
    for position, (value, source) in enumerate([("yt", "YouTube"), ("ig", "Instagram")]):
        world.insert(
            "source_rules", organization_id=acme.id, position=position, field="utm_source",
            operator="equals", value=value, source_id=acme.source(source).id,
        )  # fmt: skip
    package = acme.package()
    world.execute(
        "update app.packages set installment_count = 3, installment_interval_days = 30"
        " where organization_id = %s and id = %s",
        acme.id, package.id,
    )  # fmt: skip
    admin = acme.admin()
    world.session(admin)
    return Stage(
        acme, admin, package,
        {sender: open_inbox(acme, provider=sender) for sender in SENDERS},
    )  # fmt: skip


# -- steps


@dataclass(frozen=True, eq=False)
class Delivery:
    """One delivery of one sender."""

    sender: str
    body: Event

    def take(self, stage: Stage) -> str:
        """Hand it over alone; the status that is answered."""
        return stage.inboxes[self.sender].take(self.body)

    def spoiled(self) -> "Delivery | None":
        """The same event, known as such, in a form that cannot be processed yet; None when there
        is no such form of it."""
        body = copy.deepcopy(self.body)
        match self.sender:
            case "calendly" if body["event"].startswith("invitee"):
                body["created_at"] = None
            case "stripe" if body["type"].startswith(("charge.", "payment_intent.", "refund.")):
                body["data"]["object"]["currency"] = "xqz"
            case "whop" if body["type"].startswith("payment."):
                body["data"]["currency"] = "xqz"
            case _:
                return None
        return Delivery(self.sender, body)


@dataclass(frozen=True, eq=False)
class Form:
    """A person's form for the call of an invitee. The package is the stage's."""

    invitee: Invitee
    at: datetime
    answers: Mapping[str, object] = field(default_factory=dict)

    def happens(self, stage: Stage) -> bool:
        """Whether it could be submitted: there is the call."""
        (call,) = calls(stage, self.invitee) or [None]
        if call is not None:
            stage.world.execute(
                "select app.record_form("
                "organization_id => %s, event_id => %s, form => %s, at => %s)",
                stage.acme.id,
                call,
                Jsonb({**self.answers, "package_id": str(stage.package.id)}),
                self.at,
            )
        return call is not None


@dataclass(frozen=True, eq=False)
class Attribution:
    """An admin says which call a payment belongs to, once it shows who paid: the lead is known by
    what the admin sees."""

    payment: str
    invitee: Invitee

    def happens(self, stage: Stage) -> bool:
        """Whether it could be said: there are the payer and the call."""
        found = stage.world.rows(
            "select id from app.payments where organization_id = %s and provider_payment_id = %s"
            " and customer_email is not null",
            stage.acme.id,
            self.payment,
        )
        call = calls(stage, self.invitee)
        if not found or not call:
            return False
        with stage.world.acting_as(stage.admin) as db:
            db.rows(
                "select from attribute_payment(%s, event_id => %s, reason => 'they told me',"
                " organization_id => %s)",
                found[0]["id"],
                call[0],
                stage.acme.id,
            )
        return True


Act = Form | Attribution
Step = Delivery | Act


def calls(stage: Stage, invitee: Invitee) -> list[Any]:
    """The call of an invitee, if there is one."""
    return [
        row["id"]
        for row in stage.world.rows(
            "select id from app.events where organization_id = %s and calendly_invitee_uuid = %s",
            stage.acme.id,
            invitee.id,
        )
    ]


# -- telling


def tell(
    stage: Stage,
    steps: Iterable[Step],
    *,
    failing: Collection[Step] = (),
    at_once: bool = False,
    together: int = 1,
) -> list[Act]:
    """Tell steps in this order; people act as soon after their turn as they can.

    failing: deliveries that cannot be processed when they come: they stay queued. at_once: others
    tell the same story meanwhile, so that one that meets them may be queued too, and people who
    do are asked to try again. together: so many deliveries that follow each other are handed over
    in one call. Answers what people could not do yet.
    """
    waiting: list[Act] = []
    met = {"queued"} if at_once else set()
    for company in companies(steps, together):
        handed, expected = [], []
        for step in company:
            if isinstance(step, Delivery):
                bad = step.spoiled() if step in failing else None
                handed.append((stage.inboxes[step.sender], (bad or step).body))
                expected.append({"queued"} if bad else {"processed", "ignored"})
            else:
                waiting.append(step)
        answered = sent(handed, times=10 if at_once else 1) if handed else []
        for status, wanted in zip(answered, expected, strict=True):
            assert status in {*wanted, *met, "duplicate"}
        waiting = act(stage, waiting)
    return waiting


def sent(handed: Sequence[tuple[Inbox, Event]], *, times: int) -> list[str]:
    """What is answered; who is told that somebody is in the way sends it again, so many times."""
    for _ in range(times - 1):
        with suppress(psycopg.errors.LockNotAvailable):
            return take_together(handed)
    return take_together(handed)


def companies(steps: Iterable[Step], together: int) -> Iterator[list[Step]]:
    """The steps in their order: deliveries that follow each other in groups, deeds alone."""
    for is_delivery, group in groupby(steps, lambda step: isinstance(step, Delivery)):
        those, size = list(group), together if is_delivery else 1
        yield from (those[begin : begin + size] for begin in range(0, len(those), size))


def act(stage: Stage, waiting: Iterable[Act]) -> list[Act]:
    """What people could still not do, or were kept from by somebody else at the same moment."""

    def is_done(deed: Act) -> bool:
        try:
            return deed.happens(stage)
        except psycopg.errors.DeadlockDetected:
            return False

    return [deed for deed in waiting if not is_done(deed)]


def recover(stage: Stage, failed: Iterable[Step], *, by: str) -> None:
    """The cause of the failures is gone. by: retry, of the worker, or replay, of an admin."""
    for step in failed:
        if isinstance(step, Delivery):
            stage.world.execute(
                "update app.webhook_events as w set body = %s"
                "  from ingest.envelope(%s, %s) as e"
                " where w.organization_id = %s and w.provider = %s"
                "   and w.provider_event_id = e.id and w.status = 'queued'",
                Jsonb(step.body), step.sender, Jsonb(step.body), stage.acme.id, step.sender,
            )  # fmt: skip
    if by == "retry":
        with stage.world.acting_as_role("worker") as worker:
            worker.rows("select jobs.retry_webhook_events(as_of => now() + interval '1 day')")
    else:
        failures = queued(stage)
        with stage.world.acting_as(stage.admin) as db:
            db.rows("select from replay_webhooks(%s::uuid[], %s)", failures, stage.acme.id)
    assert queued(stage) == []


def queued(stage: Stage) -> list[Any]:
    """The deliveries that could not be processed."""
    return [
        row["id"]
        for row in stage.world.rows(
            "select id from app.webhook_events where organization_id = %s and status = 'queued'",
            stage.acme.id,
        )
    ]


def as_seen_by(stage: Stage, connection: psycopg.Connection) -> Stage:
    """The same stage on another connection."""
    acme = replace(stage.acme, world=World(connection, stage.world.sessions))
    inboxes = {sender: replace(inbox, organization=acme) for sender, inbox in stage.inboxes.items()}
    return replace(stage, acme=acme, inboxes=inboxes)
