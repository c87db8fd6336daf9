"""What a failure means, and whether and when an attempt is made again."""

import pytest
from attrs import define
from hypothesis import given, strategies as st
from support.memory_platform import choose_profile

from twelvelabs_async._http.retries import LONGEST_BACKOFF, LONGEST_OBEYED_PAUSE, backoff
from twelvelabs_async._upload.plan.retry_policy import (
    LEAST_OUTAGE_DELAY,
    LONGEST_OUTAGE_BACKOFF,
    FailureKind,
    RetryPolicy,
    RetryState,
    failure_kind,
)
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiTimeoutError,
    BadRequestError,
    ClientClosedError,
    InternalServerError,
    InvalidResponseError,
    SourceChangedError,
    SourceError,
    StorageConnectionError,
    StorageError,
    TooManyRequestsError,
    TwelveLabsError,
    UnauthorizedError,
)

choose_profile()

DOWN = StorageConnectionError("reset")
BUSY = StorageError("slow down", status_code=503, code="SlowDown")
OLD = StorageError("Request has expired", status_code=403, code="AccessDenied")


def policy_of(
    max_retries: int = 3, outage_timeout: float = 120.0, proven_at: float | None = None
) -> RetryPolicy:
    """Return a new retry policy; ``proven_at``: when a chunk was stored."""
    made = RetryPolicy(max_retries, retry_delay=1.0, outage_timeout=outage_timeout)
    if proven_at is not None:
        made.arrived(proven_at)
    return made


def retries(judge: RetryPolicy, error: TwelveLabsError, most: int = 100) -> int:
    """Count the retries that one chunk gets when every attempt ends with ``error`` at once."""
    attempts = RetryState()
    for count in range(most):
        if judge.pause(error, attempts, began=0.0, now=0.0) is None:
            return count
    return most


def dead() -> StorageConnectionError:
    """Return the loss of a connection that had been used before."""
    error = StorageConnectionError("reset")
    error.stale_connection = True
    return error


# What a failure means.


@pytest.mark.parametrize(
    "status", [408, 421, 425, 429, 500, 502, 503, 504, 505, 508, 509, 520, 530, 599, 600, 999]
)
def test_a_busy_or_broken_store_may_answer_otherwise(status: int) -> None:
    """Whatever code stands beside such a status."""
    assert failure_kind(StorageError("", status_code=status)) is FailureKind.TRANSIENT
    assert failure_kind(StorageError("", status_code=status, code="Odd")) is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    "code",
    [
        "SlowDown",
        "RequestTimeout",
        "InternalError",
        "OperationAborted",
        "ConditionalRequestConflict",
    ],
)
def test_a_transient_code_is_transient_whatever_the_status(code: str) -> None:
    """S3 sends ``RequestTimeout`` with 400, and ``OperationAborted`` with 409."""
    for status in (400, 409, 501):
        assert (
            failure_kind(StorageError("", status_code=status, code=code)) is FailureKind.TRANSIENT
        )


@pytest.mark.parametrize(
    ("code", "means"),
    [
        (None, FailureKind.TRANSIENT),
        ("BucketAlreadyExists", FailureKind.FATAL),
        ("Odd", FailureKind.FATAL),
    ],
)
def test_what_a_conflict_is_about_is_in_its_code(code: str | None, means: FailureKind) -> None:
    """Without one it may be another writer, who is soon done."""
    assert failure_kind(StorageError("", status_code=409, code=code)) is means


def test_a_good_answer_without_proof_is_worth_another_attempt() -> None:
    """It has no status: the store took the chunk, and its ETag is what is missing."""
    assert failure_kind(StorageError("no ETag")) is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (403, "AccessDenied", "Request has expired"),
        (403, "AccessDenied", "REQUEST HAS EXPIRED"),
        (400, "ExpiredToken", "The provided token has expired."),
        (400, "ExpiredToken", ""),
        (403, "RequestExpired", ""),
        (400, "TokenRefreshRequired", ""),
    ],
)
def test_a_url_that_is_too_old_is_known_by_what_the_store_says(
    status: int, code: str, text: str
) -> None:
    """In S3's words and in Google's."""
    assert failure_kind(StorageError(text, status_code=status, code=code)) is FailureKind.EXPIRED


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (403, "AccessDenied", "Access Denied"),
        (403, "SignatureDoesNotMatch", "it has expired, or has not"),
        (403, None, ""),
        (400, "EntityTooLarge", ""),
        (404, "NoSuchUpload", ""),
        (301, None, ""),
        (307, "TemporaryRedirect", ""),
        (501, None, ""),
        (501, "NotImplemented", "A header you provided implies functionality that is not"),
        (511, None, ""),
    ],
)
def test_other_refusals_of_the_store_are_final(status: int, code: str | None, text: str) -> None:
    """Another attempt would end the same."""
    assert failure_kind(StorageError(text, status_code=status, code=code)) is FailureKind.FATAL


@pytest.mark.parametrize("error", [DOWN, ApiConnectionError(), ApiTimeoutError()])
def test_silence_is_a_matter_of_its_own(error: TwelveLabsError) -> None:
    """Nobody answered: neither the store nor the platform."""
    assert failure_kind(error) is FailureKind.SILENT


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError(status_code=400),
        UnauthorizedError(status_code=401),
        TooManyRequestsError(status_code=429),
        InternalServerError(status_code=503),
        InvalidResponseError(status_code=200),
        SourceError("unreadable"),
        SourceChangedError("written to"),
        ClientClosedError("closed"),
    ],
)
def test_the_platform_and_the_file_get_no_second_chance(error: TwelveLabsError) -> None:
    """A control call had its own retries already; a file does not mend itself."""
    assert failure_kind(error) is FailureKind.FATAL
    assert retries(policy_of(proven_at=0.0), error) == 0


# How often.


@given(max_retries=st.integers(0, 20), proven=st.booleans())
def test_answers_are_bounded_by_max_retries(max_retries: int, proven: bool) -> None:
    """A chunk that the store refuses again and again ends the upload."""
    assert retries(policy_of(max_retries, proven_at=0.0 if proven else None), BUSY) == max_retries


@given(max_retries=st.integers(0, 20))
def test_the_first_expired_url_is_free_and_the_others_count(max_retries: int) -> None:
    """Time passed, which is nobody's fault; a second time something else is wrong."""
    judge = policy_of(max_retries)
    assert judge.pause(OLD, attempts := RetryState(), began=0.0, now=0.0) == 0.0
    assert attempts == RetryState(expiries=1)
    assert retries(judge, OLD) == 1 + max_retries


@given(kinds=st.lists(st.sampled_from([BUSY, OLD]), max_size=30), max_retries=st.integers(0, 5))
def test_answers_of_all_kinds_share_one_budget(kinds: list[StorageError], max_retries: int) -> None:
    """Busy and expired in turn do not add up to twice as many retries."""
    judge, attempts = policy_of(max_retries), RetryState()
    given_up = [judge.pause(error, attempts, began=0.0, now=0.0) is None for error in kinds]
    costs = len(kinds) - int(OLD in kinds)
    assert any(given_up) == (costs > max_retries)


@given(asked=st.floats(0, LONGEST_OBEYED_PAUSE), failures=st.integers(0, 2))
def test_the_store_is_given_the_time_that_it_asks_for(asked: float, failures: int) -> None:
    """And a little more, so that not all who were turned away come back at once."""
    error = StorageError("slow down", status_code=503, retry_after=asked)
    pause = policy_of().pause(error, RetryState(answers=failures), began=0.0, now=0.0)
    assert pause is not None
    assert asked <= pause <= asked + LONGEST_BACKOFF


def test_nobody_waits_longer_for_the_store_than_for_the_platform() -> None:
    """Whoever asks for more gets no retry; its error says when to come back."""
    for asked in (LONGEST_OBEYED_PAUSE + 1, 3600.0, 1e300):
        error = StorageError("slow down", status_code=503, retry_after=asked)
        assert policy_of().pause(error, RetryState(), began=0.0, now=0.0) is None


def test_a_fatal_answer_costs_nothing_and_ends_at_once() -> None:
    """The books of the chunk stay as they are."""
    attempts = RetryState()
    refusal = StorageError("no", status_code=403)
    assert policy_of().pause(refusal, attempts, began=0.0, now=0.0) is None
    assert attempts == RetryState()


@given(max_retries=st.integers(0, 20))
def test_silence_before_anything_was_proven_is_no_outage(max_retries: int) -> None:
    """A wrong host name or a firewall ends the upload as soon as a broken store would."""
    assert retries(policy_of(max_retries, outage_timeout=1e9), DOWN) == max_retries


def test_a_good_answer_of_the_platform_does_not_prove_the_way_to_the_store() -> None:
    """Control calls may work while a firewall swallows every PUT."""
    judge = policy_of(2)
    judge.heard(0.0)
    assert retries(judge, DOWN) == 2


@given(max_retries=st.integers(0, 20))
def test_a_poisoned_chunk_ends_the_upload_while_others_succeed(max_retries: int) -> None:
    """Its silence is no outage when somebody was answered since its attempt began."""
    judge, attempts, now = policy_of(max_retries, proven_at=0.0), RetryState(), 0.0
    count = 0
    while judge.pause(DOWN, attempts, began=now, now=now + 2) is not None:
        count += 1
        now += 2
        judge.arrived(now + 1)
    judge.arrived(now + 1)
    assert count <= 1 + max(max_retries, 1)  # the first silence came before anybody was answered
    assert attempts.losses == max(max_retries, 1) + 1


def test_one_loss_is_forgiven_even_without_retries() -> None:
    """What cut the attempt may be what begins the outage."""
    judge, attempts = policy_of(0, proven_at=5.0), RetryState()
    assert judge.pause(DOWN, attempts, began=0.0, now=10.0) is not None
    assert judge.pause(DOWN, attempts, began=0.0, now=10.0) is None


@define
class _Outage:
    """Counts attempts in silence that take ``each`` seconds, from the last answer at 0 on."""

    judge: RetryPolicy
    each: float
    attempts: int = 0
    now: float = 0.0

    def last(self, until: float = 1e6) -> None:
        """Try again and again."""
        costs = RetryState()
        while self.now < until:
            began, self.now = self.now, self.now + self.each
            self.attempts += 1
            pause = self.judge.pause(DOWN, costs, began=began, now=self.now)
            if pause is None:
                return
            self.now += pause


@given(
    max_retries=st.integers(0, 3),
    timeout=st.floats(0, 3_600),
    each=st.floats(0, 30),
)
def test_an_outage_is_waited_out_until_its_timeout(
    max_retries: int, timeout: float, each: float
) -> None:
    """However many attempts that takes, and not much longer."""
    outage = _Outage(policy_of(max_retries, timeout, proven_at=0.0), each)
    outage.last()
    assert outage.attempts >= 2
    assert timeout < outage.now or outage.each == timeout == 0
    assert outage.now <= each + timeout + LONGEST_OUTAGE_BACKOFF + each


def test_a_chunk_that_makes_it_begins_the_timeout_anew() -> None:
    """The way to the store is good; the outage is another one."""
    judge, attempts = policy_of(0, outage_timeout=100, proven_at=0.0), RetryState()
    assert judge.pause(DOWN, attempts, began=50.0, now=60.0) is not None
    judge.arrived(90.0)
    assert judge.pause(DOWN, attempts, began=95.0, now=180.0) is not None
    assert judge.pause(DOWN, attempts, began=181.0, now=190.1) is None


def test_the_platform_does_not_vouch_for_a_store_that_is_dead() -> None:
    """Each attempt asks it for a URL: if those answers counted, there would be no end."""
    judge, attempts = policy_of(0, outage_timeout=100, proven_at=0.0), RetryState()
    now = 0.0
    for _ in range(200):
        judge.heard(now)
        if judge.pause(DOWN, attempts, began=now, now=now + 1) is None:
            break
        now += 2
    assert 100 <= now <= 103


def test_an_attempt_that_outlasts_the_timeout_gets_another_one() -> None:
    """A slow link needs minutes for a chunk: that it broke once does not say that it is dead."""
    judge, attempts = policy_of(0, outage_timeout=120, proven_at=0.0), RetryState()
    assert judge.pause(DOWN, attempts, began=0.0, now=600.0) is not None
    assert judge.pause(DOWN, attempts, began=601.0, now=720.0) is not None
    assert judge.pause(DOWN, attempts, began=720.0, now=720.1) is None


def test_an_answer_ends_a_row_of_silences() -> None:
    """The next outage begins with short pauses, and with the same right to a second attempt."""
    judge, attempts = policy_of(9, proven_at=0.0), RetryState()
    judge.pause(DOWN, attempts, began=0.0, now=1.0)
    assert attempts.silences == 1
    judge.pause(BUSY, attempts, began=2.0, now=3.0)
    assert attempts.silences == 0


# How long.


@given(failures=st.integers(1, 10_000), base=st.floats(0, 1e6), longest=st.floats(0, 1e6))
def test_backoff_stays_within_its_bounds(failures: int, base: float, longest: float) -> None:
    """Never negative, never above the ceiling, however many failures there were."""
    pause = backoff(failures, base, longest)
    assert 0 <= pause <= longest
    assert pause <= base * 2.0 ** min(failures - 1, 30)


def test_backoff_doubles_and_is_spread_evenly() -> None:
    """Full jitter: clients that failed together do not come back together."""
    for failures, ceiling in ((1, 2.0), (2, 4.0), (3, 8.0), (9, LONGEST_BACKOFF)):
        pauses = sorted(backoff(failures, 2.0) for _ in range(2_000))
        assert pauses[0] < ceiling * 0.05
        assert ceiling * 0.4 < pauses[1_000] < ceiling * 0.6
        assert ceiling * 0.95 < pauses[-1] <= ceiling


@given(failures=st.integers(1, 30), retry_delay=st.floats(0, 100), proven=st.booleans())
def test_pauses_stay_within_their_bounds(failures: int, retry_delay: float, proven: bool) -> None:
    """In an outage they are shorter: its end should be noticed soon."""
    judge = RetryPolicy(100, retry_delay, outage_timeout=1e9)
    if proven:
        judge.arrived(0.0)
    longest = LONGEST_OUTAGE_BACKOFF if proven else LONGEST_BACKOFF
    attempts = RetryState()
    for number in range(failures):
        pause = judge.pause(DOWN, attempts, began=0.0, now=0.0)
        assert pause is not None
        first = max(retry_delay, LEAST_OUTAGE_DELAY) if proven else retry_delay
        assert 0 <= pause <= min(longest, first * 2.0**number)


def test_a_dead_network_is_not_asked_without_a_pause() -> None:
    """``retry_delay=0`` means retries at once, not a loop that spins for two minutes."""
    judge = RetryPolicy(0, retry_delay=0.0, outage_timeout=120.0)
    judge.arrived(0.0)
    outage = _Outage(judge, each=0.0)
    outage.last()
    assert outage.now > 120
    assert outage.attempts < 100


@pytest.mark.parametrize("proven_at", [None, 0.0])
@pytest.mark.parametrize("most_dead", [1, 25])
def test_a_connection_that_had_died_before_costs_no_retry(
    most_dead: int, proven_at: float | None
) -> None:
    """Nor is it an outage; but a store that loses one after the other is not asked for ever."""
    judge, attempts = policy_of(0, proven_at=proven_at), RetryState()
    judge.most_dead = most_dead
    for number in range(most_dead):
        assert judge.pause(dead(), attempts, began=0.0, now=0.0) == 0.0
        assert attempts == RetryState(dead=number + 1)
    judge, attempts = policy_of(2), RetryState(dead=1)
    pauses = [judge.pause(dead(), attempts, began=0.0, now=0.0) for _ in range(3)]
    assert pauses[2] is None
    assert None not in pauses[:2]
