"""Files that leave through the gateway: rows a second, and the memory that takes."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil
import psycopg

from bench.ingest import gateway
from bench.measure import Row
from bench.policies import SQL, md5_uuid
from bench.stack import Stack, run_as_superuser
from salesdash.secretbox import generate_key
from salesdash.wiring import login_url

ROWS = 1_000_000
HOLDS = {"json": 4.0, "ndjson": 4.0, "csv": 4.0, "xlsx": 20.0}
"""At most so many times the time of the bare pages, which are held whole and written nowhere."""
PAGE = 10_000
MAX_GROWTH = 100 * 2**20
"""Bytes by which the gateway may grow while it writes a file, however long that is."""
LEADS = """
insert into app.leads (organization_id, full_name, email, phone, created_at)
select md5('organization1')::uuid, 'Lead ' || g, 'lead' || g || '@bench.example', '+1555' || g,
       timestamptz '2020-01-01 08:00Z' + g * interval '1 minute'
  from generate_series(1, :rows) as g;
"""


@dataclass(frozen=True)
class Seen:
    """One file. first_s: until its first byte; growth: of the gateway, at its peak."""

    seconds: float
    first_s: float
    size: int
    growth: int


@dataclass(frozen=True)
class Owner:
    """The owner of the organization that all rows are of."""

    stack: Stack
    organization_id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


def load(stack: Stack, rows: int) -> Owner:
    """So many leads of one organization, and its owner's session."""
    script = (SQL / "dataset.sql").read_text()
    run_as_superuser(stack, script, events=100, organizations=1)
    run_as_superuser(stack, LEADS, rows=rows)
    user, session = md5_uuid("user1:0"), str(uuid.uuid4())
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        connection.execute(
            "insert into auth.sessions (id, user_id, expires_at)"
            " values (%s, %s, now() + interval '1 day')",
            (session, user),
        )
    return Owner(stack, md5_uuid("organization1"), stack.token(user, session, "org_admin"))


def measure(stack: Stack, rows: int = ROWS) -> list[Row]:
    """Two lines per format, for time and for memory."""
    owner = load(stack, rows)
    password = secrets.token_hex(16)
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        connection.execute(f"alter role gateway password '{password}'".encode())
    url = login_url(stack.superuser_url, "gateway", password)
    lines = []
    with gateway(stack, url, generate_key()) as port:
        process = next(p for p in psutil.Process().children() if p.cmdline()[-1] == "gateway")
        bare = bare_pages(owner, rows)
        for name in HOLDS:
            lines += lines_of(name, rows, file_of(owner, port, process, name, rows), bare)
    return lines


def lines_of(name: str, rows: int, seen: Seen, bare: float) -> list[Row]:
    """What a file took, and what it needed."""
    return [
        Row(
            f"{rows:,} leads as {name}, {seen.size / 2**20:,.0f} MiB",
            f"{rows / seen.seconds:,.0f} rows/s, first byte after {seen.first_s * 1000:,.0f} ms",
            f"bare pages of PostgREST {rows / bare:,.0f} rows/s",
            seen.seconds / bare,
            f"≤ {HOLDS[name]:.0f}x",
            seen.seconds <= bare * HOLDS[name],
        ),
        Row(
            f"memory of the gateway for {rows:,} leads as {name}",
            f"{seen.growth / 2**20:,.0f} MiB more",
            f"the file: {seen.size / 2**20:,.0f} MiB",
            seen.growth / seen.size,
            f"≤ {MAX_GROWTH / 2**20:,.0f} MiB",
            seen.growth <= MAX_GROWTH,
        ),
    ]


def bare_pages(owner: Owner, rows: int) -> float:
    """Seconds that the same rows take in pages as large as PostgREST gives, dropped unread."""
    after, got, began = str(uuid.UUID(int=0)), 0, time.perf_counter()
    with httpx.Client(base_url=owner.stack.rest_url, headers=owner.headers, timeout=120) as client:
        while got < rows:
            query = {
                "organization_id": f"eq.{owner.organization_id}",
                "order": "id",
                "id": f"gt.{after}",
                "limit": str(PAGE),
            }
            content = client.get("/leads", params=query).raise_for_status().content
            after = content[content.rindex(b'{"organization_id"') :].split(b'"')[7].decode()
            got += PAGE
    return time.perf_counter() - began


def file_of(owner: Owner, port: int, process: psutil.Process, name: str, rows: int) -> Seen:
    """One export, dropped as it comes."""
    query = {"table": "leads", "format": name}
    url = f"http://127.0.0.1:{port}/functions/v1/export-data"
    size, first_s, began = 0, 0.0, time.perf_counter()
    with (
        memory(process) as sizes,
        httpx.stream("GET", url, params=query, headers=owner.headers, timeout=3600) as answer,
    ):
        answer.raise_for_status()
        for part in answer.iter_raw():
            first_s = first_s or time.perf_counter() - began
            size += len(part)
    seconds = time.perf_counter() - began
    with psycopg.connect(owner.stack.superuser_url) as connection:
        found = connection.execute(
            "select state, row_count from app.exports order by id desc limit 1"
        ).fetchone()
    assert found == ("delivered", rows), found
    return Seen(seconds, first_s, size, max(sizes) - sizes[0])


@contextmanager
def memory(process: psutil.Process) -> Iterator[list[int]]:
    """The resident bytes of a process, looked at until the end of the block."""
    sizes, is_over = [process.memory_info().rss], threading.Event()

    def look() -> None:
        while not is_over.wait(0.05):
            sizes.append(process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield sizes
    finally:
        is_over.set()
        thread.join()
