"""What is open in this process, and what is locked."""

import fcntl
from pathlib import Path


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def is_free(entry: Path) -> bool:
    """Whether nobody has the lock on an entry of a journal."""
    with entry.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
