"""A URL is given away once, for as long as it works by the server's clock."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from support.memory_platform import choose_profile

from twelvelabs_async._upload.plan.url_book import MARGIN, MOST_URLS, UrlBook, UrlLease
from twelvelabs_async.models.uploads import PresignedUrlChunk

choose_profile()

SERVER = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3_600.0


def url(index: int, lifetime: float | None = HOUR, since: datetime = SERVER) -> PresignedUrlChunk:
    """Return a URL; ``lifetime`` in seconds, None: not told."""
    until = None if lifetime is None else since + timedelta(seconds=lifetime)
    return PresignedUrlChunk(index, f"https://store.example/{index}", until)


def book(*indexes: int, at: float = 0.0, lifetime: float = HOUR) -> UrlBook:
    """Return a book with URLs of one answer."""
    made = UrlBook()
    made.add([url(index, lifetime) for index in indexes], at, at, SERVER)
    return made


def taken(urls: UrlBook, index: int, now: float = 0.0) -> UrlLease:
    """Take a URL that must be there."""
    lease = urls.take(index, now)
    assert lease is not None
    return lease


@given(indexes=st.lists(st.integers(1, 20), unique=True), now=st.floats(0, 2 * HOUR))
def test_a_url_is_given_once(indexes: list[int], now: float) -> None:
    """Even one that turns out to be too old is gone: a single-use URL is never put back."""
    urls = book(*indexes)
    for index in indexes:
        had = urls.has(index, now)
        lease = urls.take(index, now)
        assert (lease is not None) == had == (now < HOUR - MARGIN)
        assert lease is None or lease.url == url(index).url
        assert not urls.has(index, 0.0)
        assert urls.take(index, 0.0) is None


@given(
    asked_at=st.floats(0, 1e6),
    lifetime=st.integers(31, 10_000),
    hours_off=st.floats(-24, 24),
    waited=st.floats(0, 20_000),
)
def test_a_lifetime_is_counted_from_the_clock_of_the_server(
    asked_at: float, lifetime: int, hours_off: float, waited: float
) -> None:
    """A server hours off ours gives URLs as long a life as one that is not."""
    theirs = SERVER + timedelta(hours=hours_off)
    urls = UrlBook()
    urls.add([url(1, lifetime, theirs)], asked_at, asked_at, theirs)
    until = asked_at + lifetime - MARGIN
    assert urls.has(1, asked_at + waited) == (asked_at + waited < until)
    assert taken(urls, 1, asked_at).good_until == pytest.approx(until)


@given(lifetime=st.floats(-HOUR, MARGIN), now=st.floats(0, 1e6))
def test_a_url_that_is_born_too_old_is_tried_all_the_same_and_once(
    lifetime: float, now: float
) -> None:
    """One of the clocks is not to be trusted then, and only the store knows."""
    urls = book(1, at=now, lifetime=lifetime)
    assert taken(urls, 1, now + HOUR).good_until == math.inf
    assert urls.take(1, now) is None


def test_a_url_whose_end_is_not_told_is_used() -> None:
    """The platform may tell neither when it ends nor what time it is."""
    urls = UrlBook()
    urls.add([url(1, None)], 0.0, 0.0, SERVER)
    urls.add([url(2)], 0.0, 0.0, None)
    assert taken(urls, 1, 1e9).good_until == taken(urls, 2, 1e9).good_until == math.inf


def test_a_newer_url_replaces_an_older_one() -> None:
    """The platform voids the older one."""
    urls = book(1)
    newer = PresignedUrlChunk(1, "https://store.example/newer")
    urls.add([newer], 5.0, 5.0, SERVER)
    assert taken(urls, 1).url == newer.url
    assert urls.take(1, 0.0) is None


@given(
    first=st.integers(1, 80),
    wanted=st.sets(st.integers(1, 150)),
    good=st.sets(st.integers(1, 150)),
    stale=st.sets(st.integers(1, 150)),
)
def test_a_request_covers_what_is_wanted_and_nothing_else(
    first: int, wanted: set[int], good: set[int], stale: set[int]
) -> None:
    """From the first chunk on, without a hole, at most 50: it ends where it would void a URL."""
    urls = book(*stale - good, lifetime=40)
    urls.add([url(index) for index in sorted(good)], 0.0, 0.0, SERVER)
    start, count = urls.gap(first, wanted.__contains__, now=20)
    assert start == first
    assert 1 <= count <= MOST_URLS == 50
    behind = range(first + 1, first + count)
    assert wanted.issuperset(behind)
    assert good.isdisjoint(behind)
    following = first + count
    assert count == 50 or following not in wanted or following in good


def test_a_request_reaches_fifty_chunks_far() -> None:
    """The platform makes no more URLs a call."""
    assert UrlBook().gap(7, lambda _: True, 0.0) == (7, 50)


def test_a_request_for_one_chunk_does_not_ask_whether_it_waits() -> None:
    """The first chunk is wanted by whoever asks."""
    assert UrlBook().gap(7, lambda _: False, 0.0) == (7, 1)


def test_an_expired_url_takes_its_siblings_and_elders_with_it() -> None:
    """What came later is still good: it was signed later."""
    urls = UrlBook()
    for indexes in ((1, 2), (3, 4), (5, 6)):
        urls.add([url(index) for index in indexes], 0.0, 0.0, SERVER)
    urls.expire(taken(urls, 3))
    assert [index for index in range(1, 7) if urls.has(index, 0.0)] == [5, 6]


def test_leases_do_not_show_their_signature() -> None:
    """A signature in a log is a key on the table."""
    urls = UrlBook()
    urls.add([PresignedUrlChunk(1, "https://store.example/1?signature=secret")], 0.0, 0.0, None)
    assert "secret" not in repr(urls)


def test_a_url_that_a_slow_answer_used_up_is_tried_all_the_same() -> None:
    """Its lifetime, counted from the question, is over when it comes; only the store can know."""
    urls = UrlBook()
    urls.add([url(1, 35.0)], 0.0, 10.0, SERVER)
    assert urls.take(1, 10.0) is not None
