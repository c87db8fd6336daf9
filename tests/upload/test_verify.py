"""``verify="etag"``: what the store holds is what was sent, or the upload says so."""

import logging
from typing import Any

import pytest
from support.assets import read_asset
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    ChunkCorruptedError,
    InvalidArgumentError,
    MemoryJournal,
    SessionCorruptedError,
    UploadError,
)
from twelvelabs_async._upload.plan.md5 import ENOUGH_MISMATCHES
from twelvelabs_async.emulator import Corrupt, Emulator, Etag, Fault, store_error

CHUNKS = 20
FOREIGN = Etag(f'"{"ab" * 16}"', kept=True)
"""As of a store that encrypts with keys of its own: as long as an MD5, and none."""
REFUSAL = store_error(400, "InvalidRequest", "No.")


def puts_of(emulator: Emulator, chunk_index: int) -> int:
    puts = [request for request in emulator.requests if request.route == "put"]
    return sum(request.chunk_index == chunk_index for request in puts)


def add_fault(emulator: Emulator, action: Any, chunk: int | None = None, **more: Any) -> Fault:
    return emulator.faults.add(Fault(route="put", chunk_index=chunk, action=action, **more))


async def test_every_chunk_is_verified_at_no_request_more(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """As many PUTs and reports as without, and each ETag was compared."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    plain = await client.multipart_upload.upload_file(path)
    before = len(emulator.requests)
    result = await client.multipart_upload.upload_file(path, verify="etag")
    assert (plain.verified_chunks, result.verified_chunks) == (0, CHUNKS)
    assert emulator.count("put") == 2 * CHUNKS
    assert len(emulator.requests) == 2 * before


@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize("chunk", [1, 2, CHUNKS])
@pytest.mark.parametrize("action", [Corrupt(), Etag(f'"{"0" * 32}"')], ids=["content", "etag"])
async def test_a_corrupted_chunk_is_sent_again_before_it_is_reported(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    chunk: int,
    workers: int,
    action: Any,
) -> None:
    """Also the first one, of which nobody can say so at first; and only that one."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    add_fault(emulator, action, chunk)
    result = await client.multipart_upload.upload_file(
        path, verify="etag", batch_size=1, max_workers=workers
    )
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    assert (puts_of(emulator, chunk), emulator.count("put")) == (2, CHUNKS + 1)
    assert emulator.count("report") == CHUNKS
    assert result.verified_chunks == CHUNKS


async def test_what_proves_corrupt_is_sent_again_at_once(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Not after all others: a path that stays bad is to be known of soon."""
    add_fault(emulator, Corrupt(), 1)
    add_fault(emulator, Corrupt(), 2)
    path = make_file(6 * CHUNK_SIZE)
    await client.multipart_upload.upload_file(path, verify="etag", max_workers=1)
    puts = [request.chunk_index for request in emulator.requests if request.route == "put"]
    assert puts == [1, 2, 3, 1, 2, 4, 5, 6]


@pytest.mark.parametrize("chunk", [1, 3])
@pytest.mark.parametrize("retries", [1, 3])
async def test_a_chunk_that_stays_corrupt_ends_the_upload(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, chunk: int, retries: int
) -> None:
    """After ``max_retries`` further attempts, with both values, and nothing of it is reported."""
    add_fault(emulator, Corrupt(), chunk, times=None)
    with pytest.raises(UploadError, match=f"chunk {chunk}: .* its ETag is") as caught:
        await client.multipart_upload.upload_file(
            make_file(4 * CHUNK_SIZE), verify="etag", max_retries=retries, max_workers=1
        )
    cause = caught.value.__cause__
    assert isinstance(cause, ChunkCorruptedError)
    assert cause.etag in str(caught.value)
    assert cause.md5 in str(caught.value)
    assert puts_of(emulator, chunk) == 1 + retries
    assert caught.value.upload_id is not None
    status = await client.multipart_upload.get_status(caught.value.upload_id, page_limit=50)
    assert status.status == "active"
    assert next(info.index for info in status.data if info.status != "completed") == chunk


@pytest.mark.parametrize(
    ("chunks", "more"),
    [(1, 1), (3, 1), (ENOUGH_MISMATCHES - 1, 1), (ENOUGH_MISMATCHES, 0), (CHUNKS, 0)],
)
async def test_a_store_that_does_not_speak_md5_is_recognised(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
    chunks: int,
    more: int,
) -> None:
    """Of a small file one chunk is sent again, once; the file arrives, and a warning says how."""
    path = make_file(chunks * CHUNK_SIZE)
    add_fault(emulator, FOREIGN, times=None)
    with caplog.at_level(logging.WARNING):
        result = await client.multipart_upload.upload_file(path, verify="etag", max_retries=0)
    assert result.verified_chunks == 0
    assert caplog.text.count("no chunk was verified") == 1
    assert emulator.count("put") == chunks + more
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_etags_in_another_form_are_taken_as_they_are(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Such as those of objects in parts: nothing is held back, and nothing sent again."""
    add_fault(emulator, Etag(f'"{"ab" * 16}-1"', kept=True), times=None)
    result = await client.multipart_upload.upload_file(make_file(2 * CHUNK_SIZE), verify="etag")
    assert (result.verified_chunks, emulator.count("put")) == (0, 2)


async def test_what_was_taken_on_trust_and_proves_corrupt_ends_the_session(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """No asset is made of right and wrong ETags, and another attempt begins a new session."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    add_fault(emulator, FOREIGN, times=ENOUGH_MISMATCHES)
    journal = MemoryJournal()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        uploads = client.multipart_upload
        with pytest.raises(UploadError, match="begin a new upload") as caught:
            await uploads.upload_file(path, verify="etag", max_workers=1, batch_size=2)
        assert "goes on from there" not in str(caught.value)
        assert isinstance(caught.value.__cause__, SessionCorruptedError)
        assert not caught.value.retryable
        result = await uploads.upload_file(path, verify="etag")
    assert (result.resumed_chunks, result.verified_chunks) == (0, CHUNKS)
    assert emulator.count("create") == 2


@pytest.mark.parametrize("chunk", [5, 15])
async def test_the_journal_knows_no_etag_that_is_in_doubt(
    emulator: Emulator, make_file: MakeFile, chunk: int
) -> None:
    """What was held back when an attempt ended is sent again; what was settled is not."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    add_fault(emulator, REFUSAL, chunk)
    add_fault(emulator, FOREIGN, times=None)
    journal = MemoryJournal()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        uploads = client.multipart_upload
        with pytest.raises(UploadError) as caught:
            await uploads.upload_file(path, verify="etag", max_workers=1)
        result = await uploads.upload_file(path, verify="etag")
    known = chunk - 1 if chunk > ENOUGH_MISMATCHES else 0
    assert caught.value.stored_chunks == caught.value.reported_chunks == known
    assert result.resumed_chunks == known
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_a_session_can_be_verified_from_where_it_is_resumed(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Only what this attempt sends: the platform does not tell the ETags of the others."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    uploads = client.multipart_upload
    add_fault(emulator, REFUSAL, 11)
    with pytest.raises(UploadError) as caught:
        await uploads.upload_file(path, max_workers=1)
    failure = caught.value
    add_fault(emulator, Corrupt(), 12)
    result = await uploads.resume(
        failure.upload_id or "", path, upload_headers=failure.upload_headers, verify="etag"
    )
    assert (result.resumed_chunks, result.verified_chunks) == (10, 10)
    assert puts_of(emulator, 12) == 2
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_the_one_call_verifies_chunks_too(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Of whatever is sent in chunks."""
    path = make_file(3 * CHUNK_SIZE)
    add_fault(emulator, Corrupt(), 2)
    asset = await client.upload(path, multipart_above=0, verify="etag")
    assert await read_asset(emulator, asset.id) == path.read_bytes()
    assert emulator.count("put") == 4


async def test_an_unknown_way_to_verify_is_refused(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Before anything is sent."""
    wrong: Any = "md5"
    with pytest.raises(InvalidArgumentError, match="verify must be 'etag'"):
        await client.multipart_upload.upload_file(make_file(5), verify=wrong)
    with pytest.raises(InvalidArgumentError, match="verify must be 'etag'"):
        await client.upload(make_file(5), verify=wrong)
    assert emulator.requests == []
