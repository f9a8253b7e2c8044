"""Payloads in which everything that nobody may see by accident is unmistakable."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

_CARD = re.compile(
    r"(^|_)(last_?4|last_?four|exp_?month|exp_?year|fingerprint|iin|cvc|cvv"
    r"|network_transaction_id|client_secret|access_token|payment_method_reference)$"
)
_EMAIL = re.compile(r"email")
_PHONE = re.compile(r"phone")
_PERSON = re.compile(r"^(first_name|last_name|full_name|name|username|ig_username|last_text)$")


class Markers:
    """What was hidden in payloads. card: also tokens; person: names, addresses, numbers."""

    def __init__(self) -> None:
        self.card: set[str] = set()
        self.person: set[str] = set()
        self.secrets: set[str] = set()

    def secret(self, prefix: str = "whsec_") -> str:
        """A new secret or token."""
        return self._noted(self.secrets, f"{prefix}{uuid4().hex}")

    def name(self) -> str:
        """A name that nobody else has."""
        return self._noted(self.person, f"Mk{uuid4().hex[:20]}")

    def hidden(self, body: bytes) -> bytes:
        """The payload with markers in the place of what it says of cards and people.

        A form, which says nothing of either, gets fields that do.
        """
        if not body.lstrip().startswith((b"{", b"[")):
            email, number = self._marker("email", "@"), self._marker("last4", "")
            return body + f"&email={email}&last4={number}&firstName={self.name()}".encode()
        return json.dumps(self._walked(json.loads(body), "")).encode()

    def _walked(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: self._walked(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._walked(inner, key) for inner in value]
        if value is None or isinstance(value, bool) or value == "":
            return value
        marked = self._marker(key, value)
        return value if marked is None else marked

    def _marker(self, key: str, value: Any) -> Any:
        fresh: Callable[[], str] = lambda: uuid4().hex[:20]  # noqa: E731
        if _CARD.search(key):
            if isinstance(value, int):
                return int(self._noted(self.card, str(10**14 + uuid4().int % 10**14)))
            return self._noted(self.card, f"mk{fresh()}")
        if not isinstance(value, str):
            return None
        if _EMAIL.search(key) and "@" in value:
            return self._noted(self.person, f"mk{fresh()}@lead.test")
        if _PHONE.search(key) and value.startswith("+"):
            return self._noted(self.person, f"+1{2_000_000_000 + uuid4().int % 7_000_000_000}")
        if _PERSON.match(key):
            return self.name()
        return None

    @staticmethod
    def _noted(where: set[str], marker: str) -> str:
        where.add(marker)
        return marker
