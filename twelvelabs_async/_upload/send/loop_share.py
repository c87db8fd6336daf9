"""Leave the host's event loop enough time: bound what one client does in one turn of it.

When five workers each read and encrypt a piece in one turn of the loop, all other tasks wait for
all five. So turns are granted, first come first served, to all workers of a client together:
one in each turn of the loop or, where others keep the loop busy, as many as take a share of their
time. Measured, this takes the longest delay of others from 45 ms to 2.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from attrs import Factory, define

TURN_BYTES = 256 * 1024
"""Bytes that a body may read and write in one turn: some 150 microseconds of the loop over TLS."""

SHARE = 0.1
"""Our time for each second of the others': a piece in every turn would be little where turns are
long, and a tenth more is no harm there."""

GRANT_SECONDS = 0.0003
"""What a turn that a task takes is reckoned to cost: to begin a request, or to read in a thread."""

LEAST_SECONDS = 0.00015
"""What a piece of work is reckoned to cost at least: uvloop's clock moves by whole milliseconds."""

Work = Callable[[], bool]
"""A piece of work that waits for nothing; it returns whether it has done something."""


@define(eq=False, repr=False)
class LoopShare:
    """Grants the turns of one client; see above.

    Attributes:
        now: The clock by which work is measured, in seconds; None: the loop's own.
    """

    now: Callable[[], float] | None = None
    _waiting: deque[tuple[Work, asyncio.Future[None]]] = Factory(
        deque[tuple[Work, asyncio.Future[None]]]
    )
    _granting: bool = False
    _looked: float = 0.0
    """When the clock was last looked at: before the others' turn, and after each piece of ours."""

    async def take(self) -> None:
        """Wait for a turn; return at once if this one is free. A cancelled wait takes no turn."""
        if self._granting:
            await self.run_in_turns(_nothing)
        else:
            self._begin(asyncio.get_running_loop())

    async def run_in_turns(self, work: Work) -> None:
        """Wait for a turn in which there is nothing to do for ``work``: that turn is the caller's.

        Before that, ``work`` is called in each of our turns for as long as it does something. The
        event loop calls it, not the task: to wake the task for each piece, through every coroutine
        that awaits it, would cost about as much as all other Python code of the piece.

        Cancelled, it is not called again, and no turn is taken. What it raises is raised here.
        """
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        self._waiting.append((work, ended))
        if not self._granting:
            self._begin(loop)
        await ended

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        now = self.now or loop.time
        self._granting = True
        self._looked = now()
        loop.call_soon(self._grant, loop, now)

    def _grant(self, loop: asyncio.AbstractEventLoop, now: Callable[[], float]) -> None:
        """Give one turn, or our share of them, to who has waited longest, and come again.

        The loop is handed on: on Python 3.11 to ask which one runs is a system call.
        """
        looked, self._looked = self._looked, now()
        others = self._looked - looked
        left = SHARE * others
        self._granting = bool(self._waiting)
        again: Callable[..., object] = self._grant
        try:
            while self._waiting and left >= 0:
                work, ended = self._waiting.popleft()
                if ended.done():
                    continue
                if self._did(work, ended):
                    began, self._looked = self._looked, now()
                    left -= max(self._looked - began, LEAST_SECONDS)
                else:
                    left -= GRANT_SECONDS
                    if others < GRANT_SECONDS:
                        again = self._pass
        finally:
            if self._granting:
                loop.call_soon(again, loop, now)

    def _pass(self, loop: asyncio.AbstractEventLoop, now: Callable[[], float]) -> None:
        """Leave a turn to the task that it was handed to; only where turns are short."""
        self._looked = now()
        loop.call_soon(self._grant, loop, now)

    def _did(self, work: Work, ended: asyncio.Future[None]) -> bool:
        """Do a piece; if there was none hand over the turn, and return False."""
        try:
            done = work()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            ended.set_exception(error)
            return True
        except BaseException:
            ended.cancel()  # the loop is being interrupted; its waiter must not wait for ever
            raise
        if done:
            self._waiting.append((work, ended))
        else:
            ended.set_result(None)
        return done


def _nothing() -> bool:
    return False
