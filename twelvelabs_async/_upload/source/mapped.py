"""Mapped files (``mmap``), and views of their bytes: read in threads, from where they stand.

A page that is not in memory is fetched from the disk by whoever touches it, and Python would hold
its lock meanwhile, in a thread as well; and where the file was cut short there is no such page, and
the touch ends the process (``SIGBUS``). So the bytes are copied by the system, through a pipe: that
waits without the lock, and fails where there is no page.
"""

import asyncio
import errno
import mmap
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from attrs import define, field

from twelvelabs_async._core.descriptors import are_lacking
from twelvelabs_async._core.lanes import Lane
from twelvelabs_async._core.threads import Threads, lane_of
from twelvelabs_async._upload.source.foreign import caller_code
from twelvelabs_async._upload.source.no_file import NoFile
from twelvelabs_async.errors import SourceChangedError, SourceError

PIPED = 64 * 1024
"""Bytes that are written to the pipe at once; it may take fewer."""


def map_of(data: object) -> mmap.mmap | None:
    """Return the map whose bytes an object is, or gives a view of; None: it is another object."""
    if isinstance(data, memoryview):
        with suppress(ValueError):  # it was released
            data = data.obj
    return data if isinstance(data, mmap.mmap) else None


@define(eq=False, repr=False)
class MappedSource(NoFile):
    """A map from where it stands, or a view of a part; neither its position nor it is changed.

    Attributes:
        name: What to call it to a person.
        size: Its bytes, from where it stood.
    """

    name: str
    size: int
    _data: mmap.mmap | memoryview = field(repr=False)
    _map: mmap.mmap = field(repr=False)
    _start: int
    _file_size: int | None
    """Bytes of the file when it was looked at first; None: there is none, or nobody knows."""
    _lane: Lane = field(repr=False)

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes at ``offset``; see ``Readable.read_into``."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lane, self._read, view, offset)

    def read_nowait(self, view: memoryview, offset: int) -> int:  # noqa: ARG002 - as sources do
        """Read nothing: a page that is not in memory would have to be waited for."""
        return 0

    def _read(self, view: memoryview, offset: int) -> int:
        start, most = self._start + offset, min(len(view), self.size - offset)
        try:
            # The view keeps the map from being closed or resized, and only while it is read.
            with memoryview(self._data) as given, given.cast("B") as octets:
                count = _copy(octets[start : start + most], view)
        except (OSError, TypeError, ValueError) as error:
            failure = _unreadable(self.name, error)
        else:
            if count:
                return count
            failure = SourceChangedError(
                f"{self.name} was changed while it was uploaded: the map was made smaller"
            )
        self._check_file_size()
        raise failure

    async def look(self) -> None:
        """Look whether the file has become shorter; see ``Source.look``."""
        await asyncio.get_running_loop().run_in_executor(self._lane, self._check_file_size)

    async def check_unchanged(self) -> None:
        """Look whether the file has become shorter: nobody sees its times."""
        await self.look()

    def _check_file_size(self) -> None:
        with caller_code(f"cannot look at {self.name} again"):
            now = _file_size(self._map)
        if now is not None and self._file_size is not None and now < self._file_size:
            raise SourceChangedError(
                f"{self.name} was changed while it was uploaded: its file shrank from "
                f"{self._file_size} to {now} bytes"
            )


@asynccontextmanager
async def open_mapped(
    name: str, data: mmap.mmap | memoryview, mapped: mmap.mmap, threads: Threads
) -> AsyncGenerator[MappedSource]:
    """Use a map for the ``async with`` block.

    Args:
        name: What to call it to a person.
        data: The map, or a view of a part of it.
        mapped: The map.
        threads: Where it is read.

    Raises:
        SourceError: It is closed, or empty from where it stands, or its file is shorter than it.
    """
    async with lane_of(threads) as lane:
        yield await lane.run(_measured, name, data, mapped, lane)


def _measured(
    name: str, data: mmap.mmap | memoryview, mapped: mmap.mmap, lane: Lane
) -> MappedSource:
    try:
        start = data.tell() if isinstance(data, mmap.mmap) else 0
        with memoryview(data) as given, given.cast("B") as octets:
            size = len(octets)
        file_size, needed = _file_size(mapped), len(mapped)
    except (TypeError, ValueError) as error:
        failure = _unreadable(name, error)
    else:
        if start >= size:
            advice = " from where it stands; seek(0) first?" if start else ""
            raise SourceError(f"{name} is empty{advice}")
        if file_size is not None and file_size < needed:
            raise SourceError(
                f"cannot read {name}: its file has {file_size} bytes, fewer than the {needed} that "
                "are mapped; was it cut short? Pass its path"
            )
        return MappedSource(name, size - start, data, mapped, start, file_size, lane)
    raise failure


def _file_size(mapped: mmap.mmap) -> int | None:
    """Return how many bytes the file of a map has now; None: it has none, or keeps none open.

    Raises:
        ValueError: The map is closed.
    """
    try:
        size = mapped.size()
    except OSError:
        return None
    except ValueError:
        if mapped.closed:
            raise
        return None  # since 3.13 a map need not keep its file open
    return size if size >= 0 else None


def _unreadable(name: str, error: OSError | TypeError | ValueError) -> SourceError:
    problem = str(error)  # closed; released; not contiguous
    if isinstance(error, OSError):
        problem = (error.strerror or type(error).__name__).lower()
        if error.errno == errno.EFAULT:
            problem = "a page of it is not there; was its file cut short? Pass its path"
    failure = SourceError(f"cannot read {name}: {problem}")
    failure.lacks_descriptors = failure.retryable = are_lacking(error)
    return failure


def _copy(piece: memoryview, view: memoryview) -> int:
    """Copy what is mapped, at least some of it; the system does, where it can.

    Raises:
        OSError: There is no such page, or there are too few file descriptors.
    """
    if not hasattr(os, "readv"):  # Windows, where no file is cut short that is mapped
        view[: len(piece)] = piece
        return len(piece)
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        count = 0
        while count < len(piece):
            try:
                written = os.write(writing, piece[count : count + PIPED])
            except OSError:
                if not count:
                    raise
                break  # the next read begins there, and says so
            count += _drain(reading, view[count : count + written])
    finally:
        os.close(reading)
        os.close(writing)
    return count


def _drain(reading: int, view: memoryview) -> int:
    """Read as many bytes from a pipe as there are known to be."""
    count = 0
    while count < len(view):
        count += os.readv(reading, [view[count:]])
    return count
