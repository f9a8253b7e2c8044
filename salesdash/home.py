"""The state folder: generated secrets, the state of the running system, logs and the database.

`.salesdash/` in the checkout, or `SALESDASH_HOME`. The folder is 0700 and its files are 0600.
Files are replaced whole, never rewritten in place: a reader sees the old or the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets as random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from salesdash.secretbox import generate_key
from salesdash.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: the folder that holds `db/`, `postgrest.conf` and this package."""

LOGIN_ROLES = ("deployer", "authenticator", "gateway", "worker")
SUPERUSER = "postgres"


class HomeError(Exception):
    """The state folder cannot be used. The message is one sentence."""


class Secrets(NamedTuple):
    """What was generated for this checkout. passwords: database login to password."""

    jwt_secret: str
    encryption_master_key: str
    passwords: Mapping[str, str]


@dataclass(frozen=True)
class ProcessState:
    """One supervised process. started_at: seconds since 1970, as the system reports it."""

    name: str
    pid: int | None
    state: str
    restarts: int = 0
    started_at: float | None = None


@dataclass(frozen=True)
class State:
    """What `state.json` holds. logins and connections are the demo's, as the loader made them."""

    supervisor_pid: int | None = None
    gateway_url: str | None = None
    rest_url: str | None = None
    postgrest_url: str | None = None
    database_url: str | None = field(default=None, repr=False)
    anon_key: str | None = field(default=None, repr=False)
    ports: Mapping[str, int] = field(default_factory=dict)
    processes: tuple[ProcessState, ...] = ()
    logins: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    connections: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


class Home:
    """The state folder of one checkout."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.secrets_file = path / "secrets.json"
        self.state_file = path / "state.json"
        self.lock_file = path / "up.lock"

    def create(self) -> Home:
        """Make the folder and its `logs/`, for this user only; HomeError when that cannot be."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_uid != os.geteuid():
                raise HomeError(
                    f"{self.path} belongs to another user: run as that user, "
                    "or choose another folder with SALESDASH_HOME."
                )
            self.path.chmod(0o700)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeError(
                f"The state folder {self.path} cannot be used ({error.strerror}): "
                "choose another one with SALESDASH_HOME."
            ) from None
        return self

    def secrets(self) -> Secrets:
        """The generated secrets; made once, whoever asks first."""
        if not self.secrets_file.exists():
            self.create()
            fresh = {
                "JWT_SECRET": random.token_urlsafe(48),
                "ENCRYPTION_MASTER_KEY": generate_key(),
                "passwords": {role: random.token_urlsafe(24) for role in (SUPERUSER, *LOGIN_ROLES)},
            }
            _write_once(self.secrets_file, json.dumps(fresh, indent=2) + "\n")
        try:
            kept = json.loads(self.secrets_file.read_text())
            return Secrets(
                jwt_secret=kept["JWT_SECRET"],
                encryption_master_key=kept["ENCRYPTION_MASTER_KEY"],
                passwords=dict(kept["passwords"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HomeError(
                f"{self.secrets_file} cannot be read ({type(error).__name__}): "
                "restore it, or remove the whole folder to start from nothing."
            ) from None

    def read_state(self) -> State:
        """What the last or current `salesdash up` wrote; an empty State when there is none."""
        try:
            kept = json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return State()
        except (OSError, ValueError) as error:
            raise HomeError(f"{self.state_file} cannot be read ({type(error).__name__}).") from None
        known = {name: kept[name] for name in State.__dataclass_fields__ if name in kept}
        known["processes"] = tuple(ProcessState(**process) for process in kept["processes"])
        known["logins"] = tuple(kept["logins"])
        known["connections"] = tuple(kept["connections"])
        return State(**known)

    def write_state(self, state: State) -> None:
        """Replace `state.json`."""
        replace_file(self.state_file, json.dumps(asdict(state), indent=2, default=str) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one `salesdash up`; HomeError when another one holds it.

        The lock is the kernel's, so it ends with the process however that ends.
        """
        self.create()
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = os.pread(descriptor, 32, 0).decode().strip()
                raise HomeError(
                    f"Sales Dash is already running here (process {pid}): "
                    "stop it with `salesdash down`."
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def holder(self) -> int | None:
        """The process that runs `salesdash up` in this folder now, if one does."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.pread(descriptor, 32, 0).decode().strip() or 0) or None
        finally:
            os.close(descriptor)
        return None


def home_of(settings: Settings) -> Home:
    """The state folder that these settings name."""
    return Home((settings.salesdash_home or ROOT / ".salesdash").expanduser().absolute())


def replace_file(path: Path, text: str) -> None:
    """Write a 0600 file so that no reader ever sees a part of it."""
    temporary = _temporary(path, text)
    temporary.replace(path)


def _write_once(path: Path, text: str) -> None:
    """Write a 0600 file unless it exists by now: the first of two writers wins."""
    temporary = _temporary(path, text)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        temporary.unlink()


def _temporary(path: Path, text: str) -> Path:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink()
        raise
    return temporary
