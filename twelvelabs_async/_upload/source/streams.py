"""Bytes that come once, in order: iterators, awaited reads, pipes.

Pieces are put together until they are worth a write. An async generator is closed when it is not
needed any more, in the task of the upload: nobody could go on with it.
"""

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from attrs import define, field

from twelvelabs_async._core import clock
from twelvelabs_async._core.tasks import uninterrupted
from twelvelabs_async._upload.source.foreign import as_bytes, bytes_read, caller_code
from twelvelabs_async.errors import SourceError

logger = logging.getLogger("twelvelabs_async")

READ = 2**20
"""Bytes that are asked for at once."""

WORTHWHILE = 16 * 1024
"""Bytes; smaller pieces are put together, for each write costs a turn of the event loop."""

PIECES_A_TURN = 100
"""Pieces, however small, that are taken in one turn of the event loop: an iterator need not await
anything between them."""

COPIED_A_TURN = 2**20
"""Bytes of a buffer that are copied in one turn of the event loop."""

END_SECONDS = 2.0
"""How long a stream of known size may take to end after its last byte: it may stay open."""

CLOSING_SECONDS = 5.0
"""How long a generator may take to clean up after itself."""

_END = object()
"""What follows the last piece; None may be a piece, and then it is no bytes."""


def streamed(name: str, data: object) -> AsyncIterable[object] | None:
    """Return the pieces of what is read on the event loop; None: it is read in threads.

    Raises:
        SourceError: It cannot be looked at.
    """
    with caller_code(f"cannot look at {name}"):
        # A part of aiohttp's has both, and ``read`` takes all of it into memory.
        for attribute in ("read_chunk", "read"):
            read: Any = getattr(data, attribute, None)
            if inspect.iscoroutinefunction(read):
                return _read_pieces(name, read)
        if isinstance(data, AsyncIterable):
            return cast("AsyncIterable[object]", data)
    return None


async def _read_pieces(
    name: str, read: Callable[[int], Awaitable[object]]
) -> AsyncGenerator[bytes]:
    while True:
        with caller_code(f"cannot read {name}"):
            piece = await read(READ)
        if not (data := bytes_read(name, piece)):
            return
        yield data


@define(eq=False, repr=False)
class Stream:
    """Bytes that come once.

    Attributes:
        name: What to call it to a person.
        size: How many there are, as the caller or the object itself says; None: the end is not
            known before it is read.
        size_by: Which size that is, to a person.
        touched: Whether anything was taken, and so would be missing next time.
        limit: Bytes that it may have, where ``size`` is None; None: any number.
    """

    name: str
    _pieces: AsyncIterator[object] = field(repr=False)
    size: int | None = None
    touched: bool = field(default=False, init=False)
    limit: float | None = field(default=None, init=False)
    size_by: str = field(default="the given size", init=False)
    _taken: int = field(default=0, init=False, repr=False)
    """Pieces that were taken."""
    _rest: memoryview = field(factory=lambda: memoryview(b""), init=False, repr=False)
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Take the next bytes, which are at ``offset``; see ``Readable.read_into``."""
        self.touched = True
        count = 0
        if self.size is not None:
            view = view[: self.size - offset]
        while count < min(WORTHWHILE, len(view)) and await self._more():
            taken = min(len(view) - count, len(self._rest))
            view[count : count + taken] = self._rest[:taken]
            self._rest = self._rest[taken:]
            count += taken
        await self._check(count, offset)
        return count

    async def take(self, most: int, offset: int) -> memoryview:
        """Return the next 1 to ``most`` bytes, which are at ``offset``, as they came.

        Only for a stream of known size, of which there are ``most`` bytes left.

        Raises:
            SourceError: They cannot be read, or the stream is shorter or longer than was said.
        """
        self.touched = True
        await self._more()
        piece, self._rest = self._rest[:most], self._rest[most:]
        await self._check(len(piece), offset)
        return piece

    async def _check(self, count: int, offset: int) -> None:
        if not count and not offset:
            raise SourceError(f"{self.name} is empty")
        if self.size is not None:
            await self._check_size(offset + count, ended=not count)
        elif self.limit is not None and offset + count > self.limit:
            raise SourceError(
                f"{self.name} has more than {self.limit} bytes, which do not go in one request; "
                "pass size=, or spool=True"
            )

    async def _check_size(self, read: int, *, ended: bool) -> None:
        """Refuse a stream that has ended early, or goes on after its last byte."""
        if ended:
            raise SourceError(
                f"{self.name} ended after {read} of {self.size} bytes, {self.size_by}"
            )
        if read == self.size and await self._goes_on():
            raise SourceError(f"{self.name} has more than {self.size} bytes, {self.size_by}")

    async def _goes_on(self) -> bool:
        """Whether more comes within ``END_SECONDS``; a connection may stay open after its end."""
        try:
            async with clock.timeout(END_SECONDS):
                return await self._more()
        except TimeoutError:
            return False

    async def _more(self) -> bool:
        """Have bytes in hand; False: there are no more."""
        while not self._rest:
            async with self._turn:
                piece = await self._next()
            if piece is _END:
                return False
            self._rest = memoryview(await self._in_hand(piece))
            self._taken += 1
            if not self._rest or self._taken % PIECES_A_TURN == 0:
                await clock.sleep(0)  # nothing need have been awaited for the piece
        return True

    async def _in_hand(self, piece: object) -> bytes | bytearray:
        """Return a piece, or a copy of a buffer, which takes a turn of the loop for each MiB."""
        if not isinstance(piece, bytearray | memoryview):
            return as_bytes(self.name, piece)
        buffer = cast("bytes", piece)
        with caller_code(f"cannot read {self.name}"):
            view = memoryview(buffer)
            if view.nbytes <= COPIED_A_TURN or not view.c_contiguous:
                return bytes(buffer)
            copy, octets = bytearray(), view.cast("B")
            for start in range(0, len(octets), COPIED_A_TURN):
                copy += octets[start : start + COPIED_A_TURN]
                await clock.sleep(0)
            return copy

    async def _next(self) -> object:
        try:
            with caller_code(f"cannot read {self.name}"):
                return await anext(self._pieces, _END)
        except SourceError as error:
            logger.warning("%s broke off: %s", self.name, error)
            raise

    async def close(self) -> None:
        """End an async generator, once a read that was cancelled has ended.

        What its cleanup raises is logged: how the upload ended is what the caller has to know.
        """
        try:
            close: Callable[[], Awaitable[None]] | None = getattr(self._pieces, "aclose", None)
            if close is not None:
                async with clock.timeout(CLOSING_SECONDS), self._turn:
                    with caller_code(f"cannot close {self.name}"):
                        await close()
        except (Exception, BaseExceptionGroup):
            logger.warning("%s failed to clean up after itself", self.name, exc_info=True)


@asynccontextmanager
async def open_stream(
    name: str, pieces: AsyncIterable[object], size: int | None = None
) -> AsyncGenerator[Stream]:
    """Read ``pieces`` in the ``async with`` block.

    Args:
        name: What to call them to a person.
        pieces: The bytes.
        size: How many there are; None: not known.

    Raises:
        SourceError: They cannot be read.
    """
    with caller_code(f"cannot read {name}"):
        stream = Stream(name, aiter(pieces), size)
    try:
        yield stream
    finally:
        if stream.touched:  # else another attempt may begin with it
            await uninterrupted(stream.close())
