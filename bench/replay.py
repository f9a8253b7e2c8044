"""Stored deliveries a second that the worker replays, and whether its memory stays flat.

`python -m bench replay [deliveries]` measures only this.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.ingest import CHARGE, sell
from bench.measure import Row
from bench.stack import Stack
from salesdash.home import ROOT
from salesdash.secretbox import generate_key
from salesdash.wiring import inherited_environment, login_url

SQL = Path(__file__).parent / "sql"
ORGANIZATIONS, LEADS = 1, 10_000
DELIVERIES = 100_000
BASELINE = 2_000
"""Deliveries taken in one by one, each in a transaction of its own, by one connection."""
GROWTH_MIB = 32
"""What the worker may grow by, however much it replays."""

STORE = """
insert into app.webhook_events (organization_id, connection_id, provider, provider_event_id,
                                event_type, occurred_at, body, status)
select c.organization_id, c.id, 'stripe', 'evt_' || n, 'charge.succeeded', now(), %(charge)s::jsonb
       || jsonb_build_object('id', 'evt_' || n, 'created', %(at)s::bigint + n / %(leads)s, 'data',
            jsonb_build_object('object', (%(charge)s::jsonb #> '{data,object}')
                || jsonb_build_object(
                    'id', 'ch_' || n, 'payment_intent', 'pi_' || n,
                    'created', %(at)s::bigint + n / %(leads)s,
                    'customer', 'cus_' || (1 + n %% %(leads)s), 'billing_details',
                    jsonb_build_object('email', 'lead' || (1 + n %% %(leads)s) || '@bench.test')))),
       'dead'
  from app.webhook_connections as c, generate_series(1, %(count)s) as n
"""
"""Every delivery a payment of its own; every lead one customer, whose payments come in order."""
ONE_BY_ONE = """
do $$
declare
    v_event record;
begin
    for v_event in
        select w.organization_id, w.connection_id, w.is_late,
               replace(replace(w.body::text, '"evt_', '":prefix_evt_'),
                       '"pi_', '":prefix_pi_')::jsonb as body
          from app.webhook_events as w order by w.id limit :count
    loop
        perform ingest.record_deliveries(jsonb_build_array(to_jsonb(v_event)));
        commit;
    end loop;
end;
$$
"""


def measure(stack: Stack, deliveries: int = DELIVERIES) -> list[Row]:
    """Store dead deliveries, replay them twice: the first time each makes a payment, then none."""
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        sell(connection, ORGANIZATIONS, LEADS)
        connection.execute(
            STORE.encode(),
            {
                "charge": json.dumps(CHARGE),
                "at": int(time.time()) - deliveries // LEADS - 1,
                "leads": LEADS,
                "count": deliveries,
            },
        )
        password = secrets.token_hex(16)
        connection.execute(f"alter role worker password '{password}'".encode())
        _take_one_by_one(connection, "first")
        # Plans that were made for empty tables would be measured otherwise.
        connection.execute("vacuum (analyze)")
        one_by_one = _take_one_by_one(connection, "second")
        with _worker(login_url(stack.superuser_url, "worker", password)) as process:
            rows = []
            for what in ("each makes its payment", "nothing is left to do"):
                before = _peak_mib(process.pid)
                rate = _replay(connection, deliveries, what)
                after = _peak_mib(process.pid)
                rows.append(
                    Row(
                        f"replay of {deliveries:,} stored deliveries: {what}",
                        f"{rate:.0f}/s",
                        f"the same taken in one by one: {one_by_one:.0f}/s",
                        rate / one_by_one,
                        "≥ 100% of the rate",
                        rate >= one_by_one,
                    )
                )
                rows.append(
                    Row(
                        "peak memory of the worker after that replay",
                        f"{after:.0f} MiB",
                        f"before it: {before:.0f} MiB",
                        after / before,
                        f"≤ {GROWTH_MIB} MiB more",
                        after - before <= GROWTH_MIB,
                    )
                )
    return rows


def _take_one_by_one(connection: psycopg.Connection, prefix: str) -> float:
    """Deliveries a second that one connection takes in, each in a transaction of its own."""
    work = ONE_BY_ONE.replace(":count", str(BASELINE)).replace(":prefix", prefix)
    began = time.perf_counter()
    connection.execute(work.encode())
    took = time.perf_counter() - began
    # What is replayed are the stored ones alone, all of which are dead.
    connection.execute("delete from app.webhook_events where status <> 'dead'")
    return BASELINE / took


def _replay(connection: psycopg.Connection, deliveries: int, what: str) -> float:
    """Deliveries a second of one run, from its start to its end as the queue has them."""
    (run,) = connection.execute(
        "select app.enqueue_replay(c.organization_id, c.id, '2020-01-01')"
        "  from app.webhook_connections as c"
    ).fetchone() or (None,)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task(f"replaying: {what}", total=deliveries)
        while True:
            row = connection.execute(
                "select state, progress_done, counts ->> 'processed',"
                "       extract(epoch from finished_at - started_at)::double precision"
                "  from app.sync_runs where id = %s",
                (run,),
            ).fetchone()
            assert row is not None
            state, done, processed, seconds = row
            progress.update(bar, completed=done)
            if state not in ("queued", "running"):
                if state != "succeeded" or not int(processed) == done == deliveries:
                    raise RuntimeError(f"the replay ended as {row}")
                return float(done / seconds)
            time.sleep(0.2)


def _peak_mib(pid: int) -> float:
    """The most memory that a process has had so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) / 1024


@contextlib.contextmanager
def _worker(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The jobs process, once it has said that it is alive."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs"],
        cwd=ROOT,
        env={
            **inherited_environment(os.environ),
            "JOBS_DATABASE_URL": url,
            "ENCRYPTION_MASTER_KEY": generate_key(),
            "LOG_LEVEL": "error",
            "SALESDASH_ENV_FILE": "",
        },
    )
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            ends_at = time.monotonic() + 30
            while not connection.execute(
                "select from pg_stat_activity where application_name = 'salesdash-jobs'"
            ).rowcount:
                if time.monotonic() > ends_at or process.poll() is not None:
                    raise RuntimeError("the worker did not start")
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)
