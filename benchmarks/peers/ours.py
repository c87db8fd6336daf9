"""This package."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from benchmarks.job import SENT_BEFORE, Job
from benchmarks.peers.harness import ALL_AT_ONCE, API_KEY, AsyncSend, run_async
from benchmarks.peers.slow_streams import SlowStreams
from twelvelabs_async import AssetDetail, AsyncTwelveLabs, FileJournal, UploadedAsset

PIECE = 2**18
"""Bytes of a stream that come at once."""


@asynccontextmanager
async def client(job: Job) -> AsyncGenerator[AsyncSend]:
    """Open our client, as the variant says, which is a word of ``CLIENTS``."""
    with tempfile.TemporaryDirectory() as directory:
        journal = FileJournal(directory) if job.variant == "journal" else None
        async with AsyncTwelveLabs(
            API_KEY,
            f"{job.origin}/v1.3",
            early_slots=job.variant == "early",
            journal=journal,
        ) as ours:
            if job.variant == "direct":
                yield partial(_create, ours)
                return
            if job.variant == "stream":
                yield partial(_stream, ours, job.workers)
                return
            upload_file = partial(
                ours.multipart_upload.upload_file,
                max_workers=job.workers,
                verify="etag" if job.variant == "verify" else None,
            )
            if job.variant in SENT_BEFORE:
                await upload_file(job.paths[0])
            if job.variant == "beside":
                async with SlowStreams(ours, job.chunk_size).beside(upload_file) as send:
                    yield send
                return
            yield upload_file


async def _create(ours: AsyncTwelveLabs, path: Path) -> AssetDetail:
    """Send a file in one request."""
    return await ours.assets.create(method="direct", file=path)


async def _stream(ours: AsyncTwelveLabs, workers: int, path: Path) -> UploadedAsset:
    """Send as many bytes as a file has, from memory."""
    size = path.stat().st_size  # noqa: ASYNC240 - nothing else runs

    async def pieces() -> AsyncGenerator[bytes]:
        piece = bytes(PIECE)
        for start in range(0, size, PIECE):
            yield piece[: size - start]

    stream = (path.name, pieces())
    return await ours.upload(stream, size=size, multipart_above=0, max_workers=workers)


if __name__ == "__main__":
    run_async(client, ALL_AT_ONCE)  # it bounds them itself
