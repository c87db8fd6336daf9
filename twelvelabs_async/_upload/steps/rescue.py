"""Save and report the ETags that only this process knows, when an upload ends early."""

from contextlib import suppress

from twelvelabs_async._core import clock
from twelvelabs_async._core.tasks import run_all
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.steps.batch_reporter import BatchReporter
from twelvelabs_async._upload.steps.chunk_feed import ChunkFeed
from twelvelabs_async.errors import JournalLostError, TwelveLabsError

RESCUE_SECONDS = 5.0
"""Seconds that an upload which ends early may take for it."""

RESCUE_BATCH = 500
"""Chunks in one report of an upload that ends early: some 50 KB, which any server takes."""


async def rescue(ledger: Ledger, reporter: BatchReporter, source: Source, feed: ChunkFeed) -> None:
    """Save what no worker has saved, and report all that is saved, for ``RESCUE_SECONDS`` at most.

    It raises no ``TwelveLabsError``: the upload raises what ended it. Nothing is reported of a file
    that has changed: an attempt that resumes the session would mix two files.
    """
    with suppress(TwelveLabsError, TimeoutError):
        async with clock.timeout(RESCUE_SECONDS):
            await _save_rest(ledger, reporter)
            chunks = ledger.claim_all()
            if not chunks:
                return
            await source.look()
            if reporter.comparison.due or not feed.compared:
                return
            for start in range(0, len(chunks), RESCUE_BATCH):
                await reporter.report_urgently(chunks[start : start + RESCUE_BATCH])


async def _save_rest(ledger: Ledger, reporter: BatchReporter) -> None:
    """Save what an interrupted worker did not; what cannot be saved is not reported."""
    unsaved = tuple(ledger.unsaved.values())
    if not unsaved:
        return
    with suppress(JournalLostError, TimeoutError):
        async with clock.timeout(RESCUE_SECONDS / 2):
            await run_all(reporter.save(chunk) for chunk in unsaved)
