"""The same migrations as a sqitch project: one plan line and one revert link for each file pair."""

import re
from datetime import UTC, datetime
from pathlib import Path

from salesdash.deploy import migrations

PLANNER = "Sales Dash <sales-dash@localhost>"
HEADER = "%syntax-version=1.0.0\n%project=salesdash\n"
LINE = re.compile(r"^(?P<name>[^\s%#@\[]+)(?: \[(?P<requires>[^\]]*)\])? \d{4}-\d\d-\d\dT")


def update(plan: Path, folder: Path, *, now: datetime) -> tuple[str, ...]:
    """Append what the plan lacks, link what revert/ lacks; return what was done, as sentences.

    plan: sqitch.plan. folder: db/migrations. now: the time that new lines get. Lines that exist
    stay as they are: sqitch identifies a change by them.
    """
    done = []
    text = plan.read_text() if plan.exists() else f"{HEADER}\n"
    planned = _planned(text)
    for change in migrations.read(folder):
        if change.name not in planned:
            requires = f" [{' '.join(change.requires)}]" if change.requires else ""
            time = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            text += f"{change.name}{requires} {time} {PLANNER} # {change.summary}\n"
            done.append(f"planned {change.name}")
    if done:
        plan.write_text(text)
    wanted = {
        f"{name}.sql": Path("..", f"{name}.rollback.sql") for name in migrations.names(folder)
    }
    revert = folder / "revert"
    revert.mkdir(exist_ok=True)
    for path in sorted(revert.iterdir()):
        if wanted.get(path.name) != (path.readlink() if path.is_symlink() else None):
            path.unlink()
            done.append(f"removed revert/{path.name}")
    for name, target in wanted.items():
        if not (revert / name).is_symlink():
            (revert / name).symlink_to(target)
            done.append(f"linked revert/{name}")
    return tuple(done)


def differences(plan: Path, folder: Path) -> tuple[str, ...]:
    """How plan, revert links and verify files differ from the migrations, as sentences."""
    found = []
    required = {change.name: sorted(change.requires) for change in migrations.read(folder)}
    ordered = list(required)
    planned = list(_planned(plan.read_text() if plan.exists() else ""))
    if sorted(planned) != sorted(ordered):
        found.append(f"sqitch.plan has {planned}, db/migrations has {ordered}.")
    for name, requires in _planned(plan.read_text() if plan.exists() else "").items():
        if name in required and requires != required[name]:
            found.append(f"sqitch.plan says that {name} requires {requires}.")
        before = planned[: planned.index(name)]
        found.extend(
            f"sqitch.plan does not have {other} before {name}, which requires it."
            for other in requires
            if other not in before
        )
    for name in ordered:
        link, target = folder / "revert" / f"{name}.sql", Path("..", f"{name}.rollback.sql")
        if not link.is_symlink() or link.readlink() != target:
            found.append(f"{link.relative_to(folder)} is no link to {target}.")
        if not (folder / "verify" / f"{name}.sql").exists():
            found.append(f"verify/{name}.sql is missing.")
    found.extend(
        f"{room}/{path.name} belongs to no migration."
        for room in ("revert", "verify")
        for path in sorted((folder / room).iterdir())
        if path.stem not in ordered
    )
    return tuple(found)


def _planned(text: str) -> dict[str, list[str]]:
    """Name and requirements of each planned change, in order."""
    matches = (LINE.match(line) for line in text.splitlines())
    return {match["name"]: sorted((match["requires"] or "").split()) for match in matches if match}
