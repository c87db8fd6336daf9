"""Blocking reads of an open file at any offset, for a thread."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

CAN_READ_CACHE = hasattr(os, "RWF_NOWAIT")

AHEAD_BYTES = 4 * 1024 * 1024
"""Bytes that Linux is asked to fetch once it has to fetch at all. What follows is in the page cache
then; a read that finds nothing there begins to fetch it before it says so, and that takes the event
loop up to tens of milliseconds."""


class Descriptor(Protocol):
    """An open file; to hold it is to keep its descriptor from being closed or used again."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


ReadInto = Callable[[Descriptor, memoryview, int], int]
"""``(file, view, offset) -> bytes read``; blocking; 0 at the end of the file."""


def read_positioned(file: Descriptor, view: memoryview, offset: int) -> int:
    """Read where the system can read at an offset."""
    if CAN_READ_CACHE:
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), offset, AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
    return os.preadv(file.fileno(), [view], offset)


_seeking = threading.Lock()


def read_seeking(file: Descriptor, view: memoryview, offset: int) -> int:
    """Read where it cannot: seek, then read, one reader at a time."""
    with _seeking:
        os.lseek(file.fileno(), offset, os.SEEK_SET)
        data = os.read(file.fileno(), len(view))
    view[: len(data)] = data
    return len(data)


BEST_READ: ReadInto = read_positioned if hasattr(os, "preadv") else read_seeking
