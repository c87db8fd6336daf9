"""Children that are forked while a test runs, and a process that forks one and waits to be killed.

As a script, with a journal's directory and a key: it takes the lease, forks a child by
``multiprocessing``, tells the child's process id, and stays.
"""

import asyncio
import multiprocessing
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager

from attrs import frozen

from twelvelabs_async import FileJournal


@frozen
class Child:
    """A process that was forked.

    Attributes:
        pid: Its process id.
        end: A descriptor; when it is closed, the child ends.
    """

    pid: int
    end: int


@contextmanager
def forked(work: Callable[[], object] = bool) -> Generator[Child, None, None]:
    """Fork a child that works and then stays until the block ends; it must not have failed."""
    done, ready = os.pipe()
    stay, end = os.pipe()
    with warnings.catch_warnings():  # Python 3.12 warns of threads, which the child does not need
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        _be_the_child(work, ready, stay, end)
    os.close(ready)
    os.close(stay)
    try:
        assert os.read(done, 1) == b"+", "the child has failed; its traceback is on standard error"
        yield Child(pid, end)
    finally:
        os.close(done)
        os.close(end)
        os.waitpid(pid, 0)


def _be_the_child(work: Callable[[], object], ready: int, stay: int, end: int) -> None:
    try:
        os.close(end)
        work()
        os.write(ready, b"+")
        os.read(stay, 1)
    except BaseException:  # noqa: BLE001 - whatever it was, it is told, and the child ends
        traceback.print_exc()
    finally:
        os._exit(0)


async def _hold(directory: str, key: str) -> None:
    journal = FileJournal(directory)
    assert await journal.acquire(key, "parent", 60) is None
    await journal.append(key, "parent", b"1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        multiprocessing.get_context("fork").Process(target=_tell_and_stay).start()
    await asyncio.Event().wait()


def _tell_and_stay() -> None:
    """Be the child: only now is it certain that it has closed its copies."""
    print(os.getpid(), flush=True)  # noqa: T201 - who has started this reads it
    time.sleep(600)  # until the test kills it; with an end, should the test be killed itself


if __name__ == "__main__":
    asyncio.run(_hold(*sys.argv[1:]))
