"""`python -m jobs`: one worker process."""

from __future__ import annotations

import asyncio
import logging
import sys

from jobs.worker import main
from salesdash import logs
from salesdash.settings import SettingsError, load_settings


def run() -> int:
    """Work until asked to stop; 1 when the configuration does not suffice."""
    try:
        settings = load_settings()
        logs.configure("jobs", output=settings.log_format, level=settings.log_level)
        for chatty in ("apscheduler", "httpx", "psycopg.pool"):
            # What matters of it the loops say themselves, once.
            logging.getLogger(chatty).setLevel(logging.ERROR)
        asyncio.run(main(settings))
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run())
