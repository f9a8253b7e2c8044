"""The repeatable files on disk, in the order they run."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from salesdash.deploy.errors import DeployFailed

FOLDERS = (
    "functions/auth",
    "functions/app",
    "views",
    "functions/api",
    "functions/ingest",
    "functions/session",
    "functions/jobs",
    "functions/triggers",
    "policies",
)
"""Order of the folders: works on an empty database and on a full one."""


class File(NamedTuple):
    """One repeatable file: path below db/, its text, and the SHA-256 of that as hex."""

    path: str
    text: str
    sha256: str


def read_tree(db: Path) -> tuple[File, ...]:
    """All repeatable files, folder by folder, by name inside a folder.

    Raises DeployFailed for a .sql file in a folder that has no place in the order.
    """
    placed = [path for folder in FOLDERS for path in sorted((db / folder).glob("*.sql"))]
    found = {
        path for room in ("functions", "views", "policies") for path in db.glob(f"{room}/**/*.sql")
    }
    stray = sorted(found - set(placed))
    if stray:
        raise DeployFailed(
            f"{stray[0].relative_to(db)} is in a folder that no deploy runs; the folders are: "
            + ", ".join(FOLDERS)
        )
    return tuple(_file(path, db) for path in placed)


def _file(path: Path, db: Path) -> File:
    content = path.read_bytes()
    return File(
        path.relative_to(db).as_posix(), content.decode(), hashlib.sha256(content).hexdigest()
    )
