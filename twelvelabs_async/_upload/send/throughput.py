"""How fast a client sends: the bytes of all its uploads together."""

import asyncio
from collections import deque

from attrs import define, field

WINDOW = 5.0
"""Seconds over which the speed is averaged."""

MARK_SECONDS = 1.0
"""Seconds between two marks, and the least time that is divided by: one piece alone is no speed."""


@define(eq=False, repr=False)
class Throughput:
    """Counts bytes as they are handed to a connection.

    Attributes:
        total: Bytes so far. Bytes that a second attempt sends again count again.
    """

    total: int = field(default=0, init=False)
    _marks: deque[tuple[float, int]] = field(factory=deque[tuple[float, int]], init=False)
    """When, in seconds of the loop's clock, which total had been reached; one a second at most."""
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)

    def add(self, count: int) -> None:
        """Count bytes that were handed to a connection."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        now, marks = loop.time(), self._marks
        if not marks or now - marks[-1][0] >= MARK_SECONDS:
            self._forget(now)
            marks.append((now, self.total))
        self.total += count

    def bytes_per_second(self) -> float:
        """Return the speed over the last ``WINDOW`` seconds; 0.0 when nothing was sent in them."""
        if self._loop is None:
            return 0.0
        now = self._loop.time()
        self._forget(now)
        if not self._marks:
            return 0.0
        since, before = self._marks[0]
        return (self.total - before) / max(now - since, MARK_SECONDS)

    def _forget(self, now: float) -> None:
        while self._marks and now - self._marks[0][0] > WINDOW:
            self._marks.popleft()
