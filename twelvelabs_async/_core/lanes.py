"""The calls about one file: made in shared threads, in order, and closed at the end.

``threads`` says why a file has a lane, and which calls get a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, ParamSpec, Protocol, TypeVar

from twelvelabs_async._core import clock
from twelvelabs_async._core.tasks import done_within, uninterrupted

P = ParamSpec("P")
T = TypeVar("T")

GRACE = 1.0
"""Seconds that a cancellation, or the end of an upload, waits for calls that are still running."""


class LaneThreads(Protocol):
    """What a lane needs of the threads."""

    def start(self, call: "Call", /) -> "Call":
        """Give a call a thread, now or when there is one for it."""
        ...

    def drop(self, call: "Call", /) -> None:
        """Let another call have a thread in the place of one whose caller was cancelled."""

    def is_busy(self, lane: "Lane", /) -> bool:
        """Whether calls of a lane are running, or wait."""
        ...


class Call(Future[Any]):
    """A call in a lane; the future of its result.

    Attributes:
        lane: The lane of the call.
        work: The function to call.
        alone: Whether it runs only when all earlier calls of its lane have returned.
        last: Whether it is made even if it is cancelled, and closes what its lane has opened.
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
        """Cancel the call if it waits; if it runs, let another call have a thread in its place.

        asyncio calls this when the future that wraps the call was cancelled.
        """
        cancelled = not self.last and super().cancel()
        self.lane.threads.drop(self)
        return cancelled

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        """Call ``fn`` at the end; it may fail, as where its event loop was closed."""

        def call(future: Future[Any]) -> None:
            with suppress(RuntimeError):
                fn(future)

        super().add_done_callback(call)

    def refuse(self, error: Exception) -> None:
        """Fail without a thread; the last call of a lane, which is short, is made here and now."""
        if self.last:
            self.make()()
        elif self.set_running_or_notify_cancel():
            self.set_exception(error)

    def make(self) -> Callable[[], None]:
        """Make the call, and return a function that sets its outcome."""
        if not (self.last or self.set_running_or_notify_cancel()):
            return _do_nothing
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
        threads: The threads that it shares with other lanes.
        opened: What its calls have returned, where it has a method ``close``.
        given_up: Whether a wait for its calls has run out of time; they are not waited for again.
    """

    def __init__(self, threads: "LaneThreads") -> None:
        """Make a lane; ``Threads.lane`` does."""
        self.threads = threads
        self.opened: list[Any] = []
        self.given_up = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call ``fn`` in a thread, and return the future of its result."""
        return self.threads.start(Call(self, lambda: fn(*args, **kwargs)))

    @property
    def alone(self) -> Executor:
        """An executor for calls one at a time: each is made when all earlier ones have returned."""
        return _Alone(self, last=False)

    @property
    def last(self) -> Executor:
        """An executor for the last call, which is made even if it is cancelled."""
        return _Alone(self, last=True)

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Make a call when all earlier ones have returned; cancelled, leave it to its thread."""
        return await asyncio.get_running_loop().run_in_executor(self.alone, work, *args)

    async def finish(self, call: asyncio.Future[T]) -> T:
        """Wait for a call; cancelled, for ``GRACE`` seconds at most."""
        try:
            return await uninterrupted(call, grace=self.grace)
        finally:
            self.given_up = not call.done() or call.cancelled()

    @property
    def grace(self) -> float:
        """Seconds to wait for calls whose result is not needed any more."""
        return 0.0 if self.given_up else GRACE

    async def within_grace(self, closing: Awaitable[object]) -> None:
        """Wait until the file is closed, for ``GRACE`` seconds at most."""
        try:
            async with clock.timeout(self.grace):
                await closing
        except TimeoutError:
            self.given_up = True

    async def leave(self, work: Callable[[], object] | None = None) -> None:
        """Make the last call when all others have returned: ``work``, and close what is open.

        Args:
            work: What to do before; None: nothing.

        It waits for that call for ``GRACE`` seconds at most, also when it is cancelled.
        """
        if work is None and not self.threads.is_busy(self) and self._closed():
            return
        call = asyncio.get_running_loop().run_in_executor(self.last, work or _do_nothing)
        try:
            self.given_up = not await done_within(call, self.grace)
        finally:
            call.cancel()  # so that its thread calls no event loop that is closed by then

    def _closed(self) -> bool:
        return all(getattr(item, "closed", False) for item in self.opened)

    def close_opened(self) -> None:
        """Close what the lane's calls have opened."""
        while self.opened:
            with suppress(Exception):
                self.opened.pop().close()


class _Alone(Executor):
    """Makes calls of a lane one at a time, in the order in which they were submitted."""

    def __init__(self, lane: Lane, *, last: bool) -> None:
        self._lane = lane
        self._last = last

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        call = Call(self._lane, lambda: fn(*args, **kwargs), alone=True, last=self._last)
        return self._lane.threads.start(call)


def _do_nothing() -> None:
    pass
