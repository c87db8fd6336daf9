"""A TCP relay in front of a server, whose connections can all die unnoticed."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from attrs import Factory, define
from yarl import URL

Death = Literal["reset", "late", "closed", "silent", "408", "408 of HTTP/1.0", "garbage", "TLS"]

LAST_WORDS = {
    "408": b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "408 of HTTP/1.0": b"HTTP/1.0 408 Request Timeout\r\n\r\n<html>Too slow.</html>",
    "garbage": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02",
}
"""What a connection that has died says, before it is closed, instead of being reset."""

LATE = 0.1
"""Seconds after which a link that dies late is reset: it has taken a whole request by then."""


@define(eq=False)
class Link:
    """One connection through the relay.

    Attributes:
        death: How it has died; None: it lives.
    """

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    death: Death | None = None

    def reset(self) -> None:
        """Reset the client's connection, as a router does that does not know it."""
        sock = self.client.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()


@define(eq=False)
class Relay:
    """Carries bytes both ways; one relay may stand before several servers.

    Attributes:
        links: The connections that are open.
        accepted: How many connections there were.
        most: How many were open at once.
        lost: How many showed that they were dead: each lost a request.
    """

    links: list[Link] = Factory(list[Link])
    accepted: int = 0
    most: int = 0
    lost: int = 0
    late: set[Link] = Factory(set[Link])
    tasks: set[asyncio.Task[None]] = Factory(set["asyncio.Task[None]"])
    listeners: list[asyncio.Server] = Factory(list[asyncio.Server])

    async def before(self, url: str) -> str:
        """Stand before the server at ``url`` and return the URL to reach it by."""
        there = URL(url)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self.tasks.add(task)
            try:
                with suppress(OSError):
                    await self._carry(there, reader, writer)
            finally:
                self.tasks.discard(task)
                writer.close()

        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.listeners.append(listener)
        port: int = listener.sockets[0].getsockname()[1]
        return str(there.with_port(port))

    def die(self, death: Death = "reset", *, every: int = 1) -> int:
        """Let every (or every second, ...) open connection die; return how many.

        Args:
            death: ``reset``, or one of ``LAST_WORDS``: at its next byte. ``late``: soon after it.
                ``closed``: at once. ``silent``: it never shows.
            every: 2: only every second one.
        """
        dying = self.links[::every]
        for link in dying:
            link.death = death
            link.server.transport.abort()
            if death == "closed":
                link.client.close()
        return len(dying)

    async def _carry(
        self, there: URL, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        back, onward = await asyncio.open_connection(there.host, there.port)
        link = Link(writer, onward)
        self.accepted += 1
        self.links.append(link)
        self.most = max(self.most, len(self.links))
        answers = asyncio.ensure_future(_copy(back, link))
        try:
            while piece := await reader.read(2**16):
                if link.death is None:
                    onward.write(piece)
                    await onward.drain()
                elif link.death == "reset":
                    self._lose(link)
                elif link.death in LAST_WORDS and link not in self.late:
                    self.late.add(link)
                    self.lost += 1
                    link.client.write(LAST_WORDS[link.death])
                    link.client.close()
                elif link.death == "late" and link not in self.late:
                    self.late.add(link)
                    asyncio.get_running_loop().call_later(LATE, self._lose, link)
        finally:
            self.links.remove(link)
            onward.transport.abort()
            await answers

    def _lose(self, link: Link) -> None:
        self.lost += 1
        link.reset()


async def _copy(back: asyncio.StreamReader, link: Link) -> None:
    with suppress(OSError):
        while piece := await back.read(2**16):
            link.client.write(piece)
            await link.client.drain()
    if link.death is None:
        link.client.close()


@asynccontextmanager
async def relay() -> AsyncGenerator[Relay]:
    """Run a ``Relay``."""
    running = Relay()
    try:
        yield running
    finally:
        for listener in running.listeners:
            listener.close()
        for link in running.links:
            link.client.transport.abort()
        await asyncio.gather(*running.tasks)
