"""`salesdash import --from-supabase`: a dump of the seed's own 35 tables, with what it allows."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from salesdash.cli import app
from salesdash.imports import supabase
from salesdash.imports.dump import Dump
from tests.fixtures.databases import Database, clone

DUMP = Path(__file__).parents[1] / "data" / "supabase" / "dump.sql"


def their(name: str) -> UUID:
    """The id of something in the dump."""
    return uuid5(NAMESPACE_URL, f"seed/{name}")


def move_in(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["import", "--from-supabase", *arguments])


class Moved:
    """What is here after the dump was moved in."""

    def __init__(self, url: str, first: Result, told: Path) -> None:
        self.url, self.first, self.told = url, first, told

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            connection.execute("set role salesdash")
            return connection.execute(query.encode(), arguments).fetchall()

    def reasons(self, table: str) -> set[tuple[int, str]]:
        with self.told.open() as kept:
            return {
                (int(r["row"]), r["field"]) for r in csv.DictReader(kept) if r["table"] == table
            }


@pytest.fixture(scope="module")
def moved(cluster: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Everything of the dump, in a database of its own."""
    home = tmp_path_factory.mktemp("moving")
    (home / "dump.sql").write_bytes(DUMP.read_bytes())
    with clone(cluster, template) as database, pytest.MonkeyPatch.context() as patch:
        _environment(database, home, patch)
        first = move_in(str(home / "dump.sql"), "--all")
        yield Moved(database.deployer_url, first, home / "dump.sql.report.csv")


def _environment(database: Database, home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("DATABASE_URL", database.deployer_url)
    patch.setenv("SALESDASH_HOME", str(home))
    patch.setenv("SALESDASH_ENV_FILE", "")


def test_every_table_of_the_dump_has_an_outcome(moved: Moved) -> None:
    tables = {name for name in Dump(DUMP).names if not name.startswith("auth.")}
    assert len(tables) == 35
    kept = {s.table for s in supabase.SOURCES} | set(supabase.MOVED_IN) - {"auth.users"}
    assert tables == kept | set(supabase.LEFT_OUT)
    for table in tables:
        assert f"{table}: " in moved.first.stdout


def test_calls_are_in_states_that_calls_can_have(moved: Moved) -> None:
    states = {
        row[0]: row[1:]
        for row in moved.rows(
            "select id, call_status, event_outcome, credited_closer_id from app.events"
        )
    }
    dana, eli = their("cl dana"), their("cl eli")
    assert states == {
        their("e closed"): ("completed", "closed", dana),
        their("e held"): ("completed", "showed_no_offer", dana),
        their("e canceled with outcome"): ("canceled", None, dana),
        their("e scheduled with outcome"): ("no_show", "no_show", dana),
        their("e orphan"): ("scheduled", None, None),
        their("e rescheduled"): ("rescheduled", None, dana),
        their("e last of january"): ("no_show", "no_show", eli),
        their("e beta"): ("completed", "showed_offer", their("cl bob")),
    }
    assert {(2, "call_status"), (3, "call_status"), (4, "call_status"), (5, "closer")} <= (
        moved.reasons("events")
    )


def test_money_adds_up_to_that_of_the_dump(moved: Moved) -> None:
    there = [row for row in Dump(DUMP).rows("payments") if Decimal(row["amount"]) > 0]
    refused = {3, 4}
    taken = [r for n, r in enumerate(Dump(DUMP).rows("payments"), 1) if n not in refused]
    assert {
        row for row, field in moved.reasons("payments") if field in ("refund_amount", "amount")
    } == refused
    assert len(there) == len(taken) + 1
    counted = moved.rows(
        "select p.organization_id, sum(p.amount), sum(p.refund_amount) from app.payments as p"
        " where app.is_counted(p) group by p.organization_id"
    )
    assert sorted(counted) == sorted(
        (
            UUID(organization),
            sum(Decimal(r["amount"]) for r in taken if r["organization_id"] == organization),
            sum(Decimal(r["refund_amount"]) for r in taken if r["organization_id"] == organization),
        )
        for organization in {row["organization_id"] for row in taken}
    )
    assert moved.rows("select closer_id from app.payments where id = %s", their("p1")) == [
        (their("cl dana"),)
    ]


def test_people_sign_in_by_link_and_are_who_they_were(moved: Moved) -> None:
    assert moved.rows(
        "select u.email, u.password_hash, m.role, p.full_name, c.id"
        "  from auth.users as u join app.organization_members as m on m.user_id = u.id"
        "  join app.profiles as p on p.user_id = u.id"
        "  left join app.closers as c on c.profile_id = u.id order by 1"
    ) == [
        ("bob@beta.test", None, "owner", "Bob", their("cl bob")),
        ("dana@acme.test", None, "member", "Dana Diaz", their("cl dana")),
        ("olga@acme.test", None, "owner", "Olga Orr", None),
    ]
    assert moved.reasons("organization_members") == {(4, "user_id")}


def test_one_person_is_one_lead_and_nothing_crosses_organizations(moved: Moved) -> None:
    leads = moved.rows("select id, organization_id from app.leads order by 1")
    assert {their("l1"), their("l2"), their("lb")} <= {row[0] for row in leads}
    assert their("l3") not in {row[0] for row in leads}
    assert {(2, "phone"), (3, "email")} <= moved.reasons("leads")


def test_the_same_dump_again_changes_nothing(moved: Moved) -> None:
    tables = ("leads", "events", "post_call_forms", "payments", "payment_refunds", "closers",
              "organization_members", "setter_activities", "deals", "import_keys")  # fmt: skip
    before = {t: moved.rows(f"select t::text from app.{t} as t order by 1") for t in tables}
    again = move_in(str(moved.told).removesuffix(".report.csv"), "--all")
    assert again.exit_code == moved.first.exit_code == 1
    assert {t: moved.rows(f"select t::text from app.{t} as t order by 1") for t in tables} == before


def test_a_spreadsheet_computes_nothing_of_a_report(moved: Moved, tmp_path: Path) -> None:
    hostile = tmp_path / "dump.sql"
    hostile.write_text(DUMP.read_text().replace("kim@lead.test", "=HYPERLINK(A1)"))
    move_in(str(hostile), "--all", "--dry-run")
    with Path(f"{hostile}.report.csv").open() as kept:
        told = [row["sentence"] for row in csv.DictReader(kept) if "HYPERLINK" in row["sentence"]]
    assert any(sentence.startswith("'=HYPERLINK") for sentence in told)
    assert not any(sentence.startswith("=") for sentence in told)


def test_csv_files_of_the_tables_are_read_alike(tmp_path: Path) -> None:
    rows = list(Dump(DUMP).rows("post_call_forms"))
    with (tmp_path / "post_call_forms_rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, sorted({name for row in rows for name in row}))
        writer.writeheader()
        writer.writerows(rows)
    assert [sorted(row.items()) for row in Dump(tmp_path).rows("post_call_forms")] == [
        sorted(row.items()) for row in rows
    ]
    assert rows[0]["notes"] == "Signed.\nWrote \\o/"
