"""Turns: one piece of work in each turn of the loop, or our share of a busy one."""

import asyncio
from collections import Counter

import pytest

from twelvelabs_async._upload.send.loop_share import SHARE, LoopShare


class CountingLoop:
    """Counts the turns of the running loop, and what was done in each; its own clock, in seconds.

    Attributes:
        others: What everybody else takes of each turn.
        piece: What a piece of our work takes.
    """

    def __init__(self, others: float = 0.0, piece: float = 0.0) -> None:
        self.turn = 0
        self.time = 0.0
        self.others, self.piece = others, piece
        self.done: list[tuple[int, str]] = []

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1
            self.time += self.others

    def work(self, name: str, times: int) -> bool:
        """Do a piece, but only so often."""
        if sum(who == name for _, who in self.done) == times:
            return False
        self.done.append((self.turn, name))
        self.time += self.piece
        return True

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.done]

    @property
    def most(self) -> int:
        """The most pieces in one turn."""
        return max(Counter(turn for turn, _ in self.done).values())


async def test_there_is_one_piece_of_work_a_turn_and_everybody_has_one() -> None:
    """Two that repeat their work and one that takes a single turn, behind one that was there."""
    loop = CountingLoop(piece=0.001)
    turns = LoopShare(lambda: loop.time)
    counting = asyncio.create_task(loop.count())
    await turns.take()

    async def single() -> list[str]:
        await turns.take()
        return loop.names

    *_, before = await asyncio.gather(
        turns.run_in_turns(lambda: loop.work("a", 3)),
        turns.run_in_turns(lambda: loop.work("b", 2)),
        single(),
    )
    counting.cancel()
    assert before[:2] == ["a", "b"]
    assert len(before) <= 3  # the task is woken in the turn after the one that it was given
    assert loop.names == ["a", "b", "a", "b", "a"]
    assert loop.most == 1
    assert not turns._waiting


async def test_a_turn_that_nobody_has_had_is_there_at_once() -> None:
    """And the next one is not, in the same turn of the loop."""
    loop, turns = CountingLoop(), LoopShare()
    counting = asyncio.create_task(loop.count())
    await asyncio.sleep(0)
    before = loop.turn
    await turns.take()
    assert loop.turn == before
    await turns.take()
    assert loop.turn > before
    counting.cancel()


async def test_a_turn_that_was_handed_over_is_its_owners_alone() -> None:
    """What a task does in its turn is not added to another's piece in the same turn."""
    loop = CountingLoop(piece=0.0001)
    turns = LoopShare(lambda: loop.time)
    counting = asyncio.create_task(loop.count())

    async def by_hand(name: str) -> None:
        for _ in range(5):
            await turns.take()
            loop.work(name, 5)

    await asyncio.gather(by_hand("a"), turns.run_in_turns(lambda: loop.work("b", 20)), by_hand("c"))
    counting.cancel()
    assert Counter(loop.names) == {"a": 5, "b": 20, "c": 5}
    assert loop.most == 1


async def test_where_others_keep_the_loop_busy_our_share_is_more_than_a_piece() -> None:
    """Of 10 ms a turn, 1 ms: as many pieces as begin in it."""
    loop = CountingLoop(others=0.010, piece=0.0003)
    turns = LoopShare(lambda: loop.time)
    counting = asyncio.create_task(loop.count())
    await turns.take()
    await asyncio.gather(*(turns.run_in_turns(lambda: loop.work("a", 40)) for _ in range(3)))
    counting.cancel()
    assert loop.most == SHARE * loop.others // loop.piece + 1 == 4
    assert len(loop.done) == 40


async def test_where_others_keep_the_loop_busy_no_turn_is_passed() -> None:
    """A turn that a task was given costs others less there than a whole turn would cost us."""
    loop = CountingLoop(others=0.010)
    turns = LoopShare(lambda: loop.time)
    counting = asyncio.create_task(loop.count())
    await turns.take()
    for _ in range(10):
        await turns.take()
    counting.cancel()
    assert loop.turn <= 12


async def test_a_clock_that_moves_by_milliseconds_grants_no_bursts() -> None:
    """As uvloop's does: of a millisecond our share is less than a piece, though none is seen."""
    loop = CountingLoop(others=0.001, piece=0.0)
    turns = LoopShare(lambda: loop.time)
    counting = asyncio.create_task(loop.count())
    await turns.take()
    await asyncio.gather(*(turns.run_in_turns(lambda: loop.work("a", 40)) for _ in range(3)))
    counting.cancel()
    assert loop.most == 1
    assert len(loop.done) == 40


async def test_work_that_is_cancelled_is_not_called_again_and_costs_nobody_a_turn() -> None:
    """Whoever waits behind it is next."""
    loop = CountingLoop(piece=0.001)
    turns = LoopShare(lambda: loop.time)
    counting = asyncio.create_task(loop.count())
    await turns.take()
    endless = asyncio.create_task(turns.run_in_turns(lambda: loop.work("endless", 10**9)))
    while len(loop.done) < 3:
        await asyncio.sleep(0)
    endless.cancel()
    await turns.run_in_turns(lambda: loop.work("next", 2))
    counting.cancel()
    assert loop.names == ["endless"] * loop.names.index("next") + ["next"] * 2
    assert loop.most == 1


async def test_what_work_raises_is_raised_where_it_is_waited_for_and_nowhere_else() -> None:
    """The others go on."""
    loop, turns = CountingLoop(), LoopShare()

    def broken() -> bool:
        raise ValueError("broken")

    await turns.take()
    failure, done = await asyncio.gather(
        turns.run_in_turns(broken),
        turns.run_in_turns(lambda: loop.work("a", 2)),
        return_exceptions=True,
    )
    assert isinstance(failure, ValueError)
    assert done is None
    assert len(loop.done) == 2


def test_an_interrupt_in_the_middle_of_work_leaves_nobody_waiting() -> None:
    """It ends the loop; whoever goes on with it finds turns as ever."""
    turns = LoopShare()

    def interrupted() -> bool:
        raise KeyboardInterrupt

    async def first() -> None:
        await turns.take()
        await turns.run_in_turns(interrupted)

    async def second() -> str:
        await turns.take()
        await turns.take()
        return "as ever"

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        waiting = loop.create_task(first())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(waiting)
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(waiting)
        assert loop.run_until_complete(second()) == "as ever"
