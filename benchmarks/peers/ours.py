"""This package."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from benchmarks.job import Job
from benchmarks.peers.harness import ALL_AT_ONCE, API_KEY, AsyncSend, run_async
from twelvelabs_async import AssetDetail, AsyncTwelveLabs, FileJournal


@asynccontextmanager
async def client(job: Job) -> AsyncGenerator[AsyncSend]:
    """Open our client; variants: ``uvloop``, ``direct``, ``early``, ``journal`` and ``verify``."""
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
            yield partial(
                ours.multipart_upload.upload_file,
                max_workers=job.workers,
                verify="etag" if job.variant == "verify" else None,
            )


async def _create(ours: AsyncTwelveLabs, path: Path) -> AssetDetail:
    """Send a file in one request."""
    return await ours.assets.create(method="direct", file=path)


if __name__ == "__main__":
    run_async(client, ALL_AT_ONCE)  # it bounds them itself
