"""Report the progress of an upload to a callback; only its last call is waited for.

A task of its own looks ten times a second and calls the callback when something has changed. What
happens during a slow call is in the next one. The first call comes as soon as the session exists,
the last one when everything has ended. A callback that raises is logged, and the upload goes on.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from attrs import Factory, define

from twelvelabs_async._core import clock
from twelvelabs_async._core.tasks import cancelled_once, ended_within
from twelvelabs_async._core.validation import shown
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.results import UploadProgress

logger = logging.getLogger("twelvelabs_async")

INTERVAL = 0.1
"""Seconds between two looks."""

LAST_CALL_SECONDS = 60.0
"""Seconds that an upload which has arrived waits for the last call to end."""

FAILED_CALL_SECONDS = 5.0
"""The same for an upload that has failed."""

CANCELLED_CALL_SECONDS = 1.0
"""Seconds that a call which was cancelled may take to end; then it is left behind."""

ProgressCallback = Callable[[UploadProgress], Awaitable[None] | None]


def check_callback(argument: str, callback: object) -> None:
    """Refuse a callback that cannot be called.

    Raises:
        InvalidArgumentError: It is neither None nor callable.
    """
    if callback is not None and not callable(callback):
        raise InvalidArgumentError(f"must be callable, not {shown(callback)}", argument=argument)


@define(eq=False, repr=False)
class ProgressReporter:
    """Calls ``callback`` with ``snapshot(status)`` while its ``async with`` block runs.

    The last call has the status ``completed`` or, where the block raised, ``failed``. It is waited
    for: up to ``LAST_CALL_SECONDS`` after a success, ``FAILED_CALL_SECONDS`` after an error, and
    not at all after a cancellation, which cancels a call under way.
    """

    _callback: ProgressCallback | None
    _snapshot: Callable[[str], UploadProgress]
    _task: asyncio.Task[None] | None = None
    _over: asyncio.Event = Factory(asyncio.Event)
    _ending: str = "completed"

    async def __aenter__(self) -> Self:
        if self._callback is not None:
            self._task = asyncio.create_task(self._watch(self._callback))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is None:
            return
        self._ending = "failed" if error else "completed"
        self._over.set()
        if error is None:
            await self._end(self._task, LAST_CALL_SECONDS)
        elif isinstance(error, Exception):
            await self._end(self._task, FAILED_CALL_SECONDS)
        else:
            with cancelled_once():
                await self._end(self._task, 0.0)

    @staticmethod
    async def _end(task: asyncio.Task[None], seconds: float) -> None:
        if not await ended_within(task, seconds):
            task.cancel()
            if not await ended_within(task, CANCELLED_CALL_SECONDS):
                logger.warning("a progress callback does not end, and was left behind")

    async def _watch(self, callback: ProgressCallback) -> None:
        reported = None
        while not self._over.is_set():
            progress = self._snapshot("uploading")
            if progress != reported:
                await _call(callback, progress)
                reported = progress
            with suppress(TimeoutError):
                async with clock.timeout(INTERVAL):
                    await self._over.wait()
        await _call(callback, self._snapshot(self._ending))


async def _call(callback: ProgressCallback, progress: UploadProgress) -> None:
    try:
        outcome = callback(progress)
        if inspect.isawaitable(outcome):
            await outcome
    except (Exception, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        logger.exception("the progress callback of upload %s raised", progress.upload_id)
