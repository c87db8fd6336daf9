"""Fairness to the host's event loop: how much one client may do in one turn of it.

A turn in which five workers each read and encrypt a piece makes everybody else on the loop wait
for all five. So turns are granted, one in each turn of the loop, first come first served, to all
workers of a client together: measured, this takes the longest delay of others from 45 ms to 2.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from attrs import Factory, define

TURN_BYTES = 256 * 1024
"""Bytes that whoever has a turn may read and write: some 150 microseconds of the loop over TLS."""

Work = Callable[[], bool]
"""A piece of work that waits for nothing; it returns whether it is to be called again."""


@define(eq=False, repr=False)
class Turns:
    """Grants one piece of work in each turn of the loop."""

    _waiting: deque[tuple[Work, asyncio.Future[None]]] = Factory(
        deque[tuple[Work, asyncio.Future[None]]]
    )
    _granting: bool = False

    async def take(self) -> None:
        """Wait for a turn; a cancelled wait takes none."""
        await self.repeat(_nothing)

    async def repeat(self, work: Work) -> None:
        """Have ``work`` called, once in each of our turns, until it returns False.

        It is called by the loop itself: to wake a task for each piece, down through everything
        that awaits it, would cost about as much as the rest of what Python does for the piece.

        Cancelled, it is not called again. What it raises is raised here.
        """
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        self._waiting.append((work, ended))
        if not self._granting:
            self._granting = True
            loop.call_soon(self._grant)
        await ended

    def _grant(self) -> None:
        """Give this turn of the loop to who has waited longest, and come again in the next."""
        while self._waiting:
            work, ended = self._waiting.popleft()
            if not ended.done():
                asyncio.get_running_loop().call_soon(self._grant)
                self._do(work, ended)
                return
        self._granting = False

    def _do(self, work: Work, ended: asyncio.Future[None]) -> None:
        try:
            again = work()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            ended.set_exception(error)
        else:
            if again:
                self._waiting.append((work, ended))
            else:
                ended.set_result(None)


def _nothing() -> bool:
    return False
