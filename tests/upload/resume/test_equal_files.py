"""Two files with the same content are two assets; one file that was moved is one."""

import asyncio
import itertools
import os
import random
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
from support.assets import read_asset
from support.cli import Shell, ended, posix
from support.files import CHUNK_SIZE

from twelvelabs_async import (
    AsyncTwelveLabs,
    FileJournal,
    Journal,
    MemoryJournal,
    UploadError,
    UploadInProgressError,
    UploadResult,
)
from twelvelabs_async._core import clock
from twelvelabs_async.emulator import Emulator, Fault, Stall, store_error

CHUNKS = 8
REFUSAL = store_error(400, "InvalidRequest", "No.")
DATA = random.Random(9).randbytes(CHUNKS * CHUNK_SIZE)


class SlowJournal(MemoryJournal):
    """A journal that takes a second for each record: long after the lease was given."""

    async def append(self, key: str, owner: str, record: bytes) -> None:
        await clock.sleep(1)
        await super().append(key, owner, record)


@pytest.fixture(params=["memory", "files", "slow"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    if request.param == "files":
        return FileJournal(tmp_path / "journal")
    return MemoryJournal() if request.param == "memory" else SlowJournal()


def equal_files(directory: Path, count: int) -> list[Path]:
    """Make files of the same name and content."""
    paths = [directory / str(number) / "video.mp4" for number in range(count)]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(DATA)
    return paths


def client_of(emulator: Emulator, journal: Journal, **settings: Any) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal, **settings)


async def begun(emulator: Emulator, client: AsyncTwelveLabs, path: Path, chunk: int) -> str:
    """Begin an upload that the store refuses at a chunk, and return its session."""
    emulator.faults.add(Fault(route="put", chunk_index=chunk, action=REFUSAL))
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(path, max_workers=1)
    assert caught.value.upload_id is not None
    return caught.value.upload_id


async def check(emulator: Emulator, *results: UploadResult) -> None:
    for result in results:
        assert await read_asset(emulator, result.asset_id) == DATA


@pytest.mark.parametrize("if_busy", ["raise", "wait"])
@pytest.mark.parametrize("count", [2, 5])
async def test_equal_files_at_once_are_as_many_assets(
    emulator: Emulator,
    journal: Journal,
    tmp_path: Path,
    if_busy: Literal["raise", "wait"],
    count: int,
) -> None:
    """Nobody is refused, nobody waits for another file, and each gets what it asked for."""
    async with client_of(emulator, journal) as client:
        uploads = [
            client.multipart_upload.upload_file(path, if_busy=if_busy)
            for path in equal_files(tmp_path, count)
        ]
        results = await asyncio.gather(*uploads)
    assert len({result.asset_id for result in results}) == count
    assert emulator.count("put") == count * CHUNKS
    await check(emulator, *results)


async def test_equal_files_at_once_through_the_one_call(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """``client.upload`` has the same rule."""
    async with client_of(emulator, journal) as client:
        uploads = [client.upload(path, multipart_above=0) for path in equal_files(tmp_path, 2)]
        one, other = await asyncio.gather(*uploads)
    assert one.id != other.id


@pytest.mark.parametrize("if_busy", ["raise", "wait"])
@pytest.mark.parametrize("buffering", [-1, 0])
async def test_equal_files_that_were_opened_are_as_many_assets(
    emulator: Emulator,
    journal: Journal,
    tmp_path: Path,
    if_busy: Literal["raise", "wait"],
    buffering: int,
) -> None:
    """At once, and one after the other: an open file is what its path is."""
    with ExitStack() as stack:
        files = [
            stack.enter_context(path.open("rb", buffering)) for path in equal_files(tmp_path, 3)
        ]
        async with client_of(emulator, journal) as client:
            uploads = [client.upload(file, multipart_above=0, if_busy=if_busy) for file in files]
            made = {asset.id for asset in await asyncio.gather(*uploads)}
            for file in files:
                made.add((await client.upload(file, multipart_above=0)).id)
    assert len(made) == 6
    assert emulator.count("put") == 6 * CHUNKS


async def test_an_open_file_goes_on_with_what_its_path_began(
    emulator: Emulator, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An equal one does not, while that is there; a relative name is made absolute at once."""
    first, second = equal_files(tmp_path, 2)
    monkeypatch.chdir(first.parent)
    async with client_of(emulator, journal) as client:
        session = await begun(emulator, client, first, 3)
        with second.open("rb") as file:
            other = await client.upload(file, multipart_above=0)
        with open(first.name, "rb") as file:  # noqa: ASYNC230, PTH123 - its name is relative
            upload = asyncio.create_task(client.upload(file, multipart_above=0))
            await asyncio.sleep(0)
            monkeypatch.chdir(second.parent)
            asset = await upload
    assert other.result is not None
    assert asset.result is not None
    assert (other.result.resumed_chunks, asset.result.resumed_chunks) == (0, 2)
    assert asset.result.upload_id == session


async def test_an_open_file_that_its_path_does_not_lead_to_is_found_by_its_content(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """It has no path: as bytes, it goes on with what is there of its name."""
    first, second = equal_files(tmp_path, 2)
    async with client_of(emulator, journal) as client:
        session = await begun(emulator, client, first, 3)
        with second.open("rb") as file:
            second.unlink()
            asset = await client.upload(file, multipart_above=0)
    assert asset.result is not None
    assert asset.result.upload_id == session


async def test_equal_files_at_once_in_two_clients(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """As of two processes, while the first one stands still."""
    one, other = equal_files(tmp_path, 2)
    stall = emulator.faults.add(Fault(route="put", chunk_index=3, action=Stall("middle")))
    async with client_of(emulator, journal) as client, client_of(emulator, journal) as second:
        first = asyncio.create_task(client.multipart_upload.upload_file(one))
        while not stall.hits:
            await asyncio.sleep(0.001)
        result = await second.multipart_upload.upload_file(other)
        with pytest.raises(UploadError) as caught:
            await second.multipart_upload.upload_file(one)
        assert isinstance(caught.value.__cause__, UploadInProgressError)
        assert (await first).asset_id != result.asset_id


async def test_equal_files_one_after_the_other_are_two_assets(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """They take turns in one entry."""
    async with client_of(emulator, journal) as client:
        results = [
            await client.multipart_upload.upload_file(path) for path in equal_files(tmp_path, 3)
        ]
    assert len({result.asset_id for result in results}) == 3
    assert len({result.journal_key for result in results}) == 1


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
async def test_equal_files_half_done_each_go_on_in_their_own_session(
    emulator: Emulator, journal: Journal, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """In whatever order they come back."""
    paths = equal_files(tmp_path, 3)
    async with client_of(emulator, journal) as client:
        sessions = [await begun(emulator, client, path, 3 + n) for n, path in enumerate(paths)]
        for number in order:
            result = await client.multipart_upload.upload_file(paths[number])
            assert result.upload_id == sessions[number]
            assert result.resumed_chunks == 2 + number
            await check(emulator, result)
    assert emulator.count("create") == 3


async def test_a_file_that_was_moved_goes_on_from_its_new_place(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """And an equal one that then comes to its old place, or to a third one, is another file."""
    first, second, third = equal_files(tmp_path, 3)
    second.unlink()
    async with client_of(emulator, journal) as client:
        session = await begun(emulator, client, first, 3)
        first.rename(second)
        assert await begun(emulator, client, second, 5) == session
        first.write_bytes(DATA)
        results = [
            await client.multipart_upload.upload_file(path) for path in (third, first, second)
        ]
    assert [result.resumed_chunks for result in results] == [0, 0, 4]
    assert results[2].upload_id == session
    await check(emulator, *results)


@pytest.mark.parametrize("size", [CHUNKS * CHUNK_SIZE, 5])
async def test_a_file_that_was_moved_goes_on_although_another_took_its_place(
    emulator: Emulator, journal: Journal, tmp_path: Path, size: int
) -> None:
    """The noted path leads to a file, but not to that of the entry."""
    first, second = equal_files(tmp_path, 2)
    second.unlink()
    async with client_of(emulator, journal) as client:
        session = await begun(emulator, client, first, 3)
        first.rename(second)
        first.write_bytes(bytes(size))
        result = await client.multipart_upload.upload_file(second)
    assert result.upload_id == session


@pytest.mark.parametrize("link", ["hard", "symbolic", "roundabout"])
async def test_a_link_is_the_same_file(
    emulator: Emulator, journal: Journal, tmp_path: Path, link: str
) -> None:
    """It goes on with what was begun under the other name, and at once they are one upload."""
    first, second = equal_files(tmp_path, 2)
    second.unlink()
    if link == "hard":
        second.hardlink_to(first)
    elif link == "symbolic":
        second.symlink_to(first)
    else:
        second = first.parent / ".." / first.parent.name / first.name
    async with client_of(emulator, journal) as client:
        session = await begun(emulator, client, first, 3)
        assert await begun(emulator, client, second, 5) == session
        calls = [
            client.multipart_upload.upload_file(path, if_busy="wait") for path in (first, second)
        ]
        one, other = await asyncio.gather(*calls)
    assert one.asset_id == other.asset_id
    assert emulator.count("create") == 1


async def test_the_same_file_at_once_is_one_upload(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """Also over what an equal file has left, and while the path is not noted yet."""
    first, second = equal_files(tmp_path, 2)
    async with client_of(emulator, journal) as client:
        old = await client.multipart_upload.upload_file(first)
        calls = [client.multipart_upload.upload_file(second, if_busy="wait") for _ in range(4)]
        results = await asyncio.gather(*calls)
    (made,) = {result.asset_id for result in results}
    assert made != old.asset_id
    assert emulator.count("create") == 2


async def test_a_name_of_the_callers_is_one_upload_whatever_the_path(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """The caller says that it is the same."""
    first, second = equal_files(tmp_path, 2)
    async with client_of(emulator, journal) as client:
        upload = client.multipart_upload.upload_file
        one = await upload(first, resume_key="job 7")
        assert (await upload(second, resume_key="job 7")).asset_id == one.asset_id


async def test_bytes_are_found_by_their_content(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """They have no path: what was begun with them a file goes on with, and the other way round."""
    (path,) = equal_files(tmp_path, 1)
    async with client_of(emulator, journal) as client:
        for content, chunk in ((("video.mp4", DATA), 3), (path, 5), (("video.mp4", DATA), 7)):
            emulator.faults.add(Fault(route="put", chunk_index=chunk, action=REFUSAL))
            with pytest.raises(UploadError):
                await client.upload(content, multipart_above=0, max_workers=1)
        result = await client.multipart_upload.upload_file(path)
    assert (result.resumed_chunks, emulator.count("create")) == (6, 1)


async def test_results_that_are_kept_are_each_files_own(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """A second file does not get the first one's, nor hide it; forgetting one leaves the others."""
    paths = equal_files(tmp_path, 3)
    async with client_of(emulator, journal) as client:
        uploads = client.multipart_upload
        first = [await uploads.upload_file(path, keep_result=True) for path in paths]
        await uploads.forget(first[0])
        again = [await uploads.upload_file(path, keep_result=True) for path in paths]
    same = [a.asset_id == b.asset_id for a, b in zip(first, again, strict=True)]
    assert same == [False, True, True]
    assert emulator.count("create") == 4


async def test_a_restart_leaves_the_equal_file_alone(
    emulator: Emulator, journal: Journal, tmp_path: Path
) -> None:
    """``resume=False`` forgets what is known of this file."""
    first, second = equal_files(tmp_path, 2)
    async with client_of(emulator, journal) as client:
        sessions = [await begun(emulator, client, path, 3) for path in (first, second)]
        other = await client.multipart_upload.upload_file(second, resume=False)
        result = await client.multipart_upload.upload_file(first)
    assert other.upload_id not in sessions
    assert result.upload_id == sessions[0]


async def test_an_entry_without_a_path_goes_on(emulator: Emulator, tmp_path: Path) -> None:
    """As they were written before paths were noted."""
    (path,) = equal_files(tmp_path, 1)
    journal = MemoryJournal()
    async with client_of(emulator, journal) as client:
        session = await begun(emulator, client, path, 3)
        (records,) = journal._records.values()
        head, _, tail = records[0].partition(b',"path":"')
        records[0] = head + b"}"
        assert tail
        assert (await client.multipart_upload.upload_file(path)).upload_id == session


async def test_a_path_that_is_no_text_is_noted_too(emulator: Emulator, tmp_path: Path) -> None:
    """As its bytes."""
    (other,) = equal_files(tmp_path, 1)
    path = other.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff%41.mp4"))
    (other,) = equal_files(path.with_name("0"), 1)
    async with client_of(emulator, FileJournal(tmp_path / "journal")) as client:
        upload = client.multipart_upload.upload_file
        options: dict[str, Any] = {"filename": "video.mp4", "max_workers": 1}
        for chunk in (3, 5):
            emulator.faults.add(Fault(route="put", chunk_index=chunk, action=REFUSAL))
            with pytest.raises(UploadError):
                await upload(path, **options)
        assert (await upload(other, **options)).resumed_chunks == 0
        assert (await upload(path, **options)).resumed_chunks == 4


# The command.


@posix
@pytest.mark.real_time
async def test_a_command_makes_an_asset_of_each_of_two_equal_files(
    shell: Shell, tmp_path: Path
) -> None:
    """Also when it was killed in the middle of both: each goes on in its own session."""
    paths = equal_files(tmp_path, 2)
    async with Emulator(chunk_size=CHUNK_SIZE) as emulator:
        stall = emulator.faults.add(Fault(route="put", chunk_index=4, action=Stall(), times=2))
        command: tuple[str | Path, ...] = ("upload", "--json", "--concurrency", "1", *paths)
        process = await shell.start_beside(emulator, *command)
        while stall.hits < 2:
            await asyncio.sleep(0)
        process.kill()
        await process.communicate()
        done = await ended(await shell.start_beside(emulator, *command))
        assert (done.code, done.err) == (0, "")
        assert len({result["asset_id"] for result in done.objects}) == 2
        assert [result["resumed_chunks"] for result in done.objects] == [3, 3]
        assert len(emulator.platform.uploads) == 2
