"""Fairness to the host's event loop: how much one client may do in one turn of it.

A turn in which five workers each read and encrypt a piece makes everybody else on the loop wait
for all five. So turns are granted, first come first served, to all workers of a client together:
one in each turn of the loop or, where others keep the loop busy, as many as take a share of their
time. Measured, this takes the longest delay of others from 45 ms to 2.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from attrs import Factory, define

from twelvelabs_async import clock

TURN_BYTES = 256 * 1024
"""Bytes that whoever has a turn may read and write: some 150 microseconds of the loop over TLS."""

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
class Turns:
    """Grants turns; see above.

    Attributes:
        now: The clock by which work is measured, in seconds.
    """

    now: Callable[[], float] = clock.monotonic
    _waiting: deque[tuple[Work, asyncio.Future[None]]] = Factory(
        deque[tuple[Work, asyncio.Future[None]]]
    )
    _granting: bool = False
    _gone: float = 0.0
    """When the last turn of ours was over."""

    async def take(self) -> None:
        """Wait for a turn; at once if nobody has had this one. A cancelled wait takes none."""
        if self._granting:
            await self.repeat(_nothing)
        else:
            self._begin(asyncio.get_running_loop())

    async def repeat(self, work: Work) -> None:
        """Wait for a turn in which there is nothing to do for ``work``: that turn is the caller's.

        Before, ``work`` is called in each of our turns for as long as it does something. It is
        called by the loop itself: to wake a task for each piece, down through everything that
        awaits it, would cost about as much as the rest of what Python does for the piece.

        Cancelled, it is not called again, and no turn is taken. What it raises is raised here.
        """
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        self._waiting.append((work, ended))
        if not self._granting:
            self._begin(loop)
        await ended

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._granting = True
        self._gone = self.now()
        loop.call_soon(self._grant)

    def _grant(self) -> None:
        """Give one turn, or our share of them, to who has waited longest, and come again."""
        share, spent = SHARE * (self.now() - self._gone), 0.0
        self._granting = bool(self._waiting)
        try:
            while self._waiting and spent <= share:
                spent += self._do(*self._waiting.popleft())
        finally:
            if self._granting:
                self._begin(asyncio.get_running_loop())

    def _do(self, work: Work, ended: asyncio.Future[None]) -> float:
        """Call ``work``, or hand over the turn, and return the seconds that it takes."""
        if ended.done():
            return 0.0
        began = self.now()
        try:
            done = work()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            ended.set_exception(error)
        except BaseException:
            ended.cancel()  # somebody interrupts the loop; nobody shall wait for ever
            raise
        else:
            if done:
                self._waiting.append((work, ended))
                return max(self.now() - began, LEAST_SECONDS)
            ended.set_result(None)
        return GRANT_SECONDS


def _nothing() -> bool:
    return False
