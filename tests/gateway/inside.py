"""A gateway inside the test's own process, with the test between it and PostgREST."""

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.exports import Limits
from salesdash.settings import Settings
from tests.fixtures.ports import wait_until

Hook = Callable[[httpx.Request], Awaitable[httpx.Response | None]]
"""What happens to a request before PostgREST gets it; an answer, or an error, is instead of it."""


class Between(httpx.AsyncBaseTransport):
    """Hands requests to PostgREST, after the hook. asked: paths with queries, in order."""

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport()
        self.asked: list[str] = []
        self.hook: Hook | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        answer = await self.hook(request) if self.hook else None
        return answer or await self._transport.handle_async_request(request)

    @property
    def pages(self) -> list[str]:
        """The pages of exports that were asked for."""
        return [path for path in self.asked if "order=id" in path]


@dataclass(frozen=True)
class Inside:
    """A running gateway. url has no trailing slash."""

    url: str
    between: Between = field(repr=False)
    server: uvicorn.Server = field(repr=False)

    def stop(self) -> None:
        """Tell it to end: requests have a second left."""
        self.server.should_exit = True


@contextmanager
def gateway_inside(settings: Settings, limits: Limits) -> Iterator[Inside]:
    """Serve until the end of the block."""
    app = create_app(settings, export_limits=limits)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=settings.gateway_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run)
    exits = ExitStack()
    exits.enter_context(capture_logs())  # the lines of its requests, which nobody reads here
    thread.start()
    try:
        wait_until(lambda: server.started, lambda: "the gateway did not start")
        between = Between()
        app.state.postgrest = httpx.AsyncClient(
            base_url=settings.postgrest_url, transport=between, timeout=10
        )
        yield Inside(f"http://127.0.0.1:{settings.gateway_port}", between, server)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        exits.close()
