"""What a write costs with everything that hangs on it: policies, audit, money, sums of metrics.

`python -m bench writes [calls]`: rows of an organization that has that many calls, each beside the
same rows in the same table while its own triggers are off, by processor time of the session; then
eight writers at a time, with and without sums of metrics.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from bench.histories import Tenant, identity, load
from bench.measure import Row, processor_ms
from bench.metrics import admin
from bench.stack import Stack

SQL = Path(__file__).parent / "sql"
CALLS = 100_000
SINGLE, SINGLE_ROUNDS = 100, 7
BATCH, BATCH_ROUNDS = 10_000, 5
WARM = 8
"""Writes before those that are timed: switching triggers makes every session plan anew."""
WRITERS, WRITES, WRITER_ROUNDS = 8, 150, 5
ORGANIZATION = identity("organization", 1)

Say = Callable[[str], None]


def measure(stack: Stack, calls: int = CALLS, *, say: Say = print) -> list[Row]:
    """Load one organization, write to it."""
    load(stack.superuser_url, [Tenant(1, calls, 364)], say=say)
    with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
        connection.execute((SQL / "writes.sql").read_text().encode())
        connection.execute("alter role org_admin set statement_timeout = 0")
    with (
        psycopg.connect(stack.superuser_url, autocommit=True) as owner,
        admin(stack, 1) as person,
    ):
        owner.execute("set role salesdash")
        rows = []
        for what, table, with_policies in (
            ("insert a lead", "leads", True),
            ("note on a call", "events", True),
            ("insert a call", "events", False),
        ):
            say(what)
            rows += _beside(owner, person if with_policies else owner, what, table)
        # Before any of these leads has paid: then a call settles deals, which is no sum of metrics.
        at_once = _writers(stack, say)
        say("insert a payment")
        rows += _beside(owner, owner, "insert a payment", "payments")
    return [*rows, *at_once]


def _beside(
    owner: psycopg.Connection, asked: psycopg.Connection, what: str, table: str
) -> list[Row]:
    """One kind of write: as it comes, and as the owner without the table's triggers.

    owner: bound by no policy. asked: whoever writes.
    """
    name = what.replace(" ", "_")
    twin = name if asked is owner else f"{name}_plainly"
    product: dict[int, list[float]] = {1: [], BATCH: []}
    plain: dict[int, list[float]] = {1: [], BATCH: []}
    inserted = "(as an admin)" if asked is not owner else "(as the owner)"
    for size, times, rounds in ((1, SINGLE, SINGLE_ROUNDS), (BATCH, 1, BATCH_ROUNDS)):
        for number in range(-1, rounds):
            _fold(owner)
            with_triggers = _write(asked, f"bench.{name}", size, times)
            with _without_triggers(owner, table):
                without = _write(owner, f"bench.{twin}", size, times)
            if number >= 0:
                product[size].append(with_triggers)
                plain[size].append(without)
    return [
        _row(f"{what} {inserted}, one at a time", product[1], plain[1], 1.5),
        _row(f"{what} {inserted}, {BATCH:,} in one statement", product[BATCH], plain[BATCH], 2.0),
    ]


def _fold(owner: psycopg.Connection) -> None:
    """Count what earlier rounds changed, as the worker does every second."""
    query = "select app.fold_metrics(%s, 2000)"
    while (owner.execute(query, (ORGANIZATION,)).fetchone() or (0,))[0]:
        pass


def _write(connection: psycopg.Connection, function: str, size: int, times: int) -> float:
    """Processor time of one statement over so many rows, each in its own transaction; in ms."""
    statement = sql.SQL("call {}(%s)").format(sql.Identifier(*function.split(".")))
    for _ in range(WARM):
        connection.execute(statement, (1,))
    began = processor_ms(connection)
    for _ in range(times):
        connection.execute(statement, (size,))
    return (processor_ms(connection) - began) / times


@contextmanager
def _without_triggers(owner: psycopg.Connection, table: str) -> Iterator[None]:
    name = sql.Identifier("app", table)
    owner.execute(sql.SQL("alter table {} disable trigger user").format(name))
    try:
        yield
    finally:
        owner.execute(sql.SQL("alter table {} enable trigger user").format(name))


def _row(what: str, product: list[float], plain: list[float], most: float) -> Row:
    """The ratio is the median of those of the rounds."""
    ratio = statistics.median(one / other for one, other in zip(product, plain, strict=True))
    return Row(
        what,
        f"{statistics.median(product):.2f} ms",
        f"the same table without triggers: {statistics.median(plain):.2f} ms",
        ratio,
        f"≤ {most} x the time",
        ratio <= most,
    )


def _writers(stack: Stack, say: Say) -> list[Row]:
    """Eight writers of calls in one organization, while the worker folds."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    with psycopg.connect(stack.superuser_url, autocommit=True) as owner:
        owner.execute("set role salesdash")
        triggers = owner.execute(
            """
            select t.tgrelid::regclass::text, t.tgname from pg_trigger as t
              join pg_proc as p on p.oid = t.tgfoid
             where p.proname like 'note\\_changed\\_%' and t.tgrelid::regclass::text like 'app.%'
            """
        ).fetchall()
        before = _deadlocks(owner)
        for number in range(-1, WRITER_ROUNDS):
            for with_sums in (True, False):
                say(f"eight writers, {'with' if with_sums else 'without'} sums of metrics")
                _switch(owner, triggers, on=with_sums)
                rate = _together(stack, folds=with_sums)
                if number >= 0:
                    rates[with_sums].append(rate)
            _switch(owner, triggers, on=True)
        deadlocks = _deadlocks(owner) - before
    product, plain = (statistics.median(rates[kind]) for kind in (True, False))
    return [
        Row(
            f"{WRITERS} writers of calls in one organization",
            f"{product:.0f}/s",
            f"without sums of metrics: {plain:.0f}/s",
            product / plain,
            "≥ 75 % of the rate",
            product / plain >= 0.75,
        ),
        Row("deadlocks meanwhile", str(deadlocks), "none", float(deadlocks), "0", deadlocks == 0),
    ]


def _switch(owner: psycopg.Connection, triggers: list[tuple[str, str]], *, on: bool) -> None:
    for table, name in triggers:
        owner.execute(
            sql.SQL("alter table {} {} trigger {}").format(
                sql.Identifier(*table.split(".")),
                sql.SQL("enable" if on else "disable"),
                sql.Identifier(name),
            )
        )


def _deadlocks(connection: psycopg.Connection) -> int:
    connection.execute("select pg_stat_clear_snapshot()")
    found = connection.execute(
        "select deadlocks from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert found is not None
    return int(found[0])


def _together(stack: Stack, *, folds: bool) -> float:
    """Transactions a second of all writers. folds: a worker counts what they changed meanwhile."""
    failed: list[BaseException] = []
    done = threading.Event()

    def write() -> None:
        try:
            with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
                connection.execute("set role salesdash")
                connection.execute("call bench.write_calls(%s)", (WRITES,))
        except psycopg.Error as error:
            failed.append(error)

    def fold() -> None:
        with psycopg.connect(stack.superuser_url, autocommit=True) as connection:
            connection.execute("set role salesdash")
            while not done.wait(1):
                connection.execute("select app.fold_metrics(%s, 1000)", (ORGANIZATION,))

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    worker = threading.Thread(target=fold)
    if folds:
        worker.start()
    began = time.perf_counter()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    seconds = time.perf_counter() - began
    done.set()
    if folds:
        worker.join()
    if failed:
        raise failed[0]
    return WRITERS * WRITES / seconds
