"""Ctrl-C, SIGTERM and SIGHUP as a value: what is under way ends, and who started it cleans up.

The process then exits as a shell expects it of one that a signal ended: with 128 and the number of
the first signal, which is 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP.

The handler cancels only the tasks that are watched, never the coroutine that owns client, emulator
and display: so their closing cannot be cut short, however often a user presses Ctrl-C. A second
signal cancels the tasks again, which ends what they still do for their ending.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from attrs import Factory, define

from twelvelabs_async._cli.outcomes import INTERRUPTED

T = TypeVar("T")

SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a process."""

SIGNALS = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    SIGNALS.append(signal.SIGHUP)


@define(eq=False)
class Interrupts:
    """Whether the user wants the command to end, and what has to end then."""

    _happened: asyncio.Event = Factory(asyncio.Event)
    _tasks: set[asyncio.Task[Any]] = Factory(set[asyncio.Task[Any]])
    _signal: int | None = None

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """End what is watched, now and from now on; ``number`` is the signal's."""
        if self._signal is None:
            self._signal = number
        self._happened.set()
        for task in self._tasks:
            task.cancel()

    def exit_code(self, code: int) -> int:
        """Return the process's exit code for what a command came to."""
        if code != INTERRUPTED or self._signal is None:
            return code
        return SIGNALLED + self._signal

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
        return interrupts.exit_code(await command(interrupts))


@contextmanager
def _handled(interrupt: Callable[[int], None]) -> Generator[None, None, None]:
    loop = asyncio.get_running_loop()

    def handle(number: int, _: object) -> None:
        loop.call_soon_threadsafe(interrupt, number)

    before = {number: signal.getsignal(number) for number in SIGNALS if _is_meant(number)}
    for number in before:
        try:
            # It also wakes a loop that is about to sleep, or that sleeps while the system has
            # another thread take the signal.
            loop.add_signal_handler(number, interrupt, number)
        except NotImplementedError:  # on Windows, where the loop wakes by itself
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler or signal.SIG_DFL)


def _is_meant(number: signal.Signals) -> bool:
    """Whether a signal is for us: nohup has its command live on when the terminal is closed."""
    return number in {signal.SIGINT, signal.SIGTERM} or signal.getsignal(number) != signal.SIG_IGN
