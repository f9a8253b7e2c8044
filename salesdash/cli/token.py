"""`salesdash token`: sign in from the shell."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import httpx
import typer

from salesdash.cli.output import CommandFailed, data, plain
from salesdash.home import State, home_of
from salesdash.settings import load_settings


def token(
    who: Annotated[
        str, typer.Argument(help="An e-mail address, or a demo role such as admin or closer.")
    ] = "admin",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole session as JSON, not the token alone.")
    ] = False,
) -> None:
    """Print an access token, by the same sign-in that clients use.

    Demo logins need no password: it is in the state file.
    """
    session = sign_in(home_of(load_settings()).read_state(), who, password_stdin=password_stdin)
    if as_json:
        data(session)
    else:
        plain(str(session["access_token"]))


def sign_in(state: State, who: str, *, password_stdin: bool = False) -> Any:
    """The session body of a sign-in at the running gateway. who: an address or a demo role."""
    if state.gateway_url is None or state.anon_key is None:
        raise CommandFailed("Nothing was started here yet: run `make up` first.")
    email, password = _login(
        state, who, sys.stdin.readline().rstrip("\n") if password_stdin else None
    )
    return _sign_in(state.gateway_url, state.anon_key, email, password)


def _login(state: State, who: str, password: str | None) -> tuple[str, str]:
    for login in state.logins:
        if who in {login["email"], login["role"]}:
            return str(login["email"]), password or str(login["password"])
    if password is not None and "@" in who:
        return who, password
    known = ", ".join(str(login["email"]) for login in state.logins) or "none"
    raise CommandFailed(
        f"No demo login is called {who} (known: {known}): "
        "for anybody else pipe the password in with --password-stdin."
    )


def _sign_in(gateway_url: str, anon_key: str, email: str, password: str) -> Any:
    try:
        answer = httpx.post(
            f"{gateway_url}/auth/v1/token",
            params={"grant_type": "password"},
            headers={"apikey": anon_key},
            json={"email": email, "password": password},
            timeout=30,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise CommandFailed(
            f"The gateway at {gateway_url} does not answer ({type(error).__name__}): "
            "is `make up` running?"
        ) from None
    if not answer.is_success:
        raise CommandFailed(f"The gateway refused the sign-in of {email} ({answer.status_code}).")
    return answer.json()
