"""uvloop with the virtual clock of ``virtual_time``: ``LOOP=uvloop pytest`` runs every test on it.

uvloop does not show what it waits for, so this loop looks every few milliseconds of real time
whether anything was scheduled since the last look. If nothing was, no thread is at work and no
socket has bytes under way, the clock jumps to the next timer.
"""

import asyncio
import heapq
import os
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from pathlib import Path
from typing import Any, TypeVarTuple, cast

import uvloop

from support.virtual_time import MOMENT, OpenDescriptor
from twelvelabs_async._http.sockets import kernel_unsent

ON_UVLOOP = os.environ.get("LOOP") == "uvloop"
"""Whether every test runs on uvloop, those of the virtual clock too."""

Args = TypeVarTuple("Args")

DESCRIPTORS = Path("/proc/self/fd")


class VirtualUvloop(uvloop.Loop):
    """A uvloop with a clock of its own, which starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._jobs = 0
        self._scheduled = 0
        self._seen = 0
        self._looking = False
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []

    def time(self) -> float:
        """Return the virtual time, in seconds."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    @property
    def threads_at_work(self) -> int:
        """How many jobs of the executor have not ended."""
        return self._jobs

    def call_soon(
        self,
        callback: Callable[[*Args], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Schedule a callback, and note that something happens."""
        self._scheduled += 1
        return super().call_soon(callback, *args, context=context)

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Args], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Schedule a callback from a thread, and note that something happens."""
        self._scheduled += 1
        return super().call_soon_threadsafe(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Args], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a callback ``delay`` virtual seconds from now."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Args], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Schedule a callback at a virtual time."""
        self._scheduled += 1
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, self._scheduled, handle))
        self._look_later()
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: a cancelled timer is dropped when its time comes."""

    def _look_later(self) -> None:
        if not self._looking:
            self._looking = True
            super().call_later(MOMENT, self._look)

    def _look(self) -> None:
        self._looking = False
        quiet = self._scheduled == self._seen and not self._jobs and not _bytes_under_way()
        self._seen = self._scheduled
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if self._timers and (quiet or self._timers[0][0] <= self._now):
            self._now = max(self._now, self._timers[0][0])
            while self._timers and self._timers[0][0] <= self._now:
                handle = heapq.heappop(self._timers)[2]
                if not handle.cancelled():
                    super().call_soon(handle._run)
        if self._timers:
            self._look_later()

    def run_in_executor(  # type: ignore[override] # a future is what every loop returns
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run ``func`` in a thread; the clock stands still until its result is here."""
        self._jobs += 1
        future = cast("asyncio.Future[Any]", super().run_in_executor(executor, func, *args))
        future.add_done_callback(self._job_ended)
        return future

    def _job_ended(self, _: object) -> None:
        self._jobs -= 1

    async def shutdown_default_executor(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as every loop has it
    ) -> None:
        """Wait for the executor in real time: its timeout is not for the clock to jump to."""
        self._jobs += 1
        try:
            await super().shutdown_default_executor(timeout)
        finally:
            self._jobs -= 1


def _bytes_under_way() -> bool:
    """Whether a socket of this process has bytes that the peer did not acknowledge."""
    return any(kernel_unsent(OpenDescriptor(int(name))) for name in os.listdir(DESCRIPTORS))  # noqa: PTH208 - quick
