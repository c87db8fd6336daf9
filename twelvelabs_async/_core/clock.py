"""Time: every wait, deadline and reading of a clock in the package goes through this module.

The running event loop's own clock is the monotonic clock, so a test that runs on a loop with a
virtual clock sees hours of backoff and expiry pass in no time, over real sockets. No other
module may import ``time`` or call ``asyncio.sleep``, which a test checks.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVarTuple

Args = TypeVarTuple("Args")


def monotonic() -> float:
    """Return the seconds on the running loop's monotonic clock; only differences have a meaning."""
    return asyncio.get_running_loop().time()


def utcnow() -> datetime:
    """Return this machine's time, aware, in UTC; its clock may be hours wrong."""
    return datetime.now(UTC)


async def sleep(seconds: float) -> None:
    """Wait for ``seconds``; 0 or less only gives other tasks a turn."""
    await asyncio.sleep(max(0.0, seconds))


def timeout(seconds: float | None) -> asyncio.Timeout:
    """Bound an ``async with`` block to ``seconds``, then raise ``TimeoutError``; None: no bound."""
    return asyncio.timeout(seconds)


def call_later(
    seconds: float, callback: Callable[[*Args], object], *args: *Args
) -> asyncio.TimerHandle:
    """Call ``callback`` with ``args`` once, ``seconds`` from now, on the running loop."""
    return asyncio.get_running_loop().call_later(seconds, callback, *args)
