"""This package."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.job import Job
from benchmarks.peers.harness import API_KEY, AsyncSend, run_async
from twelvelabs_async import AsyncTwelveLabs

MOST_FILES = 100_000  # all may be started at once: the client bounds them


@asynccontextmanager
async def client(job: Job) -> AsyncGenerator[AsyncSend]:
    """Open our client."""
    async with AsyncTwelveLabs(API_KEY, f"{job.origin}/v1.3") as ours:
        yield partial(ours.multipart_upload.upload_file, max_workers=job.workers)


if __name__ == "__main__":
    run_async(client, MOST_FILES)
