"""The file of one entry of the journal: locked, appended to, and read up to what is torn.

A file has a header of ``HEADER`` bytes, in which its holder tells its name, and then records:
``crc32 length record newline``, a text where the record is one. A record counts only if it stands
there to the last byte exactly as it was written, and only if all before it count, so a cut at any
byte and damage to any byte leave a shorter journal, and never a wrong one.

The lock is ``flock`` on the file itself. It belongs to the open file, so it dies with the process
(a child that was forked meanwhile, without starting another program, keeps it), and two openings
within one process exclude each other as well. What is written goes to the file that was locked
and never to one that was put in its place, so somebody who lost the lock can do no harm.

Everything here blocks: it is for threads, one at a time for each file.
"""

import errno
import io
import os
import re
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path

from attrs import define, field, frozen

if sys.platform != "win32":
    import fcntl

CAN_LOCK = sys.platform != "win32"

SUFFIX = ".journal"

HEADER = 512
"""Bytes before the first record: a sector, so that no write of a header can tear a record."""

PURGE_LOOKS = 100
"""Files that one purge looks at; each leaves the directory or will, so all get their turn."""

_TRIES = 10
_FRAME = re.compile(rb"[0-9a-f]{8} ([0-9]{1,12}) ")


_SYNC = getattr(os, "fdatasync", os.fsync)


@frozen(eq=False, repr=False)
class Disk:
    """The system calls that change what survives; a test puts others here, to count or to fail.

    On macOS ``fsync`` does not empty the drive's own cache: what was appended survives the end of
    the process and of the system, but perhaps not of the power.
    """

    write: Callable[[int, bytes], int] = os.write
    truncate: Callable[[int, int], None] = os.ftruncate
    sync: Callable[[int], None] = _SYNC
    sync_directory: Callable[[int], None] = os.fsync


def frame(record: bytes) -> bytes:
    """Return what stands in the file for ``record``."""
    return b"%08x %d %b\n" % (zlib.crc32(record), len(record), record)


def whole_records(data: bytes) -> tuple[list[bytes], int]:
    """Return the records of a file, and where the last whole one ends (bytes from the start)."""
    records, at = list[bytes](), HEADER
    while match := _FRAME.match(data, at):
        record = data[match.end() : match.end() + int(match[1])]
        framed = frame(record)
        if not data.startswith(framed, at):
            break
        records.append(record)
        at += len(framed)
    return records, at


def read_records(path: Path) -> list[bytes]:
    """Return the records of a file; none where there is no file."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return whole_records(data)[0]


@define(eq=False, repr=False)
class LogFile:
    """A file that is ours as long as it is open; made by ``take``."""

    path: Path
    _file: io.FileIO
    _disk: Disk
    _end: int = field(init=False)  # of the last whole record
    _torn: bool = True  # whether there may be anything behind it
    _entered: bool = False  # whether the directory is known to name the file, come what may

    def __attrs_post_init__(self) -> None:
        self._file.seek(0)
        self._end = whole_records(self._file.readall())[1]

    def in_place(self) -> bool:
        """Whether the path still leads to this file, so that nobody else can have the entry."""
        return _leads_to(self.path, self._file)

    def tell(self, owner: str) -> None:
        """Write down who has the file; nothing depends on it, so it is not synced."""
        name = owner.encode("utf-8", "backslashreplace")[: HEADER - 1]
        self._write(0, name.ljust(HEADER - 1) + b"\n")

    def append(self, framed: bytes) -> bool:
        """Add framed records, for good; False: the file is not in its place, and nothing is done.

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
            self._enter()
        except OSError:
            with suppress(OSError):
                self._mend()  # now, for who reads; at the next record again, if this fails
            raise
        self._end += len(framed)
        self._torn = False
        return True

    def clear(self) -> bool:
        """Forget the records, for good; False: the file is not in its place, as above."""
        if not self.in_place():
            return False
        self._disk.truncate(self._file.fileno(), HEADER)
        self._end = HEADER
        self._disk.sync(self._file.fileno())
        return True

    def close(self) -> None:
        """Give the file back; where it has no records, it goes."""
        with self._file, suppress(OSError):  # the lock is given back whatever happens
            self._leave()

    def _leave(self) -> None:
        if self._end > HEADER:
            self.tell("")
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

    def _enter(self) -> None:
        if not self._entered:
            _sync_directory(self.path.parent, self._disk)
            self._entered = True


def take(path: Path, owner: str, disk: Disk) -> LogFile | str:
    """Lock the file at ``path``, which need not be there; who has it, where somebody has.

    Raises:
        OSError: It cannot be made, opened, locked or written.
    """
    _make_directory(path.parent, disk)
    for _ in range(_TRIES):
        with ExitStack() as stack:
            file = stack.enter_context(_open(path))
            if not _locked(file):
                return _told(file)
            if _leads_to(path, file):  # whoever had it may have removed it before we locked it
                log = LogFile(path, file, disk)
                log.tell(owner)
                stack.pop_all()
                return log
    raise OSError(errno.EBUSY, "It is replaced all the time")


def purge(directory: Path, before: float) -> None:
    """Remove files of nobody that were last written before a time (seconds of the epoch)."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in list(islice(entries, PURGE_LOOKS)):
            with suppress(OSError):
                if entry.name.endswith(SUFFIX) and entry.stat().st_mtime < before:
                    _remove(Path(entry.path), before)


def _remove(path: Path, before: float) -> None:
    with path.open("r+b", buffering=0) as file:
        if _locked(file) and os.fstat(file.fileno()).st_mtime < before and _leads_to(path, file):
            path.unlink()


def _open(path: Path) -> io.FileIO:
    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_CREAT, 0o600)

    return open(path, "r+b", buffering=0, opener=opener)


def _locked(file: io.FileIO) -> bool:
    """Lock a file unless somebody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(file: io.FileIO) -> str:
    file.seek(0)
    return file.read(HEADER).rstrip(b" \n\0").decode("utf-8", "replace")


def _leads_to(path: Path, file: io.FileIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _make_directory(directory: Path, disk: Disk) -> None:
    """Make a directory, and those above it, for nobody else's eyes."""
    if directory.is_dir():
        return
    _make_directory(directory.parent, disk)
    with suppress(FileExistsError):  # somebody was faster; or it is a file, as will be told
        directory.mkdir(0o700)
    _sync_directory(directory.parent, disk)


def _sync_directory(directory: Path, disk: Disk) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        disk.sync_directory(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems do not know how
            raise
    finally:
        os.close(descriptor)
