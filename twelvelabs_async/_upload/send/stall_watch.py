"""Notice that a request stalls: for so many seconds no byte was taken and no answer came.

What was taken is what has left our buffers and the kernel's: a slow link empties megabytes of
kernel buffer for minutes while nothing is written, and is healthy. Linux says how much of a
socket's data the other side has not acknowledged; elsewhere only our own buffers are seen, so that
there ``stall_timeout`` has to cover the time that the kernel's buffer takes to drain. While a slow
disk is read, or a turn of a busy loop is waited for, nothing stalls.
"""

import asyncio

from attrs import define

from twelvelabs_async._core import clock
from twelvelabs_async._http.attempt import Attempt
from twelvelabs_async._http.sockets import kernel_unsent
from twelvelabs_async._upload.send.body import Body

LOOKS = 4
"""How often the watch looks within its limit; it ends a stall at most a quarter late."""

ROUNDING = 1e-6
"""Seconds that a sum of looks may fall short of the limit, by the arithmetic of floats."""


@define(eq=False, repr=False)
class StallWatch:
    """Ends an attempt when what it sends stalls during the ``with`` block.

    Time in which the request waits for its turn to connect does not count: no server is to blame.
    """

    _body: Body
    _limit: float | None
    """Seconds without progress; None: wait for ever."""
    _attempt: Attempt
    _level: tuple[int, int] = (0, 0)
    _since: float = 0.0
    _timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        if self._limit is not None:
            self._since = clock.monotonic()
            self._timer = clock.call_later(self._limit / LOOKS, self._look, self._limit)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, limit: float) -> None:
        now = clock.monotonic()
        body = self._body
        level = (body.sent, body.buffered_bytes + kernel_unsent(body.socket))
        excused = body.blocked_locally or (body.socket is None and self._attempt.is_queued())
        if level != self._level or excused:
            self._level, self._since = level, now
        elif now - self._since >= limit - ROUNDING:
            self._attempt.end()
            return
        self._timer = clock.call_later(limit / LOOKS, self._look, limit)
