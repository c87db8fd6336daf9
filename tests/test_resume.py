"""An upload goes on where it ended: with a journal by itself, without one by its id."""

import asyncio
import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import CHUNK_SIZE, MakeFile
from virtual_time import utcnow

from twelvelabs_async import (
    AssetUnknownError,
    AsyncTwelveLabs,
    FileJournal,
    InvalidArgumentError,
    Journal,
    JournalError,
    MemoryJournal,
    SessionEndedError,
    SourceChangedError,
    UploadError,
    UploadInProgressError,
    UploadResult,
)
from twelvelabs_async.emulator import Cut, Emulator, Fault, Rewrite, Stall, api_error, store_error

CHUNKS = 20
REFUSAL = store_error(400, "InvalidRequest", "No.")
FINAL = api_error(400, "parameter_invalid", "No.")


def client_of(emulator: Emulator, journal: Journal | None, **settings: Any) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal, **settings)


async def content(emulator: Emulator, asset_id: str) -> bytes:
    return b"".join([piece async for piece in emulator.asset_bytes(asset_id)])


def sent(emulator: Emulator) -> list[int | None]:
    """Return the chunks that the store took, in order."""
    puts = [request for request in emulator.requests if request.route == "put"]
    return [request.chunk_index for request in puts if request.status == 200]


async def fail_at(
    emulator: Emulator, client: AsyncTwelveLabs, path: Path, chunk: int
) -> UploadError:
    """Upload until the store refuses a chunk."""
    emulator.faults.add(Fault(route="put", chunk_index=chunk, action=REFUSAL))
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(path, max_workers=1, batch_size=3)
    return caught.value


@pytest.fixture(params=["memory", "files"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "memory" else FileJournal(tmp_path / "journal")


async def test_an_upload_goes_on_where_it_ended(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Another client, as of another process: one session, each chunk taken once."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        failure = await fail_at(emulator, client, path, 10)
    async with client_of(emulator, journal) as client:
        result = await client.multipart_upload.upload_file(path)
    assert result.upload_id == failure.upload_id
    assert result.resumed_chunks == failure.stored_chunks >= 8
    assert sorted(map(int, filter(None, sent(emulator)))) == list(range(1, CHUNKS + 1))
    assert emulator.count("create") == 1
    assert await content(emulator, result.asset_id) == path.read_bytes()


async def test_etags_that_nobody_was_told_are_reported_instead_of_sent_again(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Neither the last batch nor the rescue got through: only the journal knows the ETags."""
    path = make_file(5 * CHUNK_SIZE)
    dead = emulator.faults.add(Fault(route="report", action=FINAL, times=None))
    async with client_of(emulator, journal) as client:
        with pytest.raises(UploadError):
            await client.multipart_upload.upload_file(path, batch_size=50)
    dead.times = dead.hits
    emulator.faults.add(Fault(route="status", action=Cut("before")))
    async with client_of(emulator, journal) as client:
        result = await client.multipart_upload.upload_file(path)
    assert len(sent(emulator)) == 5
    assert result.resumed_chunks == 5
    assert emulator.count("presigned_urls") == 0
    assert await content(emulator, result.asset_id) == path.read_bytes()


async def test_an_upload_that_was_completed_meanwhile_is_recognised(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """The answer to the last report was lost, and so was the process: nothing is sent again."""
    path = make_file(3 * CHUNK_SIZE)
    emulator.faults.add(Fault(route="report", action=Stall("after")))
    async with client_of(emulator, journal) as client:
        upload = asyncio.create_task(client.multipart_upload.upload_file(path, batch_size=3))
        while not emulator.faults.script[0].hits:
            await asyncio.sleep(0.01)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
    async with client_of(emulator, journal) as client:
        result = await client.multipart_upload.upload_file(path)
    assert (len(sent(emulator)), emulator.count("create")) == (3, 1)
    assert result.resumed_chunks == 3
    assert result.asset_url
    assert await content(emulator, result.asset_id) == path.read_bytes()


async def test_the_same_file_again_is_another_asset(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """What is complete is over: who uploads again wants to have it again."""
    path = make_file(2 * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        first = await client.multipart_upload.upload_file(path)
        second = await client.multipart_upload.upload_file(path)
    assert first.asset_id != second.asset_id
    assert second.resumed_chunks == 0


async def test_the_content_decides_not_the_place_or_the_time(
    emulator: Emulator, journal: Journal, make_file: MakeFile, tmp_path: Path
) -> None:
    """On another machine path, inode and times differ; the upload goes on."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        await fail_at(emulator, client, path, 10)
        elsewhere = tmp_path / "elsewhere" / "video.mp4"
        elsewhere.parent.mkdir()
        elsewhere.write_bytes(path.read_bytes())
        path.unlink()
        result = await client.multipart_upload.upload_file(elsewhere)
    assert emulator.count("create") == 1
    assert result.resumed_chunks >= 8


async def test_another_wish_is_another_upload(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """The same bytes under another name, or with other metadata, must not get the old ones."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        await fail_at(emulator, client, path, 10)
        result = await client.multipart_upload.upload_file(path, user_metadata={"album": "2026"})
        asset = await client.assets.retrieve(result.asset_id)
    assert asset.user_metadata == {"album": "2026"}
    assert result.resumed_chunks == 0


async def test_a_file_that_was_written_to_is_refused_with_the_reason(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Even if the sample is the same; ``resume=False`` forgets what was and begins anew."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        failure = await fail_at(emulator, client, path, 10)
        os.utime(path, ns=(5, 5))
        with pytest.raises(UploadError, match=f"{failure.upload_id} began: it was written to") as c:
            await client.multipart_upload.upload_file(path)
        assert isinstance(c.value.__cause__, SourceChangedError)
        assert "resume=False" in str(c.value)
        result = await client.multipart_upload.upload_file(path, resume=False)
    assert result.upload_id != failure.upload_id
    assert result.resumed_chunks == 0


async def test_a_key_of_the_callers_names_an_upload(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """It finds the upload whatever else is asked for, complete ones too, and no other file's."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    other = make_file(CHUNKS * CHUNK_SIZE - 1, "other.mp4")
    async with client_of(emulator, journal) as client:
        uploads = client.multipart_upload
        emulator.faults.add(Fault(route="put", chunk_index=10, action=REFUSAL))
        with pytest.raises(UploadError):
            await uploads.upload_file(path, resume_key="job 7", max_workers=1)
        with pytest.raises(UploadError, match="it has another content"):
            await uploads.upload_file(other, resume_key="job 7")
        result = await uploads.upload_file(path, resume_key="job 7", filename="else.mp4")
        assert result.resumed_chunks == 9
        again = await uploads.upload_file(path, resume_key="job 7")
        assert (again.asset_id, again.asset_url) == (result.asset_id, result.asset_url)
        assert len(sent(emulator)) == CHUNKS
        with pytest.raises(InvalidArgumentError, match="resume_key is empty"):
            await uploads.upload_file(path, resume_key="")


ENDED: dict[str, Any] = {
    "expired": Rewrite(lambda told: {**told, "status": "expired"}),
    "failed": Rewrite(lambda told: {**told, "status": "failed"}),
    "gone": api_error(404, "resource_not_exist", "No such upload."),
    "another account's": api_error(403, "unauthorized", "Not yours."),
}


@pytest.mark.parametrize("how", ENDED)
async def test_a_session_that_is_over_is_replaced_and_that_is_said(
    emulator: Emulator, make_file: MakeFile, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """A fresh one, all chunks again; or an error, if that is preferred."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, MemoryJournal()) as client:
        failure = await fail_at(emulator, client, path, 10)
        emulator.faults.add(Fault(route="status", action=ENDED[how], times=2))
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path, if_ended="raise")
        assert isinstance(caught.value.__cause__, SessionEndedError)
        with caplog.at_level(logging.WARNING):
            result = await client.multipart_upload.upload_file(path)
    assert f"upload {failure.upload_id} cannot go on" in caplog.text
    assert result.upload_id != failure.upload_id
    assert await content(emulator, result.asset_id) == path.read_bytes()


async def test_a_chunk_that_the_platform_lost_is_sent_again(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """It was stored and reported, and the platform says that it failed: its books count."""
    path = make_file(CHUNKS * CHUNK_SIZE)

    def lose(told: dict[str, Any]) -> dict[str, Any]:
        chunks = [
            {**c, "status": "failed"} if c["index"] == 3 else c for c in told["uploaded_chunks"]
        ]
        return {**told, "uploaded_chunks": chunks, "chunks_failed": 1}

    async with client_of(emulator, MemoryJournal()) as client:
        await fail_at(emulator, client, path, 15)
        emulator.faults.add(Fault(route="status", action=Rewrite(lose)))
        await client.multipart_upload.upload_file(path)
    assert sent(emulator).count(3) == 2


async def test_two_at_once_do_not_upload_twice(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """The second is told who is at it; or it waits, and gets what the first has made."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    stall = emulator.faults.add(Fault(route="put", chunk_index=7, action=Stall("middle")))
    async with client_of(emulator, journal) as client, client_of(emulator, journal) as other:
        first = asyncio.create_task(client.multipart_upload.upload_file(path))
        while not stall.hits:
            await asyncio.sleep(0.001)
        with pytest.raises(UploadError, match=str(os.getpid())) as caught:
            await other.multipart_upload.upload_file(path)
        assert isinstance(caught.value.__cause__, UploadInProgressError)
        waiting = await other.multipart_upload.upload_file(path, if_busy="wait")
        result = await first
    assert (waiting.asset_id, waiting.asset_url) == (result.asset_id, result.asset_url)
    assert (emulator.count("create"), len(sent(emulator))) == (1, CHUNKS)


async def test_whoever_waited_in_vain_carries_it_on(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """The first one failed: the one that waited goes on in its session."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=10, action=REFUSAL))
    async with client_of(emulator, journal) as client:
        results = await asyncio.gather(
            *(client.multipart_upload.upload_file(path, if_busy="wait") for _ in range(3)),
            return_exceptions=True,
        )
    arrived = [r for r in results if isinstance(r, UploadResult)]
    assert len(arrived) == 2
    assert arrived[0].asset_id == arrived[1].asset_id
    assert emulator.count("create") == 1
    assert len(sent(emulator)) <= CHUNKS + 5  # what the first had in flight


async def test_a_journal_that_cannot_be_had_ends_the_upload_before_it_begins(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path
) -> None:
    """What was asked for cannot be done: nothing is sent."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    async with client_of(emulator, FileJournal(blocked)) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(make_file(10))
    assert isinstance(caught.value.__cause__, JournalError)
    assert emulator.requests == []


class Full(MemoryJournal):
    """A journal whose disk is full after the session was noted."""

    async def append(self, key: str, owner: str, record: bytes) -> None:
        if b'"stored"' in record and b'"stored":null' not in record:
            raise JournalError("no space left on device")
        await super().append(key, owner, record)


async def test_a_journal_that_fails_on_the_way_does_not_end_the_upload(
    emulator: Emulator, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """The file arrives all the same; it is said once that another attempt would know less."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, Full()) as client:
        with caplog.at_level(logging.WARNING):
            result = await client.multipart_upload.upload_file(path)
    assert await content(emulator, result.asset_id) == path.read_bytes()
    assert caplog.text.count("without a journal from here on: no space left") == 1


async def test_a_lost_lease_ends_the_upload(emulator: Emulator, make_file: MakeFile) -> None:
    """Somebody else is at it: this one stops, and says why."""
    journal = MemoryJournal()
    emulator.faults.add(Fault(route="put", chunk_index=2, action=Stall("middle")))
    async with client_of(emulator, journal, stall_timeout=None) as client:
        upload = asyncio.create_task(
            client.multipart_upload.upload_file(make_file(3000), max_workers=1)
        )
        while not emulator.connections("store"):
            await asyncio.sleep(0.01)
        journal._leases.clear()
        with pytest.raises(UploadError, match="lost"):
            await upload


# Without a journal.


async def test_a_session_can_be_resumed_by_its_id(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """From the platform's books alone; only what it has counted is not sent again."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    failure = await fail_at(emulator, client, path, 10)
    assert failure.upload_id is not None
    assert f"multipart_upload.resume({failure.upload_id!r}, ...) goes on" in str(failure)
    result = await client.multipart_upload.resume(
        failure.upload_id, path, upload_headers=failure.upload_headers
    )
    assert (result.upload_id, result.asset_id) == (failure.upload_id, failure.asset_id)
    assert result.resumed_chunks == failure.reported_chunks == failure.stored_chunks
    assert len(sent(emulator)) == CHUNKS
    assert await content(emulator, result.asset_id) == path.read_bytes()


async def test_of_a_session_that_is_complete_the_asset_must_be_known(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The platform does not tell it again: an error of its own, or the asset."""
    path = make_file(3 * CHUNK_SIZE)
    done = await client.multipart_upload.upload_file(path)
    with pytest.raises(UploadError, match="asset_id=") as caught:
        await client.multipart_upload.resume(done.upload_id, path)
    assert isinstance(caught.value.__cause__, AssetUnknownError)
    tell = Rewrite(lambda told: {**told, "url": "https://assets.example/1"})
    emulator.faults.add(Fault(route="asset", action=tell))
    again = await client.multipart_upload.resume(done.upload_id, path, asset_id=done.asset_id)
    assert (again.asset_id, again.total_chunks) == (done.asset_id, 3)
    assert again.asset_url == "https://assets.example/1"
    assert emulator.count("put") == 3


async def test_only_the_size_can_be_checked_and_it_is(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A file of another size is refused before anything is sent."""
    failure = await fail_at(emulator, client, make_file(CHUNKS * CHUNK_SIZE), 10)
    assert failure.upload_id is not None
    with pytest.raises(UploadError, match="the file has 5 bytes") as caught:
        await client.multipart_upload.resume(failure.upload_id, make_file(5, "other.mp4"))
    assert isinstance(caught.value.__cause__, SourceChangedError)


async def test_a_session_that_is_not_there_cannot_be_resumed(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Neither an unknown one, nor one that has expired."""
    with pytest.raises(UploadError, match="is not there") as caught:
        await client.multipart_upload.resume("nothing", make_file(5))
    assert isinstance(caught.value.__cause__, SessionEndedError)
    with pytest.raises(InvalidArgumentError):
        await client.multipart_upload.resume("a/b", make_file(5))


async def test_a_resumed_session_is_written_down_too(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """So that a second resumption knows the ETags, the headers and the asset."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, None) as client:
        failure = await fail_at(emulator, client, path, 5)
    assert failure.upload_id is not None
    async with client_of(emulator, journal) as client:
        emulator.faults.add(Fault(route="put", chunk_index=12, action=REFUSAL))
        with pytest.raises(UploadError):
            await client.multipart_upload.resume(
                failure.upload_id, path, upload_headers=failure.upload_headers
            )
        await client.multipart_upload.resume(failure.upload_id, path)
    assert sorted(set(sent(emulator)), key=str) == sorted(range(1, CHUNKS + 1), key=str)
    assert len(sent(emulator)) <= CHUNKS + 5


async def test_a_session_of_many_chunks_is_read_page_by_page(make_file: MakeFile) -> None:
    """120 counted chunks cost three questions, and are not sent again."""
    async with Emulator(chunk_size=10, now=utcnow) as emulator:
        async with client_of(emulator, MemoryJournal()) as client:
            path = make_file(1500)
            await fail_at(emulator, client, path, 121)
            before = emulator.count("status")
            result = await client.multipart_upload.upload_file(path)
        assert result.resumed_chunks >= 119
        assert emulator.count("status") - before == 3
        assert len(sent(emulator)) == 150


async def test_an_upload_may_outlive_its_urls_by_a_day_less_a_little(make_file: MakeFile) -> None:
    """Interrupted again and again for hours, it goes on until its session ends."""
    journal = MemoryJournal()
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow) as emulator:
        path = make_file(10 * CHUNK_SIZE)
        for chunk in range(2, 10):
            async with client_of(emulator, journal) as client:
                await fail_at(emulator, client, path, chunk)
            await asyncio.sleep(timedelta(hours=2.5).total_seconds())
        async with client_of(emulator, journal) as client:
            result = await client.multipart_upload.upload_file(path)
        assert emulator.count("create") == 1
        assert len(sent(emulator)) == 10
        assert await content(emulator, result.asset_id) == path.read_bytes()
