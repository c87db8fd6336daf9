"""An event loop on which waiting costs nothing: its clock jumps when nobody has anything to do.

Sockets and threads are real. Only when no socket is ready, no thread is at work and nothing came
within a moment of real time does the clock jump, to the next timer. So an hour of backoff passes
in milliseconds, and a request over loopback still takes place in full before any timeout of it.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from twelvelabs_async._http.sockets import kernel_unsent

MOMENT = 0.003
"""Real seconds that the kernel gets to hand over what was sent on loopback."""

LONG_MOMENT = 0.1
"""Real seconds that it gets when bytes are still under way, on a machine that is busy."""

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that does not wait for timers: it lets the loop jump to them."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.loop.threads_at_work or timeout is None:
            return super().select(None if timeout is None else 0.05)
        ready = super().select(MOMENT)
        if not ready and self._in_flight():
            ready = super().select(LONG_MOMENT)
        if not ready and not self.loop.threads_at_work:
            self.loop.jump(timeout)
        return ready

    def _in_flight(self) -> bool:
        """Whether a connection is being made, or bytes of ours were not acknowledged yet."""
        keys = self.get_map().values()
        connecting = any(key.events & selectors.EVENT_WRITE for key in keys)
        return connecting or any(kernel_unsent(OpenDescriptor(key.fd)) for key in keys)


@frozen
class OpenDescriptor:
    """A descriptor, as the functions of ``sockets`` take it."""

    fd: int

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.fd


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which starts at 0."""

    def __init__(self) -> None:
        self._now = 0.0
        self._jobs = set[object]()
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Return the virtual time, in seconds."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def run_in_executor(  # type: ignore[override] # a future is what every loop returns
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run ``func`` in a thread; the clock stands still until it has ended."""
        job = object()
        self._jobs.add(job)
        future = super().run_in_executor(executor, func, *args)
        # Not when the thread has ended: the clock could jump before its result is here.
        future.add_done_callback(lambda _: self._jobs.discard(job))
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        """Wait for the executor in real time: its timeout is not for the clock to jump to."""
        job = object()
        self._jobs.add(job)
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._jobs.discard(job)

    @property
    def threads_at_work(self) -> int:
        """How many jobs of the executor have not ended."""
        return len(self._jobs)


def utcnow() -> datetime:
    """Return the time of the running virtual clock, as the emulator wants it."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
