"""The streams beside a file, in a benchmark: under way all the time, and gone when it is over."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.peers.slow_streams import PAUSE, PIECE, STREAMS, SlowStreams
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

CHUNK = 4 * PIECE
FILE = Path("a.mp4")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(chunk_size=CHUNK) as running:
        yield running


async def test_streams_send_chunks_beside_a_file_and_leave_nothing(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Each sends its first chunk and goes on; when the file has ended they are cancelled."""

    async def send(_: Path) -> None:
        while emulator.count("put") < STREAMS:
            await asyncio.sleep(PAUSE)

    streams = SlowStreams(client, CHUNK)
    async with streams.beside(send) as send_beside:
        await send_beside(FILE)
        assert client.statistics().uploads_admitted == STREAMS
    assert emulator.count("create") == STREAMS
    assert STREAMS * CHUNK <= streams.most <= client.statistics().stream_bound
    left = client.statistics()
    assert (left.uploads_admitted, left.puts_under_way, left.stream_bytes) == (0, 0, 0)


async def test_a_file_that_ends_after_a_stream_is_no_figure(client: AsyncTwelveLabs) -> None:
    """Where a stream was not under way until the file ended, the round says so and fails."""

    async def send(_: Path) -> None:
        while client.statistics().uploads_admitted == STREAMS:
            await asyncio.sleep(PAUSE)

    with pytest.raises(ExceptionGroup) as failed:
        async with SlowStreams(client, CHUNK, size=2 * CHUNK).beside(send) as send_beside:
            await send_beside(FILE)
    (why,) = failed.value.exceptions
    assert f" of {STREAMS} streams ended before the file: it is no figure" in str(why)
    assert client.statistics().stream_bytes == 0
