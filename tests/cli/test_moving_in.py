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


def test_the_form_asks_what_can_be_asked_and_the_rest_is_told(moved: Moved) -> None:
    assert moved.rows("select id, version, fields from app.form_configs where is_active") == [
        (
            UUID("e37eb4ed-1ff2-514d-9f75-c7f376d3304e"),
            1,
            [
                {"name": "custom_field", "type": "select", "options": ["a"]},
                {
                    "name": "budget_range",
                    "type": "select",
                    "label": "Budget Range",
                    "required": True,
                    "options": [{"value": "high", "label": "High"}, "5"],
                },
                {"name": "cash_collected", "type": "money", "required": True},
                {"name": "objection", "type": "text"},
            ],
        )
    ]
    assert moved.reasons("form_configs") == {
        (1, "fields.mood.type"),
        (1, "fields.cash_collected.type"),
        (1, "fields.cash_collected.defaultValue"),
        (1, "fields.objection.show_if"),
        (1, "fields[6]"),
        (1, "fields[7]"),
        (2, "form_type"),
    }


def test_custom_fields_keep_their_values_and_get_types(moved: Moved) -> None:
    assert moved.rows(
        "select d.entity, d.name, d.field_type, d.archived_at is not null, v.record_id,"
        "       coalesce(v.text_value, v.number_value::text, v.boolean_value::text)"
        "  from app.custom_field_values as v"
        "  join app.custom_field_definitions as d"
        "    on d.organization_id = v.organization_id and d.id = v.definition_id"
        " order by d.entity, d.name, 6"
    ) == [
        ("event", "call_score", "number", False, their("e closed"), "7"),
        ("lead", "budget", "select", False, their("l1"), "high"),
        ("lead", "budget", "select", False, their("l2"), "low"),
        ("payment", "signed", "boolean", True, their("p1"), "true"),
    ]
    assert moved.rows(
        "select value, archived_at is null from app.custom_field_options order by 1"
    ) == [
        ("high", True),
        ("low", False),
    ]
    there = {n for n, row in enumerate(Dump(DUMP).rows("custom_field_values"), 1) if "value" in row}
    refused = {row for row, _ in moved.reasons("custom_field_values")}
    assert refused == {3, 6, 7, 8}
    assert len(there - refused) == 4
    assert {(4, "entity"), (5, "name")} <= moved.reasons("custom_field_definitions")
    assert moved.reasons("custom_field_options") == {(3, "id")}


def test_settings_are_those_of_the_dump_without_its_secrets(moved: Moved) -> None:
    acme, beta = ((UUID(row["id"]),) for row in Dump(DUMP).rows("organizations"))
    assert moved.rows(
        "select organization_id, show_cash, days_ahead, require_notes from app.portal_settings"
        " where organization_id = %s",
        *acme,
    ) == [(*acme, False, 14, True)]
    assert moved.reasons("portal_settings") == {(1, "days_ahead"), (1, "theme")}
    assert sorted(
        moved.rows(
            "select organization_id, primary_crm, primary_booking_platform,"
            " primary_payment_processor, ghl_location_id, stripe_publishable_key,"
            " calendly_api_key_encrypted from app.organization_integrations"
        )
    ) == sorted(
        [
            (*acme, "ghl", "calendly", "none", "loc_1", None, None),
            (*beta, "none", "none", "none", None, None, None),
        ]
    )
    assert moved.reasons("organization_integrations") == {
        (1, "calendly_api_key_encrypted"),
        (1, "stripe_publishable_key"),
    }
    assert moved.reasons("integrations") == {(1, "api_key"), (3, "type"), (4, "type")}
    assert moved.rows(
        "select name, connection_type, is_active, api_key, webhook_secret"
        "  from app.webhook_connections"
    ) == [("Whop", "whop", False, None, None)]
    assert moved.reasons("webhook_connections") == {(1, "webhook_secret"), (2, "connection_type")}
    assert moved.rows("select id, user_id from app.dashboard_layouts") == [
        (their("dl good"), UUID("a6623a58-5d24-5727-bbae-abe63f70bd7a"))
    ]
    assert moved.reasons("dashboard_layouts") == {(1, "widgets"), (3, "user_id")}
    assert moved.rows("select id, name, label, unit, is_active from app.metric_definitions") == [
        (their("md tree"), "shows_per_booking", "Shows per Booking", "rate", True)
    ]
    assert moved.reasons("metric_definitions") == {(1, "expression"), (3, "expression")}
    assert moved.rows(
        "select activity_date::text, dials, connects from app.setter_activities order by 1"
    ) == [("2026-01-08", 40, 12), ("2026-01-09", 3, 3)]
    assert moved.reasons("setter_activities") == {(2, "setter_id"), (3, "connects"), (4, "dials")}


def test_open_invitations_wait_to_be_sent_again_and_nobody_gains_power(moved: Moved) -> None:
    assert moved.rows("select email, role, sent_at, accepted_at from app.invitations") == [
        ("new@acme.test", "member", None, None)
    ]
    assert moved.reasons("invitations") == {(1, "email"), (3, "id"), (4, "id")}
    assert moved.rows("select count(*) from app.user_roles where role = 'super_admin'") == [(0,)]
    assert moved.reasons("user_roles") == {(1, "role")}
    assert moved.reasons("closer_access_tokens") == {(1, "closer_id")}


def test_reports_that_stay_behind_are_told_with_their_totals(moved: Moved) -> None:
    with moved.told.open() as kept:
        told = {r["table"]: r["sentence"] for r in csv.DictReader(kept)}
    assert "January" in told["payout_snapshots"]
    total = sum(Decimal(r["amount"]) for r in Dump(DUMP).rows("payout_snapshot_details"))
    assert f"rows 2, amount {total}" in told["payout_snapshots"]
    assert "total 3000.00" in told["payout_snapshot_summaries"]
    assert moved.rows("select count(*) from app.payout_snapshots") == [(0,)]


def test_no_secret_of_the_dump_is_in_the_report(moved: Moved) -> None:
    said = moved.told.read_text() + moved.first.stdout
    for secret in ("not-a-real", "c2VhbGVk", "sk_live", "$2a$10"):
        assert secret not in said


def test_a_dry_run_of_an_organization_by_its_slug_keeps_nothing(
    cluster: Any, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = tmp_path / "dump.sql"
    dump.write_bytes(DUMP.read_bytes())
    with clone(cluster, template) as database:
        _environment(database, tmp_path, monkeypatch)
        tried = move_in(str(dump), "--organization", "acme-coaching", "--dry-run")
        here = Moved(database.deployer_url, tried, tmp_path / "dump.sql.report.csv")
        assert here.rows("select count(*) from app.organizations") == [(0,)]
        assert here.rows("select count(*) from auth.users") == [(0,)]
        kept = move_in(str(dump), "--organization", "acme-coaching")
        assert kept.stdout == tried.stdout.replace("Tried, nothing kept.\n", "")
        assert here.rows("select slug from app.organizations") == [("acme-coaching",)]
        assert move_in(str(dump), "--organization", "nobody").exit_code == 1


def test_the_same_dump_again_changes_nothing(moved: Moved) -> None:
    tables = ("leads", "events", "post_call_forms", "payments", "payment_refunds", "closers",
              "organization_members", "setter_activities", "deals", "import_keys", "form_configs",
              "custom_field_definitions", "custom_field_options", "custom_field_values",
              "portal_settings", "organization_integrations", "dashboard_layouts", "invitations",
              "metric_definitions", "webhook_connections")  # fmt: skip
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
