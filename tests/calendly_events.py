"""Calendly's deliveries, from tests/data/calendly, and their signatures."""

import copy
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.world import NOON

DATA = Path(__file__).parent / "data" / "calendly"
SECRET = "signing-key-of-the-tests"
API = "https://api.calendly.com"

Event = dict[str, Any]

BOOKED_AT = NOON - timedelta(days=2)
"""When invitees book unless a test says otherwise; the call is at NOON."""


def example(name: str) -> Event:
    """A delivery as it is on file."""
    found: Event = json.loads((DATA / f"{name}.json").read_text())
    return found


def instant(at: datetime) -> str:
    """A time as Calendly writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event_type(name: str = "8d3f9e51-02a7-4c3e-b0a4-6f1f2f3c4001") -> str:
    """The URI of an event type."""
    return f"{API}/event_types/{name}"


@dataclass(frozen=True)
class Invitee:
    """One person in one slot, and what Calendly sends about them.

    hosts: their e-mail addresses. start: of the call, 45 minutes long. booked_at: also of the
    reschedule, for a later link of a chain.
    """

    hosts: Sequence[str] = ("dana.host@example.test",)
    email: str = field(default_factory=lambda: f"{uuid4().hex[:12]}@lead.test")
    start: datetime = NOON
    booked_at: datetime = BOOKED_AT
    old: "Invitee | None" = None
    utm: Mapping[str, str | None] = field(default_factory=dict)
    answers: Sequence[tuple[str, str]] = ()
    event: str = field(default_factory=lambda: str(uuid4()))
    id: str = field(default_factory=lambda: str(uuid4()))
    type_uri: str | None = field(default_factory=event_type)
    type_name: str | None = "Strategy session"
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def event_uri(self) -> str:
        return f"{API}/scheduled_events/{self.event}"

    @property
    def uri(self) -> str:
        return f"{self.event_uri}/invitees/{self.id}"

    # -- what Calendly sends

    def created(self, *, told_at: datetime | None = None, start: datetime | None = None) -> Event:
        """invitee.created. start: another time that the slot has by then."""
        return self._sent("invitee.created", told_at or self.booked_at, start=start)

    def canceled(
        self,
        at: datetime,
        *,
        by: str = "invitee",
        reason: str | None = "Something came up",
        new: "Invitee | None" = None,
    ) -> Event:
        """invitee.canceled; by: invitee or host. new: who takes the place, when rescheduled."""
        sent = self._sent("invitee.canceled", at)
        sent["payload"].update(
            status="canceled",
            rescheduled=new is not None,
            new_invitee=new and new.uri,
            cancellation={
                "canceled_by": "Somebody",
                "reason": reason,
                "canceler_type": by,
                "created_at": instant(at),
            },
        )
        sent["payload"]["scheduled_event"]["status"] = "canceled"
        return sent

    def no_show(self, at: datetime, *, mark: str | None = None) -> Event:
        """invitee_no_show.created. mark: the id of the mark."""
        sent = self._sent("invitee_no_show.created", at)
        sent["payload"]["no_show"] = {
            "uri": f"{API}/invitee_no_shows/{mark or uuid4()}",
            "created_at": instant(at),
        }
        return sent

    def no_show_withdrawn(self, at: datetime, *, no_show: Event | None = None) -> Event:
        """invitee_no_show.deleted. no_show: the mark it describes; Calendly may not say."""
        sent = self._sent("invitee_no_show.deleted", at)
        sent["payload"]["no_show"] = no_show and no_show["payload"]["no_show"]
        return sent

    def rescheduled_to(self, start: datetime, at: datetime, **changes: Any) -> "Invitee":
        """The next link of the chain. changes: what the later booking says otherwise."""
        given = {"hosts": self.hosts, "email": self.email, "utm": self.utm, "answers": self.answers}
        return Invitee(start=start, booked_at=at, old=self, **{**given, **changes})

    def _sent(self, name: str, at: datetime, *, start: datetime | None = None) -> Event:
        sent = example("invitee.created")
        sent["event"] = name
        sent["created_at"] = instant(at)
        payload = sent["payload"]
        payload.update(
            uri=self.uri,
            event=self.event_uri,
            email=self.email,
            created_at=instant(self.booked_at),
            updated_at=instant(at),
            old_invitee=self.old and self.old.uri,
            questions_and_answers=[
                {"question": question, "answer": answer, "position": position}
                for position, (question, answer) in enumerate(self.answers)
            ],
        )
        payload["tracking"] = {
            **dict.fromkeys(payload["tracking"]),
            **self.utm,
        }
        payload["scheduled_event"].update(
            uri=self.event_uri,
            name=self.type_name,
            event_type=self.type_uri,
            start_time=instant(start or self.start),
            end_time=instant((start or self.start) + timedelta(minutes=45)),
            created_at=instant(self.booked_at),
            updated_at=instant(at),
            event_memberships=[
                {"user": f"{API}/users/{address}", "user_email": address, "user_name": "A host"}
                for address in self.hosts
            ],
        )
        payload.update(copy.deepcopy(dict(self.fields)))
        return sent


def as_sent(event: Event) -> bytes:
    """The bytes of a delivery."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def signature(body: bytes, *, secret: str = SECRET, at: int | None = None) -> str:
    """The Calendly-Webhook-Signature header. at: Unix seconds, now unless given."""
    sent_at = int(time.time()) if at is None else at
    made = hmac.new(secret.encode(), f"{sent_at}.".encode() + body, hashlib.sha256)
    return f"t={sent_at},v1={made.hexdigest()}"


def signed_by_calendly(body: bytes) -> Mapping[str, str]:
    """Calendly's headers."""
    return {"content-type": "application/json", "calendly-webhook-signature": signature(body)}
