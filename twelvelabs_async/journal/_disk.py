"""The system calls that change what survives a crash, and directories made with them."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import frozen

_SYNC = getattr(os, "fdatasync", os.fsync)


@frozen(eq=False, repr=False)
class Disk:
    """The system calls of a journal; a test replaces them, to count them or to let them fail.

    On macOS ``fsync`` does not empty the drive's own cache: what was appended survives the end of
    the process and of the system, but perhaps not of the power.
    """

    write: Callable[[int, bytes], int] = os.write
    truncate: Callable[[int, int], None] = os.ftruncate
    sync: Callable[[int], None] = _SYNC
    sync_directory: Callable[[int], None] = os.fsync


def make_directory(directory: Path, disk: Disk) -> None:
    """Make a directory and its missing parents, closed to other users."""
    if directory.is_dir():
        return
    make_directory(directory.parent, disk)
    with suppress(FileExistsError):  # another process was faster; or it is a file: opening fails
        directory.mkdir(0o700)
    sync_directory(directory.parent, disk)


def sync_directory(directory: Path, disk: Disk) -> None:
    """Make sure that a directory names its files after a crash."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        disk.sync_directory(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems do not know how
            raise
    finally:
        os.close(descriptor)
