"""Start a thread, and say in our own words that the system gives this process no more of them."""

import threading
from collections.abc import Callable

from twelvelabs_async.errors import SourceError

NO_MORE_THREADS = "the system lets this process start no more threads"


class NoThreadError(SourceError):
    """There is no thread to read or hash with, and none could be started; later there may be."""

    def __init__(self) -> None:
        super().__init__(NO_MORE_THREADS, retryable=True)


def can_start(target: Callable[[], object], name: str) -> bool:
    """Start a daemon thread; return whether the system gave one."""
    try:
        threading.Thread(target=target, name=name, daemon=True).start()
    except RuntimeError:
        return False
    return True


def is_lack_of_threads(error: object) -> bool:
    """Whether Python could start no thread, as to resolve a host name."""
    return isinstance(error, RuntimeError) and "start new thread" in str(error)
