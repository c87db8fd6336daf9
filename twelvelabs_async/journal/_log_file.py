"""The file of one entry of the journal: locked, appended to, and read up to what is torn.

Everything here blocks: it is for threads, one at a time for each file.
"""

import errno
import io
import os
import re
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from random import Random

from attrs import define, field

from twelvelabs_async.journal._disk import Disk, make_directory, sync_directory
from twelvelabs_async.journal._frames import (
    HEADER,
    LONGEST_FRAME_START,
    header,
    is_surely_journal,
    owner_of,
    whole_records,
)
from twelvelabs_async.journal._safe_files import leads_to, lock, open_entry, unlock

SUFFIX = ".journal"

PURGE_LOOKS = 100
"""Files that one purge looks at, at most: they are drawn from the names that it has read."""

PURGE_NAMES = 1000
"""Names that a purge reads, which takes about a millisecond; one purge in two reads twice as many
at least, one in four four times as many, and so on. So no file is out of reach for ever."""

_TRIES = 10
_NAME = re.compile(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}")


def read_records(path: Path) -> list[bytes]:
    """Return the records of a file; none where there is no file.

    Raises:
        NotOursError: It is not a file that a journal may use.
    """
    try:
        with open_entry(path) as file:
            return whole_records(file.readall())[0]
    except FileNotFoundError:
        return []


@define(eq=False, repr=False)
class LogFile:
    """A file that is locked for us until it is closed; ``lock_entry`` makes it.

    A forked child does not have it. Records go to the file that was locked, and never to one that
    was put in its place: a process that lost the lock can do no harm.
    """

    path: Path
    _file: io.FileIO
    _disk: Disk
    _end: int = field(init=False)  # of the last whole record
    _torn: bool = field(default=True, init=False)  # whether there may be anything behind it
    _named: bool = field(
        default=False, init=False
    )  # whether the directory surely names the file after a crash

    def __attrs_post_init__(self) -> None:
        self._file.seek(0)
        self._end = whole_records(self._file.readall())[1]

    def in_place(self) -> bool:
        """Whether the path still leads to this file; if so, no other process has the entry."""
        return not self._file.closed and leads_to(self.path, self._file)

    def write_owner(self, owner: str) -> None:
        """Write the owner's name, for others to read; it need not survive, and is not synced."""
        self._write(0, header(owner))

    def append(self, framed: bytes) -> bool:
        """Add framed records, on the disk; False: the path leads elsewhere, nothing was added.

        Raises:
            OSError: The disk is full, or fails; none of the records stays.
        """
        if not self.in_place():
            return False
        self._mend()
        self._torn = True
        try:
            self._write(self._end, framed)
            self._disk.sync(self._file.fileno())
            self._sync_name()
        except OSError:
            with suppress(OSError):
                self._mend()  # for those who read now; if it fails, the next append mends again
            raise
        self._end += len(framed)
        self._torn = False
        return True

    def clear(self) -> bool:
        """Remove all records, on the disk; False: the path leads elsewhere, nothing was removed."""
        if not self.in_place():
            return False
        self._disk.truncate(self._file.fileno(), HEADER)
        self._end = HEADER
        self._disk.sync(self._file.fileno())
        return True

    def close(self) -> None:
        """Unlock the file, and remove it if it has no records."""
        with self._file, suppress(OSError):  # the lock is given back whatever happens
            try:
                self._put_in_order()
            finally:
                unlock(self._file)

    def _put_in_order(self) -> None:
        if self._end > HEADER:
            self.write_owner("")
        elif self.in_place():
            self.path.unlink()

    def _mend(self) -> None:
        if self._torn:
            self._disk.truncate(self._file.fileno(), self._end)
            self._torn = False

    def _write(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        while data:
            count = self._disk.write(self._file.fileno(), data)
            if not count:
                raise OSError(errno.EIO, "The disk takes nothing")
            data = data[count:]

    def _sync_name(self) -> None:
        if not self._named:
            sync_directory(self.path.parent, self._disk)
            self._named = True


def lock_entry(path: Path, owner: str, disk: Disk) -> LogFile | str:
    """Lock the file at ``path``, which is made if it is not there.

    Returns:
        The locked file; or, where another one has it, the name of its owner, perhaps empty.

    Raises:
        OSError: It cannot be made, opened, locked or written.
    """
    make_directory(path.parent, disk)
    for _ in range(_TRIES):
        with ExitStack() as stack:
            file = stack.enter_context(open_entry(path, create=True))
            if not lock(file):
                return owner_of(os.pread(file.fileno(), HEADER, 0))
            if leads_to(path, file):  # its last owner may have removed it before we had the lock
                log = LogFile(path, file, disk)
                log.write_owner(owner)
                stack.pop_all()
                return log
    raise OSError(errno.EBUSY, "It is replaced all the time")


def purge(directory: Path, before: float, chance: Random) -> None:
    """Remove entries without an owner that were last written before a time.

    Each purge looks at some, which are drawn: a directory has more of them than may be looked at
    whenever one is leased, and those that are listed first may all be young.

    Args:
        directory: Where the entries are.
        before: The time, in seconds since the epoch.
        chance: Draws.
    """
    with suppress(OSError), os.scandir(directory) as entries:
        reach = int(PURGE_NAMES / (1 - chance.random()))
        listed = list(islice(entries, reach))
        for entry in chance.sample(listed, min(PURGE_LOOKS, len(listed))):
            with suppress(OSError):
                if _is_old(entry, before):
                    _remove(Path(entry.path), before)


def _is_old(entry: "os.DirEntry[str]", before: float) -> bool:
    named = _NAME.fullmatch(entry.name) is not None
    return named and entry.stat(follow_symlinks=False).st_mtime < before


def _remove(path: Path, before: float) -> None:
    with open_entry(path) as file:
        if not is_surely_journal(os.pread(file.fileno(), HEADER + LONGEST_FRAME_START, 0)):
            return
        if lock(file) and os.fstat(file.fileno()).st_mtime < before and leads_to(path, file):
            path.unlink()
