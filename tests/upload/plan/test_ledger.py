"""Every chunk is on exactly one shelf, whatever steps are taken."""

from collections.abc import Callable
from copy import deepcopy
from itertools import chain

import pytest
from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.memory_platform import choose_profile

from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.slices import Slice, Slices
from twelvelabs_async.models.uploads import CompletedChunk, ReportChunkBatchResponse

choose_profile()

CHUNK = 4


def fresh(chunks: int, batch_size: int = 3, last: int = CHUNK) -> Ledger:
    """Return the books of an upload of which nothing was sent."""
    return Ledger.fresh(Slices((chunks - 1) * CHUNK + last, CHUNK), batch_size)


def answer(count: int = 0, url: str | None = None) -> ReportChunkBatchResponse:
    """Return what the platform says to a report."""
    return ReportChunkBatchResponse(count, url)


def start(ledger: Ledger) -> Slice:
    """Take a chunk that must be there."""
    piece = ledger.start_next()
    assert piece is not None
    return piece


def start_and_store(ledger: Ledger, count: int) -> None:
    """Store the next chunks."""
    for _ in range(count):
        piece = start(ledger)
        ledger.saved(ledger.store(piece, f"etag-{piece.index}"))


class AnySequenceOfSteps(RuleBasedStateMachine):
    """Takes steps in any order, and keeps books of its own to compare with."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = fresh(17, batch_size=4, last=1)
        self.waiting = list(range(1, 18))
        self.doubted: list[int] = []
        self.unsaved: list[CompletedChunk] = []
        self.stored = 0
        self.refused: set[int] = set()
        self.batches: list[tuple[CompletedChunk, ...]] = []
        self.reported: set[int] = set()
        self.counts = [0]

    @rule()
    def start(self) -> None:
        """Start the next chunk: in order, each once, but for those that were distrusted."""
        piece = self.ledger.start_next()
        assert piece == (self.ledger.slices[self.waiting.pop(0)] if self.waiting else None)

    @precondition(lambda self: self.ledger.in_flight)
    @rule(data=st.data())
    def store(self, data: st.DataObject) -> None:
        """Store any of the chunks that are on their way."""
        piece = data.draw(st.sampled_from(list(self.ledger.in_flight.values())))
        self.unsaved.append(self.ledger.store(piece, f"etag-{piece.index}"))
        self.stored += 1

    @precondition(lambda self: self.unsaved)
    @rule(data=st.data())
    def save(self, data: st.DataObject) -> None:
        """Have the journal write any of the ETags that it does not know."""
        self.ledger.saved(self.unsaved.pop(data.draw(st.integers(0, len(self.unsaved) - 1))))

    @precondition(lambda self: self.ledger.in_flight)
    @rule(data=st.data())
    def doubt(self, data: st.DataObject) -> None:
        """Have an ETag of any of the chunks that are on their way, and not rely on it."""
        piece = data.draw(st.sampled_from(list(self.ledger.in_flight.values())))
        self.ledger.hold_back(piece, f"etag-{piece.index}")
        self.doubted.append(piece.index)

    @rule()
    def trust(self) -> None:
        """Rely on all of them after all, in the order in which they came."""
        trusted = self.ledger.accept_unverified()
        assert [chunk.chunk_index for chunk in trusted] == self.doubted
        self.unsaved += trusted
        self.stored += len(self.doubted)
        self.doubted = []

    @rule(most=st.none() | st.integers(1, 3))
    def distrust(self, most: int | None) -> None:
        """Have some of them, the oldest first, sent again before all others."""
        self.ledger.requeue_unverified(most)
        self.waiting[:0] = self.doubted[:most]
        del self.doubted[:most]

    @rule()
    def claim(self) -> None:
        """Claim what should be reported: full, or the rest of it, oldest first."""
        oldest = tuple(self.ledger.stored.values())[:4]
        batch = self.ledger.claim_batch()
        if batch:
            assert batch == oldest
            assert len(batch) == 4 or not self.waiting
            self.batches.append(batch)
        else:
            assert not oldest or (len(oldest) < 4 and self.waiting)

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), count=st.integers(0, 17), url=st.sampled_from([None, "", "https://a"]))
    def confirm(self, data: st.DataObject, count: int, url: str | None) -> None:
        """Confirm any report that is under way, with any count: answers overtake each other."""
        batch = self.batches.pop(data.draw(st.integers(0, len(self.batches) - 1)))
        before = self.ledger.asset_url
        self.ledger.confirm(batch, answer(count, url))
        self.reported |= {chunk.chunk_index for chunk in batch}
        self.counts.append(max(count, self.counts[-1]))
        assert self.ledger.asset_url == (url or before)

    @precondition(lambda self: self.reported)
    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        """Have any chunk that was reported sent again, before all others."""
        index = data.draw(st.sampled_from(sorted(self.reported)))
        self.ledger.requeue_failed([index])
        self.reported.remove(index)
        self.waiting.insert(0, index)
        self.stored -= 1

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        """Have the platform refuse any report that is under way."""
        batch = self.batches.pop(data.draw(st.integers(0, len(self.batches) - 1)))
        self.ledger.refuse(batch)
        self.refused |= {chunk.chunk_index for chunk in batch}

    @rule(data=st.data())
    def stumble(self, data: st.DataObject) -> None:
        """Try a step that skips a shelf: it raises, and changes nothing."""
        piece = self.ledger.slices[data.draw(st.integers(1, 17))]
        chunk = CompletedChunk(piece.index, "etag", chunk_size=piece.size)
        steps: list[Callable[[], object]] = []
        if piece.index not in self.ledger.in_flight:
            steps.append(lambda: self.ledger.store(piece, "etag"))
            steps.append(lambda: self.ledger.hold_back(piece, "etag"))
        if piece.index not in self.ledger.unsaved:
            steps.append(lambda: self.ledger.saved(chunk))
        if piece.index not in self.ledger.reporting:
            known = tuple(self.ledger.reporting.values())
            steps.append(lambda: self.ledger.confirm((*known, chunk), answer(17, "https://no")))
            steps.append(lambda: self.ledger.refuse((*known, chunk)))
        if piece.index not in self.reported:
            steps.append(lambda: self.ledger.requeue_failed([piece.index]))
        before = deepcopy(self.ledger)
        for step in steps:
            with pytest.raises(KeyError):
                step()
            assert self.ledger == before

    @invariant()
    def every_chunk_is_on_exactly_one_shelf(self) -> None:
        """Shelves and the count of reported chunks add up to the file."""
        ledger = self.ledger
        shelves = [
            [index for run in ledger.waiting for index in run],
            list(ledger.in_flight),
            list(ledger.unverified),
            list(ledger.unsaved),
            list(ledger.stored),
            list(ledger.reporting),
            list(ledger.refused),
            sorted(self.reported),
        ]
        assert sorted(chain.from_iterable(shelves)) == list(range(1, 18))
        assert ledger.reported == len(self.reported)
        assert ledger.finishing == (len(self.reported) + len(ledger.reporting) == 17)
        assert ledger.stored_chunks == self.stored

    @invariant()
    def bytes_and_counts_are_right(self) -> None:
        """Bytes are those of all chunks with an ETag; the platform's count only grows."""
        ledger = self.ledger
        unsent = [ledger.slices[i].size for run in ledger.waiting for i in run]
        unsent += [piece.size for piece in ledger.in_flight.values()]
        assert ledger.stored_bytes == ledger.slices.total_size - sum(unsent)
        assert ledger.total_completed == self.counts[-1]
        assert ledger.complete == (self.counts[-1] >= 17)

    @invariant()
    def what_waits_is_known(self) -> None:
        """``is_waiting`` and ``upcoming`` say what ``start_next`` will give."""
        waiting = [index for index in range(18) if self.ledger.is_waiting(index)]
        assert waiting == sorted(self.waiting)
        assert list(self.ledger.upcoming(5)) == self.waiting[:5]


TestAnySequenceOfSteps = AnySequenceOfSteps.TestCase


@given(
    chunks=st.integers(1, 60),
    batch_size=st.integers(1, 12),
    workers=st.integers(1, 9),
    data=st.data(),
)
def test_reports_are_few(chunks: int, batch_size: int, workers: int, data: st.DataObject) -> None:
    """A report for each full batch, and at the end at most one more for each worker."""
    ledger = fresh(chunks, batch_size)
    reports = 0
    at_work = [piece for _ in range(workers) if (piece := ledger.start_next())]
    while at_work:
        piece = at_work.pop(data.draw(st.integers(0, len(at_work) - 1)))
        ledger.saved(ledger.store(piece, "etag"))
        while batch := ledger.claim_batch():
            assert len(batch) <= batch_size
            ledger.confirm(batch, answer(len(batch)))
            reports += 1
        following = ledger.start_next()
        at_work += [following] if following else []
    assert ledger.reported == chunks
    assert -(-chunks // batch_size) <= reports <= chunks // batch_size + min(workers, chunks)


def test_nothing_is_reported_before_a_batch_is_full() -> None:
    """Two chunks of three wait for the third."""
    ledger = fresh(10)
    start_and_store(ledger, 2)
    assert ledger.claim_batch() == ()
    start_and_store(ledger, 1)
    assert [chunk.chunk_index for chunk in ledger.claim_batch()] == [1, 2, 3]
    assert ledger.claim_batch() == ()


def test_what_there_is_gets_reported_once_nothing_waits() -> None:
    """The last chunks do not wait for a batch that will never be full."""
    ledger = fresh(4)
    start_and_store(ledger, 3)
    assert len(ledger.claim_batch()) == 3
    last = start(ledger)
    assert ledger.claim_batch() == ()
    ledger.saved(ledger.store(last, "etag"))
    assert ledger.claim_batch() == (CompletedChunk(4, "etag", chunk_size=CHUNK),)


def test_everything_that_is_unacknowledged_can_be_rescued() -> None:
    """Chunks in a report count too: its answer may be lost. Claiming twice changes nothing."""
    ledger = fresh(10)
    start_and_store(ledger, 3)
    confirmed = ledger.claim_batch()
    start_and_store(ledger, 4)
    ledger.claim_batch()
    ledger.confirm(confirmed, answer(3))
    assert [chunk.chunk_index for chunk in ledger.claim_all()] == [4, 5, 6, 7]
    assert [chunk.chunk_index for chunk in ledger.claim_all()] == [4, 5, 6, 7]
    ledger.confirm(ledger.claim_all(), answer(7))
    assert ledger.claim_all() == ()
    assert ledger.reported == 7


def test_what_the_journal_does_not_know_is_neither_reported_nor_rescued() -> None:
    """The store holds it, and the platform hears of it once its ETag is saved."""
    ledger = fresh(2)
    first, second = start(ledger), start(ledger)
    saved, unsaved = ledger.store(first, "etag-1"), ledger.store(second, "etag-2")
    ledger.saved(saved)
    assert ledger.claim_all() == (saved,)
    assert (ledger.stored_chunks, ledger.finishing) == (2, False)
    ledger.saved(unsaved)
    assert ledger.claim_all() == (saved, unsaved)
    assert ledger.finishing


def test_a_report_that_is_refused_is_not_rescued() -> None:
    """The others are; and the upload is not finishing."""
    ledger = fresh(4, batch_size=2)
    start_and_store(ledger, 2)
    ledger.refuse(ledger.claim_batch())
    start_and_store(ledger, 2)
    assert [chunk.chunk_index for chunk in ledger.claim_all()] == [3, 4]
    assert (ledger.stored_chunks, ledger.finishing) == (4, False)


def test_what_is_in_doubt_is_neither_reported_nor_rescued() -> None:
    """Nobody hears of its ETag before it is relied on."""
    ledger = fresh(2)
    start_and_store(ledger, 1)
    ledger.hold_back(start(ledger), "another")
    assert [chunk.chunk_index for chunk in ledger.claim_all()] == [1]
    assert (ledger.stored_chunks, ledger.stored_bytes) == (1, 2 * CHUNK)
    assert not ledger.finishing
    for chunk in ledger.accept_unverified():
        ledger.saved(chunk)
    assert [chunk.chunk_index for chunk in ledger.claim_all()] == [1, 2]
    assert ledger.finishing


def test_a_report_is_confirmed_once() -> None:
    """A second time is a mistake in the books: it raises and counts nothing."""
    ledger = fresh(10)
    start_and_store(ledger, 3)
    batch = ledger.claim_batch()
    ledger.confirm(batch, answer(3))
    with pytest.raises(KeyError):
        ledger.confirm(batch, answer(6))
    assert (ledger.reported, ledger.total_completed) == (3, 3)


def test_a_chunk_is_stored_once() -> None:
    """A second ETag of a chunk is a mistake in the books: the first one stays."""
    ledger = fresh(10)
    piece = start(ledger)
    ledger.store(piece, "first")
    with pytest.raises(KeyError):
        ledger.store(piece, "second")
    assert ledger.unsaved[1].proof == "first"
    assert ledger.stored_bytes == CHUNK
