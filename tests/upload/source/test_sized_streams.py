"""Streams of known size: sent in chunks from memory, each of them read once."""

import asyncio
import hashlib
import io
import os
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from attrs import evolve
from support.assets import read_asset
from support.open_files import kept
from support.streams import ReaderError, pieces

from twelvelabs_async import AsyncTwelveLabs, InvalidArgumentError, SourceError, UploadError
from twelvelabs_async._upload.source.chunk_pieces import ChunkPieces
from twelvelabs_async.emulator import (
    Answer,
    Corrupt,
    Emulator,
    Etag,
    Expire,
    FailChunk,
    Fault,
    Stall,
)

CHUNK = 50_000
WORKERS = 3
DATA = random.Random(14).randbytes(10 * CHUNK)

pytestmark = pytest.mark.chunk_size(CHUNK)


class ReadInThread:
    """What is read in a thread, once."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.read = self._file.read


def awaited(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def pipe(data: bytes) -> Any:
    reading, writing = os.pipe()

    def write() -> None:
        try:
            with os.fdopen(writing, "wb") as end:
                end.write(data)
        except BrokenPipeError:
            pass

    threading.Thread(target=write).start()
    return kept(os.fdopen(reading, "rb"))


STREAMS: dict[str, Callable[[bytes], Any]] = {
    "a generator": lambda data: (data[at : at + 7_000] for at in range(0, len(data), 7_000)),
    "an iterator with empty pieces": lambda data: iter([b"", bytearray(data[:5]), b"", data[5:]]),
    "small pieces": pieces,
    "one large piece": lambda data: pieces(data, 10**9),
    "a body that is read": ReadInThread,
    "a stream of asyncio": awaited,
    "a pipe": pipe,
}


class Watched:
    """The memory that a client's streams take while something is awaited."""

    def __init__(self, client: AsyncTwelveLabs) -> None:
        self._client = client
        self.most = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(DATA), 10_000):
            yield DATA[start : start + 10_000]
            self.most = max(self.most, self._client.statistics().stream_bytes)


async def send(client: AsyncTwelveLabs, stream: Any, size: int = len(DATA), **options: Any) -> Any:
    return await client.upload(
        ("a.mp4", stream), size=size, multipart_above=0, max_workers=WORKERS, **options
    )


def nothing_held(client: AsyncTwelveLabs) -> bool:
    return client.statistics().stream_bytes == 0


@pytest.mark.parametrize("size", [1, CHUNK, 4 * CHUNK, 4 * CHUNK + 1, len(DATA)])
@pytest.mark.parametrize("what", STREAMS)
async def test_a_stream_arrives_in_chunks(
    what: str, size: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Byte for byte, each chunk sent once, with the digest and every ETag compared."""
    stream = STREAMS[what](DATA[:size])
    asset = await send(client, stream, size, digest="sha256", verify="etag")
    chunks = -(-size // CHUNK)
    assert await read_asset(emulator, asset.id) == DATA[:size]
    assert (emulator.count("create"), emulator.count("put")) == (1, chunks)
    assert asset.result.verified_chunks == chunks
    assert asset.result.sha256 == hashlib.sha256(DATA[:size]).hexdigest()
    assert nothing_held(client)


async def test_an_iterator_that_blocks_leaves_the_loop_free(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """It waits in a thread, which is left to it when the upload is cancelled."""
    waits, go_on = threading.Event(), threading.Event()

    def blocking() -> Iterator[bytes]:
        yield DATA[:CHUNK]
        waits.set()
        go_on.wait()
        yield DATA[CHUNK:]

    def strange() -> Iterator[Any]:
        yield from ("text", b"")

    upload = asyncio.create_task(send(client, blocking()))
    while not waits.is_set():
        await asyncio.sleep(0.001)
    asset = await send(client, pieces(DATA))
    assert await read_asset(emulator, asset.id) == DATA
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    go_on.set()
    with pytest.raises(UploadError, match="is open as text"):
        await send(client, strange())


@pytest.mark.parametrize("sized", [True, False])
async def test_an_iterator_is_in_one_upload_at_a_time(
    emulator: Emulator, client: AsyncTwelveLabs, *, sized: bool
) -> None:
    """Whether it is a generator or not; the second upload is refused, and disturbs nothing."""
    parts = [DATA[at : at + 7_000] for at in range(0, len(DATA), 7_000)]
    size = len(DATA) if sized else None
    for iterator in (iter(parts), (part for part in parts)):
        uploads = [client.upload(("a.mp4", iterator), size=size) for _ in range(2)]
        outcomes = await asyncio.gather(*uploads, return_exceptions=True)
        (refused,) = [one for one in outcomes if isinstance(one, UploadError)]
        (asset,) = [one for one in outcomes if not isinstance(one, BaseException)]
        assert "open it a second time" in str(refused)
        assert await read_asset(emulator, asset.id) == DATA


async def test_what_a_cancelled_upload_was_reading_is_what_the_next_one_gets(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Of an iterator, as of a pipe: no piece is lost."""
    waits, go_on = threading.Event(), threading.Event()

    class Blocking:
        def __init__(self) -> None:
            self.parts = iter([DATA[:CHUNK], DATA[CHUNK : 2 * CHUNK], DATA[2 * CHUNK :]])
            self.number = 0

        def __iter__(self) -> Iterator[bytes]:
            return self

        def __next__(self) -> bytes:
            self.number += 1
            if self.number == 2:
                waits.set()
                go_on.wait()
            return next(self.parts)

    iterator = Blocking()
    upload = asyncio.create_task(client.upload(("a.mp4", iterator)))
    while not waits.is_set():
        await asyncio.sleep(0.001)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    again = asyncio.create_task(client.upload(("a.mp4", iterator)))
    go_on.set()
    assert await read_asset(emulator, (await again).id) == DATA[CHUNK:]


def test_small_pieces_are_put_together() -> None:
    """A chunk of single bytes has no object for each of them."""
    pieces = ChunkPieces()
    parts = [b"x", DATA[:300_000], *(DATA[at : at + 1] for at in range(300_000, 301_000)), DATA]
    for part in parts:
        pieces.add(memoryview(part))
    whole = b"".join(parts)
    assert pieces.size == len(whole)
    assert len(pieces._pieces) == 4
    for start in (0, 1, 5, 300_000, 300_500, 301_001, len(whole) - 1):
        view = memoryview(bytearray(1_000))
        count = pieces.read_into(view, start)
        assert bytes(view[:count]) == whole[start : start + 1_000]


async def test_a_stream_up_to_the_direct_limit_goes_in_one_request(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    asset = await client.upload(("a.mp4", pieces(DATA)), size=len(DATA))
    assert await read_asset(emulator, asset.id) == DATA
    assert (emulator.count("create"), emulator.count("create_asset")) == (0, 1)


CORRUPT = "a corrupted chunk, which nobody notices without MD5s"

FAULTS: dict[str, Fault] = {
    "a refused chunk": Fault(route="put", chunk_index=3, action=Answer(503)),
    "a lost connection": Fault(route="put", chunk_index=1, action=Stall("middle")),
    "an expired URL": Fault(route="put", chunk_index=4, action=Expire()),
    CORRUPT: Fault(route="put", chunk_index=2, action=Corrupt()),
    "an answer that is late": Fault(route="put", chunk_index=10, action=Stall("after")),
}


@pytest.mark.parametrize(
    ("what", "verify"),
    [(what, "etag") for what in FAULTS]
    + [(what, None) for what in FAULTS if "corrupt" not in what],
)
async def test_a_chunk_that_fails_is_sent_again_from_memory(
    what: str, verify: Any, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The stream is read once."""
    fault = emulator.faults.add(evolve(FAULTS[what]))
    asset = await send(client, pieces(DATA), verify=verify)
    assert fault.hits == 1
    assert await read_asset(emulator, asset.id) == DATA
    assert (emulator.count("create"), emulator.count("put")) == (1, 11)
    assert nothing_held(client)


@pytest.mark.parametrize("workers", [1, 2, 5])
async def test_a_store_whose_etags_are_no_md5s_is_found_out_within_the_memory(
    workers: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Chunks that are unverified take all the memory there is, and one is sent again."""
    for chunk in range(1, 11):
        etag = Etag(f"{chunk:032x}", kept=True)
        emulator.faults.add(Fault(route="put", chunk_index=chunk, action=etag, times=None))
    asset = await client.upload(
        ("a.mp4", pieces(DATA)),
        size=len(DATA),
        multipart_above=0,
        max_workers=workers,
        verify="etag",
    )
    assert await read_asset(emulator, asset.id) == DATA
    assert nothing_held(client)


@pytest.mark.parametrize("bound", [1, CHUNK, 2 * CHUNK + 1, 10**9])
async def test_the_memory_of_a_client_is_bounded(bound: int, emulator: Emulator) -> None:
    """Of one upload to a chunk more than it has workers, and of all of them to the bound."""
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, max_buffer_bytes=bound
    ) as client:
        streams = [Watched(client) for _ in range(6)]
        assets = await asyncio.gather(*[send(client, aiter(stream)) for stream in streams])
        for asset in assets:
            assert await read_asset(emulator, asset.id) == DATA
        most = max(stream.most for stream in streams)
        assert most <= max(CHUNK, min(bound, 6 * (WORKERS + 1) * CHUNK))
        assert most >= min(bound, CHUNK)
        assert client.statistics().stream_bound == bound
        assert nothing_held(client)
        alone = Watched(client)
        await send(client, aiter(alone))
        assert alone.most <= (WORKERS + 1) * CHUNK


async def test_a_sender_is_held_back_by_a_store_that_takes_nothing(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """As many chunks are read as there are workers, and one more."""
    read = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal read
        for start in range(0, len(DATA), CHUNK):
            read += 1
            yield DATA[start : start + CHUNK]

    stall = emulator.faults.add(Fault(route="put", action=Stall("middle"), times=None))
    upload = asyncio.create_task(send(client, counted()))
    while not stall.hits:
        await asyncio.sleep(1)
    await asyncio.sleep(10)
    assert read <= WORKERS + 2  # the last one, to see that a chunk is whole
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)
    assert nothing_held(client)


async def failing(after: int) -> AsyncIterator[bytes]:
    yield DATA[:after]
    raise ReaderError("the browser went away")


WRONG: dict[str, tuple[Callable[[], Any], int, str]] = {
    "ends early": (
        lambda: pieces(DATA[:-1]),
        len(DATA),
        "ended after 499999 of 500000 bytes, the",
    ),
    "is empty": (lambda: pieces(b""), len(DATA), "is empty"),
    "goes on": (lambda: pieces(DATA), len(DATA) - 1, "has more than 499999 bytes, the given size"),
    "goes on behind a chunk": (lambda: pieces(DATA), 9 * CHUNK, "has more than 450000"),
    "raises": (lambda: failing(3 * CHUNK + 1), len(DATA), "ReaderError: the browser went away"),
    "raises at once": (lambda: failing(0), len(DATA), "ReaderError: the browser went away"),
}


@pytest.mark.parametrize("above", [0, 10**9])
@pytest.mark.parametrize("what", WRONG)
async def test_a_stream_that_is_not_as_it_was_said_makes_no_asset(
    what: str, above: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """In chunks and in one request, with the reason."""
    make, size, reason = WRONG[what]
    with pytest.raises(UploadError, match=reason) as caught:
        await client.upload(("a.mp4", make()), size=size, multipart_above=above)
    assert isinstance(caught.value.__cause__, SourceError)
    assert all(asset.received_at is None for asset in emulator.platform.assets.values())
    assert nothing_held(client)


async def test_a_chunk_that_the_platform_loses_cannot_be_sent_again(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """It is gone from memory, and the error says so."""
    emulator.faults.add(Fault(route="put", chunk_index=2, action=FailChunk()))
    with pytest.raises(UploadError, match="chunk 2 of it, which the store had taken"):
        await send(client, pieces(DATA))
    assert nothing_held(client)


async def test_a_cancelled_upload_closes_the_stream(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Whoever sends it slowly is told, and nothing is left."""
    closed, waits = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        try:
            yield DATA[: CHUNK + 1]
            waits.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    upload = asyncio.create_task(send(client, slow()))
    await waits.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert closed.is_set()
    assert nothing_held(client)


@pytest.mark.parametrize("sized", [True, False])
async def test_senders_that_stall_keep_nobody_out(emulator: Emulator, *, sized: bool) -> None:
    """A stream that is kept is read before its upload is admitted; two at once are, here."""
    size, begun = len(DATA) if sized else None, 0

    async def stalled() -> AsyncIterator[bytes]:
        nonlocal begun
        begun += 1
        yield DATA[:10]
        await asyncio.Event().wait()

    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=1) as client:
        uploads = [
            asyncio.create_task(client.upload(("a.mp4", stalled()), size=size)) for _ in range(5)
        ]
        asset = await client.upload(("b.mp4", DATA))
        assert await read_asset(emulator, asset.id) == DATA
        assert begun == 2
        closing = asyncio.create_task(client.close())
        for outcome in await asyncio.gather(*uploads, return_exceptions=True):
            assert "the client was closed" in str(outcome)
        await closing


async def test_slow_senders_hold_up_no_file(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """They take no slot before a chunk is whole."""
    released = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield DATA[:10]
        await released.wait()
        yield DATA[10:]

    uploads = [asyncio.create_task(send(client, slow())) for _ in range(20)]
    asset = await client.upload(("b.mp4", DATA), multipart_above=0)
    assert await read_asset(emulator, asset.id) == DATA
    released.set()
    for sent in await asyncio.gather(*uploads):
        assert await read_asset(emulator, sent.id) == DATA


@pytest.mark.parametrize("above", [0, 10**9])
async def test_a_stream_that_stays_open_has_ended_with_its_last_byte(
    above: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """As a connection does whose other side waits for an answer."""
    reader = asyncio.StreamReader()
    reader.feed_data(DATA)
    asset = await client.upload(("a.mp4", reader), size=len(DATA), multipart_above=above)
    assert await read_asset(emulator, asset.id) == DATA


@pytest.mark.parametrize("size", [0, -1, True, 1.5, "5"])
async def test_a_size_is_a_whole_number(size: Any, client: AsyncTwelveLabs) -> None:
    with pytest.raises(InvalidArgumentError, match="size"):
        await client.upload(("a.mp4", pieces(DATA)), size=size)


@pytest.mark.parametrize("make", [lambda: DATA, lambda: io.BytesIO(DATA)])
async def test_a_size_that_is_another_one_is_refused(
    make: Callable[[], Any], emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    with pytest.raises(InvalidArgumentError, match=f"size is 5, and a.mp4 has {len(DATA)} bytes"):
        await client.upload(("a.mp4", make()), size=5)
    assert emulator.requests == []


async def test_chunks_of_an_unknown_size_are_refused_where_it_is_not_spooled(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    with pytest.raises(InvalidArgumentError, match="pass size="):
        await client.upload(("a.mp4", pieces(DATA)), multipart_above=0, spool=False)
    assert emulator.requests == []
