"""A plain HTTP/1.1 client over kept connections: the bytes are ours alone."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple


class Answer(NamedTuple):
    """What came back. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """One connection at a time to 127.0.0.1:port, opened anew when it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send and read the answer, once more if the kept connection was gone by then."""
        lines = [
            f"POST {path} HTTP/1.1",
            "host: gateway.test",
            f"content-length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        request = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body
        if self._streams is not None:
            try:
                return await self._exchange(request)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
        return await self._exchange(request)

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status = int(first.split(" ")[1])
        if status == 413 or headers.get("connection") == "close":
            self.close()  # what was not read of the request is still under way
        return Answer(status, headers, body)

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
