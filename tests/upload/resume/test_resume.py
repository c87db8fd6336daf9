"""An upload goes on where it ended: with a journal by itself, without one by its id."""

import asyncio
import json
import logging
import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.assets import read_asset
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import (
    AssetUnknownError,
    AsyncTwelveLabs,
    FileJournal,
    InvalidArgumentError,
    InvalidResponseError,
    Journal,
    JournalError,
    MemoryJournal,
    SessionEndedError,
    SourceChangedError,
    UploadError,
    UploadInProgressError,
    UploadResult,
)
from twelvelabs_async.emulator import (
    Answer,
    Cut,
    Emulator,
    Etag,
    Fault,
    Rewrite,
    Stall,
    api_error,
    store_error,
)

CHUNKS = 20
REFUSAL = store_error(400, "InvalidRequest", "No.")
FINAL = api_error(403, "unauthorized", "No.")


def client_of(emulator: Emulator, journal: Journal | None, **settings: Any) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal, **settings)


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
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_etags_that_nobody_was_told_are_reported_instead_of_sent_again(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Neither the last batch nor the rescue got through: only the journal knows the ETags."""
    path = make_file(5 * CHUNK_SIZE)
    dead = emulator.faults.add(Fault(route="report", action=FINAL, times=None))
    async with client_of(emulator, journal) as client:
        with pytest.raises(UploadError):
            await client.multipart_upload.upload_file(path, batch_size=50, max_workers=1)
    dead.times = dead.hits
    emulator.faults.add(Fault(route="status", action=Cut("before")))
    async with client_of(emulator, journal) as client:
        result = await client.multipart_upload.upload_file(path)
    assert len(sent(emulator)) == 5
    assert result.resumed_chunks == 5
    assert emulator.count("presigned_urls") == 0
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


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
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


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


def a_large_file(tmp_path: Path) -> Path:
    """Make a file of which only a part is in the sample."""
    path = tmp_path / "large.mp4"
    path.write_bytes(random.Random(4).randbytes(4_000_000))
    return path


def change(path: Path, offset: int, *, replace: bool) -> None:
    """Write other bytes where no sample is taken, in place or in a file that takes its place."""
    data = bytearray(path.read_bytes())
    data[offset : offset + 100] = bytes(100)
    target = path.with_name("other") if replace else path
    target.write_bytes(data)
    if replace:
        target.replace(path)


@pytest.mark.parametrize("replace", [True, False])
async def test_a_file_that_was_changed_is_refused_with_the_reason(
    tmp_path: Path, journal: Journal, replace: bool
) -> None:
    """Even where no sample was taken: its stored chunks are read again; and it can begin anew."""
    path = a_large_file(tmp_path)
    async with Emulator(chunk_size=100_000, now=utcnow) as emulator:
        async with client_of(emulator, journal) as client:
            failure = await fail_at(emulator, client, path, 10)
            change(path, 150_000, replace=replace)
            with pytest.raises(UploadError, match="chunk 2 is stored with another") as caught:
                await client.multipart_upload.upload_file(path)
            assert isinstance(caught.value.__cause__, SourceChangedError)
            assert "resume=False" in str(caught.value)
            result = await client.multipart_upload.upload_file(path, resume=False)
        assert result.upload_id != failure.upload_id
        assert await read_asset(emulator, result.asset_id) == path.read_bytes()


@pytest.mark.parametrize("replace", [True, False])
async def test_a_change_of_what_was_not_sent_yet_does_no_harm(
    tmp_path: Path, journal: Journal, replace: bool
) -> None:
    """What is stored is of the file as it is now, and so is the rest."""
    path = a_large_file(tmp_path)
    async with Emulator(chunk_size=100_000, now=utcnow) as emulator:
        async with client_of(emulator, journal) as client:
            await fail_at(emulator, client, path, 10)
            change(path, 3_050_000, replace=replace)
            result = await client.multipart_upload.upload_file(path)
        assert result.resumed_chunks == 9
        assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_what_cannot_be_compared_is_not_gone_on_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """ETags that are no MD5s prove nothing of a file that was moved: it begins anew."""
    path = a_large_file(tmp_path)
    async with Emulator(chunk_size=100_000, now=utcnow) as emulator:
        own = Etag(lambda md5: f'"own-{md5}"', kept=True)
        emulator.faults.add(Fault(route="put", action=own, times=None))
        async with client_of(emulator, MemoryJournal()) as client:
            emulator.faults.script.insert(0, Fault(route="put", chunk_index=10, action=REFUSAL))
            with pytest.raises(UploadError):
                await client.multipart_upload.upload_file(path, max_workers=1)
            assert emulator.count("create") == 1
            os.utime(path, ns=(5, 5))
            with caplog.at_level(logging.WARNING):
                result = await client.multipart_upload.upload_file(path)
        assert "nobody can compare" in caplog.text
        assert (result.resumed_chunks, emulator.count("create")) == (0, 2)
        assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_two_files_alike_do_not_become_one_asset(tmp_path: Path) -> None:
    """The same name, size and sample, one waiting for the other: each gets its own."""
    one = a_large_file(tmp_path)
    other = tmp_path / "b" / "large.mp4"
    other.parent.mkdir()
    other.write_bytes(one.read_bytes())
    change(other, 150_000, replace=False)
    async with Emulator(chunk_size=100_000, now=utcnow) as emulator:
        async with client_of(emulator, MemoryJournal()) as client:
            uploads = client.multipart_upload
            results = await asyncio.gather(
                *(uploads.upload_file(path, if_busy="wait") for path in (one, other)),
                return_exceptions=True,
            )
        arrived = [r for r in results if isinstance(r, UploadResult)]
        for path, result in zip((one, other), results, strict=True):
            if isinstance(result, UploadResult):
                assert await read_asset(emulator, result.asset_id) == path.read_bytes()
        assert arrived
        refused = [r for r in results if not isinstance(r, UploadResult)]
        assert all("with another content" in str(refusal) for refusal in refused)


async def test_an_etag_that_the_platform_refuses_poisons_nothing(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """The chunk is sent again by the next attempt, instead of reported again and again."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=3, action=Etag('"0123"')))
    async with client_of(emulator, journal) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path)
        assert caught.value.retryable
        result = await client.multipart_upload.upload_file(path)
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


@pytest.mark.parametrize("route", ["create", "report", "presigned_urls"])
@pytest.mark.parametrize("body", [b"{", b"<html>Sign in</html>", b"[]", b"[" * 200_001])
async def test_an_answer_that_cannot_be_read_is_worth_another_call(
    body: bytes, route: str, journal: Journal, make_file: MakeFile
) -> None:
    """It may have been a proxy's; the same call goes on, and sends no chunk twice."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, initial_urls=3) as emulator,
        client_of(emulator, journal) as client,
    ):
        action = Answer(200, {"Content-Type": "application/json"}, body)
        fault = emulator.faults.add(Fault(route=route, action=action, times=None))
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path)
        assert isinstance(caught.value.__cause__, InvalidResponseError)
        assert caught.value.retryable
        emulator.faults.script.remove(fault)
        result = await client.multipart_upload.upload_file(path)
        assert await read_asset(emulator, result.asset_id) == path.read_bytes()
        assert len(sent(emulator)) == CHUNKS


@pytest.mark.parametrize("told", ["../../x", ".", "a/b"])
async def test_a_session_of_which_only_the_id_is_known_takes_its_asset_from_a_report(
    told: str, emulator: Emulator, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """From the first one that names an id: what is none is ignored, with a warning."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=3, action=REFUSAL))
    async with client_of(emulator, None) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path)
        assert caught.value.upload_id is not None
        fault = Rewrite(lambda payload: {**payload, "asset_id": told})
        emulator.faults.add(Fault(route="report", action=fault))
        result = await client.multipart_upload.resume(
            caught.value.upload_id, path, upload_headers=caught.value.upload_headers
        )
    assert result.asset_id in emulator.platform.assets
    assert f"names the asset {told!r}, which is ignored: it is not an id" in caplog.text


async def test_many_who_wait_for_one_upload_get_its_asset(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Also those who were admitted when it was over: they had asked before."""
    path = make_file(3 * CHUNK_SIZE)
    async with client_of(emulator, journal, max_concurrency=2) as client:
        results = await asyncio.gather(
            *(client.multipart_upload.upload_file(path, if_busy="wait") for _ in range(12))
        )
    assert len({result.asset_id for result in results}) == 1
    assert (emulator.count("create"), len(sent(emulator))) == (1, 3)


async def test_closing_the_client_ends_a_wait_for_somebody_else(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """At once, and not when the other is done."""
    path, journal = make_file(CHUNKS * CHUNK_SIZE), MemoryJournal()
    stall = emulator.faults.add(Fault(route="put", chunk_index=7, action=Stall("middle")))
    async with client_of(emulator, journal, stall_timeout=600) as client:
        first = asyncio.create_task(client.multipart_upload.upload_file(path))
        while not stall.hits:
            await asyncio.sleep(0.001)
        other = client_of(emulator, journal)
        second = asyncio.create_task(other.multipart_upload.upload_file(path, if_busy="wait"))
        await asyncio.sleep(20)
        began = asyncio.get_running_loop().time()
        await other.close()
        with pytest.raises(UploadError, match="the client was closed"):
            await second
        assert asyncio.get_running_loop().time() - began < 1
        first.cancel()
        await asyncio.wait({first})


async def test_an_upload_that_is_done_stays_done_without_its_journal(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """The lease went as the last report was answered: the asset is there, and is told."""
    journal = MemoryJournal()

    def lose(told: dict[str, Any]) -> dict[str, Any]:
        if told.get("url"):
            journal._leases.clear()
        return told

    emulator.faults.add(Fault(route="report", action=Rewrite(lose), times=None))
    async with client_of(emulator, journal) as client:
        result = await client.multipart_upload.upload_file(make_file(3000))
    assert result.asset_url


HOSTILE: dict[str, dict[str, Any]] = {
    "a length": {"upload_headers": {"Content-Length": "5"}},
    "another host": {"upload_headers": {"Host": "elsewhere"}},
    "a line break": {"upload_headers": {"x-a": "1\r\nx-b: 2"}},
    "a way out": {"upload_id": "../../assets"},
    "no id": {"upload_id": ""},
    "another asset's way": {"asset_id": "a/b"},
    "other chunks": {"chunk_size": 7},
    "no chunks": {"chunk_size": 0, "total_chunks": 0},
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_journal_that_makes_no_sense_is_as_good_as_none(
    emulator: Emulator, make_file: MakeFile, what: str
) -> None:
    """Nothing of it is sent anywhere: the upload begins anew, and arrives."""
    journal, path = MemoryJournal(), make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        await fail_at(emulator, client, path, 10)
        (records,) = journal._records.values()
        first = json.loads(records[0])
        first["session"].update(HOSTILE[what])
        records[0] = json.dumps(first).encode()
        result = await client.multipart_upload.upload_file(path)
    assert (result.resumed_chunks, emulator.count("create")) == (0, 2)
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


async def test_a_list_that_makes_no_sense_is_told_as_such(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """No division by the zero that somebody sent."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    failure = await fail_at(emulator, client, path, 10)
    assert failure.upload_id is not None

    def spoil(told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "data": [{**one, "chunk_size": 0} for one in told["data"]]}

    emulator.faults.add(Fault(route="list", action=Rewrite(spoil)))
    with pytest.raises(UploadError, match="chunks of 0 bytes") as caught:
        await client.multipart_upload.resume(failure.upload_id, path)
    assert isinstance(caught.value.__cause__, InvalidResponseError)


async def test_a_complete_session_is_of_a_file_of_its_size(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Another one's result is not told of it."""
    done = await client.multipart_upload.upload_file(make_file(3000))
    with pytest.raises(UploadError, match="the file has 5 bytes"):
        await client.multipart_upload.resume(
            done.upload_id, make_file(5, "b.mp4"), asset_id=done.asset_id
        )


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
        with pytest.raises(UploadError, match="its content is another"):
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
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


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
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    assert caplog.text.count("another attempt may know less: no space left") == 1


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
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


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


@pytest.mark.parametrize("name", ["Host", "host", "Content-Length", "Transfer-Encoding"])
async def test_a_header_that_no_put_may_set_is_refused(
    name: str, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Whoever names it: the caller, before anything is sent, as the platform."""
    upload = client.multipart_upload.resume("u1", make_file(1), upload_headers={name: "5"})
    with pytest.raises(InvalidArgumentError, match="cannot be set") as caught:
        await upload
    assert caught.value.argument == f"upload_headers[{name!r}]"
    assert emulator.requests == []


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


async def test_a_repeated_report_tells_the_asset_of_a_session_that_is_complete(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Nobody named it when the session was resumed, and the answers to its last reports are lost.

    The journal has an ETag; to report it again is harmless, and the answer names the asset.
    """
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, None) as client:
        failure = await fail_at(emulator, client, path, 5)
    assert failure.upload_id is not None
    async with client_of(emulator, journal) as client:
        lost = emulator.faults.add(Fault(route="report", action=Cut("after"), times=None))
        with pytest.raises(UploadError):
            await client.multipart_upload.resume(
                failure.upload_id, path, upload_headers=failure.upload_headers, max_retries=0
            )
        lost.times = lost.hits
        puts = emulator.count("put")
        result = await client.multipart_upload.resume(failure.upload_id, path)
    assert result.asset_id == failure.asset_id
    assert emulator.count("put") == puts
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


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
        assert await read_asset(emulator, result.asset_id) == path.read_bytes()
