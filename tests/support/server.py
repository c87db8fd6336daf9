"""A server that says whatever a test wants, HTTP or not, and keeps what it was sent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

from attrs import Factory, define


@define(eq=False)
class RawServer:
    """Reads a request, answers with ``reply`` byte for byte, then hangs up, or hangs.

    Attributes:
        reply: The bytes of every answer.
        silent: Whether to keep the connection open after the reply, instead of closing it.
        reads_bodies: Whether to read a request's body before the reply.
        requests: What came, a request each.
        url: Where it listens.
    """

    reply: bytes
    silent: bool = False
    reads_bodies: bool = True
    requests: list[bytes] = Factory(list[bytes])
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        self.requests.append(await read_request(reader, body=self.reads_bodies))
        writer.write(self.reply)
        await writer.drain()
        while self.silent and await reader.read(2**16):
            pass


async def read_request(reader: asyncio.StreamReader, *, body: bool = True) -> bytes:
    """Read a request: its head, and as much of a body as it announces."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not body:
        return head
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head


@asynccontextmanager
async def raw_server(reply: bytes, *, silent: bool = False) -> AsyncGenerator[RawServer]:
    """Run a ``RawServer``."""
    server = RawServer(reply, silent)
    async with listening(server.serve) as where:
        server.url = f"http://{where}"
        yield server


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    ssl: SSLContext | None = None,
    limit: int = 2**16,
) -> AsyncGenerator[str]:
    """Have ``serve`` handle each connection to a port of its own; yield host and port.

    Args:
        serve: Handles a connection, which is closed when it returns, or loses the other side.
        ssl: What TLS needs; None: without TLS.
        limit: How many bytes a reader takes in before they are read.
    """
    tasks = set[asyncio.Task[None]]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin; a task that is cancelled before its first step closes its connection, too."""
        task = asyncio.ensure_future(handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: writer.close())

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=ssl, limit=limit)
    try:
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for task in set(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def unused_url() -> str:
    """Return a URL at which nobody listens."""
    async with raw_server(b"") as server:
        return server.url


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Write an HTTP/1.1 answer; ``_`` in a header's name is a hyphen."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
