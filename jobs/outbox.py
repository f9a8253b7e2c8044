"""Send what lies in the outbox."""

from __future__ import annotations

import asyncio
from typing import Protocol

from jobs import metrics
from jobs.mail import MailUnusable, dump, load, render
from jobs.queue import DATABASE_AWAY, ClaimedMessage, Queue
from salesdash.logs import get_logger
from salesdash.sealing import open_rendered, open_secret, seal_rendered
from salesdash.secretbox import SecretBox, SecretUnreadable
from vendors.base import VendorRefused, VendorUnavailable
from vendors.resend import Email

log = get_logger(__name__)

KINDS = ("email",)
"""What there is a sender for. Other messages stay pending until there is one."""

BATCH = 10
DEADLINE_S = 20.0
"""Less than release_stale waits before it thinks the sender dead."""


class Transport(Protocol):
    """Carries e-mails. name: what the outbox says carried them."""

    name: str

    async def send_email(self, email: Email, *, idempotency_key: str) -> str | None:
        """Send; answers the provider's id. Raises VendorUnavailable or VendorRefused."""
        ...


class Mailbox:
    """The development mailbox: nothing leaves; the outbox keeps what would have been sent."""

    name = "mailbox"

    async def send_email(self, email: Email, *, idempotency_key: str) -> None:
        """Nothing to do: the rendered message is already kept."""


class Sender:
    """Sends messages for one worker."""

    def __init__(
        self, queue: Queue, box: SecretBox, transport: Transport, *, mail_from: str, site_url: str
    ) -> None:
        self._queue = queue
        self._box = box
        self._transport = transport
        self._mail_from = mail_from
        self._site_url = site_url

    async def send_next(self) -> bool:
        """Claim and send what is due; answers whether there was anything.

        Raises one of DATABASE_AWAY when nothing could be claimed, or an outcome not be told.
        """
        claimed = await self._queue.claim_outbox(KINDS, BATCH)
        results = await asyncio.gather(
            *(self._deliver(message) for message in claimed), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return bool(claimed)

    async def _deliver(self, message: ClaimedMessage) -> None:
        outcome = await self._attempt(message)
        metrics.messages.labels(message.kind, outcome).inc()
        log.info(
            "message handled",
            kind=message.kind,
            message_id=message.id,
            organization_id=message.organization_id,
            attempt=message.attempt,
            outcome=outcome,
            transport=self._transport.name,
        )

    async def _attempt(self, message: ClaimedMessage) -> str:
        queue = self._queue
        try:
            async with asyncio.timeout(DEADLINE_S):
                email = await self._rendered(message)
                if email is None:
                    return "lost"
                provider_id = await self._transport.send_email(
                    email, idempotency_key=f"outbox-{message.id}"
                )
        except (VendorRefused, MailUnusable, SecretUnreadable) as error:
            return await queue.fail_outbox(message, str(error), is_final=True)
        except VendorUnavailable as error:
            wait_s = None if error.retry_after_s is None else round(error.retry_after_s)
            return await queue.fail_outbox(message, str(error), retry_after_seconds=wait_s)
        except TimeoutError:
            return await queue.fail_outbox(message, "Sending took too long.")
        except DATABASE_AWAY:
            raise
        except Exception as error:  # one bad message must not stop the others
            log.exception("message failed", kind=message.kind, message_id=message.id)
            return await queue.fail_outbox(message, type(error).__name__)
        return await queue.finish_outbox(message, self._transport.name, provider_id)

    async def _rendered(self, message: ClaimedMessage) -> Email | None:
        """The message as some attempt first rendered it; None when the claim is lost."""
        organization_id = message.organization_id
        kept = message.rendered
        if kept is None:
            if message.kind != "email":
                raise MailUnusable(f"There is no sender for messages of kind {message.kind}.")
            secret = None
            if message.secret is not None:
                secret = open_secret(
                    self._box, message.secret, organization_id=organization_id, kind=message.kind
                )
            email = render(
                message.payload,
                secret,
                sender=self._mail_from,
                site_url=self._site_url,
                message_id=message.id,
            )
            kept = await self._queue.keep_rendered(
                message,
                seal_rendered(
                    self._box, dump(email), organization_id=organization_id, message_id=message.id
                ),
            )
            if kept is None:
                return None
        return load(
            open_rendered(self._box, kept, organization_id=organization_id, message_id=message.id)
        )
