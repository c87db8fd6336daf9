"""The benchmarks work: the sink counts exactly.

No figure that depends on time is asserted. The C programs are tested where there is a compiler.
"""

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import MakeFile

from benchmarks.native import NoCompilerError, program
from benchmarks.sink import HOST, Sink, running_sink
from twelvelabs_async import AsyncTwelveLabs, UploadResult

pytestmark = pytest.mark.real_time


@pytest.fixture(scope="module", params=["C", "Python"])
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    """Run each of the two sinks."""
    native = request.param == "C"
    if native:
        needs_compiler("sink")
    with running_sink(native=native) as running:
        yield running


def needs_compiler(name: str) -> None:
    try:
        program(name)
    except NoCompilerError as error:
        pytest.skip(str(error))


async def upload(sink: Sink, path: Path, *, tls: bool) -> UploadResult:
    trust = ssl.create_default_context(cafile=sink.trusted)
    async with AsyncTwelveLabs("key", f"{sink.origin(tls=tls)}/v1.3", ssl=trust) as client:
        return await client.multipart_upload.upload_file(path, max_workers=1)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_an_upload_through_the_sink_ends_in_an_asset(
    sink: Sink, make_file: MakeFile, tls: bool
) -> None:
    """One session, three chunks and one report are counted, on one connection, byte for byte."""
    sink.reset(chunk_size=1000)
    result = await upload(sink, make_file(2500), tls=tls)
    assert (result.total_chunks, result.asset_url[:8]) == (3, "https://")
    stats = sink.stats()
    del stats["cpu_s"]
    assert stats == {"connections": 1, "requests": 5, "puts": 3, "put_bytes": 2500}


async def test_the_sink_hands_out_the_later_urls_on_request(
    sink: Sink, make_file: MakeFile
) -> None:
    """Twelve chunks take one call for URLs and two reports, as on the platform."""
    sink.reset(chunk_size=100)
    result = await upload(sink, make_file(1150), tls=False)
    stats = sink.stats()
    assert (result.total_chunks, stats["puts"], stats["put_bytes"]) == (12, 12, 1150)
    assert stats["requests"] == 1 + 12 + 1 + 2


def test_the_sink_takes_what_s3_clients_send(sink: Sink) -> None:
    """A body in chunks is counted without its framing; the calls around it are answered."""
    sink.reset(chunk_size=1000)
    connection = http.client.HTTPConnection(HOST, sink.plain)
    connection.request("POST", "/bench/file?uploads")
    assert b"<UploadId>1</UploadId>" in connection.getresponse().read()
    connection.request(
        "PUT", "/bench/file?partNumber=1", iter([b"abc", b"de"]), encode_chunked=True
    )
    answer = connection.getresponse()
    assert (answer.status, answer.read(), bool(answer.headers["ETag"])) == (200, b"", True)
    connection.close()
    assert (sink.stats()["requests"], sink.stats()["put_bytes"]) == (2, 5)


def test_a_reset_forgets_what_came(sink: Sink) -> None:
    """Each measurement begins at nothing, and asking for the counters is not counted."""
    sink.reset(chunk_size=1000)
    assert [sink.stats()[name] for name in ("connections", "requests", "puts")] == [0, 0, 0]
