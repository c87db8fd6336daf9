"""Ctrl-C, SIGTERM and SIGHUP as a value: what is under way ends, and who started it cleans up.

The handler cancels only the tasks that are watched, never the coroutine that owns client, emulator
and display: so their closing cannot be cut short, however often a user presses Ctrl-C. A second
signal cancels the tasks again, which ends what they still do for their ending.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from attrs import Factory, define

T = TypeVar("T")

SIGNALS = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    SIGNALS.append(signal.SIGHUP)


@define(eq=False)
class Interrupts:
    """Whether the user wants the command to end, and what has to end then."""

    _happened: asyncio.Event = Factory(asyncio.Event)
    _tasks: set[asyncio.Task[Any]] = Factory(set[asyncio.Task[Any]])

    def interrupt(self) -> None:
        """End what is watched, now and from now on."""
        self._happened.set()
        for task in self._tasks:
            task.cancel()

    async def wait(self) -> None:
        """Wait until the user wants the command to end."""
        await self._happened.wait()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start ``work`` as a task that an interruption cancels."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._happened.is_set():
            task.cancel()
        return task


def run(command: Callable[[Interrupts], Coroutine[Any, Any, int]]) -> int:
    """Run ``command`` on an event loop of its own and return its exit code."""
    return asyncio.run(_run(command))


async def _run(command: Callable[[Interrupts], Coroutine[Any, Any, int]]) -> int:
    interrupts = Interrupts()
    with _handled(interrupts.interrupt):
        return await command(interrupts)


@contextmanager
def _handled(interrupt: Callable[[], None]) -> Generator[None, None, None]:
    loop = asyncio.get_running_loop()

    def handle(*_: object) -> None:
        loop.call_soon_threadsafe(interrupt)

    # Not loop.add_signal_handler: Windows has none.
    before = {number: signal.signal(number, handle) for number in SIGNALS if _is_meant(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _is_meant(number: signal.Signals) -> bool:
    """Whether a signal is for us: nohup has its command live on when the terminal is closed."""
    return number in {signal.SIGINT, signal.SIGTERM} or signal.getsignal(number) != signal.SIG_IGN
