"""A journal that cannot be kept ends an upload before anything is sent, and never in the middle."""

import errno
import logging
import os
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
from twelvelabs_async.emulator import Emulator
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
    assert caplog.text.count("without a journal from here on") == 1
