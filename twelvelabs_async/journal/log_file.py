"""The file of one entry of the journal: locked, appended to, and read up to what is torn.

A file has a header of ``HEADER`` bytes, in which its holder tells its name, and then records:
``crc32 length record newline``, a text where the record is one. A record counts only if it stands
there to the last byte exactly as it was written, and only if all before it count, so a cut at any
byte and damage to any byte leave a shorter journal, and never a wrong one.

The lock is ``flock`` on the file itself. It belongs to the open file, so it dies with the process,
and two openings within one process exclude each other as well. A child that is forked shares the
open file, and would keep the lock: it closes its copy at once and never unlocks, and the process
that has locked unlocks before it closes. What is written goes to the file that was locked and
never to one that was put in its place, so somebody who lost the lock can do no harm.

Others may be able to write to the directory, as to ``/tmp``, and may keep files of their own in it.
So no link is followed, and a file is used only if it is a regular one, of this user, under one
name, closed to others, and begins as a journal does. Nothing else is ever written to or removed.

Everything here blocks: it is for threads, one at a time for each file.
"""

import errno
import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from weakref import WeakSet

from attrs import Factory, define, field, frozen

if sys.platform != "win32":
    import fcntl

CAN_LOCK = sys.platform != "win32"

SUFFIX = ".journal"

HEADER = 512
"""Bytes before the first record: a sector, so that no write of a header can tear a record."""

PURGE_LOOKS = 100
"""Files that one purge looks at; each leaves the directory or will, so all get their turn."""

_TRIES = 10
_NAME = re.compile(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}")
_FRAME = re.compile(rb"[0-9a-f]{8} ([0-9]{1,12}) ")
LONGEST_FRAME_START = 22
"""Bytes that ``_FRAME`` matches at most."""

_HEADER = re.compile(rb"[^\x00-\x1f\x7f]{%d}\n" % (HEADER - 1))
_TORN_HEADER = re.compile(rb"[^\x00-\x1f\x7f]*\x00*")
"""What a crash may leave of a header: its beginning, or zeros where the disk never got it."""

_OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotOursError(OSError):
    """A file or a directory is not one that a journal may use; the text says why."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EPERM, why)


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
    """Return the records of a file; none where there is no file.

    Raises:
        NotOursError: It is not a file that a journal may use.
    """
    try:
        with _open(path) as file:
            return whole_records(file.readall())[0]
    except FileNotFoundError:
        return []


@define(eq=False, repr=False)
class _Shared:
    """The files that a child, if one is forked now, shares with us.

    Attributes:
        files: Those that may be locked.
        forks: How many children were forked, or are about to be.
    """

    files: WeakSet[io.FileIO] = Factory(WeakSet[io.FileIO])
    forks: int = 0

    def open(self, path: Path, flags: int) -> io.FileIO:
        """Open a file to be locked, so that no child keeps a copy of it.

        A child that is forked before the file is in the books keeps one. So that file is never
        locked, and another one is opened.
        """

        def opener(name: str, _: int) -> int:
            return os.open(name, flags, 0o600)

        while True:
            forks = self.forks
            file = open(path, "r+b", buffering=0, opener=opener)  # noqa: SIM115 - the caller's
            self.files.add(file)
            if forks == self.forks:
                return file
            file.close()

    def about_to_fork(self) -> None:
        """Note in the parent that a child is forked."""
        self.forks += 1

    def close_copies(self) -> None:
        """Close in the child what belongs to the parent; that leaves the parent's locks alone."""
        for file in tuple(self.files):
            with suppress(OSError):
                file.close()


_shared = _Shared()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_shared.about_to_fork, after_in_child=_shared.close_copies)


@define(eq=False, repr=False)
class LogFile:
    """A file that is ours as long as it is open; made by ``take``. In a forked child it is not."""

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
        return not self._file.closed and _leads_to(self.path, self._file)

    def tell(self, owner: str) -> None:
        """Write down who has the file; nothing depends on it, so it is not synced."""
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in owner)
        name = shown.encode()[: HEADER - 1]
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
            try:
                self._leave()
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

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
            file = stack.enter_context(_open(path, create=True))
            if not _locked(file):
                return _told(file)
            if _leads_to(path, file):  # whoever had it may have removed it before we locked it
                log = LogFile(path, file, disk)
                log.tell(owner)
                stack.pop_all()
                return log
    raise OSError(errno.EBUSY, "It is replaced all the time")


def purge(directory: Path, before: float) -> None:
    """Remove entries of nobody that were last written before a time (seconds of the epoch)."""
    with suppress(OSError), os.scandir(directory) as entries:
        named = (entry for entry in entries if _NAME.fullmatch(entry.name))
        for entry in list(islice(named, PURGE_LOOKS)):
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    _remove(Path(entry.path), before)


def _remove(path: Path, before: float) -> None:
    with _open(path) as file:
        if not _surely_ours(os.pread(file.fileno(), HEADER + LONGEST_FRAME_START, 0)):
            return
        if _locked(file) and os.fstat(file.fileno()).st_mtime < before and _leads_to(path, file):
            path.unlink()


def _surely_ours(head: bytes) -> bool:
    """Whether a file that begins like this, under the name of an entry, can be nothing else."""
    if not head:  # the end of its process came between the file and its header
        return True
    records = _FRAME.match(head, HEADER) is not None or len(head) == HEADER
    return _HEADER.match(head) is not None and records


def _open(path: Path, *, create: bool = False) -> io.FileIO:
    """Open the file of an entry.

    Raises:
        NotOursError: It is not one that a journal may use.
    """
    _check_directory(path.parent)
    flags = _OPEN | (os.O_CREAT if create else 0)
    try:
        file = _shared.open(path, flags)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise NotOursError("it is a symbolic link") from None
    try:
        _check_file(file)
    except BaseException:
        file.close()
        raise
    return file


def _check_directory(directory: Path) -> None:
    """Refuse a directory in which somebody else can exchange our files."""
    status = directory.stat()
    if status.st_uid not in {os.geteuid(), 0}:
        raise NotOursError(f"{directory} belongs to another user")
    if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
        raise NotOursError(f"others may write to {directory}: chmod go-w helps")


def _check_file(file: io.FileIO) -> None:
    """Refuse a file that somebody else has put there, or that is something else."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise NotOursError("it is not a regular file")
    if status.st_uid != os.geteuid():
        raise NotOursError("it belongs to another user")
    if status.st_nlink > 1:
        raise NotOursError("it has a second name")
    if status.st_mode & _OTHERS_WRITE:
        raise NotOursError("others may write to it: chmod go-w helps")
    head = os.pread(file.fileno(), HEADER, 0)
    if not _HEADER.fullmatch(head) and not _TORN_HEADER.fullmatch(head):
        raise NotOursError("it is something else than a journal")


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
        return os.path.samestat(path.lstat(), os.fstat(file.fileno()))
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
