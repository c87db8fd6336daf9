"""Report stored chunks to the platform, in batches, and only what the journal has."""

from attrs import define, evolve

from twelvelabs_async._http.retries import backoff
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.resume.checkpoint import Checkpoint
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async._upload.session_calls import SessionCalls
from twelvelabs_async._upload.source.digest import WholeDigest
from twelvelabs_async._upload.steps.asset_finder import AssetIdentity
from twelvelabs_async._upload.steps.retrier import Retrier
from twelvelabs_async.errors import BadRequestError, InvalidResponseError
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    MultipartUploadStatusType,
    ReportChunkBatchResponse,
)

LOOKS = 4
"""How often the platform is asked for its count, after a report whose answer cannot be read."""

LEAST_DELAY = 1.0
"""Seconds; the longest pause after the first of these questions, doubled each time."""


@define(eq=False, repr=False)
class BatchReporter:
    """Reports the chunks of one upload.

    Attributes:
        comparison: Whether what is stored is of the file as it is now.
        _asset: Which asset the reports are about.
    """

    _ledger: Ledger
    _platform: SessionCalls
    _checkpoint: Checkpoint
    comparison: Comparison
    _digest: WholeDigest
    _retrier: Retrier
    _asset: AssetIdentity

    async def save(self, chunk: CompletedChunk) -> None:
        """Write a chunk's ETag to the journal; only then may the chunk be reported.

        Raises:
            JournalLostError: Another process has taken the upload over.
        """
        await self._checkpoint.stored(chunk)
        self._ledger.saved(chunk)

    async def report_due(self) -> None:
        """Report every batch that is full, or all that is stored once nothing else waits.

        Raises:
            SourceChangedError: What is stored is not of the file as it is now.
            ApiError: The platform refused a report, or its answer cannot be read, and it has not
                counted the chunks.
            ApiConnectionError: It has not answered for as long as the retry policy waits.
        """
        if self.comparison.due:  # the sooner, the less is sent of a file that has changed
            await self.comparison.settle()
        while batch := self._ledger.claim_batch():
            await self._report(batch)

    async def report_urgently(self, batch: tuple[CompletedChunk, ...]) -> None:
        """Report a batch once, even while the platform asks the account to wait.

        Raises:
            ApiError: The platform refused.
            ApiConnectionError: It gave no answer.
        """
        self._confirm(batch, await self._platform.report(batch, urgent=True))

    async def _report(self, batch: tuple[CompletedChunk, ...]) -> None:
        await self._check_unchanged()
        try:
            answer = await self._retrier.call(lambda: self._platform.report(batch))
        except BadRequestError:
            self._ledger.refuse(batch)
            # so that a later attempt does not report them, too
            await self._checkpoint.void([chunk.chunk_index for chunk in batch])
            raise
        except InvalidResponseError as error:
            answer = await self._counted(batch, error)
        self._confirm(batch, answer)

    async def _counted(
        self, batch: tuple[CompletedChunk, ...], failure: InvalidResponseError
    ) -> ReportChunkBatchResponse:
        """Return what the platform has counted, after a report whose answer cannot be read.

        The report was a success, by its status. So the platform's own word is asked for, a few
        times, because its count may lag.

        Args:
            batch: The report.
            failure: Why the answer cannot be read; raised where the chunks are not counted.
        """
        for look in range(1, LOOKS + 1):
            seen = await self._retrier.call(self._platform.status)
            # A chunk that has failed since was counted, too.
            taken = (seen.chunks_completed or 0) + (seen.chunks_failed or 0)
            self._ledger.completed |= seen.status == MultipartUploadStatusType.COMPLETED
            if self._ledger.completed or taken >= self._ledger.reported + len(batch):
                return ReportChunkBatchResponse(seen.chunks_completed, seen.url)
            if look < LOOKS:
                await self._retrier.pause(backoff(look, LEAST_DELAY))
        raise failure

    async def _check_unchanged(self) -> None:
        """Make sure that all chunks are of one file and, before the last report, its digest too."""
        await self.comparison.settle()
        while self._ledger.finishing:
            await self._digest.value()
            if not self.comparison.due:
                return
            await self.comparison.settle()

    def _confirm(self, batch: tuple[CompletedChunk, ...], answer: ReportChunkBatchResponse) -> None:
        credible = self._asset.credible(answer.asset_id)
        if credible != answer.asset_id:
            answer = evolve(answer, asset_id=credible)
        self._ledger.confirm(batch, answer)
