"""What the threads for disks promise: no call keeps another file waiting, none is ever lost."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import aiofiles
import pytest
from attrs import Factory, define

from twelvelabs_async._core.threads import LANE_THREADS, MOST_THREADS, NAME, SHARED_THREADS, Threads

REAL_SECONDS = 10.0
"""How long a thread of these tests may take for what it does at once."""


@define
class HangingCall:
    """A call that hangs, as a read of a dead disk does, until the test opens the gate."""

    entered: threading.Semaphore = Factory(lambda: threading.Semaphore(0))
    opened: threading.Event = Factory(threading.Event)

    def __call__(self) -> str:
        self.entered.release()
        assert self.opened.wait(REAL_SECONDS)
        return "done"

    def wait_entered(self, times: int = 1) -> None:
        """Wait until ``times`` more calls hang."""
        for _ in range(times):
            assert self.entered.acquire(timeout=REAL_SECONDS)

    @property
    def waiting_to_enter(self) -> bool:
        """Whether a call has come that nobody has waited for."""
        return self.entered.acquire(blocking=False)


def alive() -> int:
    """Return how many threads of ours there are."""
    return sum(thread.name == NAME for thread in threading.enumerate())


def join_all() -> None:
    """Wait until no thread of ours is left."""
    for thread in threading.enumerate():
        if thread.name == NAME:
            thread.join(REAL_SECONDS)
            assert not thread.is_alive()


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Yield threads that end with the test."""
    threads = Threads()
    yield threads
    threads.close()
    join_all()


@pytest.fixture
def gate() -> Iterator[HangingCall]:
    """Yield a gate that is open in the end, whatever happens."""
    gate = HangingCall()
    yield gate
    gate.opened.set()


def here(future: Future[Any]) -> Any:
    """Return what a call comes to."""
    return future.result(REAL_SECONDS)


def fail() -> None:
    """Fail as a disk does."""
    raise OSError(5, "Input/output error")


def test_a_call_returns_its_value_or_raises(threads: Threads) -> None:
    """As every executor's."""
    lane = threads.lane()
    assert here(lane.submit(max, 1, 2)) == 2
    with pytest.raises(OSError, match="Input/output"):
        here(lane.submit(fail))


def test_calls_one_after_the_other_have_one_thread(threads: Threads) -> None:
    """An idle thread is used again, also by another file."""
    idents = {here(threads.lane().submit(threading.get_ident)) for _ in range(20)}
    assert len(idents) == alive() == 1


def test_a_lane_has_few_threads(threads: Threads, gate: HangingCall) -> None:
    """A file whose disk hangs takes no more, however many calls wait."""
    lane = threads.lane()
    calls = [lane.submit(gate) for _ in range(3 * LANE_THREADS)]
    gate.wait_entered(LANE_THREADS)
    assert alive() == LANE_THREADS
    assert not gate.waiting_to_enter
    gate.opened.set()
    assert [here(call) for call in calls] == ["done"] * len(calls)


def test_disks_that_hang_keep_no_other_file_waiting(threads: Threads, gate: HangingCall) -> None:
    """Each file has a thread, whatever the others take."""
    hung = [threads.lane() for _ in range(10)]
    calls = [lane.submit(gate) for lane in hung for _ in range(10)]
    gate.wait_entered(10)
    healthy = threads.lane()
    for _ in range(100):
        assert here(healthy.submit(max, 1, 2)) == 2
    assert alive() <= 2 * SHARED_THREADS + len(hung) + 1
    gate.opened.set()
    assert {here(call) for call in calls} == {"done"}


def test_however_many_files_hang_the_threads_are_bounded(
    threads: Threads, gate: HangingCall
) -> None:
    """What is over the bound waits until a call returns, and then all of it is made."""
    calls = [threads.lane().submit(gate) for _ in range(3 * MOST_THREADS)]
    gate.wait_entered(MOST_THREADS)
    assert alive() <= MOST_THREADS + 1
    gate.opened.set()
    assert {here(call) for call in calls} == {"done"}
    assert alive() <= MOST_THREADS + 1


def test_an_abandoned_call_gives_its_place_to_another(
    threads: Threads, gate: HangingCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread is left behind, and no thread that others need."""
    monkeypatch.setattr("twelvelabs_async._core.threads.SLOW_SECONDS", REAL_SECONDS)
    lanes = [threads.lane(), threads.lane()]
    hung = [lane.submit(gate) for lane in lanes for _ in range(SHARED_THREADS // 2)]
    gate.wait_entered(SHARED_THREADS)
    healthy, second = threads.lane(), HangingCall()
    calls = [healthy.submit(second) for _ in range(2)]
    assert not second.waiting_to_enter  # they wait: so many are busy
    for call in hung:
        assert not call.cancel()
    second.wait_entered(2)
    second.opened.set()
    assert [here(call) for call in calls] == ["done", "done"]


def test_a_call_that_waits_can_be_cancelled(threads: Threads, gate: HangingCall) -> None:
    """It is never made."""
    lane = threads.lane()
    calls = [lane.submit(gate) for _ in range(LANE_THREADS + 1)]
    gate.wait_entered(LANE_THREADS)
    assert calls[-1].cancel()
    gate.opened.set()
    assert [here(call) for call in calls[:-1]] == ["done"] * LANE_THREADS
    assert here(lane.submit(max, 1, 2)) == 2
    assert not gate.waiting_to_enter


@pytest.mark.parametrize("abandoned", [False, True])
def test_the_last_call_waits_for_all_others(
    threads: Threads, gate: HangingCall, *, abandoned: bool
) -> None:
    """A descriptor is not closed under a read, not even under one that nobody waits for."""
    lane, closed = threads.lane(), HangingCall()
    reads = [lane.submit(gate) for _ in range(LANE_THREADS)]
    gate.wait_entered(LANE_THREADS)
    if abandoned:
        for read in reads:
            read.cancel()
    last = lane.last.submit(closed)
    assert here(threads.lane().submit(max, 1, 2)) == 2
    assert not closed.waiting_to_enter
    gate.opened.set()
    closed.wait_entered()
    closed.opened.set()
    assert here(last) == "done"


async def hang(lane: Any, call: Callable[[], Any], gate: HangingCall) -> "asyncio.Future[Any]":
    """Make a call in a lane as asyncio does, and return when it hangs."""
    future = asyncio.get_running_loop().run_in_executor(lane, call)
    await asyncio.to_thread(gate.wait_entered)
    return future


async def test_what_an_abandoned_call_opens_is_closed(threads: Threads, gate: HangingCall) -> None:
    """A file that opens at last, for an upload that has gone, is not left open."""
    reader, writer = os.pipe()

    def opened() -> Any:
        gate()
        return os.fdopen(reader, "rb", buffering=0)

    lane = threads.lane()
    opening = await hang(lane, opened, gate)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    gate.opened.set()
    await lane.leave()
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"nobody reads it")
    os.close(writer)


async def test_what_is_opened_in_the_moment_of_a_cancellation_is_closed(threads: Threads) -> None:
    """The call has returned, and its caller is cancelled before it is told."""
    reader, writer = os.pipe()
    lane = threads.lane()
    done = threading.Event()

    def opened() -> Any:
        return os.fdopen(reader, "rb", buffering=0)

    future = lane.submit(opened)
    future.add_done_callback(lambda _: done.set())
    opening = asyncio.wrap_future(future)
    assert done.wait(REAL_SECONDS)  # and the event loop has not had its turn yet
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await lane.leave()
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"nobody reads it")
    os.close(writer)


async def test_aiofiles_uses_a_lane(threads: Threads, tmp_path: Any) -> None:
    """Every step of it."""
    (tmp_path / "file").write_bytes(b"content")
    lane = threads.lane()
    async with aiofiles.open(tmp_path / "file", "rb", executor=lane) as file:
        assert await file.read() == b"content"
    assert alive() == 1


def test_close_ends_idle_threads_now_and_others_later(gate: HangingCall) -> None:
    """A thread that hangs stays behind until its call returns."""
    threads = Threads()
    lane = threads.lane()
    here(lane.submit(max, 1, 2))
    hung = threads.lane().submit(gate)
    gate.wait_entered()
    here(lane.submit(max, 1, 2))
    threads.close()
    gate.opened.set()
    assert here(hung) == "done"
    join_all()
    assert here(lane.submit(max, 1, 2)) == 2  # such as the close of a file that was left behind
    join_all()


def test_an_idle_thread_ends_by_itself(threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is not closed keeps none."""
    monkeypatch.setattr("twelvelabs_async._core.threads.IDLE_SECONDS", 0.0)
    assert here(threads.lane().submit(max, 1, 2)) == 2
    join_all()
    assert here(threads.lane().submit(max, 1, 2)) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(threads: Threads, gate: HangingCall) -> None:
    """Those of its parent have stayed there, with the calls that they are making."""
    lane = threads.lane()
    here(lane.submit(max, 1, 2))
    for _ in range(LANE_THREADS):
        lane.submit(gate)
    gate.wait_entered(LANE_THREADS)
    child = os.fork()
    if not child:
        os._exit(0 if lane.submit(max, 1, 2).result(REAL_SECONDS) == 2 else 1)
    assert os.waitpid(child, 0) == (child, 0)


def test_many_fast_calls_at_once_have_few_threads(threads: Threads) -> None:
    """As those about many small files; one more thread looks whether a call is slow."""
    calls = [threads.lane().submit(max, 1, 2) for _ in range(500)]
    assert {here(call) for call in calls} == {2}
    assert alive() <= SHARED_THREADS + 1
