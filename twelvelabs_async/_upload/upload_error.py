"""The one exception that the user of an upload sees: what, why, what is left, and how to go on."""

from twelvelabs_async._http.retries import is_transient
from twelvelabs_async._upload.known_session import KnownSession
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.retry_policy import FailureKind, failure_kind
from twelvelabs_async.errors import (
    ApiError,
    AssetUnknownError,
    BadRequestError,
    GoneError,
    IncompleteUploadError,
    InvalidResponseError,
    JournalError,
    NotFoundError,
    OutcomeUnknownError,
    SessionCorruptedError,
    SessionEndedError,
    SourceError,
    TwelveLabsError,
    UploadError,
    UploadInProgressError,
)

_HOPELESS = (SourceError, SessionEndedError, SessionCorruptedError)
"""What a session cannot go on after."""

_ADVISING = (AssetUnknownError, UploadInProgressError)
"""What says itself how to go on."""


def upload_error(
    label: str,
    cause: TwelveLabsError,
    session: KnownSession | None = None,
    ledger: Ledger | None = None,
) -> UploadError:
    """Return what ``cause`` means to the caller of an upload.

    Args:
        label: What was uploaded.
        cause: What ended it.
        session: What is known of the session; None: there is none, as nothing goes in chunks.
        ledger: Where each chunk is; None: nothing was sent.
    """
    session = session or KnownSession()
    chunk: int | None = getattr(cause, "chunk_index", None)
    parts = (
        _what(label, chunk, str(cause), unknown=isinstance(cause, OutcomeUnknownError)),
        _standing(session, ledger),
        _advice(cause, session),
    )
    failure = UploadError(
        "".join(part for part in parts if part),
        chunk_index=chunk,
        original_error=cause,
        file=label,
        upload_id=session.upload_id,
        asset_id=session.asset_id,
        upload_headers=session.upload_headers,
        total_chunks=len(ledger.slices) if ledger else None,
        stored_chunks=ledger.stored_chunks if ledger else 0,
        reported_chunks=ledger.reported if ledger else 0,
        retryable=is_retryable(cause, journaled=session.recorded),
        retry_after=cause.retry_after,
    )
    failure.lacks_descriptors = cause.lacks_descriptors
    if cause.remedy is not None:
        failure.remedy = cause.remedy
        failure.without_remedy = _what(label, chunk, cause.without_remedy)
    return failure


def is_retryable(cause: TwelveLabsError, *, journaled: bool = False) -> bool:
    """Whether another attempt, later, may succeed without any change.

    Args:
        cause: What ended this one.
        journaled: Whether another one finds out what became of the session.
    """
    if isinstance(cause, InvalidResponseError):
        # What answered may not have been the platform. All that an upload in chunks asks may be
        # asked again: a session that was opened in vain ends by itself.
        return True
    if isinstance(cause, ApiError):
        return is_transient(cause.status_code or 0) or (journaled and _is_about_session(cause))
    if isinstance(cause, SourceError | JournalError):
        return cause.retryable
    if isinstance(cause, UploadInProgressError | IncompleteUploadError):
        return True
    return failure_kind(cause) is not FailureKind.FATAL


def _is_about_session(cause: TwelveLabsError) -> bool:
    """Whether the platform refused what a session in good order may ask."""
    if not isinstance(cause, BadRequestError | NotFoundError | GoneError):
        return False
    return "/assets/multipart-uploads/" in (cause.request or "")


def _what(label: str, chunk: int | None, cause: str, *, unknown: bool = False) -> str:
    where = f"chunk {chunk}: " if chunk is not None else ""
    verb = "may or may not have been" if unknown else "was not"
    return f"{label} {verb} uploaded: {where}{cause}"


def _standing(session: KnownSession, ledger: Ledger | None) -> str | None:
    if session.upload_id is None:
        return None
    if ledger is None:
        return f" (upload {session.upload_id}: nothing was sent by this call)"
    total, stored = len(ledger.slices), ledger.stored_chunks
    return (
        f" (upload {session.upload_id}: {stored} of {total} chunks are stored, "
        f"{ledger.reported} of them reported, {total - stored} left)"
    )


def _advice(cause: TwelveLabsError, session: KnownSession) -> str | None:
    """Say how to go on, where that is possible, and the cause does not say it."""
    over = isinstance(cause, (*_HOPELESS, *_ADVISING)) or (
        _is_about_session(cause) and not session.recorded
    )
    if session.upload_id is None or over:
        return None
    if session.recorded:
        return "; the same call goes on from there"
    until = f", until {session.expires_at:%Y-%m-%d %H:%M %Z}" if session.expires_at else ""
    return f"; multipart_upload.resume({session.upload_id!r}, ...) goes on from there{until}"
