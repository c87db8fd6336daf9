"""Whether a complete upload answers a call is decided by who waited for it, never by a clock."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import AsyncTwelveLabs, FileJournal, Journal, UploadError, UploadResult
from twelvelabs_async._core import clock
from twelvelabs_async._upload.completions import Completions
from twelvelabs_async.emulator import Emulator, Fault, Stall, api_error, store_error

CHUNKS = 3
FINAL = api_error(403, "unauthorized", "No.")


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Return what sets this machine's wall clock ahead, or back."""

    def set_it(ahead: timedelta) -> None:
        monkeypatch.setattr(clock, "utcnow", lambda: utcnow() + ahead)

    return set_it


def client_of(emulator: Emulator, journal: Journal, most: int = 16) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=journal, max_concurrency=most
    )


async def stalled_upload(
    client: AsyncTwelveLabs, path: Path, stall: Fault
) -> asyncio.Task[UploadResult]:
    """Start an upload, and return it when the fault has hit it."""
    upload = asyncio.create_task(client.multipart_upload.upload_file(path))
    while not stall.hits:
        await asyncio.sleep(0.001)
    return upload


STEPS = [(0, -10), (120, 0), (0, 120), (-120, 0), (0, 0)]


@pytest.mark.parametrize(("first", "second"), STEPS)
async def test_a_clock_that_is_set_changes_nothing(
    emulator: Emulator,
    journal: Journal,
    make_file: MakeFile,
    set_clock: Callable[[timedelta], None],
    first: int,
    second: int,
) -> None:
    """The same file again is another asset, whatever the clock said (minutes) at either time."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        set_clock(timedelta(minutes=first))
        one = await client.multipart_upload.upload_file(path)
        set_clock(timedelta(minutes=second))
        other = await client.multipart_upload.upload_file(path)
    assert one.asset_id != other.asset_id
    assert (other.resumed_chunks, emulator.count("put")) == (0, 2 * CHUNKS)


@pytest.mark.parametrize(("first", "second"), STEPS)
async def test_whoever_waited_gets_the_asset_whatever_the_clock_says(
    emulator: Emulator,
    journal: Journal,
    make_file: MakeFile,
    set_clock: Callable[[timedelta], None],
    first: int,
    second: int,
) -> None:
    """The clock is set in the middle of the upload that is waited for."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    stall = emulator.faults.add(Fault(route="put", chunk_index=2, action=Stall("middle")))
    async with client_of(emulator, journal) as client, client_of(emulator, journal) as other:
        set_clock(timedelta(minutes=first))
        one = await stalled_upload(client, path, stall)
        two = asyncio.create_task(other.multipart_upload.upload_file(path, if_busy="wait"))
        await asyncio.sleep(1)
        set_clock(timedelta(minutes=second))
        assert (await one).asset_id == (await two).asset_id
    assert emulator.count("create") == 1


async def test_a_clock_that_is_a_month_ahead_costs_at_most_what_was_stored(
    emulator: Emulator,
    tmp_path: Path,
    make_file: MakeFile,
    set_clock: Callable[[timedelta], None],
) -> None:
    """An entry at which somebody is at work stays; one that nobody has may be purged as too old."""
    path, left = make_file(CHUNKS * CHUNK_SIZE), make_file(CHUNKS * CHUNK_SIZE + 1, "left.mp4")
    journal, other = FileJournal(tmp_path / "journal"), FileJournal(tmp_path / "journal")
    async with client_of(emulator, journal) as client, client_of(emulator, other) as second:
        emulator.faults.add(
            Fault(route="put", chunk_index=2, action=store_error(403, "AccessDenied", "No."))
        )
        with pytest.raises(UploadError):
            await client.multipart_upload.upload_file(left, max_workers=1)
        stall = emulator.faults.add(Fault(route="put", chunk_index=2, action=Stall("middle")))
        one = await stalled_upload(client, path, stall)
        set_clock(datetime.now(UTC) - utcnow() + timedelta(days=31))
        await second.multipart_upload.upload_file(make_file(1, "new.mp4"))
        set_clock(timedelta())
        assert (await one).asset_url
        anew = await client.multipart_upload.upload_file(left)
    assert anew.resumed_chunks == 0
    assert emulator.count("create") == 4


@pytest.mark.parametrize("if_busy", ["raise", "wait"])
async def test_a_call_that_waits_to_be_admitted_has_asked_already(
    emulator: Emulator,
    journal: Journal,
    make_file: MakeFile,
    set_clock: Callable[[timedelta], None],
    if_busy: Literal["raise", "wait"],
) -> None:
    """It gets the lease without waiting, and the asset of those that were admitted before it."""
    path, other = make_file(CHUNKS * CHUNK_SIZE), make_file((CHUNKS + 1) * CHUNK_SIZE, "other.mp4")
    set_clock(timedelta(hours=-5))
    emulator.faults.add(Fault(route="put", chunk_index=CHUNKS + 1, action=Stall("middle")))
    async with client_of(emulator, journal, most=1) as client:  # admits two
        upload = client.multipart_upload.upload_file
        first, _, last = await asyncio.gather(
            upload(path), upload(other), upload(path, if_busy=if_busy)
        )
        assert first.asset_id == last.asset_id
        assert (await upload(path)).asset_id != first.asset_id
    assert emulator.count("create") == 3


async def test_nobody_takes_an_old_asset_for_what_a_failed_call_has_made(
    emulator: Emulator, journal: Journal, make_file: MakeFile
) -> None:
    """The first upload is over; a second one fails before its session, and a third had waited."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, journal) as client:
        upload = client.multipart_upload.upload_file
        old = await upload(path)
        emulator.faults.add(Fault(route="create", action=FINAL))
        calls = (upload(path, if_busy="wait") for _ in range(2))
        results = await asyncio.gather(*calls, return_exceptions=True)
    (made,) = [result for result in results if isinstance(result, UploadResult)]
    (failure,) = [result for result in results if isinstance(result, UploadError)]
    assert "403" in str(failure)
    assert made.asset_id != old.asset_id


def test_completions_are_forgotten_when_no_call_can_ask() -> None:
    """What is known is bounded by what is under way."""
    completions = Completions()
    first, second = completions.begin(), completions.begin()
    completions.note("a")
    third = completions.begin()
    completions.note("b")
    assert [completions.since(n, "a") for n in (first, second, third)] == [True, True, False]
    assert completions.since(third, "b")
    completions.end(first)
    assert completions.since(second, "a")
    completions.end(second)
    assert not completions.since(third, "a")
    assert list(completions._ended) == ["b"]
    completions.end(third)
    assert not completions._ended
