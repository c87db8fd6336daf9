"""aioboto3, without checksums."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import evolve

from benchmarks.job import Job
from benchmarks.peers.harness import AsyncSend, load, run_async
from benchmarks.peers.s3_boto3 import config, transfer_config


@asynccontextmanager
async def client(job: Job) -> AsyncGenerator[AsyncSend]:
    """Open aioboto3's client."""
    session = load("aioboto3").Session()
    settings = load("aiobotocore.config").AioConfig().merge(config(evolve(job, variant="tuned")))
    transfer = transfer_config(job)
    opened: Any = session.client("s3", endpoint_url=job.origin, config=settings)
    async with opened as s3:

        async def send(path: Path) -> None:
            await s3.upload_file(str(path), "bench", path.name, Config=transfer)

        yield send


if __name__ == "__main__":
    run_async(client)
