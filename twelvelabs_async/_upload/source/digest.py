"""The digest of a whole file, computed beside its upload, off the loop and in constant memory.

One pass from the first byte to the last, which reads ahead of the upload as a rule, so that the
chunks are then read from the page cache. What takes time is the hash: it has a thread, and hashlib
lets go of the interpreter's lock.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

from attrs import define

from twelvelabs_async._core.tasks import end_all
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.protocol import ExactReader, Source, only_times_changed

MOST_PASSES = 4
"""How often a file may be hashed that is touched meanwhile."""

READ_BYTES = 512 * 1024
"""Bytes that are hashed at once; a thread costs more than the hash of a few."""


class WholeDigest(Protocol):
    """A digest that is there when all bytes were read."""

    async def value(self) -> str | None:
        """Wait for the SHA-256 of the bytes, in hexadecimal; None: nobody wants it.

        Raises:
            SourceError: They cannot be read, or have changed.
        """
        ...


@define(eq=False, repr=False)
class FileDigest:
    """A digest under way, or none."""

    _threads: Threads | None = None
    _task: asyncio.Task[None] | None = None
    _source: Source | None = None
    _value: str | None = None
    _version: int = 0
    """The version of the source that was hashed, if it was not another one in the end."""

    async def value(self) -> str | None:
        """Wait for the SHA-256 of the file as it is now, in hexadecimal; None: nobody wants it.

        Where the file's times have changed since it was begun, all of it is hashed once more.

        Raises:
            SourceError: The file cannot be read, or has changed, or goes on changing.
        """
        if self._task is None or self._source is None:
            return None
        for _ in range(MOST_PASSES):
            task = self._task
            await asyncio.shield(task)  # others may wait for it, too
            if self._version == self._source.version:
                return self._value
            if self._task is task:
                self.start(self._source)
        raise only_times_changed(self._source.name, "it changes each time that it is hashed")

    async def end(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        if self._task is not None:
            await end_all([self._task])

    async def _compute(self, source: Source) -> None:
        version = source.version
        # Its own buffer: of a hash that is cancelled, a thread goes on reading in it.
        view, reads = memoryview(bytearray(READ_BYTES)), ExactReader(source)
        digest, done, threads = hashlib.sha256(), 0, self._threads or Threads()
        while done < source.size:
            piece = view[: source.size - done]
            await reads.read_into(piece, done)
            await threads.run(digest.update, piece)
            done += len(piece)
        await source.look()
        self._value, self._version = digest.hexdigest(), version

    def start(self, source: Source) -> None:
        """Begin, once more if need be."""
        self._source = source
        self._task = asyncio.create_task(self._compute(source))


@asynccontextmanager
async def file_digest(
    source: Source, *, wanted: bool, threads: Threads | None = None
) -> AsyncGenerator[FileDigest]:
    """Compute the digest of ``source`` during the ``async with`` block; it is cancelled after it.

    Args:
        source: The file.
        wanted: Whether to compute it at all; if not, nothing is read.
        threads: Where to compute it; None: threads of its own.
    """
    digest = FileDigest(threads)
    if not wanted:
        yield digest
        return
    digest.start(source)
    try:
        yield digest
    finally:
        await digest.end()
