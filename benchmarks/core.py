"""The pure core alone: ledger, URL book and uploader over a platform in memory. No bytes move.

    python -m benchmarks.core CHUNKS WORKERS

What it costs is what every chunk costs before the first byte of it is sent. Prints JSON.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from attrs import Factory, define, frozen

from benchmarks.meter import Figures, Meter
from twelvelabs_async._core.slots import Slots
from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.retry_policy import RetryPolicy
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.plan.slices import Slice, Slices
from twelvelabs_async._upload.plan.url_book import UrlBook
from twelvelabs_async._upload.resume.checkpoint import NoCheckpoint
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async._upload.send.storage import Storage
from twelvelabs_async._upload.session_calls import SessionCalls
from twelvelabs_async._upload.source.digest import FileDigest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.steps.assembly import assemble
from twelvelabs_async._upload.steps.chunk_feed import FileFeed
from twelvelabs_async._upload.steps.uploader import Uploader
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    GetUploadStatusResponse,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
)

CHUNK_SIZE = 1000
BATCH_SIZE = 10
ASSET_URL = "https://store.example/asset.mp4"


@frozen
class UnreadFile:
    """A file that is never read."""

    size: int
    name: str = "file.mp4"
    path: None = None
    identity: None = None
    version: int = 0

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Refuse: nothing here reads."""
        raise NotImplementedError

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Refuse: nothing here reads."""
        raise NotImplementedError

    async def look(self) -> None:
        """Find it unchanged."""

    async def check_unchanged(self) -> None:
        """Find it unchanged."""


@define(eq=False)
class Sent:
    """A body without bytes."""

    index: int
    sent: int = 0
    md5: str | None = None


@define(eq=False)
class InstantPlatform:
    """A platform and a store that answer in the next turn of the loop.

    Attributes:
        chunks: How many chunks the file has.
        stored: Chunks that were PUT.
        reported: Chunks that were reported.
    """

    chunks: int
    stored: set[int] = Factory(set[int])
    reported: set[int] = Factory(set[int])

    async def presigned_urls(
        self, start: int, count: int
    ) -> tuple[tuple[PresignedUrlChunk, ...], datetime | None]:
        """Return the URLs of some chunks."""
        await asyncio.sleep(0)
        indexes = range(start, start + count)
        return tuple(PresignedUrlChunk(i, f"https://store.example/{i}") for i in indexes), None

    async def report(
        self,
        chunks: tuple[CompletedChunk, ...],
        *,
        urgent: bool = False,  # noqa: ARG002 - its rates are not limited
    ) -> ReportChunkBatchResponse:
        """Count chunks, and name the asset once all are there."""
        await asyncio.sleep(0)
        self.reported.update(chunk.chunk_index for chunk in chunks)
        total = len(self.reported)
        return ReportChunkBatchResponse(total, ASSET_URL if total == self.chunks else None)

    async def status(self) -> GetUploadStatusResponse:
        """Refuse: the last report says it all."""
        raise NotImplementedError

    async def failed(self, total_chunks: int) -> Mapping[int, str]:
        """Refuse: nothing fails here."""
        raise NotImplementedError

    async def asset(self, asset_id: str) -> AssetDetail:
        """Refuse: the last report says it all."""
        raise NotImplementedError

    def body(self, _source: Source, piece: Slice, *, hashed: bool, **_callbacks: object) -> Sent:
        """Return what stands for the bytes."""
        assert not hashed
        return Sent(piece.index)

    async def put(self, url: str, headers: Mapping[str, str], body: Sent) -> str:  # noqa: ARG002
        """Take a chunk and return an ETag."""
        await asyncio.sleep(0)
        self.stored.add(body.index)
        return str(body.index)


def uploader(platform: InstantPlatform, workers: int) -> Uploader:
    """Return an upload to that platform, about to begin."""
    slices = Slices(platform.chunks * CHUNK_SIZE, CHUNK_SIZE)
    source = UnreadFile(slices.total_size)
    ledger = Ledger.fresh(slices, BATCH_SIZE)
    return assemble(
        session=UploadSession("upload", CHUNK_SIZE, platform.chunks, slices.total_size, "asset"),
        source=source,
        feed=FileFeed(ledger),
        ledger=ledger,
        urls=UrlBook(),
        platform=cast("SessionCalls", platform),
        storage=cast("Storage", platform),
        pause=asyncio.sleep,
        retry_policy=RetryPolicy(max_retries=3, retry_delay=1.0, outage_timeout=120.0),
        slots=Slots(workers),
        max_workers=workers,
        checkpoint=NoCheckpoint(),
        check=EtagCheck(),
        comparison=Comparison(source, slices),
        digest=FileDigest(),
        others_have_descriptors=bool,
    )


async def measure(chunks: int, workers: int) -> Figures:
    """Carry so many chunks, and return what it cost."""
    platform, meter = InstantPlatform(chunks), Meter()
    walk = uploader(platform, workers)
    meter.start()
    await walk.run()
    figures = meter.figures()
    assert len(platform.stored) == len(platform.reported) == chunks
    return {**figures, "chunks_per_s": chunks / figures["wall_s"]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*map(int, sys.argv[1:])))))
