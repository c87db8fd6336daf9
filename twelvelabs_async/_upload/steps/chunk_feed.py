"""Which chunk a worker sends next, and when a chunk is not needed any more."""

from collections.abc import Iterable
from typing import Protocol

from attrs import define

from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.slices import Slice
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
        """Note that a chunk was sent.

        Args:
            piece: The chunk.
            accepted: The chunks that need not be sent again since then; it may be one of them.
        """
        ...

    @property
    def compared(self) -> bool:
        """Whether all that is stored is known to be of this source."""
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

    @property
    def compared(self) -> bool:
        """True: it was compared before anything was sent."""
        return True


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
        self._chunks.held.release(piece.index)

    @property
    def compared(self) -> bool:
        """True: it was compared before anything was sent."""
        return True


@define(eq=False, repr=False)
class StreamFeed:
    """The chunks of a stream, each read whole before a worker gets it.

    One worker at a time reads, so that the chunks come in order. Unverified chunks stay in memory,
    for they may have to be sent again. Where they take all the memory, one of them is sent again at
    once, so that ``EtagCheck`` can decide on them all.
    """

    _ledger: Ledger
    _chunks: StreamChunks

    async def take(self) -> Slice | None:
        """Return what to send next; see ``ChunkFeed``."""
        held = self._chunks.held
        async with self._chunks.turn:
            while True:
                requeue_last(self._ledger)
                index = next(self._ledger.upcoming(1), None)
                if index is None or index in held:
                    return self._ledger.start_next()
                size = self._ledger.slices[1].size  # stored chunks before it are read, too
                if self._chunks.room.take(size, held=len(held)):
                    break
                if self._ledger.unverified:
                    self._ledger.requeue_unverified(1)
                else:
                    await self._chunks.room.wait(size, held=len(held))
            piece = self._ledger.start_next()
            if piece is not None:
                await self._chunks.pass_stored(self._ledger.slices, piece.offset)
                await self._chunks.fill(piece)
            return piece

    def sent(self, piece: Slice, accepted: Iterable[CompletedChunk]) -> None:  # noqa: ARG002
        """Forget what is accepted."""
        for chunk in accepted:
            self._chunks.held.release(chunk.chunk_index)
        self._chunks.room.changed()

    @property
    def compared(self) -> bool:
        """Whether what an earlier attempt has stored was read again, and is the same."""
        return self._chunks.compared


def requeue_last(ledger: Ledger) -> None:
    """Have an unverified chunk sent again where no other is to come whose ETag could verify it."""
    if not ledger.waiting and not ledger.in_flight:
        ledger.requeue_unverified(1)
