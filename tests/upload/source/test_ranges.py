"""Sources of users' own: read in ranges, each chunk at once, again where it has to be."""

import asyncio
import random
from typing import Any

import pytest
from support.assets import read_asset

from twelvelabs_async import AsyncTwelveLabs, MemoryJournal, RangeSource, UploadError
from twelvelabs_async.emulator import Answer, Emulator, FailChunk, Fault

CHUNK = 50_000
DATA = random.Random(2).randbytes(6 * CHUNK + 1)

pytestmark = pytest.mark.chunk_size(CHUNK)


class Bucket:
    """An object in a bucket, which counts what is read of it."""

    name = "a.mp4"

    def __init__(self, data: bytes = DATA, size: Any = None) -> None:
        self.data = data
        self.size: int = len(data) if size is None else size
        self.ranges = list[tuple[int, int]]()

    async def read_range(self, start: int, size: int) -> bytes:
        self.ranges.append((start, size))
        await asyncio.sleep(0.1)
        return self.data[start : start + size]


async def test_each_chunk_is_read_at_once(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """Side by side, and once each; a chunk that fails is sent again from memory."""
    bucket: RangeSource = Bucket()
    assert isinstance(bucket, Bucket)
    refused = emulator.faults.add(Fault(route="put", chunk_index=2, action=Answer(503)))
    asset = await client.upload(bucket, multipart_above=0, verify="etag", max_workers=3)
    assert refused.hits == 1
    assert asset.filename == "a.mp4"
    assert sorted(bucket.ranges) == [
        (at, min(CHUNK, len(DATA) - at)) for at in range(0, 300_001, CHUNK)
    ]
    assert await read_asset(emulator, asset.id) == DATA
    assert client.statistics().stream_bytes == 0


async def test_in_one_request_it_is_read_ahead(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """From one end to the other, in few ranges."""
    bucket = Bucket()
    asset = await client.upload(bucket)
    assert await read_asset(emulator, asset.id) == DATA
    assert len(bucket.ranges) <= 2


async def test_it_resumes_and_has_a_digest(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """What was stored is compared, and not sent again."""
    journal = MemoryJournal()
    emulator.faults.add(Fault(route="put", chunk_index=5, action=Answer(400, body=b"no")))
    call: dict[str, Any] = {"multipart_above": 0, "journal": journal, "max_workers": 1}
    with pytest.raises(UploadError):
        await client.upload(Bucket(), **call)
    asset = await client.upload(Bucket(), **call, digest="sha256")
    assert asset.result is not None
    assert (asset.result.resumed_chunks, emulator.count("put")) == (4, 8)
    assert await read_asset(emulator, asset.id) == DATA


async def test_a_chunk_that_the_platform_loses_is_read_again(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    emulator.faults.add(Fault(route="put", chunk_index=2, action=FailChunk()))
    bucket = Bucket()
    asset = await client.upload(bucket, multipart_above=0)
    assert bucket.ranges.count((CHUNK, CHUNK)) == 2
    assert await read_asset(emulator, asset.id) == DATA


@pytest.mark.parametrize("bound", [1, CHUNK, 3 * CHUNK])
async def test_its_chunks_are_within_the_memory_of_the_client(
    bound: int, emulator: Emulator
) -> None:
    """A failure and a cancellation give it back."""
    most = 0

    class WatchedBucket(Bucket):
        async def read_range(self, start: int, size: int) -> bytes:
            nonlocal most
            most = max(most, client.statistics().stream_bytes)
            return await super().read_range(start, size)

    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, max_buffer_bytes=bound
    ) as client:
        uploads = [client.upload(WatchedBucket(), multipart_above=0) for _ in range(4)]
        for asset in await asyncio.gather(*uploads):
            assert await read_asset(emulator, asset.id) == DATA
        assert most <= max(bound, CHUNK)
        tasks = [
            asyncio.create_task(client.upload(WatchedBucket(), multipart_above=0)) for _ in range(4)
        ]
        await asyncio.sleep(0.15)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(UploadError, match="KeyError"):
            await client.upload(BrokenBucket(), multipart_above=0)
        assert client.statistics().stream_bytes == 0


class BrokenBucket(Bucket):
    """One that cannot be read to its end."""

    async def read_range(self, start: int, size: int) -> bytes:
        if start + size > 2 * CHUNK:
            raise KeyError(start)
        return await super().read_range(start, size)


class ReadAtOnce(Bucket):
    """One whose author has left out ``async``."""

    def read_range(self, start: int, size: int) -> Any:
        return self.data[start : start + size]


WRONG: dict[str, tuple[Any, str]] = {
    "a short answer": (Bucket(DATA[:-1], len(DATA)), "read_range gave .* bytes from"),
    "no bytes": (Bucket(size=0), "is empty"),
    "a size that is none": (
        Bucket(size="5"),
        "its size must be a whole number of bytes, and is '5'",
    ),
    "a failure": (BrokenBucket(), "KeyError"),
    "bytes at once": (ReadAtOnce(), "cannot read a.mp4: its read_range must be async"),
}


@pytest.mark.parametrize("above", [0, 10**9])
@pytest.mark.parametrize("what", WRONG)
async def test_a_source_that_is_wrong_makes_no_asset(
    what: str, above: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    source, reason = WRONG[what]
    with pytest.raises(UploadError, match=reason):
        await client.upload(source, multipart_above=above)
    assert all(asset.received_at is None for asset in emulator.platform.assets.values())
