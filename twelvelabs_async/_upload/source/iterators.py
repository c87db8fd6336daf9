"""Iterators of bytes, such as generators: read in a thread, like a pipe without a descriptor.

A generator is closed in the end, as an async one is: nobody could go on with it. Any other iterator
is left as it is, even if it has a ``close``: a cursor or an open file is the caller's.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Iterator
from concurrent.futures import Future, wait
from functools import partial
from typing import IO, Any, cast

from attrs import frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.lanes import GRACE
from twelvelabs_async._core.new_thread import NoThreadError
from twelvelabs_async._upload.source.pipes import begin_in_thread, pipe_pieces, take_read_under_way

logger = logging.getLogger("twelvelabs_async")

CLEANUP_SECONDS = 4.0
"""How long a generator's cleanup is waited for before it is left to its thread: less than the wait
for all that ends a stream."""


@frozen(eq=False)
class IteratorReader:
    """Reads what an iterator gives."""

    pieces: Iterator[object]

    def read(self, size: int) -> object:
        """Return the next piece that is not empty, however large it is; no bytes at the end."""
        del size
        for piece in self.pieces:
            if piece is None:
                raise TypeError("the iterator gave None, not bytes")
            if isinstance(piece, str) or piece != b"":
                return piece
        return b""


async def iterator_pieces(name: str, iterator: Iterator[object]) -> AsyncGenerator[bytes]:
    """Yield what an iterator gives, and close it if it is a generator.

    Args:
        name: What to call it to a person.
        iterator: What is read.

    Raises:
        SourceError: It cannot be read.
    """
    reader = cast("IO[bytes]", IteratorReader(iterator))
    pieces = pipe_pieces(name, reader, iterator)
    try:
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()
        if isinstance(iterator, Generator):
            await _end(name, cast("Generator[object, Any, Any]", iterator))


async def _end(name: str, generator: Generator[object, Any, Any]) -> None:
    """Close a generator in a thread, once the read that is under way has ended.

    A read that goes on is waited for as long as any thread of a cancelled upload is.
    """
    reading = take_read_under_way(generator)
    if getattr(generator, "gi_frame", generator) is None:
        return  # it has come to its end, so that there is nothing to close
    try:
        closing = begin_in_thread(partial(_close, name, generator, reading))
        async with clock.timeout(CLEANUP_SECONDS if reading is None else GRACE):
            await asyncio.wrap_future(closing)
    except (NoThreadError, TimeoutError) as error:
        problem = str(error) or "it is left to its thread"
        logger.warning("%s was not closed so far: %s", name, problem)


def _close(
    name: str, generator: Generator[object, Any, Any], reading: Future[object] | None
) -> None:
    """Close a generator; what it raises is logged, for how the upload ended is what counts."""
    if reading is not None:
        wait((reading,))
    try:
        generator.close()
    except BaseException:  # a framework's own may be no Exception
        logger.warning("%s failed to clean up", name, exc_info=True)
