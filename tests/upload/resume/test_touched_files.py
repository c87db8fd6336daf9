"""A file whose times change while it is uploaded: its bytes decide, and no mixture ever arrives."""

import asyncio
import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.assets import read_asset
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    MemoryJournal,
    SourceChangedError,
    UploadError,
)
from twelvelabs_async._upload.plan.md5 import ENOUGH_MISMATCHES
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async._upload.resume.comparison import (
    Comparison,
    Imprint,
    Imprints,
)
from twelvelabs_async._upload.source.disk_reads import Descriptor, read_positioned
from twelvelabs_async._upload.source.file import open_source
from twelvelabs_async.emulator import Emulator, Etag, Fault, Rewrite, Stall, store_error

CHUNKS = 7
REFUSAL = store_error(403, "AccessDenied", "Access Denied")
SLOW_DOWN = store_error(503, "SlowDown", "Please reduce your request rate.")
OWN = Etag(lambda md5: f'"own-{md5}"', kept=True)
FOREIGN = Etag(lambda md5: md5[::-1], kept=True)
"""As long as an MD5, and none."""

Change = Callable[[Path], None]


def touch(path: Path) -> None:
    os.utime(path, ns=(5, 5))


def round_times(path: Path) -> None:
    status = path.stat()
    os.utime(path, (int(status.st_atime), int(status.st_mtime)))


def set_mode(path: Path) -> None:
    path.chmod(0o600)


def rename(path: Path) -> None:
    path.rename(path.with_name("renamed.mp4"))


def rename_and_back(path: Path) -> None:
    path.rename(path.with_name("renamed.mp4")).rename(path)


def link(path: Path) -> None:
    path.with_name("linked.mp4").hardlink_to(path)


def remove(path: Path) -> None:
    path.unlink()


def write_at(path: Path, offset: int, *, restored: bool = True) -> None:
    """Write other bytes in place, as many as there were, and set the time back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"other bytes")
    if restored:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def write_to_first_chunk(path: Path) -> None:
    write_at(path, 0)


HARMLESS = [touch, round_times, set_mode, rename, rename_and_back, link, remove]


def happening(change: Callable[[], object]) -> Etag:
    """Let something happen when the store has a chunk, before it answers."""

    def header(md5: str) -> str:
        change()
        return f'"{md5}"'

    return Etag(header)


def meddling(change: Callable[[], object]) -> Rewrite:
    """Let something happen before the platform answers."""

    def rewrite(told: dict[str, Any]) -> dict[str, Any]:
        change()
        return told

    return Rewrite(rewrite)


def md5_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


async def usual_requests(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> int:
    """Return how many requests an upload takes that nothing befalls."""
    before = len(emulator.requests)
    await client.multipart_upload.upload_file(path, max_workers=1)
    return len(emulator.requests) - before


# What does no harm.


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("at", [1, 4, CHUNKS])
@pytest.mark.parametrize("change", HARMLESS)
async def test_a_file_with_other_times_and_the_same_bytes_arrives(
    change: Change,
    at: int,
    workers: int,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
) -> None:
    """Touched, rounded, renamed, linked, removed: each chunk is sent once, whenever it happens."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    data = path.read_bytes()
    action = happening(lambda: change(path))
    emulator.faults.add(Fault(route="put", chunk_index=at, action=action))
    result = await client.multipart_upload.upload_file(path, max_workers=workers, batch_size=2)
    assert await read_asset(emulator, result.asset_id) == data
    assert emulator.count("put") == CHUNKS


@pytest.mark.parametrize("change", HARMLESS)
async def test_a_change_costs_one_pass_of_what_is_stored_and_no_request(
    change: Change,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The chunk that was stored before, and the one at whose end it was noticed."""
    caplog.set_level(logging.INFO)
    path = make_file(CHUNKS * CHUNK_SIZE)
    usual = await usual_requests(emulator, client, path)
    assert "read again" not in caplog.text
    before = len(emulator.requests)
    action = happening(lambda: change(path))
    emulator.faults.add(Fault(route="put", chunk_index=3, action=action))
    await client.multipart_upload.upload_file(path, max_workers=1)
    assert len(emulator.requests) - before == usual
    assert caplog.text.count("read again") == 1
    assert "4 chunks were read again" in caplog.text


@pytest.mark.parametrize("change", HARMLESS)
async def test_a_single_chunk_is_compared_as_well(
    change: Change, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It changes after it was opened and before its chunk is sent; the ETag proves the bytes."""
    path = make_file(CHUNK_SIZE)
    data = path.read_bytes()

    emulator.faults.add(Fault(route="create", action=meddling(lambda: change(path))))
    result = await client.multipart_upload.upload_file(path)
    assert await read_asset(emulator, result.asset_id) == data
    assert emulator.count("put") == 1


async def test_several_changes_are_each_compared(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A file may be touched again and again, while it keeps its bytes."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    for index in range(1, CHUNKS):
        action = happening(partial(os.utime, path, ns=(index, index)))
        emulator.faults.add(Fault(route="put", chunk_index=index, action=action))
    result = await client.multipart_upload.upload_file(path, max_workers=2)
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    assert emulator.count("put") == CHUNKS


async def test_a_write_to_what_was_not_sent_yet_is_part_of_the_asset(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """What is stored is of the file as it is now, and so is the rest, and its digest."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    action = happening(lambda: write_at(path, 6 * CHUNK_SIZE, restored=False))
    emulator.faults.add(Fault(route="put", chunk_index=2, action=action))
    result = await client.multipart_upload.upload_file(path, max_workers=1, digest="sha256")
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    assert await emulator.sha256(result.asset_id) == result.sha256


# What would make a mixture.


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("restored", [True, False])
@pytest.mark.parametrize("at", [2, 4, CHUNKS])
async def test_a_write_to_what_is_stored_never_becomes_an_asset(
    at: int,
    restored: bool,
    workers: int,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
) -> None:
    """Also where its modification time is set back."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=at, action=SLOW_DOWN))
    rewrite = meddling(lambda: write_at(path, 0, restored=restored))
    emulator.faults.add(Fault(route="presigned_urls", action=rewrite))
    with pytest.raises(UploadError, match="it was written to") as caught:
        await client.multipart_upload.upload_file(path, max_workers=workers, batch_size=100)
    error = caught.value
    assert isinstance(error.__cause__, SourceChangedError)
    assert (error.chunk_index, error.retryable) == (1, False)
    assert error.upload_id
    status = await client.multipart_upload.get_status(error.upload_id)
    assert status.status == "active"


async def test_a_write_while_the_last_chunk_is_sent_is_noticed(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """All others are stored, and some reported: the last one looks before its last bytes."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=CHUNKS, action=SLOW_DOWN))
    rewrite = meddling(lambda: write_at(path, CHUNK_SIZE))
    emulator.faults.add(Fault(route="presigned_urls", action=rewrite))
    with pytest.raises(UploadError, match="it was written to") as caught:
        await client.multipart_upload.upload_file(path, max_workers=1, batch_size=3)
    assert caught.value.chunk_index == 2
    assert [asset.received_at for asset in emulator.platform.assets.values()] == [None]


async def test_an_attempt_after_such_a_write_knows_that_it_is_another_file(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """The journal has the ETags of what was stored; the next call refuses with the reason."""
    path = make_file(3_000 * CHUNK_SIZE)
    action = happening(lambda: write_at(path, 100 * CHUNK_SIZE))
    emulator.platform.chunk_size = 250 * CHUNK_SIZE
    emulator.faults.add(Fault(route="put", chunk_index=4, action=action))
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=MemoryJournal()
    ) as client:
        for problem in ("it was written to", "chunk 1 is stored with another content"):
            with pytest.raises(UploadError, match=problem) as caught:
                await client.multipart_upload.upload_file(path, max_workers=1)
            assert not caught.value.retryable


async def test_a_rescue_does_not_report_what_was_not_compared(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Whoever goes on with the session would mix two files."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=4, action=Stall("after")))
    asyncio.get_running_loop().call_later(20, write_at, path, 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await client.multipart_upload.upload_file(path, max_workers=1, batch_size=100)
    assert emulator.count("report") == 0


# Where nothing can be compared.


@pytest.mark.parametrize("etag", [OWN, FOREIGN])
@pytest.mark.parametrize("workers", [1, 5])
async def test_a_touch_that_cannot_be_compared_is_worth_another_attempt(
    etag: Etag, workers: int, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The error says that only times changed, and that a repetition may succeed, which it does."""
    path = make_file(CHUNKS * CHUNK_SIZE)

    emulator.faults.add(Fault(route="create", action=meddling(lambda: touch(path))))
    emulator.faults.add(Fault(route="put", action=etag, times=None))
    with pytest.raises(UploadError, match="only its times are others") as caught:
        await client.multipart_upload.upload_file(path, max_workers=workers)
    assert isinstance(caught.value.__cause__, SourceChangedError)
    assert caught.value.retryable
    result = await client.multipart_upload.upload_file(path, max_workers=workers)
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


@pytest.mark.parametrize("change", HARMLESS)
async def test_hashes_that_were_made_while_sending_are_compared_instead(
    change: Change, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """With ``verify``, whatever the store's ETags are."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    data = path.read_bytes()

    emulator.faults.add(Fault(route="put", chunk_index=4, action=SLOW_DOWN))
    emulator.faults.add(Fault(route="put", action=OWN, times=None))
    emulator.faults.add(Fault(route="presigned_urls", action=meddling(lambda: change(path))))
    result = await client.multipart_upload.upload_file(path, max_workers=1, verify="etag")
    assert await read_asset(emulator, result.asset_id) == data
    assert emulator.count("put") == CHUNKS + 1


async def test_hashes_that_were_made_while_sending_find_a_write(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """No other chunk has to prove anything first."""
    path = make_file(CHUNKS * CHUNK_SIZE)

    emulator.faults.add(Fault(route="put", chunk_index=4, action=SLOW_DOWN))
    emulator.faults.add(Fault(route="put", action=OWN, times=None))
    emulator.faults.add(Fault(route="presigned_urls", action=meddling(lambda: write_at(path, 0))))
    with pytest.raises(UploadError, match="are other bytes") as caught:
        await client.multipart_upload.upload_file(path, max_workers=1, verify="etag")
    assert (caught.value.chunk_index, caught.value.retryable) == (1, False)


# Resumed uploads.


@pytest.mark.parametrize("harmless", [True, False])
async def test_what_an_earlier_attempt_stored_is_compared_too(
    harmless: bool, emulator: Emulator, make_file: MakeFile
) -> None:
    """Its ETags are in the journal."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=4, action=REFUSAL))
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=MemoryJournal()
    ) as client:
        with pytest.raises(UploadError):
            await client.multipart_upload.upload_file(path, max_workers=1, batch_size=2)
        change = touch if harmless else write_to_first_chunk
        action = happening(lambda: change(path))
        emulator.faults.add(Fault(route="put", chunk_index=5, action=action))
        upload = client.multipart_upload.upload_file(path, max_workers=1)
        if harmless:
            result = await upload
            assert result.resumed_chunks == 3
            assert await read_asset(emulator, result.asset_id) == path.read_bytes()
        else:
            with pytest.raises(UploadError, match="it was written to") as caught:
                await upload
            assert caught.value.chunk_index == 1


async def test_chunks_of_which_only_the_platform_knows_cannot_be_compared(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Resumed by its id alone, an upload knows no ETags of what was counted before."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=4, action=REFUSAL))
    with pytest.raises(UploadError) as first:
        await client.multipart_upload.upload_file(path, max_workers=1, batch_size=2)
    error = first.value
    assert error.upload_id
    emulator.faults.add(Fault(route="put", chunk_index=5, action=happening(lambda: touch(path))))
    resume = client.multipart_upload.resume
    with pytest.raises(UploadError, match="only its times are others") as caught:
        await resume(error.upload_id, path, upload_headers=error.upload_headers, max_workers=1)
    assert caught.value.retryable
    result = await resume(error.upload_id, path, upload_headers=error.upload_headers)
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()


# In one request.


@pytest.mark.parametrize("change", [set_mode, rename, link, remove])
async def test_attributes_may_change_while_a_file_goes_in_one_request(
    change: Change, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """They explain the other time of change."""
    path = make_file(CHUNK_SIZE)
    data = path.read_bytes()
    asset = await _direct(emulator, client, path, change)
    assert await read_asset(emulator, asset) == data


@pytest.mark.parametrize("change", [touch, round_times, write_to_first_chunk])
async def test_other_times_end_a_request_that_nothing_can_be_compared_with(
    change: Change, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Before its last byte: nothing is made, and another attempt may succeed."""
    path = make_file(CHUNK_SIZE)
    with pytest.raises(SourceChangedError, match="only its times are others") as caught:
        await _direct(emulator, client, path, change)
    assert caught.value.retryable
    assert emulator.platform.assets == {}
    await client.assets.create(method="direct", file=path)


async def _direct(emulator: Emulator, client: AsyncTwelveLabs, path: Path, change: Change) -> str:
    """Create an asset from a file that changes between two attempts to send it."""
    limited = store_error(429, "x", "")
    fault = emulator.faults.add(Fault(route="create_asset", action=limited))

    async def meddle() -> None:
        while not fault.hits:
            await asyncio.sleep(0.001)
        change(path)

    asset, _ = await asyncio.gather(client.assets.create(method="direct", file=path), meddle())
    return asset.id


# The parts.


async def test_a_file_that_goes_on_changing_is_given_up(make_file: MakeFile) -> None:
    """A comparison that is overtaken is repeated, a few times."""
    path = make_file(CHUNK_SIZE)
    reads = list[int]()

    def restless(file: Descriptor, view: memoryview, offset: int) -> int:
        reads.append(offset)
        os.utime(path, ns=(len(reads), len(reads)))
        return read_positioned(file, view, offset)

    async with open_source(path, read=restless, inline=False) as source:
        comparison = Comparison(source, Slices(CHUNK_SIZE, CHUNK_SIZE))
        comparison.note(1, "0" * 32, "0" * 32, 0)
        assert not comparison.due
        await comparison.settle()
        assert reads == []
        touch(path)
        await source.look()
        comparison.note(1, "", md5_of(path.read_bytes()), 0)
        with pytest.raises(SourceChangedError, match="it goes on changing") as caught:
            await comparison.settle()
    assert caught.value.retryable
    assert len(reads) == 3


def noting(offsets: list[int]) -> Callable[[Descriptor, memoryview, int], int]:
    """Return what reads a file, and notes each offset."""

    def read(file: Descriptor, view: memoryview, offset: int) -> int:
        offsets.append(offset)
        return read_positioned(file, view, offset)

    return read


async def test_a_change_is_compared_once_for_all_who_notice_it(make_file: MakeFile) -> None:
    """Ten who ask at once wait for one pass."""
    path, reads = make_file(4 * CHUNK_SIZE), list[int]()

    async with open_source(path, read=noting(reads), inline=False) as source:
        slices = Slices(4 * CHUNK_SIZE, CHUNK_SIZE)
        comparison = Comparison(source, slices)
        for piece in (slices[index] for index in range(1, 5)):
            data = path.read_bytes()[piece.offset : piece.offset + piece.size]
            comparison.note(piece.index, md5_of(data), None, 0)
        touch(path)
        await asyncio.gather(*(source.look() for _ in range(10)))
        assert source.version == 1
        await asyncio.gather(*(comparison.settle() for _ in range(10)))
    assert reads == [0, CHUNK_SIZE, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE]


async def test_a_store_without_md5s_is_not_compared_to_the_end(make_file: MakeFile) -> None:
    """So many mismatches without a match tell enough; of a large file the rest is not read."""
    path, reads = make_file(100 * CHUNK_SIZE), list[int]()

    async with open_source(path, read=noting(reads), inline=False) as source:
        comparison = Comparison(source, Slices(100 * CHUNK_SIZE, CHUNK_SIZE))
        for index in range(1, 101):
            comparison.note(index, "0123456789abcdef" * 2, None, 0)
        touch(path)
        await source.look()
        with pytest.raises(SourceChangedError, match="only its times are others"):
            await comparison.settle()
    assert len(reads) == ENOUGH_MISMATCHES


def test_an_imprint_is_what_can_be_compared() -> None:
    """The hash of what was sent, or an ETag that may be one; seventeen bytes a chunk."""
    imprints = Imprints()
    md5 = md5_of(b"")
    imprints.note(3, md5.upper())
    imprints.note(2, "own-1")
    imprints.note(5, "own-1", md5)
    imprints.note(1, None)
    kinds = [imprints.kind(index) for index in range(1, 7)]
    assert kinds == [
        Imprint.NONE, Imprint.NONE, Imprint.ETAG, Imprint.UNSENT, Imprint.MD5, Imprint.UNSENT,
    ]  # fmt: skip
    assert (imprints.digest(3), imprints.digest(5)) == (md5, md5)
    assert imprints.stored() == [1, 2, 3, 5]


@pytest.mark.parametrize("change", [*HARMLESS, write_to_first_chunk])
async def test_each_change_of_the_times_is_a_version(change: Change, make_file: MakeFile) -> None:
    """Nothing is one only until somebody looks, and a look without a change is none."""
    path = make_file(CHUNK_SIZE)
    async with open_source(path) as source:
        await source.look()
        assert source.version == 0
        change(path)
        await source.look()
        await source.look()
        assert source.version == 1


async def test_a_copy_in_its_place_is_another_file(make_file: MakeFile) -> None:
    """Whatever its bytes and times are."""
    path = make_file(CHUNK_SIZE)
    async with open_source(path) as source:
        copy = path.with_name("copy")
        shutil.copy2(path, copy)
        copy.replace(path)
        with pytest.raises(SourceChangedError, match="another file") as caught:
            await source.look()
    assert not caught.value.retryable
