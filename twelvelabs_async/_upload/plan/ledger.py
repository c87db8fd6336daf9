"""Where every chunk of an upload is: each on exactly one shelf, and counted.

``waiting`` (not started) -> ``missing`` (started, no ETag yet) -> ``unsaved`` (ETag in hand, not in
the journal yet) -> ``stored`` (in the journal, to be reported) -> ``in_report`` (told, not
acknowledged) -> reported, which is only a count. So the platform never knows a chunk that the
journal does not know: a later attempt could not compare it with the file. A chunk whose ETag is
not to be relied on is ``doubted`` before it is unsaved: nobody hears of it until it is trusted, or
waits again. A reported chunk that the platform marks as failed waits again, too. A report that the
platform refuses leaves its chunks ``refused``. A step that skips a shelf raises ``KeyError`` and
changes nothing. No I/O and no await: what is decided here is decided whole. ``claim_all`` is what
has to be rescued when an upload ends early.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise

from attrs import Factory, define

from twelvelabs_async._upload.plan.slices import Slice, Slices
from twelvelabs_async.models.uploads import CompletedChunk, ReportChunkBatchResponse


def usable_url(url: str | None) -> str | None:
    """Return ``url`` if it can be one; None for text that is empty, or that nobody can open."""
    return url if url is not None and url.startswith(("http://", "https://")) else None


@define
class Ledger:
    """The books of one upload.

    Attributes:
        slices: The chunks of the file.
        batch_size: Chunks in a full report.
        waiting: Chunks not started, as runs of indexes in order; those to be sent again first.
        in_flight: Chunks started, without an ETag.
        unverified: Chunks with an ETag that may tell of another content than was sent.
        unsaved: Chunks with an ETag that is not in the journal yet.
        stored: Chunks to be reported, in the order in which they were saved.
        reporting: Chunks in a report that was not acknowledged.
        refused: Chunks in a report that the platform refused; a later attempt sends them again.
        reported: How many chunks were acknowledged.
        stored_bytes: Bytes of all chunks that have an ETag, reported, doubted, or neither.
        total_completed: The platform's own count of chunks, the highest that it told.
        completed: Whether the platform called the session completed, whatever it has counted.
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
        """Open the books of an upload of which nothing was sent."""
        return cls(slices, batch_size, deque([range(1, len(slices) + 1)]))

    @classmethod
    def resumed(
        cls,
        slices: Slices,
        batch_size: int,
        reported: Collection[int],
        stored: Iterable[CompletedChunk],
    ) -> "Ledger":
        """Open the books of an upload that was begun before.

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
        """Open the books of an upload that is completed; the number of its chunks costs nothing.

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
        """Note that the object store holds a chunk, with the bare ETag as proof."""
        chunk = self.unsaved[piece.index] = self._arrived(piece, etag)
        return chunk

    def saved(self, chunk: CompletedChunk) -> None:
        """Note that a chunk's ETag is in the journal, so that the chunk may be reported."""
        self.stored[chunk.chunk_index] = self.unsaved.pop(chunk.chunk_index)

    def hold_back(self, piece: Slice, etag: str) -> None:
        """Note that the object store holds a chunk, perhaps of another content."""
        self.unverified[piece.index] = self._arrived(piece, etag)

    def _arrived(self, piece: Slice, etag: str) -> CompletedChunk:
        del self.in_flight[piece.index]
        self.stored_bytes += piece.size
        return CompletedChunk(piece.index, etag, chunk_size=piece.size)

    def accept_unverified(self) -> tuple[CompletedChunk, ...]:
        """Rely on the ETags of the chunks in doubt, and return those chunks; they are unsaved."""
        trusted = tuple(self.unverified.values())
        self.unsaved.update(self.unverified)
        self.unverified.clear()
        return trusted

    def requeue_unverified(self, most: int | None = None) -> None:
        """Have chunks in doubt sent again, before all that wait; ``most`` of them, or all."""
        for index in reversed(tuple(self.unverified)[:most]):
            self.stored_bytes -= self.unverified.pop(index).chunk_size
            self.waiting.appendleft(range(index, index + 1))

    def requeue_failed(self, indexes: Iterable[int]) -> None:
        """Have chunks that were reported sent again, in order, before all that wait.

        Raises:
            KeyError: One was not reported, or its report is not acknowledged.
        """
        again = sorted(set(indexes))
        shelves = (
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
            if any(index in shelf for shelf in shelves):
                raise KeyError(index)
        self.failures.update(again)
        self.reported -= len(again)
        self.stored_bytes -= _bytes(self.slices, again)
        self.waiting.extendleft(reversed(_runs(again)))

    def claim_batch(self) -> tuple[CompletedChunk, ...]:
        """Take what should be reported now: a full batch, or, once nothing waits, what there is.

        Empty when there is nothing to report yet.
        """
        if self.waiting and len(self.stored) < self.batch_size:
            return ()
        batch = tuple(islice(self.stored.values(), self.batch_size))
        for chunk in batch:
            self.reporting[chunk.chunk_index] = self.stored.pop(chunk.chunk_index)
        return batch

    def claim_all(self) -> tuple[CompletedChunk, ...]:
        """Take every saved chunk that the platform may not know; telling it twice is harmless."""
        self.reporting.update(self.stored)
        self.stored.clear()
        return tuple(self.reporting.values())

    def confirm(self, batch: Iterable[CompletedChunk], answer: ReportChunkBatchResponse) -> None:
        """Note that the platform acknowledged a report."""
        told = {chunk.chunk_index: self.reporting[chunk.chunk_index] for chunk in batch}
        for index in told:
            del self.reporting[index]
        self.reported += len(told)
        self.last_batch = tuple(told.values()) or self.last_batch
        self.name_asset(answer.url, answer.asset_id)
        self.count(answer.total_completed)

    def refuse(self, batch: Iterable[CompletedChunk]) -> None:
        """Note that the platform refused a report: its ETags are of no use."""
        told = {chunk.chunk_index: self.reporting[chunk.chunk_index] for chunk in batch}
        for index in told:
            del self.reporting[index]
        self.refused.update(told)

    def count(self, total_completed: int) -> None:
        """Note what the platform says: answers may overtake each other, so a count only grows."""
        self.total_completed = max(self.total_completed, total_completed)

    def name_asset(self, asset_url: str | None, asset_id: str | None = None) -> None:
        """Note what the platform says of the asset; None: nothing."""
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
        """How many chunks the object store holds, reported or not; none in doubt."""
        shelves = (self.unsaved, self.stored, self.reporting, self.refused)
        return self.reported + sum(map(len, shelves))


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
