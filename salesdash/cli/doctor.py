"""`salesdash doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from salesdash.cli.output import console, data
from salesdash.doctor import examine
from salesdash.home import home_of
from salesdash.settings import load_settings

MARKS = {
    "good": "[green]✓[/green]",
    "warning": "[yellow]![/yellow]",
    "bad": "[red]✗[/red]",
    "skipped": "[yellow]-[/yellow]",
}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One object for each check.")] = False,
) -> None:
    """Check every dependency, version, role, grant and setting. Exit code 1 if any is bad."""
    settings = load_settings()
    findings = list(examine(settings, home_of(settings)))
    if as_json:
        data([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = MARKS[finding.outcome]
            console.print(f"{mark} {escape(f'{finding.check}: {finding.found}')}", soft_wrap=True)
            if finding.outcome != "good" and finding.mend:
                console.print(f"    {escape(finding.mend)}", soft_wrap=True)
    if any(finding.outcome == "bad" for finding in findings):
        raise typer.Exit(1)
