"""An upload that waits for another one of the same file holds nothing that others could use."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.assets import read_asset
from support.files import CHUNK_SIZE, MakeFile
from support.leaks import DESCRIPTORS

from twelvelabs_async import (
    AsyncTwelveLabs,
    ClientClosedError,
    FileJournal,
    Journal,
    MemoryJournal,
    UploadError,
    UploadProgress,
    UploadResult,
)
from twelvelabs_async._upload.resume import claim
from twelvelabs_async.emulator import Emulator, Fault, Stall

CHUNKS = 3


def client_of(emulator: Emulator, journal: Journal, **settings: Any) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal, **settings)


async def taken(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> "asyncio.Task[Any]":
    """Return an upload that stands still for a minute, with its entry."""
    stall = emulator.faults.add(Fault(route="put", chunk_index=2, action=Stall("middle")))
    upload = asyncio.create_task(client.multipart_upload.upload_file(path))
    while not stall.hits:
        await asyncio.sleep(0.001)
    return upload


def waiting(client: AsyncTwelveLabs, path: Path, count: int) -> "list[asyncio.Task[UploadResult]]":
    upload_file = client.multipart_upload.upload_file
    return [asyncio.create_task(upload_file(path, if_busy="wait")) for _ in range(count)]


def open_files(under: Path) -> int:
    """Return how many descriptors this process has for what lies under a directory."""
    count = 0
    for entry in DESCRIPTORS.iterdir():
        try:
            count += entry.readlink().is_relative_to(under)
        except FileNotFoundError:  # the one that lists the directory
            continue
    return count


@pytest.mark.parametrize("most", [1, 16])
async def test_those_that_wait_keep_nobody_out(
    emulator: Emulator, journal: Journal, make_file: MakeFile, most: int
) -> None:
    """More wait than are ever admitted, and others go through; then all get the one asset."""
    path, other = make_file(CHUNKS * CHUNK_SIZE), make_file(CHUNK_SIZE, "other.mp4")
    async with (
        client_of(emulator, journal) as first,
        client_of(emulator, journal, max_concurrency=most) as client,
    ):
        one = await taken(emulator, first, path)
        waiters = waiting(client, path, 40)
        await asyncio.sleep(1)
        async with asyncio.timeout(5):
            await client.multipart_upload.upload_file(other)
            await client.upload(b"film", filename="a.mp4")
        assert not one.done()
        assert not any(waiter.done() for waiter in waiters)
        asset_id = (await one).asset_id
        assert {result.asset_id for result in await asyncio.gather(*waiters)} == {asset_id}
    assert (emulator.count("create"), emulator.count("create_asset")) == (2, 1)


async def test_those_that_wait_have_no_file_open(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path
) -> None:
    """Neither the one that they are about, nor one of the journal."""
    path, journal = make_file(CHUNKS * CHUNK_SIZE), FileJournal(tmp_path / "journal")
    async with client_of(emulator, journal) as first, client_of(emulator, journal) as client:
        one = await taken(emulator, first, path)
        before = open_files(tmp_path)
        waiters = waiting(client, path, 40)
        for _ in range(10):
            await asyncio.sleep(1)
            assert open_files(tmp_path) <= before + 2  # one that looks
        await asyncio.gather(one, *waiters)


async def test_those_that_wait_stand_in_line(emulator: Emulator, make_file: MakeFile) -> None:
    """One of them looks whether the entry is free; the others cost no question of the store."""

    class Counting(MemoryJournal):
        asked = 0

        async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
            Counting.asked += 1
            return await super().acquire(key, owner, seconds)

    path, journal = make_file(CHUNKS * CHUNK_SIZE), Counting()
    async with client_of(emulator, journal) as first, client_of(emulator, journal) as client:
        one = await taken(emulator, first, path)
        waiters = waiting(client, path, 40)
        await asyncio.sleep(5)
        Counting.asked = 0
        await asyncio.sleep(50)
        assert not one.done()
        assert 10 <= Counting.asked < 100
        await asyncio.gather(one, *waiters)


async def test_uploads_with_a_journal_hold_no_more_descriptors_than_are_admitted(
    emulator: Emulator, tmp_path: Path
) -> None:
    """However many are started at once: a file and a lease for each that is admitted."""
    paths = [tmp_path / f"{number}.mp4" for number in range(200)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    most = 0

    def look(_: UploadProgress) -> None:
        nonlocal most
        most = max(most, open_files(tmp_path))

    async with client_of(emulator, FileJournal(tmp_path / "journal"), max_concurrency=2) as client:
        upload_file = client.multipart_upload.upload_file
        results = await asyncio.gather(
            *(upload_file(path, if_busy="wait", progress_callback=look) for path in paths)
        )
    assert len({result.asset_id for result in results}) == len(paths)
    assert 2 <= most <= 4 * 4  # a file, a lease, and for a moment an entry and a directory


async def test_calls_that_wait_for_each_others_files_end(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Two clients, two files, each asked for many times by both: no order of waits hangs."""
    paths = [make_file(CHUNKS * CHUNK_SIZE + i, f"{i}.mp4") for i in range(2)]
    async with (
        client_of(emulator, journal, max_concurrency=1) as one,
        client_of(emulator, journal, max_concurrency=1) as two,
    ):
        calls = [
            waiting(client, path, 5)
            for client, order in ((one, paths), (two, paths[::-1]))
            for path in order
        ]
        async with asyncio.timeout(600):
            results = await asyncio.gather(*(call for group in calls for call in group))
    assert len({result.asset_id for result in results}) == emulator.count("create")
    assert emulator.count("create") <= 4  # a client that comes when all is done may ask anew


async def test_close_ends_those_that_wait_at_once(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """Also those that wait to be admitted, which open nothing any more."""
    path, other = make_file(CHUNKS * CHUNK_SIZE), make_file(CHUNK_SIZE, "other.mp4")
    async with client_of(emulator, journal) as first:
        one = await taken(emulator, first, path)
        client = client_of(emulator, journal, max_concurrency=1)
        waiters = waiting(client, path, 10)
        await asyncio.sleep(10)
        upload_file = client.multipart_upload.upload_file
        blocked_locally = [await taken(emulator, client, make_file(2500, "a.mp4"))]
        queued = make_file(1, "b.mp4"), make_file(2, "c.mp4"), other  # two are admitted
        blocked_locally += [asyncio.create_task(upload_file(each)) for each in queued]
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await client.close()
        calls = [*waiters, *blocked_locally]
        assert all(call.done() for call in calls)
        assert asyncio.get_running_loop().time() - began < 0.5
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, UploadError)
            assert isinstance(error.__cause__, ClientClosedError)
        await one
    assert emulator.count("create") == 3


async def test_who_waits_is_answered_though_the_first_look_told_nothing(
    emulator: Emulator, journal: Journal, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder had not noted its path yet, and was done before the second look."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    monkeypatch.setattr(claim, "LOOK_AGAIN", 600.0)
    began, go_on = asyncio.Event(), asyncio.Event()

    class HeldJournal(MemoryJournal):
        async def append(self, key: str, owner: str, record: bytes) -> None:
            began.set()
            await go_on.wait()
            await super().append(key, owner, record)

    shared = HeldJournal()
    async with client_of(emulator, shared) as first, client_of(emulator, shared) as client:
        one = asyncio.create_task(first.multipart_upload.upload_file(path))
        await began.wait()
        (two,) = waiting(client, path, 1)
        await asyncio.sleep(1)
        go_on.set()
        assert (await one).asset_id == (await two).asset_id
    assert emulator.count("create") == 1


async def test_a_file_that_is_replaced_while_its_upload_waits_is_another_upload(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """It is opened again when its turn has come, and what it is then is uploaded."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as first, client_of(emulator, journal) as client:
        one = await taken(emulator, first, path)
        (two,) = waiting(client, path, 1)
        await asyncio.sleep(1)
        path.unlink()
        path.write_bytes(b"another film")
        result = await two
        assert await read_asset(emulator, result.asset_id) == b"another film"
        assert not one.done()
        one.cancel()
        await asyncio.wait([one])
