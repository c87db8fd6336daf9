"""The file on disk: opened in a thread, read in place at any offset, watched for change.

No copy, no seek that readers would share. On Linux, bytes that are in the page cache are read
inline (``RWF_NOWAIT`` never waits for a disk, and a thread would cost more than the read); all
else that may wait for a disk goes through aiofiles, in the client's own threads. **A read in a
thread outlives its cancellation**: it goes on writing into the buffer and using the descriptor, so
the buffer of a cancelled read is never used again and the file is closed only when its last read
has ended. Where a disk hangs, its thread does that, and nobody waits for it.
"""

import errno
import os
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiofiles
import aiofiles.os
from aiofiles.threadpool.binary import AsyncFileIO
from attrs import define

from twelvelabs_async._core.descriptors import are_lacking
from twelvelabs_async._core.lanes import Lane
from twelvelabs_async._core.threads import Threads, lane_of
from twelvelabs_async._upload.source.disk_reads import (
    BEST_READ,
    CAN_READ_CACHE,
    Descriptor,
    ReadInto,
)
from twelvelabs_async._upload.source.fingerprint import Fingerprint
from twelvelabs_async._upload.source.protocol import only_times_changed
from twelvelabs_async.errors import SourceChangedError, SourceError

_NOWAIT_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@define(eq=False, repr=False)
class FileSource:
    """A regular file, open for reading; made by ``open_source``.

    Attributes:
        path: Where it is.
        name: The path as the caller wrote it, for messages.
        version: How often its times were found to be others than before; see ``Source.look``.
    """

    path: Path
    name: str
    _file: Descriptor
    _fingerprint: Fingerprint
    _read: ReadInto
    _inline: bool
    _lane: Lane
    version: int = 0
    _suspect: bool = False
    """Whether some change of its times was not explained by one of its attributes."""
    _there: bool = True
    """Whether its path led to it when it was looked at last."""

    @property
    def size(self) -> int:
        """Bytes when the file was opened."""
        return self._fingerprint.size

    @property
    def identity(self) -> tuple[int, ...] | None:
        """Device, inode, and the times of the last changes; see ``Source.identity``."""
        found = self._fingerprint
        return found.device, found.inode, found.modified_ns, found.changed_ns

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes at ``offset``; see ``Source.read_into``."""
        try:
            count = self._read_cached(view, offset)
            if count is None:
                read = aiofiles.os.wrap(self._read)
                count = await read(self._file, view, offset, executor=self._lane)
        except OSError as error:
            failure = SourceError(f"cannot read {self.name}: {_os_text(error)}")
        else:
            if count:
                return count
            failure = SourceChangedError(
                f"{self.name} was changed while it was uploaded: it ends at {offset} bytes or "
                f"before, and had {self.size}"
            )
        raise failure

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Read bytes of the page cache; see ``Source.read_nowait``."""
        try:
            return self._read_cached(view, offset) or 0
        except OSError:
            return 0

    def _read_cached(self, view: memoryview, offset: int) -> int | None:
        """Read from the page cache; None when the bytes are not there, or the way is not known."""
        if not self._inline:
            return None
        try:
            return os.preadv(self._file.fileno(), [view], offset, os.RWF_NOWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in _NOWAIT_UNSUPPORTED:
                raise
            self._inline = False
            return None

    async def look(self) -> None:
        """Compare the open file, and what its path leads to, with what was seen last."""
        while True:
            version, now = self.version, await self._seen_again()
            if version == self.version:
                break  # else another look has seen other times, and this one may be the older
        self._compare(now)

    async def _seen_again(self) -> list[Fingerprint]:
        try:
            return await _look_again(self._file, self.path, executor=self._lane)
        except OSError as error:
            failure = SourceError(f"cannot look at {self.name} again: {_os_text(error)}")
        raise failure

    def _compare(self, now: list[Fingerprint]) -> None:
        for status in now:
            difference = self._fingerprint.difference(status)
            if difference:
                raise SourceChangedError(
                    f"{self.name} was changed while it was uploaded: {difference}"
                )
        latest, there = now[-1], len(now) > 1
        if latest != self._fingerprint:
            moved = there != self._there
            self._suspect = self._suspect or not self._fingerprint.is_explained(latest, moved=moved)
            self._fingerprint = latest
            self.version += 1
        self._there = there

    async def check_unchanged(self) -> None:
        """Compare the file with what was opened; see ``Source.check_unchanged``."""
        await self.look()
        if self._suspect:
            raise only_times_changed(self.name, "nothing of it can be compared")


@aiofiles.os.wrap
def _look_again(file: Descriptor, path: Path) -> list[Fingerprint]:
    found = [Fingerprint.of(os.fstat(file.fileno()))]
    # A file that is only removed is still whole in our hands, so that is no reason to fail.
    with suppress(FileNotFoundError):
        found.append(Fingerprint.of(path.stat()))
    return found


def absolute(path: Path) -> Path:
    """Return where ``path`` is now; as it is, where the working directory was removed.

    A path that waits for its turn must not follow a later ``chdir``.
    """
    try:
        return path.absolute()
    except OSError:
        return path


async def check_path(path: Path, name: str | None = None, *, threads: Threads) -> int:
    """Return the size of a file, and refuse what can never be uploaded, without opening it.

    Args:
        path: The file; absolute.
        name: What to call it in messages; None: its path.
        threads: Where to look at it.

    Raises:
        SourceError: The path does not exist, is no regular file, is empty, or cannot be seen.
    """
    name = str(path) if name is None else name
    _check_absolute(path, name)
    try:
        status = await aiofiles.os.stat(path, executor=threads.lane())
    except (OSError, ValueError) as error:
        failure = _unusable(name, error)
    else:
        _check_status(name, status)
        return status.st_size
    raise failure


@asynccontextmanager
async def open_source(
    path: Path,
    name: str | None = None,
    *,
    read: ReadInto = BEST_READ,
    inline: bool = CAN_READ_CACHE,
    threads: Threads | None = None,
) -> AsyncGenerator[FileSource]:
    """Open a file for the ``async with`` block; it is closed when its last read has ended.

    Where the disk hangs, the block is left after ``lanes.GRACE`` seconds all the same, and the
    thread closes the file when it can.

    Args:
        path: The file; absolute.
        name: What to call it in messages; None: its path.
        read: How a thread reads it.
        inline: Whether to try the page cache first, without a thread.
        threads: Where it is read; None: threads of its own.

    Raises:
        SourceError: It cannot be opened, is no regular file, or is empty.
    """
    name = str(path) if name is None else name
    _check_absolute(path, name)
    async with lane_of(threads or Threads()) as lane:
        file, status = await _open(path, name, lane)
        try:
            yield FileSource(path, name, file, Fingerprint.of(status), read, inline, lane)
        finally:
            await lane.within_grace(file.close())


async def _open(path: Path, name: str, lane: Lane) -> tuple[AsyncFileIO, os.stat_result]:
    """Open ``path``.

    All in one thread's turn, for many small files cost more in turns than in bytes.
    """
    found = list[os.stat_result]()

    def opener(_: str, flags: int) -> int:
        _check_status(name, path.stat())  # first: to open a named pipe would wait for a writer
        descriptor = os.open(path, flags)
        try:
            found.append(os.fstat(descriptor))
            _check_status(name, found[0])
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    try:
        # for the handle, too, which is closed when all reads have returned
        file = await aiofiles.open(path, "rb", buffering=0, opener=opener, executor=lane.alone)
    except (OSError, ValueError) as error:
        failure = _unusable(name, error)
    else:
        return file, found[0]
    raise failure


def _check_absolute(path: Path, name: str) -> None:
    if not path.is_absolute():
        raise SourceError(f"cannot find {name}: the working directory was removed")


def _unusable(name: str, error: OSError | ValueError) -> SourceError:
    failure = _refusal(name, error)
    failure.lacks_descriptors = failure.retryable = are_lacking(error)
    return failure


def _refusal(name: str, error: OSError | ValueError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(f"there is no file {name}")
    if isinstance(error, PermissionError):
        return SourceError(f"no permission to read {name}")
    text = _os_text(error) if isinstance(error, OSError) else str(error)
    return SourceError(f"cannot open {name!r}: {text}")


def _check_status(name: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise SourceError(f"{name} is a directory, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{name} is not a regular file")
    if status.st_size == 0:
        raise SourceError(f"{name} is empty")


def _os_text(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
