"""An open binary file of the caller's: read from where it stands to its end, and left as found.

It has one position. So reads go through threads one at a time, and no second upload gets it
meanwhile, nor while a thread is left behind with a read that hangs. Where other open files have the
same position, ``positions`` refuses them, or makes them take turns.
"""

import inspect
import io
import os
import stat
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from attrs import define, field

from twelvelabs_async._core.lanes import Lane
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.fingerprint import Fingerprint
from twelvelabs_async._upload.source.foreign import bytes_read, caller_code, discard, open_as_text
from twelvelabs_async._upload.source.pipes import has_read_under_way, pipe_pieces
from twelvelabs_async._upload.source.positions import Position
from twelvelabs_async._upload.source.protocol import only_times_changed
from twelvelabs_async._upload.source.streams import Stream, open_stream
from twelvelabs_async.errors import SourceChangedError, SourceError

_in_use = set[int]()
"""The ``id`` of each object that is being uploaded, which the upload keeps alive."""

_in_threads = set[int]()
"""The ``id`` of each open file that a thread may be using, which the thread keeps alive."""


@define(eq=False, repr=False)
class HandleSource:
    """An open file that can be sought in.

    Attributes:
        name: What to call it to a person.
        size: Its bytes, from where it stood.
        path: Where the file is; None: it did not stand at its beginning, or nobody knows.
        version: How often its times were found to be others than before; see ``Source.look``.
    """

    name: str
    size: int
    path: Path | None
    _file: IO[bytes] = field(repr=False)
    _start: int
    _position: Position = field(repr=False)
    _fingerprint: Fingerprint | None
    _lane: Lane = field(repr=False)
    version: int = field(default=0, init=False)
    _suspect: bool = field(default=False, init=False)
    """Whether some change of its times was not explained by one of its attributes."""

    @property
    def identity(self) -> tuple[int, ...] | None:
        """Device, inode, and the times of the last changes; see ``Source.identity``."""
        found = self._fingerprint
        if self.path is None or found is None:
            return None  # where it stands is no property of the file on the disk
        return found.device, found.inode, found.modified_ns, found.changed_ns

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes at ``offset`` from where the file stood; see ``Readable.read_into``."""
        count = await self._lane.run(self._read, view, offset)
        if not count:
            raise SourceChangedError(
                f"{self.name} was changed while it was uploaded: it ends after {offset} bytes, "
                f"and had {self.size}"
            )
        return count

    def read_nowait(self, view: memoryview, offset: int) -> int:  # noqa: ARG002 - as sources do
        """Read nothing: whatever reads an open file may block."""
        return 0

    def _read(self, view: memoryview, offset: int) -> int:
        with caller_code(f"cannot read {self.name}"), self._position.held():
            self._file.seek(self._start + offset)
            piece: object = self._file.read(len(view))
        # What goes beyond the view was not asked for, and is read again.
        data = bytes_read(self.name, piece)[: len(view)]
        view[: len(data)] = data
        return len(data)

    async def look(self) -> None:
        """Look whether the file is as it was, as far as it can be known; see ``Source.look``."""
        while True:
            version, now = self.version, await self._seen_again()
            if version == self.version:
                break  # else another look has seen other times, and this one may be the older
        if now is not None and self._fingerprint is not None and now != self._fingerprint:
            self._suspect = self._suspect or not self._fingerprint.is_explained(now)
            self._fingerprint = now
            self.version += 1

    async def _seen_again(self) -> Fingerprint | None:
        difference, now = await self._lane.run(self._look_again)
        if difference is not None:
            raise SourceChangedError(f"{self.name} was changed while it was uploaded: {difference}")
        return now

    def _look_again(self) -> tuple[str | None, Fingerprint | None]:
        with caller_code(f"cannot look at {self.name} again"), self._position.held():
            # to seek from the end also empties the file's own buffer, which may hold old bytes
            size = _end(self._file) - self._start
        if size != self.size:
            return f"it had {self.size} bytes, and has {size}", None
        now = _fingerprint(self._file)
        if now is None or self._fingerprint is None:
            return None, None
        return self._fingerprint.difference(now), now

    async def check_unchanged(self) -> None:
        """Compare the file with what it was at first; see ``Source.check_unchanged``."""
        await self.look()
        if self._suspect:
            raise only_times_changed(self.name, "nothing of it can be compared")

    def go_back(self) -> None:
        """Leave the file where it stood; in a thread, once no other reads any more."""
        with (
            suppress(SourceError),
            caller_code("it may be closed by now"),
            self._position.held(),
        ):
            self._file.seek(self._start)


@asynccontextmanager
async def open_handle(
    name: str,
    file: IO[bytes],
    threads: Threads,
    opened_at: Path | None = None,
    size: int | None = None,
) -> AsyncGenerator[HandleSource | Stream]:
    """Use an open file, or a pipe, for the ``async with`` block.

    Args:
        name: What to call it to a person.
        file: The file.
        threads: Where it is read.
        opened_at: Its path, as it says itself; None: it says nothing.
        size: Bytes that a pipe gives; None: not known.

    Raises:
        SourceError: It cannot be read, is text, is empty, or is in another upload.
    """
    lane = threads.lane()
    measured = None
    _in_threads.add(id(file))

    def go_back() -> None:
        if measured is not None:
            measured.go_back()
        _in_threads.discard(id(file))

    try:
        position = await lane.run(_position_of, name, file)  # the lane closes it
        if has_read_under_way(file):  # a pipe, and a look at it might have to wait for the read
            _check_open(name, file)
        else:
            measured = await lane.run(_measured, name, file, position, opened_at, lane)
        if measured is not None:
            yield measured
        else:
            await lane.run(position.keep_alone)
            async with open_stream(name, pipe_pieces(name, file), size) as stream:
                yield stream
    finally:
        await lane.leave(go_back)


@contextmanager
def only_one(name: str, data: object) -> Generator[None]:
    """Refuse a second upload of the same object for the ``with`` block.

    Raises:
        SourceError: It is being uploaded already.
    """
    if id(data) in _in_use | _in_threads:
        raise SourceError(f"{name} is being uploaded already; open it a second time")
    _in_use.add(id(data))
    try:
        yield
    finally:
        _in_use.discard(id(data))


def _position_of(name: str, file: IO[bytes]) -> Position:
    with caller_code(f"cannot look at {name}"):
        return Position.of(name, file)


def _measured(
    name: str, file: IO[bytes], position: Position, opened_at: Path | None, lane: Lane
) -> HandleSource | None:
    """Look at a file, and leave it where it stands; None: it cannot be sought in."""
    with caller_code(f"cannot read {name}"), position.held():
        if isinstance(file, io.TextIOBase):
            raise open_as_text(name)
        _check_open(name, file)
        bounds = _bounds(name, file)
        if bounds is None:
            return None
        start, end = bounds
        if end <= start:
            where = " from where it stands; seek(0) first?" if start else ""
            raise SourceError(f"{name} is empty{where}")
        piece = _read_nothing(file)
        file.seek(start)
        if isinstance(piece, str):
            raise open_as_text(name)
        if inspect.isawaitable(piece):
            discard(piece)
            return None
        seen = _fingerprint(file)
        whole = seen is not None and (start, end) == (0, seen.size)
        path = opened_at if whole and _leads_to(opened_at, seen) else None
        return HandleSource(name, end - start, path, file, start, position, seen, lane)


def _check_open(name: str, file: IO[bytes]) -> None:
    closed = False
    with suppress(Exception):
        closed = file.closed is True
    if closed:
        raise SourceError(f"cannot read {name}: it is closed")


def _bounds(name: str, file: IO[bytes]) -> tuple[int, int] | None:
    """Return where a file stands and where it ends; None: it cannot be sought in."""
    start = end = None
    with suppress(Exception):  # whatever a file without positions raises
        seekable: Any = getattr(file, "seekable", None)
        if seekable is None or _at_once(seekable()):
            start = _position(file)
            end = _end(file)
    if start is None:
        return None
    with suppress(Exception):
        _at_once(file.seek(start))
    if _position(file) != start:
        raise SourceError(f"cannot read {name}: it cannot be sought back to where it stood")
    return None if end is None else (start, end)


def _end(file: IO[bytes]) -> int:
    """Go to the end, and return where that is."""
    _at_once(file.seek(0, os.SEEK_END))  # which may return anything: None, or whether it succeeded
    return _position(file)


def _position(file: IO[bytes]) -> int:
    position: object = _at_once(file.tell())
    if not isinstance(position, int) or isinstance(position, bool):
        raise TypeError(f"tell() gives {type(position).__name__}")
    return position


def _at_once(outcome: Any) -> Any:
    """Return what a method gave, unless that has to be awaited: only reads are, in a stream."""
    if inspect.isawaitable(outcome):
        discard(outcome)
        raise TypeError("it has to be awaited")
    return outcome


def _read_nothing(file: IO[bytes]) -> object:
    """Return what a read of no bytes gives: bytes, text or an awaitable; some files refuse it."""
    with suppress(Exception):
        return file.read(0)
    return b""


def _fingerprint(file: IO[bytes]) -> Fingerprint | None:
    """Return what changes when a file on a disk is written to; None: it is not on a disk."""
    if not isinstance(file, io.RawIOBase | io.BufferedIOBase):
        return None  # a spooled file would go to the disk to be asked
    try:
        status = os.fstat(file.fileno())
    except Exception:  # noqa: BLE001 - in memory, in an archive, or without any such method
        return None
    return Fingerprint.of(status) if stat.S_ISREG(status.st_mode) else None


def _leads_to(path: Path | None, seen: Fingerprint | None) -> bool:
    """Whether the file that was opened is the one that is there now."""
    if path is None or seen is None:
        return False
    try:
        there = path.stat()
    except (OSError, ValueError):
        return False
    return (there.st_dev, there.st_ino) == (seen.device, seen.inode)
