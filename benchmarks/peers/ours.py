"""This package."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.job import Job
from benchmarks.peers.harness import ALL_AT_ONCE, API_KEY, AsyncSend, run_async
from twelvelabs_async import AsyncTwelveLabs, FileJournal


@asynccontextmanager
async def client(job: Job) -> AsyncGenerator[AsyncSend]:
    """Open our client; a variant is ``uvloop``, ``early``, ``journal`` or ``verify``."""
    with tempfile.TemporaryDirectory() as directory:
        journal = FileJournal(directory) if job.variant == "journal" else None
        async with AsyncTwelveLabs(
            API_KEY,
            f"{job.origin}/v1.3",
            early_slots=job.variant == "early",
            journal=journal,
        ) as ours:
            yield partial(
                ours.multipart_upload.upload_file,
                max_workers=job.workers,
                verify="etag" if job.variant == "verify" else None,
            )


if __name__ == "__main__":
    run_async(client, ALL_AT_ONCE)  # it bounds them itself
