"""`salesdash explain-access`: why can, or can't, this person see this row?"""

from __future__ import annotations

from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from salesdash.cli.output import CommandFailed, console, data
from salesdash.cli.token import sign_in
from salesdash.home import home_of
from salesdash.settings import load_settings

CANNOT_SEE = 4


def explain_access(
    person: Annotated[str, typer.Argument(help="Whose sight is in question: their address.")],
    relation: Annotated[str, typer.Argument(help="A view of the API, such as events.")],
    row_id: Annotated[str, typer.Argument(metavar="ID", help="The row's id.")],
    *,
    organization: Annotated[
        str, typer.Option(help="The slug of the row's organization.", show_default=False)
    ],
    asker: Annotated[
        str, typer.Option("--as", help="Who asks: an admin's address, or a demo role.")
    ] = "super_admin",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the asker's password from stdin.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The rules as JSON.")] = False,
) -> None:
    """Show every rule that decides, in order, and the verdict.

    Asks over the API, as an admin would. Exit code 0 when the person can see the row, 4 when not.
    """
    state = home_of(load_settings()).read_state()
    session = sign_in(state, asker, password_stdin=password_stdin)
    with httpx.Client(
        base_url=f"{state.gateway_url}/rest/v1/",
        headers={"Authorization": f"Bearer {session['access_token']}"},
        timeout=30,
        trust_env=False,
    ) as client:
        rules = _said(
            client.post(
                "rpc/explain_access",
                json={
                    "as_user": _id(client, "profiles", "user_id", email=person),
                    "relation": relation,
                    "id": row_id,
                    "organization_id": _id(client, "organizations", "id", slug=organization),
                },
            )
        )
    if as_json:
        data(rules)
    else:
        table = Table("rule", "holds", "because", box=None)
        for rule in rules:
            table.add_row(rule["rule"], "yes" if rule["grants"] else "no", rule["because"])
        console.print(table)
    if not rules[-1]["grants"]:
        raise typer.Exit(CANNOT_SEE)


def _id(client: httpx.Client, relation: str, column: str, **named: str) -> str:
    [(key, value)] = named.items()
    found = _said(client.get(relation, params={"select": column, key: f"eq.{value}"}))
    if len(found) != 1:
        raise CommandFailed(f"The asker sees no {relation} with {key} {value}.")
    return str(found[0][column])


def _said(answer: httpx.Response) -> Any:
    body = answer.json()
    if not answer.is_success:
        raise CommandFailed(" ".join(filter(None, [body.get("message"), body.get("details")])))
    return body
