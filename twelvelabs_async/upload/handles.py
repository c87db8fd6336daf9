"""An open binary file of the caller's: read from where it stands to its end, and left as found.

It has one position. So reads go through threads one at a time, and no second upload gets it
meanwhile: it would find the file wherever the first one is reading.
"""

import asyncio
import io
import os
import stat
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import IO, Any
from weakref import WeakSet

from attrs import define, field

from twelvelabs_async.errors import SourceChangedError, SourceError
from twelvelabs_async.tasks import uninterrupted
from twelvelabs_async.upload.reading import ThreadReads
from twelvelabs_async.upload.source import Fingerprint
from twelvelabs_async.upload.streams import Stream, open_stream, pipe_pieces

_in_use: "WeakSet[IO[bytes]]" = WeakSet()


@define(eq=False, repr=False)
class HandleSource:
    """An open file that can be sought in.

    Attributes:
        name: What to call it to a person.
        size: Its bytes, from where it stood.
    """

    name: str
    size: int
    _file: IO[bytes] = field(repr=False)
    _start: int
    _fingerprint: Fingerprint | None
    reads: ThreadReads = field(factory=ThreadReads, repr=False)
    _position: threading.Lock = field(factory=threading.Lock, repr=False)

    @property
    def identity(self) -> None:
        """None: where it stands is no property of the file on the disk."""

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes at ``offset`` from where the file stood; see ``Readable.read_into``."""
        try:
            count = await self.reads.run(self._read, view, offset)
        except (OSError, ValueError) as error:
            failure = SourceError(f"cannot read {self.name}: {error}")
        else:
            if count:
                return count
            failure = SourceChangedError(
                f"{self.name} was changed while it was uploaded: it ends after {offset} bytes, "
                f"and had {self.size}"
            )
        raise failure

    def read_at_hand(self, view: memoryview, offset: int) -> int:  # noqa: ARG002 - as sources do
        """Read nothing: whatever reads an open file may block."""
        return 0

    def _read(self, view: memoryview, offset: int) -> int:
        with self._position:
            self._file.seek(self._start + offset)
            data = self._file.read(len(view))
        view[: len(data)] = data
        return len(data)

    async def check_unchanged(self) -> None:
        """Make sure that the file is as it was, as far as it can be known."""
        try:
            difference = await self.reads.run(self._difference)
        except (OSError, ValueError) as error:
            failure = SourceError(f"cannot look at {self.name} again: {error}")
        else:
            if difference is None:
                return
            failure = SourceChangedError(
                f"{self.name} was changed while it was uploaded: {difference}"
            )
        raise failure

    def _difference(self) -> str | None:
        with self._position:
            size = self._file.seek(0, os.SEEK_END) - self._start
        if size != self.size:
            return f"it had {self.size} bytes, and has {size}"
        now = _fingerprint(self._file)
        return (
            None if now is None or self._fingerprint is None else self._fingerprint.difference(now)
        )

    async def go_back(self) -> None:
        """Leave the file where it stood, once no thread reads any more."""
        await self.reads.idle()
        with suppress(OSError, ValueError):  # the caller may have closed it meanwhile
            await asyncio.to_thread(self._file.seek, self._start)


@asynccontextmanager
async def open_handle(name: str, file: IO[bytes]) -> AsyncGenerator[HandleSource | Stream]:
    """Use an open file, or a pipe, for the ``async with`` block.

    Raises:
        SourceError: It cannot be read, is open as text, is empty from where it stands, or is being
            uploaded already.
    """
    with _only_one(name, file):
        try:
            measured = await uninterrupted(asyncio.to_thread(_measured, name, file))
        except (OSError, ValueError) as error:  # ValueError: the file is closed
            failure = SourceError(f"cannot read {name}: {error}")
        else:
            if measured is None:
                async with open_stream(name, pipe_pieces(name, file)) as stream:
                    yield stream
                return
            try:
                yield measured
            finally:
                await uninterrupted(measured.go_back())
            return
        raise failure


@contextmanager
def _only_one(name: str, file: IO[bytes]) -> Generator[None]:
    if file in _in_use:
        raise SourceError(f"{name} is being uploaded already; open it a second time")
    with suppress(TypeError):  # what cannot be remembered is not
        _in_use.add(file)
    try:
        yield
    finally:
        with suppress(TypeError):
            _in_use.discard(file)


def _measured(name: str, file: IO[bytes]) -> HandleSource | None:
    """Look at a file, and leave it where it stands; None: it cannot be sought in."""
    if isinstance(file.read(0), str):
        raise SourceError(f"{name} is open as text; open it with 'rb'")
    seekable: Any = getattr(file, "seekable", None)
    if seekable is not None and not seekable():
        return None
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    if size <= 0:
        raise SourceError(f"{name} is empty from where it stands; seek(0) first?")
    return HandleSource(name, size, file, start, _fingerprint(file))


def _fingerprint(file: IO[bytes]) -> Fingerprint | None:
    """Return what changes when a file on a disk is written to; None: it is none."""
    if not isinstance(file, io.RawIOBase | io.BufferedIOBase):
        return None  # a spooled file would go to the disk to be asked
    try:
        status = os.fstat(file.fileno())
    except OSError:  # in memory
        return None
    return Fingerprint.of(status) if stat.S_ISREG(status.st_mode) else None
