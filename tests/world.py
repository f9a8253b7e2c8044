"""The vocabulary that builds every scene: organizations, people, calls, forms, money.

    acme = world.organization("acme")
    dana = acme.closer("dana")
    call = acme.event(closer=dana, outcome="closed")
    with world.acting_as(dana) as db:
        assert db.ids("select id from api.events") == {call.id}

Calls and forms are made by the product's own functions, with the times that are passed in.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from salesdash.tokens import AccessClaims, mint_access_token
from tests.acting import Request, playing, playing_login

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
"""A Tuesday, 12:00 in New York: when calls take place unless a test says otherwise."""

ANSWERS: Mapping[str, Mapping[str, object]] = {
    "showed_no_offer": {"call_occurred": True, "lead_showed": True},
    "showed_offer": {"call_occurred": True, "lead_showed": True, "offer_made": True},
    "closed": {
        "call_occurred": True,
        "lead_showed": True,
        "offer_made": True,
        "deal_closed": True,
    },
    "no_show": {"call_occurred": False, "non_occurrence_reason": "lead_no_show"},
    "lead_canceled": {"call_occurred": False, "non_occurrence_reason": "lead_canceled"},
    "closer_absent": {"call_occurred": False, "non_occurrence_reason": "closer_absent"},
}
"""What a form says for each outcome of a call."""


@dataclass(frozen=True)
class Row:
    """A row of an organization."""

    organization_id: UUID
    id: UUID


@dataclass(frozen=True)
class Person:
    """Someone who can sign in. closer_id, setter_id, payee_id: their entries on the rosters."""

    user_id: UUID
    email: str
    name: str
    organization_id: UUID | None = None
    closer_id: UUID | None = None
    setter_id: UUID | None = None
    payee_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """The roster entry if there is exactly one kind, else the user."""
        return self.closer_id or self.setter_id or self.user_id


@dataclass(frozen=True)
class ReaderKey:
    """A read-only API key of an organization."""

    organization_id: UUID
    key_id: UUID


@dataclass(frozen=True)
class World:
    """Scenes on one connection of the owner's.

    On the `db` fixture all of it is rolled back. On an autocommitting connection every step is
    committed, so that PostgREST and the gateway see it.
    """

    connection: psycopg.Connection
    sessions: dict[UUID, UUID] = field(default_factory=dict, repr=False)

    # -- who exists

    def organization(
        self, name: str, *, timezone: str = "America/New_York", currency: str = "USD"
    ) -> "Organization":
        """A tenant with its default rows."""
        slug = f"{name.lower()}-{uuid4().hex[:8]}"
        made = self.value(
            "select app.create_organization("
            "name => %s, slug => %s, timezone => %s, currency => %s)",
            name,
            slug,
            timezone,
            currency,
        )
        return Organization(self, made, name, timezone, currency)

    def person(self, name: str) -> Person:
        """Someone who belongs nowhere yet."""
        email = f"{name.lower()}.{uuid4().hex[:8]}@example.test"
        user_id = self.value("select app.create_user(email => %s, full_name => %s)", email, name)
        return Person(user_id, email, name)

    def super_admin(self, name: str = "root") -> Person:
        """Someone with power over the platform, member of nothing."""
        person = self.person(name)
        self.execute("select app.grant_super_admin(%s)", person.user_id)
        return person

    # -- who acts

    @contextmanager
    def acting_as(
        self, who: Person | ReaderKey | None, *, role: str | None = None
    ) -> Iterator[Request]:
        """Requests of this person, key, or (None) of nobody.

        role: what the token claims, where a test wants it to differ from what the database grants.
        """
        match who:
            case None:
                claims: dict[str, object] = {}
                granted = "anon"
            case ReaderKey():
                claims = {"key_id": who.key_id, "organization_id": who.organization_id}
                granted = "reader"
            case Person():
                claims = {
                    "sub": who.user_id,
                    "session_id": self.session(who),
                    "email": who.email,
                    "aud": "authenticated",
                }
                granted = self.value("select auth.database_role(%s)", who.user_id)
        with playing(self.connection, role or granted, claims) as request:
            yield request

    @contextmanager
    def acting_as_role(self, role: str) -> Iterator[Request]:
        """Statements of one of the program's own roles: gateway, worker, analyst."""
        with playing_login(self.connection, role) as request:
            yield request

    def session(self, person: Person) -> UUID:
        """The person's living session, opened when first asked for."""
        if person.user_id not in self.sessions:
            self.sessions[person.user_id] = self.value(
                "insert into auth.sessions (user_id, expires_at)"
                " values (%s, now() + interval '1 day') returning id",
                person.user_id,
            )
        return self.sessions[person.user_id]

    def token(self, person: Person, secret: str, *, role: str | None = None) -> str:
        """An access token as the gateway mints it, for requests over HTTP."""
        return mint_access_token(
            AccessClaims(
                user_id=person.user_id,
                session_id=self.session(person),
                role=role or self.value("select auth.database_role(%s)", person.user_id),
                email=person.email,
            ),
            secret,
            issuer="http://127.0.0.1/auth/v1",
            now=int(time.time()),
        )

    # -- the owner's own look at things

    def rows(self, query: str, *arguments: object, **named: object) -> list[dict[str, Any]]:
        """All rows, past every policy."""
        return Request(self.connection).rows(query, *arguments, **named)

    def value(self, query: str, *arguments: object, **named: object) -> Any:
        """The only column of the only row, past every policy."""
        return Request(self.connection).value(query, *arguments, **named)

    def execute(self, query: str, *arguments: object, **named: object) -> None:
        """Run a statement as the owner."""
        Request(self.connection).rows(query, *arguments, **named)

    def insert(self, table: str, **columns: object) -> UUID:
        """One row of app.<table>; answers its id."""
        names = ", ".join(columns)
        holes = ", ".join(f"%({name})s" for name in columns)
        made: UUID = self.value(
            f"insert into app.{table} ({names}) values ({holes}) returning id", **columns
        )
        return made


@dataclass(frozen=True)
class Organization:
    """A tenant of the world, and the words for what is in it."""

    world: World = field(repr=False)
    id: UUID
    name: str
    timezone: str
    currency: str

    # -- people

    def owner(self, name: str = "olga") -> Person:
        """A new person who owns this organization."""
        return self.join(self.world.person(name), "owner")

    def admin(self, name: str = "ada") -> Person:
        """A new person who administers it."""
        return self.join(self.world.person(name), "admin")

    def member(self, name: str = "mia") -> Person:
        """A new person who is a member and on no roster."""
        return self.join(self.world.person(name), "member")

    def closer(self, name: str = "dana", *, person: Person | None = None) -> Person:
        """A closer who is a member. person: someone known already, who keeps their role."""
        joined = self._known_or_new(name, person)
        payee = joined.payee_id or self._payee(joined)
        closer_id = self.world.insert(
            "closers",
            organization_id=self.id,
            profile_id=joined.user_id,
            payee_id=payee,
            name=joined.name,
            email=joined.email,
        )
        return self._with(joined, closer_id=closer_id, payee_id=payee)

    def setter(self, name: str = "sam", *, person: Person | None = None) -> Person:
        """A setter who is a member. person: someone known already, who keeps their role."""
        joined = self._known_or_new(name, person)
        payee = joined.payee_id or self._payee(joined)
        setter_id = self.world.insert(
            "setters",
            organization_id=self.id,
            profile_id=joined.user_id,
            payee_id=payee,
            name=joined.name,
            email=joined.email,
        )
        return self._with(joined, setter_id=setter_id, payee_id=payee)

    def join(self, person: Person, role: str) -> Person:
        """Make someone a member with a role: the same person, as seen from this organization."""
        self.world.execute("select app.add_member(%s, %s, %s)", self.id, person.user_id, role)
        return Person(person.user_id, person.email, person.name, self.id)

    def reader_key(self) -> ReaderKey:
        """A living read-only key."""
        key_id = self.world.insert(
            "api_keys", organization_id=self.id, name=f"report {uuid4().hex[:8]}", last4="0000"
        )
        return ReaderKey(self.id, key_id)

    def _known_or_new(self, name: str, person: Person | None) -> Person:
        if person is None:
            return self.member(name)
        if person.organization_id == self.id:
            return person
        return self.join(person, "member")

    def _payee(self, person: Person) -> UUID:
        return self.world.insert(
            "payees",
            organization_id=self.id,
            profile_id=person.user_id,
            name=person.name,
            email=person.email,
        )

    def _with(self, person: Person, **ids: UUID) -> Person:
        return Person(
            **{
                "user_id": person.user_id,
                "email": person.email,
                "name": person.name,
                "organization_id": self.id,
                "closer_id": person.closer_id,
                "setter_id": person.setter_id,
                "payee_id": person.payee_id,
                **ids,
            }  # type: ignore[arg-type]
        )

    # -- what the organization has set up

    def source(self, name: str = "YouTube") -> Row:
        """A lead source."""
        return self._row("sources", name=name)

    def traffic_type(self, name: str = "Paid") -> Row:
        """A kind of traffic."""
        return self._row("traffic_types", name=name)

    def call_type(
        self,
        name: str = "Strategy call",
        *,
        duration_minutes: int = 45,
        counts_in_rates: bool = True,
        category: str = "sales",
    ) -> Row:
        """A category of calls."""
        return self._row(
            "call_types",
            name=name,
            duration_minutes=duration_minutes,
            counts_in_rates=counts_in_rates,
            category=category,
        )

    def call_outcome(self, name: str, call_status: str, event_outcome: str | None = None) -> Row:
        """An entry of the outcome drop-down."""
        return self._row(
            "call_outcomes", name=name, call_status=call_status, event_outcome=event_outcome
        )

    def opportunity_status(self, name: str = "Nurture") -> Row:
        """An entry of the pipeline drop-down."""
        return self._row("opportunity_statuses", name=name)

    def package(self, name: str = "Mentoring", price: Decimal = Decimal("3000.00")) -> Row:
        """Something on offer, priced in the organization's currency."""
        return self._row("packages", name=name, price=price, currency=self.currency)

    def publish_form(self, *fields: Mapping[str, object]) -> Row:
        """What the post-call form asks beside the standard fields, from now on."""
        made = self.world.value(
            "select app.publish_form(%s, r.fields, null) from app.read_form_config(%s) as r"
            " where r.problems = '{}'",
            self.id,
            Jsonb(list(fields)),
        )
        assert made is not None, "these fields cannot be published"
        return Row(self.id, made)

    # -- what happens

    def lead(self, name: str = "Lee", *, email: str | None = None, **columns: object) -> Row:
        """A prospect, known by an e-mail address."""
        address = email or f"{name.lower()}.{uuid4().hex[:8]}@lead.test"
        return self._row("leads", full_name=name, email=address, **columns)

    def event(
        self,
        *,
        closer: Person | None = None,
        setter: Person | None = None,
        lead: Row | None = None,
        email: str | None = None,
        scheduled_at: datetime = NOON,
        booked_at: datetime | None = None,
        outcome: str | None = None,
        form: Mapping[str, object] | None = None,
        call_type: Row | None = None,
        source: Row | None = None,
        traffic_type: Row | None = None,
        rescheduled_from: Row | None = None,
        provider_booking_id: str | None = None,
    ) -> Row:
        """A call booked two days ahead; with an outcome also its form, an hour after the start.

        outcome: a key of ANSWERS, or "canceled" (by the invitee, an hour before).
        form: further answers. Two calls of one lead with one closer at one time are a duplicate.
        """
        person = lead or (None if email else self.lead())
        event_id = self.world.value(
            """
            select app.book_call(
                organization_id => %(organization_id)s, scheduled_at => %(scheduled_at)s,
                booked_at => %(booked_at)s, lead_id => %(lead_id)s, email => %(email)s,
                closer_id => %(closer_id)s, setter_id => %(setter_id)s,
                call_type_id => %(call_type_id)s, source_id => %(source_id)s,
                traffic_type_id => %(traffic_type_id)s,
                rescheduled_from_id => %(rescheduled_from_id)s,
                provider => %(provider)s, provider_booking_id => %(provider_booking_id)s)
            """,
            organization_id=self.id,
            scheduled_at=scheduled_at,
            booked_at=booked_at or scheduled_at - timedelta(days=2),
            lead_id=person and person.id,
            email=email,
            closer_id=closer and closer.closer_id,
            setter_id=setter and setter.setter_id,
            call_type_id=call_type and call_type.id,
            source_id=source and source.id,
            traffic_type_id=traffic_type and traffic_type.id,
            rescheduled_from_id=rescheduled_from and rescheduled_from.id,
            provider="calendly" if provider_booking_id else "manual",
            provider_booking_id=provider_booking_id,
        )
        event = Row(self.id, event_id)
        if outcome == "canceled":
            self.cancel(event, at=scheduled_at - timedelta(hours=1))
        elif outcome is not None:
            self.form(
                event, at=scheduled_at + timedelta(hours=1), **ANSWERS[outcome], **(form or {})
            )
        return event

    def form(
        self, event: Row, *, at: datetime = NOON + timedelta(hours=1), **answers: object
    ) -> Row:
        """A form for a call, as the organization's own people submit it."""
        made = self.world.value(
            "select id from app.record_form("
            "organization_id => %s, event_id => %s, form => %s, at => %s)",
            self.id,
            event.id,
            Jsonb(answers, dumps=_dumps),
            at,
        )
        return Row(self.id, made)

    def cancel(self, event: Row, *, at: datetime, by: str = "invitee") -> None:
        """by: invitee or host."""
        self.world.execute(
            "select app.cancel_call("
            "organization_id => %s, event_id => %s, canceled_by => %s, at => %s)",
            self.id,
            event.id,
            by,
            at,
        )

    def lock(self, payee_id: UUID | None, **rests_on: UUID) -> None:
        """A locked payout of one line, which rests on an event_id, a deal_id or a payment_id."""
        day = NOON.date()
        line = self.world.insert(
            "commission_ledger",
            organization_id=self.id,
            payee_id=payee_id,
            role="closer",
            kind="bonus",
            amount=Decimal("50.00"),
            currency="USD",
            earned_on=day,
            available_on=day,
            reason="A line.",
            **rests_on,
        )
        snapshot = self.world.insert(
            "payout_snapshots",
            organization_id=self.id,
            name="March",
            period_start=day,
            period_end=day,
            timezone=self.timezone,
            currency=self.currency,
            state="locked",
            locked_at=NOON,
        )
        self.world.insert(
            "payout_snapshot_details",
            organization_id=self.id,
            snapshot_id=snapshot,
            kind="line",
            line_id=line,
            payee_id=payee_id,
            day=day,
            commission=Decimal("50.00"),
        )

    def payment(
        self,
        *,
        amount: Decimal = Decimal("1000.00"),
        currency: str | None = None,
        paid_at: datetime = NOON + timedelta(hours=2),
        closer: Person | None = None,
        setter: Person | None = None,
        event: Row | None = None,
        lead: Row | None = None,
        package: Row | None = None,
        livemode: bool = True,
        **columns: object,
    ) -> Row:
        """Money a processor confirmed, credited whole to one closer and one setter.

        amount: at the scale of its currency; without a currency it is the organization's.
        """
        code = currency or self.currency
        base = amount if code == self.currency else None
        closer_id, setter_id = closer and closer.closer_id, setter and setter.setter_id
        row = self._row(
            "payments",
            **{
                "source": "stripe",
                "provider": "stripe",
                "provider_payment_id": f"pi_{uuid4().hex}",
                "status": "succeeded",
                "amount": amount,
                "currency": code,
                "amount_base": base,
                "base_currency": self.currency,
                "payment_date": paid_at,
                "livemode": livemode,
                "closer_id": closer_id,
                "setter_id": setter_id,
                "event_id": event and event.id,
                "lead_id": lead and lead.id,
                "package_id": package and package.id,
                **columns,
            },
        )
        for role, column, person_id, person in (
            ("closer", "closer_id", closer_id, closer),
            ("setter", "setter_id", setter_id, setter),
        ):
            if person is not None:
                self._row(
                    "payment_credits",
                    **{
                        "payment_id": row.id,
                        "role": role,
                        column: person_id,
                        "payee_id": person.payee_id,
                        "share": 1,
                        "amount_base": base,
                        "base_currency": self.currency,
                    },
                )
        return row

    def refund(
        self,
        payment: Row,
        *,
        amount: Decimal,
        refunded_at: datetime,
        kind: str = "refund",
        status: str = "succeeded",
    ) -> Row:
        """Money that went back; kind: refund, dispute or dispute_won."""
        return self._row(
            "payment_refunds",
            payment_id=payment.id,
            kind=kind,
            status=status,
            amount=amount,
            currency=self.currency,
            amount_base=amount,
            base_currency=self.currency,
            refunded_at=refunded_at,
            provider="stripe",
            provider_refund_id=f"re_{uuid4().hex}",
        )

    def state(self, event: Row) -> tuple[str, str | None]:
        """Status and outcome of a call now."""
        (row,) = self.world.rows(
            "select call_status, event_outcome from app.events"
            " where organization_id = %s and id = %s",
            self.id,
            event.id,
        )
        return row["call_status"], row["event_outcome"]

    def _row(self, table: str, **columns: object) -> Row:
        return Row(self.id, self.world.insert(table, organization_id=self.id, **columns))


def _dumps(answers: object) -> str:
    return json.dumps(answers, default=str)
