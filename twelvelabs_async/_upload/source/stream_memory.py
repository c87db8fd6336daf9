"""The bound on the memory of all streams of a client that are sent in chunks."""

import asyncio
from collections import deque

from attrs import define, field


@define(eq=False, repr=False)
class StreamMemory:
    """Bytes that chunks of streams may take, given out in the order in which they are asked for.

    A chunk that is larger than the bound has all of it to itself.

    Attributes:
        bound: How many there are, in bytes.
        taken: How many are taken now, in bytes.
    """

    bound: int
    taken: int = field(default=0, init=False)
    _queue: "deque[tuple[int, asyncio.Future[None]]]" = field(
        factory=deque[tuple[int, "asyncio.Future[None]"]], init=False
    )

    def take(self, size: int) -> bool:
        """Take ``size`` bytes if that needs no waiting; return whether they were taken."""
        if self._queue or not self._has(size):
            return False
        self.taken += size
        return True

    def request(self, size: int) -> "asyncio.Future[None]":
        """Return a future that is done once ``size`` bytes are taken.

        Call ``withdraw`` to cancel the request, also after it was granted.
        """
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((size, granted))
        self._grant()
        return granted

    def withdraw(self, size: int, request: "asyncio.Future[None]") -> None:
        """Cancel a request, and give the bytes back if it was granted."""
        if request.done() and not request.cancelled():
            self.give_back(size)
        else:
            request.cancel()
            self._grant()  # it may have stood before a smaller one

    def give_back(self, size: int) -> None:
        """Give ``size`` bytes back; the oldest request gets them."""
        self.taken -= size
        self._grant()

    def _grant(self) -> None:
        while self._queue and (self._queue[0][1].cancelled() or self._has(self._queue[0][0])):
            size, granted = self._queue.popleft()
            if not granted.cancelled():
                self.taken += size
                granted.set_result(None)

    def _has(self, size: int) -> bool:
        return not self.taken or self.taken + size <= self.bound
