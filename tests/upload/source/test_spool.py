"""Streams of unknown size: kept until their end is known, or sent as they come."""

import asyncio
import errno
import gc
import os
import random
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.assets import read_asset
from support.streams import pieces

from twelvelabs_async import AsyncTwelveLabs, MemoryJournal, UploadError
from twelvelabs_async._upload.source.spool import IN_MEMORY
from twelvelabs_async.emulator import Answer, Emulator, Fault

CHUNK = 1_000_000
DATA = random.Random(3).randbytes(IN_MEMORY + 1)

pytestmark = pytest.mark.chunk_size(CHUNK)


def open_files() -> set[str]:
    """Return what this process has open, deleted or not."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return {str(link.readlink()) for link in links} - {"/dev/null"}


@pytest.mark.parametrize("above", [0, 10**9])
@pytest.mark.parametrize("size", [1, IN_MEMORY, IN_MEMORY + 1])
async def test_a_stream_of_unknown_size_is_kept_until_its_end(
    size: int, above: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """It goes in chunks or in one request, as a file of its size, and is sent again if need be."""
    route = "create_asset" if above else "put"
    refused = emulator.faults.add(Fault(route=route, action=Answer(503)))
    refused.action = Answer(429) if above else refused.action
    asset = await client.upload(("a.mp4", pieces(DATA[:size], 100_000)), multipart_above=above)
    assert refused.hits == 1
    assert await read_asset(emulator, asset.id) == DATA[:size]
    assert emulator.count("create") == (0 if above else 1)


async def test_what_is_kept_goes_to_no_disk_unless_it_is_large(
    emulator: Emulator, client: AsyncTwelveLabs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A small stream needs no directory for temporary files, and a large one says that it does."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    asset = await client.upload(("a.mp4", pieces(DATA[:IN_MEMORY], 100_000)))
    assert await read_asset(emulator, asset.id) == DATA[:IN_MEMORY]
    with pytest.raises(UploadError, match="in a temporary file") as caught:
        await client.upload(("a.mp4", pieces(DATA, 100_000)))
    assert os.strerror(errno.ENOENT) in str(caught.value)


async def test_a_spooled_stream_resumes_as_a_file_does(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """By its content: the caller's stream begins again, and what is stored is not sent again."""
    journal = MemoryJournal()
    emulator.faults.add(Fault(route="put", chunk_index=4, action=Answer(400, body=b"no")))

    async def upload() -> Any:
        stream = ("a.mp4", pieces(DATA, 100_000))
        return await client.upload(stream, multipart_above=0, journal=journal, max_workers=1)

    with pytest.raises(UploadError):
        await upload()
    asset = await upload()
    assert asset.result.resumed_chunks == 3
    assert (emulator.count("create"), emulator.count("put")) == (1, 6)
    assert await read_asset(emulator, asset.id) == DATA


@pytest.mark.parametrize("above", [0, 10**9])
async def test_a_stream_that_was_kept_is_there_for_another_attempt(
    above: int, emulator: Emulator
) -> None:
    """Of two equal ones, the second waits for the first, and then has all its bytes."""
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=MemoryJournal()
    ) as client:
        uploads = [
            client.upload(("a.mp4", pieces(DATA, 100_000)), multipart_above=above, if_busy="wait")
            for _ in range(2)
        ]
        for asset in await asyncio.gather(*uploads):
            assert await read_asset(emulator, asset.id) == DATA


async def test_a_cancelled_upload_leaves_no_temporary_file(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Neither while the stream is read nor when it is sent."""
    waits, before = asyncio.Event(), open_files()

    async def slow() -> AsyncIterator[bytes]:
        yield DATA + DATA[:100_000]
        waits.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(client.upload(("a.mp4", slow())))
    await waits.wait()
    assert any("(deleted)" in name for name in open_files() - before)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert open_files() == before


@pytest.mark.parametrize("size", [10, IN_MEMORY + 1])
async def test_a_cancellation_at_any_turn_closes_what_is_kept(
    size: int, client: AsyncTwelveLabs
) -> None:
    """A file that is not closed warns, which is an error here."""
    before = open_files()
    for turns in range(60):
        upload = asyncio.create_task(client.upload(("a.mp4", pieces(DATA[:size], size))))
        for _ in range(turns):
            await asyncio.sleep(0)
        upload.cancel()
        await asyncio.wait({upload})
        del upload
        gc.collect()
    await client.close()
    assert not [name for name in open_files() - before if "(deleted)" in name]


async def test_what_is_not_spooled_is_sent_as_it_comes(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """And stopped soon after what one request takes."""
    asset = await client.upload(("a.mp4", pieces(DATA, 100_000)), spool=False)
    assert await read_asset(emulator, asset.id) == DATA
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 100_000
            yield DATA[:100_000]

    with pytest.raises(UploadError, match=r"has more than 500000 bytes.*pass size=, or spool"):
        await client.upload(("b.mp4", endless()), spool=False, multipart_above=500_000)
    assert given <= 700_000
    assert sum(asset.received_at is not None for asset in emulator.platform.assets.values()) == 1
