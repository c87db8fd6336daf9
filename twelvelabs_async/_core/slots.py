"""A bound on how many things are under way at once, first come first served.

An ``asyncio.Semaphore`` does the same. This one also counts what waits, has both counts as
attributes, and costs no coroutine of its own where a slot is free.
"""

import asyncio
from collections import deque
from typing import Self

from attrs import define, field


@define(eq=False, repr=False)
class Slot:
    """One slot: waited for and held by an ``async with`` block, unless it is released before."""

    _slots: "Slots"
    _held: bool = False

    async def __aenter__(self) -> Self:
        """Wait for the slot. A cancelled wait leaves none taken."""
        slots = self._slots
        if slots.taken < slots.count:
            slots.taken += 1
        else:
            await slots.wait()
        self._held = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the slot; a second call does nothing."""
        if self._held:
            self._held = False
            self._slots.pass_on()

    def release_if_early(self) -> None:
        """Release the slot if these slots are ``early`` ones: the body that holds it is sent."""
        if self._slots.early:
            self.release()


@define(eq=False, repr=False)
class Slots:
    """A fixed number of slots.

    Attributes:
        count: How many there are.
        early: Whether a holder whose body is sent releases its slot before the answer.
        taken: How many are held; less than ``count`` only while nothing waits.
    """

    count: int
    early: bool = False
    taken: int = field(default=0, init=False)
    _queue: "deque[asyncio.Future[None]]" = field(factory=deque["asyncio.Future[None]"], init=False)

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return sum(not turn.done() for turn in self._queue)

    def acquire(self) -> Slot:
        """Return a slot for an ``async with`` block, which begins once a slot is free."""
        return Slot(self)

    async def wait(self) -> None:
        """Wait until a holder passes its slot on; for ``Slot`` only."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot was passed on in the same moment
                self.pass_on()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def pass_on(self) -> None:
        """Give a slot to the one that has waited longest, or leave it free; for ``Slot`` only."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.taken -= 1
