"""What an embedded server is: where it lives, where it listens, who may administer it."""

import hashlib
import os
import pwd
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

SUPERUSER = "postgres"
DEPLOYER = "deployer"
DATABASE = "salesdash"
ROOT_BASE = Path("/var/lib/salesdash")


class OsUser(NamedTuple):
    """The account a server runs under when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class PostgresServer:
    """One embedded server.

    home: the state directory it belongs to; an ordinary user's data lies in home/postgres, root's
    in /var/lib/salesdash/<hash of home>, because a server refuses to run as root and its account
    may not be able to reach home.
    port: TCP port on 127.0.0.1.
    settings: further server settings, as (name, value).
    """

    home: Path
    port: int
    superuser_password: str = field(repr=False)
    deployer_password: str = field(repr=False)
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def base(self) -> Path:
        """Directory that holds data, and the copied binaries when we are root."""
        if os.geteuid() == 0:
            digest = hashlib.sha256(os.fsencode(self.home.resolve())).hexdigest()
            return ROOT_BASE / digest[:16]
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.base / "data"

    @property
    def run_as(self) -> OsUser | None:
        """Whose process the server is: None for our own, another account's when we are root.

        Data that exists keeps its owner; new data belongs to the account `postgres` if there is
        one, else to `nobody`.
        """
        if os.geteuid() != 0:
            return None
        if self.data.exists():
            entry = pwd.getpwuid(self.data.stat().st_uid)
        else:
            known = {account.pw_name: account for account in pwd.getpwall()}
            entry = known.get("postgres") or known["nobody"]
        return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def superuser_url(self, database: str = "postgres") -> str:
        """Conninfo of the bootstrap superuser, with its password."""
        return self._url(SUPERUSER, self.superuser_password, database)

    def deployer_url(self, database: str = DATABASE) -> str:
        """Conninfo of the deployer's login, with its password."""
        return self._url(DEPLOYER, self.deployer_password, database)

    def login_url(self, login: str, password: str, database: str = DATABASE) -> str:
        """Conninfo of any login."""
        return self._url(login, password, database)

    def _url(self, user: str, password: str, database: str) -> str:
        return url(
            host="127.0.0.1", port=self.port, user=user, password=password, database=database
        )


def url(*, host: str, port: int, user: str, password: str, database: str) -> str:
    """A postgresql:// URL that libpq, PostgREST and sqitch all read."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{login}@{host}:{port}/{quote(database, safe='')}"
