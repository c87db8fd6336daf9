"""``digest="sha256"``: the whole file's digest, of the bytes that became the asset."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    InvalidArgumentError,
    MemoryJournal,
    SourceChangedError,
    SourceError,
    UploadError,
)
from twelvelabs_async._upload.source.digest import READ_BYTES, file_digest
from twelvelabs_async._upload.source.file import open_source
from twelvelabs_async.emulator import Emulator, Fault, store_error

CHUNKS = 4
REFUSAL = store_error(400, "InvalidRequest", "No.")


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class HeldDigest:
    """Holds up the digest's reads, which are longer than a chunk, in their thread."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.held = 0
        self.failure: OSError | None = None
        self._read: Callable[..., int] = os.preadv

    def read(self, file: int, views: list[memoryview], offset: int, flags: int = 0) -> int:
        if len(views[0]) <= CHUNK_SIZE:
            return self._read(file, views, offset, flags)
        if flags:
            raise BlockingIOError  # not cached: it is read again in a thread
        self.held += 1
        self.open.wait()
        if self.failure is not None:
            raise self.failure
        return self._read(file, views, offset)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldDigest]:
    """Yield a gate that is closed, and open it at the end."""
    made = HeldDigest()
    monkeypatch.setattr(os, "preadv", made.read)
    yield made
    made.open.set()


async def until(condition: Callable[[], bool]) -> None:
    """Let real time pass until the emulator, or a thread, has come so far."""
    while not condition():
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [1, READ_BYTES, READ_BYTES + 1, 3 * READ_BYTES + 7])
@pytest.mark.parametrize("inline", [True, False], ids=["cached", "threads"])
async def test_it_is_the_digest_of_the_file(size: int, inline: bool, make_file: MakeFile) -> None:
    """Whatever the size, from the page cache or the disk."""
    path = make_file(size)
    async with (
        open_source(path, inline=inline) as source,
        file_digest(source, wanted=True) as digest,
    ):
        assert await digest.value() == sha256_of(path)


async def test_the_result_carries_it_when_asked(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """At no request more; otherwise it is None."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    plain = await client.multipart_upload.upload_file(path)
    before = len(emulator.requests)
    result = await client.multipart_upload.upload_file(path, digest="sha256", verify="etag")
    assert plain.sha256 is None
    assert result.sha256 == sha256_of(path) == await emulator.sha256(result.asset_id)
    assert len(emulator.requests) == 2 * before


async def test_it_is_of_the_whole_file_when_most_was_sent_before(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """A resumed upload reads for it what it does not send."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=CHUNKS, action=REFUSAL))
    journal = MemoryJournal()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path, max_workers=1)
        assert caught.value.upload_id is not None
        result = await client.multipart_upload.resume(
            caught.value.upload_id,
            path,
            upload_headers=caught.value.upload_headers,
            digest="sha256",
        )
    assert result.resumed_chunks == CHUNKS - 1
    assert result.sha256 == sha256_of(path)


async def status_of(emulator: Emulator, client: AsyncTwelveLabs) -> tuple[str, int | None]:
    """Return the status of the only session, and how many chunks it counts."""
    upload_id = next(each.upload_id for each in emulator.requests if each.upload_id)
    told = await client.multipart_upload.get_status(upload_id)
    return told.status, told.chunks_completed


async def blocked_locally(
    emulator: Emulator, client: AsyncTwelveLabs, path: Path, gate: HeldDigest
) -> asyncio.Task[Any]:
    """Start an upload and return it when only its digest is missing.

    With one worker, so that the first report has three chunks and the second would have the last.
    """
    upload = asyncio.create_task(
        client.multipart_upload.upload_file(path, digest="sha256", batch_size=3, max_workers=1)
    )
    await until(lambda: bool(gate.held) and emulator.count("put") == CHUNKS)
    await until(lambda: emulator.count("report") == 1)
    for _ in range(5):  # round trips, in which another report would have its time
        await status_of(emulator, client)
    return upload


async def test_the_asset_is_not_complete_before_the_digest_is(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, gate: HeldDigest
) -> None:
    """So that a file that changes meanwhile becomes none."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    upload = await blocked_locally(emulator, client, path, gate)
    assert await status_of(emulator, client) == ("active", 3)
    gate.open.set()
    assert (await upload).sha256 == sha256_of(path)


async def test_a_file_that_changed_under_its_digest_becomes_no_asset(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, gate: HeldDigest
) -> None:
    """Although all of its chunks were stored before."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    upload = await blocked_locally(emulator, client, path, gate)
    with path.open("r+b") as file:
        file.write(b"other bytes")
    gate.open.set()
    with pytest.raises(UploadError, match="it was written to") as caught:
        await upload
    assert isinstance(caught.value.__cause__, SourceChangedError)
    assert await status_of(emulator, client) == ("active", 3)


async def test_a_file_that_is_touched_under_its_digest_is_hashed_once_more(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, gate: HeldDigest
) -> None:
    """Its bytes are compared with the stored chunks, and the digest is of the asset."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    upload = await blocked_locally(emulator, client, path, gate)
    os.utime(path, ns=(5, 5))
    gate.open.set()
    result = await upload
    assert result.sha256 == sha256_of(path)
    assert await emulator.sha256(result.asset_id) == result.sha256
    assert emulator.count("put") == CHUNKS


async def test_a_file_that_cannot_be_read_for_it_is_told_as_such(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, gate: HeldDigest
) -> None:
    """What was asked for cannot be given: no result without it."""
    upload = await blocked_locally(emulator, client, make_file(CHUNKS * CHUNK_SIZE), gate)
    gate.failure = OSError(5, "Input/output error")
    gate.open.set()
    with pytest.raises(UploadError, match="input/output error") as caught:
        await upload
    assert isinstance(caught.value.__cause__, SourceError)


async def test_it_is_cancelled_with_the_upload(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, gate: HeldDigest
) -> None:
    """No task of it is left, and the file is open until its thread has ended."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    before = asyncio.all_tasks()
    upload = await blocked_locally(emulator, client, path, gate)
    upload.cancel()
    asyncio.get_running_loop().call_later(0, gate.open.set)
    with pytest.raises(asyncio.CancelledError):
        await upload
    left = [task for task in asyncio.all_tasks() - before if "file_digest" in repr(task)]
    assert left == []


async def test_an_unknown_digest_is_refused(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Before anything is sent."""
    wrong: Any = "md5"
    asked: Awaitable[object] = client.multipart_upload.upload_file(make_file(5), digest=wrong)
    with pytest.raises(InvalidArgumentError, match="digest must be 'sha256'"):
        await asked
    assert emulator.requests == []
