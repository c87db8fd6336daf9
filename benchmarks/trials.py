"""A trial: one client on one case, run in a process of its own, as often as there are rounds."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import md5
from pathlib import Path
from typing import Protocol

from attrs import frozen

from benchmarks.files import Files, forget
from benchmarks.job import SENT_BEFORE, Job
from benchmarks.meter import Figures
from benchmarks.sinks.server import Sink

MIB = 2**20
GIB = 2**30
MOST_FRAMING = 1.01
"""What a client may send over the file's bytes: checksums, or a form around it."""


class SkippedError(Exception):
    """A client that cannot be measured here; the text says why."""


class FailedError(Exception):
    """A client that did not do what it was asked to; the text says how it ended."""


@frozen
class Bench:
    """What trials run on."""

    sink: Sink
    files: Files


class Trial(Protocol):
    """One client on one case."""

    @property
    def case(self) -> str:
        """What is done, in words that are the same for all clients."""
        ...

    @property
    def client(self) -> str:
        """Who does it."""
        ...

    def run(self, bench: Bench) -> Figures:
        """Measure once.

        Raises:
            SkippedError: It cannot be measured here.
            FailedError: It did not upload what it should have.
        """
        ...


CLIENTS: dict[str, tuple[str, str]] = {
    "limit": ("limit", ""),
    "ours": ("ours", ""),
    "ours on uvloop": ("ours", "uvloop"),
    "ours, direct": ("ours", "direct"),
    "ours, early slots": ("ours", "early"),
    "ours, with a journal": ("ours", "journal"),
    "ours, verifying": ("ours", "verify"),
    "ours, a stream": ("ours", "stream"),
    "ours, alone": ("ours", "alone"),
    "ours, beside streams": ("ours", "beside"),
    "official async": ("official_async", ""),
    "official async, all at once": ("official_async", "all"),
    "official sync": ("official_sync", ""),
    "curl": ("curl", ""),
    "boto3 tuned": ("s3_boto3", "tuned"),
    "boto3": ("s3_boto3", ""),
    "aioboto3": ("s3_aioboto3", ""),
    "obstore tuned": ("s3_obstore", "tuned"),
    "obstore": ("s3_obstore", ""),
}
"""Each client's script in ``peers/`` and the variant that it is asked for."""

ENDS_IN_AN_ASSET = ("ours", "official_async", "official_sync")
"""Scripts that send the file's own bytes, no more and no less, except in a form."""


@frozen(kw_only=True)
class Upload:
    """A client uploads files to the sink.

    Attributes:
        case: What is done.
        client: Who does it; a key of ``CLIENTS``.
        size: Bytes of each file.
        count: How many files.
        sparse: Whether the file is one hole: no disk could hold it otherwise.
        cold: Whether the file has to be read from the disk.
        chunk_size: Bytes of each chunk.
        workers: Connections for one file.
        latency_ms: Milliseconds that the sink waits before each answer.
        cap: Bytes a second that it takes from a connection; 0: no cap.
        cuts: How many of the first attempts it cuts off halfway, of files in one request.
        tls: Whether it is TLS.
    """

    case: str
    client: str
    size: int
    count: int = 1
    sparse: bool = False
    cold: bool = False
    chunk_size: int = 16 * MIB
    workers: int = 5
    latency_ms: float = 0
    cap: float = 0
    cuts: int = 0
    tls: bool = True

    def run(self, bench: Bench) -> Figures:
        """Upload, and make sure that every byte arrived."""
        script, variant = CLIENTS[self.client]
        paths = bench.files.get(self.size, self.count, sparse=self.sparse)
        origin = bench.sink.origin(tls=self.tls)
        job = Job(origin, paths, self.chunk_size, self.workers, variant)
        # a file that is one hole has the same bytes, and so the same ETag, in every chunk
        etag = md5(bytes(self.chunk_size), usedforsecurity=False).hexdigest() if self.sparse else ""
        bench.sink.reset(
            chunk_size=self.chunk_size,
            latency_ms=self.latency_ms,
            cap=self.cap,
            etag=etag,
            cuts=self.cuts,
        )
        os.sync()  # what another client wrote is not for this one to wait for
        if self.cold:
            forget(paths[0])
        job_file = bench.files.directory / "job.json"  # a command line takes no 5,000 names
        job_file.write_text(job.dump())
        figures = run_script(f"peers.{script}", [str(job_file)], environment(bench.sink.trusted))
        stats = bench.sink.stats()
        if variant in SENT_BEFORE:
            stats["bytes"] -= self._arrived_besides(stats, streams=variant == "beside")
        return figures | self._arrived(
            stats, exact=script in ENDS_IN_AN_ASSET and variant != "direct"
        )

    def _arrived_besides(self, stats: Figures, *, streams: bool) -> float:
        """Return the bytes of the file that was sent before, and of streams: whole chunks only."""
        total = self.size * self.count
        more = max(0, stats["bytes"] - 2 * total) if streams else 0
        return total + more // self.chunk_size * self.chunk_size

    def _arrived(self, stats: Figures, *, exact: bool) -> Figures:
        total = self.size * self.count
        most = total * (1 if exact else MOST_FRAMING)
        if not total <= stats["bytes"] <= most:
            raise FailedError(f"{stats['bytes']} bytes arrived, of {total}")
        named = {name: stats[name] for name in ("connections", "requests", "puts")}
        return {**named, "gib": total / GIB}


@frozen
class Script:
    """A script of ours that needs no sink.

    Attributes:
        case: What is done.
        client: Who does it.
        module: The script, in this package.
        words: Its command line.
    """

    case: str
    client: str
    module: str
    words: tuple[str, ...]

    def run(self, bench: Bench) -> Figures:  # noqa: ARG002 - as trials have it
        """Run the script."""
        return run_script(self.module, self.words, environment(None))


def run_script(module: str, words: Sequence[str], variables: dict[str, str]) -> Figures:
    """Run a script of this package in a process of its own and return the figures that it prints.

    Raises:
        SkippedError: It says that it cannot be measured here.
        FailedError: It ended badly.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *words]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError(f"ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    figures = json.loads(done.stdout)
    if why := figures.get("skipped"):
        raise SkippedError(why)
    return dict(figures)


def environment(trusted: Path | None) -> dict[str, str]:
    """Return the variables of a client's process: ours to trust, no proxies, no one's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    trust = ("SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE") if trusted else ()
    return {
        **kept,
        **{name: str(trusted) for name in trust},
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
