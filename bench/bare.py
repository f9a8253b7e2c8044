"""The baselines of the ingest benchmark: routes that verify a delivery and insert it, and no more.

    /raw/{connection_id}   one INSERT of the body
    /rows/{connection_id}  one INSERT of the same rows that the product ends with

The tables are copies with the product's columns, checks and indexes, without foreign keys,
triggers, duplicates, limits or attribution: whose sale it is comes ready-made from memory. The
rows are those that a delivery ends with: key, inbox, payment, two credits, three of the
audit trail, a count.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import orjson
import uvicorn
from psycopg.rows import class_row
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.sold import Sold
from gateway.bodies import read_body
from gateway.database import make_pool
from gateway.verify.stripe import verify_delivery

TABLES = """
create schema bench;
create table bench.bodies (id uuid primary key default uuidv7(), connection_id uuid, body jsonb);
create table bench.webhook_event_keys (like app.webhook_event_keys including all);
create table bench.webhook_events (like app.webhook_events including all);
create table bench.payments (like app.payments including all);
create table bench.payment_credits (like app.payment_credits including all);
create table bench.connection_stats (like app.connection_stats including all);
create table bench.audit_logs (like app.audit_logs including all);
grant usage on schema bench to gateway;
grant select, insert on all tables in schema bench to gateway;
grant execute on all functions in schema app to gateway;
"""
RAW = "insert into bench.bodies (connection_id, body) values (%s, %s::jsonb)"
ROWS = (Path(__file__).parent / "sql" / "ingest_rows.sql").read_text()


async def raw(request: Request) -> Response:
    """Verify, and keep the body."""
    body, connection_id = await _genuine(request)
    async with request.app.state.pool.connection() as connection:
        await connection.execute(RAW, (connection_id, body.decode()))
    return JSONResponse({"status": "processed"})


async def rows(request: Request) -> Response:
    """Verify, and keep what the product would keep."""
    body, connection_id = await _genuine(request)
    charge = orjson.loads(body)["data"]["object"]
    sold: Sold = request.app.state.sold[connection_id, charge["billing_details"]["email"]]
    async with request.app.state.pool.connection() as connection:
        await connection.execute(ROWS, {**sold._asdict(), "body": body.decode()})
    return JSONResponse({"status": "processed"})


async def _genuine(request: Request) -> tuple[bytes, UUID]:
    body = await read_body(request, 1024 * 1024)
    secret = os.environ["BENCH_SECRET"].encode()
    verify_delivery(body, request.headers, [secret], time.time())
    return body, request.path_params["connection_id"]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the pool, and learn whose sale each payment will be."""
    app.state.pool = make_pool(os.environ["GATEWAY_DATABASE_URL"])
    await app.state.pool.open()
    async with (
        app.state.pool.connection() as connection,
        connection.cursor(row_factory=class_row(Sold)) as cursor,
    ):
        await cursor.execute("select * from bench.sold")
        app.state.sold = {(row.connection_id, row.email): row async for row in cursor}
    yield
    await app.state.pool.close()


if __name__ == "__main__":
    uvicorn.run(
        Starlette(
            routes=[
                Route("/raw/{connection_id:uuid}", raw, methods=["POST"]),
                Route("/rows/{connection_id:uuid}", rows, methods=["POST"]),
            ],
            lifespan=lifespan,
        ),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
    )
