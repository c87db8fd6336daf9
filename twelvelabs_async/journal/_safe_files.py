"""Open and lock files in directories to which others may write, and that children may inherit.

The lock is ``flock`` on the file itself. It belongs to the open file, so it ends with the process,
and two open files of one process exclude each other as well. A child that is forked shares the open
file, and would keep the lock: it closes its copy at once and never unlocks, and the process that
has locked unlocks before it closes.

Other users may be able to write to the directory, as to ``/tmp``, and may keep files of their own
in it. So no link is followed, and a file is used only if it is a regular one, of this user, under
one name, closed to others, and begins as a journal does. No other file is ever written or removed.
"""

import errno
import io
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from attrs import Factory, define

from twelvelabs_async.journal._frames import HEADER, may_be_journal

if sys.platform != "win32":
    import fcntl

CAN_LOCK = sys.platform != "win32"

_OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotOursError(OSError):
    """A file or a directory is not one that a journal may use; the text says why."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EPERM, why)


@define(eq=False, repr=False)
class _Shared:
    """The open files that a child would share if one were forked now.

    Attributes:
        files: The open files that may be locked.
        forks: How many children were forked, or are about to be.
    """

    files: WeakSet[io.FileIO] = Factory(WeakSet[io.FileIO])
    forks: int = 0

    def open(self, path: Path, flags: int) -> io.FileIO:
        """Open a file to be locked, so that no child keeps a copy of it.

        A child that is forked before the file is in ``files`` keeps a copy. So that file is never
        locked: it is closed, and opened again.
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
        """Note, in the parent, that a child is about to be forked."""
        self.forks += 1

    def close_copies(self) -> None:
        """Close, in the child, what belongs to the parent, whose locks stay as they are."""
        for file in tuple(self.files):
            with suppress(OSError):
                file.close()


_shared = _Shared()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_shared.about_to_fork, after_in_child=_shared.close_copies)


def open_entry(path: Path, *, create: bool = False) -> io.FileIO:
    """Open the file of an entry; with ``create``, make it if it is not there.

    Raises:
        NotOursError: It is not a file that a journal may use.
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
    """Refuse a directory in which another user can exchange our files."""
    status = directory.stat()
    if status.st_uid not in {os.geteuid(), 0}:
        raise NotOursError(f"{directory} belongs to another user")
    if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
        raise NotOursError(f"others may write to {directory}: chmod go-w helps")


def _check_file(file: io.FileIO) -> None:
    """Refuse a file that another user may have put there, or that is not a journal."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise NotOursError("it is not a regular file")
    if status.st_uid != os.geteuid():
        raise NotOursError("it belongs to another user")
    if status.st_nlink > 1:
        raise NotOursError("it has a second name")
    if status.st_mode & _OTHERS_WRITE:
        raise NotOursError("others may write to it: chmod go-w helps")
    if not may_be_journal(os.pread(file.fileno(), HEADER, 0)):
        raise NotOursError("it is something else than a journal")


def lock(file: io.FileIO) -> bool:
    """Lock a file; return False where another open file has the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def leads_to(path: Path, file: io.FileIO) -> bool:
    """Whether ``path`` names this very file, and not another one in its place."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def unlock(file: io.FileIO) -> None:
    """Give up the lock on a file."""
    fcntl.flock(file, fcntl.LOCK_UN)
