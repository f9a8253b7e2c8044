"""`salesdash import`: a file of rows, or a whole system that somebody moves here from."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from salesdash import wiring
from salesdash.cli.output import CommandFailed, console, expected, plain
from salesdash.home import home_of
from salesdash.imports import database, supabase
from salesdash.imports.database import Report, Told
from salesdash.imports.dump import Dump
from salesdash.imports.files import FileUnreadable, chunks
from salesdash.settings import load_settings

expected.append(FileUnreadable)

ROWS_PER_CALL = 1000
SHOWN = 20


def import_file(
    table: Annotated[
        str | None, typer.Argument(help="What the rows are: leads, events, payments ...")
    ] = None,
    file: Annotated[Path | None, typer.Argument(help="A CSV file with a header.")] = None,
    *,
    organization: Annotated[
        str | None,
        typer.Option(
            help="Its slug; with --from-supabase the id or slug that it has in the dump.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do all of it and keep nothing.")
    ] = False,
    renamed: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=FIELD: what a header means.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of the file's text.")] = "utf-8-sig",
    template: Annotated[
        bool, typer.Option("--template", help="Print the header and an example row.")
    ] = False,
    from_supabase: Annotated[
        Path | None,
        typer.Option(help="A plain pg_dump, or CSV files in a folder, of the original system."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="With --from-supabase: every organization of it.")
    ] = False,
) -> None:
    """Import the rows of a file, or with --from-supabase a whole system.

    Rows that cannot be taken are printed, and kept in FILE.errors.csv; the others are there. Run it
    again after mending the file, or after an interruption: what is there already stays as it is.
    Exit code 1 when a row was refused.
    """
    settings = load_settings()
    url = wiring.fill(settings, home_of(settings)).required("database_url")
    if from_supabase is not None:
        _move(url, from_supabase, organization, everything=everything, is_dry_run=dry_run)
        return
    if table is None:
        raise CommandFailed("Say what to import: leads, events, payments ...")
    with database.operator(url) as connection:
        fields = database.import_fields(connection, table)
        if not fields:
            raise CommandFailed(f"There is nothing called {table} to import.")
        if template:
            _print_template(fields)
            return
        if file is None or organization is None:
            raise CommandFailed("Name a file and an --organization, or ask for the --template.")
        organization_id = database.organization_id(connection, organization)
        if organization_id is None:
            raise CommandFailed(f"There is no organization {organization}.")
        total: Counter[str] = Counter()
        ignored: set[str] = set()
        errors = Path(f"{file}.errors.csv")
        with _bar() as progress, errors.open("w", newline="", encoding="utf-8") as kept:
            bar = progress.add_task(str(file), total=_size(file))
            for chunk in chunks(
                file, size=ROWS_PER_CALL, encoding=encoding, renamed=_renamed(renamed or [])
            ):
                report = database.try_import(
                    connection, organization_id, table, chunk.rows, is_dry_run=dry_run
                )
                numbered = [t._replace(row=chunk.numbers[t.row - 1]) for t in report.errors]
                _tell(numbered, kept, seen=total["refused"])
                total.update(_counts(report))
                ignored.update(report.ignored)
                progress.update(bar, completed=chunk.read_bytes)
    if not total["refused"]:
        errors.unlink()
    _print_summary(total, ignored, errors, is_dry_run=dry_run)
    if total["refused"]:
        raise typer.Exit(1)


def _print_template(fields: list[tuple[str, str]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["external_id", *(name for name, _ in fields)])
    writer.writerow(["1", *(sample for _, sample in fields)])


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise FileUnreadable(f"{file} cannot be read: {error.strerror}.") from None


def _renamed(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if any(not column.strip() or not field.strip() for column, _, field in pairs):
        raise CommandFailed("--map takes COLUMN=FIELD, for example --map 'Client mail=email'.")
    return {column.strip().lower(): field.strip() for column, _, field in pairs}


def _tell(errors: list[Told], kept: IO[str], *, seen: int) -> None:
    writer = csv.writer(kept)
    if kept.tell() == 0:
        writer.writerow(Told._fields)
    writer.writerows(_as_texts(one) for one in errors)
    kept.flush()
    for told in errors[: max(0, SHOWN - seen)]:
        console.print(f"row {told.row}, {told.field}: {told.sentence}", markup=False)


def _as_texts(told: Told) -> tuple[int, str, str]:
    """The cells of a report. A spreadsheet would compute what a value from the file begins with."""
    field, sentence = (
        f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
        for text in (told.field, told.sentence)
    )
    return told.row, field, sentence


def _counts(report: Report) -> dict[str, int]:
    return {
        "inserted": report.inserted,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "refused": report.refused,
        "notes": len(report.notes),
    }


def _print_summary(
    total: Counter[str], ignored: set[str], errors: Path, *, is_dry_run: bool
) -> None:
    if ignored:
        plain(f"Columns that mean nothing here: {', '.join(sorted(ignored))}")
    if total["notes"]:
        plain(f"{total['notes']} values were left out; people nobody knows are exceptions.")
    if total["refused"]:
        plain(f"Every reason is in {errors}")
    told = ", ".join(f"{total[k]} {k}" for k in ("inserted", "updated", "unchanged", "refused"))
    plain(f"{'Tried, nothing kept' if is_dry_run else 'Imported'}: {told}.")


def _move(
    url: str, path: Path, organization: str | None, *, everything: bool, is_dry_run: bool
) -> None:
    if everything == (organization is not None):
        raise CommandFailed("Say which --organization of the dump moves, by id or slug, or --all.")
    dump = Dump(path)
    only = supabase.organization_of(dump, organization) if organization else None
    if organization and only is None:
        raise CommandFailed(f"The dump has no organization {organization}.")
    reasons = Path(f"{str(path).rstrip('/')}.report.csv")
    refused = 0
    with (
        database.operator(url) as connection,
        reasons.open("w", newline="", encoding="utf-8") as kept,
    ):
        writer = csv.writer(kept)
        writer.writerow(["table", *Told._fields])
        for outcome in supabase.move(connection, dump, only=only, is_dry_run=is_dry_run):
            plain(_said(outcome))
            writer.writerows((outcome.table, *_as_texts(told)) for told in outcome.told)
            refused += outcome.refused
    if is_dry_run:
        plain("Tried, nothing kept.")
    plain(f"Every row that was refused or changed on the way is in {reasons}")
    if refused:
        raise typer.Exit(1)


def _said(outcome: supabase.Outcome) -> str:
    if outcome.reason:
        return f"{outcome.table}: {outcome.left_out} rows left out: {outcome.reason}"
    return (
        f"{outcome.table}: {outcome.inserted} inserted, {outcome.updated} updated,"
        f" {outcome.unchanged} unchanged, {outcome.refused} refused"
    )
