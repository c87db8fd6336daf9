"""Slots are passed on in order, whatever happens to those that wait for them."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from twelvelabs_async._core.slots import Slots


async def hold(slots: Slots, until: asyncio.Event, order: list[int], number: int) -> None:
    """Hold a slot until an event, and note when it was got, unless it was free at once."""
    waits = slots.taken == slots.count
    async with slots.acquire():
        if waits:
            order.append(number)
        await until.wait()


async def test_no_more_slots_are_held_than_there_are() -> None:
    """The others wait, and are counted."""
    slots, until, order = Slots(2), asyncio.Event(), list[int]()
    holders = [asyncio.create_task(hold(slots, until, order, number)) for number in range(5)]
    await asyncio.sleep(1)
    assert (order, slots.taken, slots.waiting) == ([], 2, 3)
    until.set()
    await asyncio.gather(*holders)
    assert (order, slots.taken, slots.waiting) == ([2, 3, 4], 0, 0)


async def test_a_slot_that_is_free_is_had_at_once() -> None:
    """Without giving way to other tasks."""
    slots = Slots(1)
    with pytest.raises(StopIteration):
        slots.acquire().__aenter__().send(None)
    assert slots.taken == 1


async def test_a_slot_is_released_once_however_often_it_is_asked() -> None:
    """Before the end of its block, too."""
    slots = Slots(1)
    async with slots.acquire() as slot:
        slot.release()
        slot.release()
        assert slots.taken == 0
        async with slots.acquire():
            slot.release()
            assert slots.taken == 1
    assert slots.taken == 0


@pytest.mark.parametrize("early", [False, True])
async def test_only_an_early_slot_is_released_when_its_body_is_sent(early: bool) -> None:
    """Others are held until the answer."""
    slots = Slots(1, early=early)
    async with slots.acquire() as slot:
        slot.release_if_early()
        assert slots.taken == (0 if early else 1)
    assert slots.taken == 0


async def test_a_slot_can_be_held_again_after_its_release() -> None:
    """As by a request that has to wait at the gate in between."""
    slots = Slots(1)
    slot = slots.acquire()
    for _ in range(2):
        async with slot:
            assert slots.taken == 1
        assert slots.taken == 0


@given(
    count=st.integers(1, 3),
    steps=st.lists(
        st.tuples(st.sampled_from(["begin", "end", "cancel", "turn"]), st.integers(0, 9))
    ),
)
def test_slots_are_never_lost_or_doubled(count: int, steps: Sequence[tuple[str, int]]) -> None:
    """Whoever is cancelled, even in the moment in which a slot is passed on."""
    asyncio.run(_play(count, steps))


async def _play(count: int, steps: Sequence[tuple[str, int]]) -> None:
    slots, order = Slots(count), list[int]()
    events, tasks = list[asyncio.Event](), list["asyncio.Task[None]"]()
    for step, number in steps:
        if step == "begin":
            events.append(asyncio.Event())
            tasks.append(asyncio.create_task(hold(slots, events[-1], order, len(tasks))))
        elif step == "turn":
            await asyncio.sleep(0)
        elif number < len(tasks):
            if step == "end":
                events[number].set()
            else:
                tasks[number].cancel()
        assert 0 <= slots.taken <= count
        assert not slots.waiting or slots.taken == count
    assert order == sorted(order)
    for event in events:
        event.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (slots.taken, slots.waiting) == (0, 0)
