"""Hold back every control call of a client while the platform asks its account to stay away.

A rate limit is the account's: a 429 to one call concerns the calls beside it as well. So whatever
is to be sent passes the gate, which a 429 with a pause closes for everybody.
"""

import asyncio
import copy
from math import inf

from attrs import define, field

from twelvelabs_async._core import clock
from twelvelabs_async._http.retries import FIRST_BACKOFF, LONGEST_OBEYED_PAUSE, backoff
from twelvelabs_async.errors import TooManyRequestsError


@define(eq=False, repr=False)
class RateGate:
    """Closed for as long as the platform has asked for.

    Nobody waits longer than ``LONGEST_OBEYED_PAUSE``. Where the platform asks for more, the calls
    that were waiting at that moment fail, with its refusal; one that is made later is sent, for the
    platform may have changed its mind.

    Attributes:
        refusals: How often the platform asked for more than that. A call that compares this number
            with the one at its own beginning knows whether it has been waiting too long.
    """

    refusals: int = 0
    _opens_at: float = -inf
    _refused_at: float = -inf
    _refusal: TooManyRequestsError | None = None
    _waiting: set[asyncio.Future[None]] = field(factory=set["asyncio.Future[None]"])

    def limited(self, error: TooManyRequestsError, now: float) -> None:
        """Note that the platform has refused a call for its rate.

        Args:
            error: Its refusal; nothing happens where that asks for no pause.
            now: Our monotonic seconds.
        """
        pause = error.retry_after or 0.0
        if pause <= LONGEST_OBEYED_PAUSE:
            self._opens_at = max(self._opens_at, now + pause)
            return
        self.refusals += 1
        self._refusal, self._refused_at = copy.copy(error), now
        for waiting in self._waiting:
            _wake(waiting)

    @property
    def was_closed(self) -> bool:
        """Whether the platform has ever refused a call for its rate; if not, there is no gate."""
        return self._refusal is not None or self._opens_at > -inf

    @property
    def waiting(self) -> int:
        """How many calls wait until the gate is open."""
        return len(self._waiting)

    def closed_for(self, now: float) -> float:
        """Return for how many seconds more the gate is closed; 0: it is open."""
        return max(0.0, self._opens_at - now)

    def check(self, arrived: int, now: float) -> None:
        """Refuse a call that has been waiting for longer than the platform allows.

        Args:
            arrived: ``refusals`` when the call began.
            now: Our monotonic seconds.

        Raises:
            TooManyRequestsError: The platform's own, with the seconds that are left of its pause.
        """
        if self._refusal is None or self.refusals == arrived:
            return
        left = (self._refusal.retry_after or 0.0) - (now - self._refused_at)
        if left > 0:
            refusal = copy.copy(self._refusal)
            refusal.retry_after = left
            raise refusal

    async def wait(self, arrived: int) -> None:
        """Wait until the gate is open, and a little longer, so that not all come at once.

        Raises:
            TooManyRequestsError: As ``check`` does.
        """
        while True:
            self.check(arrived, clock.monotonic())
            pause = self.closed_for(clock.monotonic())
            if not pause:
                return
            await self._wait(pause + backoff(1, FIRST_BACKOFF))

    async def _wait(self, seconds: float) -> None:
        """Wait, but only until the platform asks for more than anybody waits."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        timer = clock.call_later(seconds, lambda: _wake(waiting))
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting.discard(waiting)


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
