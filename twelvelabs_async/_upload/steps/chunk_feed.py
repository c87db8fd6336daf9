"""Which chunk a worker sends next, and when a chunk is not needed any more."""

from collections.abc import Iterable
from typing import Protocol

from attrs import define

from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.ranges import RangeChunks
from twelvelabs_async._upload.source.stream_chunks import StreamChunks
from twelvelabs_async.models.uploads import CompletedChunk


class ChunkFeed(Protocol):
    """Hands out the chunks of an upload to its workers."""

    async def take(self) -> Slice | None:
        """Return what to send next, now in flight; None: nothing is left for this worker.

        Raises:
            SourceError: It cannot be read.
        """
        ...

    def sent(self, piece: Slice, accepted: Iterable[CompletedChunk]) -> None:
        """Note that a chunk was sent, and which chunks are accepted since, perhaps others."""
        ...


@define(eq=False, repr=False)
class FileFeed:
    """The chunks of what can be read anywhere, as often as wanted."""

    _ledger: Ledger

    async def take(self) -> Slice | None:
        """Return what to send next; see ``ChunkFeed``."""
        requeue_last(self._ledger)
        return self._ledger.start_next()

    def sent(self, piece: Slice, accepted: Iterable[CompletedChunk]) -> None:
        """Do nothing: nothing is kept."""


@define(eq=False, repr=False)
class RangeFeed:
    """The chunks of what is read in ranges, each read whole before a worker gets it."""

    _ledger: Ledger
    _chunks: RangeChunks

    async def take(self) -> Slice | None:
        """Return what to send next; see ``ChunkFeed``."""
        requeue_last(self._ledger)
        piece = self._ledger.start_next()
        if piece is not None:
            await self._chunks.fill(piece)
        return piece

    def sent(self, piece: Slice, accepted: Iterable[CompletedChunk]) -> None:  # noqa: ARG002
        """Forget the chunk, which can be read again."""
        self._chunks.release(piece.index)


@define(eq=False, repr=False)
class StreamFeed:
    """The chunks of a stream, each read whole before a worker gets it.

    A worker at a time reads, so that the chunks come in order. Chunks whose ETags prove nothing yet
    stay in memory, for they may have to be sent again. Where they take all the room, one of them is
    sent again at once, so that ``EtagCheck`` comes to a decision on them all.
    """

    _ledger: Ledger
    _chunks: StreamChunks

    async def take(self) -> Slice | None:
        """Return what to send next; see ``ChunkFeed``."""
        async with self._chunks.turn:
            while True:
                requeue_last(self._ledger)
                index = next(self._ledger.upcoming(1), None)
                if index is None or index in self._chunks:
                    return self._ledger.start_next()
                size = self._ledger.slices[index].size
                if self._chunks.room.take(size, held=self._chunks.held):
                    break
                if self._ledger.unverified:
                    self._ledger.requeue_unverified(1)
                else:
                    await self._chunks.room.wait(size, held=self._chunks.held)
            piece = self._ledger.start_next()
            if piece is not None:
                await self._chunks.pass_stored(piece.offset)
                await self._chunks.fill(piece)
            return piece

    def sent(self, piece: Slice, accepted: Iterable[CompletedChunk]) -> None:  # noqa: ARG002
        """Forget what is accepted."""
        for chunk in accepted:
            self._chunks.release(chunk.chunk_index)
        self._chunks.room.changed()


def feed_of(source: Source, ledger: Ledger) -> ChunkFeed:
    """Return the feed for a source."""
    match source:
        case StreamChunks():
            source.slices = ledger.slices
            return StreamFeed(ledger, source)
        case RangeChunks():
            return RangeFeed(ledger, source)
        case _:
            return FileFeed(ledger)


def requeue_last(ledger: Ledger) -> None:
    """Have an unverified chunk sent again where no other is to come whose ETag could verify it."""
    if not ledger.waiting and not ledger.in_flight:
        ledger.requeue_unverified(1)
