"""Requests through the real PostgREST, with somebody's token."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.fixtures.processes import Rest
from tests.world import Person, World


@dataclass(frozen=True)
class Api:
    """The API as a person calls it."""

    rest: Rest
    world: World

    def send(
        self, who: Person | None, method: str, path: str, body: object = None
    ) -> httpx.Response:
        """who: None for nobody."""
        headers = {"Prefer": "return=representation"}
        if who is not None:
            token = self.world.token(who, self.rest.jwt_secret)
            headers["Authorization"] = f"Bearer {token}"
        return httpx.request(
            method,
            f"{self.rest.url}/{path}",
            json=body,
            headers=headers,
            trust_env=False,
            timeout=30,
        )

    def call(self, who: Person | None, function: str, **arguments: Any) -> httpx.Response:
        """POST /rpc/<function>; arguments that are no JSON are sent as text."""
        body = {name: _plain(value) for name, value in arguments.items()}
        return self.send(who, "POST", f"rpc/{function}", body)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """(status, code of the error)."""
    return answer.status_code, answer.json()["code"] if answer.is_error else None
