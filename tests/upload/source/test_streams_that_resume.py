"""A stream of known size with a name in the journal: what is stored is compared, and not sent."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.assets import read_asset
from support.streams import pieces

from twelvelabs_async import AsyncTwelveLabs, MemoryJournal, SourceChangedError, UploadError
from twelvelabs_async._core import clock
from twelvelabs_async.emulator import Answer, Emulator, EndSession, Etag, Fault, Stall

CHUNK = 50_000
DATA = random.Random(9).randbytes(8 * CHUNK + 1)

pytestmark = pytest.mark.chunk_size(CHUNK)


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncTwelveLabs]:
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=MemoryJournal()
    ) as running:
        yield running


async def send(client: AsyncTwelveLabs, data: bytes = DATA, **options: Any) -> Any:
    call: dict[str, Any] = {
        "resume_key": "job 7",
        "multipart_above": 0,
        "max_workers": 1,
        **options,
    }
    return await client.upload(("a.mp4", pieces(data)), size=len(data), **call)


async def broken_off(emulator: Emulator, client: AsyncTwelveLabs, chunk: int, **call: Any) -> None:
    """Make an attempt that ends at a chunk."""
    refused = Fault(route="put", chunk_index=chunk, action=Answer(400, body=b"no"))
    emulator.faults.script.insert(0, refused)
    with pytest.raises(UploadError) as caught:
        await send(client, **call)
    assert caught.value.stored_chunks == chunk - 1


async def store_the_middle(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """Make an attempt of which the first chunk and the last one are missing."""
    emulator.faults.add(Fault(route="put", chunk_index=1, action=Stall("before"), times=None))
    emulator.faults.add(Fault(route="put", chunk_index=9, action=Answer(400, body=b"no")))
    with pytest.raises(UploadError):
        await send(client, max_workers=2, max_retries=0)
    emulator.faults.script.clear()


@pytest.mark.parametrize("digest", [None, "sha256"])
@pytest.mark.parametrize("md5s", [True, False])
@pytest.mark.parametrize("workers", [1, 4])
async def test_what_is_stored_is_not_sent_again(
    workers: int, digest: Any, emulator: Emulator, client: AsyncTwelveLabs, *, md5s: bool
) -> None:
    """Whether the store's ETags are MD5s or not: those of what was sent are in the journal."""
    for index in () if md5s else range(1, 10):
        etag = Etag(f"etag-{index}", kept=True)
        emulator.faults.add(Fault(route="put", chunk_index=index, action=etag))
    await broken_off(emulator, client, 6)
    asset = await send(client, max_workers=workers, digest=digest)
    assert asset.result.resumed_chunks == 5
    assert (emulator.count("create"), emulator.count("put")) == (1, 10)
    assert await read_asset(emulator, asset.id) == DATA
    assert client.statistics().stream_bytes == 0


async def test_chunks_behind_the_last_one_that_is_sent_are_compared(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The first chunk alone is missing: the rest of the stream is read before the last report."""
    await store_the_middle(emulator, client)
    other = bytearray(DATA)
    other[5 * CHUNK] ^= 1
    with pytest.raises(UploadError, match="chunk 6 is stored with other bytes"):
        await send(client, bytes(other))
    assert all(asset.received_at is None for asset in emulator.platform.assets.values())


async def test_what_is_read_to_be_compared_takes_its_memory_too(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Of a chunk at a time, also behind the last one that is sent."""
    await store_the_middle(emulator, client)
    seen = list[int]()

    async def watched() -> AsyncIterator[bytes]:
        for start in range(0, len(DATA), CHUNK):
            yield DATA[start : start + CHUNK]
            seen.append(client.statistics().stream_bytes)

    asset = await client.upload(
        ("a.mp4", watched()),
        size=len(DATA),
        resume_key="job 7",
        multipart_above=0,
        max_workers=2,
    )
    assert asset.result is not None
    assert asset.result.resumed_chunks == 7
    assert len(seen) == 9
    assert set(seen) <= {CHUNK, 2 * CHUNK}
    assert client.statistics().stream_bytes == 0


async def test_another_stream_than_that_of_a_complete_upload_has_no_digest(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """With ``digest`` it is read, so it is compared: the SHA-256 is that of the asset, or none."""
    first = await send(client, digest="sha256")
    again = await send(client, digest="sha256")
    assert (again.id, again.result.sha256) == (first.id, hashlib.sha256(DATA).hexdigest())
    with pytest.raises(UploadError, match="chunk 1 is stored with other bytes"):
        await send(client, DATA[::-1], digest="sha256")
    assert emulator.count("put") == 9


@pytest.mark.parametrize("resumed", [True, False])
async def test_a_stream_that_is_read_waits_for_no_memory(
    emulator: Emulator, *, resumed: bool
) -> None:
    """What is left to do needs none, however long another stream keeps all of it."""
    journal = MemoryJournal()
    near, gate = asyncio.Event(), asyncio.Event()

    async def first() -> AsyncIterator[bytes]:
        async for piece in pieces(DATA[:-1]):
            yield piece
        near.set()
        await clock.sleep(1)  # the other one is in line for memory by then
        yield DATA[-1:]

    async def slow() -> AsyncIterator[bytes]:
        await gate.wait()
        yield DATA

    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=journal, max_buffer_bytes=CHUNK
    ) as client:
        if resumed:
            await broken_off(emulator, client, 6)
        call: Any = {"size": len(DATA), "multipart_above": 0, "max_workers": 1}
        own: Any = {"resume_key": "job 7", "digest": None if resumed else "sha256"}
        ends = asyncio.create_task(client.upload(("a.mp4", first()), **own, **call))
        await near.wait()
        waits = asyncio.create_task(client.upload(("b.mp4", slow()), **call))
        assert await read_asset(emulator, (await ends).id) == DATA
        assert not waits.done()
        gate.set()
        assert await read_asset(emulator, (await waits).id) == DATA


@pytest.mark.parametrize("stream_first", [True, False])
async def test_a_stream_does_not_go_on_with_the_session_of_a_file(
    emulator: Emulator, client: AsyncTwelveLabs, *, stream_first: bool
) -> None:
    """Of equal names; the error says what differs."""
    emulator.faults.add(Fault(route="put", chunk_index=6, action=Answer(400, body=b"no")))
    with pytest.raises(UploadError):
        await (send(client) if stream_first else sent_as_bytes(client))
    with pytest.raises(UploadError, match="only one of the two was a stream with size="):
        await (sent_as_bytes(client) if stream_first else send(client))
    assert emulator.count("create") == 1


async def sent_as_bytes(client: AsyncTwelveLabs) -> Any:
    return await client.upload(("a.mp4", DATA), resume_key="job 7", multipart_above=0)


@pytest.mark.parametrize("changed", [0, 2 * CHUNK])
async def test_another_stream_of_the_same_size_is_refused(
    changed: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before anything of it is sent; with ``resume=False`` it begins anew."""
    await broken_off(emulator, client, 6)
    sent = emulator.count("put")
    other = bytearray(DATA)
    other[changed] ^= 1
    with pytest.raises(UploadError, match="stored with other bytes") as caught:
        await send(client, bytes(other))
    assert isinstance(caught.value.__cause__, SourceChangedError)
    assert emulator.count("put") == sent
    asset = await send(client, bytes(other), resume=False)
    assert await read_asset(emulator, asset.id) == other


async def test_a_stream_of_another_size_is_refused(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    await broken_off(emulator, client, 6)
    with pytest.raises(UploadError, match="its content is another"):
        await send(client, DATA + b"x")


async def test_a_complete_upload_answers_without_reading(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The same asset; the stream is left alone."""
    first = await send(client)
    stream = pieces(DATA)
    again = await client.upload(
        ("a.mp4", stream), size=len(DATA), resume_key="job 7", multipart_above=0
    )
    assert again.id == first.id
    assert emulator.count("put") == 9
    assert await anext(stream) == DATA[:7_000]


async def test_a_session_that_is_over_begins_anew(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before a byte of the stream is read."""
    await broken_off(emulator, client, 6)
    emulator.faults.add(Fault(route="status", action=EndSession("expired")))
    asset = await send(client)
    assert asset.result.resumed_chunks == 0
    assert emulator.count("create") == 2
    assert await read_asset(emulator, asset.id) == DATA


async def test_without_a_name_each_call_has_a_session_of_its_own(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    await broken_off(emulator, client, 6, resume_key=None)
    asset = await send(client, resume_key=None)
    assert asset.result.resumed_chunks == 0
    assert emulator.count("create") == 2
