"""A few small things that structured concurrency needs and asyncio lacks."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar

from twelvelabs_async import clock

T = TypeVar("T")


def in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """Do ``work`` in a thread.

    As a future, no task: a loop that ends cancels every task, and what the thread brings is lost.
    """
    return asyncio.get_running_loop().run_in_executor(None, work)


async def uninterrupted(work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """Run ``work`` to its end; a cancellation that comes meanwhile is raised after it.

    For what must not be left half done: a file that a thread is opening would have no owner.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        with cancelled_once():
            await _until_done(task)
        if not task.cancelled():
            task.exception()  # the cancellation is what the caller hears of
        raise
    return task.result()


async def _until_done(task: asyncio.Future[Any]) -> None:
    while not task.done():
        with suppress(asyncio.CancelledError):  # the first one will be raised
            await asyncio.wait({task})


def cancelled_once() -> AbstractContextManager[object]:
    """Keep anyio from cancelling this task again and again in the ``with`` block.

    For cleanup that awaits. asyncio cancels a task once, and leaves it time to clean up; a scope of
    anyio that is cancelled cancels its task at each turn of the loop until the task has left it. So
    cleanup would be cut short, or, where it goes on all the same, keep the processor busy. Whoever
    cancels the task itself, as a second Ctrl-C does, still gets through.
    """
    anyio: Any = sys.modules.get("anyio")  # where nobody has imported it, it has no scopes
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
    """Wait for a task for up to ``seconds``, without cancelling it; say whether it has ended.

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
        if going := [task for task in ending if not task.done()]:
            await uninterrupted(asyncio.wait(going))
    finally:
        for task in ending:
            if not task.cancelled():
                task.exception()  # the caller hears of one exception; the others are no surprise
