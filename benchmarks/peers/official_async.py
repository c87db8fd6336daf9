"""The official SDK's asynchronous client. It re-uses URLs and sends no upload headers."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.job import Job
from benchmarks.peers.harness import API_KEY, AsyncSend, load, run_async


@asynccontextmanager
async def client(job: Job) -> AsyncGenerator[AsyncSend]:
    """Open the official client."""
    official = load("twelvelabs").AsyncTwelveLabs(api_key=API_KEY, base_url=f"{job.origin}/v1.3")
    yield partial(official.multipart_upload.upload_file, max_workers=job.workers)


if __name__ == "__main__":
    run_async(client)
