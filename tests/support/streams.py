"""Streams of every kind that users hand over, which break off when they are told to."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any, Literal

import aiohttp
from aiohttp.base_protocol import BaseProtocol
from attrs import define, field
from starlette.requests import Request

from support.open_files import kept, left_open


async def pieces(data: bytes, size: int = 7_000) -> AsyncGenerator[bytes]:
    """Yield bytes in pieces of so many."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


class ReaderError(Exception):
    """What a stream of the caller's raises."""


@define(eq=False)
class Giver:
    """Gives bytes once, in order, and ends as it is told.

    Attributes:
        data: What it gives.
        size: How many bytes it says that it has.
        ending: Whether it comes to its end, raises ``failure``, or waits for ever.
        piece: Bytes that it gives at once.
        failure: What it raises.
        waits: Set once it waits.
        released: Set when the test is over: it lets a thread go that waits.
    """

    data: bytes = field(repr=False)
    size: int
    ending: Literal["end", "raise", "wait"] = "end"
    piece: int = 7_000
    failure: ReaderError = field(factory=lambda: ReaderError("the browser went away"), init=False)
    waits: threading.Event = field(factory=threading.Event, init=False)
    released: threading.Event = field(factory=threading.Event, init=False)
    _given: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        """Have the threads let go in the end, in whatever way the test ends."""
        left_open.callback(self.released.set)

    def next(self) -> bytes:
        """Return the next piece; none at the end."""
        start, self._given = self._given, self._given + self.piece
        return self.data[start : self._given]

    def in_thread(self) -> Iterator[bytes]:
        """Yield the pieces; where it waits, it blocks."""
        while piece := self.next():
            yield piece
        self.stop()
        if self.ending == "wait":
            self.released.wait()

    async def awaited(self) -> AsyncGenerator[bytes]:
        """Yield the pieces on the event loop."""
        while piece := await self.next_awaited():
            yield piece

    async def next_awaited(self) -> bytes:
        """Return the next piece; end as told where there are no more."""
        piece = self.next()
        if not piece:
            self.stop()
            if self.ending == "wait":
                await asyncio.Event().wait()
        return piece

    def feed(self, reader: Any) -> None:
        """Have a reader's buffer hold all that there is."""
        while piece := self.next():
            reader.feed_data(piece)
        if self.ending == "end":
            reader.feed_eof()

    def before_read(self, reader: Any) -> None:
        """End as told once the buffer of a reader is empty."""
        if not reader._buffer:
            try:
                self.stop()
            except ReaderError as error:
                reader.set_exception(error)

    def stop(self) -> None:
        """Raise, or say that it waits, if it is told to."""
        if self.ending == "raise":
            raise self.failure
        if self.ending == "wait":
            self.waits.set()


class BlockingReader:
    """An object with ``read``, of no class that anybody knows."""

    def __init__(self, giver: Giver) -> None:
        self._pieces = giver.in_thread()

    def read(self, size: int) -> bytes:
        """Return the next piece."""
        return next(self._pieces, b"")


class AwaitedReader:
    """The same, with ``await``."""

    def __init__(self, giver: Giver) -> None:
        self._giver = giver

    async def read(self, size: int = -1) -> bytes:
        """Return the next piece."""
        return await self._giver.next_awaited()


class FedAsyncioReader(asyncio.StreamReader):
    """What a server of asyncio's reads from."""

    def __init__(self, giver: Giver) -> None:
        super().__init__()
        self._giver = giver
        giver.feed(self)

    async def read(self, n: int = -1) -> bytes:
        """Return up to so many bytes."""
        self._giver.before_read(self)
        return await super().read(n)


class OpenConnection(BaseProtocol):
    """A connection that stays open."""

    @property
    def connected(self) -> bool:
        """Always true."""
        return True


LIMIT = 2**30
"""Bytes that a reader of aiohttp may hold before it tells its connection to pause."""


class FedAiohttpReader(aiohttp.StreamReader):
    """The ``content`` of a request or an answer of aiohttp's."""

    def __init__(self, giver: Giver) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(OpenConnection(loop), LIMIT, loop=loop)
        self._giver = giver
        giver.feed(self)

    async def read(self, n: int = -1) -> bytes:
        """Return up to so many bytes."""
        self._giver.before_read(self)
        return await super().read(n)


def starlette_body(giver: Giver) -> AsyncIterator[bytes]:
    """Return the ``stream()`` of a request of Starlette's."""

    async def receive() -> dict[str, Any]:
        piece = await giver.next_awaited()
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    return Request({"type": "http"}, receive).stream()


def pipe(giver: Giver) -> Any:
    """Return the reading end of a pipe that a thread writes to."""
    reading, writing = os.pipe()

    def write() -> None:
        try:
            with os.fdopen(writing, "wb", buffering=0) as end:
                for piece in giver.in_thread():
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[end.write(rest) :]
        except BrokenPipeError:
            pass

    threading.Thread(target=write).start()
    return kept(os.fdopen(reading, "rb"))


class OwnRanges:
    """A source of the user's that is read in ranges; what is not as it says is the last range."""

    name = "a.mp4"

    def __init__(self, giver: Giver) -> None:
        self._giver = giver
        self.size = giver.size

    async def read_range(self, start: int, size: int) -> bytes:
        """Return the bytes of a range."""
        end, data = start + size, self._giver.data
        if end > len(data):
            self._giver.stop()
            if self._giver.ending == "wait":
                await asyncio.Event().wait()
        return data[start:] if end == self.size else data[start:end]


STREAMS: dict[str, Callable[[Giver], Any]] = {
    "async iterator": Giver.awaited,
    "iterator": Giver.in_thread,
    "asyncio reader": FedAsyncioReader,
    "aiohttp reader": FedAiohttpReader,
    "awaited reader": AwaitedReader,
    "reader": BlockingReader,
    "Starlette body": starlette_body,
    "pipe": pipe,
}
"""What is read once, in order."""

KEPT = ("async iterator", "iterator", "awaited reader", "reader")
"""Streams that are handed over without their size as well."""
