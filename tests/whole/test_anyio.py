"""Cancelled by a scope of anyio, again and again: cleanup is not cut short, and does not spin."""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import Factory, define
from support.files import CHUNK_SIZE, MakeFile
from support.leaks import is_open

from twelvelabs_async import AsyncTwelveLabs, FileJournal, UploadProgress
from twelvelabs_async._core.tasks import cancelled_once, end_all, uninterrupted
from twelvelabs_async._upload.source.disk_reads import Descriptor, read_positioned
from twelvelabs_async._upload.source.file import open_source
from twelvelabs_async.emulator import Emulator, Fault, Stall

MANY = 2000
"""Turns of the loop that only a task that spins takes."""

FEW = 50
"""Turns of the loop that a cancellation may take."""

HOUR = 3600.0


@define(eq=False)
class TurnCounter:
    """Counts the turns of the running loop.

    Attributes:
        taken: How many there were so far.
        many: Set when there were so many that somebody spins.
    """

    taken: int = 0
    many: asyncio.Event = Factory(asyncio.Event)

    async def hour(self) -> None:
        """Take an hour of the virtual clock, which stands still while a task spins."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HOUR):
                await self.many.wait()


@pytest.fixture
async def turns() -> AsyncGenerator[TurnCounter]:
    """Yield the count of the running loop's turns."""
    loop: Any = asyncio.get_running_loop()
    turns, turn = TurnCounter(), loop._run_once

    def counted() -> None:
        turns.taken += 1
        if turns.taken == MANY:
            turns.many.set()
        turn()

    loop._run_once = counted
    yield turns
    del loop._run_once


def now() -> float:
    return asyncio.get_running_loop().time()


def task() -> "asyncio.Task[Any]":
    current = asyncio.current_task()
    assert current is not None
    return current


# Work that nothing may interrupt.


async def test_uninterrupted_work_ends_in_a_scope_that_is_over(turns: TurnCounter) -> None:
    """The loop sleeps meanwhile, and the scope has what it wanted."""
    with anyio.move_on_after(1) as scope:
        await uninterrupted(turns.hour())
        pytest.fail("the cancellation was lost")
    assert now() == pytest.approx(HOUR)
    assert turns.taken < FEW
    assert scope.cancelled_caught
    assert task().cancelling() == 0


async def test_tasks_are_ended_in_a_scope_that_is_over(turns: TurnCounter) -> None:
    """However long they take to tidy up."""

    async def tidy() -> None:
        try:
            await asyncio.sleep(2 * HOUR)
        finally:
            await turns.hour()

    ending = asyncio.create_task(tidy())
    with anyio.CancelScope() as scope:
        await asyncio.sleep(1)
        scope.cancel()
        await end_all([ending])
    assert ending.cancelled()
    assert now() == pytest.approx(HOUR + 1)
    assert turns.taken < FEW


async def test_cleanup_is_cancelled_once(turns: TurnCounter) -> None:
    """What a block awaits while it is left goes on; the task can still be cancelled by itself."""
    ended = False
    with anyio.move_on_after(1) as scope:
        try:
            await asyncio.sleep(HOUR)
        finally:
            with cancelled_once():
                await turns.hour()
                ended = True
    assert ended
    assert scope.cancelled_caught
    assert turns.taken < FEW

    async def clean_up() -> None:
        with anyio.move_on_after(1):
            try:
                await asyncio.sleep(HOUR)
            finally:
                with cancelled_once():
                    await asyncio.sleep(HOUR)

    cleaning = asyncio.create_task(clean_up())
    began = now()
    await asyncio.sleep(5)
    cleaning.cancel()
    await asyncio.wait({cleaning})
    assert now() == began + 5


@pytest.mark.parametrize("first", ["anyio", "asyncio", "both"])
@pytest.mark.parametrize("outer", ["anyio", "asyncio"])
async def test_a_timeout_and_a_scope_around_each_other_stay_what_they_are(
    outer: str, first: str, turns: TurnCounter
) -> None:
    """Whichever is outside, and whichever is over first, while work goes on to its end."""
    scope_at = {"anyio": 1, "asyncio": 2, "both": 1}[first]
    timeout_at = {"anyio": 2, "asyncio": 1, "both": 1}[first]
    work = asyncio.create_task(turns.hour())

    async def run() -> None:
        await uninterrupted(work)

    with suppress(TimeoutError):
        if outer == "anyio":
            with anyio.move_on_after(scope_at):
                async with asyncio.timeout(timeout_at):
                    await run()
        else:
            async with asyncio.timeout(timeout_at):
                with anyio.move_on_after(scope_at):
                    await run()
    assert work.done()
    assert turns.taken < FEW
    assert task().cancelling() == 0
    await asyncio.sleep(1)  # nothing is left that would cancel this


async def test_where_nobody_has_imported_anyio_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second cancellation cuts cleanup short, as ever."""
    monkeypatch.delitem(sys.modules, "anyio")

    async def clean_up() -> None:
        try:
            await asyncio.sleep(HOUR)
        finally:
            with cancelled_once():
                await asyncio.sleep(HOUR)

    cleaning = asyncio.create_task(clean_up())
    for _ in range(2):
        await asyncio.sleep(1)
        cleaning.cancel()
    await asyncio.wait({cleaning})
    assert now() == 2
    assert cleaning.cancelling() == 2


# Reads in threads.


async def test_a_cancelled_read_that_hangs_wakes_nobody(make_file: MakeFile) -> None:
    """While its thread reads, its task is not cancelled again; then the file is closed."""
    path = make_file(1000)
    reading, go_on = threading.Event(), threading.Event()

    def hang(file: Descriptor, view: memoryview, offset: int) -> int:
        reading.set()
        go_on.wait()
        return read_positioned(file, view, offset)

    host, scope = task(), anyio.CancelScope()

    async def watch() -> int:
        await asyncio.to_thread(reading.wait)
        scope.cancel()
        for _ in range(FEW):
            await asyncio.sleep(0)
        times = host.cancelling()
        go_on.set()
        return times

    watching = asyncio.create_task(watch())
    with scope:
        async with open_source(path, read=hang, inline=False) as source:
            await source.read_into(memoryview(bytearray(1000)), 0)
    assert scope.cancelled_caught
    assert await watching <= 2
    assert not is_open(path)


# Uploads.

Ending = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]


async def by_deadline(call: Callable[[], Awaitable[object]]) -> None:
    with anyio.move_on_after(30) as scope:
        await call()
    assert scope.cancelled_caught


async def by_fail_after(call: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(TimeoutError):
        with anyio.fail_after(30):
            await call()


async def by_task_group(call: Callable[[], Awaitable[object]]) -> None:
    async def run() -> None:
        await call()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await anyio.sleep(30)
        group.cancel_scope.cancel()


async def by_a_timeout_within(call: Callable[[], Awaitable[object]]) -> None:
    with anyio.CancelScope(), suppress(TimeoutError):
        async with asyncio.timeout(30):
            await call()


async def by_a_scope_within(call: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(HOUR):
        await by_deadline(call)


ENDINGS = [by_deadline, by_fail_after, by_task_group, by_a_timeout_within, by_a_scope_within]


@pytest.mark.parametrize("end", ENDINGS)
async def test_the_etags_in_hand_are_reported(
    end: Ending, emulator: Emulator, make_file: MakeFile, tmp_path: Path, turns: TurnCounter
) -> None:
    """The callback is ended, the lease is given back, and the same call goes on."""
    path = make_file(9 * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", after=5, action=Stall("after"), times=2))
    callbacks = list[str]()

    async def tell(progress: UploadProgress) -> None:
        try:
            await asyncio.sleep(HOUR)
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)
            callbacks.append("tidied up")
            raise

    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=FileJournal(tmp_path / "journal")
    ) as client:
        upload = client.multipart_upload.upload_file
        await end(lambda: upload(path, batch_size=100, max_workers=2, progress_callback=tell))
        assert callbacks == ["tidied up"]
        assert task().cancelling() == 0
        assert not is_open(path)
        (session,) = [s async for s in await client.multipart_upload.list_incomplete_uploads()]
        status = await client.multipart_upload.get_status(session.upload_id)
        assert status.chunks_completed == 5
        result = await upload(path)
        assert result.resumed_chunks == 5


async def test_a_platform_that_is_silent_delays_a_scope_by_five_seconds(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, turns: TurnCounter
) -> None:
    """The bound of the rescue holds, and nobody spins meanwhile."""
    emulator.faults.add(Fault(route="report", action=Stall("before"), times=None))
    emulator.faults.add(Fault(route="put", chunk_index=3, action=Stall("after")))
    with anyio.move_on_after(30) as scope:
        await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))
    assert scope.cancelled_caught
    assert 35 <= now() < 36
    assert turns.taken < MANY


async def test_a_client_is_closed_in_a_scope_that_is_over(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Its connections are gone, and its uploads have ended, when the scope is left."""
    emulator.faults.add(Fault(route="put", chunk_index=3, action=Stall("after")))
    others = list[asyncio.Task[Any]]()
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    with anyio.move_on_after(30):
        async with client:
            upload = client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))
            others.append(asyncio.create_task(upload))
            await asyncio.sleep(HOUR)
    opened: Any = client._runtime.sessions._opened
    assert opened.connectors.platform.closed
    assert client._runtime.sessions._under_way == {}
    await asyncio.wait(others)
