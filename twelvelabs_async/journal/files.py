"""The journal in files: one for each key, in the user's own directory, for processes of one host.

Everything that blocks is in ``_log_file``, and is done in threads that all journals share. Each
entry has a lane of them: calls about its file are made one at a time, in order, and no file is
closed while a thread uses it. Appends that come while the disk is busy share the next sync. Where
the disk hangs, a call that is cancelled is left to its thread after ``lanes.GRACE`` seconds. It may
be carried out later, but never after a call that was made later, nor after the lease has ended.
"""

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

from attrs import Factory, define, field

from twelvelabs_async._core import clock
from twelvelabs_async._core.descriptors import are_lacking
from twelvelabs_async._core.lanes import Lane
from twelvelabs_async._core.new_thread import NoThreadError
from twelvelabs_async._core.tasks import done_within
from twelvelabs_async._core.threads import Threads
from twelvelabs_async.errors import ConfigurationError, JournalError
from twelvelabs_async.journal import _safe_files
from twelvelabs_async.journal._disk import Disk
from twelvelabs_async.journal._frames import frame
from twelvelabs_async.journal._log_file import SUFFIX, LogFile, lock_entry, purge, read_records
from twelvelabs_async.journal._safe_files import NotOursError
from twelvelabs_async.journal._state_directory import journal_directory
from twelvelabs_async.journal.protocol import lost

T = TypeVar("T")

_THREADS = Threads()
"""Shared by all journals: a program may well make one for each of many uploads."""

KEPT = timedelta(days=7)
"""How long an entry without an owner is kept at least; an upload session lives for 24 hours."""


_LASTING = frozenset({
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EEXIST,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOLCK,
    errno.ENOSYS,
    errno.ENOTDIR,
    errno.EOPNOTSUPP,
})  # fmt: skip
"""Failures that last: no permission, another file in the way, a file system without locks."""


@contextmanager
def _file_errors(path: Path) -> Generator[None]:
    """Raise an ``OSError`` about a file, and the lack of a thread, as a ``JournalError``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if not isinstance(error, NotOursError):  # the system's words begin with a capital
            reason = reason.lower()
        text = f"cannot keep the journal {path}: {reason}"
        failure = JournalError(text, retryable=error.errno not in _LASTING)
        failure.lacks_descriptors = are_lacking(error)
    except NoThreadError as error:
        failure = JournalError(f"cannot keep the journal {path}: {error}")
    else:
        return
    raise failure


@define(eq=False, repr=False)
class _Batch:
    """Records that are written together, and whether they were."""

    kept: asyncio.Future[bool]
    framed: list[bytes] = Factory(list[bytes])


@define(eq=False, repr=False)
class _LeasedEntry:
    """An entry that is leased to us: its file, and the records that wait for the disk."""

    owner: str
    log: LogFile
    _lane: Lane
    _next: _Batch | None = None
    _writing: int = 0

    async def append(self, framed: bytes) -> bool:
        """Write a record, with all others that come while the disk is busy; False: none of them.

        Cancelled while it waits for the disk, the record is never written. Cancelled while it is
        written, this ends when it is, or when the disk hangs.
        """
        batch = self._next = self._next or _Batch(asyncio.get_running_loop().create_future())
        batch.framed.append(framed)
        if not self._writing:
            self._write()
        try:
            await asyncio.wait({batch.kept})
        except asyncio.CancelledError:
            if batch is self._next:
                batch.framed.remove(framed)
            else:
                with suppress(asyncio.CancelledError):  # the first one is raised
                    self._lane.given_up = not await done_within(batch.kept, self._lane.grace)
            raise
        return batch.kept.result()

    def _write(self) -> None:
        """Start to write the next batch, after all earlier calls."""
        batch, self._next = self._next, None
        if batch is None or not batch.framed:
            return
        loop, framed = asyncio.get_running_loop(), b"".join(batch.framed)
        call = loop.run_in_executor(self._lane.alone, self.log.append, framed)
        self._writing += 1
        call.add_done_callback(partial(self._written, batch))

    def _written(self, batch: _Batch, call: asyncio.Future[bool]) -> None:
        self._writing -= 1
        failure = call.exception()
        if failure is None:
            batch.kept.set_result(call.result())
        else:
            batch.kept.set_exception(failure)
            batch.kept.exception()  # retrieved, for all who wait may be cancelled
        if not self._writing:
            self._write()

    async def run(self, work: Callable[[], T]) -> T:
        """Run what needs the file in a thread, after all earlier calls."""
        self._write()
        return await _finished(self._lane, work)

    async def close(self) -> None:
        """Close the file, after all earlier calls."""
        self._write()
        await self._lane.leave()


async def _finished(lane: Lane, work: Callable[..., T], *args: object) -> T:
    call = asyncio.get_running_loop().run_in_executor(lane.alone, work, *args)
    return await lane.finish(call)


@define(eq=False)
class FileJournal:
    """A journal in a directory, for the processes of one host.

    A lease is a lock of the operating system: it ends with its process, however that ends, or when
    it is released. So ``seconds`` has no meaning here. It is lost only if the file is removed. A
    forked child has none of its parent's leases, and does not keep them alive. An entry without an
    owner is kept for at least seven days after it was last leased or written, and removed at some
    later lease of another one. Use a journal on one event loop.

    Args:
        directory: Where to keep the files; it is made when it is needed, for this user only. It
            should be on a disk of this host: network file systems may not lock reliably. None:
            ``twelvelabs_async`` in the user's state directory, which is ``$XDG_STATE_HOME``, else
            ``~/.local/state``, and ``~/Library/Application Support`` on macOS.

    Raises:
        ConfigurationError: This system, such as Windows, has no ``flock``.
    """

    directory: Path = field(default=None, converter=journal_directory)
    _disk: Disk = field(factory=Disk, kw_only=True, alias="disk")
    _own: dict[str, _LeasedEntry] = field(factory=dict[str, _LeasedEntry], init=False)
    _process: int = field(factory=os.getpid, init=False)
    _chance: Random = field(factory=Random, init=False)

    def __attrs_post_init__(self) -> None:
        if not _safe_files.CAN_LOCK:
            raise ConfigurationError(
                "this system cannot lock files as FileJournal needs it: pass a journal of your own"
            )

    @property
    def _holds(self) -> dict[str, _LeasedEntry]:
        """The entries that are leased to us; a forked child has none of its parent's."""
        if self._process != os.getpid():
            self._process, self._own = os.getpid(), {}
        return self._own

    def path(self, key: str) -> Path:
        """Return the file of ``key``."""
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self.directory / f"{name}{SUFFIX}"

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        """Lock the file, or keep it locked; see ``Journal.acquire``."""
        if await self.renew(key, owner, seconds):
            return None
        return await self._take(key, owner)

    async def renew(self, key: str, owner: str, seconds: float) -> bool:  # noqa: ARG002
        """Return whether the file is still locked for us; see ``Journal.renew``."""
        hold = self._mine(key, owner)
        if hold is None:
            return False
        with _file_errors(hold.log.path):
            return await hold.run(hold.log.in_place)

    async def release(self, key: str, owner: str) -> None:
        """Unlock the file; see ``Journal.release``."""
        hold = self._mine(key, owner)
        if hold is not None:
            del self._holds[key]
            await hold.close()

    async def read(self, key: str) -> Sequence[bytes]:
        """Return the records; see ``Journal.read``."""
        hold, path = self._holds.get(key), self.path(key)
        look = partial(read_records, path)
        with _file_errors(path):
            return await (hold.run(look) if hold else _THREADS.run(look))

    async def append(self, key: str, owner: str, record: bytes) -> None:
        """Add a record; see ``Journal.append``."""
        hold = self._mine(key, owner)
        with _file_errors(self.path(key)):
            if hold is None or not await hold.append(frame(record)):
                raise lost(key, owner)

    async def clear(self, key: str, owner: str) -> None:
        """Remove the records; see ``Journal.clear``."""
        hold = self._mine(key, owner)
        with _file_errors(self.path(key)):
            if hold is None or not await hold.run(hold.log.clear):
                raise lost(key, owner)

    def _mine(self, key: str, owner: str) -> _LeasedEntry | None:
        hold = self._holds.get(key)
        return hold if hold is not None and hold.owner == owner else None

    async def _take(self, key: str, owner: str) -> str | None:
        lane = _THREADS.lane()
        taken: LogFile | str = ""
        try:
            with _file_errors(self.path(key)):
                taken = await _finished(lane, self._lock_entry, key, owner, clock.utcnow() - KEPT)
        finally:
            if not isinstance(taken, LogFile):
                await lane.leave()
        if isinstance(taken, str):
            return taken
        replaced = self._holds.get(key)  # another owner here, whose file was removed
        self._holds[key] = _LeasedEntry(owner, taken, lane)
        if replaced is not None:
            await replaced.close()
        return None

    def _lock_entry(self, key: str, owner: str, kept: datetime) -> LogFile | str:
        """Lock a file, and remove old ones; in a thread."""
        taken = lock_entry(self.path(key), owner, self._disk)
        if not isinstance(taken, str):
            purge(self.directory, kept.timestamp(), self._chance)
        return taken
