"""The walk of one upload: slice -> URL -> PUT -> ETag -> report -> asset URL.

A few workers pull the next slice and take it all the way, so memory grows with their number and
with nothing else, and nobody waits for anybody: a full batch is reported by whoever filled it
while the others go on. Every decision is made in the pure objects (ledger, URL book, patience);
here is only the order of things. No chunk is reported before its ETag is in the journal. When an
upload ends early, the ETags in hand are written to the journal and reported first: nobody else
knows them.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain, islice
from typing import Protocol, TypeVar

from attrs import Factory, define, evolve, field

from twelvelabs_async._core import clock
from twelvelabs_async._core.slots import Slot, Slots
from twelvelabs_async._core.tasks import cancelled_once, end_all, run_all
from twelvelabs_async._http.retries import backoff
from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.retry_policy import (
    FailureKind,
    RetryPolicy,
    RetryState,
    failure_kind,
)
from twelvelabs_async._upload.plan.session import UploadSession, is_id
from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.plan.url_book import UrlBook, UrlLease
from twelvelabs_async._upload.resume.checkpoint import Checkpoint
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async._upload.send.body import SliceBody
from twelvelabs_async._upload.send.storage import Storage
from twelvelabs_async._upload.source.digest import FileDigest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    AssetUnknownError,
    BadRequestError,
    ChunkFailedError,
    ClientClosedError,
    IncompleteUploadError,
    JournalLostError,
    StorageConnectionError,
    StorageError,
    TwelveLabsError,
)
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.results import (
    UploadProgress,
    UploadResult,
)
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    GetUploadStatusResponse,
    MultipartUploadStatusType,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
)

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")

RESCUE_SECONDS = 5.0
"""Seconds that an upload which ends early may take to report the ETags in hand."""

RESCUE_BATCH = 500
"""Chunks in one report of an upload that ends early: some 50 KB, which any server takes."""

SETTLING_LOOKS = 6
"""How often the platform is asked again when its count lags behind its reports."""

LEAST_SETTLING_DELAY = 1.0
"""Seconds; stands in for a smaller ``retry_delay`` between those looks."""

URL_PAUSES = (1.0, 2.0, 4.0, 6.0, 8.0)
"""Seconds between questions for the URL of an asset that is complete. Assumed: a URL that comes
late comes within seconds; 21 of them delay nobody for long whose platform names no URL at all."""

URL_SECONDS = 30.0
"""Seconds after which these questions end, however slowly they are answered."""

TRIES_FOR_A_URL = 3
"""How often URLs are asked for when answers leave out the chunk that needs one."""

MOST_SHOWN = 10
"""Failed chunks that the log names."""

_DEAD = frozenset({MultipartUploadStatusType.FAILED, MultipartUploadStatusType.EXPIRED})

HasUrl = GetUploadStatusResponse | AssetDetail | ReportChunkBatchResponse


class Platform(Protocol):
    """What an upload needs of the platform, for its own session."""

    async def presigned_urls(
        self, start: int, count: int
    ) -> tuple[tuple[PresignedUrlChunk, ...], datetime | None]:
        """Return fresh URLs of ``count`` chunks from ``start``, and the server's own time."""
        ...

    async def report(
        self, chunks: tuple[CompletedChunk, ...], *, urgent: bool = False
    ) -> ReportChunkBatchResponse:
        """Tell the platform that the store holds ``chunks``.

        Args:
            chunks: The chunks.
            urgent: Whether it is sent though the platform asked the account to stay away.
        """
        ...

    async def status(self) -> GetUploadStatusResponse:
        """Ask where the session stands."""
        ...

    async def failed(self, total_chunks: int) -> Mapping[int, str]:
        """Ask which chunks are marked as failed though they were reported, and why, by index."""
        ...

    async def asset(self, asset_id: str) -> AssetDetail:
        """Ask for the asset that the session makes."""
        ...


@define(eq=False, repr=False)
class Uploader:
    """Carries one file to the platform; used once.

    Attributes:
        session: The upload session.
        source: The file.
        ledger: Where each chunk is.
        urls: The presigned URLs in hand.
        platform: The control calls of this session.
        storage: The way to the object store.
        retry_policy: What is tried again, and when.
        slots: The client's bound on PUTs under way; not held for a pause.
        crowded: Whether other uploads are under way, which have descriptors.
        max_workers: PUTs of this upload under way at once.
        checkpoint: Records what is to outlive this process.
        check: What is made of the store's ETags.
        digest: The file's digest, under way.
        comparison: Whether what is stored is of the file as it is now.
    """

    session: UploadSession
    source: Source
    ledger: Ledger
    urls: UrlBook
    platform: Platform
    storage: Storage
    retry_policy: RetryPolicy
    slots: Slots
    max_workers: int
    checkpoint: Checkpoint
    check: EtagCheck = field(factory=EtagCheck)
    crowded: Callable[[], bool] = bool
    digest: FileDigest = field(factory=FileDigest)
    comparison: Comparison = field(
        default=Factory(lambda self: Comparison(self.source, self.ledger.slices), True)
    )
    _own_slots: Slots = field(
        default=Factory(lambda self: Slots(self.max_workers, early=self.slots.early), True),
        init=False,
    )
    _refresh: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _prefetch: asyncio.Task[None] | None = field(default=None, init=False)
    _sending: dict[int, SliceBody] = field(factory=dict[int, SliceBody], init=False)
    _waiting: bool = field(default=False, init=False)
    _contradicted: bool = field(default=False, init=False)
    _failed: Counter[int] = field(factory=Counter[int], init=False)
    """How often the platform has marked a chunk as failed that was reported."""

    async def run(self) -> UploadResult:
        """Upload every chunk, report it, and return the asset.

        Cancelled or failed, it has ended its requests, and has tried for a few seconds to report
        the ETags in hand.

        Raises:
            TwelveLabsError: What ended the upload; the first of it, where several things did.
        """
        try:
            await self._work_all()
            await self._settle()
            await self._find_asset()
            return self._result(await self.digest.value())
        except BaseException:
            with cancelled_once():
                await self._rescue()
            raise

    async def _work_all(self) -> None:
        # with early slots, as many again wait for answers
        most = 2 * self.max_workers if self.slots.early else self.max_workers
        workers = min(most, len(self.ledger.slices))
        try:
            await run_all(self._work() for _ in range(workers))
        finally:
            if self._prefetch is not None:
                await end_all([self._prefetch])

    async def _work(self) -> None:
        await self._report_batches()  # of an earlier attempt
        while piece := self._next():
            self._fetch_ahead()
            for chunk in await self._put(piece):
                await self._save(chunk)
            await self._report_batches()

    async def _save(self, chunk: CompletedChunk) -> None:
        """Write a chunk's ETag to the journal, and only then let the chunk be reported."""
        await self.checkpoint.stored(chunk)
        self.ledger.saved(chunk)

    def _next(self) -> Slice | None:
        """Return what to send next; None: nothing is left for this worker."""
        if not self.ledger.waiting and not self.ledger.in_flight:
            self.ledger.requeue_unverified(
                1
            )  # nothing else is to come that could tell what is in doubt
        return self.ledger.start_next()

    async def _report_batches(self) -> None:
        await self.comparison.settle()  # the sooner, the less is sent of a file that has changed
        while batch := self.ledger.claim_batch():
            await self._report(batch)

    async def _put(self, piece: Slice) -> tuple[CompletedChunk, ...]:
        """Send a chunk and return those whose ETags can be relied on since.

        Each attempt takes another URL, for a URL works once.
        """
        attempts = RetryState(
            answers=self.check.mismatches[piece.index] + self._failed[piece.index]
        )
        while True:
            await self._have_url(piece.index)
            async with self._own_slots.acquire() as own, self.slots.acquire() as shared:
                ticket = self.urls.take(piece.index, clock.monotonic())
                if ticket is None:  # it grew too old while others had the slots
                    continue
                began = clock.monotonic()
                try:
                    chunks = await self._send(piece, ticket, own, shared)
                except StorageError as error:
                    failure = error
                else:
                    self.retry_policy.arrived(clock.monotonic())
                    self._tell_return()
                    return chunks
            if failure_kind(failure) is FailureKind.EXPIRED:
                self.urls.expire(ticket)
            if isinstance(failure, StorageConnectionError) and failure.unsent:
                self.urls.give_back(piece.index, ticket)
            await self._wait_to_retry(failure, attempts, began)

    async def _send(
        self, piece: Slice, ticket: UrlLease, own: Slot, shared: Slot
    ) -> tuple[CompletedChunk, ...]:
        body = self.storage.body(self.source, piece, hashed=self.check.wanted)
        body.when_sent = (own.release_if_early, shared.release_if_early)
        body.when_stuck = shared.release
        self._sending[piece.index] = body
        began = self.source.version
        try:
            etag = await self.storage.put(ticket.url, self.session.upload_headers, body)
        finally:
            del self._sending[piece.index]
        return self._shelve(piece, etag, body.md5, began)

    def _shelve(
        self, piece: Slice, etag: str, md5: str | None, began: int
    ) -> tuple[CompletedChunk, ...]:
        """Put a chunk where it belongs, and what was in doubt if that is settled now."""
        sound = self.check.judge(piece.index, etag, md5)
        self.comparison.note(piece.index, etag, md5, began)
        if not sound:
            self.ledger.hold_back(piece, etag)
            return ()
        if self.check.proven:
            self.ledger.requeue_unverified()
        trusted = self.ledger.accept_unverified() if self.check.given_up else ()
        return *trusted, self.ledger.store(piece, etag)

    async def _wait_to_retry(
        self, failure: TwelveLabsError, attempts: RetryState, began: float
    ) -> None:
        """Wait before the next attempt; raise ``failure`` when there is none."""
        now = clock.monotonic()
        crowded = failure.lacks_descriptors and (bool(self._sending) or self.crowded())
        pause = self.retry_policy.pause(failure, attempts, began=began, now=now, crowded=crowded)
        if pause is None:
            raise failure
        self._tell_waiting(pause, failure, waiting=attempts.silences > 0)
        await self.storage.pause(pause)

    def _tell_waiting(self, pause: float, failure: TwelveLabsError, *, waiting: bool) -> None:
        """Log a retry; an outage only when it begins, so that it is seen and does not flood."""
        if waiting and not self._waiting:
            self._waiting = True
            text = "upload %s: waiting for the network, %g s at most: %s"
            outage = self.retry_policy.outage_timeout
            logger.warning(text, self.session.upload_id, outage, failure)
        else:
            text = "upload %s: retrying in %.1f s: %s"
            logger.info(text, self.session.upload_id, pause, failure)

    def _tell_return(self) -> None:
        if self._waiting:
            self._waiting = False
            logger.warning("upload %s: the network is back", self.session.upload_id)

    async def _have_url(self, index: int) -> None:
        """See to it that a good URL of a chunk is in hand; one request serves all who wait."""
        if self.urls.has(index, clock.monotonic()):
            return
        async with self._refresh:
            tries = 0
            while not self.urls.has(index, clock.monotonic()):
                if tries == TRIES_FOR_A_URL:
                    problem = "the platform sends no URL for the chunk"
                    raise StorageError(problem, chunk_index=index)
                await self._fetch_urls(index)
                tries += 1

    def _fetch_ahead(self) -> None:
        """Have URLs fetched before a worker has to wait for them."""
        if self._prefetch is not None and not self._prefetch.done():
            return
        now = clock.monotonic()
        started = (index for index in self.ledger.in_flight if index not in self._sending)
        for index in chain(started, self.ledger.upcoming(self.max_workers)):
            if not self.urls.has(index, now):
                self._prefetch = asyncio.create_task(self._fetch_quietly(index))
                return

    async def _fetch_quietly(self, index: int) -> None:
        with suppress(TwelveLabsError):  # who needs the URL will ask again, and tell
            async with self._refresh:
                if self._wants_url(index) and not self.urls.has(index, clock.monotonic()):
                    await self._fetch_urls(index, waits=False)

    def _wants_url(self, index: int) -> bool:
        """Whether a chunk has yet to be sent; one in flight keeps the URL that it has."""
        if index in self.ledger.in_flight:
            return index not in self._sending
        return self.ledger.is_waiting(index)

    async def _fetch_urls(self, first: int, *, waits: bool = True) -> None:
        """Ask for URLs; an outage is waited out by whoever ``waits``, or it would be twice."""
        asked_at = clock.monotonic()
        start, count = self.urls.gap(first, self._wants_url, asked_at)

        async def ask() -> tuple[tuple[PresignedUrlChunk, ...], datetime | None]:
            nonlocal asked_at  # an outage may lie between this attempt and the first
            asked_at = clock.monotonic()
            return await self.platform.presigned_urls(start, count)

        urls, server_time = await (self._ask(ask) if waits else ask())
        self.retry_policy.heard(clock.monotonic())
        asked_for = range(start, start + count)
        found = [url for url in urls if url.chunk_index in asked_for]
        self.urls.add(found, asked_at, clock.monotonic(), server_time)

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a control call, again while the network is down."""
        attempts = RetryState()
        while True:
            began = clock.monotonic()
            try:
                answer = await call()
            except ApiConnectionError as error:
                failure = error
            else:
                self.retry_policy.heard(clock.monotonic())
                return answer
            await self._wait_to_retry(failure, attempts, began)

    async def _report(self, batch: tuple[CompletedChunk, ...]) -> None:
        await self._make_sure()
        try:
            answer = await self._ask(lambda: self.platform.report(batch))
        except BadRequestError:
            self.ledger.refuse(batch)
            # so that a later attempt does not report them, too
            await self.checkpoint.void([chunk.chunk_index for chunk in batch])
            raise
        self._confirm(batch, answer)

    def _confirm(self, batch: tuple[CompletedChunk, ...], answer: ReportChunkBatchResponse) -> None:
        credible = self._credible(answer.asset_id)
        if credible != answer.asset_id:
            answer = evolve(answer, asset_id=credible)
        self.ledger.confirm(batch, answer)

    def _credible(self, asset_id: str | None) -> str | None:
        """Return the asset's id as a report names it, where nothing else names it or it agrees."""
        if not asset_id:
            return None
        known = self.asset_id
        if asset_id == known or (known is None and is_id(asset_id)):
            return asset_id
        if not self._contradicted:
            self._contradicted = True
            text = "upload %s: a report names the asset %.100r, which is ignored: %s"
            why = "it is no id" if known is None else f"the session's is {known}"
            logger.warning(text, self.session.upload_id, asset_id, why)
        return None

    async def _make_sure(self) -> None:
        """See to it that what is reported is of one file, and its digest, too, at the end."""
        await self.comparison.settle()
        while self.ledger.finishing:
            await self.digest.value()
            if not self.comparison.due:
                return
            await self.comparison.settle()

    async def _rescue(self) -> None:
        """Save and report the ETags in hand, within a bound; nobody else knows them."""
        with suppress(TwelveLabsError, TimeoutError):
            async with clock.timeout(RESCUE_SECONDS):
                await self._save_rest()
                if chunks := self.ledger.claim_all():
                    await self.source.look()  # or who goes on would mix it with another
                    if not self.comparison.due:
                        await self._rescue_report(chunks)

    async def _rescue_report(self, chunks: tuple[CompletedChunk, ...]) -> None:
        for start in range(0, len(chunks), RESCUE_BATCH):
            batch = chunks[start : start + RESCUE_BATCH]
            self._confirm(batch, await self.platform.report(batch, urgent=True))

    async def _save_rest(self) -> None:
        """Save what an interrupted worker did not; what cannot be saved is not reported."""
        unsaved = tuple(self.ledger.unsaved.values())
        if not unsaved:
            return
        with suppress(JournalLostError, TimeoutError):
            async with clock.timeout(RESCUE_SECONDS / 2):
                await run_all(self._save(chunk) for chunk in unsaved)

    async def _settle(self) -> None:
        """Wait until the platform has counted every chunk; send again what it marks as failed.

        Its count may lag behind its reports.
        """
        looks, rounds = 0, 0
        while not self.ledger.complete:
            looks += 1
            least = max(self.retry_policy.retry_delay, LEAST_SETTLING_DELAY)
            await self.storage.pause(backoff(looks + rounds, least))
            failed = await self._look(last=looks == SETTLING_LOOKS)
            if failed:
                await self._send_again(failed)
                looks, rounds = 0, rounds + 1

    async def _look(self, *, last: bool) -> Mapping[int, str]:
        """Ask for the platform's count; return the chunks that it marks as failed, and why.

        Raises:
            IncompleteUploadError: The session is over without them, or this was the last look.
        """
        seen = await self._ask(self.platform.status)
        self.ledger.completed = seen.status == MultipartUploadStatusType.COMPLETED
        self.ledger.count(seen.chunks_completed or 0)
        self.ledger.name_asset(seen.url)
        failed: Mapping[int, str] = {}
        if self.ledger.complete:
            return failed
        counted, total = self.ledger.total_completed, len(self.ledger.slices)
        alive = seen.status not in _DEAD
        if alive and (last or seen.chunks_failed != 0):  # where it is not told, pages may tell
            failed = await self._ask(lambda: self.platform.failed(total))
        if not alive or (last and not failed):
            raise IncompleteUploadError(counted, total, seen.status)
        return failed

    async def _send_again(self, failed: Mapping[int, str]) -> None:
        """Send chunks that were reported, and that the platform marks as failed.

        Raises:
            ChunkFailedError: One of them was sent as often as it may be.
        """
        text = "upload %s: sending again what failed, %d chunks: %s"
        shown = dict(islice(failed.items(), MOST_SHOWN))
        logger.info(text, self.session.upload_id, len(failed), shown)
        await self.checkpoint.void(failed.keys())  # before another ETag is noted
        self.ledger.requeue_reported(failed.keys())
        self._failed.update(failed.keys())
        for index, reason in sorted(failed.items()):
            if self._failed[index] > self.retry_policy.max_retries:
                raise ChunkFailedError(index, reason, self._failed[index])
        try:
            await self._work_all()
        except (ApiError, ApiConnectionError, StorageError):
            if not await self._is_completed():  # it may have been counted late, after all
                raise
            self.ledger.completed = True

    async def _is_completed(self) -> bool:
        with suppress(ApiError, ApiConnectionError):
            seen = await self.platform.status()
            return seen.status == MultipartUploadStatusType.COMPLETED
        return False

    async def _find_asset(self) -> None:
        """Ask for what the reports did not tell of the asset: its URL, perhaps its id.

        The upload is complete, so a question that fails does not make it fail.
        """
        with suppress(TimeoutError, ClientClosedError):
            async with clock.timeout(URL_SECONDS):
                for pause in URL_PAUSES:
                    await self._ask_for_asset()
                    if not any(self._places()):
                        return
                    await self.storage.pause(pause)
                await self._ask_for_asset()
        if self.ledger.asset_url is None:
            text = "upload %s is complete, but the platform names no URL of its asset %s"
            logger.warning(text, self.session.upload_id, self.asset_id or "?")

    async def _ask_for_asset(self) -> None:
        for ask in self._places():
            with suppress(ApiError, ApiConnectionError):  # another place may tell, or a later time
                answer = await ask()
                named = answer.asset_id if isinstance(answer, ReportChunkBatchResponse) else None
                self.ledger.name_asset(answer.url, self._credible(named))

    def _places(self) -> Iterator[Callable[[], Awaitable[HasUrl]]]:
        """Yield what may still tell something of the asset.

        Assumed: the status, the asset, or the last report sent again may name the URL.
        """
        batch = self.ledger.last_batch
        if self.ledger.asset_url is None:
            yield self.platform.status
        if self.ledger.asset_url is None and (asset_id := self.asset_id) is not None:
            yield lambda: self.platform.asset(asset_id)
        if batch and (self.ledger.asset_url is None or self.asset_id is None):
            yield lambda: self.platform.report(batch)

    @property
    def asset_id(self) -> str | None:
        """The asset, as far as it is known: a session that is resumed need not know it."""
        return self.session.asset_id or self.ledger.asset_id

    def _result(self, sha256: str | None) -> UploadResult:
        if self.asset_id is None:
            raise AssetUnknownError(self.session.upload_id)
        if self.check.wanted and not self.check.verified:
            text = "upload %s: no chunk was verified: no ETag was the MD5 of what was sent"
            logger.warning(text, self.session.upload_id)
        return UploadResult(
            asset_id=self.asset_id,
            asset_url=self.ledger.asset_url,
            upload_id=self.session.upload_id,
            total_size=self.source.size,
            total_chunks=len(self.ledger.slices),
            resumed_chunks=self.ledger.resumed_chunks,
            verified_chunks=self.check.verified,
            sha256=sha256,
        )

    def progress(self, status: str) -> UploadProgress:
        """Return how far the upload is; ``status`` is uploading, completed or failed."""
        sent = self.ledger.stored_bytes + sum(body.sent for body in self._sending.values())
        return UploadProgress(
            total_chunks=len(self.ledger.slices),
            completed_chunks=self.ledger.reported,
            percentage=100 * sent / self.source.size,
            status=status,
            upload_id=self.session.upload_id,
            asset_id=self.asset_id,
            uploaded_bytes=sent,
            total_bytes=self.source.size,
            stored_chunks=self.ledger.stored_chunks,
        )
