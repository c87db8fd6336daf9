"""Wait between the attempts of one upload, as its retry policy decides, and log outages."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import define, field

from twelvelabs_async._core import clock
from twelvelabs_async._upload.plan.retry_policy import RetryPolicy, RetryState
from twelvelabs_async.errors import ApiConnectionError, StorageError, TwelveLabsError

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")

PLATFORM = "the platform"
STORE = "the object store"


@define(eq=False, repr=False)
class Retrier:
    """Repeats what fails, for all requests of one upload.

    Attributes:
        policy: Decides whether to try again, and after how many seconds.
        pause: Waits for some seconds; raises ``ClientClosedError`` once the client is closed.
    """

    _upload_id: str
    policy: RetryPolicy
    pause: Callable[[float], Awaitable[None]]
    _others_have_descriptors: Callable[[], bool]
    """Whether other requests or uploads have file descriptors that they will give back."""
    _silent: set[str] = field(factory=set[str], init=False)
    """Who is waited for: ``PLATFORM``, ``STORE``, or both, where nothing answers."""

    async def call(self, request: Callable[[], Awaitable[T]]) -> T:
        """Make a control call, again while the network is down.

        ``request`` has its own retries; only the failure that is left after them counts here.

        Raises:
            ApiConnectionError: The platform has not answered for as long as the policy waits.
            TwelveLabsError: What else ``request`` raised.
        """
        attempts = RetryState()
        while True:
            began = clock.monotonic()
            try:
                answer = await request()
            except ApiConnectionError as error:
                failure = error
            else:
                self.policy.heard(clock.monotonic())
                self._answered(PLATFORM)
                return answer
            await self.wait(failure, attempts, began)

    async def wait(self, failure: TwelveLabsError, attempts: RetryState, began: float) -> None:
        """Wait before the next attempt.

        Args:
            failure: How the last attempt ended; raised where the policy allows no other one.
            attempts: What the chunk, or the call, has cost so far; updated.
            began: Our monotonic seconds when that attempt began.
        """
        now = clock.monotonic()
        crowded = failure.lacks_descriptors and self._others_have_descriptors()
        pause = self.policy.pause(failure, attempts, began=began, now=now, crowded=crowded)
        if pause is None:
            raise failure
        self._log(pause, failure, outage=attempts.silences > 0)
        await self.pause(pause)

    def chunk_stored(self) -> None:
        """Note that the store has taken a chunk: the network works."""
        self.policy.arrived(clock.monotonic())
        self._answered(STORE)

    def _answered(self, whom: str) -> None:
        """Log the end of an outage; one that hid only the other side is not over."""
        if whom in self._silent:
            self._silent.remove(whom)
            if not self._silent:
                logger.warning("upload %s: the network is back", self._upload_id)

    def _log(self, pause: float, failure: TwelveLabsError, *, outage: bool) -> None:
        """Log a retry; an outage is one warning, when it begins, so that it does not flood."""
        begins = outage and not self._silent
        if outage:
            self._silent.add(STORE if isinstance(failure, StorageError) else PLATFORM)
        if begins:
            text = "upload %s: waiting for the network, %g s at most: %s"
            logger.warning(text, self._upload_id, self.policy.outage_timeout, failure)
        else:
            text = "upload %s: retrying in %.1f s: %s"
            logger.info(text, self._upload_id, pause, failure)
