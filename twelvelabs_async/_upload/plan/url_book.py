"""Decide which presigned URL may be used, and which to ask for. Pure: time is handed in.

A URL works once and for an hour by the server's clock, which may be hours off ours: its lifetime is
the server's ``expires_at`` minus the server's own time, counted on our monotonic clock. A URL that
looks dead on arrival is tried all the same, for then one of the clocks is not to be trusted and
only the store knows. Assumed: a new URL of a chunk may void the older one, so nothing is asked for
a chunk that is in flight. Facts: API reference, v1.3, "Request additional presigned URLs".
"""

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count, takewhile

from attrs import Factory, define, field, frozen

from twelvelabs_async._core.redaction import repr_without_query
from twelvelabs_async.models.uploads import PresignedUrlChunk

MOST_URLS = 50
"""URLs a call; the platform makes no more."""

MARGIN = 30.0
"""Seconds before its end from which a URL is not used any more: it has to get there, too."""


@frozen
class UrlLease:
    """A URL for one PUT.

    Attributes:
        url: The presigned URL, byte for byte as signed.
        asked_at: Our monotonic seconds when it was asked for.
        good_until: Our monotonic seconds from which on it is replaced; infinity: not known.
        batch: Which answer it came in; when the store calls one expired, its siblings are too.
    """

    url: str = field(repr=repr_without_query)
    asked_at: float
    good_until: float
    batch: int


@define
class UrlBook:
    """The URLs in hand, at most one for each chunk."""

    _leases: dict[int, UrlLease] = Factory(dict[int, UrlLease])
    _batches: int = 0

    def add(
        self,
        urls: Iterable[PresignedUrlChunk],
        asked_at: float,
        received_at: float,
        server_time: datetime | None,
    ) -> None:
        """Keep the URLs of one answer.

        Args:
            urls: What the platform sent.
            asked_at: Our monotonic seconds when it was asked, so that a slow answer errs early.
            received_at: Our monotonic seconds when it answered.
            server_time: The server's own time in that answer; None: not known.
        """
        self._batches += 1
        for chunk in urls:
            # in this order, so that a sum that is no later than now is not rounded to be later
            good_until = asked_at + (_lifetime(chunk.expires_at, server_time) - MARGIN)
            if good_until <= received_at:
                good_until = math.inf
            self._leases[chunk.chunk_index] = UrlLease(
                chunk.url, asked_at, good_until, self._batches
            )

    def has(self, index: int, now: float) -> bool:
        """Whether a URL of chunk ``index`` is in hand and still good."""
        lease = self._leases.get(index)
        return lease is not None and now < lease.good_until

    def take(self, index: int, now: float) -> UrlLease | None:
        """Remove and return the URL of chunk ``index``; None: there is no good one."""
        lease = self._leases.pop(index, None)
        return lease if lease is not None and now < lease.good_until else None

    def give_back(self, index: int, lease: UrlLease) -> None:
        """Keep a URL that was taken and not used."""
        self._leases.setdefault(index, lease)

    def drop_old(self, index: int, now: float) -> None:
        """Drop the URL of chunk ``index`` if it may have waited too long, whatever its end is."""
        lease = self._leases.get(index)
        if lease is not None and now - lease.asked_at > MARGIN:
            del self._leases[index]

    def gap(self, first: int, wanted: Callable[[int], bool], now: float) -> tuple[int, int]:
        """Return ``(start, count)`` of one request for URLs: ``first`` and those wanted behind it.

        The run ends before a chunk that is not wanted or that has a good URL, and at 50.
        """
        rest = takewhile(lambda i: wanted(i) and not self.has(i, now), count(first + 1))
        return first, 1 + sum(1 for _ in zip(range(MOST_URLS - 1), rest, strict=False))

    def expire(self, lease: UrlLease) -> None:
        """Drop all URLs that are as old as one that the store called expired, or older."""
        self._leases = {i: t for i, t in self._leases.items() if t.batch > lease.batch}


def _lifetime(expires_at: datetime | None, server_time: datetime | None) -> float:
    """Return seconds from ``server_time`` to ``expires_at``; infinity where either is unknown."""
    if expires_at is None or server_time is None:
        return math.inf
    return (expires_at - server_time).total_seconds()
