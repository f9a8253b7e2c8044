"""The command line: `salesdash --help`.

A command module defines functions or a `typer.Typer`, and is registered here. Errors that a person
can mend are one sentence on standard error and exit code 1; `output.expected` lists them.
"""

from __future__ import annotations

import typer

from salesdash.cli import (
    analyst,
    db,
    doctor,
    down,
    explain,
    importing,
    keys,
    mail,
    people,
    psql,
    rollups,
    status,
    token,
    up,
    webhooks,
)
from salesdash.cli.output import SentenceGroup

app = typer.Typer(
    name="salesdash",
    cls=SentenceGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run and look after Sales Dash.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("up")(up.up)
app.command("down")(down.down)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("psql")(psql.psql)
app.command("import")(importing.import_file)
app.command("token")(token.token)
app.command("explain-access")(explain.explain_access)
app.add_typer(analyst.app, name="analyst")
app.add_typer(db.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(mail.app, name="mail")
app.add_typer(people.org, name="org")
app.add_typer(people.user, name="user")
app.add_typer(rollups.app, name="rollups")
app.add_typer(webhooks.app, name="webhooks")
