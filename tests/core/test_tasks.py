"""Work that ends together, and work that nothing may interrupt."""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twelvelabs_async._core.tasks import end_all, run_all, uninterrupted

FOREVER = 1e6
"""Virtual seconds that nobody waits for."""


class FirstError(Exception):
    """What fails first."""


class SecondError(Exception):
    """What fails later, or at the same time."""


class Worker:
    """Works, and tells how it ended."""

    def __init__(self) -> None:
        self.ended = ""

    async def work(
        self, seconds: float = 0.0, error: Exception | None = None, tidying: float = 0.0
    ) -> None:
        """Work for ``seconds``, then fail with ``error``; cancelled, tidy up first."""
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            await asyncio.sleep(tidying)
            self.ended = "cancelled"
            raise
        if error is not None:
            self.ended = "failed"
            raise error
        self.ended = "done"


@pytest.fixture(autouse=True, params=["anyio was imported", "anyio was not imported"])
def anyio_or_not(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make no difference to what asyncio cancels."""
    assert "anyio" in sys.modules  # its plugin for pytest is
    if request.param == "anyio was not imported":
        monkeypatch.delitem(sys.modules, "anyio")


@pytest.fixture
def complaints() -> list[dict[str, Any]]:
    """Return what the running loop complains of; ask ``heard`` for it."""
    return []


async def heard(complaints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return complaints after everything that could complain was collected."""
    gc.collect()
    await asyncio.sleep(0)
    return complaints


def listen(complaints: list[dict[str, Any]]) -> None:
    """Have the running loop complain to a list."""
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))


def alone() -> bool:
    """Whether no other task is left."""
    return asyncio.all_tasks() == {asyncio.current_task()}


async def cancel_after(seconds: float, work: Callable[[], Awaitable[object]]) -> asyncio.Task[Any]:
    """Run ``work`` as a task, cancel it after ``seconds``, and return it when it has ended."""

    async def run() -> object:
        return await work()

    task = asyncio.create_task(run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait({task})
    return task


# uninterrupted


async def test_uninterrupted_work_gives_its_result() -> None:
    """Without a cancellation it is an ordinary call."""

    async def answer() -> int:
        await asyncio.sleep(1)
        return 42

    assert await uninterrupted(answer()) == 42


async def test_uninterrupted_work_fails_with_its_own_exception() -> None:
    """Without a cancellation it is an ordinary call."""
    with pytest.raises(FirstError):
        await uninterrupted(Worker().work(1, FirstError()))


async def test_a_cancellation_is_raised_after_uninterrupted_work() -> None:
    """The work runs to its end first, however often it is cancelled."""
    worker = Worker()

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        for seconds in (1, 2, 3):
            asyncio.get_running_loop().call_later(seconds, task.cancel)
        await uninterrupted(worker.work(5))

    task = await cancel_after(0.5, work)
    assert task.cancelled()
    assert task.cancelling() == 4
    assert worker.ended == "done"
    assert asyncio.get_running_loop().time() == pytest.approx(5.0)
    assert alone()


async def test_a_cancellation_hides_the_failure_of_uninterrupted_work(
    complaints: list[dict[str, Any]],
) -> None:
    """Who was cancelled hears of nothing else, and the loop does not complain."""
    listen(complaints)
    task = await cancel_after(1, lambda: uninterrupted(Worker().work(2, FirstError())))
    assert task.cancelled()
    assert await heard(complaints) == []


async def test_a_task_may_go_on_after_a_cancellation_that_it_has_caught() -> None:
    """``uncancel`` brings the count back to 0: uninterrupted work did not add to it."""

    async def work() -> int:
        task = asyncio.current_task()
        assert task is not None
        with pytest.raises(asyncio.CancelledError):
            await uninterrupted(Worker().work(2))
        return task.uncancel()

    task = await cancel_after(1, work)
    assert task.result() == 0


# run_all


async def test_all_works_run_side_by_side() -> None:
    """Three works of a second take a second."""
    workers = [Worker() for _ in range(3)]
    await run_all(worker.work(1) for worker in workers)
    assert [worker.ended for worker in workers] == ["done"] * 3
    assert asyncio.get_running_loop().time() == pytest.approx(1.0)
    assert alone()


async def test_the_first_failure_is_raised_alone_after_the_others_have_ended() -> None:
    """The very exception, in no group; the others were cancelled and had time to tidy up."""
    error, others = FirstError(), [Worker(), Worker()]
    works = [
        others[0].work(FOREVER, tidying=3),
        Worker().work(1, error),
        others[1].work(FOREVER),
    ]
    with pytest.raises(FirstError) as caught:
        await run_all(works)
    assert caught.value is error
    assert [worker.ended for worker in others] == ["cancelled"] * 2
    assert asyncio.get_running_loop().time() == pytest.approx(4.0)
    assert alone()


async def test_a_failure_while_others_end_is_not_told(complaints: list[dict[str, Any]]) -> None:
    """One exception is enough; the loop does not complain of the second one either."""
    listen(complaints)

    async def fail_late() -> None:
        try:
            await asyncio.sleep(FOREVER)
        finally:
            raise SecondError

    with pytest.raises(FirstError):
        await run_all([fail_late(), Worker().work(1, FirstError()), fail_late()])
    assert await heard(complaints) == []


async def test_of_two_failures_at_once_one_is_raised(complaints: list[dict[str, Any]]) -> None:
    """Either of them, never a group."""
    listen(complaints)
    with pytest.raises((FirstError, SecondError)):
        await run_all([Worker().work(1, FirstError()), Worker().work(1, SecondError())])
    assert await heard(complaints) == []


async def test_a_cancellation_ends_all_works() -> None:
    """They are cancelled, and have ended when it passes through."""
    workers = [Worker(), Worker()]
    task = await cancel_after(1, lambda: run_all(w.work(FOREVER, tidying=2) for w in workers))
    assert task.cancelled()
    assert task.cancelling() == 1
    assert [worker.ended for worker in workers] == ["cancelled"] * 2
    assert asyncio.get_running_loop().time() == pytest.approx(3.0)
    assert alone()


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_passes_through_a_failure_at_the_same_time(
    turns: int, complaints: list[dict[str, Any]]
) -> None:
    """Whichever comes first by a turn of the loop; a timeout or a task group depends on it."""
    listen(complaints)
    gate = asyncio.Event()

    async def fail() -> None:
        await gate.wait()
        raise FirstError

    task = asyncio.create_task(run_all([fail(), Worker().work(FOREVER), fail()]))
    await asyncio.sleep(1)
    gate.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    asked = task.cancel()
    await asyncio.wait({task})
    assert task.cancelled() == asked
    assert task.cancelling() == int(asked)
    assert asked or isinstance(task.exception(), FirstError)
    assert alone()
    assert await heard(complaints) == []


async def test_a_cancellation_while_works_end_passes_through(
    complaints: list[dict[str, Any]],
) -> None:
    """It neither cuts the tidying short nor is it lost, and the loop does not complain."""
    listen(complaints)
    tidy = Worker()

    async def fail_late() -> None:
        try:
            await asyncio.sleep(FOREVER)
        finally:
            raise SecondError

    works = [Worker().work(1, FirstError()), tidy.work(FOREVER, tidying=5), fail_late()]
    task = await cancel_after(3, lambda: run_all(works))
    assert task.cancelled()
    assert tidy.ended == "cancelled"
    assert asyncio.get_running_loop().time() == pytest.approx(6.0)
    assert alone()
    assert await heard(complaints) == []


async def test_a_timeout_around_works_is_a_timeout() -> None:
    """The count of cancellations is right afterwards: the task that ran them can go on."""
    task = asyncio.current_task()
    assert task is not None
    for seconds in (1.0, 2.0):  # at 2 s a work fails at the very moment
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await run_all([Worker().work(FOREVER), Worker().work(2.0, FirstError())])
        assert task.cancelling() == 0
    assert alone()


async def test_the_count_of_cancellations_is_untouched_by_a_failure() -> None:
    """Only who cancels counts."""
    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(FirstError):
        await run_all([Worker().work(1, FirstError()), Worker().work(FOREVER)])
    assert task.cancelling() == 0
    await asyncio.sleep(1)


async def test_a_work_that_is_cancelled_from_outside_is_not_taken_for_done() -> None:
    """The others run to their end, and then it is told."""
    other = Worker()

    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await run_all([cancelled(), other.work(5)])
    assert other.ended == "done"


# end_all


async def test_ending_nothing_takes_no_time() -> None:
    """Nothing to cancel, nothing to wait for."""
    await end_all([])
    assert asyncio.get_running_loop().time() == 0


async def test_tasks_that_have_ended_can_be_ended_again() -> None:
    """Their failures are nobody's surprise."""
    task = asyncio.create_task(Worker().work(1, FirstError()))
    await asyncio.wait({task})
    await end_all([task])
    assert isinstance(task.exception(), FirstError)
