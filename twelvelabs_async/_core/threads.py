"""Threads for calls that may wait for a disk: of a client's own, daemons, and shared fairly.

A call to a disk that hangs cannot be interrupted. So that it harms no file but its own, these
threads differ from those of ``concurrent.futures.ThreadPoolExecutor``:

* Each file has a ``Lane``. Calls of all lanes share a few threads. Where a call keeps one of these
  for longer than ``SLOW_SECONDS`` while other lanes wait, it no longer counts: they get a thread in
  its place, and its own lane gets no more until it has returned. So a disk that hangs costs other
  files a moment, once, and fast disks need few threads.
* A call that is cancelled while it runs does not count either. Its thread goes on until the call
  returns, and keeps alive what the call uses.
* A lane keeps what its calls have opened. When it is left, that is closed, once all its calls have
  returned, however long that takes: a descriptor is never closed, and so never used again for
  another file, under a read that is still running, and none is lost whose opener was cancelled.
* They are daemons: a program can end while a disk hangs.
* Where the system lets the process start no more threads, calls wait for those that there are; only
  where there are none do calls fail.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from queue import Empty, SimpleQueue
from typing import TypeVar
from weakref import WeakSet

from twelvelabs_async._core.lanes import Call, Lane
from twelvelabs_async._core.new_thread import NoThreadError, can_start

T = TypeVar("T")

SHARED_THREADS = 6
"""Calls that may count at once; another call waits until one of them no longer counts."""

LANE_THREADS = 4
"""Threads that one lane gets at most."""

SLOW_SECONDS = 0.02
"""Seconds after which a call no longer counts, if other lanes wait for a thread."""

MOST_THREADS = 128
"""Threads of one pool at most, however many disks hang."""

IDLE_SECONDS = 10.0
"""Seconds after which a thread without work ends."""

NAME = "twelvelabs-async disk"


class Threads:
    """The threads of one client, or of all journals; they start when they are needed."""

    def __init__(self) -> None:
        """Make the pool; no thread is started yet."""
        self.forget()
        _ALL.add(self)

    def forget(self) -> None:
        """Begin without threads, as in a forked process: the threads have stayed in its parent."""
        self._lock = threading.Lock()
        self._started = SimpleQueue[Call | None]()  # calls for the next thread that is free
        self._ended = SimpleQueue[threading.Thread]()
        self._count = 0  # threads; fewer than started calls only where the system gives no more
        self._busy = 0  # calls that are started, and have not returned
        self._running = dict[Lane, int]()  # the same, by lane; a Counter would cost more
        self._counted = set[Call]()  # those of them that others wait for
        self._waiting = deque[Call]()
        self._watched = False
        self._closed = False

    def lane(self) -> Lane:
        """Return a new lane, for one file."""
        return Lane(self)

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Make a call in a lane of its own; cancelled, leave it to its thread."""
        return await asyncio.get_running_loop().run_in_executor(self.lane(), work, *args)

    def close(self) -> None:
        """End the threads: idle ones now, the others when their calls have returned."""
        with self._lock:
            self._closed = True
            idle = max(0, self._count - self._busy)
            self._count -= idle
        for _ in range(idle):
            self._started.put(None)
        for _ in range(idle):
            self._ended.get().join()  # it is idle, and so ends at once

    def is_busy(self, lane: Lane) -> bool:
        """Whether calls of a lane are running, or wait."""
        with self._lock:
            return lane in self._running or any(call.lane is lane for call in self._waiting)

    def start(self, call: Call) -> Call:
        """Give a call a thread, now or when there is one for it."""
        with self._lock:
            lane = call.lane
            if not (self._waiting or lane in self._running or self._is_full()):
                self._begin(call)
                return call
            self._waiting.append(call)
            self._start_waiting()
        return call

    def drop(self, call: Call) -> None:
        """Let another call have a thread in the place of one whose caller was cancelled."""
        with self._lock:
            self._counted.discard(call)
            if call.cancelled() and call in self._waiting:
                self._waiting.remove(call)
            self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and (call := self._next()):
            self._begin(call)
        if self._waiting and not self._watched and self._may_help_to_watch():
            self._watched = can_start(self._watch, NAME)

    def _begin(self, call: Call) -> None:
        """Give a call to a thread, to a new one if all are busy and the system gives one."""
        if self._busy >= self._count:
            if can_start(self._serve, NAME):
                self._count += 1
            elif not self._count:
                call.refuse(NoThreadError())
                return
        self._busy += 1
        self._running[call.lane] = self._running.get(call.lane, 0) + 1
        self._counted.add(call)
        self._started.put(call)

    def _is_full(self) -> bool:
        """Whether no other call may be started now."""
        return len(self._counted) >= SHARED_THREADS or self._busy >= MOST_THREADS

    def _may_help_to_watch(self) -> bool:
        """Whether a lane waits for a thread, and gets one where a slow call no longer counts."""
        return self._busy < MOST_THREADS and self._delayed() is not None

    def _next(self) -> Call | None:
        """Take the first waiting call that may run now; lanes without a thread go first."""
        if self._is_full():
            return None
        call = self._delayed() or next(filter(self._is_free, self._waiting), None)
        if call is not None:
            self._waiting.remove(call)
        return call

    def _delayed(self) -> Call | None:
        """Return the first call that waits though none of its lane is running."""
        for call in self._waiting:  # a generator would cost more than it looks at, mostly
            if call.lane not in self._running:
                return call
        return None

    def _is_free(self, call: Call) -> bool:
        """Whether a call may run beside those of its lane."""
        running = self._running.get(call.lane, 0)
        slow = running > sum(other.lane is call.lane for other in self._counted)
        return not (call.alone or slow) and running < LANE_THREADS

    def _watch(self) -> None:
        """Let slow calls no longer count, as long as lanes wait for a thread."""
        never = threading.Event()
        while True:
            with self._lock:
                if not self._may_help_to_watch():
                    self._watched = False
                    return
                seen = set(self._counted)
            never.wait(SLOW_SECONDS)
            with self._lock:
                self._counted -= seen
                self._start_waiting()

    def _serve(self) -> None:
        """Make one call after the other, until the thread is not needed any more.

        The thread that is free first takes the next call: mostly, fast calls share one thread.
        """
        while (call := self._take()) is not None:
            set_outcome = call.make()
            needed = self._returned(call)
            set_outcome()
            del call, set_outcome  # they hold what the call uses, and its result
            if not needed:
                return

    def _take(self) -> Call | None:
        """Wait for a call, and return it; None: the thread is not needed any more."""
        while True:
            try:
                call = self._started.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._is_needed():
                        continue
                return None
            if call is None:
                self._ended.put(threading.current_thread())
            return call

    def _returned(self, call: Call) -> bool:
        """Note that a call has returned; return whether its thread is still needed."""
        lane = call.lane
        with self._lock:
            lane.given_up = False
            self._busy -= 1
            if self._running[lane] == 1:
                del self._running[lane]
            else:
                self._running[lane] -= 1
            self._counted.discard(call)
            self._start_waiting()
            return not self._closed or self._is_needed()

    def _is_needed(self) -> bool:
        """Whether there is a call for an idle thread; if not, the thread no longer counts."""
        needed = self._busy >= self._count
        self._count -= not needed
        return needed


@asynccontextmanager
async def lane_of(threads: Threads) -> AsyncGenerator[Lane]:
    """Yield a new lane, and leave it at the end of the ``async with`` block."""
    lane = threads.lane()
    try:
        yield lane
    finally:
        await lane.leave()


_ALL: "WeakSet[Threads]" = WeakSet()


def _forget_all() -> None:
    for threads in _ALL:
        threads.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
