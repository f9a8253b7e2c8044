"""`python -m gateway`: serve on 127.0.0.1:GATEWAY_PORT until told to stop."""

from __future__ import annotations

import sys

import uvicorn

from gateway.app import create_app
from salesdash import logs
from salesdash.settings import SettingsError, load_settings


def main() -> int:
    """Exit status: 0 after an orderly stop, 2 when a setting is missing or wrong."""
    try:
        settings = load_settings()
        logs.configure("gateway", output=settings.log_format, level=settings.log_level)
        app = create_app(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.gateway_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
        timeout_keep_alive=65,
        timeout_graceful_shutdown=10,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
