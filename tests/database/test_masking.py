"""What admins read of a payload."""

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.world import World


def masked(world: World, body: object) -> Any:
    return world.value("select app.mask_body(%s)", Jsonb(body))


@pytest.mark.parametrize(
    "name",
    [
        "last4",
        "card_last4",
        "last_four",
        "exp_month",
        "card_exp_year",
        "cvc",
        "iin",
        "number",
        "card_number",
        "fingerprint",
        "client_secret",
        "access_token",
        "apiKey",
        "account_number",
        "routing_number",
    ],
)
def test_card_bank_and_token_fields_are_masked_at_any_depth(world: World, name: str) -> None:
    body = {name: "4242", "list": [{"inner": {name: 7, "kept": 1}}], "none": {name: None}}
    assert masked(world, body) == {
        name: "***",
        "list": [{"inner": {name: "***", "kept": 1}}],
        "none": {name: None},
    }


def test_what_is_no_secret_is_shown(world: World) -> None:
    body = {"email": "lee@lead.test", "brand": "visa", "description": "x", "expires_at": 1, "n": []}
    assert masked(world, body) == body


@pytest.mark.parametrize("kind", [list, dict])
def test_thousands_of_levels_are_shown_as_far_as_they_mean_anything(
    world: World, kind: type
) -> None:
    text = "[" * 1000 + "]" * 1000 if kind is list else '{"a":' * 1000 + "1" + "}" * 1000
    shown = world.value("select app.mask_body(%s::jsonb)::text", text)
    assert shown.count("***") == 1
    assert shown.count("[" if kind is list else "{") == 64
