"""The benchmarks work: the sink counts exactly, a client is measured, results are written.

No figure that depends on time is asserted. Where the C programs cannot be compiled, the tests that
need them are skipped, and say why.
"""

import http.client
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.files import ROOT, MakeFile

from benchmarks.core import measure
from benchmarks.files import Files
from benchmarks.report import dump, load, markdown
from benchmarks.rounds import Results, Row, ratio, run_rounds
from benchmarks.scenarios import SCENARIOS
from benchmarks.sinks.native import NoCompilerError, program
from benchmarks.sinks.server import HOST, Sink, running_sink
from benchmarks.targets import MAIN, TARGETS
from benchmarks.trials import (
    GIB,
    MIB,
    Bench,
    Script,
    SkippedError,
    Upload,
    environment,
    run_script,
)
from twelvelabs_async import AsyncTwelveLabs, UploadResult

pytestmark = pytest.mark.real_time


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """Run the sink."""
    try:
        program("sink")
    except NoCompilerError as error:
        pytest.skip(str(error))
    with running_sink() as running:
        yield running


async def upload(sink: Sink, path: Path, *, tls: bool) -> UploadResult:
    trust = ssl.create_default_context(cafile=sink.trusted)
    async with AsyncTwelveLabs("key", f"{sink.origin(tls=tls)}/v1.3", ssl=trust) as client:
        return await client.multipart_upload.upload_file(path, max_workers=1)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_an_upload_through_the_sink_ends_in_an_asset(
    sink: Sink, make_file: MakeFile, tls: bool
) -> None:
    """One session, three chunks and one report are counted, on one connection for each side."""
    sink.reset(chunk_size=1000)
    result = await upload(sink, make_file(2500), tls=tls)
    assert (result.total_chunks, (result.asset_url or "")[:8]) == (3, "https://")
    stats = sink.stats()
    del stats["cpu_s"]
    assert stats == {"connections": 2, "requests": 5, "puts": 3, "bytes": 2500}


async def test_the_sink_hands_out_the_later_urls_on_request(
    sink: Sink, make_file: MakeFile
) -> None:
    """Twelve chunks take one call for URLs and two reports, as on the platform."""
    sink.reset(chunk_size=100)
    result = await upload(sink, make_file(1150), tls=False)
    stats = sink.stats()
    assert (result.total_chunks, stats["puts"], stats["bytes"]) == (12, 12, 1150)
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
    assert (sink.stats()["requests"], sink.stats()["bytes"]) == (2, 5)


def test_a_reset_forgets_what_came(sink: Sink) -> None:
    """Each measurement begins at nothing, and asking for the counters is not counted."""
    sink.reset(chunk_size=1000)
    assert [sink.stats()[name] for name in ("connections", "requests", "puts")] == [0, 0, 0]


def test_a_client_is_measured_in_its_own_process(sink: Sink, tmp_path: Path) -> None:
    """Ours uploads every byte, once a round, and its figures are kept."""
    results = Results({})
    trial = Upload(case="tiny", client="ours", size=5000, count=2, chunk_size=1000, workers=1)
    run_rounds("single", [trial], 1, Bench(sink, Files(tmp_path)), results, print)
    assert results.skipped == {}
    ((row,), figures) = results.rows, results.rows[0].rounds[0]
    assert (row.case, figures["puts"], figures["requests"]) == ("tiny", 10, 14)
    assert {"wall_s", "cpu_s", "peak_rss_mb", "delay_p99_ms", "disk_mb"} <= figures.keys()


@pytest.mark.parametrize("cuts", [0, 1])
def test_a_file_in_one_request_is_measured_whole_and_cut(
    sink: Sink, tmp_path: Path, cuts: int
) -> None:
    """An attempt that the sink cuts off is sent again; only what arrives whole counts.

    The half that is missing is more than the buffers of two sockets: otherwise the client would
    have sent everything, and could not know whether the platform has it.
    """
    size = 32_000_000
    trial = Upload(case="one request", client="ours, direct", size=size, cuts=cuts)
    figures = trial.run(Bench(sink, Files(tmp_path)))
    assert (figures["requests"], figures["puts"]) == (1 + cuts, 0)
    assert size < sink.stats()["bytes"] < size + 1000


@pytest.mark.parametrize("streams", ["alone", "beside streams"])
def test_a_file_is_measured_alone_and_beside_slow_streams(
    sink: Sink, tmp_path: Path, streams: str
) -> None:
    """It is sent once before it is measured; of the streams only whole chunks have arrived.

    The last chunk is shorter than the others, so that bytes of the file cannot be taken for a
    chunk of a stream.
    """
    size = 3 * MIB + 1000
    trial = Upload(case="tiny", client=f"ours, {streams}", size=size, chunk_size=MIB)
    figures = trial.run(Bench(sink, Files(tmp_path)))
    stats = sink.stats()
    more = stats["puts"] - 2 * 4
    assert stats["bytes"] == 2 * size + more * MIB
    assert more >= 0 if streams == "beside streams" else more == 0
    assert figures["gib"] == size / GIB


def test_the_limit_sends_every_byte(sink: Sink, tmp_path: Path) -> None:
    """The bare sender over TLS sends what a client would: each chunk once, kept connections."""
    trial = Upload(case="tiny", client="limit", size=5000, chunk_size=1000, workers=1)
    figures = trial.run(Bench(sink, Files(tmp_path)))
    assert (figures["connections"], figures["requests"]) == (1, 5)


def test_a_client_that_is_not_installed_is_skipped_and_named() -> None:
    """A peer that is missing costs its own figures, and nobody else's."""
    with pytest.raises(SkippedError, match="no_such_module"):
        run_script("importing", ["no_such_module"], environment(None))


def test_a_client_that_fails_is_named_and_run_no_more(sink: Sink, tmp_path: Path) -> None:
    """A failure ends one row and not the run, and leaves no figures of that row."""
    results, said = Results({}), list[str]()
    cases: list[tuple[str, tuple[str, ...]]] = [("odd", ()), ("even", ("json",))]
    trials = [Script(case, "x", "importing", words) for case, words in cases]
    run_rounds("core", trials, 2, Bench(sink, Files(tmp_path)), results, said.append)
    assert list(results.skipped) == ["x (core, odd)"]
    assert [(row.case, len(row.rounds)) for row in results.rows] == [("even", 2)]
    assert len(said) == 3


async def test_the_pure_core_carries_every_chunk() -> None:
    """The core's platform in memory is enough for a whole upload; ``measure`` checks its books."""
    assert (await measure(25, 3))["chunks_per_s"] > 0


def some_results() -> Results:
    """Return two rounds of two clients, the second on a machine half as fast."""
    rows = [
        Row("single", MAIN, "limit", [{"wall_s": 1, "cpu_s": 1}, {"wall_s": 2, "cpu_s": 2}]),
        Row("single", MAIN, "ours", [{"wall_s": 1.25, "cpu_s": 2}, {"wall_s": 2.5, "cpu_s": 4}]),
    ]
    return Results({"machine": "two cores"}, {"boto3": "No module named 'boto3'"}, rows)


def test_a_ratio_is_taken_within_a_round() -> None:
    """A machine that slows down between rounds changes seconds, and no ratio."""
    limit, ours = some_results().rows
    assert ratio(ours, limit, "wall_s") == 1.25
    assert ratio(ours, None, "wall_s") is None
    assert ratio(ours, limit, "disk_mb") is None


def test_results_are_read_back_as_they_were_written() -> None:
    """The JSON holds everything, so that tables can be written anew from it."""
    assert load(dump(some_results())) == some_results()


def test_the_report_says_which_targets_are_met() -> None:
    """Each target has a line: met, missed, or not measured; who was skipped is named."""
    lines = markdown(some_results()).splitlines()
    assert "| CPU against the C sender | <= 1.25 x | 2 x | **no** |" in lines
    assert "| throughput against the C sender | >= 0.7 x | 0.8 x | yes |" in lines
    assert "| bytes written to disk | <= 0 MB | not measured | - |" in lines
    assert "* not measured: boto3 (No module named 'boto3')" in lines
    assert sum(line.startswith(tuple(f"| {t.name} |" for t in TARGETS)) for line in lines) == len(
        TARGETS
    )
    assert "| 16 MiB x 5 | ours | 1.88 (1.25 to 2.50) | 3.00 |" in lines


def run_benchmarks(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m benchmarks`` to its end."""
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(  # noqa: S603 - our own
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_command_line_lists_every_scenario() -> None:
    """``--list`` names each, and says what it measures."""
    lines = run_benchmarks("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)
    assert all(len(line.split()) > 3 for line in lines)


def test_without_a_compiler_the_benchmarks_say_what_is_missing(tmp_path: Path) -> None:
    """And end: there is no other sink, whose figures nobody could compare."""
    done = run_benchmarks("core", "--results", str(tmp_path / "results"), PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "the sink is a C program that cannot be compiled here: there is no C compiler (cc); "
        "it needs cc and OpenSSL's headers (apt-get install gcc libssl-dev)\n"
    )


@pytest.mark.parametrize("framework", ["aiohttp", "fastapi"])
def test_a_web_application_that_passes_a_body_on_is_measured(framework: str) -> None:
    """Its chunks are in memory, and every byte arrives."""
    figures = run_script("web", [framework, "3"], environment(None))
    assert figures["taken_mb"] < figures["chunks_mb"] + 16
