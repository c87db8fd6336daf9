"""The lease on an entry: had by one at a time, renewed, lost with an error, and given back."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from attrs import Factory, define
from support.virtual_time import VirtualTimeLoop
from support.virtual_uvloop import VirtualUvloop

from twelvelabs_async._core import clock
from twelvelabs_async._upload.resume.lease import (
    FIRST_PAUSE,
    LEASE_SECONDS,
    LONGEST_PAUSE,
    RELEASE_SECONDS,
    RENEWAL,
    Lease,
    Waiting,
    hold_lease,
    this_process,
)
from twelvelabs_async.errors import (
    JournalError,
    JournalLostError,
    TwelveLabsError,
    UploadInProgressError,
)
from twelvelabs_async.journal import FileJournal, Journal, MemoryJournal


@define(eq=False)
class Store(MemoryJournal):
    """A journal in memory that counts what is asked of it, and can be away."""

    asked: list[str] = Factory(list[str])
    failing: set[str] = Factory(set[str])
    hanging: set[str] = Factory(set[str])

    async def _ask(self, method: str) -> None:
        self.asked.append(method)
        await clock.sleep(0)
        if method in self.failing:
            raise JournalError("the store is away")
        if method in self.hanging:
            await asyncio.Event().wait()

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        holder = await super().acquire(key, owner, seconds)
        await self._ask("acquire")
        return holder

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        await self._ask("renew")
        return await super().renew(key, owner, seconds)

    async def release(self, key: str, owner: str) -> None:
        await self._ask("release")
        await super().release(key, owner)

    def holder(self) -> str | None:
        """Who has the entry that these tests are about."""
        return self._holder("key")

    def take_away(self) -> None:
        """Give the lease to somebody else, as happens to an owner who was stopped for long."""
        self._leases.clear()
        asyncio.ensure_future(MemoryJournal.acquire(self, "key", "thief", math.inf))  # noqa: RUF006


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    """Yield a store; whatever happens in a test, nobody may have the lease for ever."""
    running = Store()
    yield running
    assert running.holder() in {None, "thief"}


async def test_records_are_written_under_the_lease(journal: Journal) -> None:
    """What one holder wrote the next one reads, and may forget."""
    async with hold_lease(journal, "key") as lease:
        await lease.append(b"1")
        await lease.append(b"2")
    async with hold_lease(journal, "key") as lease:
        assert tuple(await lease.read()) == (b"1", b"2")
        await lease.clear()
        assert tuple(await lease.read()) == ()


async def test_who_comes_second_is_told_at_once_who_was_first(journal: Journal) -> None:
    """The error names the entry and the process that has it; no time passes."""
    async with hold_lease(journal, "key"):
        with pytest.raises(UploadInProgressError) as caught:
            async with hold_lease(journal, "key"):
                pytest.fail("two hold it")
    assert caught.value.key == "key"
    assert caught.value.holder.startswith(this_process())
    assert (
        str(caught.value)
        == f"{caught.value.holder} is at work on the same upload (if_busy='wait' waits)"
    )
    assert isinstance(caught.value, TwelveLabsError)
    assert clock.monotonic() == 0


async def test_a_lease_is_one_request_and_its_end_another(store: Store) -> None:
    """A short block renews nothing."""
    async with hold_lease(store, "key", waiting=Waiting("key")) as lease:
        assert store.holder() == lease.owner
    assert store.asked == ["acquire", "release"]


async def test_two_of_the_same_name_are_two_owners(store: Store) -> None:
    """Two tasks of one process exclude each other, though both would be called the same."""
    async with hold_lease(store, "key", "me"):
        with pytest.raises(UploadInProgressError, match=r"^me#"):
            async with hold_lease(store, "key", "me"):
                pytest.fail("two hold it")


async def work(journal: Journal, seconds: float = 0, wait: float = 0) -> Lease:
    """Hold the lease for some seconds."""
    async with hold_lease(journal, "key", waiting=Waiting("key", wait)) as lease:
        await clock.sleep(seconds)
    return lease


@pytest.mark.parametrize("wait", [100, math.inf])
async def test_who_waits_has_it_next(journal: Journal, wait: float) -> None:
    """The pauses grow, and are never long."""
    first = asyncio.create_task(work(journal, 90.0))
    await clock.sleep(1)
    await work(journal, wait=wait)
    await first
    assert 90 <= clock.monotonic() <= 90 + LONGEST_PAUSE + 1


def waits(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return what the library logged, with its level."""
    ours = [each for each in caplog.records if each.name == "twelvelabs_async"]
    return [(each.levelno, each.getMessage()) for each in ours]


@pytest.mark.parametrize("names", [["host:7#12ab34cd"], ["", "host:7#12ab34cd"], ["host:7"]])
async def test_a_wait_is_logged_once_with_who_has_the_entry(
    names: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """At once, without the owner's random part; a name that is not there yet is looked for again.

    However long the wait is, it is one warning.
    """

    class Busy(MemoryJournal):
        async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
            if clock.monotonic() > 600:
                return await super().acquire(key, owner, seconds)
            return names.pop(0) if len(names) > 1 else names[0]

    holding = asyncio.create_task(_hold_labelled(Busy()))
    await clock.sleep(2 * FIRST_PAUSE)
    at_once = waits(caplog)
    await holding
    text = (
        "clip.mp4 is already being uploaded by host:7: waiting for that to end "
        "(if_busy='raise' does not wait)"
    )
    assert waits(caplog) == at_once == [(logging.WARNING, text)]


async def _hold_labelled(journal: Journal) -> None:
    async with hold_lease(journal, "key", waiting=Waiting("clip.mp4", math.inf)):
        pass


async def test_a_holder_without_a_name_is_another_process(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is made up; who does not wait is not said to."""
    await MemoryJournal.acquire(store, "key", "", 3)
    with pytest.raises(UploadInProgressError):
        await work(store)
    assert waits(caplog) == []
    await work(store, wait=10)
    ((level, text),) = waits(caplog)
    assert level == logging.WARNING
    assert text.startswith("key is already being uploaded by another process: ")


async def test_a_wait_for_another_task_of_this_process_is_no_warning(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """Its user knows of it; who looks for it finds it."""
    caplog.set_level(logging.INFO)
    first = asyncio.create_task(work(journal, 5))
    await clock.sleep(1)
    await work(journal, wait=10)
    await first
    ((level, text),) = waits(caplog)
    assert level == logging.INFO
    assert f"by {this_process()}: waiting" in text


async def test_waiting_asks_seldom(store: Store) -> None:
    """Ten minutes of waiting cost some hundred questions of the store, not thousands."""
    first = asyncio.create_task(work(store, 600.0))
    await clock.sleep(1)
    await work(store, wait=math.inf)
    await first
    assert 100 < store.asked.count("acquire") < 500


async def test_waiting_ends(store: Store) -> None:
    """After the seconds that were given it is the same error as without waiting."""
    first = asyncio.create_task(work(store, 90.0))
    await clock.sleep(1)
    with pytest.raises(UploadInProgressError):
        await work(store, wait=30)
    assert clock.monotonic() == pytest.approx(31)
    await first


async def test_many_who_wait_all_get_their_turn(journal: Journal) -> None:
    """Never two at once."""
    inside, most = 0, 0

    async def one() -> None:
        nonlocal inside, most
        async with hold_lease(journal, "key", waiting=Waiting("key", math.inf)):
            inside += 1
            most = max(most, inside)
            await clock.sleep(1)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(10)))
    assert most == 1


async def test_the_lease_is_renewed_as_long_as_the_block_lasts(store: Store) -> None:
    """Several times within each lease, so nobody else gets it in the middle of an hour's work."""
    holding = asyncio.create_task(work(store, 3601.0))
    await clock.sleep(3600.5)
    assert store.holder() not in {None, "thief"}
    await holding
    assert store.asked.count("renew") == 3600 / (LEASE_SECONDS * RENEWAL)


async def test_a_lost_lease_ends_the_block_with_an_error_that_says_so(store: Store) -> None:
    """The block is cancelled where it stands; outside it is no cancellation."""
    asyncio.get_running_loop().call_later(1, store.take_away)
    with pytest.raises(JournalLostError, match="has lost 'key'"):
        await work(store, 1000.0)
    assert clock.monotonic() == pytest.approx(LEASE_SECONDS * RENEWAL)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert store.holder() == "thief"


async def test_a_store_that_is_away_for_a_while_costs_nothing(store: Store) -> None:
    """Renewing is tried again as long as the lease lasts."""
    holding = asyncio.create_task(work(store, 400.0))
    await clock.sleep(300.5)
    store.failing = {"renew"}
    await clock.sleep(LEASE_SECONDS * RENEWAL * 2)
    store.failing = set()
    await holding
    assert store.asked.count("renew") == 400 // (LEASE_SECONDS * RENEWAL)


@pytest.mark.parametrize("away", ["failing", "hanging"])
async def test_a_store_that_stays_away_ends_the_block_with_the_lease(
    store: Store, away: str
) -> None:
    """Not before it may have run out, and not long after; the cause is chained."""
    getattr(store, away).add("renew")
    with pytest.raises(JournalLostError) as caught:
        await work(store, 1000.0)
    assert isinstance(caught.value.__cause__, JournalError | TimeoutError)
    assert LEASE_SECONDS <= clock.monotonic() <= LEASE_SECONDS + 1
    await clock.sleep(LEASE_SECONDS)


async def test_a_process_that_slept_goes_on_if_nobody_came(tmp_path: Path) -> None:
    """The store is asked once more, however long ago the lease should have been renewed."""
    working = asyncio.create_task(work(FileJournal(tmp_path), 4000.0))
    await clock.sleep(1)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop | VirtualUvloop)
    loop.jump(3600)
    await working


async def test_a_cancellation_passes_and_gives_the_lease_back(store: Store) -> None:
    """Even where more cancellations come while it is given back."""
    task = asyncio.create_task(work(store, 1000.0))
    await clock.sleep(1)
    while not task.done():
        task.cancel()
        await clock.sleep(0)
    assert task.cancelled()
    assert store.holder() is None
    assert store.asked == ["acquire", "release"]


async def test_who_is_cancelled_while_it_acquires_has_nothing(store: Store) -> None:
    """The store may have given the lease before the answer was lost."""
    task = asyncio.create_task(work(store))
    await asyncio.sleep(0)
    assert store.holder() is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.holder() is None


@pytest.mark.parametrize("error", [ValueError("its own"), TimeoutError("its own")])
async def test_an_error_of_the_block_passes_as_it_is(store: Store, error: Exception) -> None:
    """No error of the block is taken for one of the lease."""
    with pytest.raises(type(error), match="its own") as caught:
        async with hold_lease(store, "key"):
            raise error
    assert caught.value is error
    assert store.holder() is None


@pytest.mark.parametrize("away", ["failing", "hanging"])
async def test_a_lease_that_cannot_be_given_back_harms_nothing(
    store: Store, away: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What the block did is done; the log tells, and the lease runs out."""
    getattr(store, away).add("release")
    with caplog.at_level(logging.WARNING, "twelvelabs_async"):
        await work(store)
    (record,) = caplog.records
    assert record.getMessage().startswith("the lease on 'key' was not given back: ")
    assert clock.monotonic() <= RELEASE_SECONDS
    await clock.sleep(LEASE_SECONDS)


async def test_a_store_that_hangs_holds_up_nobody_for_long(store: Store) -> None:
    """A cancelled upload ends within seconds, and so does one whose work is done."""
    store.hanging = {"release"}

    async def upload(*, ends: bool) -> None:
        async with hold_lease(store, "key"):
            if not ends:
                await asyncio.Event().wait()

    await upload(ends=True)
    assert clock.monotonic() == RELEASE_SECONDS
    await clock.sleep(LEASE_SECONDS)
    began = clock.monotonic()
    with pytest.raises(TimeoutError):
        async with clock.timeout(1):
            await upload(ends=False)
    assert clock.monotonic() == began + 1 + RELEASE_SECONDS
    await clock.sleep(LEASE_SECONDS)


async def test_a_store_that_never_answers_is_not_waited_for_longer_than_a_lease_lasts(
    store: Store,
) -> None:
    """Nothing was begun; another attempt may find it back."""
    store.hanging = {"acquire", "release"}
    with pytest.raises(JournalError, match="the journal has not answered for 60 s") as caught:
        await work(store)
    assert caught.value.retryable
    assert clock.monotonic() == LEASE_SECONDS + RELEASE_SECONDS
    await clock.sleep(LEASE_SECONDS)


async def test_a_store_that_is_away_from_the_start_is_told(store: Store) -> None:
    """Its error passes, and nothing is begun."""
    store.failing = {"acquire"}
    with pytest.raises(JournalError, match="the store is away"):
        await work(store)
