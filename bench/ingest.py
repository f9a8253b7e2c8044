"""Signed deliveries a second, to committed and attributed payments: the product, two baselines."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg

from bench import bare
from bench.measure import Row
from bench.stack import Stack, free_port
from salesdash.home import ROOT
from salesdash.sealing import seal_connection_secret
from salesdash.secretbox import SecretBox, generate_key
from salesdash.wiring import inherited_environment, login_url

SQL = Path(__file__).parent / "sql"
ORGANIZATIONS, LEADS = 8, 250
SENDERS, DELIVERIES, ROUNDS = 8, 400, 7
WARM_UP = 400
SECRET = "whsec_of_the_bench"

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
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        connection.execute("create schema bench authorization salesdash")
        scene = (SQL / "ingest_scene.sql").read_text()
        values = {"organizations": ORGANIZATIONS, "leads": LEADS}
        for name, value in values.items():
            scene = scene.replace(f":{name}", str(value))
        connection.execute(scene.encode())
        connection.execute("reset role")
        connection.execute(bare.TABLES.replace("create schema bench;", "").encode())
        endpoints = _seal(connection, key)
        password = secrets.token_hex(16)
        connection.execute(f"alter role gateway password '{password}'".encode())
        connection.execute("vacuum (analyze)")
    url = login_url(stack.superuser_url, "gateway", password)
    with _server([sys.executable, "-m", "gateway"], _settings(stack, url, key)) as product_port:
        arguments = [sys.executable, "-m", "bench.bare"]
        environment = {"GATEWAY_DATABASE_URL": url, "BENCH_SECRET": SECRET}
        with _server(arguments, environment) as bare_port:
            sides = [
                Side("product", product_port, "/hooks/stripe/"),
                Side("raw body", bare_port, "/raw/"),
                Side("same rows", bare_port, "/rows/"),
            ]
            return [
                *_compare(stack, sides, endpoints, "8 connections", 0.35),
                *_compare(stack, sides, endpoints[:1], "one connection", 0.30),
            ]


def _compare(
    stack: Stack, sides: Sequence[Side], endpoints: Sequence[Endpoint], what: str, hold: float
) -> list[Row]:
    """Deliveries a second of each side, medians of interleaved rounds."""
    seen: dict[str, list[float]] = {side.name: [] for side in sides}
    for side in sides:
        asyncio.run(_send(side, _requests(side, endpoints, WARM_UP)))
    for _ in range(ROUNDS):
        for side in sides:
            requests = _requests(side, endpoints, DELIVERIES)
            began = time.perf_counter()
            asyncio.run(_send(side, requests))
            seen[side.name].append(DELIVERIES / (time.perf_counter() - began))
        with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
            connection.execute("truncate app.rate_limits")
    rate = {name: statistics.median(rates) for name, rates in seen.items()}
    return [
        Row(
            f"signed webhook to attributed payment, {SENDERS} senders, {what}",
            f"{rate['product']:.0f}/s",
            f"verify, insert {label}: {rate[baseline]:.0f}/s",
            rate["product"] / rate[baseline],
            f"≥ {floor:.0%} of the rate",
            rate["product"] / rate[baseline] >= floor,
        )
        for baseline, label, floor in (
            ("raw body", "the raw body", hold),
            ("same rows", "the same final rows", 0.60),
        )
    ]


def _requests(side: Side, endpoints: Sequence[Endpoint], count: int) -> list[bytes]:
    """Whole HTTP requests, signed now; every one is a new payment of a known lead."""
    at = int(time.time())
    made = []
    for n in range(count):
        number = uuid.uuid4().hex
        charge = {
            **CHARGE["data"]["object"],
            "id": f"ch_{number}",
            "payment_intent": f"pi_{number}",
            "created": at,
            "billing_details": {"email": f"lead{n % LEADS + 1}@bench.test", "name": "Lee"},
        }
        event = {**CHARGE, "id": f"evt_{number}", "created": at, "livemode": True}
        body = json.dumps({**event, "data": {"object": charge}}, indent=2).encode()
        digest = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        path = f"{side.path}{endpoints[n % len(endpoints)].connection_id}"
        head = (
            f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            f"stripe-signature: t={at},v1={digest}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def _send(side: Side, requests: Sequence[bytes]) -> None:
    """All requests through SENDERS connections that are kept open; each must be processed."""
    waiting = iter(requests)

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200 ") or json.loads(answer)["status"] != "processed":
                raise RuntimeError(f"{side.name}: {head[:40]!r} {answer[:200]!r}")
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


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
