"""Chunks that the platform marks as failed after they were stored and reported."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support.assets import read_asset
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import (
    AsyncTwelveLabs,
    ChunkFailedError,
    IncompleteUploadError,
    JournalError,
    MemoryJournal,
    UploadError,
)
from twelvelabs_async.emulator import (
    Emulator,
    EndSession,
    Etag,
    FailChunk,
    Fault,
    Rewrite,
    api_error,
    store_error,
)

CHUNKS = 7
WHY = "The chunk could not be verified."
REFUSED = store_error(403, "AccessDenied", "Access Denied")
FAILED = api_error(500, "internal_server_error", "Something went wrong.")


def sent(emulator: Emulator) -> Counter[int | None]:
    """Return how often the store took each chunk."""
    puts = [request for request in emulator.requests if request.route == "put"]
    return Counter(request.chunk_index for request in puts if request.status == 200)


def altered(alter: Callable[[dict[str, Any]], dict[str, Any]]) -> Rewrite:
    """Change keys of an answer."""
    return Rewrite(lambda told: {**told, **alter(told)})


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("failing", [{3: 1}, {1: 3}, {7: 2, 1: 1}, dict.fromkeys(range(1, 8), 1)])
async def test_a_chunk_that_failed_is_sent_and_reported_again(
    failing: dict[int, int],
    workers: int,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
) -> None:
    """To a fresh URL, within the same upload; nothing else is sent twice."""
    for index, times in failing.items():
        emulator.faults.add(Fault(route="put", chunk_index=index, times=times, action=FailChunk()))
    path = make_file(CHUNKS * CHUNK_SIZE)
    result = await client.multipart_upload.upload_file(path, max_workers=workers, batch_size=2)
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    assert sent(emulator) == {i: 1 + failing.get(i, 0) for i in range(1, CHUNKS + 1)}
    assert {request.status for request in emulator.requests} == {200, 201}
    rounds = max(failing.values())
    assert emulator.count("status") == 2 * rounds  # the count, and which they are
    assert result.total_chunks == CHUNKS


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_a_chunk_that_fails_each_time_ends_the_upload(
    retries: int, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """After ``max_retries`` more attempts: the chunk, the platform's words, and what is left."""
    emulator.faults.add(
        Fault(route="put", chunk_index=4, times=None, action=FailChunk("Bad frame."))
    )
    with pytest.raises(UploadError, match=r"chunk 4: .* marks it as failed: Bad frame\.") as caught:
        await client.multipart_upload.upload_file(
            make_file(CHUNKS * CHUNK_SIZE), max_retries=retries
        )
    error = caught.value
    assert isinstance(error.__cause__, ChunkFailedError)
    assert isinstance(error.__cause__, IncompleteUploadError)
    assert (error.chunk_index, error.reported_chunks, error.retryable) == (4, CHUNKS - 1, True)
    assert f"{CHUNKS - 1} of {CHUNKS} chunks are stored" in str(error)
    assert "1 left" in str(error)
    assert sent(emulator)[4] == 1 + retries


async def test_a_later_attempt_sends_what_failed_and_nothing_else(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """The journal knows that the ETag of the failed chunk is void."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=4, times=1, action=FailChunk()))
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=MemoryJournal()
    ) as client:
        with pytest.raises(UploadError):
            await client.multipart_upload.upload_file(path, max_retries=0)
        result = await client.multipart_upload.upload_file(path)
    assert sent(emulator) == {**dict.fromkeys(range(1, CHUNKS + 1), 1), 4: 2}
    assert result.resumed_chunks == CHUNKS - 1
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


class ForgetfulJournal(MemoryJournal):
    """A journal that cannot be written from the first void ETag on, until it is mended."""

    away = False

    async def append(self, key: str, owner: str, record: bytes) -> None:
        """Add a record; see ``Journal.append``."""
        if self.away:
            raise JournalError("the store is away")
        await super().append(key, owner, record)
        self.away = b'"void":[4]' in record


@pytest.mark.parametrize("resumed", [False, True])
async def test_an_etag_that_failed_is_never_reported_again(
    resumed: bool, emulator: Emulator, make_file: MakeFile
) -> None:
    """Also where an attempt ends between the chunk's second PUT and its note, as if killed there.

    The mark is seen while settling, or when a second attempt begins. The store's second ETag is
    another one, so a report of the first would be refused.
    """
    path, journal = make_file(CHUNKS * CHUNK_SIZE), ForgetfulJournal()
    emulator.faults.add(Fault(route="put", chunk_index=4, action=FailChunk()))
    emulator.faults.add(Fault(route="put", chunk_index=4, action=Etag("second", kept=True)))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        upload = client.multipart_upload.upload_file
        if resumed:
            emulator.faults.add(Fault(route="put", chunk_index=6, action=REFUSED))
            with pytest.raises(UploadError, match="AccessDenied"):
                await upload(path, max_workers=1, batch_size=2)
        # else the first report completes all but one chunk, which is marked as failed
        broken = Fault(route="report", after=int(not resumed), times=None, action=FAILED)
        emulator.faults.add(broken)
        with pytest.raises(UploadError, match="500"):
            await upload(path, max_workers=1, batch_size=CHUNKS)
        assert journal.away
        broken.times, journal.away = broken.hits, False
        result = await upload(path)
    assert {r.status for r in emulator.requests if r.route == "report"} == {200, 500}
    assert sent(emulator)[4] == 3
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_a_chunk_that_failed_and_is_counted_all_the_same_does_no_harm(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It is marked, and while it is sent again the session is completed: no URL is given then."""
    late = altered(lambda told: {"total_completed": told["total_completed"] - 1, "url": None})
    emulator.faults.add(Fault(route="report", action=late, times=None))

    def mark(told: dict[str, Any]) -> dict[str, Any]:
        chunks = [{**each, "status": "failed", "error": WHY} for each in told["uploaded_chunks"]]
        return {"status": "active", "chunks_completed": 2, "chunks_failed": 1,
                "uploaded_chunks": chunks[:1]}  # fmt: skip

    emulator.faults.add(Fault(route="status", action=altered(mark), times=2))
    path = make_file(3 * CHUNK_SIZE)
    result = await client.multipart_upload.upload_file(path, batch_size=3)
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    refused = [r for r in emulator.requests if r.route == "presigned_urls" and r.status == 400]
    assert refused


async def test_a_session_that_ends_while_a_chunk_is_sent_again_ends_the_upload(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It is not completed: the platform's refusal is what the user hears."""
    emulator.faults.add(Fault(route="put", chunk_index=1, action=FailChunk()))
    emulator.faults.add(Fault(route="presigned_urls", action=EndSession("failed")))
    with pytest.raises(UploadError, match="has failed"):
        await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))


async def test_failed_chunks_are_found_where_nobody_counts_them(make_file: MakeFile) -> None:
    """120 chunks, no ``chunks_failed``: every page is read, and the last chunk found on it."""
    async with (
        Emulator(chunk_size=10, now=utcnow) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        untold = altered(lambda _: {"chunks_failed": None})
        emulator.faults.add(Fault(route="status", action=untold, times=None))
        emulator.faults.add(Fault(route="put", chunk_index=120, action=FailChunk()))
        path = make_file(1200)
        result = await client.multipart_upload.upload_file(path, batch_size=50)
        assert await read_asset(emulator, result.asset_id) == path.read_bytes()
        assert emulator.count("status") == 1 + 3


async def test_pages_without_end_are_bounded(make_file: MakeFile) -> None:
    """One page over and over: no more are asked for than the chunks can fill."""
    async with (
        Emulator(chunk_size=10, now=utcnow) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        endless = altered(
            lambda told: {
                "status": "active",
                "chunks_completed": 1,
                "chunks_failed": 5,
                "uploaded_chunks": [{"index": i, "status": "completed"} for i in range(1, 51)],
                "page_info": {**told["page_info"], "total_page": 10**15},
            }
        )
        lagging = altered(lambda _: {"total_completed": 1, "url": None})
        emulator.faults.add(Fault(route="status", action=endless, times=None))
        emulator.faults.add(Fault(route="report", action=lagging, times=None))
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(make_file(1200), batch_size=50)
        assert isinstance(caught.value.__cause__, IncompleteUploadError)
        assert emulator.count("status") == 6 * (1 + 3)


async def test_a_chunk_that_is_verified_twice_counts_once(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """``verified_chunks`` is a number of chunks, not of attempts."""
    emulator.faults.add(Fault(route="put", chunk_index=2, action=FailChunk()))
    path = make_file(3 * CHUNK_SIZE)
    result = await client.multipart_upload.upload_file(path, verify="etag")
    assert (result.verified_chunks, emulator.count("put")) == (3, 4)


async def test_store_failures_between_two_marks_count_for_themselves(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A mark is one attempt used up; a 503 afterwards is the next one."""
    slow = store_error(503, "SlowDown", "Please reduce your request rate.")
    emulator.faults.add(Fault(route="put", chunk_index=2, action=FailChunk()))
    emulator.faults.add(Fault(route="put", chunk_index=2, after=1, action=slow, times=1))
    with pytest.raises(UploadError, match="SlowDown"):
        await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE), max_retries=1)
    assert emulator.count("put") == 3 + 1
