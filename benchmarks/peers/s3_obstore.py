"""obstore (Rust): as it comes, or (variant ``tuned``) with an unsigned payload."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.job import Job
from benchmarks.peers.harness import AsyncSend, load, run_async


@asynccontextmanager
async def client(job: Job) -> AsyncGenerator[AsyncSend]:
    """Open obstore's store."""
    obstore = load("obstore")
    store = load("obstore.store").S3Store(
        "bench",
        endpoint=job.origin,
        unsigned_payload=job.variant == "tuned",
        # It looks for no trusted certificate of ours; what it saves by not checking one is nothing.
        client_options={"allow_http": True, "allow_invalid_certificates": True},
    )

    async def send(path: Path) -> None:
        limits = {"chunk_size": job.chunk_size, "max_concurrency": job.workers}
        await obstore.put_async(store, path.name, path, use_multipart=True, **limits)

    yield send


if __name__ == "__main__":
    run_async(client)
    sys.stdout.flush()
    os._exit(0)  # its own threads abort now and then while an interpreter ends
