"""The steps of one upload: slice, URL, PUT, ETag, journal, report, asset URL.

A few workers take the next slice and carry it through, so that memory grows with their number and
with nothing else. No worker waits for another one: the worker that fills a batch reports it, while
the others go on. Each decision is made in the pure objects of ``plan``, and each job is done by one
part of the uploader; this module has the order of the steps. No chunk is reported before its ETag
is in the journal.
"""

import logging

from attrs import define

from twelvelabs_async._core.tasks import cancelled_once, run_all
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.source.digest import WholeDigest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.steps.asset_finder import AssetFinder
from twelvelabs_async._upload.steps.batch_reporter import BatchReporter
from twelvelabs_async._upload.steps.chunk_feed import ChunkFeed
from twelvelabs_async._upload.steps.chunk_sender import ChunkSender
from twelvelabs_async._upload.steps.rescue import rescue
from twelvelabs_async._upload.steps.settlement import Settlement
from twelvelabs_async._upload.steps.url_supply import UrlSupply
from twelvelabs_async.errors import AssetUnknownError
from twelvelabs_async.models.results import UploadProgress, UploadResult

logger = logging.getLogger("twelvelabs_async")


@define(eq=False, repr=False)
class Uploader:
    """Carries one file to the platform; used once. ``assembly`` puts its parts together.

    Attributes:
        session: The upload session.
        source: The file.
        ledger: Where each chunk is.
        _workers: How many workers there are at most.
    """

    session: UploadSession
    source: Source
    ledger: Ledger
    _workers: int
    _digest: WholeDigest
    _feed: ChunkFeed
    _urls: UrlSupply
    _sender: ChunkSender
    _reporter: BatchReporter
    _settlement: Settlement
    _finder: AssetFinder

    async def run(self) -> UploadResult:
        """Upload every chunk, report it, and return the asset.

        Cancelled or failed, it has ended its requests, and has tried for a few seconds to report
        the ETags in hand.

        Raises:
            TwelveLabsError: What ended the upload; the first of it, where several things did.
        """
        try:
            await self._send_all()
            await self._settlement.settle(self._send_all)
            await self._finder.find()
            return self._result(await self._digest.value())
        except BaseException:
            with cancelled_once():
                await rescue(self.ledger, self._reporter, self.source, self._feed)
            raise

    async def _send_all(self) -> None:
        workers = min(self._workers, len(self.ledger.slices))
        try:
            await run_all(self._work() for _ in range(workers))
        finally:
            await self._urls.close()

    async def _work(self) -> None:
        await self._reporter.report_due()  # what an earlier attempt has stored
        while piece := await self._feed.take():
            self._urls.fetch_ahead()
            accepted = await self._sender.send(piece)
            self._feed.sent(piece, accepted)
            for chunk in accepted:
                await self._reporter.save(chunk)
            await self._reporter.report_due()

    def _result(self, sha256: str | None) -> UploadResult:
        asset_id, check = self._finder.asset.id, self._sender.acceptance.check
        if asset_id is None:
            raise AssetUnknownError(self.session.upload_id)
        if check.wanted and not check.verified:
            text = "upload %s: no chunk was verified: no ETag was the MD5 of what was sent"
            logger.warning(text, self.session.upload_id)
        return UploadResult(
            asset_id=asset_id,
            asset_url=self.ledger.asset_url,
            upload_id=self.session.upload_id,
            total_size=self.source.size,
            total_chunks=len(self.ledger.slices),
            resumed_chunks=self.ledger.resumed_chunks,
            verified_chunks=check.verified,
            sha256=sha256,
        )

    def progress(self, status: str) -> UploadProgress:
        """Return how far the upload is; ``status`` is uploading, completed or failed."""
        under_way = sum(body.sent for body in self._sender.bodies.values())
        sent = self.ledger.stored_bytes + under_way
        return UploadProgress(
            total_chunks=len(self.ledger.slices),
            completed_chunks=self.ledger.reported,
            percentage=100 * sent / self.source.size,
            status=status,
            upload_id=self.session.upload_id,
            asset_id=self._finder.asset.id,
            uploaded_bytes=sent,
            total_bytes=self.source.size,
            stored_chunks=self.ledger.stored_chunks,
        )
