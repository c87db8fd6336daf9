"""The digest of a whole file, computed beside its upload, off the loop and in constant memory.

One pass from the first byte to the last, which reads ahead of the upload as a rule, so that the
chunks are then read from the page cache. What takes time is the hash: it has a thread, and hashlib
lets go of the interpreter's lock.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from attrs import define

from twelvelabs_async.tasks import end_all
from twelvelabs_async.upload.reading import FullReads, Source

READ_BYTES = 512 * 1024
"""Bytes that are hashed at once; a thread costs more than the hash of a few."""


@define(eq=False, repr=False)
class FileDigest:
    """A digest under way, or none."""

    _task: asyncio.Task[None] | None = None
    _value: str | None = None

    async def value(self) -> str | None:
        """Wait for the SHA-256, in hexadecimal; None: nobody has asked for it.

        Raises:
            SourceError: The file cannot be read, or has changed.
        """
        if self._task is not None:
            await asyncio.shield(self._task)  # others may wait for it, too
        return self._value

    async def _compute(self, source: Source) -> None:
        # Its own buffer: of a hash that is cancelled, a thread goes on reading in it.
        view, reads = memoryview(bytearray(READ_BYTES)), FullReads(source)
        digest, done = hashlib.sha256(), 0
        while done < source.size:
            piece = view[: source.size - done]
            await reads.read_into(piece, done)
            await asyncio.to_thread(digest.update, piece)
            done += len(piece)
        await source.check_unchanged()
        self._value = digest.hexdigest()

    def start(self, source: Source) -> asyncio.Task[None]:
        """Begin, and return the task, whose end is up to the caller."""
        self._task = asyncio.create_task(self._compute(source))
        return self._task


@asynccontextmanager
async def file_digest(source: Source, *, wanted: bool) -> AsyncGenerator[FileDigest]:
    """Compute the digest of ``source`` during the ``async with`` block; it is cancelled after it.

    Args:
        source: The file.
        wanted: Whether to compute it at all; if not, nothing is read.
    """
    digest = FileDigest()
    if not wanted:
        yield digest
        return
    task = digest.start(source)
    try:
        yield digest
    finally:
        await end_all([task])
