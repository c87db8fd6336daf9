"""``client.statistics()``: what a client is doing, in figures that a program can act on."""

import asyncio
from collections.abc import AsyncIterator, Callable

import attrs
import pytest
from support.calls import ask, create
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, ClientStatistics
from twelvelabs_async.emulator import Answer, Emulator, Fault, Stall

CHUNKS = 4
UNDER_WAY = (
    "uploads_admitted",
    "uploads_waiting",
    "puts_under_way",
    "puts_waiting",
    "buffers_out",
    "buffer_bytes",
    "calls_under_way",
    "calls_waiting",
)


def busy(client: AsyncTwelveLabs) -> dict[str, int]:
    """Return what is under way or waits, without what is not."""
    now = attrs.asdict(client.statistics())
    return {name: now[name] for name in UNDER_WAY if now[name]}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def client_of(emulator: Emulator, most: int) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=most)


def test_a_new_client_has_bounds_and_nothing_under_way() -> None:
    """No event loop is needed for that."""
    client = AsyncTwelveLabs("key", "https://api.example", max_concurrency=3)
    now = client.statistics()
    assert (now.uploads_bound, now.puts_bound, now.calls_bound) == (6, 3, 6)
    assert (now.bytes_sent, now.bytes_per_second) == (0, 0.0)
    assert busy(client) == {}


async def test_statistics_cannot_be_changed(emulator: Emulator) -> None:
    """They are a moment's figures; the next call returns others."""
    async with client_of(emulator, 1) as client:
        now: ClientStatistics = client.statistics()
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            now.bytes_sent = 1  # type: ignore[misc]
        assert now == client.statistics()


async def test_uploads_beyond_the_bound_wait_and_then_nothing_is_left(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Two are admitted for each PUT that may be under way; the others are counted as waiting."""
    stall = emulator.faults.add(Fault(route="put", action=Stall("middle"), times=None))
    paths = [make_file(CHUNKS * CHUNK_SIZE, f"{number}.mp4") for number in range(5)]
    async with client_of(emulator, 1) as client:
        uploads = [asyncio.create_task(client.multipart_upload.upload_file(p)) for p in paths]
        await until(lambda: stall.hits > 0 and client.statistics().puts_waiting > 0)
        now = client.statistics()
        assert (now.uploads_admitted, now.uploads_waiting, now.uploads_bound) == (2, 3, 2)
        assert (now.puts_under_way, now.puts_bound) == (1, 1)
        assert now.puts_waiting >= 1
        stall.times = 0
        await asyncio.gather(*uploads)
        assert busy(client) == {}
        assert client.statistics().bytes_sent >= 5 * CHUNKS * CHUNK_SIZE


async def test_every_put_under_way_is_counted(emulator: Emulator, make_file: MakeFile) -> None:
    """In chunks and in one request, for as long as no answer has come."""
    stalls = [
        emulator.faults.add(Fault(route=route, action=Stall("after"), times=None))
        for route in ("put", "create_asset")
    ]
    async with client_of(emulator, 8) as client:
        chunks = client.multipart_upload.upload_file(make_file(CHUNKS * CHUNK_SIZE))
        uploads = [asyncio.create_task(chunks), asyncio.create_task(client.upload(b"film"))]
        await until(lambda: client.statistics().puts_under_way == CHUNKS + 1)
        await until(lambda: client.statistics().bytes_sent == CHUNKS * CHUNK_SIZE + len(b"film"))
        for upload in uploads:
            upload.cancel()
        await asyncio.wait(uploads)
        assert busy(client) == {}
        for stall in stalls:
            stall.times = 0


async def test_the_speed_is_that_of_the_last_seconds(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """It rises with what is sent, and is 0 again when nothing was sent for a while."""
    async with client_of(emulator, 4) as client:
        await client.multipart_upload.upload_file(make_file(CHUNKS * CHUNK_SIZE))
        now = client.statistics()
        assert now.bytes_sent == CHUNKS * CHUNK_SIZE
        assert 0 < now.bytes_per_second <= now.bytes_sent
        await asyncio.sleep(6)
        assert client.statistics().bytes_per_second == 0.0
        assert client.statistics().bytes_sent == CHUNKS * CHUNK_SIZE


async def test_buffers_are_out_while_a_disk_is_read(emulator: Emulator) -> None:
    """A source that waits holds one buffer of 256 KiB for each body."""
    gate = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await gate.wait()
        yield b"last"

    async with client_of(emulator, 4) as client:
        upload = asyncio.create_task(client.upload(pieces(), filename="a.mp4", spool=False))
        await until(lambda: client.statistics().buffers_out == 1)
        assert client.statistics().buffer_bytes == 256 * 1024
        gate.set()
        await upload
        assert busy(client) == {}


async def test_control_calls_under_way_and_waiting_are_counted(emulator: Emulator) -> None:
    """Two for each PUT; those beyond the bound wait."""
    stall = emulator.faults.add(Fault(route="list", action=Stall("before"), times=None))
    async with client_of(emulator, 1) as client:
        calls = [asyncio.create_task(ask(client)) for _ in range(5)]
        await until(lambda: stall.hits == 2)
        now = client.statistics()
        assert (now.calls_under_way, now.calls_waiting, now.calls_bound) == (2, 3, 2)
        stall.times = 0
        await asyncio.gather(*calls)
        assert busy(client) == {}


async def test_calls_that_a_rate_limit_holds_back_are_counted_as_waiting(
    emulator: Emulator,
) -> None:
    """They hold no slot meanwhile."""
    limited = Answer(429, {"Retry-After": "20"}, b"{}")
    emulator.faults.add(Fault(route="list", action=limited, times=1))
    async with client_of(emulator, 4) as client:
        first = asyncio.create_task(ask(client))
        await asyncio.sleep(5)
        second = asyncio.create_task(create(client))
        await asyncio.sleep(1)
        assert client.statistics().calls_under_way == 0
        assert client.statistics().calls_waiting == 2
        await asyncio.gather(first, second)
        assert busy(client) == {}
