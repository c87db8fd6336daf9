"""Hold back every control call of a client while the platform refuses its account for its rate.

A rate limit is the account's: a 429 to one call concerns the calls beside it as well. So every
control call passes the gate, and a 429 that asks for a pause closes it for all of them.
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

    No call waits longer than ``LONGEST_OBEYED_PAUSE``. Where the platform asks for a longer pause,
    the calls that wait at that moment fail with its refusal. A call that is made later is sent, for
    the platform may let it in.

    Attributes:
        refusals: How often the platform asked for a longer pause. A call that has seen a smaller
            number when it began knows that it must not wait.
    """

    refusals: int = 0
    _opens_at: float = -inf
    _refused_at: float = -inf
    _refusal: TooManyRequestsError | None = None
    _waiting: set[asyncio.Future[None]] = field(factory=set["asyncio.Future[None]"])

    def note_refusal(self, error: TooManyRequestsError, now: float) -> None:
        """Note that the platform has refused a call for its rate.

        Args:
            error: Its refusal; without ``retry_after``, the gate stays as it is.
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
        """Whether the platform has ever refused a call for its rate; if not, the gate is open."""
        return self._refusal is not None or self._opens_at > -inf

    @property
    def waiting(self) -> int:
        """How many calls wait until the gate is open."""
        return len(self._waiting)

    def closed_for(self, now: float) -> float:
        """Return for how many more seconds the gate is closed; 0: it is open."""
        return max(0.0, self._opens_at - now)

    def check(self, seen_refusals: int, now: float) -> None:
        """Refuse a call if the platform has asked for too long a pause since the call began.

        Args:
            seen_refusals: ``refusals`` when the call began.
            now: Our monotonic seconds.

        Raises:
            TooManyRequestsError: The platform's refusal, with the seconds that are left.
        """
        if self._refusal is None or self.refusals == seen_refusals:
            return
        left = (self._refusal.retry_after or 0.0) - (now - self._refused_at)
        if left > 0:
            refusal = copy.copy(self._refusal)
            refusal.retry_after = left
            raise refusal

    async def wait(self, seen_refusals: int) -> None:
        """Wait until the gate is open, and a random time longer, so that not all come at once.

        Args:
            seen_refusals: As for ``check``.

        Raises:
            TooManyRequestsError: As ``check`` does.
        """
        while True:
            self.check(seen_refusals, clock.monotonic())
            pause = self.closed_for(clock.monotonic())
            if not pause:
                return
            await self._wait(pause + backoff(1, FIRST_BACKOFF))

    async def _wait(self, seconds: float) -> None:
        """Wait for ``seconds``, or until the platform asks for a pause that no call waits for."""
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
