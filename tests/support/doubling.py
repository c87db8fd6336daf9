"""A server in front of others that answers requests twice, and refuses others without a word."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Literal

from attrs import Factory, define
from yarl import URL

from support.server import http, listening, read_request

Timing = Literal["together", "after", "idle", "early"]

IDLE = 1.0
"""Seconds of the loop's clock after which a second answer comes to an idle connection."""


@define(eq=False)
class DoublingServer:
    """Carries each request on, a connection each, and gives every first answer twice.

    The request that comes next on the same connection is refused, and not carried on.

    Attributes:
        store: Where PUTs belong.
        api: Where all else belongs.
        doubles: Whether the answer to a request with this head is given twice.
        timing: When the second answer comes. ``together``: in one piece with the first. ``after``:
            right behind it. ``idle``: when the connection has been idle for a second, or the next
            request has come. ``early``: when the head of the next request has come.
        refusal: What the next request on the connection gets, if it gets that far.
        nameless: Whether answers lose the store's name for the request.
        closes: Whether the connection is closed behind each answer, as the answer says.
        doubled: How many answers were given twice.
        refused: How many requests were refused.
        url: Where it listens.
    """

    doubles: Callable[[bytes], bool]
    timing: Timing
    store: URL = Factory(URL)
    api: URL = Factory(URL)
    refusal: bytes = http("503 Slow Down", b"<Error><Code>SlowDown</Code></Error>")
    nameless: bool = False
    closes: bool = False
    doubled: int = 0
    refused: int = 0
    url: URL = Factory(URL)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        while True:
            await self._carry(await read_request(reader), reader, writer)

    async def _carry(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answer = await _asked(self.store if request.startswith(b"PUT") else self.api, request)
        if self.nameless:
            answer = re.sub(rb"(?i)x-amz-request-id: .*\r\n", b"", answer)
        if self.closes:
            writer.write(answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            raise ConnectionResetError
        if not self.doubles(request):
            writer.write(answer)
            return
        self.doubled += 1
        if self.timing == "together":
            writer.write(answer + answer)
        else:
            writer.write(answer)
            following = b""
            if self.timing == "after":
                await asyncio.sleep(0)
            elif self.timing == "idle":
                await asyncio.sleep(IDLE)
            else:
                following = await read_request(reader, body=False)
            writer.write(answer)
            if following:
                await _skip_body(following, reader)
                self._refuse(writer)
                return
        await read_request(reader)
        self._refuse(writer)

    def _refuse(self, writer: asyncio.StreamWriter) -> None:
        self.refused += 1
        writer.write(self.refusal)


async def _skip_body(head: bytes, reader: asyncio.StreamReader) -> None:
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))


async def _asked(there: URL, request: bytes) -> bytes:
    """Return the whole answer of the server at ``there``, as it came."""
    reader, writer = await asyncio.open_connection(there.host, there.port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().splitlines():
            if line.startswith(b"content-length:"):
                return head + await reader.readexactly(int(line.partition(b":")[2]))
        return head
    finally:
        writer.close()


@asynccontextmanager
async def doubling(
    timing: Timing,
    doubles: Callable[[bytes], bool] = lambda head: head.startswith(b"PUT"),
    ssl: SSLContext | None = None,
) -> AsyncGenerator[DoublingServer]:
    """Run a ``DoublingServer``."""
    server = DoublingServer(doubles, timing)
    async with listening(server.serve, ssl=ssl, limit=2**23) as where:
        server.url = URL(f"{'http' if ssl is None else 'https'}://{where}")
        yield server
