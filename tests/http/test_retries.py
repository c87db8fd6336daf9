"""When to try again, and how long to wait before: pure functions, so generated cases."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from twelvelabs_async._http.retries import (
    LONGEST_BACKOFF,
    LONGEST_OBEYED_PAUSE,
    backoff,
    is_transient,
    retry_after,
    server_time,
)

NOW = datetime(2026, 11, 22, 5, 0, 0, tzinfo=UTC)
MONTHS_OFF = NOW - timedelta(days=200)


def http_date(time: datetime) -> str:
    return format_datetime(time, usegmt=True)


def pause(ours: datetime = NOW, *, status: int = 429, **headers: str) -> float | None:
    return retry_after(status, {k.replace("_", "-"): v for k, v in headers.items()}, ours)


@given(status=st.integers(100, 999))
def test_only_some_statuses_may_be_another_answer_next_time(status: int) -> None:
    """Whatever the client did wrong, it would do wrong again."""
    assert is_transient(status) == (
        status in {408, 421, 425, 429} or (status >= 500 and status not in {501, 511})
    )


@given(failures=st.integers(1, 100_000), base=st.floats(0, 1e6), longest=st.floats(0, 1e6))
def test_a_pause_is_never_longer_than_its_ceiling(
    failures: int, base: float, longest: float
) -> None:
    """The ceiling doubles with each failure up to ``longest``; no count of failures overflows."""
    ceiling = min(longest, base * 2.0 ** min(failures - 1, 200))
    assert 0 <= backoff(failures, base, longest) <= ceiling


@pytest.mark.parametrize("failures", [1, 2, 5, 50])
def test_jitter_uses_the_whole_range(failures: int) -> None:
    """Clients that failed together come back spread from at once to the ceiling."""
    ceiling = min(LONGEST_BACKOFF, 0.5 * 2 ** (failures - 1))
    drawn = [backoff(failures, 0.5) for _ in range(2000)]
    assert min(drawn) < 0.05 * ceiling
    assert max(drawn) > 0.95 * ceiling
    assert 0.4 * ceiling < sum(drawn) / len(drawn) < 0.6 * ceiling


@given(seconds=st.integers(0, 10**9))
def test_retry_after_in_seconds_is_taken_as_it_is(seconds: int) -> None:
    """Seconds need no clock."""
    assert pause(MONTHS_OFF, retry_after=str(seconds)) == seconds


@given(seconds=st.integers(0, 10**6), off=st.integers(-(10**7), 10**7))
def test_a_date_is_read_against_the_servers_own_clock(seconds: int, off: int) -> None:
    """Our clock may be months off: with a ``Date`` in the answer it does not matter."""
    ours = NOW + timedelta(seconds=off)
    until = NOW + timedelta(seconds=seconds)
    assert pause(ours, date=http_date(NOW), retry_after=http_date(until)) == seconds
    reset = str(int(until.timestamp()))
    assert pause(ours, date=http_date(NOW), x_ratelimit_reset=reset) == seconds


def test_a_date_is_read_against_our_clock_only_where_the_server_tells_none() -> None:
    """Better than nothing."""
    assert pause(retry_after=http_date(NOW + timedelta(seconds=9))) == 9
    assert pause(date="yesterday", retry_after=http_date(NOW + timedelta(seconds=9))) == 9
    assert pause(x_ratelimit_reset=str(int(NOW.timestamp()) + 9)) == 9


def test_a_date_without_zone_is_utc() -> None:
    """As RFC 9110 has it for the ``-0000`` that the parser takes for 'unknown'."""
    assert server_time({"date": "Sun, 22 Nov 2026 05:00:00 -0000"}) == NOW


def test_retry_after_goes_before_the_reset() -> None:
    """The more specific header wins."""
    assert pause(retry_after="3", x_ratelimit_reset=str(int(NOW.timestamp()) + 90)) == 3


@pytest.mark.parametrize("status", [200, 408, 500, 502, 503])
def test_the_reset_of_a_rate_limit_counts_on_a_429_alone(status: int) -> None:
    """Any answer may tell when the limit starts anew; only a 429 says that it is used up."""
    reset = str(int(NOW.timestamp()) + 90)
    assert pause(status=status, x_ratelimit_reset=reset) is None
    assert pause(status=status, retry_after="3", x_ratelimit_reset=reset) == 3


@pytest.mark.parametrize("text", ["-5", "-1e9", "0", "Sun, 22 Nov 2020 05:00:00 GMT"])
def test_a_pause_that_is_over_is_none_at_all(text: str) -> None:
    """Never a negative pause."""
    assert pause(retry_after=text) == 0
    assert pause(x_ratelimit_reset="12") == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e400",
        "-1e400",
        "12 s",
        "0x10",
        "1,5",
        "\0",
        "\uff11\uff12",
        "1_0",
        "\u0663",
    ],
)
def test_what_cannot_be_read_asks_for_nothing(text: str) -> None:
    """Garbage leaves the pause to us."""
    assert pause(retry_after=text, x_ratelimit_reset=text) is None


@pytest.mark.parametrize("text", ["Fri, 31 Dec 9999 23:59:59 GMT", "1e300", "99999999999999"])
def test_an_absurdly_long_pause_is_longer_than_any_that_we_obey(text: str) -> None:
    """It is told to the user instead."""
    for asked in (pause(retry_after=text), pause(x_ratelimit_reset="1e300")):
        assert asked is not None
        assert asked > LONGEST_OBEYED_PAUSE
        assert len(f"{asked:.0f}") < 20


@given(
    date=st.text(max_size=40),
    retry_after=st.text(max_size=40),
    reset=st.text(max_size=40) | st.floats().map(str) | st.integers().map(str),
)
def test_no_header_whatever_it_holds_can_break_a_pause(
    date: str, retry_after: str, reset: str
) -> None:
    """A server's nonsense is never our exception."""
    asked = pause(date=date, retry_after=retry_after, x_ratelimit_reset=reset)
    assert asked is None or (math.isfinite(asked) and asked >= 0)


_figure = st.integers(-99999, 99999)


@given(date=st.tuples(_figure, _figure, _figure, _figure, _figure, _figure))
def test_no_date_whatever_its_figures_can_break_a_pause(date: tuple[int, ...]) -> None:
    """Day 99, year 0, hour -7 and a zone of 99 hours are no dates, or harmless ones."""
    day, year, hour, minute, second, zone = date
    text = f"Mon, {day} Jan {year} {hour}:{minute}:{second} {zone:+05}"
    for headers in (
        {"retry-after": text},
        {"date": text, "retry-after": "Sun, 22 Nov 2026 05:00:00 GMT"},
        {"date": text, "x-ratelimit-reset": "1e12"},
    ):
        asked = retry_after(429, headers, NOW)
        assert asked is None or (math.isfinite(asked) and asked >= 0)
