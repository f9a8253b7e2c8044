"""Signed deliveries a second, to committed and attributed payments: the product, two baselines.

`python -m bench ingest-at-scale` is the same product with ten million calls around it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg

from bench import bare
from bench.measure import Row
from bench.stack import Stack, free_port
from gateway.verify.stripe import verify_stripe
from salesdash.home import ROOT
from salesdash.sealing import seal_connection_secret
from salesdash.secretbox import SecretBox, generate_key
from salesdash.wiring import inherited_environment, login_url

SQL = Path(__file__).parent / "sql"
ORGANIZATIONS, LEADS = 8, 310
"""As many that a lead ends with 1 to 14 payments: what is paid in instalments."""
SENDERS, DELIVERIES, ROUNDS = 8, 400, 7
STEPS, STEPS_ROUNDS = 200, 3
WARM_UP = 400
PAYERS = itertools.count()
"""Who pays next, over all rounds: every lead once before one pays again."""
SECRET = "whsec_of_the_bench"
SECONDS = itertools.count(int(time.time()) - 80_000)
"""When payments are made: after the calls of the scene, which were a day ago."""

CHARGE = json.loads((ROOT / "tests" / "data" / "stripe" / "charge.succeeded.json").read_text())


class Endpoint(NamedTuple):
    """Where one organization's deliveries go."""

    connection_id: uuid.UUID


class Side(NamedTuple):
    """One of the compared: its name, port, and the path in front of the connection's id."""

    name: str
    port: int
    path: str


def measure(stack: Stack) -> list[Row]:
    """Load the scene, start both servers, compare."""
    key = generate_key()
    url, endpoints = load_scene(stack, key)
    with gateway(stack, url, key) as product_port:
        arguments = [sys.executable, "-m", "bench.bare"]
        environment = {"GATEWAY_DATABASE_URL": url, "BENCH_SECRET": SECRET}
        with _server(arguments, environment) as bare_port:
            sides = [
                Side("product", product_port, "/hooks/stripe/"),
                Side("raw body", bare_port, "/raw/"),
                Side("same rows", bare_port, "/rows/"),
            ]
            rows = [
                *_compare(stack, sides, endpoints, "8 connections", 0.35),
                *_compare(stack, sides, endpoints[:1], "one connection", 0.30),
            ]
    return [*rows, *_steps(stack, endpoints[0])]


def load_scene(stack: Stack, key: str) -> tuple[str, list[Endpoint]]:
    """Organizations with sold calls and a sealed connection each; the gateway's login, and them."""
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        sell(connection, ORGANIZATIONS, LEADS)
        connection.execute(bare.TABLES.replace("create schema bench;", "").encode())
        endpoints = _seal(connection, key)
        password = secrets.token_hex(16)
        connection.execute(f"alter role gateway password '{password}'".encode())
        connection.execute("vacuum (analyze)")
    return login_url(stack.superuser_url, "gateway", password), endpoints


def sell(connection: psycopg.Connection, organizations: int, leads: int) -> None:
    """A sold call of every lead, told of in bench.sold. connection: a superuser's, autocommit."""
    connection.execute("create schema bench authorization salesdash")
    connection.execute((SQL / "ingest_scene.sql").read_text().encode())
    connection.execute("set role salesdash")
    connection.execute("call bench.sell_one(%s)", (organizations,))
    connection.execute("reset role")
    connection.execute("call bench.sell_again(%s)", (leads,))


@contextlib.contextmanager
def gateway(stack: Stack, url: str, key: str) -> Iterator[int]:
    """The product's gateway over this database; its port."""
    with _server([sys.executable, "-m", "gateway"], _settings(stack, url, key)) as port:
        yield port


def _steps(stack: Stack, endpoint: Endpoint) -> list[Row]:
    """What the steps of a delivery cost, each beside the whole, without network and commit."""
    at = int(time.time())
    bodies = [_body(n) for n in range(STEPS)]
    signed = [(body, _signature(body, at)) for body in bodies]
    began = time.perf_counter()
    for body, header in signed:
        verify_stripe(body, header, [SECRET.encode()], now=at)
    cost = {"verify": (time.perf_counter() - began) * 1000 / STEPS}
    with psycopg.connect(stack.superuser_url) as connection:
        connection.execute((SQL / "ingest_steps.sql").read_text().encode())
        for _ in range(STEPS_ROUNDS):
            found = connection.execute(
                "select s.step, s.ms::float8 from app.webhook_connections as c,"
                " bench.ingest_steps(c.organization_id, c.id, 'stripe', '', %s::jsonb[],"
                " %s::jsonb[]) as s where c.id = %s",
                (
                    [_body(n).decode() for n in range(STEPS)],
                    [_body(n).decode() for n in range(STEPS)],
                    endpoint.connection_id,
                ),
            ).fetchall()
        cost.update({str(step): float(ms) for step, ms in found})
        connection.rollback()
    whole = cost.pop("whole")
    return [
        Row(
            f"a delivery's step: {step}",
            f"{ms:.3f} ms",
            f"all of it inside the database: {whole:.2f} ms",
            ms / whole,
            "for information",
            True,
        )
        for step, ms in cost.items()
    ]


@dataclass
class Seen:
    """What one side did: deliveries a second of each round, seconds until each answer."""

    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Deliveries a second, the median of the rounds."""
        return statistics.median(self.rates)

    def within(self, percent: int) -> float:
        """Milliseconds within which this share of the answers came."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1] * 1000


def _compare(
    stack: Stack, sides: Sequence[Side], endpoints: Sequence[Endpoint], what: str, hold: float
) -> list[Row]:
    """Deliveries a second of each side, and how long the product's senders waited."""
    seen = play(stack.superuser_url, sides, endpoints)
    product = seen["product"]
    compared = [
        Row(
            f"signed webhook to attributed payment, {SENDERS} senders, {what}",
            f"{product.rate:.0f}/s",
            f"verify, insert {label}: {seen[baseline].rate:.0f}/s",
            product.rate / seen[baseline].rate,
            f"≥ {floor:.0%} of the rate",
            product.rate / seen[baseline].rate >= floor,
        )
        for baseline, label, floor in (
            ("raw body", "the raw body", hold),
            ("same rows", "the same final rows", 0.60),
        )
    ]
    waited = [
        Row(
            f"the same, {percent} % of the answers within",
            f"{product.within(percent):.1f} ms",
            f"insert the same final rows: {seen['same rows'].within(percent):.1f} ms",
            product.within(percent) / seen["same rows"].within(percent),
            "for information",
            True,
        )
        for percent in (50, 99)
    ]
    return [*compared, *waited]


def play(url: str, sides: Sequence[Side], endpoints: Sequence[Endpoint]) -> dict[str, Seen]:
    """Interleaved rounds of new payments. url: a superuser's, who empties the limiter between.

    After the first deliveries the tables are analyzed, as autovacuum does within a minute: plans
    made while tables were known to be empty find a payment by reading its whole organization.
    """
    seen = {side.name: Seen() for side in sides}
    for side in sides:
        asyncio.run(send(side, requests(side, endpoints, WARM_UP)))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")
    for _ in range(ROUNDS):
        for side in sides:
            made = requests(side, endpoints, DELIVERIES)
            began = time.perf_counter()
            seen[side.name].seconds += asyncio.run(send(side, made))
            seen[side.name].rates.append(DELIVERIES / (time.perf_counter() - began))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("truncate app.rate_limits")
    return seen


def _body(n: int) -> bytes:
    """A new payment of the lead that n falls on, a second after the one before it.

    Payments of one lead come in the order of their dates, as they do in life.
    """
    number, at = uuid.uuid4().hex, next(SECONDS)
    charge = {
        **CHARGE["data"]["object"],
        "id": f"ch_{number}",
        "payment_intent": f"pi_{number}",
        "customer": f"cus_{n % LEADS + 1}",
        "created": at,
        "billing_details": {"email": f"lead{n % LEADS + 1}@bench.test", "name": "Lee"},
    }
    event = {**CHARGE, "id": f"evt_{number}", "created": at, "livemode": True}
    return json.dumps({**event, "data": {"object": charge}}, indent=2).encode()


def _signature(body: bytes, at: int) -> str:
    digest = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def requests(side: Side, endpoints: Sequence[Endpoint], count: int) -> list[bytes]:
    """Whole HTTP requests, signed now; every one is a new payment of a known lead."""
    at = int(time.time())
    made = []
    for n in itertools.islice(PAYERS, count):
        of, connection = divmod(n, len(endpoints))
        body = _body(of)
        path = f"{side.path}{endpoints[connection].connection_id}"
        head = (
            f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            f"stripe-signature: {_signature(body, at)}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def send(side: Side, sent: Sequence[bytes], *, senders: int = SENDERS) -> list[float]:
    """All requests through connections that are kept open; each must be processed.

    Answers the seconds until each answer.
    """
    waiting = iter(sent)
    seconds: list[float] = []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            seconds.append(time.perf_counter() - began)
            if not head.startswith(b"HTTP/1.1 200 ") or json.loads(answer)["status"] != "processed":
                raise RuntimeError(f"{side.name}: {head[:40]!r} {answer[:200]!r}")
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(sender() for _ in range(senders)))
    return seconds


def _seal(connection: psycopg.Connection, key: str) -> list[Endpoint]:
    """Give every connection its secret."""
    box = SecretBox(key)
    rows = connection.execute("select organization_id, id from app.webhook_connections").fetchall()
    for organization_id, connection_id in rows:
        sealed = seal_connection_secret(
            box, SECRET, organization_id=organization_id, connection_id=connection_id
        )
        connection.execute(
            "update app.webhook_connections set webhook_secret = %s where id = %s",
            (sealed, connection_id),
        )
    return [Endpoint(connection_id) for _, connection_id in rows]


def _settings(stack: Stack, url: str, key: str) -> dict[str, str]:
    return {
        "GATEWAY_DATABASE_URL": url,
        "POSTGREST_URL": stack.rest_url,
        "JWT_SECRET": stack.jwt_secret,
        "ENCRYPTION_MASTER_KEY": key,
        "LOG_LEVEL": "error",
    }


@contextlib.contextmanager
def _server(arguments: Sequence[str], environment: dict[str, str]) -> Iterator[int]:
    """A server process, once it answers; its port."""
    port = free_port()
    is_gateway = arguments[-1] == "gateway"
    process = subprocess.Popen(
        [*arguments] if is_gateway else [*arguments, str(port)],
        cwd=ROOT,
        env={
            **inherited_environment(os.environ),
            **environment,
            "GATEWAY_PORT": str(port),
            "SALESDASH_ENV_FILE": "",
        },
    )
    try:
        ends_at = time.monotonic() + 30
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False)
                break
            if time.monotonic() > ends_at or process.poll() is not None:
                raise RuntimeError(f"{arguments[-1]} did not start")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)
