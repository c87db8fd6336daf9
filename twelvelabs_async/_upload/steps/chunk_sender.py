"""Send one chunk to the object store, again where that may help.

A worker of the uploader runs this for one chunk at a time, so it is the hot path: an attempt costs
no coroutine beside its slots and its PUT.
"""

from functools import partial

from attrs import define, field

from twelvelabs_async._core import clock
from twelvelabs_async._core.slots import Slot, Slots
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.retry_policy import RetryState
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.plan.url_book import UrlLease
from twelvelabs_async._upload.send.slice_body import SliceBody
from twelvelabs_async._upload.send.storage import Storage
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.steps.acceptance import Acceptance
from twelvelabs_async._upload.steps.retrier import Retrier
from twelvelabs_async._upload.steps.url_supply import UrlSupply
from twelvelabs_async.errors import StorageError
from twelvelabs_async.models.uploads import CompletedChunk


@define(eq=False, repr=False)
class ChunkSender:
    """Sends the chunks of one upload.

    Attributes:
        acceptance: Decides what the store's answers mean.
        bodies: What is under way, by the chunk's index; others may look at it, and never change it.
        _own_slots: The upload's bound on PUTs under way.
        _slots: The client's bound; no slot is held during a pause.
    """

    _session: UploadSession
    _source: Source
    _ledger: Ledger
    _storage: Storage
    _urls: UrlSupply
    _retrier: Retrier
    _own_slots: Slots
    _slots: Slots
    acceptance: Acceptance
    bodies: dict[int, SliceBody] = field(repr=False)

    async def send(self, piece: Slice) -> tuple[CompletedChunk, ...]:
        """Send a chunk and return the chunks whose ETags can be relied on since.

        Each attempt takes another URL, for a URL works once. Cancelled, it has ended its PUT and
        released its slots; the chunk stays in flight in the ledger.

        Raises:
            StorageError: The store refused, or did not answer, at the last attempt.
            ApiError: The platform gave no URL; so does ``ApiConnectionError``.
            SourceError: The file cannot be read, or has changed.
            ChunkCorruptedError: The store holds something else than was sent.
            SessionCorruptedError: A chunk that was relied on is corrupt.
            ClientClosedError: The client was closed meanwhile.
        """
        index = piece.index
        failures = self.acceptance.check.mismatches[index] + self._ledger.failures[index]
        attempts = RetryState(answers=failures)
        while True:
            if not self._urls.has(index):
                await self._urls.fetch(index)
            async with self._own_slots.acquire() as own, self._slots.acquire() as shared:
                if attempts.expiries:
                    await self._urls.renew(index)
                lease = self._urls.take(index)
                if lease is None:  # it grew too old while others had the slots
                    continue
                began = clock.monotonic()
                try:
                    chunks = await self._put(piece, lease, own, shared)
                except StorageError as error:
                    failure = error
                else:
                    self._retrier.chunk_stored()
                    return chunks
            self._urls.attempt_failed(index, lease, failure)
            await self._retrier.wait(failure, attempts, began)

    async def _put(
        self, piece: Slice, lease: UrlLease, own: Slot, shared: Slot
    ) -> tuple[CompletedChunk, ...]:
        # takes the lease, whose repr hides the signature: tracebacks may show this frame's locals
        body = self._storage.body(
            self._source,
            piece,
            hashed=self.acceptance.check.wanted,
            when_sent=partial(_release_early, own, shared),
            when_stuck=shared.release,
        )
        self.bodies[piece.index] = body
        version = self._source.version
        try:
            etag = await self._storage.put(lease.url, self._session.upload_headers, body)
        finally:
            del self.bodies[piece.index]
        return self.acceptance.take(piece, etag, body.md5, version)


def _release_early(own: Slot, shared: Slot) -> None:
    own.release_if_early()
    shared.release_if_early()
