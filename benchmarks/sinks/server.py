"""The sink: a server process that takes uploads over plain HTTP and TLS 1.3 and keeps nothing.

It is the C program ``sink.c``. It speaks the platform's control plane, PUTs, a file in one request,
and as much of S3 as the peers need.
"""

import http.client
import json
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
from attrs import frozen

from benchmarks.sinks.native import program

HOST = "127.0.0.1"


@frozen
class Sink:
    """A running sink.

    Attributes:
        plain: The port of plain HTTP.
        tls: The port of TLS.
        trusted: A file with the certificate that its clients have to trust.
    """

    plain: int
    tls: int
    trusted: Path

    def origin(self, *, tls: bool) -> str:
        """Return what every URL of the sink begins with."""
        return f"https://{HOST}:{self.tls}" if tls else f"http://{HOST}:{self.plain}"

    def reset(
        self,
        *,
        chunk_size: int,
        latency_ms: float = 0,
        cap: float = 0,
        etag: str = "",
        cuts: int = 0,
    ) -> None:
        """Forget what came, and set what comes.

        Args:
            chunk_size: Bytes of each chunk.
            latency_ms: Milliseconds before each answer.
            cap: Bytes that a connection takes in a second; 0: all that come.
            etag: The ETag of every PUT; empty: one that is right for no bytes.
            cuts: How many of the next files in one request are cut off halfway.
        """
        query = f"chunk_size={chunk_size}&latency_ms={latency_ms}&cap={cap}&cuts={cuts}"
        query += f"&etag={etag}" if etag else ""
        self._ask("POST", f"/__reset?{query}")

    def stats(self) -> dict[str, Any]:
        """Return the counters: connections, requests, puts, bytes; and the sink's cpu_s."""
        return dict(json.loads(self._ask("GET", "/__stats")))

    def _ask(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection(HOST, self.plain, timeout=30)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def running_sink() -> Generator[Sink]:
    """Run a sink for the ``with`` block.

    Raises:
        NoCompilerError: It cannot be compiled here.
    """
    command = program("sink")
    with tempfile.TemporaryDirectory() as directory:
        certificate, trusted = _make_certificate(Path(directory))
        with subprocess.Popen(
            [command, certificate], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin
            assert process.stdout
            try:
                yield Sink(**json.loads(process.stdout.readline()), trusted=trusted)
            finally:
                process.stdin.close()  # it ends with its standard input


def _make_certificate(directory: Path) -> tuple[Path, Path]:
    authority = trustme.CA()
    certificate, trusted = directory / "server.pem", directory / "trusted.pem"
    authority.issue_cert(HOST, "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(certificate)
    )
    authority.cert_pem.write_to_path(str(trusted))
    return certificate, trusted
