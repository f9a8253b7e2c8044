"""`salesdash mail`: read the development mailbox."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer
from psycopg.rows import class_row

from salesdash import wiring
from salesdash.cli.output import CommandFailed, data, plain
from salesdash.home import home_of
from salesdash.mailbox import QUERY, Letter, SealedLetter, open_letter
from salesdash.secretbox import SecretBox, SecretUnreadable
from salesdash.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Read what would have been e-mailed.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_letters(
    to: Annotated[str | None, typer.Option("--to", help="Only to this address.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many to look at.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List e-mails, newest first."""
    letters = [letter for letter in read(max_rows=limit) if _is_to(letter, to)]
    if as_json:
        data([_summary(letter) for letter in letters])
        return
    for letter in letters:
        sent = f"{letter.sent_at:%Y-%m-%d %H:%M:%S}"
        plain(f"{letter.id}  {sent}  {letter.to}  {letter.subject}")
    if not letters:
        plain("No e-mail yet.")


@app.command("show")
def show(
    which: Annotated[str, typer.Argument(help="An id, or latest.")] = "latest",
    to: Annotated[str | None, typer.Option("--to", help="Only to this address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one e-mail, link included."""
    message_id = None if which == "latest" else _id(which)
    found = next((x for x in read(max_rows=500, message_id=message_id) if _is_to(x, to)), None)
    if found is None:
        raise CommandFailed("There is no such e-mail in the development mailbox.")
    if as_json:
        data(_summary(found) | {"text": found.text, "html": found.html})
        return
    plain(f"From: {found.sender}")
    plain(f"To: {found.to}")
    plain(f"Date: {found.sent_at.isoformat(timespec='seconds')}")
    plain(f"Subject: {found.subject}")
    plain()
    plain(found.text.rstrip())


def read(*, max_rows: int, message_id: UUID | None = None) -> list[Letter]:
    """The newest e-mails of this checkout's mailbox."""
    settings = load_settings()
    filled = wiring.fill(settings, home_of(settings))
    box = SecretBox(filled.required("encryption_master_key"), filled.encryption_master_key_previous)
    try:
        with psycopg.connect(filled.required("database_url"), connect_timeout=5) as connection:
            connection.execute("set role salesdash")
            with connection.cursor(row_factory=class_row(SealedLetter)) as cursor:
                cursor.execute(QUERY, {"max_rows": max_rows, "message_id": message_id})
                return [open_letter(box, row) for row in cursor]
    except psycopg.OperationalError:
        raise CommandFailed("The database does not answer: is `make up` running?") from None
    except SecretUnreadable:
        raise CommandFailed(
            "The mailbox was sealed with another master key: "
            "name it in ENCRYPTION_MASTER_KEY_PREVIOUS."
        ) from None


def _is_to(letter: Letter, to: str | None) -> bool:
    return to is None or letter.to.lower() == to.strip().lower()


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandFailed(f"{text!r} is neither an id nor the word latest.") from None


def _summary(letter: Letter) -> dict[str, Any]:
    return {
        "id": str(letter.id),
        "sent_at": letter.sent_at.isoformat(),
        "from": letter.sender,
        "to": letter.to,
        "subject": letter.subject,
        "link": letter.link,
    }
