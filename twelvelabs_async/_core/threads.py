"""Threads for calls that may wait for a disk: of a client's own, daemons, and shared fairly.

A call to a disk that hangs cannot be interrupted. So that one does no harm beyond the file that it
is about, these threads differ from those of ``concurrent.futures.ThreadPoolExecutor``:

* Each file has a ``Lane``. Calls of all lanes share a few threads. Where a call keeps one of these
  for longer than ``SLOW_SECONDS`` while other lanes wait, it no longer counts: they get a thread in
  its place, and its own lane gets no more until it has returned. So a disk that hangs costs other
  files a moment, once, and fast disks need few threads.
* A call that is cancelled while it runs does not count either. Its own thread goes on until the
  call returns, and keeps what the call uses.
* A lane keeps what its calls have opened. When it is left, that is closed, once all its calls have
  returned, however long that takes: a descriptor is never closed, and so never used again for
  another file, under a read that is still running, and none is lost whose opener was cancelled.
* They are daemons: a program that has had enough ends, whatever its disks do.
"""

import asyncio
import os
import threading
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

from twelvelabs_async._core import clock
from twelvelabs_async._core.tasks import done_within, uninterrupted

P = ParamSpec("P")
T = TypeVar("T")

SHARED_THREADS = 6
"""Calls that count up to which another one gets a thread at once."""

LANE_THREADS = 4
"""Threads that one lane gets at most."""

SLOW_SECONDS = 0.02
"""Seconds after which a call no longer counts, if other lanes wait for a thread."""

IDLE_SECONDS = 10.0
"""Seconds after which a thread without work ends."""

GRACE = 1.0
"""Seconds that a cancellation, or the end of an upload, waits for calls that are still running."""

NAME = "twelvelabs-async disk"


class Call(Future[Any]):
    """A call in a lane, and what it comes to.

    Attributes:
        lane: Whose call it is.
        work: What is called.
        alone: Whether it runs only when all that came before it in its lane have returned.
        last: Whether it is made in any case; it closes what its lane has opened.
    """

    def __init__(
        self, lane: "Lane", work: Callable[[], Any], *, alone: bool = False, last: bool = False
    ) -> None:
        super().__init__()
        self.lane = lane
        self.work = work
        self.alone = alone or last
        self.last = last

    def cancel(self) -> bool:
        """Cancel the call if it waits; if it runs, let others have a thread in its place.

        asyncio calls this when the future that wraps the call was cancelled.
        """
        cancelled = not self.last and super().cancel()
        self.lane.threads.drop(self)
        return cancelled

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        """Call ``fn`` at the end; asyncio's fails where the event loop was closed meanwhile."""

        def call(future: Future[Any]) -> None:
            with suppress(RuntimeError):
                fn(future)

        super().add_done_callback(call)

    def make(self) -> Callable[[], None]:
        """Make the call; return what tells of the outcome."""
        if not (self.last or self.set_running_or_notify_cancel()):
            return _nothing
        try:
            result = self.work()
        except BaseException as error:  # noqa: BLE001 - raised where the call is waited for
            failure = error
            return lambda: self.set_exception(failure)
        finally:
            if self.last:
                self.lane.close_opened()
        if hasattr(result, "close"):
            self.lane.opened.append(result)
        return lambda: self.set_result(result)


class Lane(Executor):
    """The calls about one file; an executor, as ``aiofiles`` and ``run_in_executor`` take it.

    Attributes:
        threads: The threads that it shares with others.
        opened: What its calls have returned that can be closed.
        given_up: Whether calls have been waited for in vain; they are not waited for again.
    """

    def __init__(self, threads: "Threads") -> None:
        """Make a lane; ``Threads.lane`` does."""
        self.threads = threads
        self.opened: list[Any] = []
        self.given_up = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have ``fn`` called in a thread."""
        return self.threads.start(Call(self, lambda: fn(*args, **kwargs)))

    @property
    def alone(self) -> Executor:
        """An executor for calls one at a time: each is made when all before have returned."""
        return _Alone(self, last=False)

    @property
    def last(self) -> Executor:
        """An executor for the last call, which is made even if it is cancelled."""
        return _Alone(self, last=True)

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Make a call when all before have returned; cancelled, leave it to its thread."""
        return await asyncio.get_running_loop().run_in_executor(self.alone, work, *args)

    async def finish(self, call: asyncio.Future[T]) -> T:
        """Wait for a call; cancelled, for ``GRACE`` at most."""
        try:
            return await uninterrupted(call, grace=self.grace)
        finally:
            self.given_up = not call.done() or call.cancelled()

    @property
    def grace(self) -> float:
        """Seconds to wait for calls whose result nobody wants."""
        return 0.0 if self.given_up else GRACE

    async def within_grace(self, closing: Awaitable[object]) -> None:
        """Wait until the file is closed; where that hangs, for ``GRACE`` at most."""
        try:
            async with clock.timeout(self.grace):
                await closing
        except TimeoutError:
            self.given_up = True

    async def leave(self, work: Callable[[], object] | None = None) -> None:
        """Make the last call when all others have returned: ``work``, and close what is open.

        It is waited for, also when this is cancelled, but for ``GRACE`` at most.
        """
        if work is None and not self.threads.is_busy(self) and self._closed():
            return
        call = asyncio.get_running_loop().run_in_executor(self.last, work or _nothing)
        try:
            self.given_up = not await done_within(call, self.grace)
        finally:
            call.cancel()  # the thread need not tell an event loop that may be closed by then

    def _closed(self) -> bool:
        return all(getattr(item, "closed", False) for item in self.opened)

    def close_opened(self) -> None:
        """Close what is open."""
        while self.opened:
            with suppress(Exception):
                self.opened.pop().close()


class _Alone(Executor):
    """Makes calls of a lane one at a time, in the order of asking."""

    def __init__(self, lane: Lane, *, last: bool) -> None:
        self._lane = lane
        self._last = last

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        call = Call(self._lane, lambda: fn(*args, **kwargs), alone=True, last=self._last)
        return self._lane.threads.start(call)


@asynccontextmanager
async def lane_of(threads: "Threads") -> AsyncGenerator[Lane]:
    """Have a lane for the ``async with`` block, and leave it afterwards."""
    lane = threads.lane()
    try:
        yield lane
    finally:
        await lane.leave()


class Threads:
    """The threads of one client, or of one journal; they start when they are needed."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.forget()
        _ALL.add(self)

    def forget(self) -> None:
        """Know of no thread, as in a forked process: the threads have stayed in its parent."""
        self._lock = threading.Lock()
        self._started = SimpleQueue[Call | None]()  # calls that a thread can have at once
        self._ended = SimpleQueue[threading.Thread]()
        self._count = 0  # threads; always as many as calls that are started, or more
        self._busy = 0  # calls that are started, and have not returned
        self._running = Counter[Lane]()  # the same, by lane
        self._counted = set[Call]()  # those of them that others wait for
        self._waiting = deque[Call]()
        self._watched = False
        self._closed = False

    def __reduce__(self) -> tuple[type["Threads"], tuple[()]]:
        return Threads, ()  # a journal that is pickled gets threads of its own where it arrives

    def lane(self) -> Lane:
        """Return a new lane, for one file."""
        return Lane(self)

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Make a call that is about nothing that others use; cancelled, leave it to its thread."""
        return await asyncio.get_running_loop().run_in_executor(self.lane(), work, *args)

    def close(self) -> None:
        """End the threads: idle ones now, the others when their calls have returned."""
        with self._lock:
            self._closed = True
            idle = self._count - self._busy
            self._count -= idle
        for _ in range(idle):
            self._started.put(None)
        for _ in range(idle):
            self._ended.get().join()  # it has nothing to do any more that could take time

    def is_busy(self, lane: Lane) -> bool:
        """Whether calls of a lane are running, or wait."""
        with self._lock:
            return lane in self._running or any(call.lane is lane for call in self._waiting)

    def start(self, call: Call) -> Call:
        """Give a call a thread, now or when there is one for it."""
        with self._lock:
            lane = call.lane
            if not (self._waiting or lane in self._running) and len(self._counted) < SHARED_THREADS:
                self._begin(call)
                return call
            self._waiting.append(call)
            self._start_waiting()
            if self._waiting and not self._watched and self._delayed():
                self._watched = True
                threading.Thread(target=self._watch, name=NAME, daemon=True).start()
        return call

    def drop(self, call: Call) -> None:
        """Let others have a thread in the place of a call that nobody waits for."""
        with self._lock:
            self._counted.discard(call)
            if call.cancelled() and call in self._waiting:
                self._waiting.remove(call)
            self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and (call := self._next()):
            self._begin(call)

    def _begin(self, call: Call) -> None:
        self._busy += 1
        self._running[call.lane] += 1
        self._counted.add(call)
        self._started.put(call)
        if self._busy > self._count:
            self._count += 1
            threading.Thread(target=self._serve, name=NAME, daemon=True).start()

    def _next(self) -> Call | None:
        """Take the first waiting call that may run now; lanes without a thread go first."""
        if len(self._counted) >= SHARED_THREADS:
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
        running = self._running[call.lane]
        slow = running > sum(other.lane is call.lane for other in self._counted)
        return not (call.alone or slow) and running < LANE_THREADS

    def _watch(self) -> None:
        """Discount calls that are slow, as long as lanes wait for others."""
        never = threading.Event()
        while True:
            with self._lock:
                if not self._delayed():
                    self._watched = False
                    return
                seen = set(self._counted)
            never.wait(SLOW_SECONDS)
            with self._lock:
                self._counted -= seen
                self._start_waiting()

    def _serve(self) -> None:
        """Make one call after the other; a thread's whole life.

        Whichever thread is free first takes the next call: fast calls have one thread, mostly.
        """
        while (call := self._take()) is not None:
            tell = call.make()
            needed = self._returned(call)
            tell()
            del call, tell  # they have what the call uses, and its result
            if not needed:
                return

    def _take(self) -> Call | None:
        """Wait for a call; None: the thread is not needed any more."""
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
        """Whether there is a call for a thread that has none; if not, it no longer counts."""
        needed = self._busy >= self._count
        self._count -= not needed
        return needed


def _nothing() -> None:
    pass


_ALL: "WeakSet[Threads]" = WeakSet()


def _forget_all() -> None:
    for threads in _ALL:
        threads.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
