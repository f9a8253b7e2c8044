"""Resend: sends e-mail.

Facts (November 2026): `POST /emails` answers 200 `{"id": ...}`; the header `Idempotency-Key` is
kept 24 hours and wants the same body; errors are `{"statusCode", "message", "name"}`; two to five
requests a second per team; a used-up quota is a 429 that does not pass soon.
Source: https://resend.com/docs/api-reference/emails/send-email and .../errors.
"""

from __future__ import annotations

from typing import NamedTuple

import httpx
import orjson

from vendors.base import (
    VendorClient,
    VendorRefused,
    VendorUnavailable,
    error_name,
    retry_after_s,
)

REQUESTS_PER_SECOND = 2.0
QUOTA_WAIT_S = 3600.0
_QUOTA = {"daily_quota_exceeded", "monthly_quota_exceeded"}
_PASSING_CONFLICTS = {"concurrent_idempotent_requests", "resource_locked"}


class Email(NamedTuple):
    """One message to one person. sender: `Name <address>` or an address of a verified domain.

    tags: name and value pairs of ASCII letters, digits, `_` and `-`.
    """

    sender: str
    to: str
    subject: str
    text: str
    html: str
    tags: tuple[tuple[str, str], ...] = ()


class Resend:
    """Client of one Resend account."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        requests_per_second: float = REQUESTS_PER_SECOND,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = VendorClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            judge=_judge,
            requests_per_second=requests_per_second,
            transport=transport,
        )

    async def send_email(self, email: Email, *, idempotency_key: str) -> str:
        """Send one message; answers Resend's id of it.

        idempotency_key: 1 to 256 characters; the same key with the same message within a day
        sends nothing again. Raises VendorUnavailable or VendorRefused.
        """
        response = await self._client.request(
            "POST",
            "/emails",
            content=_body(email),
            headers={"Idempotency-Key": idempotency_key, "Content-Type": "application/json"},
        )
        try:
            return str(orjson.loads(response.content)["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise VendorUnavailable("Resend's answer has no id", soon=False) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _body(email: Email) -> bytes:
    return orjson.dumps(
        {
            "from": email.sender,
            "to": [email.to],
            "subject": email.subject,
            "text": email.text,
            "html": email.html,
            "tags": [{"name": name, "value": value} for name, value in email.tags],
        }
    )


def _judge(response: httpx.Response) -> None:
    name = error_name(response, "name")
    sentence = f"Resend answered {response.status_code} {name}".rstrip()
    status = response.status_code
    if status == 429 and name in _QUOTA:
        wait = retry_after_s(response) or QUOTA_WAIT_S
        raise VendorUnavailable(sentence, retry_after_s=wait, soon=False)
    if status == 429 or status >= 500 or (status == 409 and name in _PASSING_CONFLICTS):
        raise VendorUnavailable(sentence, retry_after_s=retry_after_s(response))
    raise VendorRefused(sentence)
