"""Have a good presigned URL at hand for each chunk that is to be sent.

The platform gives up to 50 URLs a call. They are fetched before they are needed, replaced when
they are too old, and one call serves all workers that wait for it.
"""

import asyncio
from collections.abc import Container
from contextlib import suppress
from datetime import datetime
from itertools import chain

from attrs import define, field

from twelvelabs_async._core import clock
from twelvelabs_async._core.tasks import end_all
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.retry_policy import FailureKind, failure_kind
from twelvelabs_async._upload.plan.url_book import UrlBook, UrlLease
from twelvelabs_async._upload.session_calls import SessionCalls
from twelvelabs_async._upload.steps.retrier import Retrier
from twelvelabs_async.errors import StorageConnectionError, StorageError, TwelveLabsError
from twelvelabs_async.models.uploads import PresignedUrlChunk

CALLS_FOR_A_URL = 3
"""How often URLs are asked for when answers leave out the chunk that needs one."""


@define(eq=False, repr=False)
class UrlSupply:
    """The presigned URLs of one upload.

    Attributes:
        _under_way: The chunks whose PUT is under way, by index. No URL is asked for them: a new one
            might void the one in use.
        _ahead: How many waiting chunks shall have their URLs before their turn comes.
    """

    _book: UrlBook
    _ledger: Ledger
    _platform: SessionCalls
    _retrier: Retrier
    _under_way: Container[int]
    _ahead: int
    _fetching: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _prefetch: asyncio.Task[None] | None = field(default=None, init=False)

    def has(self, index: int) -> bool:
        """Whether a good URL of a chunk is in hand."""
        return self._book.has(index, clock.monotonic())

    def take(self, index: int) -> UrlLease | None:
        """Give out the URL of a chunk, for one PUT; None: there is no good one."""
        return self._book.take(index, clock.monotonic())

    def attempt_failed(self, index: int, lease: UrlLease, failure: StorageError) -> None:
        """Note how a PUT failed: an unused URL is kept, an expired one takes others with it."""
        if failure_kind(failure) is FailureKind.EXPIRED:
            self._book.expire(lease)
        if isinstance(failure, StorageConnectionError) and failure.unsent:
            self._book.give_back(index, lease)

    async def fetch(self, index: int) -> None:
        """Wait until a good URL of a chunk is in hand; one call serves all that wait.

        Raises:
            StorageError: The platform's answers leave that chunk out.
            ApiError: The platform refused.
            ApiConnectionError: It has not answered for as long as the retry policy waits.
        """
        async with self._fetching:
            for _ in range(CALLS_FOR_A_URL):
                if self.has(index):
                    return
                await self._fetch(index)
            if not self.has(index):
                raise StorageError("the platform sends no URL for the chunk", chunk_index=index)

    async def renew(self, index: int) -> None:
        """Wait until a URL of a chunk is in hand that was asked for seconds ago; raises as above.

        For a chunk whose URL the store called too old although none was known to be: it waited for
        its slot, and the next one might, too.
        """
        self._book.drop_old(index, clock.monotonic())
        await self.fetch(index)

    def fetch_ahead(self) -> None:
        """Start to fetch URLs, in a task, before a worker has to wait for them."""
        if self._prefetch is not None and not self._prefetch.done():
            return
        now = clock.monotonic()
        started = (index for index in self._ledger.in_flight if index not in self._under_way)
        for index in chain(started, self._ledger.upcoming(self._ahead)):
            if not self._book.has(index, now):
                self._prefetch = asyncio.create_task(self._fetch_quietly(index))
                return

    async def close(self) -> None:
        """End the task that fetches ahead, and wait until it has ended."""
        if self._prefetch is not None:
            await end_all([self._prefetch])

    async def _fetch_quietly(self, index: int) -> None:
        with suppress(TwelveLabsError):  # a worker that needs the URL asks again, and raises
            async with self._fetching:
                if self._is_wanted(index) and not self.has(index):
                    await self._fetch(index, waits=False)

    def _is_wanted(self, index: int) -> bool:
        """Whether a chunk is still to be sent, and no PUT of it is under way."""
        if index in self._ledger.in_flight:
            return index not in self._under_way
        return self._ledger.is_waiting(index)

    async def _fetch(self, first: int, *, waits: bool = True) -> None:
        """Ask for URLs of ``first`` and chunks behind it.

        Args:
            first: The chunk, from 1.
            waits: Whether to wait for the end of an outage; only one task at a time should.
        """
        asked_at = clock.monotonic()
        start, count = self._book.gap(first, self._is_wanted, asked_at)

        async def ask() -> tuple[tuple[PresignedUrlChunk, ...], datetime | None]:
            nonlocal asked_at  # an outage may lie between this attempt and the first
            asked_at = clock.monotonic()
            return await self._platform.presigned_urls(start, count)

        urls, server_time = await (self._retrier.call(ask) if waits else ask())
        now = clock.monotonic()
        self._retrier.policy.heard(now)
        asked_for = range(start, start + count)
        found = [url for url in urls if url.chunk_index in asked_for]
        self._book.add(found, asked_at, now, server_time)
