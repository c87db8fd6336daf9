"""Decide whether and when to try a chunk again. Pure: time is handed in.

Only this module classifies failures. A failure that the store answered counts against the chunk
(``max_retries``), so that a chunk which can never be stored ends the upload. Silence does not: when
neither store nor platform has answered since the attempt began, and a chunk was stored before, the
network is down. Then the upload waits, for ``outage_timeout`` seconds after the first silence.
"""

from enum import Enum, auto
from http import HTTPStatus

from attrs import define

from twelvelabs_async._http.retries import backoff, is_stale, is_transient, retry_pause
from twelvelabs_async.errors import (
    ApiConnectionError,
    StorageConnectionError,
    StorageError,
    TwelveLabsError,
)

TRANSIENT_CODES = frozenset(
    {
        "SlowDown",
        "RequestTimeout",
        "InternalError",
        "ServiceUnavailable",
        "OperationAborted",
        "ConditionalRequestConflict",
    }
)
EXPIRED_CODES = frozenset({"ExpiredToken", "RequestExpired", "TokenRefreshRequired"})
LONGEST_OUTAGE_BACKOFF = 10.0
"""Seconds between attempts while the network is down: soon enough to notice its return."""
LEAST_OUTAGE_DELAY = 1.0
"""Seconds; replaces a smaller ``retry_delay``, so that a dead network is not asked all the time."""


CROWDED_DELAY = 0.2
"""Seconds between attempts while other uploads have all file descriptors; an attempt is cheap."""


class FailureKind(Enum):
    """What a failure means for the next attempt."""

    TRANSIENT = auto()  # the store may answer otherwise next time
    EXPIRED = auto()  # the URL is too old; another one will do
    SILENT = auto()  # there was no answer
    FATAL = auto()  # another attempt would end the same


def failure_kind(error: TwelveLabsError) -> FailureKind:
    """Classify a failure of a PUT or of a control call that had its own retries already."""
    if isinstance(error, StorageConnectionError | ApiConnectionError):
        return FailureKind.SILENT
    if not isinstance(error, StorageError):
        return FailureKind.FATAL
    if _is_expiry(error):
        return FailureKind.EXPIRED
    return FailureKind.TRANSIENT if _may_change(error) else FailureKind.FATAL


def _may_change(error: StorageError) -> bool:
    """Whether the store may answer the same request otherwise next time."""
    status = error.status_code
    if status is None or error.code in TRANSIENT_CODES:  # None: a good answer without an ETag
        return True
    if (
        status == HTTPStatus.CONFLICT
    ):  # with another writer, or with what is there: only a code says which
        return not error.code
    return is_transient(status)


def _is_expiry(error: StorageError) -> bool:
    """Whether the store says that the URL is too old, in S3's or Google's words."""
    if error.code in EXPIRED_CODES:
        return True
    return error.code == "AccessDenied" and "expired" in error.message.lower()


@define
class RetryState:
    """The failed attempts of one chunk, or of one call, so far.

    Attributes:
        dead: Attempts that were lost with a connection that had died before.
        answers: Failures that the store answered.
        expiries: URLs that grew too old: the first one is free, a second one counts as an answer.
        losses: Attempts without an answer while others got theirs.
        silences: Attempts in a row without an answer while there was none for others either.
        silent_since: Our monotonic seconds when the first of that row ended.
        crowded_until: Our monotonic seconds until which descriptors are waited for; None: they have
            not been.
    """

    dead: int = 0
    answers: int = 0
    expiries: int = 0
    losses: int = 0
    silences: int = 0
    silent_since: float = 0.0
    crowded_until: float | None = None


@define(eq=False, repr=False)
class RetryPolicy:
    """Decides on retries, for all chunks of one upload.

    Attributes:
        max_retries: Further attempts that one chunk gets after the store answered with a failure.
        retry_delay: Seconds; the ceiling of the first pause, doubled each time.
        outage_timeout: Seconds for which silence is waited out, from its first notice.
        most_dead: Attempts of a chunk that may be lost with connections that had died before.
        proven: Whether a chunk was stored; only then is silence taken for an outage.
        heard_at: Our monotonic seconds of the last good answer, of store or platform.
        arrived_at: Our monotonic seconds when a chunk was stored last.
    """

    max_retries: int
    retry_delay: float
    outage_timeout: float
    most_dead: int = 1
    proven: bool = False
    heard_at: float = 0.0
    arrived_at: float = 0.0

    def heard(self, now: float) -> None:
        """Note a good answer of the platform."""
        self.heard_at = now

    def arrived(self, now: float) -> None:
        """Note that a chunk was stored."""
        self.heard_at = self.arrived_at = now
        self.proven = True

    def pause(
        self,
        error: TwelveLabsError,
        attempts: RetryState,
        *,
        began: float,
        now: float,
        crowded: bool = False,
    ) -> float | None:
        """Return seconds to wait before the next attempt; None: give up.

        Args:
            error: How the attempt ended.
            attempts: What the chunk has cost so far; updated.
            began: Our monotonic seconds when the attempt began.
            now: Our monotonic seconds.
            crowded: Whether it got no descriptor, and others have some that they will give back.
        """
        if crowded:
            attempts.crowded_until = attempts.crowded_until or now + self.outage_timeout
            return CROWDED_DELAY if now < attempts.crowded_until else None
        if is_stale(error) and attempts.dead < self.most_dead:
            attempts.dead += 1
            return 0.0
        kind = failure_kind(error)
        if kind is not FailureKind.SILENT:
            attempts.silences = 0
        match kind:
            case FailureKind.FATAL:
                return None
            case FailureKind.EXPIRED if not attempts.expiries:
                attempts.expiries += 1
                return 0.0
            case FailureKind.SILENT:
                return self._after_silence(attempts, began, now)
            case FailureKind.EXPIRED | FailureKind.TRANSIENT:
                attempts.answers += 1
                return self._after_answer(error, attempts.answers)

    def _after_answer(self, error: TwelveLabsError, answers: int) -> float | None:
        return retry_pause(
            answers, self.max_retries, asked=error.retry_after, base=self.retry_delay
        )

    def _after_silence(self, attempts: RetryState, began: float, now: float) -> float | None:
        if self.proven and self.heard_at <= began:
            # The first silence begins the count, not the last answer: a slow chunk may have been
            # on its way for longer than the timeout. And the platform, which gives a URL for each
            # attempt, does not vouch for a store that is dead.
            if not attempts.silences:
                attempts.silent_since = now
            elif now - max(attempts.silent_since, self.arrived_at) > self.outage_timeout:
                return None
            attempts.silences += 1
            delay = max(self.retry_delay, LEAST_OUTAGE_DELAY)
            return backoff(attempts.silences, delay, LONGEST_OUTAGE_BACKOFF)
        attempts.silences = 0
        attempts.losses += 1
        # One loss is forgiven even without retries: what cut it may be the outage's beginning.
        most = max(self.max_retries, int(self.proven))
        return retry_pause(attempts.losses, most, base=self.retry_delay)
