"""`salesdash import`: files as people have them."""

import csv
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from salesdash.cli import app
from tests.fixtures.databases import Database
from tests.world import Organization, World


@pytest.fixture
def acme(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed_world: World
) -> Organization:
    """An organization, and the operator's environment."""
    monkeypatch.setenv("DATABASE_URL", database.deployer_url)
    monkeypatch.setenv("SALESDASH_HOME", str(tmp_path))
    monkeypatch.setenv("SALESDASH_ENV_FILE", "")
    return committed_world.organization("acme")


def salesdash(acme: Organization, *arguments: object) -> Result:
    slug = acme.world.value("select slug from app.organizations where id = %s", acme.id)
    given = ["import", *map(str, arguments), "--organization", slug]
    return CliRunner().invoke(app, given)


def leads(acme: Organization) -> list[str]:
    found = acme.world.rows(
        "select full_name from app.leads where organization_id = %s order by 1", acme.id
    )
    return [row["full_name"] for row in found]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Full Name,EMAIL\nLée,lee@lead.test\n", "utf-8"),
        ("\ufeffFull Name,EMAIL\r\nLée,lee@lead.test\r\n", "utf-8"),
        ("full_name;email\n\nLée;lee@lead.test\n", "utf-8"),
        ("full_name\temail\nLée\tlee@lead.test\n", "utf-8"),
        ('"full_name","email"\n"Lée","lee@lead.test"\n', "latin-1"),
    ],
)
def test_a_file_is_read_as_people_have_it(
    acme: Organization, tmp_path: Path, text: str, encoding: str
) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(text.encode(encoding))
    more = ["--encoding", encoding] if encoding != "utf-8" else []
    done = salesdash(acme, "leads", file, *more)
    assert (done.exit_code, leads(acme)) == (0, ["Lée"]), done.output
    assert "1 inserted, 0 updated, 0 unchanged, 0 refused" in done.output
    assert "1 unchanged" in salesdash(acme, "leads", file, *more).output


def test_refused_rows_are_told_by_their_place_in_the_file(
    acme: Organization, tmp_path: Path
) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("who,Client mail,shoe\nLee,lee@lead.test,9\n\nKim,nowhere,8\n")
    maps = ("--map", "WHO=full_name", "--map", "Client mail=email")
    tried = salesdash(acme, "leads", file, "--dry-run", *maps)
    assert (tried.exit_code, leads(acme)) == (1, [])
    done = salesdash(acme, "leads", file, *maps)
    assert (done.exit_code, leads(acme)) == (1, ["Lee"])
    assert "row 3, email: Give an e-mail address." in done.output
    assert "shoe" in done.output
    with Path(f"{file}.errors.csv").open() as kept:
        assert [(row["row"], row["field"]) for row in csv.DictReader(kept)] == [("3", "email")]
    file.write_text("who,Client mail\nLee,lee@lead.test\nKim,kim@lead.test\n")
    assert salesdash(acme, "leads", file, *maps).exit_code == 0
    assert leads(acme) == ["Kim", "Lee"]
    assert not Path(f"{file}.errors.csv").exists()


def test_a_template_can_be_imported_as_it_is(acme: Organization, tmp_path: Path) -> None:
    file = tmp_path / "sources.csv"
    printed = salesdash(acme, "sources", "--template")
    file.write_text(printed.stdout)
    assert printed.stdout.splitlines()[0] == "external_id,name,is_active"
    assert salesdash(acme, "sources", file).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [("users", "x.csv"), ("leads",), ("leads", "missing.csv"), ("leads", "x.csv", "--map", "y")],
)
def test_a_mistake_is_one_sentence(acme: Organization, arguments: tuple[str, ...]) -> None:
    done = salesdash(acme, *arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
