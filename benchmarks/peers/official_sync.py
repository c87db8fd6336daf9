"""The official SDK's synchronous client. It re-uses URLs and sends no upload headers."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.job import Job
from benchmarks.peers.harness import API_KEY, Send, load, run


@contextmanager
def client(job: Job) -> Generator[Send]:
    """Open the official client."""
    official = load("twelvelabs").TwelveLabs(api_key=API_KEY, base_url=f"{job.origin}/v1.3")

    def send(path: Path) -> None:
        official.multipart_upload.upload_file(path, max_workers=job.workers)

    yield send


if __name__ == "__main__":
    run(client)
