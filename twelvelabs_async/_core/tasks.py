"""Small parts of structured concurrency that asyncio lacks."""

import asyncio
import sys
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar

from twelvelabs_async._core import clock

T = TypeVar("T")


async def uninterrupted(
    work: Coroutine[Any, Any, T] | asyncio.Future[T], *, grace: float | None = None
) -> T:
    """Run ``work`` to its end; a cancellation that comes meanwhile is raised after it.

    It is for work that must not be left half done.

    Args:
        work: A coroutine, or a future. Where all tasks of an event loop are cancelled, the task of
            a coroutine is cancelled, too; a future, such as a call in a thread, is not.
        grace: Seconds to wait for it once this is cancelled; then it is cancelled as well. None: as
            long as it takes.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        with suppress(asyncio.CancelledError):  # the first one is raised
            await done_within(task, grace)
        if not task.done():
            task.cancel()
        elif not task.cancelled():
            task.exception()  # retrieved: the caller gets the cancellation instead
        raise
    return task.result()


async def done_within(work: asyncio.Future[Any], seconds: float | None) -> bool:
    """Wait for ``work``; return whether it is done. A cancellation meanwhile is raised after that.

    Args:
        work: What to wait for; it is not cancelled.
        seconds: How long to wait; None: as long as it takes.
    """
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = None if seconds is None else clock.call_later(seconds, over.cancel)
    try:
        await _until(lambda: work.done() or over.done(), {work, over})
    finally:
        if timer is not None:
            timer.cancel()
    return work.done()


async def _until(over: Callable[[], bool], works: Collection[asyncio.Future[Any]]) -> None:
    """Wait until ``over()``, which is asked when one of ``works`` has ended.

    A cancellation meanwhile is raised after that, however often it comes: ``asyncio.wait`` alone
    would never return while a cancellation comes in each turn of the event loop.
    """
    cancellation: asyncio.CancelledError | None = None
    with cancelled_once():
        while not over():
            going = [work for work in works if not work.done()]
            try:
                await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError as error:
                cancellation = cancellation or error
    if cancellation is not None:
        raise cancellation


def cancelled_once() -> AbstractContextManager[object]:
    """Keep anyio from cancelling this task again and again in the ``with`` block.

    It is for cleanup that awaits. asyncio cancels a task once, and leaves it time to clean up. A
    cancelled scope of anyio cancels its task at each turn of the loop until the task has left the
    scope: cleanup would be cut short, or keep the processor busy. A cancellation of the task
    itself, as by a second Ctrl-C, still gets through.
    """
    anyio: Any = sys.modules.get("anyio")  # where it was not imported, there are no scopes
    scope = getattr(anyio, "CancelScope", None)
    return nullcontext() if scope is None else scope(shield=True)


async def run_all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run ``works`` side by side until all have ended; the first to fail ends the others.

    Its exception is raised alone, never in a group, and a cancellation passes through even where
    a work failed at the same time. (``asyncio.TaskGroup`` does neither, and on Python 3.11 leaves
    the count of cancellations of its parent wrong.)
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await end_all(tasks)
    for task in done:
        if not task.cancelled():
            task.result()
    for task in tasks:
        if task.cancelled():
            raise asyncio.CancelledError


async def ended_within(task: asyncio.Task[None], seconds: float) -> bool:
    """Wait for a task for up to ``seconds``, without cancelling it; return whether it has ended.

    Cancelled, it cancels the task.
    """
    try:
        with suppress(TimeoutError):
            async with clock.timeout(seconds):
                await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise
    return task.done()


async def end_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel ``tasks`` and wait until they have ended, even when cancelled meanwhile."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    try:
        await _until(lambda: all(task.done() for task in ending), ending)
    finally:
        for task in ending:
            if not task.cancelled():
                task.exception()  # retrieved: the caller gets one exception only
