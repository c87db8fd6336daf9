"""Work that grows with a journal, an answer or an upload leaves the event loop to others."""

import asyncio
import gzip
import json
import threading
import tracemalloc
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager

import pytest
from attrs import define
from support.files import MakeFile
from support.server import http, raw_server
from support.virtual_time import utcnow

from twelvelabs_async import (
    AsyncTwelveLabs,
    BadRequestError,
    CompletedChunk,
    InvalidResponseError,
)
from twelvelabs_async._core.threads import NAME
from twelvelabs_async._http.response import LARGEST_ERROR, RawResponse, ResponseParser
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.resume.records import (
    ContentIdentity,
    opened_record,
    parse_records,
    parse_records_in_turns,
    stored_record,
)
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async.emulator import Emulator, Fault, Stall

URL = "https://bucket.example.com/key?X-Amz-Signature=" + "a" * 40
KEY = "tlk_0123456789ABCDEF"


@define
class LoopWatch:
    """Counts the turns of the event loop."""

    count: int = 0


@contextmanager
def counted_turns() -> Generator[LoopWatch]:
    """Count the turns of the loop during the block."""
    loop, turns, going = asyncio.get_running_loop(), LoopWatch(), True

    def tick() -> None:
        turns.count += 1
        if going:
            loop.call_soon(tick)

    loop.call_soon(tick)
    try:
        yield turns
    finally:
        going = False


def threads_of_clients() -> set[threading.Thread]:
    """Return the threads of clients; an idle one stays for some seconds."""
    return {thread for thread in threading.enumerate() if thread.name == NAME}


async def create(client: AsyncTwelveLabs, size: int = 10_000) -> int:
    """Open a session, and return how many URLs came with it."""
    session = await client.multipart_upload.create(filename="a.mp4", type="video", total_size=size)
    return len(session.upload_urls)


def session_with(urls: int) -> bytes:
    """Return the answer that is a session with so many URLs."""
    return json.dumps(
        {
            "upload_id": "u",
            "asset_id": "a",
            "chunk_size": 1,
            "total_chunks": urls,
            "upload_urls": [{"chunk_index": i, "url": f"{URL}{i}"} for i in range(1, urls + 1)],
        }
    ).encode()


@pytest.mark.every_loop
@pytest.mark.real_time
@pytest.mark.parametrize(("urls", "threads"), [(100, 0), (10_000, 1)])
async def test_a_large_answer_is_read_in_a_thread(urls: int, threads: int) -> None:
    """A usual one is not, for a thread costs more than to read it."""
    before = threads_of_clients()
    async with (
        raw_server(http("200 OK", session_with(urls))) as server,
        AsyncTwelveLabs(KEY, server.url, max_retries=0) as client,
    ):
        assert await create(client) == urls
        assert len(threads_of_clients() - before) == threads


@pytest.mark.real_time
@pytest.mark.parametrize(("size", "threads"), [(1000, 0), (200_000, 1)])
async def test_a_large_refusal_is_read_in_a_thread(size: int, threads: int) -> None:
    """With all that it says."""
    before = threads_of_clients()
    body = json.dumps({"code": "parameter_invalid", "message": "x" * size}).encode()
    async with (
        raw_server(http("400 Bad Request", body)) as server,
        AsyncTwelveLabs(KEY, server.url, max_retries=0) as client,
    ):
        with pytest.raises(BadRequestError) as caught:
            await create(client)
        assert len(threads_of_clients() - before) == threads
    assert caught.value.message == "x" * size
    assert caught.value.code == "parameter_invalid"


async def test_a_large_report_is_written_in_a_thread(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A usual one is not."""
    before = threads_of_clients()
    session = await client.multipart_upload.create(filename="a.mp4", type="video", total_size=1)
    for chunks, threads in ((10, 0), (10_000, 1)):
        completed = [CompletedChunk(i, "e", chunk_size=1) for i in range(1, chunks + 1)]
        with pytest.raises(BadRequestError):
            await client.multipart_upload.report_chunk_batch(
                session.upload_id, completed_chunks=completed
            )
        assert len(threads_of_clients() - before) == threads


@pytest.mark.real_time
async def test_a_closed_client_leaves_no_thread() -> None:
    """An idle thread ends when its client is closed."""
    before = threading.active_count()
    async with (
        raw_server(http("200 OK", session_with(2000))) as server,
        AsyncTwelveLabs(KEY, server.url, max_retries=0) as client,
    ):
        await create(client)
    while threading.active_count() > before:
        await asyncio.sleep(0)


@pytest.mark.real_time
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
async def test_an_answer_that_unpacks_without_end_is_given_up_in_many_turns(status: str) -> None:
    """60 KB that become 64 MiB: no more than 16 are unpacked, and others have turns meanwhile."""
    reply = http(status, gzip.compress(bytes(64 * 2**20)), content_encoding="gzip")
    async with (
        raw_server(reply) as server,
        AsyncTwelveLabs(KEY, server.url, max_retries=0) as client,
    ):
        tracemalloc.start()
        try:
            with counted_turns() as turns, pytest.raises(InvalidResponseError, match="larger than"):
                await create(client)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert turns.count > 20
    assert peak < 40 * 2**20


def test_the_beginning_of_a_huge_refusal_is_told_and_no_part_of_the_key() -> None:
    """Wherever the body is cut, even within an echo of the key."""
    reader = ResponseParser.of(KEY)
    for cut in range(len(KEY) + 1):
        echo = b"x" * (LARGEST_ERROR - cut) + KEY.encode() + b"x" * 2**20
        error = reader.error(RawResponse(400, {}, b'"' + echo), "POST /x")
        assert isinstance(error.body, str)
        assert len(error.body) <= LARGEST_ERROR
        assert not error.body.endswith(("t", "tl", "tlk", KEY[:10]))
        assert KEY[:4] not in error.body


async def test_a_long_journal_is_read_in_many_turns() -> None:
    """Of 10,000 chunks; it tells what it would tell at once."""
    session = UploadSession("u", 1, 10_000, 10_000, "a")
    records = [opened_record(session, ContentIdentity("sample", (1, 2, 3)))]
    records += [stored_record(CompletedChunk(i, "e", chunk_size=1)) for i in range(1, 10_001)]
    with counted_turns() as turns:
        past = await parse_records_in_turns(records)
    assert turns.count >= 50
    assert past is not None
    assert len(past.stored) == 10_000
    assert past == parse_records(records)
    assert await parse_records_in_turns([*records, b"torn"]) is None
    assert await parse_records_in_turns([]) is None


async def test_many_unreported_chunks_are_reported_in_parts_when_an_upload_is_cancelled(
    make_file: MakeFile,
) -> None:
    """598 wait for a batch of 5,000; each report is of a size that any server takes."""
    async with (
        Emulator(chunk_size=2, now=utcnow) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        last = emulator.faults.add(Fault(route="put", chunk_index=599, action=Stall("before")))
        upload = asyncio.create_task(
            client.multipart_upload.upload_file(make_file(1200), batch_size=5000, max_workers=1)
        )
        while not last.hits:
            await asyncio.sleep(0)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert emulator.count("report") == 2
        listed = await client.multipart_upload.list_incomplete_uploads()
        status = await client.multipart_upload.get_status(listed.data[0].upload_id)
        assert status.chunks_completed == 598


async def test_pieces_of_one_byte_leave_the_loop_to_others() -> None:
    """Of an iterator that awaits nothing; larger pieces cost no turn each."""

    async def pieces(count: int, size: int) -> AsyncGenerator[bytes]:
        for _ in range(count):
            yield bytes(size)

    for count, size, least, most in ((16_384, 1, 160, 170), (16, 1024, 0, 2)):
        stream = Stream("a.mp4", pieces(count, size))
        view = memoryview(bytearray(2**17))
        with counted_turns() as turns:
            assert await stream.read_into(view, 0) == 16_384
        assert least <= turns.count <= most
        await stream.close()
