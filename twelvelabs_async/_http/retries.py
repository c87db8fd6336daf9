"""When a request is sent again, and after which pause: one set of rules for all requests.

A request is repeated after an answer that may be another one next time, and after none. The pause
is the one that the server asks for, plus a random part, so that many clients that failed together
do not come back together. A connection that had died before the request does not count as a
failure: the request is sent again at once.

Pure, but for the random part: time is handed in.
"""

import math
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from attrs import define

from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    StorageConnectionError,
    TwelveLabsError,
)
from twelvelabs_async.errors._api import SERVER_ERRORS

FIRST_BACKOFF = 0.5
"""Seconds; the longest pause after the first failure of a control call."""

LONGEST_BACKOFF = 30.0
"""Seconds; no pause of our own choosing is longer."""

LONGEST_OBEYED_PAUSE = 120.0
"""Seconds; a server that asks for a longer pause gets no retry: the user gets its error."""

_TRANSIENT = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_FINAL = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED}
"""Server errors that no repetition can change; the second one asks to log in to a network."""

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_MOST = 1e12
"""Seconds, in a pause or since the epoch: what is larger is as good as this, and long to write."""

_LARGEST_EXPONENT = 30


@define
class RetryCount:
    """What one request has cost so far, and what it may cost.

    Attributes:
        max_retries: Further attempts after the first failure.
        most_stale: Stale connections that are no failure, in all attempts together.
        failures: Attempts that have failed.
        stale: Attempts that were lost with a stale connection, and do not count as failures.
    """

    max_retries: int
    most_stale: int
    failures: int = 0
    stale: int = 0

    def after(
        self, failure: TwelveLabsError, *, final: bool = False, at_gate: bool = False
    ) -> float | None:
        """Count a failed attempt, and return the seconds before the next one; None: give up.

        Args:
            failure: How the attempt ended.
            final: Whether another attempt would end the same.
            at_gate: Whether the rate gate already holds the next attempt back for as long as
                ``failure`` asks.
        """
        if is_stale(failure) and self.stale < self.most_stale:
            self.stale += 1
            return 0.0
        self.failures += 1
        if final:
            return None
        asked = failure.retry_after
        return retry_pause(self.failures, self.max_retries, asked=asked, at_gate=at_gate)


def is_stale(failure: TwelveLabsError) -> bool:
    """Whether a request was lost with a connection that had served another one before."""
    if isinstance(failure, ApiConnectionError | StorageConnectionError):
        return failure.stale_connection
    return False


def retry_pause(
    failures: int,
    max_retries: float,
    *,
    asked: float | None = None,
    at_gate: bool = False,
    base: float = FIRST_BACKOFF,
    longest: float = LONGEST_BACKOFF,
) -> float | None:
    """Return the seconds to wait after failures in a row; None: give up.

    Args:
        failures: How many there were, 1 or more.
        max_retries: After how many further attempts to give up.
        asked: Seconds that the last answer asked for; None: none.
        at_gate: Whether the rate gate already holds requests back for the ``asked`` seconds.
        base: As of ``backoff``.
        longest: As of ``backoff``.
    """
    asked = asked or 0.0
    if failures > max_retries or asked > LONGEST_OBEYED_PAUSE:
        return None
    return backoff(failures, base, longest) + (0.0 if at_gate else asked)


def backoff(failures: int, base: float, longest: float = LONGEST_BACKOFF) -> float:
    """Return seconds to wait after failures in a row: exponential backoff with full jitter.

    It is drawn evenly from 0 to ``base * 2 ** (failures - 1)``, and to ``longest`` at most.

    Args:
        failures: How many there were, 1 or more.
        base: The longest pause after the first one, in seconds.
        longest: The longest pause of all, in seconds.
    """
    ceiling = min(longest, base * 2 ** min(failures - 1, _LARGEST_EXPONENT))
    return random.uniform(0, ceiling)  # noqa: S311 - jitter is no secret


def error_after(
    attempts: int, failure: ApiError | ApiConnectionError
) -> ApiError | ApiConnectionError:
    """Return the error of a request that was given up after ``attempts``, 1 or more.

    It says how many there were where none of them was answered.
    """
    if attempts == 1 or isinstance(failure, ApiError):
        return failure
    last = type(failure)(f"{failure} (tried {attempts} times)")
    last.lacks_descriptors = failure.lacks_descriptors
    return last


def is_transient(status: int) -> bool:
    """Whether an answer with the HTTP ``status`` may be another one next time."""
    return status in _TRANSIENT or (status >= SERVER_ERRORS and status not in _FINAL)


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's time, from an answer's lower-case ``headers``; None if it has none."""
    return _http_date(headers.get("date", ""))


def retry_after(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that an answer asks to wait before another request; None: it does not.

    ``Retry-After`` is seconds or a date, ``X-Ratelimit-Reset`` UTC seconds of the epoch. The latter
    counts on a 429 only: other answers have it, too, while requests are left.

    Args:
        status: The HTTP status.
        headers: The answer's headers, lower-case names.
        now: Our own time, for dates in an answer that does not say what time the server has.
    """
    now = server_time(headers) or now
    pause = _parse_retry_after(headers.get("retry-after", ""), now)
    if pause is None and status == HTTPStatus.TOO_MANY_REQUESTS:
        pause = _until_reset(headers.get("x-ratelimit-reset", ""), now)
    return None if pause is None else max(0.0, pause)


def _parse_retry_after(text: str, now: datetime) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    date = _http_date(text)
    return None if date is None else (date - now).total_seconds()


def _until_reset(text: str, now: datetime) -> float | None:
    epoch = _number(text)
    return None if epoch is None else epoch - now.timestamp()


def _number(text: str) -> float | None:
    """Return a decimal number as headers write it, ``_MOST`` at most; None for anything else."""
    number = float(text) if _DECIMAL.fullmatch(text) else math.nan
    return min(number, _MOST) if math.isfinite(number) else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
