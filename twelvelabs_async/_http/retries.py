"""When to try again, and how long to wait before: pure functions for every request we make."""

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from twelvelabs_async.errors import SERVER_ERRORS

FIRST_BACKOFF = 0.5
"""Seconds; the ceiling of the pause after a first failure of a control call."""

LONGEST_BACKOFF = 30.0
"""Seconds; no pause of our own choosing is longer."""

LONGEST_OBEYED_PAUSE = 120.0
"""Seconds; who asks for a longer pause gets no retry, but its error is told to the user."""

_TRANSIENT = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_LARGEST_EXPONENT = 30


def is_transient(status: int) -> bool:
    """Whether an answer with ``status`` may be another one next time."""
    return status in _TRANSIENT or status >= SERVER_ERRORS


def backoff(failures: int, base: float, longest: float = LONGEST_BACKOFF) -> float:
    """Return seconds to wait after ``failures`` (1 or more) in a row: exponential, full jitter.

    Drawn evenly from 0 to ``base * 2 ** (failures - 1)``, at most ``longest``, so that many
    clients that failed together do not come back together.
    """
    ceiling = min(longest, base * 2 ** min(failures - 1, _LARGEST_EXPONENT))
    return random.uniform(0, ceiling)  # noqa: S311 - jitter is no secret


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's own time from an answer's lower-case ``headers``; None if untold."""
    return _http_date(headers.get("date", ""))


def asked_pause(status: int, headers: Mapping[str, str], ours: datetime) -> float | None:
    """Return the seconds that an answer asks us to stay away; None if it does not ask.

    ``Retry-After`` is seconds or a date, ``X-Ratelimit-Reset`` UTC epoch seconds. Dates are read
    against the server's own clock, and against ``ours`` only where it does not tell its own. The
    reset counts on a 429 alone: other answers tell it, too, while requests are left.
    """
    now = server_time(headers) or ours
    pause = _retry_after(headers.get("retry-after", ""), now)
    if pause is None and status == HTTPStatus.TOO_MANY_REQUESTS:
        pause = _until_reset(headers.get("x-ratelimit-reset", ""), now)
    return None if pause is None else max(0.0, pause)


def _retry_after(text: str, now: datetime) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    date = _http_date(text)
    return None if date is None else (date - now).total_seconds()


def _until_reset(text: str, now: datetime) -> float | None:
    epoch = _number(text)
    return None if epoch is None else epoch - now.timestamp()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
