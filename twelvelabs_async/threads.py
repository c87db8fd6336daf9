"""Threads for calls that may wait for a disk: of a client's own, daemons, and shared fairly.

A call to a disk that hangs cannot be interrupted. So that one does no harm beyond the file that it
is about, these threads differ from those of ``concurrent.futures.ThreadPoolExecutor``:

* Each file has a ``Lane``. It gets a thread at once if none of its calls is running, and more of
  them only while few are busy in all, so a disk that hangs never keeps other files from being read.
* A call that is cancelled while it runs no longer counts: other calls get a thread in its place.
  Its own thread goes on until the call returns, and closes what the call has opened.
* The last call of a lane (``Lane.submit_last``) runs when all others have returned, however long
  that takes. It closes the file: a descriptor is never closed, and so never used again for another
  file, under a read that is still running.
* They are daemons: a program that has had enough ends, whatever its disks do.
"""

import os
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
T = TypeVar("T")

SHARED_THREADS = 6
"""Busy threads up to which a lane gets more than one."""

LANE_THREADS = 4
"""Threads that one lane gets at most."""

IDLE_SECONDS = 10.0
"""Seconds after which a thread without work ends."""

NAME = "twelvelabs-async disk"

Inbox = SimpleQueue["Call | None"]


class Call(Future[Any]):
    """A call in a lane, and what it comes to.

    Attributes:
        lane: Whose call it is.
        last: Whether it runs only when all others of its lane have returned.
        work: What is called.
        returned: Whether it has run.
        abandoned: Whether it was cancelled while it ran.
    """

    def __init__(self, lane: "Lane", work: Callable[[], Any], *, last: bool) -> None:
        super().__init__()
        self.lane = lane
        self.last = last
        self.work = work
        self.returned = False
        self.abandoned = False

    def cancel(self) -> bool:
        """Cancel the call if it waits; if it runs, let others have a thread in its place.

        asyncio calls this when the future that wraps the call was cancelled. So nobody will ever
        get the result, not even where there is one already.
        """
        cancelled = super().cancel()
        if not cancelled:
            self.lane.threads.abandon(self)
        return cancelled


class Lane(Executor):
    """The calls about one file; an executor, as ``aiofiles`` and ``run_in_executor`` take it."""

    def __init__(self, threads: "Threads") -> None:
        """Make a lane; ``Threads.lane`` does."""
        self.threads = threads

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have ``fn`` called in a thread."""
        return self.threads.start(Call(self, lambda: fn(*args, **kwargs), last=False))

    def submit_last(self, fn: Callable[[], T]) -> Future[T]:
        """Have ``fn`` called when all that was submitted before has returned."""
        return self.threads.start(Call(self, fn, last=True))


class Threads:
    """The threads of one client, or of one journal; they start when they are needed."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.forget()
        _ALL.add(self)

    def forget(self) -> None:
        """Know of no thread, as in a forked process: the threads have stayed in its parent."""
        self._lock = threading.Lock()
        self._idle: list[Inbox] = []
        self._running = Counter[Lane]()  # calls that have a thread, abandoned ones too
        self._busy = 0  # calls that have a thread, and that somebody waits for
        self._waiting = deque[Call]()
        self._closed = False

    def lane(self) -> Lane:
        """Return a new lane, for one file."""
        return Lane(self)

    def close(self) -> None:
        """End the threads: idle ones now, the others when their calls have returned."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().put(None)

    def start(self, call: Call) -> Call:
        """Give a call a thread, now or when there is one for it."""
        with self._lock:
            self._waiting.append(call)
            self._start_waiting()
        return call

    def abandon(self, call: Call) -> None:
        """Let others have a thread in the place of a running call's, whose result nobody wants."""
        with self._lock:
            if not call.returned:
                if not call.abandoned:
                    call.abandoned = True
                    self._busy -= 1
                    self._start_waiting()
                return
        if call.exception() is None:
            call.lane.submit(_close, call.result())

    def _start_waiting(self) -> None:
        while call := self._next():
            if self._idle:
                self._idle.pop().put(call)
            else:
                threading.Thread(target=self._serve, args=(call,), name=NAME, daemon=True).start()

    def _next(self) -> Call | None:
        """Take the first waiting call that may run now."""
        for place, call in enumerate(self._waiting):
            if self._may_run(call):
                del self._waiting[place]
                self._running[call.lane] += 1
                self._busy += 1
                return call
        return None

    def _may_run(self, call: Call) -> bool:
        running = self._running[call.lane]
        if call.last or not running:
            return not running
        return running < LANE_THREADS and self._busy < SHARED_THREADS

    def _serve(self, call: Call | None) -> None:
        """Make one call after the other until there are none; a thread's whole life."""
        inbox: Inbox = SimpleQueue()
        while call is not None:
            call = self._make(call, inbox) or self._wait(inbox)

    def _make(self, call: Call, inbox: Inbox) -> Call | None:
        """Make a call; return the next one, or None: there is none yet, and the thread is idle."""
        result: object = None
        failure: BaseException | None = None
        wanted = call.set_running_or_notify_cancel()
        if wanted:
            try:
                result = call.work()
            except BaseException as error:  # noqa: BLE001 - raised where the call is waited for
                failure = error
        following = self._returned(call, inbox)
        if failure is not None:
            call.set_exception(failure)
        elif wanted:
            if call.abandoned:
                _close(result)
            call.set_result(result)
        return following

    def _returned(self, call: Call, inbox: Inbox) -> Call | None:
        """Note that a call has returned, and take the next one."""
        with self._lock:
            call.returned = True
            self._running[call.lane] -= 1
            if not self._running[call.lane]:
                del self._running[call.lane]
            if not call.abandoned:
                self._busy -= 1
            following = self._next()
            if following is None and self._closed:
                inbox.put(None)
            elif following is None:
                self._idle.append(inbox)
            self._start_waiting()
            return following

    def _wait(self, inbox: Inbox) -> Call | None:
        """Wait for a call; None: the thread is not needed any more."""
        try:
            return inbox.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    return None
        return inbox.get()  # a call was handed over in that very moment


def _close(result: object) -> None:
    """Close what a call has opened for somebody who has gone."""
    close = getattr(result, "close", None)
    if close is not None:
        with suppress(Exception):
            close()


_ALL: "WeakSet[Threads]" = WeakSet()


def _forget_all() -> None:
    for threads in _ALL:
        threads.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
