"""boto3 and s3transfer: as they come, or (variant ``tuned``) without checksums."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.job import Job
from benchmarks.peers.harness import FILES_AT_ONCE, Send, load, run

TUNED = {
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "s3": {"payload_signing_enabled": False},
}


def config(job: Job) -> Any:
    """Return botocore's settings."""
    kept = {"max_pool_connections": FILES_AT_ONCE * job.workers}
    return load("botocore.config").Config(**kept, **(TUNED if job.variant == "tuned" else {}))


def transfer_config(job: Job) -> Any:
    """Return s3transfer's settings: chunks and connections are the same for all clients."""
    return load("boto3.s3.transfer").TransferConfig(
        multipart_threshold=job.chunk_size,
        multipart_chunksize=job.chunk_size,
        max_concurrency=job.workers,
    )


@contextmanager
def client(job: Job) -> Generator[Send]:
    """Open boto3's client."""
    s3 = load("boto3").client("s3", endpoint_url=job.origin, config=config(job))
    transfer = transfer_config(job)

    def send(path: Path) -> None:
        s3.upload_file(str(path), "bench", path.name, Config=transfer)

    yield send


if __name__ == "__main__":
    run(client)
