"""Wait until the platform has counted every chunk, and send again what it marks as failed."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import islice

from attrs import define

from twelvelabs_async._http.retries import backoff
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.resume.checkpoint import Checkpoint
from twelvelabs_async._upload.session_calls import SessionCalls
from twelvelabs_async._upload.steps.retrier import Retrier
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    ChunkFailedError,
    IncompleteUploadError,
    StorageError,
)
from twelvelabs_async.models.uploads import MultipartUploadStatusType

logger = logging.getLogger("twelvelabs_async")

LOOKS = 6
"""How often the platform is asked again when its count lags behind its reports."""

LEAST_DELAY = 1.0
"""Seconds; stands in for a smaller ``retry_delay`` between those looks."""

MOST_SHOWN = 10
"""Failed chunks that the log names."""

_DEAD = frozenset({MultipartUploadStatusType.FAILED, MultipartUploadStatusType.EXPIRED})


@define(eq=False, repr=False)
class Settlement:
    """The end of one upload, after its last report."""

    _upload_id: str
    _ledger: Ledger
    _platform: SessionCalls
    _checkpoint: Checkpoint
    _retrier: Retrier

    async def settle(self, send_all: Callable[[], Awaitable[None]]) -> None:
        """Wait until the platform has all chunks. Its count may lag behind its reports.

        Args:
            send_all: Sends and reports every chunk that waits in the ledger.

        Raises:
            IncompleteUploadError: The session is over without them, or the count stays behind.
            ChunkFailedError: The platform marks a chunk as failed that was sent often enough.
            TwelveLabsError: What else ``send_all`` or a call to the platform raised.
        """
        looks, rounds = 0, 0
        while not self._ledger.complete:
            looks += 1
            least = max(self._retrier.policy.retry_delay, LEAST_DELAY)
            await self._retrier.pause(backoff(looks + rounds, least))
            failed = await self._look(last=looks == LOOKS)
            if failed:
                await self._send_again(failed, send_all)
                looks, rounds = 0, rounds + 1

    async def _look(self, *, last: bool) -> Mapping[int, str]:
        """Ask for the platform's count; return the chunks that it marks as failed, and why.

        Raises:
            IncompleteUploadError: The session is over without them, or this was the last look.
        """
        seen = await self._retrier.call(self._platform.status)
        self._ledger.completed = seen.status == MultipartUploadStatusType.COMPLETED
        self._ledger.count(seen.chunks_completed or 0)
        self._ledger.name_asset(seen.url)
        failed: Mapping[int, str] = {}
        if self._ledger.complete:
            return failed
        counted, total = self._ledger.total_completed, len(self._ledger.slices)
        alive = seen.status not in _DEAD
        if alive and (last or seen.chunks_failed != 0):  # None: the pages may have some
            failed = await self._retrier.call(lambda: self._platform.failed(total))
        if not alive or (last and not failed):
            raise IncompleteUploadError(counted, total, seen.status)
        return failed

    async def _send_again(
        self, failed: Mapping[int, str], send_all: Callable[[], Awaitable[None]]
    ) -> None:
        """Send chunks that were reported, and that the platform marks as failed.

        Raises:
            ChunkFailedError: One of them was sent as often as it may be.
        """
        text = "upload %s: sending again what failed, %d chunks: %s"
        shown = dict(islice(failed.items(), MOST_SHOWN))
        logger.info(text, self._upload_id, len(failed), shown)
        await self._checkpoint.void(failed.keys())  # before another ETag of them is recorded
        self._ledger.requeue_failed(failed.keys())
        for index, reason in sorted(failed.items()):
            if self._ledger.failures[index] > self._retrier.policy.max_retries:
                raise ChunkFailedError(index, reason, self._ledger.failures[index])
        try:
            await send_all()
        except (ApiError, ApiConnectionError, StorageError):
            if not await self._is_completed():  # the first report may have counted, only late
                raise
            self._ledger.completed = True

    async def _is_completed(self) -> bool:
        with suppress(ApiError, ApiConnectionError):
            seen = await self._platform.status()
            return seen.status == MultipartUploadStatusType.COMPLETED
        return False
