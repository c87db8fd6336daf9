"""Bytes that come once, in order, and nobody knows how many: iterators, pipes, awaited reads.

Pieces are put together until they are worth a write. An async generator is closed when it is not
needed any more, in the task of the upload: nobody could go on with it.
"""

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import IO, Any, cast

from attrs import define, field

from twelvelabs_async import clock
from twelvelabs_async.errors import SourceError
from twelvelabs_async.tasks import uninterrupted

logger = logging.getLogger("twelvelabs_async")

READ = 2**20
"""Bytes that are asked for at once."""

WORTHWHILE = 16 * 1024
"""Bytes; smaller pieces are put together, for each write costs a turn of the event loop."""

CLOSING_SECONDS = 5.0
"""How long a generator may take to clean up after itself."""


def streamed(data: object) -> AsyncIterable[bytes] | None:
    """Return the pieces of what is read with ``await``; None: it is not."""
    for name in ("read_chunk", "read"):  # a part of aiohttp's has both, and reads all with the 2nd
        read: Any = getattr(data, name, None)
        if inspect.iscoroutinefunction(read):
            return _awaited(read)
    return cast("AsyncIterable[bytes]", data) if isinstance(data, AsyncIterable) else None


async def _awaited(read: Callable[[int], Awaitable[bytes]]) -> AsyncGenerator[bytes]:
    while piece := await read(READ):
        yield piece


async def pipe_pieces(name: str, pipe: IO[bytes]) -> AsyncGenerator[bytes]:
    """Yield what a pipe gives.

    Each read has a thread of its own: it may wait for ever, and the loop's threads are for others.
    A cancelled read ends with the pipe; nothing can hasten it, and nothing waits for it.
    """
    while True:
        piece = await _read_alone(pipe)
        if piece is None:
            raise SourceError(f"{name} does not wait for its bytes: make it blocking")
        if not piece:
            return
        yield piece


async def _read_alone(pipe: IO[bytes]) -> bytes | None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes | None] = loop.create_future()

    def tell(piece: bytes | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(piece)
        else:
            done.set_exception(error)

    def read() -> None:
        outcome: tuple[bytes | None, Exception | None]
        try:
            outcome = pipe.read(READ), None
        except Exception as error:  # noqa: BLE001 - raised where the pipe is awaited
            outcome = None, error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, *outcome)

    threading.Thread(target=read, name="twelvelabs-async pipe", daemon=True).start()
    return await done


@define(eq=False, repr=False)
class Stream:
    """Bytes that come once.

    Attributes:
        name: What to call it to a person.
        size: None: only reading them all would tell.
        touched: Whether anything was taken, and so would be missing next time.
    """

    name: str
    _pieces: AsyncIterator[bytes] = field(repr=False)
    size: None = field(default=None, init=False)
    touched: bool = field(default=False, init=False)
    _rest: memoryview = field(factory=lambda: memoryview(b""), init=False, repr=False)
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Take the next bytes, which are at ``offset``; see ``Readable.read_into``."""
        self.touched = True
        count = 0
        while count < min(WORTHWHILE, len(view)) and await self._more():
            taken = min(len(view) - count, len(self._rest))
            view[count : count + taken] = self._rest[:taken]
            self._rest = self._rest[taken:]
            count += taken
        if not count and not offset:
            raise SourceError(f"{self.name} is empty")
        return count

    async def _more(self) -> bool:
        """Have bytes in hand; False: there are no more."""
        while not self._rest:
            async with self._turn:
                piece = await self._next()
            if piece is None:
                return False
            self._rest = self._checked(piece)
            if not self._rest:  # nothing need have been awaited for it
                await clock.sleep(0)
        return True

    async def _next(self) -> object:
        try:
            return await anext(self._pieces, None)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            problem = f"{self.name} was cancelled from within"
        raise SourceError(problem)

    def _checked(self, piece: object) -> memoryview:
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise SourceError(f"{self.name} gives {type(piece).__name__}, not bytes")
        return memoryview(bytes(cast("bytes", piece)))  # whose buffer the caller may use again

    async def close(self) -> None:
        """End an async generator, once a read that was cancelled has ended.

        What its cleanup raises is logged: how the upload ended is what the caller has to know.
        """
        close: Callable[[], Awaitable[None]] | None = getattr(self._pieces, "aclose", None)
        if close is None:
            return
        try:
            async with clock.timeout(CLOSING_SECONDS), self._turn:
                await close()
        except (Exception, BaseExceptionGroup):
            logger.warning("%s was sent, and failed to clean up", self.name, exc_info=True)


@asynccontextmanager
async def open_stream(name: str, pieces: AsyncIterable[bytes]) -> AsyncGenerator[Stream]:
    """Read ``pieces`` in the ``async with`` block."""
    stream = Stream(name, aiter(pieces))
    try:
        yield stream
    finally:
        await uninterrupted(stream.close())
