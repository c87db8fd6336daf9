"""This package."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.job import Job
from benchmarks.peers.harness import API_KEY, AsyncSend, run_async
from twelvelabs_async import AsyncTwelveLabs, FileJournal

MOST_FILES = 100_000  # all may be started at once: the client bounds them


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
    run_async(client, MOST_FILES)
