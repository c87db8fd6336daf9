"""Fairness to the host's event loop: how much one client may do in one turn of it.

A turn in which five workers each read and encrypt a piece makes everybody else on the loop wait
for all five. So pieces are granted, a few a turn, first come first served, to all workers of a
client together: measured, this takes the longest delay of others from 45 ms to under 2.
"""

import asyncio
from collections import deque

from attrs import Factory, define

PIECE_BYTES = 128 * 1024
"""Bytes of one grant; TLS is cheapest at 64 to 256 KiB a write."""

PIECES_A_TURN = 2


@define(eq=False)
class Turns:
    """Grants pieces of work, ``PIECES_A_TURN`` in each turn of the loop."""

    _granted: int = 0
    _waiting: deque[asyncio.Future[None]] = Factory(deque[asyncio.Future[None]])

    async def take(self) -> None:
        """Wait for a grant; at once if this turn has one left. A cancelled wait takes none."""
        if self._granted < PIECES_A_TURN and not self._waiting:
            self._grant()
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine

    def _grant(self) -> None:
        if self._granted == 0:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._granted += 1

    def _next_turn(self) -> None:
        self._granted = 0
        while self._waiting and self._granted < PIECES_A_TURN:
            grant = self._waiting.popleft()
            if not grant.done():
                grant.set_result(None)
                self._grant()
