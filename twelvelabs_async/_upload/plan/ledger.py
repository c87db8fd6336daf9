"""The state of every chunk of an upload: each chunk is in exactly one, and they are counted.

``waiting`` (not started) -> ``in_flight`` (started, no ETag yet) -> ``unsaved`` (the ETag is known,
and not in the journal yet) -> ``stored`` (in the journal, not reported) -> ``reporting`` (in a
report that is not acknowledged) -> reported, which is only a count.

The platform so never counts a chunk that the journal does not have; a later attempt could not
compare such a chunk with the file. There are three detours. A chunk whose ETag proves nothing yet
is ``unverified`` until the ETag is accepted, or the chunk waits again. A reported chunk that the
platform marks as failed waits again. Chunks in a report that the platform refuses stay ``refused``.

A step from a wrong state raises ``KeyError`` and changes nothing. Nothing here does I/O or awaits,
so each step is atomic.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise

from attrs import Factory, define

from twelvelabs_async._upload.plan.slices import Slice, Slices
from twelvelabs_async.models.uploads import CompletedChunk, ReportChunkBatchResponse


def usable_url(url: str | None) -> str | None:
    """Return ``url`` if it is an HTTP URL; None if it is empty, or anything else."""
    return url if url is not None and url.startswith(("http://", "https://")) else None


@define
class Ledger:
    """The chunks of one upload, by state.

    It has many fields since one object has to see all states: a step moves a chunk from one to
    another, and the counts follow.

    Attributes:
        slices: The chunks of the file.
        batch_size: Chunks in a full report.
        waiting: Chunks not started, as runs of indexes in order; those to be sent again first.
        in_flight: Chunks started, without an ETag.
        unverified: Chunks with an ETag that may be that of other bytes than were sent.
        unsaved: Chunks with an ETag that is not in the journal yet.
        stored: Chunks to be reported, in the order in which they were saved.
        reporting: Chunks in a report that was not acknowledged.
        refused: Chunks in a report that the platform refused; a later attempt sends them again.
        reported: How many chunks were acknowledged.
        stored_bytes: Bytes of all chunks that have an ETag, in any state.
        total_completed: The highest count of chunks that the platform has named.
        completed: Whether the platform called the session completed, whatever its count is.
        asset_url: The asset's URL, once the platform named it; never empty.
        asset_id: The asset, once a report named it.
        last_batch: The last report that was acknowledged; of a resumed upload, one to begin with.
        resumed_chunks: How many chunks an earlier attempt had stored.
        failures: How often the platform has marked a chunk as failed that was reported, by index.
    """

    slices: Slices
    batch_size: int
    waiting: deque[range]
    in_flight: dict[int, Slice] = Factory(dict[int, Slice])
    unverified: dict[int, CompletedChunk] = Factory(dict[int, CompletedChunk])
    unsaved: dict[int, CompletedChunk] = Factory(dict[int, CompletedChunk])
    stored: dict[int, CompletedChunk] = Factory(dict[int, CompletedChunk])
    reporting: dict[int, CompletedChunk] = Factory(dict[int, CompletedChunk])
    refused: dict[int, CompletedChunk] = Factory(dict[int, CompletedChunk])
    reported: int = 0
    stored_bytes: int = 0
    total_completed: int = 0
    completed: bool = False
    asset_url: str | None = None
    asset_id: str | None = None
    last_batch: tuple[CompletedChunk, ...] = ()
    resumed_chunks: int = 0
    failures: Counter[int] = Factory(Counter[int])

    @classmethod
    def fresh(cls, slices: Slices, batch_size: int) -> "Ledger":
        """Return the ledger of an upload of which nothing was sent."""
        return cls(slices, batch_size, deque([range(1, len(slices) + 1)]))

    @classmethod
    def resumed(
        cls,
        slices: Slices,
        batch_size: int,
        reported: Collection[int],
        stored: Iterable[CompletedChunk],
    ) -> "Ledger":
        """Return the ledger of an upload that an earlier attempt has begun.

        Args:
            slices: The chunks of the file.
            batch_size: Chunks in a full report.
            reported: Chunks that the platform has counted, by index.
            stored: Chunks with an ETag that it may not know; those it has counted are passed over.
        """
        known = tuple(stored)
        held = {c.chunk_index: c for c in known if c.chunk_index not in reported}
        done = sorted({*reported, *held})
        edges = pairwise([0, *done, len(slices) + 1])
        return cls(
            slices=slices,
            batch_size=batch_size,
            waiting=deque(range(a + 1, b) for a, b in edges if b - a > 1),
            stored=held,
            reported=len(reported),
            stored_bytes=_bytes(slices, done),
            total_completed=len(reported),
            last_batch=known[:1],
            resumed_chunks=len(done),
        )

    @classmethod
    def whole(cls, slices: Slices, batch_size: int, stored: Iterable[CompletedChunk]) -> "Ledger":
        """Return the ledger of a completed upload, in constant time and memory.

        Args:
            slices: The chunks of the file.
            batch_size: Chunks in a full report.
            stored: Chunks whose ETags are known.
        """
        return cls(
            slices=slices,
            batch_size=batch_size,
            waiting=deque(),
            reported=len(slices),
            stored_bytes=slices.total_size,
            total_completed=len(slices),
            last_batch=tuple(islice(stored, 1)),
            resumed_chunks=len(slices),
        )

    def start_next(self) -> Slice | None:
        """Take the next waiting chunk; None when all were started."""
        if not self.waiting:
            return None
        run = self.waiting.popleft()
        if len(run) > 1:
            self.waiting.appendleft(run[1:])
        piece = self.slices[run[0]]
        self.in_flight[piece.index] = piece
        return piece

    def is_waiting(self, index: int) -> bool:
        """Whether chunk ``index`` is to be sent, for the first time or again."""
        return any(index in run for run in self.waiting)

    def upcoming(self, most: int) -> Iterator[int]:
        """Yield the next ``most`` chunks that wait, in order."""
        return islice(chain.from_iterable(self.waiting), most)

    def store(self, piece: Slice, etag: str) -> CompletedChunk:
        """Move a chunk that the object store holds from in flight to unsaved; ``etag`` is bare."""
        chunk = self.unsaved[piece.index] = self._arrived(piece, etag)
        return chunk

    def saved(self, chunk: CompletedChunk) -> None:
        """Move a chunk whose ETag is in the journal from unsaved to stored."""
        self.stored[chunk.chunk_index] = self.unsaved.pop(chunk.chunk_index)

    def hold_back(self, piece: Slice, etag: str) -> None:
        """Move a chunk whose ETag proves nothing yet from in flight to unverified."""
        self.unverified[piece.index] = self._arrived(piece, etag)

    def _arrived(self, piece: Slice, etag: str) -> CompletedChunk:
        del self.in_flight[piece.index]
        self.stored_bytes += piece.size
        return CompletedChunk(piece.index, etag, chunk_size=piece.size)

    def accept_unverified(self) -> tuple[CompletedChunk, ...]:
        """Move all unverified chunks to unsaved, and return them."""
        accepted = tuple(self.unverified.values())
        self.unsaved.update(self.unverified)
        self.unverified.clear()
        return accepted

    def requeue_unverified(self, most: int | None = None) -> None:
        """Let unverified chunks wait again, before all others.

        Args:
            most: How many of them; None: all.
        """
        for index in reversed(tuple(self.unverified)[:most]):
            self.stored_bytes -= self.unverified.pop(index).chunk_size
            self.waiting.appendleft(range(index, index + 1))

    def requeue_failed(self, indexes: Iterable[int]) -> None:
        """Let reported chunks that the platform marks as failed wait again, before all others.

        Raises:
            KeyError: One was not reported, or its report is not acknowledged.
        """
        again = sorted(set(indexes))
        states = (
            self.in_flight,
            self.unverified,
            self.unsaved,
            self.stored,
            self.reporting,
            self.refused,
        )
        for run in self.waiting:
            if bisect_left(again, run.start) < bisect_left(again, run.stop):
                raise KeyError(run)
        for index in again:
            if any(index in state for state in states):
                raise KeyError(index)
        self.failures.update(again)
        self.reported -= len(again)
        self.stored_bytes -= _bytes(self.slices, again)
        self.waiting.extendleft(reversed(_runs(again)))

    def claim_batch(self) -> tuple[CompletedChunk, ...]:
        """Move the chunks of the next report from stored to reporting, and return them.

        They are a full batch or, once no chunk waits, what there is; empty: nothing is due.
        """
        if self.waiting and len(self.stored) < self.batch_size:
            return ()
        batch = tuple(islice(self.stored.values(), self.batch_size))
        for chunk in batch:
            self.reporting[chunk.chunk_index] = self.stored.pop(chunk.chunk_index)
        return batch

    def claim_all(self) -> tuple[CompletedChunk, ...]:
        """Move all stored chunks to reporting; return these and those that were there.

        The platform may have counted some of them; to report a chunk twice does no harm.
        """
        self.reporting.update(self.stored)
        self.stored.clear()
        return tuple(self.reporting.values())

    def confirm(self, batch: Iterable[CompletedChunk], answer: ReportChunkBatchResponse) -> None:
        """Count the chunks of a report that the platform acknowledged."""
        known = {chunk.chunk_index: self.reporting[chunk.chunk_index] for chunk in batch}
        for index in known:
            del self.reporting[index]
        self.reported += len(known)
        self.last_batch = tuple(known.values()) or self.last_batch
        self.name_asset(answer.url, answer.asset_id)
        if answer.total_completed is not None:
            self.count(answer.total_completed)

    def refuse(self, batch: Iterable[CompletedChunk]) -> None:
        """Move the chunks of a report that the platform refused to refused."""
        known = {chunk.chunk_index: self.reporting[chunk.chunk_index] for chunk in batch}
        for index in known:
            del self.reporting[index]
        self.refused.update(known)

    def count(self, total_completed: int) -> None:
        """Note the platform's count. A lower one is ignored: answers may overtake each other."""
        self.total_completed = max(self.total_completed, total_completed)

    def name_asset(self, asset_url: str | None, asset_id: str | None = None) -> None:
        """Note what the platform says of the asset; None: it says nothing."""
        self.asset_url = usable_url(asset_url) or self.asset_url
        self.asset_id = asset_id or self.asset_id

    @property
    def finishing(self) -> bool:
        """Whether every chunk is reported, or in a report."""
        before = self.waiting or self.in_flight or self.unverified or self.unsaved or self.stored
        return not (before or self.refused)

    @property
    def complete(self) -> bool:
        """Whether the platform has every chunk: it says so, or has counted as many."""
        return self.completed or self.total_completed == len(self.slices)

    @property
    def stored_chunks(self) -> int:
        """How many chunks the object store holds, reported or not, without unverified ones."""
        states = (self.unsaved, self.stored, self.reporting, self.refused)
        return self.reported + sum(map(len, states))


def _bytes(slices: Slices, indexes: Sequence[int]) -> int:
    """Return the bytes of chunks, which are in order."""
    total = len(slices)
    short = total * slices.chunk_size - slices.total_size if total in indexes[-1:] else 0
    return len(indexes) * slices.chunk_size - short


def _runs(indexes: Iterable[int]) -> list[range]:
    """Return indexes that are in order as runs without a gap."""
    runs = list[range]()
    for index in indexes:
        if runs and runs[-1].stop == index:
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return runs
