"""A time limit for a question to the platform that is asked again and again."""

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import frozen

from twelvelabs_async._core import clock

T = TypeVar("T")

LAST_QUESTION = 5.0
"""Seconds that each question gets at least: the last one is asked when time is over."""


@frozen
class Deadline:
    """When to stop asking.

    Attributes:
        _end: Our monotonic seconds; infinity: never.
    """

    _end: float

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """Return the deadline ``seconds`` from now; None: there is none."""
        return cls(math.inf if seconds is None else clock.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds from now; infinity where there is no end, 0 or less when it is over."""
        return self._end - clock.monotonic()

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Ask once, and return the answer; None: it did not come in time."""
        left = self.left
        bound = clock.timeout(None if left == math.inf else max(left, LAST_QUESTION))
        try:
            async with bound:
                return await question()
        except TimeoutError:
            if bound.expired():
                return None
            raise
