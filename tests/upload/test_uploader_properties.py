"""The real uploader, whatever happens: random scripts of failures against a strict platform.

Two kinds of scripts: what an upload has to survive must end in an asset, and anything else in an
asset or in one exception of ours. Either way the books have to balance. A failing script is
printed whole; ``HYPOTHESIS_PROFILE=thorough`` tries more of them.
"""

import asyncio
import math
from itertools import groupby

import pytest
from attrs import define, evolve
from hypothesis import event, given, settings, strategies as st
from support.memory_platform import (
    ANSWERED,
    ASSET_URL,
    CHUNK,
    SILENT,
    CallFault,
    FailureScript,
    InstantLoop,
    MemoryPlatform,
    PutFault,
    choose_profile,
)

from twelvelabs_async._upload.plan.url_book import MARGIN, MOST_URLS
from twelvelabs_async._upload.steps.asset_finder import URL_PAUSES, URL_SECONDS
from twelvelabs_async._upload.steps.rescue import RESCUE_SECONDS
from twelvelabs_async._upload.steps.settlement import LOOKS
from twelvelabs_async._upload.steps.uploader import Uploader
from twelvelabs_async._upload.steps.url_supply import CALLS_FOR_A_URL
from twelvelabs_async.errors import (
    ApiConnectionError,
    BadRequestError,
    ChunkFailedError,
    IncompleteUploadError,
    SessionCorruptedError,
    SourceChangedError,
    SourceError,
    StorageConnectionError,
    StorageError,
    TwelveLabsError,
)
from twelvelabs_async.models.results import UploadResult

choose_profile()

# How a script is played, and what is left of it.


@define
class Outcome:
    """How an upload ended.

    Attributes:
        platform: What it met, and what was seen of it.
        uploader: What was under test.
        result: What it returned; None if it did not.
        error: What it raised; None if it did not.
        cancelled_at: When it was first cancelled; None: it was not.
        ended_at: When it ended.
        left: Tasks that were still there.
        complaints: What the loop had to say.
    """

    platform: MemoryPlatform
    uploader: Uploader
    result: UploadResult | None
    error: BaseException | None
    cancelled_at: float | None
    ended_at: float
    left: set[asyncio.Task[object]]
    complaints: list[str]


@define(eq=False)
class _Canceller:
    """Cancels a task when the script says so."""

    script: FailureScript
    task: asyncio.Task[UploadResult]
    cancelled_at: float | None = None

    def look(self, step: int) -> None:
        """Count a step of the platform."""
        if self.script.cancel is None:
            return
        at, turns = self.script.cancel
        if step == at:
            self._cancel_after(turns)
        elif self.script.cancel_again and self.task.cancelling() == 1:
            self.task.cancel()

    def _cancel_after(self, turns: int) -> None:
        loop = asyncio.get_running_loop()
        if turns or asyncio.current_task() is self.task:  # a task cannot cut short its own step
            loop.call_soon(self._cancel_after, max(0, turns - 1))
        elif self.task.cancel():
            self.cancelled_at = loop.time()


def play(script: FailureScript) -> Outcome:
    """Carry an upload to its end, and check everything that holds however it ends."""
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        outcome = runner.run(_play(script))
    check(outcome)
    return outcome


async def _play(script: FailureScript) -> Outcome:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, InstantLoop)
    platform = MemoryPlatform(script)
    uploader = await platform.uploader()
    task = asyncio.create_task(uploader.run())
    canceller = _Canceller(script, task)
    platform.on_step = canceller.look
    await asyncio.wait({task})
    ended_at = loop.time()
    failure = asyncio.CancelledError() if task.cancelled() else task.exception()
    return Outcome(
        platform=platform,
        uploader=uploader,
        result=None if failure else task.result(),
        error=failure,
        cancelled_at=canceller.cancelled_at,
        ended_at=ended_at,
        left=asyncio.all_tasks() - {asyncio.current_task()},
        complaints=loop.complaints,
    )


# What must hold after every script.


def check(outcome: Outcome) -> None:
    """Assert everything that holds however an upload ends."""
    assert outcome.platform.violations == []
    assert outcome.left == set()
    assert outcome.complaints == []
    _check_books(outcome)
    _check_calls(outcome.platform)
    if outcome.result is not None:
        _check_success(outcome, outcome.result)
    else:
        _check_failure(outcome)


def _check_books(outcome: Outcome) -> None:
    """Assert that the ledger knows what the platform knows."""
    ledger, platform = outcome.uploader.ledger, outcome.platform
    assert ledger.stored_chunks == len(platform.delivered)
    arrived = platform.delivered.keys() | ledger.unverified.keys()
    assert ledger.unverified.keys() <= platform.doubted.keys()  # one may be about to be sent again
    assert ledger.stored_bytes == sum(len(platform.stored[index][1]) for index in arrived)
    assert ledger.reported == len(platform.acknowledged)
    progress = outcome.uploader.progress("over")
    assert progress.uploaded_bytes == ledger.stored_bytes
    assert progress.completed_chunks == len(platform.acknowledged)


def _check_calls(platform: MemoryPlatform) -> None:
    """Assert that there were no more control calls than there were reasons for one."""
    script, seen = platform.script, platform.seen
    rescue = 1
    workers = 2 * script.workers if script.early else script.workers
    most = script.chunks // script.batch_size + min(workers, script.chunks)
    again = script.batch_size * seen["rounds"] + platform.flaws.total()
    assert seen["reports"] <= most + seen["reports failed"] + seen["repeats"] + again + rescue
    assert seen["url_calls"] <= _most_url_calls(platform)
    settling = LOOKS + 2 * (len(URL_PAUSES) + 1)
    assert seen["looks"] <= seen["looks failed"] + seen["rounds"] + settling
    assert seen["pages"] <= seen["pages failed"] + seen["rounds"] + 1


def _most_url_calls(platform: MemoryPlatform) -> int:
    """Return how many requests for URLs there were reasons for.

    Fifty URLs a request for each run of chunks that came without; another one for each request
    that failed, for each URL that an answer left out, for each PUT that failed and for each URL
    that was never used because it grew too old (or because the upload ended).
    """
    lost = sum(platform.failed_puts.values()) + platform.shortfall + _unused_urls(platform)
    return _fewest_url_calls(platform.script) + platform.seen["url_calls failed"] + lost


def _unused_urls(platform: MemoryPlatform) -> int:
    return sum(signed.serial > 0 for signed in platform.urls.values()) - len(platform.used)


def _fewest_url_calls(script: FailureScript) -> int:
    chunks = range(1, script.chunks + 1)
    runs = [
        list(run) for given, run in groupby(chunks, script.first_urls.__contains__) if not given
    ]
    return sum(math.ceil(len(run) / MOST_URLS) for run in runs)


def _check_success(outcome: Outcome, result: UploadResult) -> None:
    platform, chunks = outcome.platform, outcome.platform.script.chunks
    assert outcome.cancelled_at is None
    assert result.asset_url == ASSET_URL or platform.seen["looks"] >= 1  # nobody told it in time
    assert result.total_chunks == chunks
    assert result.total_size == platform.size
    everything = set(range(1, chunks + 1))
    corrupt = any(PutFault.CORRUPT in faults for faults in platform.script.puts.values())
    if platform.matched or not corrupt:  # without a match, nobody can tell
        asset = b"".join(platform.stored[index][1] for index in sorted(everything))
        assert asset in platform.contents
    verifies = platform.script.etags == "md5" and platform.matched
    assert result.verified_chunks == (chunks if verifies else 0)
    assert set(platform.acknowledged) == platform.reported == set(platform.delivered) == everything
    repeated = {index for index, times in platform.acknowledged.items() if times > 1}
    assert len(repeated) <= platform.script.batch_size * platform.seen["repeats"]
    assert not any(platform.answered[i] > platform.script.max_retries for i in everything)
    assert outcome.uploader.progress("completed").percentage == 100
    if (
        not platform.seen["url_calls failed"]
        and outcome.ended_at < platform.script.lifetime - MARGIN
    ):
        assert bool(_unused_urls(platform)) <= bool(platform.expiries)


def _check_failure(outcome: Outcome) -> None:
    platform, error = outcome.platform, outcome.error
    if outcome.cancelled_at is not None:
        assert isinstance(error, asyncio.CancelledError)
        assert outcome.ended_at - outcome.cancelled_at <= RESCUE_SECONDS + 1e-6
    else:
        assert isinstance(error, TwelveLabsError)
        _check_reason(platform, error)
    if not (platform.script.cancel_again or platform.changed or platform.script.writes):
        assert set(platform.delivered) <= platform.told


def _check_reason(platform: MemoryPlatform, error: TwelveLabsError) -> None:  # noqa: C901 - a table
    """Assert that the exception tells what happened, and that it had to end the upload."""
    script = platform.script
    scripted = {fault for faults in script.puts.values() for fault in faults}
    calls = {*script.reports, *script.url_calls, *script.looks}
    match error:
        case SourceChangedError(retryable=True):
            assert script.writes
        case SourceChangedError():
            assert platform.changed or len(platform.contents) > 1
        case SessionCorruptedError():
            assert (platform.settled, platform.matched) == (True, True)
        case SourceError():
            assert PutFault.UNREADABLE in scripted
        case StorageConnectionError():
            assert scripted & SILENT or script.outage
        case StorageError(status_code=403, code="SignatureDoesNotMatch"):
            assert PutFault.FATAL in scripted
        case StorageError() if "sends no URL" in error.message:
            assert platform.shortfall >= CALLS_FOR_A_URL
        case StorageError(chunk_index=index):
            assert platform.answered[index or 0] == script.max_retries + 1
        case ApiConnectionError():
            assert calls & {CallFault.CUT, CallFault.LOST} or script.outage
        case ChunkFailedError(chunk_index=index):
            assert platform.flaws[index] == script.max_retries + 1
        case IncompleteUploadError():
            assert script.lag >= LOOKS
        case _:
            assert calls & {CallFault.REFUSED, CallFault.BROKEN}


# What scripts there are.

SIZES = st.one_of(st.integers(1, 12), st.integers(13, 130))
PACES = st.lists(st.sampled_from([0.0, 0.1, 1.0, 7.0, 40.0]), min_size=1, max_size=7).map(tuple)
ALL_PUT_FAULTS = st.sampled_from([fault for fault in PutFault if fault != PutFault.CORRUPT])
LOSSES = st.sampled_from([CallFault.OK, CallFault.CUT, CallFault.LOST])
WHOLE_ANSWERS = [CallFault.OK, CallFault.CUT, CallFault.LOST, CallFault.SHUFFLED, CallFault.EXTRA]


@st.composite
def some_chunks(draw: st.DrawFn, chunks: int) -> frozenset[int]:
    """Draw chunks whose URL comes with the session: the first ten, none, all, or any."""
    usual = range(1, min(10, chunks) + 1)
    any_of_them = st.frozensets(st.integers(1, chunks), max_size=chunks)
    several = st.sampled_from([frozenset(usual), frozenset[int](), frozenset(range(1, chunks + 1))])
    return draw(st.one_of(several, any_of_them))


def some_faults(
    chunks: int, faults: st.SearchStrategy[PutFault], most: int
) -> st.SearchStrategy[dict[int, tuple[PutFault, ...]]]:
    """Return a strategy of what happens to the attempts of a few chunks."""
    attempts = st.lists(faults, max_size=most).map(tuple)
    return st.dictionaries(st.integers(1, chunks), attempts, max_size=6)


@st.composite
def bearable(draw: st.DrawFn) -> FailureScript:
    """Draw a script that an upload has to survive."""
    chunks, retries = draw(SIZES), draw(st.integers(0, 3))
    tells_time = draw(st.booleans())
    faults = [*sorted(ANSWERED | SILENT, key=lambda fault: fault.value), PutFault.OK]
    lag = draw(st.sampled_from([0, 0, 0, 1, LOOKS - 1]))
    places = ["repeat", "status", "asset"] if lag else ["report", "repeat", "status", "asset"]
    url_faults = draw(st.lists(st.sampled_from(WHOLE_ANSWERS), max_size=retries))
    shortened = draw(st.lists(st.sampled_from([CallFault.SHORT, CallFault.HOLE]), max_size=2))
    return FailureScript(
        chunks=chunks,
        last=draw(st.integers(1, 8)),
        batch_size=draw(st.integers(1, 12)),
        workers=draw(st.integers(1, 8)),
        slots=draw(st.integers(1, 10)),
        early=draw(st.booleans()),
        max_retries=retries,
        retry_delay=draw(st.sampled_from([0.0, 0.5, 10.0])),
        first_urls=draw(some_chunks(chunks)),
        puts=draw(some_faults(chunks, st.sampled_from(faults), retries)),
        url_calls=(*shortened, *url_faults),
        reports=tuple(draw(st.lists(LOSSES, max_size=retries))),
        looks=tuple(draw(st.lists(LOSSES, max_size=retries))),
        pace=draw(PACES),
        lifetime=draw(st.sampled_from([200.0, 3_600.0])),
        tells_time=tells_time,
        skew=draw(st.integers(-12, 12)),
        lag=lag,
        names_url=draw(st.sampled_from(places)),
        flaws=draw(some_flaws(chunks, retries)),
    )


def some_flaws(chunks: int, most: int) -> st.SearchStrategy[dict[int, int]]:
    """Return a strategy of how often the platform marks a few chunks as failed."""
    return st.dictionaries(st.integers(1, chunks), st.integers(0, most), max_size=4)


@st.composite
def anything(draw: st.DrawFn) -> FailureScript:
    """Draw a script that an upload may survive, or not."""
    script = draw(bearable())
    calls = st.lists(st.sampled_from(list(CallFault)), max_size=6).map(tuple)
    return evolve(
        script,
        puts=draw(some_faults(script.chunks, ALL_PUT_FAULTS, 5)),
        url_calls=draw(calls),
        reports=draw(calls),
        looks=draw(calls),
        outage_timeout=draw(st.sampled_from([20.0, 300.0])),
        lifetime=draw(st.sampled_from([1.0, 20.0, 100.0, 3_600.0])),
        lag=draw(st.sampled_from([0, 0, 3, LOOKS])),
        names_url=draw(st.sampled_from(["report", "repeat", "status", "asset", "never"])),
        outage=draw(st.none() | st.tuples(st.integers(1, 20), st.sampled_from([15.0, 400.0]))),
        flaws=draw(some_flaws(script.chunks, 5)),
        changes_at=draw(st.none() | st.integers(1, 12)),
    )


@st.composite
def cancelled(draw: st.DrawFn) -> FailureScript:
    """Draw a script that is cut short."""
    script = draw(st.one_of(bearable(), anything()))
    steps = st.one_of(st.integers(1, 30), st.integers(1, 3 * script.chunks + 10))
    return evolve(
        script,
        cancel=(draw(steps), draw(st.integers(0, 6))),
        cancel_again=draw(st.booleans()),
    )


@st.composite
def verified(draw: st.DrawFn) -> FailureScript:
    """Draw a script whose ETags are compared; twice a chunk may be in doubt, which counts."""
    script = draw(st.one_of(bearable(), anything(), cancelled()))
    faults = [*sorted(ANSWERED | SILENT, key=lambda fault: fault.value), PutFault.OK]
    faults += [PutFault.CORRUPT] * 5
    attempts = st.lists(st.sampled_from(faults), max_size=3).map(tuple)
    chunks = st.integers(1, min(script.chunks, 12))
    return evolve(
        script,
        max_retries=draw(st.integers(2, 5)),
        etags=draw(st.sampled_from(["md5", "md5", "foreign"])),
        puts=draw(st.dictionaries(chunks, attempts, max_size=12)),
        flaws={},
    )


@st.composite
def written_to(draw: st.DrawFn) -> FailureScript:
    """Draw a script in which the file is touched or written to while it is uploaded.

    ETags that are no MD5s have a chunk sent twice, which counts as a retry.
    """
    script = draw(st.one_of(bearable(), anything()))
    places = st.none() | st.integers(0, script.total_size - 1)
    writes = draw(st.lists(st.tuples(st.floats(0, 60), places), min_size=1, max_size=4))
    etags = draw(st.sampled_from(["plain", "plain", "md5", "foreign", "opaque"]))
    return evolve(
        script,
        max_retries=max(script.max_retries, int(etags == "foreign")),
        etags=etags,
        writes=tuple(sorted(writes, key=lambda write: write[0])),
        changes_at=None,
    )


@st.composite
def written_to_while_sent(draw: st.DrawFn) -> FailureScript:
    """Draw a small upload whose file is written to in the middle."""
    chunks, workers = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    times = st.integers(1, 16).map(lambda quarters: quarters / 4)
    places = st.integers(0, chunks * CHUNK - 1)
    return FailureScript(
        chunks=chunks,
        workers=workers,
        batch_size=draw(st.integers(1, 4)),
        pace=draw(st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=4).map(tuple)),
        first_urls=frozenset(range(1, chunks + 1)),
        retry_delay=0.0,
        puts=draw(some_faults(chunks, st.just(PutFault.SLOW_DOWN), 2)),
        etags=draw(st.sampled_from(["plain", "plain", "md5"])),
        writes=tuple(sorted(draw(st.lists(st.tuples(times, places), min_size=1, max_size=3)))),
    )


# The promises.


@given(script=bearable())
def test_an_upload_survives_whatever_a_retry_can_mend(script: FailureScript) -> None:
    """Lost answers, store errors, missing URLs, lagging counts: the file arrives all the same."""
    outcome = play(script)
    if outcome.error is not None:
        raise outcome.error


@given(script=anything())
def test_an_upload_ends_in_an_asset_or_in_one_exception(script: FailureScript) -> None:
    """Whatever happens ends, with a reason, and with every ETag reported that was in hand."""
    event(type(play(script).error).__name__)


@given(script=cancelled())
def test_a_cancelled_upload_leaves_nothing_behind_but_its_etags(script: FailureScript) -> None:
    """A cancellation at any step ends in ``CancelledError``, within seconds, ETags reported."""
    event(type(play(script).error).__name__)


@given(script=verified())
def test_a_corrupted_chunk_is_never_part_of_an_asset_whose_etags_tell(
    script: FailureScript,
) -> None:
    """Not even reported, whatever else happens; and other ETags do no harm."""
    outcome = play(script)
    event(f"{script.etags} {type(outcome.error).__name__}")


@settings(max_examples=2 * settings().max_examples)
@given(script=st.one_of(written_to(), written_to_while_sent(), written_to_while_sent()))
def test_an_asset_is_the_file_as_it_was_at_one_time(script: FailureScript) -> None:
    """However it was written to meanwhile, and whatever else happened: never a mixture."""
    outcome = play(script)
    event(f"{script.etags} {type(outcome.error).__name__}")


@given(script=written_to())
def test_a_file_that_is_only_touched_arrives(script: FailureScript) -> None:
    """Where its ETags are MD5s, or hashes were made; each touch costs one pass at most."""
    touches = tuple((at, None) for at, _ in script.writes[:2])
    outcome = play(evolve(script, etags="plain", writes=touches))
    assert not isinstance(outcome.error, SourceChangedError)


@given(
    chunks=st.integers(10, 130),
    seconds=st.floats(0, 3_000),
    after=st.integers(1, 5),
    workers=st.integers(1, 8),
)
def test_an_outage_shorter_than_its_timeout_is_waited_out(
    chunks: int, seconds: float, after: int, workers: int
) -> None:
    """However many attempts it takes, and whatever ``max_retries`` says about answers."""
    script = FailureScript(chunks=chunks, workers=workers, outage=(after, seconds))
    outcome = play(script)
    assert outcome.result is not None
    assert sum(outcome.platform.puts.values()) <= chunks + workers * (seconds / 2 + 10)


def test_a_url_that_an_outage_held_up_lives_from_when_it_was_asked_for_last() -> None:
    """Counted from the first attempt it would look dead on arrival, and then be kept too long."""
    outcome = play(
        FailureScript(
            chunks=13, last=1, batch_size=1, workers=2, slots=1, max_retries=1, retry_delay=0.0,
            outage_timeout=20.0, first_urls=frozenset(), pace=(40.0,), lifetime=100.0,
            outage=(1, 15.0),
        )
    )  # fmt: skip
    assert outcome.result is not None
    assert not outcome.platform.expiries


def test_an_outage_without_end_ends_the_upload() -> None:
    """The error comes a little after the timeout, and is the one of the network."""
    script = FailureScript(chunks=50, outage=(3, math.inf), outage_timeout=120)
    outcome = play(script)
    assert isinstance(outcome.error, StorageConnectionError | ApiConnectionError)
    assert 120 <= outcome.ended_at <= 120 + 40


def test_a_store_that_is_dead_ends_the_upload_while_the_platform_answers() -> None:
    """Each attempt gets its URL from the platform, whose answers do not prolong the wait."""
    script = FailureScript(chunks=3, outage_timeout=120, puts={2: (PutFault.CUT,) * 1_000})
    outcome = play(script)
    assert isinstance(outcome.error, StorageConnectionError)
    assert 120 <= outcome.ended_at <= 120 + 40


def test_a_count_that_lags_is_asked_for_until_it_is_right() -> None:
    """What the status then says of the asset is not asked for again."""
    outcome = play(FailureScript(chunks=3, lag=1, names_url="status"))
    assert outcome.result is not None
    assert outcome.platform.seen["looks"] == 2


# Single scripts, with figures.


def test_without_a_fault_there_is_not_one_call_too_many() -> None:
    """A hundred chunks: a PUT each, URLs by the fifty, reports by the ten."""
    script = FailureScript(chunks=100, pace=(1.0, 2.0, 3.0), first_urls=frozenset(range(1, 11)))
    outcome = play(script)
    platform = outcome.platform
    assert platform.retry_policy.heard_at == outcome.ended_at
    assert sum(platform.puts.values()) == 100
    assert platform.seen["url_calls"] == 2
    assert 10 <= platform.seen["reports"] <= 10 + 5
    assert platform.seen["looks"] == 0


def test_no_worker_waits_for_urls() -> None:
    """They are fetched ahead: the only waits are a PUT for each chunk, and reports."""
    script = FailureScript(chunks=100, workers=1, first_urls=frozenset(range(1, 11)))
    outcome = play(script)
    assert outcome.platform.seen["url_calls"] == 2
    assert outcome.ended_at == pytest.approx(100 + 10)


def test_workers_do_not_wait_for_each_other() -> None:
    """One slow chunk in seven: five workers still need no longer than the work divided by five."""
    script = FailureScript(chunks=70, pace=(1, 1, 1, 1, 1, 1, 8), batch_size=70)
    outcome = play(script)
    assert outcome.ended_at <= 140 / 5 + 2 * 8 + 2


def test_the_bound_of_the_client_holds_over_all_uploads() -> None:
    """No more PUTs are under way than the client has slots."""
    outcome = play(FailureScript(chunks=30, workers=10, slots=2))
    assert outcome.ended_at >= 15


def test_a_slot_is_free_while_its_chunk_waits_for_the_next_attempt() -> None:
    """With one slot, the other chunks arrive while the failed one pauses."""
    faults = (PutFault.SLOW_DOWN,) * 3
    script = FailureScript(chunks=5, workers=5, slots=1, retry_delay=10_000, puts={1: faults})
    delivered_at = play(script).platform.delivered_at
    assert max(delivered_at[index] for index in range(2, 6)) <= 12  # three pauses: up to 90 s


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_a_chunk_gets_as_many_retries_as_were_asked_for(retries: int) -> None:
    """Then its last error ends the upload, with the chunk's number."""
    script = FailureScript(chunks=3, max_retries=retries, puts={2: (PutFault.SLOW_DOWN,) * 9})
    outcome = play(script)
    assert outcome.platform.puts[2] == 1 + retries
    assert isinstance(outcome.error, StorageError)
    assert outcome.error.chunk_index == 2


def test_one_expired_url_speaks_for_its_siblings() -> None:
    """A lifetime that nobody told costs one refusal each time it ends, not one for each chunk."""
    everything = frozenset(range(1, 41))
    script = FailureScript(
        chunks=40, workers=1, pace=(10.0,), lifetime=100, tells_time=False, first_urls=everything
    )
    outcome = play(script)
    assert outcome.result is not None
    assert 3 <= sum(outcome.platform.expiries.values()) <= 6


def test_a_url_that_grew_too_old_once_does_not_wait_for_a_slot_again() -> None:
    """The next one is taken once the slot is held, so that the chunk's one retry is not used up."""
    script = FailureScript(
        chunks=18, last=1, batch_size=1, workers=4, early=True, slots=1, max_retries=1,
        retry_delay=0.0, first_urls=frozenset(range(1, 11)), pace=(40.0,), lifetime=200.0,
        tells_time=False,
    )  # fmt: skip
    outcome = play(script)
    assert outcome.result is not None
    assert outcome.platform.expiries
    assert max(outcome.platform.expiries.values()) == 1


def test_a_refused_report_is_told_as_it_is() -> None:
    """The platform's refusal is the exception, alone; the other ETags in hand are reported."""
    script = FailureScript(chunks=20, reports=(CallFault.REFUSED,), batch_size=3)
    outcome = play(script)
    assert isinstance(outcome.error, BadRequestError)
    assert len(outcome.platform.delivered) - len(outcome.platform.reported) == 3
    assert outcome.platform.reported


@pytest.mark.parametrize("found_at", [1, 2, 13, 20])
def test_a_changed_file_never_becomes_an_asset(found_at: int) -> None:
    """Each chunk looks before its last bytes go out; the one that finds a change is not stored.

    What the others have stored is not reported any more: somebody might go on with the session.
    """
    outcome = play(FailureScript(chunks=20, changes_at=found_at))
    assert isinstance(outcome.error, SourceChangedError)
    assert len(outcome.platform.delivered) < 20
    assert len(outcome.platform.told) < found_at


def test_a_file_is_looked_at_once_for_each_chunk() -> None:
    """A look takes a thread, and for many small files those are what costs.

    When an upload ends early there is one more, before it reports what it has.
    """
    outcome = play(FailureScript(chunks=20))
    assert outcome.result is not None
    assert outcome.platform.checks == 20


def test_the_rescue_gives_up_after_a_few_seconds() -> None:
    """A platform that does not answer holds up nobody who wants to leave."""
    script = FailureScript(chunks=20, pace=(60.0,), cancel=(15, 0))
    outcome = play(script)
    assert outcome.cancelled_at is not None
    assert outcome.ended_at == pytest.approx(outcome.cancelled_at + RESCUE_SECONDS)


def test_the_uploader_finds_the_asset_url_wherever_it_is_told() -> None:
    """In a report, the status, the asset, or the last report sent again."""
    for place in ("report", "status", "asset", "repeat"):
        outcome = play(FailureScript(chunks=3, names_url=place))
        assert outcome.result is not None


@pytest.mark.parametrize("flaws", [{2: 1}, {1: 3, 5: 2}, dict.fromkeys(range(1, 21), 3)])
def test_chunks_that_the_platform_marks_as_failed_are_sent_again(flaws: dict[int, int]) -> None:
    """One, some, all; once, or until ``max_retries`` are used up; and no other chunk."""
    outcome = play(FailureScript(chunks=20, flaws=flaws))
    assert outcome.result is not None
    assert outcome.platform.puts == {index: 1 + flaws.get(index, 0) for index in range(1, 21)}
    assert outcome.platform.seen["rounds"] == max(flaws.values())


def test_a_chunk_that_the_platform_marks_as_failed_each_time_ends_the_upload() -> None:
    """After the last of its attempts, with the platform's words; it is left to be sent."""
    outcome = play(FailureScript(chunks=20, max_retries=2, flaws={7: 9, 8: 1}))
    assert isinstance(outcome.error, ChunkFailedError)
    assert (outcome.error.chunk_index, outcome.error.reason) == (7, "it is flawed")
    assert outcome.platform.puts[7] == 3
    ledger = outcome.uploader.ledger
    assert (ledger.reported, list(ledger.upcoming(9))) == (19, [7])


def test_an_asset_without_a_url_has_arrived() -> None:
    """None, never an empty string, and within a bound."""
    outcome = play(FailureScript(chunks=3, pace=(0.0,), names_url="never"))
    assert outcome.result is not None
    assert outcome.result.asset_url is None
    assert outcome.ended_at == sum(URL_PAUSES)


def test_questions_for_the_url_end_however_slowly_they_are_answered() -> None:
    """Forty seconds an answer: the upload is complete, and does not wait for the second."""
    outcome = play(
        FailureScript(chunks=3, workers=1, batch_size=3, pace=(40.0,), names_url="never")
    )
    assert outcome.result is not None
    assert outcome.ended_at == 3 * 40 + 2 * 40 + URL_SECONDS
