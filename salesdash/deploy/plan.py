"""What a deploy has to do to the repeatable half, worked out without touching anything."""

from dataclasses import dataclass

from salesdash.deploy.bookkeeping import Name, Record
from salesdash.deploy.catalog import Catalog
from salesdash.deploy.errors import DeployFailed
from salesdash.deploy.tree import File


@dataclass(frozen=True)
class Plan:
    """What one attempt does.

    run: the files to run, in order. drop: what to drop before, newest first. gone: paths that are
    no longer on disk. changed: those of run that differ from the record; the others run for the
    sake of these.
    """

    run: tuple[File, ...]
    drop: tuple[Name, ...]
    gone: tuple[str, ...]
    changed: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """Is there nothing to do?"""
        return not (self.run or self.gone)


def make_plan(
    tree: tuple[File, ...],
    record: Record,
    live: Catalog,
    *,
    everything: bool = False,
    also_drop: frozenset[Name] = frozenset(),
) -> Plan:
    """What a deploy has to do.

    A file runs when it is new or changed, when something it made is missing, or when something it
    made has to be dropped because it depends on a view of a file that runs: files drop their
    views themselves, and a view cannot be dropped from under its dependants. Files with policies
    on one table run together, since what they grant on it is taken back together.
    """
    on_disk = {file.path: file for file in tree}
    gone = frozenset(record.files) - frozenset(on_disk)
    missing = {path for name, path in record.objects.items() if name not in live.objects}
    changed = frozenset(
        file.path
        for file in tree
        if everything or record.files.get(file.path) != file.sha256 or file.path in missing
    )
    run = set(changed)
    while True:
        roots = also_drop | {
            name
            for name, path in record.objects.items()
            if path in gone or (path in run and name.type.endswith("view"))
        }
        drop = live.with_dependants(roots)
        more = {record.objects[name] for name in drop if name in record.objects}
        tables = {live.tables.get(name) for name, path in record.objects.items() if path in run}
        more |= {
            path
            for name, path in record.objects.items()
            if name in live.tables and live.tables[name] in tables
        }
        more -= gone | run
        if not more:
            break
        run |= more
    strangers = sorted(name for name in drop if name not in record.objects)
    if strangers:
        raise DeployFailed(
            f"The {strangers[0].type} {strangers[0].identity} is not made by any file of this tree,"
            " and it depends on something that has to change: drop it, or make it depend on tables."
        )
    return Plan(
        tuple(file for file in tree if file.path in run),
        live.newest_first(drop),
        tuple(sorted(gone)),
        changed,
    )
