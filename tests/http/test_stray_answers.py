"""A server that answers a request twice: no answer is taken for that to another request."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from support.calls import ask, now, tls
from support.doubling import IDLE, Timing, doubling
from support.files import MakeFile
from support.server import http, listening, read_request
from support.virtual_time import utcnow
from support.virtual_uvloop import ON_UVLOOP
from yarl import URL

from twelvelabs_async import AsyncTwelveLabs, CompletedChunk, StorageError, UploadError
from twelvelabs_async.emulator import Answer, Emulator, Fault, store_error

WHOSE = ["own", "session", "connector"]
TIMINGS: list[Timing] = ["together", "after", "idle"]
CHUNKS = 9


@asynccontextmanager
async def connections(whose: str, ssl: Any = True) -> AsyncGenerator[dict[str, Any]]:
    """Yield the settings of a client with connections of its own, or of the user's."""
    async with AsyncExitStack() as stack:
        if whose == "own":
            yield {"ssl": ssl}
            return
        connector = await stack.enter_async_context(aiohttp.TCPConnector(ssl=ssl))
        if whose == "connector":
            yield {"connector": connector}
            return
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield {"session": session}


async def assert_whole(emulator: Emulator, asset_id: str, path: Any) -> None:
    """Fail unless an asset is what was uploaded."""
    content = await asyncio.to_thread(path.read_bytes)
    assert await emulator.sha256(asset_id) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("chunk_size", [1, 1000, 300_000])
@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("whose", WHOSE)
async def test_a_second_answer_is_not_that_to_the_next_put(
    whose: str, timing: Timing, chunk_size: int, secure: bool, make_file: MakeFile
) -> None:
    """Its connection is not used, or not believed, and every chunk is stored once."""
    theirs, ours = tls() if secure else (None, True)
    path = make_file(chunk_size * CHUNKS)
    async with (
        Emulator(chunk_size=chunk_size, now=utcnow) as emulator,
        doubling(timing, ssl=theirs) as server,
        connections(whose, ours) as more,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, **more) as client,
    ):
        server.store, emulator.platform.store_url = URL(emulator.store_url), str(server.url)
        # Where the second answer comes behind the next request, refusals are true ones.
        late = timing == "idle" or (timing == "after" and ON_UVLOOP)
        retries = 20 if late else 0
        upload_file = client.multipart_upload.upload_file
        result = await upload_file(path, max_workers=2, max_retries=retries)
        await assert_whole(emulator, result.asset_id, path)
        puts = [each.chunk_index for each in emulator.requests if each.route == "put"]
        assert sorted(map(str, puts)) == sorted(map(str, range(1, CHUNKS + 1)))
        assert server.doubled == CHUNKS
        if not late:
            assert server.refused == 0


@pytest.mark.parametrize("whose", WHOSE)
async def test_a_late_second_answer_is_known_by_its_etag_where_requests_have_no_names(
    whose: str, make_file: MakeFile
) -> None:
    """It is no MD5 of the chunk. Equal chunks, whose MD5s are equal, are not sent twice for it."""
    paths = [make_file(1000 * CHUNKS), make_file(0, "zeros.mp4")]
    paths[1].write_bytes(bytes(1000 * CHUNKS))
    async with (
        Emulator(chunk_size=1000, now=utcnow) as emulator,
        doubling("idle") as server,
        connections(whose) as more,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, **more) as client,
    ):
        server.store, emulator.platform.store_url = URL(emulator.store_url), str(server.url)
        server.nameless = True
        result = await client.multipart_upload.upload_file(paths[0], max_workers=2)
        await assert_whole(emulator, result.asset_id, paths[0])
        server.doubles = lambda _: False
        puts = emulator.count("put")
        result = await client.multipart_upload.upload_file(paths[1], max_workers=2)
        await assert_whole(emulator, result.asset_id, paths[1])
        assert emulator.count("put") == puts + CHUNKS


@pytest.mark.every_loop
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("timing", ["together", "after", "early"])
async def test_second_answers_on_every_loop(
    timing: Timing, secure: bool, make_file: MakeFile
) -> None:
    """Transports differ in what they hold and tell."""
    theirs, ours = tls() if secure else (None, True)
    chunk_size = 12 * 2**20 if timing == "early" else 1000
    path = make_file(chunk_size * 3)
    async with (
        Emulator(chunk_size=chunk_size) as emulator,
        doubling(timing, ssl=theirs) as server,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, ssl=ours) as client,
    ):
        server.store, emulator.platform.store_url = URL(emulator.store_url), str(server.url)
        result = await client.multipart_upload.upload_file(path, max_workers=1, max_retries=0)
        await assert_whole(emulator, result.asset_id, path)
        assert emulator.count("put") == 3


@pytest.mark.every_loop
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_a_store_that_closes_after_each_answer_is_believed(
    secure: bool, make_file: MakeFile
) -> None:
    """What a closing connection still holds is no part of the chunk."""
    theirs, ours = tls() if secure else (None, True)
    path = make_file(5_000_000)
    async with (
        Emulator(chunk_size=1_000_000) as emulator,
        doubling("after", ssl=theirs) as server,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, ssl=ours) as client,
    ):
        server.store, emulator.platform.store_url = URL(emulator.store_url), str(server.url)
        server.closes = True
        result = await client.multipart_upload.upload_file(path, max_retries=0)
        await assert_whole(emulator, result.asset_id, path)
        assert emulator.count("put") == 5


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("whose", WHOSE)
async def test_a_success_before_the_chunk_was_sent_is_not_its_answer(
    whose: str, secure: bool, make_file: MakeFile
) -> None:
    """It is of the chunk before, and arrives while this one is on its way."""
    theirs, ours = tls() if secure else (None, True)
    chunk_size = 12 * 2**20
    path = make_file(chunk_size * 3)
    async with (
        Emulator(chunk_size=chunk_size, now=utcnow) as emulator,
        doubling("early", ssl=theirs) as server,
        connections(whose, ours) as more,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, **more) as client,
    ):
        server.store, emulator.platform.store_url = URL(emulator.store_url), str(server.url)
        result = await client.multipart_upload.upload_file(path, max_workers=1, max_retries=0)
        await assert_whole(emulator, result.asset_id, path)
        assert emulator.count("put") == 3
        assert server.doubled == 3


async def test_a_refusal_that_comes_early_is_believed_on_any_connection(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The store need not read a chunk that it does not take."""
    refusal = store_error(403, "AccessDenied", "not for you")
    emulator.faults.add(Fault(route="put", chunk_index=3, action=refusal, times=None))
    with pytest.raises(UploadError, match="not for you") as caught:
        await client.multipart_upload.upload_file(make_file(3000), max_workers=1)
    assert isinstance(caught.value.__cause__, StorageError)
    assert emulator.count("put") == 3


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("whose", WHOSE)
async def test_an_answer_of_the_store_is_none_of_the_platform_s(
    whose: str, timing: Timing, make_file: MakeFile
) -> None:
    """Where both have one origin, and an answer of the store comes twice."""
    path = make_file(1000 * CHUNKS)
    async with (
        Emulator(chunk_size=1000, now=utcnow) as emulator,
        doubling(timing) as server,
        connections(whose) as more,
    ):
        server.api, server.store = URL(emulator.base_url), URL(emulator.store_url)
        emulator.platform.store_url = str(server.url)
        base = str(server.url.with_path(server.api.path))
        async with AsyncTwelveLabs(emulator.api_key, base, **more) as client:
            result = await client.multipart_upload.upload_file(path, batch_size=1, max_workers=2)
        await assert_whole(emulator, result.asset_id, path)
        assert server.doubled == CHUNKS


@asynccontextmanager
async def twice(body: bytes) -> AsyncGenerator[str]:
    """Run a platform that numbers its answers (``%d``), and gives each twice, the second late."""
    number = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        while True:
            await read_request(reader)
            number += 1
            answer = http("200 OK", body.replace(b"%d", b"%d" % number))
            writer.write(answer)
            await asyncio.sleep(IDLE / 2)
            writer.write(answer)

    async with listening(serve) as where:
        yield f"http://{where}"


async def test_an_answer_of_the_platform_is_not_given_to_the_next_call() -> None:
    """Nor does that cost a pause."""
    body = b'{"data": [], "page_info": {"total_results": %d}}'
    async with twice(body) as url, AsyncTwelveLabs("key", url, max_retries=0) as client:
        for number in range(1, 6):
            assert (await ask(client)).page_info.total_results == number
            await asyncio.sleep(IDLE)
    assert now() == 5 * IDLE


@pytest.mark.parametrize("whose", WHOSE)
async def test_an_answer_to_one_report_is_not_given_to_the_next(whose: str) -> None:
    """Whatever has a body is sent over no connection with an answer in it."""
    chunk = CompletedChunk(1, "e", chunk_size=1)
    async with (
        twice(b'{"total_completed": %d}') as url,
        connections(whose) as more,
        AsyncTwelveLabs("key", url, max_retries=0, **more) as client,
    ):
        for number in range(1, 6):
            answer = await client.multipart_upload.report_chunk_batch(
                "u1", completed_chunks=[chunk]
            )
            assert answer.total_completed == number
            await asyncio.sleep(IDLE)
    assert now() == 5 * IDLE


@pytest.mark.parametrize("whose", WHOSE)
async def test_an_answer_to_one_asset_is_not_given_to_the_next(whose: str) -> None:
    """Not over a user's connections, either, which may be any that has been used."""
    async with (
        twice(b'{"_id": "a%d", "status": "ready"}') as url,
        connections(whose) as more,
        AsyncTwelveLabs("key", url, max_retries=0, **more) as client,
    ):
        for number in range(1, 6):
            asset = await client.assets.create(method="direct", file=("a.mp4", b"film"))
            assert asset.id == f"a{number}"
            await asyncio.sleep(IDLE)
    assert now() == 5 * IDLE


async def test_a_misdirected_chunk_is_sent_over_another_connection(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """421: this connection leads to a server that is not the one."""
    await client.multipart_upload.upload_file(make_file(2000), max_workers=1)
    before = emulator.connections("store")
    emulator.faults.add(Fault(route="put", chunk_index=2, action=Answer(421)))
    await client.multipart_upload.upload_file(make_file(3000), max_workers=1)
    assert emulator.connections("store") == before + 1


async def test_a_misdirected_call_is_sent_over_another_connection(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """As a chunk is."""
    await ask(client)
    emulator.faults.add(Fault(route="list", action=Answer(421)))
    await ask(client)
    assert emulator.connections("api") == 2
