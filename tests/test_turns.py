"""Turns: one piece of work in each turn of the loop, in the order of asking."""

import asyncio

import pytest

from twelvelabs_async.upload.turns import Turns


class Loop:
    """Counts the turns of the running loop, and what was done in each."""

    def __init__(self) -> None:
        self.turn = 0
        self.done: list[tuple[int, str]] = []

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1

    def work(self, name: str, times: int) -> bool:
        self.done.append((self.turn, name))
        return sum(who == name for _, who in self.done) < times


async def test_there_is_one_piece_of_work_a_turn_of_the_loop_and_everybody_has_one() -> None:
    """Two that repeat their work and one that takes a single turn."""
    turns, loop = Turns(), Loop()
    counting = asyncio.create_task(loop.count())

    async def single() -> None:
        await turns.take()
        loop.done.append((loop.turn, "single"))

    await asyncio.gather(
        turns.repeat(lambda: loop.work("a", 3)), turns.repeat(lambda: loop.work("b", 2)), single()
    )
    counting.cancel()
    assert [name for _, name in loop.done if name != "single"] == ["a", "b", "a", "b", "a"]
    when = [turn for turn, name in loop.done if name != "single"]
    assert when == sorted(set(when))
    assert [name for _, name in loop.done].index("single") <= 4  # after the first of each
    assert not turns._waiting


async def test_work_that_is_cancelled_is_not_called_again_and_costs_nobody_a_turn() -> None:
    """Whoever waits behind it is next."""
    turns, loop = Turns(), Loop()
    counting = asyncio.create_task(loop.count())
    endless = asyncio.create_task(turns.repeat(lambda: loop.work("endless", 10**9)))
    while len(loop.done) < 3:
        await asyncio.sleep(0)
    endless.cancel()
    await turns.repeat(lambda: loop.work("next", 2))
    counting.cancel()
    names = [name for _, name in loop.done]
    assert names == ["endless"] * names.index("next") + ["next"] * 2
    assert len({turn for turn, _ in loop.done}) == len(loop.done)


async def test_what_work_raises_is_raised_where_it_is_waited_for_and_nowhere_else() -> None:
    """The others go on."""
    turns, loop = Turns(), Loop()

    def broken() -> bool:
        raise ValueError("broken")

    waiting = asyncio.gather(
        turns.repeat(broken), turns.repeat(lambda: loop.work("a", 2)), return_exceptions=True
    )
    failure, done = await waiting
    assert isinstance(failure, ValueError)
    assert done is None
    assert len(loop.done) == 2
    with pytest.raises(ValueError, match="broken"):
        await turns.repeat(broken)
