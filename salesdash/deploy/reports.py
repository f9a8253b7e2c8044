"""What deploys answer."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, str], None]
"""Called before each step with its stage (roles, migration, file, verify) and its name."""


def silent(_stage: str, _name: str) -> None:
    """A Progress that says nothing."""


@dataclass(frozen=True)
class DeployReport:
    """What a deploy changed.

    migrations: applied, or rolled back, in order. files: repeatable files that ran. dropped:
    objects that no file makes any more. passwords: logins that got a new one. attempts:
    transactions the repeatables took.
    """

    migrations: tuple[str, ...]
    files: tuple[str, ...]
    dropped: tuple[str, ...]
    passwords: tuple[str, ...]
    attempts: int
    seconds: float

    @property
    def changed(self) -> bool:
        """Did the schema change?"""
        return bool(self.migrations or self.files or self.dropped)


@dataclass(frozen=True)
class DeployStatus:
    """How a database compares with the tree.

    unknown: applied migrations without a file. changed: repeatable files that the next deploy
    runs. gone: files whose objects it drops. tool: who deployed it: "yoyo", "sqitch", or
    "nobody".
    """

    server_version: str
    tool: str
    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Would a deploy change nothing?"""
        return not (self.pending or self.changed or self.gone)


@dataclass(frozen=True)
class Finding:
    """Something verify found wrong: where, and what."""

    name: str
    message: str


@dataclass(frozen=True)
class VerifyReport:
    """checked: how many migrations were verified. findings: what is wrong; empty is good."""

    checked: int
    findings: tuple[Finding, ...]
