"""Jobs, side by side: each is reported when it has ended, and none holds up the others."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

from twelvelabs_async import InvalidArgumentError, TwelveLabsError
from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.outcomes import FAILED, INTERRUPTED
from twelvelabs_async._cli.output import print_end, print_error

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Job(Protocol[T_co]):
    """One of several pieces of work; it fails by what it returns."""

    def run(self) -> Coroutine[Any, Any, T_co]:
        """Do it, and say what became of it."""
        ...

    def interrupted(self) -> T_co:
        """Say what became of it when the user interrupted the command before it ended."""
        ...


async def run_jobs(
    jobs: Iterable[Job[T]], interrupts: Interrupts, report: Callable[[T], Awaitable[None]]
) -> list[T]:
    """Run all jobs, call ``report`` with each outcome as it comes, and return all of them.

    What ``report`` raises ends the jobs that are under way, and goes on.
    """
    finished: asyncio.Queue[asyncio.Task[T]] = asyncio.Queue()
    tasks: dict[asyncio.Task[T], Job[T]] = {}
    for job in jobs:
        task = interrupts.start(job.run())
        task.add_done_callback(finished.put_nowait)
        tasks[task] = job
    outcomes: list[T] = []
    try:
        for _ in tasks:
            task = await finished.get()
            outcomes.append(tasks[task].interrupted() if task.cancelled() else task.result())
            await report(outcomes[-1])
    finally:
        await _end_all(tasks)
    return outcomes


async def _end_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run_alone(work: Coroutine[Any, Any, int], interrupts: Interrupts) -> int:
    """Run the one piece of work that a command has, and return its exit code.

    Raises:
        InvalidArgumentError: The user asked for what can never be right.
        OutputGoneError: The output cannot be written.
    """
    task = interrupts.start(work)
    await asyncio.wait({task})
    if task.cancelled():
        print_end("interrupted")
        return INTERRUPTED
    try:
        return task.result()
    except InvalidArgumentError:
        raise
    except TwelveLabsError as error:
        print_error(f"error: {error}")
        return FAILED
