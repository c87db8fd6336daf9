"""Admit fewer uploads where the system has no file descriptor left.

An upload needs descriptors: for its file, for its entry of the journal, and for connections. How
many a process can have is not known beforehand, for the rest of the program opens files, too. An
upload that gets no descriptor steps back: it closes what it has open, and begins again when another
upload has ended. From then on, one upload fewer is admitted, and one more after each success.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from attrs import Factory, define, field

from twelvelabs_async.errors import TwelveLabsError

T = TypeVar("T")


@define(eq=False, repr=False)
class Admission:
    """Admits uploads, first come first served.

    Attributes:
        most: How many may be under way at once.
        under_way: How many are.
        allowed: How many may be for now; fewer than ``most`` while descriptors are scarce.
    """

    most: int
    under_way: int = field(default=0, init=False)
    allowed: int = field(default=Factory(lambda self: self.most, takes_self=True), init=False)
    _left: int = field(default=0, init=False)
    """How many have ended, or stepped back."""
    _queue: "deque[asyncio.Future[None]]" = field(factory=deque["asyncio.Future[None]"], init=False)

    @property
    def free(self) -> int:
        """How many more may begin at once."""
        return self.allowed - self.under_way

    @property
    def waiting(self) -> int:
        """How many wait to be admitted."""
        return sum(not turn.done() for turn in self._queue)

    async def run(
        self,
        work: Callable[[], Awaitable[T]],
        may_repeat: Callable[[], bool],
        admitted: Callable[[], AbstractAsyncContextManager[None]],
    ) -> T:
        """Carry out an upload, again where it got no descriptor while others were under way.

        Args:
            work: Makes an attempt.
            may_repeat: Whether an attempt that has failed has had no effect.
            admitted: Acquires and releases, around each attempt.

        Raises:
            TwelveLabsError: What ``work`` raised.
        """
        while True:
            async with admitted():
                left = self._left
                try:
                    result = await work()
                except TwelveLabsError as error:
                    alone = self.under_way == 1 and self._left == left
                    if alone or not error.lacks_descriptors or not may_repeat():
                        raise
                    self.allowed = max(1, self.under_way - 1)
                else:
                    self.allowed = min(self.most, self.allowed + 1)
                    return result

    def take(self) -> bool:
        """Be admitted if that needs no waiting; return whether it was so."""
        at_once = self.free > 0 and not self._queue
        self.under_way += at_once
        return at_once

    async def acquire(self) -> None:
        """Wait to be admitted."""
        if self.take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                if turn in self._queue:
                    self._queue.remove(turn)
            else:  # it was admitted in the same moment
                self.release()
            raise

    def release(self) -> None:
        """Let another one be admitted."""
        self.under_way -= 1
        self._left += 1
        while self._queue and self.free > 0:
            turn = self._queue.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)
