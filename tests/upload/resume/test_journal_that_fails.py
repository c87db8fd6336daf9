"""A journal that cannot be kept ends an upload before anything is sent, and never in the middle."""

import asyncio
import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    FileJournal,
    Journal,
    JournalError,
    JournalLostError,
    MemoryJournal,
    UploadError,
)
from twelvelabs_async.emulator import Emulator, Fault
from twelvelabs_async.emulator.faults import store_error
from twelvelabs_async.journal._disk import Disk

CHUNKS = 6


class FullDisk:
    """A disk that takes so many writes more."""

    def __init__(self, writes: int) -> None:
        self.writes = writes

    def write(self, descriptor: int, data: bytes) -> int:
        if not self.writes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.writes -= 1
        return os.write(descriptor, data)


class Failing(MemoryJournal):
    """A journal of somebody's, of which a method fails in its own way."""

    failing: str

    def __init__(self, failing: str) -> None:
        self.failing = failing
        super().__init__()

    def _fail(self, method: str) -> None:
        if method == self.failing:
            raise ConnectionError("the store is away")

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        self._fail("acquire")
        return await super().acquire(key, owner, seconds)

    async def read(self, key: str) -> Any:
        self._fail("read")
        return await super().read(key)

    async def append(self, key: str, owner: str, record: bytes) -> None:
        self._fail("append")
        await super().append(key, owner, record)


WAYS: dict[str, dict[str, Any]] = {"a file": {}, "a name": {"resume_key": "job 7"}}


async def refused(emulator: Emulator, journal: Journal, path: Path, **options: Any) -> UploadError:
    """Try to upload with a journal, and return the error; nothing was sent."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path, journal=journal, **options)
        assert emulator.requests == []
        assert caught.value.upload_id is None
        assert isinstance(caught.value.__cause__, JournalError)
        assert not isinstance(caught.value.__cause__, JournalLostError)
        without = await client.multipart_upload.upload_file(path)
        assert without.journal_key is None
    return caught.value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("writes", [0, 1])
async def test_a_full_disk_is_found_out_before_anything_is_sent(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path, writes: int, way: str
) -> None:
    """Whether the holder's name cannot be written, or the first record; it may be empty again."""
    journal = FileJournal(tmp_path / "journal", disk=Disk(write=FullDisk(writes).write))
    error = await refused(emulator, journal, make_file(CHUNKS * CHUNK_SIZE), **WAYS[way])
    assert "no space left on device" in str(error)
    assert error.retryable


async def test_bytes_find_it_out_too(emulator: Emulator, tmp_path: Path) -> None:
    """They have no path to be noted."""
    journal = FileJournal(tmp_path / "journal", disk=Disk(write=FullDisk(1).write))
    address = (emulator.api_key, emulator.base_url)
    async with AsyncTwelveLabs(*address, journal=journal) as client:
        with pytest.raises(UploadError, match="no space left on device"):
            await client.upload(("video.mp4", bytes(5000)), multipart_above=0)
    assert emulator.requests == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EACCES])
async def test_a_file_system_without_locks_is_found_out(
    emulator: Emulator,
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    """It will have none the next time, either."""

    def flock(file: object, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", flock)
    error = await refused(
        emulator, FileJournal(tmp_path / "journal"), make_file(CHUNKS * CHUNK_SIZE)
    )
    assert os.strerror(code).lower() in str(error)
    assert not error.retryable


async def test_something_else_in_the_place_of_an_entry_is_found_out(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path
) -> None:
    """A directory, as an example of what cannot be opened."""
    journal = FileJournal(tmp_path / "journal")
    key = f"{emulator.base_url} job 7"
    journal.path(key).mkdir(parents=True)
    error = await refused(emulator, journal, make_file(CHUNKS * CHUNK_SIZE), resume_key="job 7")
    assert not error.retryable


@pytest.mark.parametrize("method", ["acquire", "read", "append"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_journal_that_fails_in_its_own_way_is_told_as_ours(
    emulator: Emulator, make_file: MakeFile, method: str, way: str
) -> None:
    """No exception of a store's driver escapes; it is the cause."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    error = await refused(emulator, Failing(method), path, **WAYS[way])
    assert "the journal failed: the store is away" in str(error)
    assert isinstance(error.__cause__, JournalError)
    assert isinstance(error.__cause__.__cause__, ConnectionError)
    assert error.retryable


@pytest.mark.parametrize("writes", [4, 5, 8])
async def test_a_disk_that_fills_up_in_the_middle_ends_nothing(
    emulator: Emulator,
    make_file: MakeFile,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    writes: int,
) -> None:
    """The file arrives, and one warning says that another attempt would know less."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    journal = FileJournal(tmp_path / "journal", disk=Disk(write=FullDisk(writes).write))
    address = (emulator.api_key, emulator.base_url)
    async with AsyncTwelveLabs(*address, journal=journal) as client:
        with caplog.at_level(logging.WARNING):
            result = await client.multipart_upload.upload_file(path, max_workers=1)
    assert result.total_chunks == CHUNKS
    assert caplog.text.count("another attempt may know less") == 1


class FailingAt(MemoryJournal):
    """A journal of which one append, or one clearing, fails; counted from 1."""

    def __init__(self, number: int, error: Callable[[], Exception], method: str = "append") -> None:
        self.left, self.error, self.method = number, error, method
        super().__init__()

    def _count(self, method: str) -> None:
        self.left -= method == self.method
        if method == self.method and self.left == 0:
            raise self.error()

    async def append(self, key: str, owner: str, record: bytes) -> None:
        self._count("append")
        await super().append(key, owner, record)

    async def clear(self, key: str, owner: str) -> None:
        self._count("clear")
        await super().clear(key, owner)


def no_descriptor() -> JournalError:
    error = JournalError("too many open files")
    error.lacks_descriptors = True
    return error


ERRORS: dict[str, Callable[[], Exception]] = {
    "a full disk": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "no descriptor": lambda: OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
    "no descriptor, as FileJournal says it": no_descriptor,
    "a failure of its own": lambda: ConnectionError("the store is away"),
}
REFUSAL = store_error(400, "InvalidRequest", "no")
SESSION = 2
"""The append that records the session; the one before it notes whose the entry is."""


@pytest.mark.parametrize("failure", ERRORS)
@pytest.mark.parametrize("number", range(1, SESSION + CHUNKS + 2))
async def test_whichever_append_fails_there_is_one_session(
    emulator: Emulator,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
    number: int,
    failure: str,
) -> None:
    """Also while others are under way; without a session the upload ends, or begins anew."""
    path, other = make_file(CHUNKS * CHUNK_SIZE), make_file(1, name="other.mp4")
    journal = FailingAt(number, ERRORS[failure])
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        with caplog.at_level(logging.WARNING):
            results = await asyncio.gather(
                client.multipart_upload.upload_file(path, journal=journal),
                client.multipart_upload.upload_file(other),
                return_exceptions=True,
            )
    assert journal.left <= 0
    ended = [result for result in results if isinstance(result, BaseException)]
    assert emulator.count("create") == len(results) - len(ended)
    for error in ended:
        assert number < SESSION
        assert isinstance(error, UploadError)
        assert error.upload_id is None
    assert caplog.text.count("another attempt begins anew") == (number == SESSION)
    assert caplog.text.count("another attempt may know less") == (number > SESSION)


@pytest.mark.parametrize("method", ["append", "clear"])
async def test_a_session_that_is_not_recorded_is_named_by_the_error(
    emulator: Emulator, make_file: MakeFile, method: str
) -> None:
    """The journal does not have it, so the text does not promise that the same call goes on."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    journal = FailingAt({"append": SESSION, "clear": 1}[method], ERRORS["a full disk"], method)
    emulator.faults.add(Fault(route="put", chunk_index=4, action=REFUSAL))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path, max_workers=1)
        assert journal.left == 0
        (upload_id,) = emulator.platform.uploads
        error = caught.value
        assert error.upload_id == upload_id
        assert f"; multipart_upload.resume('{upload_id}', ...) goes on from there" in str(error)
        result = await client.multipart_upload.resume(
            upload_id, path, asset_id=error.asset_id, upload_headers=error.upload_headers
        )
    assert result.asset_id == error.asset_id
    assert emulator.count("create") == 1


async def test_nothing_is_recorded_behind_a_session_that_is_not(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Its chunks would be taken for those of the session that the entry still has."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=4, action=REFUSAL))
    journal = FailingAt(2, ERRORS["a full disk"], "clear")
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        with pytest.raises(UploadError):
            await client.multipart_upload.upload_file(path, max_workers=1)
        emulator.platform.uploads.clear()
        result = await client.multipart_upload.upload_file(path)
    assert journal.left == 0
    assert result.journal_key is not None
    records = await journal.read(result.journal_key)
    assert sum(b'"session":{' in record for record in records) == 1
    assert not any(result.upload_id.encode() in record for record in records)
    assert sum(b'"stored"' in record for record in records) == 3  # as the first attempt left it


async def test_a_lease_that_is_lost_before_the_session_is_recorded_ends_the_upload(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """The error names the session that was opened meanwhile, and how to go on with it."""
    journal = FailingAt(SESSION, lambda: JournalLostError("lost"))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(make_file(CHUNKS * CHUNK_SIZE))
    (upload_id,) = emulator.platform.uploads
    assert caught.value.upload_id == upload_id
    assert isinstance(caught.value.__cause__, JournalLostError)
    assert f"multipart_upload.resume('{upload_id}', ...) goes on" in str(caught.value)
    assert emulator.count("create") == 1
    assert emulator.count("put") == 0
