"""The development mailbox: e-mails that stayed in the outbox because nothing carries them away."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

import orjson

from salesdash.sealing import open_rendered
from salesdash.secretbox import SecretBox

QUERY: LiteralString = (
    "select organization_id, id, recipient, sent_at, rendered"
    " from session.development_mailbox(%(max_rows)s, %(message_id)s)"
)
"""Rows for `open_letter`, newest first. max_rows: 1 to 500; message_id: one message, or None."""

_LINK = re.compile(r"^https?://\S+$", re.MULTILINE)


class SealedLetter(NamedTuple):
    """A row of QUERY."""

    organization_id: UUID | None
    id: UUID
    recipient: str | None
    sent_at: datetime
    rendered: bytes


class Letter(NamedTuple):
    """One e-mail as it would have been sent. link: the one to follow, if the text has one."""

    id: UUID
    to: str
    sender: str
    subject: str
    text: str
    html: str
    link: str | None
    sent_at: datetime


def open_letter(box: SecretBox, row: SealedLetter) -> Letter:
    """Open one row. SecretUnreadable when it was sealed with a master key that box lacks."""
    fields = orjson.loads(
        open_rendered(
            box, bytes(row.rendered), organization_id=row.organization_id, message_id=row.id
        )
    )
    link = _LINK.search(fields["text"])
    return Letter(
        id=row.id,
        to=fields["to"],
        sender=fields["sender"],
        subject=fields["subject"],
        text=fields["text"],
        html=fields["html"],
        link=link.group() if link else None,
        sent_at=row.sent_at.astimezone(UTC),
    )
