"""`salesdash up`: from an empty checkout to a running, filled system, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import psutil
import psycopg

from salesdash import deploy, postgres, tools, wiring
from salesdash.home import ROOT, Home, ProcessState, State
from salesdash.settings import Settings
from salesdash.supervisor import Child, Event, StartFailed, Supervisor, end_orphans

READY_S = 60.0
POLL_S = 0.1
Result = TypeVar("Result")


class PortTaken(Exception):
    """A port that is needed is in use. The message is one sentence."""


class Stopped(Exception):
    """Somebody asked to stop while the start was under way. Not a failure."""


class DemoData(Protocol):
    """What a demo loader made: dictionaries for the state file."""

    @property
    def logins(self) -> Sequence[Mapping[str, Any]]:
        """email, password, role, organization_id, user_id of each person."""

    @property
    def connections(self) -> Sequence[Mapping[str, Any]]:
        """provider, id, organization_id, secret of each webhook connection."""


class DemoLoader(Protocol):
    """Fills an empty database in one transaction, so that a cut short run leaves nothing."""

    def __call__(
        self, database_url: str, settings: Settings, progress: Callable[[int, int], None]
    ) -> DemoData:
        """settings: filled. progress: called with (done, total)."""


class Reporter:
    """What the person at the terminal is told. The command line supplies a subclass that prints."""

    def step(self, text: str) -> None:
        """One thing is done. text: what, and how long it took."""

    def event(self, event: Event) -> None:
        """A child died, or came back."""

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """A bar for one long step: call the yielded function with (done, total)."""
        del title
        yield lambda _done, _total: None

    def ready(self, state: State) -> None:
        """Everything runs."""


class Up:
    """One run of everything in one state folder."""

    def __init__(
        self, settings: Settings, home: Home, reporter: Reporter, demo: DemoLoader | None
    ) -> None:
        """settings: as read; what is missing in them is generated. demo: loads example data."""
        self._demo = demo
        self._given = settings
        self._home = home
        self._reporter = reporter
        self._state = State()
        self._stop = asyncio.Event()
        self._supervisor = Supervisor(
            home.logs, on_event=reporter.event, on_change=self._processes_changed
        )

    async def run(self) -> None:
        """Start everything, stay until SIGINT or SIGTERM, stop everything in reverse order."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(name, self._stop.set)
        with self._home.locked():
            self._state = self._home.read_state()
            try:
                with contextlib.suppress(Stopped):
                    await self._start()
                    await self._stop.wait()
            finally:
                await self._supervisor.stop()
                self._save(replace(self._state, supervisor_pid=None))

    async def _start(self) -> None:
        for name in end_orphans(self._state.processes):
            self._reporter.step(f"Stopped {name}, which an earlier run had left behind")
        self._state = replace(self._state, processes=())
        settings = wiring.fill(self._given, self._home)
        require_free_ports(settings, embedded=self._given.database_url is None)
        if not tools.postgrest_installed(settings):
            await self._aside(tools.install_postgrest, self._reporter.step)
        postgrest = await self._aside(tools.find_postgrest, settings)
        self._save(self._described(settings))

        server = wiring.embedded_server(self._given, self._home)
        if server is not None:
            with self._timed("Postgres is ready"):
                command = await self._aside(postgres.prepare, server)
                if command.set_aside:
                    self._reporter.step(
                        f"Data whose secrets are gone was moved to {command.set_aside}"
                    )
                await self._begin(wiring.postgres_child(command, server))
                await self._aside(postgres.bootstrap, server)
        with self._timed("The schema is deployed"):
            await self._aside(self._deploy, settings)
        if settings.demo and self._demo is not None:
            await self._load_demo(self._demo, settings)
        with self._timed("PostgREST, worker and gateway are ready"):
            await self._begin(
                wiring.postgrest_child(postgrest.path, settings),
                wiring.jobs_child(settings),
                wiring.gateway_child(settings),
            )
            await self._all_ready(settings)
        self._reporter.ready(self._state)

    def _deploy(self, settings: Settings) -> None:
        logins = [
            deploy.Login(login.role, login.password)
            for login in wiring.generated_logins(self._given, self._home)
        ]
        deploy.deploy(settings.required("database_url"), ROOT / "db", logins=logins)

    async def _load_demo(self, demo: DemoLoader, settings: Settings) -> None:
        """Fill a database that nobody has used yet."""
        if await self._aside(has_organizations, settings):
            return
        with self._timed("The demo organizations are loaded"):
            with self._reporter.progress("Loading demo organizations") as progress:
                made = await self._aside(
                    demo, settings.required("database_url"), settings, progress
                )
            self._save(
                replace(self._state, logins=tuple(made.logins), connections=tuple(made.connections))
            )

    async def _all_ready(self, settings: Settings) -> None:
        """Wait until the gateway finds everything it needs: database, PostgREST, a worker."""
        ends_at = time.monotonic() + READY_S
        while True:
            answer = await self._unless_stopped(
                wiring.ask(f"http://127.0.0.1:{settings.gateway_port}/readyz")
            )
            if answer is not None and answer.is_success:
                return
            if time.monotonic() > ends_at:
                said = answer.text[:300] if answer is not None else "it does not answer"
                raise StartFailed(
                    f"The gateway is not ready after {READY_S:.0f} s: {said} "
                    f"(see the logs in {self._home.logs})."
                )
            await asyncio.sleep(POLL_S)

    def _described(self, settings: Settings) -> State:
        gateway_url = f"http://127.0.0.1:{settings.gateway_port}"
        ports = {"gateway": settings.gateway_port, "postgrest": settings.postgrest_port}
        if self._given.database_url is None:
            ports["postgres"] = settings.postgres_port
        return replace(
            self._state,
            supervisor_pid=psutil.Process().pid,
            gateway_url=gateway_url,
            rest_url=f"{gateway_url}/rest/v1",
            postgrest_url=settings.postgrest_url,
            database_url=settings.database_url,
            anon_key=settings.anon_key,
            ports=ports,
        )

    async def _begin(self, *children: Child) -> None:
        await self._unless_stopped(self._supervisor.start(*children))

    async def _aside(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Run blocking work in a thread. After a stop its result is of no interest any more."""
        return await self._unless_stopped(asyncio.to_thread(work, *arguments))

    async def _unless_stopped(self, work: Awaitable[Result]) -> Result:
        """The result of work; Stopped when somebody asks to stop before it is there."""
        doing = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
        if doing.cancelled():
            raise Stopped
        return doing.result()

    @contextlib.contextmanager
    def _timed(self, text: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self._reporter.step(f"{text} ({time.monotonic() - begun:.1f} s)")

    def _processes_changed(self, processes: tuple[ProcessState, ...]) -> None:
        self._save(replace(self._state, processes=processes))

    def _save(self, state: State) -> None:
        self._state = state
        self._home.write_state(state)


def has_organizations(settings: Settings) -> bool:
    """Whether anybody's data is in the database. settings: filled."""
    with psycopg.connect(settings.required("database_url")) as connection:
        return connection.execute("select from app.organizations limit 1").fetchone() is not None


def require_free_ports(settings: Settings, *, embedded: bool) -> None:
    """PortTaken for the first port that something listens on; it names the setting to change."""
    wanted = [
        ("GATEWAY_PORT", settings.gateway_port),
        ("POSTGREST_PORT", settings.postgrest_port),
        ("POSTGREST_ADMIN_PORT", settings.postgrest_admin_port),
    ]
    if embedded:
        wanted.append(("POSTGRES_PORT", settings.postgres_port))
    for name, port in wanted:
        others = [other for other, number in wanted if number == port and other != name]
        if others:
            raise PortTaken(f"{name} and {others[0]} are both {port}: choose different ports.")
        if _is_taken(port):
            raise PortTaken(
                f"Port {port} on 127.0.0.1 is taken{_by_whom(port)}: "
                f"stop what listens there, or choose another port with {name}."
            )


def _is_taken(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _by_whom(port: int) -> str:
    """`` by process 123 (nginx)``, or nothing when the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""
    return ""
