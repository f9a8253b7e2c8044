"""How each provider vouches for bytes, whatever they are: for tests that hold for every provider.

Unlike the providers' own libraries these sign what is no text, too. A provider that is not here
fails tests/catalog/test_providers.py.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

DATA = Path(__file__).parent / "data"

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Sender:
    """One provider. sign: the headers for a body and a secret, signed now.

    each_counts: equal deliveries are as many events, since nothing tells them apart.
    """

    provider: str
    secret: str
    sign: Callable[[bytes, str], Headers]
    each_counts: bool = False

    def genuine(self, body: bytes) -> Headers:
        """The headers of a delivery that is what it says it is."""
        return self.sign(body, self.secret)

    def new_secret(self) -> str:
        """Another one, as this provider makes them."""
        return f"{self.secret}_{uuid4().hex}"

    @cached_property
    def payloads(self) -> list[Path]:
        """The bodies on file; what begins with an underscore is something else."""
        return sorted(
            path
            for path in (DATA / self.provider).iterdir()
            if path.is_file() and path.suffix != ".md" and not path.name.startswith("_")
        )


def _hex_digest(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _stripe(body: bytes, secret: str) -> Headers:
    at = int(time.time())
    digest = _hex_digest(secret, f"{at}.".encode() + body)
    return {"content-type": "application/json", "stripe-signature": f"t={at},v1={digest}"}


def _whop(body: bytes, secret: str) -> Headers:
    """The newest generation's scheme for bodies with a type, the older one for others."""
    at = int(time.time())
    if b'"type"' not in body:
        digest = _hex_digest(secret, f"{at}.".encode() + body)
        return {"content-type": "application/json", "x-whop-signature": f"t={at},v1={digest}"}
    event_id = f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
    signed = f"{event_id}.{at}.".encode() + body
    digest = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{digest}",
    }


def _acuity(body: bytes, secret: str) -> Headers:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-acuity-signature": base64.b64encode(digest).decode(),
    }


def _calendly(body: bytes, secret: str) -> Headers:
    at = int(time.time())
    digest = _hex_digest(secret, f"{at}.".encode() + body)
    return {"content-type": "application/json", "calendly-webhook-signature": f"t={at},v1={digest}"}


def _manychat(_body: bytes, secret: str) -> Headers:
    return {"content-type": "application/json", "x-webhook-token": secret}


SENDERS: Mapping[str, Sender] = {
    sender.provider: sender
    for sender in [
        Sender("acuity", "acuity key of the tests", _acuity, each_counts=True),
        Sender("calendly", "signing-key-of-the-tests", _calendly),
        Sender("manychat", "a token of the tests", _manychat),
        Sender("stripe", "whsec_of_the_tests", _stripe),
        Sender("whop", "ws_of_the_tests", _whop),
    ]
}
"""By provider."""
