"""Tools that analysts use, each as it comes, with a login of `salesdash analyst create`."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict

from salesdash.tools import psql_program
from tests.analysts import AnalystLogin, analyst_login
from tests.clients.nodejs import nodejs
from tests.fixtures.databases import Database
from tests.world import Organization, World

CALLS = [("dana", 3, 2), ("eli", 1, 0)]
"""Closer, calls, shows; beta's are nobody's business."""


@dataclass(frozen=True)
class Desk:
    """Where an analyst of Acme sits."""

    login: AnalystLogin
    acme: Organization


@pytest.fixture(scope="module")
def desk(database: Database, committed_world: World) -> Iterator[Desk]:
    acme, beta = (committed_world.organization(name) for name in ("acme", "beta"))
    for name, calls, shows in CALLS:
        closer = acme.closer(name)
        for number in range(calls):
            acme.event(closer=closer, outcome="showed_offer" if number < shows else "no_show")
        acme.payment(closer=closer, amount=Decimal("100.10") * calls)
    beta.event(closer=beta.closer("zoe"), outcome="showed_offer")
    beta.payment(amount=Decimal("9999.99"))
    with analyst_login(database, acme.id) as login:
        yield Desk(login, acme)


def psql(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = psql_program()
    assert program
    given = conninfo_to_dict(desk.login.url)
    return subprocess.run(
        [program, "--no-psqlrc", "--csv", desk.login.url, *arguments],
        env={**os.environ, "PGPASSWORD": str(given["password"])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_psql_lists_describes_asks_and_writes_a_file(desk: Desk, tmp_path: Path) -> None:
    listed = psql(desk, "-c", r"\dv").stdout
    assert "analytics,events,view" in listed
    assert "app," not in listed
    described = psql(desk, "-c", r"\d+ payments").stdout
    assert "amount,numeric" in described
    by_closer = psql(
        desk,
        "-c",
        "select closer_name, count(*), count(*) filter (where call_status = 'completed')"
        " from events group by 1 order by 1",
    )
    assert by_closer.stdout.splitlines()[1:] == [f"{n},{calls},{s}" for n, calls, s in CALLS]
    file = tmp_path / "payments.csv"
    assert psql(desk, "-c", rf"\copy (select amount from payments) to '{file}' csv").returncode == 0
    assert sum(map(Decimal, file.read_text().split())) == Decimal("400.40")
    refused = psql(desk, "-v", "VERBOSITY=sqlstate", "-c", "delete from events")
    assert (refused.returncode, refused.stderr.strip()) == (1, "ERROR:  42501")


@pytest.fixture(scope="module")
def engine(desk: Desk) -> Iterator[sqlalchemy.Engine]:
    made = sqlalchemy.create_engine(desk.login.url.replace("postgresql:", "postgresql+psycopg:"))
    yield made
    made.dispose()


def test_sqlalchemy_finds_every_view_and_its_comments(engine: sqlalchemy.Engine) -> None:
    inspector = sqlalchemy.inspect(engine)
    views = inspector.get_view_names()
    assert {"events", "payments", "leads", "closers", "setters", "sources"} <= set(views)
    assert inspector.get_table_names() == []
    for view in views:
        columns = inspector.get_columns(view)
        assert columns
        assert all(column["comment"] for column in columns), view
    with pytest.raises(sqlalchemy.exc.ProgrammingError), engine.connect() as connection:
        connection.execute(sqlalchemy.text("select * from app.events"))


def test_pandas_reads_joins_and_groups(engine: sqlalchemy.Engine, desk: Desk) -> None:
    events = pd.read_sql_table("events", engine)
    assert {str(one) for one in events["organization_id"]} == {str(desk.acme.id)}
    shows = events["call_status"].eq("completed").groupby(events["closer_name"])
    assert shows.agg(["size", "sum"]).T.to_dict("list") == {
        name: [calls, shown] for name, calls, shown in CALLS
    }
    assert str(events["scheduled_at"].dtype).endswith("UTC]")
    cash = pd.read_sql_query("select amount from payments", engine, coerce_float=False)
    assert sum(cash["amount"]) == Decimal("400.40")


def test_pandas_reads_in_pieces_through_a_cursor_of_the_server(engine: sqlalchemy.Engine) -> None:
    with engine.connect().execution_options(stream_results=True) as connection:
        pieces = list(
            pd.read_sql_query("select id from events order by id", connection, chunksize=3)
        )
    assert [len(piece) for piece in pieces] == [3, 1]


@pytest.fixture(scope="module")
def report(desk: Desk, project: Path) -> dict[str, Any]:
    """What the two BI tools of npm answer."""
    given = {
        name: str(value)
        for name, value in conninfo_to_dict(desk.login.url).items()
        if name in {"host", "port", "user", "password", "dbname"}
    }
    done = subprocess.run(
        nodejs("node", "report.mjs", json.dumps({**given, "url": desk.login.url})),
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def test_malloy_compiles_a_model_over_the_views_and_asks_it(report: dict[str, Any]) -> None:
    """Its own language, schema discovery, SQL and driver."""
    assert [(row["closer_name"], row["calls"], row["shows"]) for row in report["malloy"]] == CALLS
    nested = {row["closer_name"]: len(row["by_status"]) for row in report["malloy"]}
    assert nested == {"dana": 2, "eli": 1}


def test_evidence_reads_rows_with_their_types(report: dict[str, Any]) -> None:
    """The driver with which Evidence fills its pages."""
    evidence = report["evidence"]
    assert [(row["closer_name"], row["calls"], row["shows"]) for row in evidence["rows"]] == CALLS
    assert evidence["types"] == {"closer_name": "string", "calls": "number", "shows": "number"}
    assert evidence["tested"] is True
