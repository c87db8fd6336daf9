"""Every exception that users of this package can see, in one tree under ``TwelveLabsError``.

Who must act is in the class: a caller who passed something wrong (``InvalidArgumentError``), the
platform that refused or failed (``ApiError``), a network that did not answer
(``ApiConnectionError``), the object store (``StorageError``), the file on disk (``SourceError``),
the journal (``JournalError``).
``upload_file`` raises one ``UploadError`` whose ``__cause__`` is one of these. Neither the API key
nor a presigned signature ever stands in a text or an attribute here.
"""

from collections.abc import Mapping
from typing import Any, Self


class TwelveLabsError(Exception):
    """The root of every exception that this package raises on its own account.

    Attributes:
        retry_after: Seconds to wait before another attempt, from when the error was raised, where
            the platform or the object store asked for that; else None.
        lacks_descriptors: Whether the system had no file descriptor left: fewer at once may help.
    """

    args: tuple[str]
    """The text, and nothing else, whatever the class."""

    retry_after: float | None = None
    lacks_descriptors: bool = False

    def __init__(self, text: str = "") -> None:
        super().__init__(text)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle whole, so that a worker in another process can report a failure."""
        return _rebuild, (type(self), self.args, self.__dict__)

    def advised(self, advice: str) -> Self:
        """Add to the text what the reader can do, or should know."""
        self.args = (f"{self}; {advice}",)
        return self


def _rebuild(
    kind: type[TwelveLabsError], args: tuple[str], state: dict[str, object]
) -> TwelveLabsError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidArgumentError(TwelveLabsError, ValueError):
    """An argument can never be right; nothing was sent.

    Attributes:
        problem: What is wrong, without the argument's name: ``must be 1 or more, not 0``.
        argument: The argument, as Python names it, such as ``batch_size`` or
            ``additional_headers['X-Team']``; the text begins with it. None: no single argument is
            wrong, and ``problem`` is the whole text.
    """

    def __init__(self, problem: str = "", *, argument: str | None = None) -> None:
        self.problem = problem
        self.argument = argument
        super().__init__(problem if argument is None else f"{argument} {problem}")


class ConfigurationError(InvalidArgumentError):
    """The client cannot be built as asked: no API key, a base URL that is none."""


class ClientUseError(TwelveLabsError, TypeError):
    """A client is used as it cannot be: pickled, copied, or in ``with`` without ``async``."""


class ClientClosedError(TwelveLabsError):
    """The client was closed, or belongs to an event loop that is gone."""


class ApiConnectionError(TwelveLabsError):
    """The platform gave no answer: nobody listens, the connection broke, or time ran out.

    Attributes:
        stale_connection: Whether a connection broke that had served another request before: it may
            have died long ago, so that its loss says nothing about the network of now.
    """

    stale_connection: bool = False


class ApiTimeoutError(ApiConnectionError, TimeoutError):
    """The platform gave no answer in time."""


class ApiError(TwelveLabsError):
    """The platform answered, and the answer is an error.

    Attributes:
        status_code: The HTTP status; None where an error was not born from an answer.
        headers: The answer's headers, lower-case names.
        body: The answer's body: parsed JSON, or text where it is not JSON.
        code: The platform's code, an ``ErrorCode``; None where it gave none.
        message: The platform's message, whole.
        request_id: The platform's name for the request, to quote to its support; None if absent.
        request: What was asked, such as ``POST /assets/multipart-uploads``.
    """

    def __init__(
        self,
        *,
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        code: str | None = None,
        message: str | None = None,
        request: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        self.status_code = status_code
        self.headers: dict[str, str] = dict(headers or {})
        self.body = body
        self.code = code
        self.message: str = message or ""
        self.request = request
        self.request_id: str | None = request_id(self.headers)
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        what = f"{self.request or 'the platform'} answered"
        reason = " ".join(str(part) for part in (self.status_code, self.code) if part)
        what = f"{what} {reason}" if reason else what
        told = f": {self.message}" if self.message else ""
        quoted = f" (request id {self.request_id})" if self.request_id else ""
        return f"{what}{told}{quoted}"


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the request's id from an answer's lower-case ``headers``; None if it has none."""
    for name in ("x-request-id", "request-id", "x-amzn-requestid", "cf-ray"):
        if name in headers:
            return headers[name]
    return None


class OutcomeUnknownError(TwelveLabsError):
    """A request may have taken effect, and its answer is lost; the failure is chained.

    Attributes:
        original_error: The failure.
        filename: What the asset would be called; None where the platform chooses.
    """

    def __init__(
        self, message: str, original_error: TwelveLabsError, filename: str | None = None
    ) -> None:
        self.original_error = original_error
        self.retry_after: float | None = original_error.retry_after
        self.filename = filename
        super().__init__(message)


class InvalidResponseError(ApiError):
    """The answer is not what the platform documents: HTML, broken JSON, a missing key.

    The message names the path of the offending key, such as ``$.upload_urls[0].url``.
    """


class BadRequestError(ApiError):
    """400: the platform refuses what was asked."""


class UnauthorizedError(ApiError):
    """401: the platform does not accept the API key."""

    def _sentence(self) -> str:
        return f"the platform does not accept the API key: {super()._sentence()}"


class ForbiddenError(ApiError):
    """403: the API key may not do this."""

    def _sentence(self) -> str:
        return f"the API key is wrong, or may not do this: {super()._sentence()}"


class NotFoundError(ApiError):
    """404: no such thing, or not of this account."""


class ConflictError(ApiError):
    """409: something else depends on it."""


class GoneError(ApiError):
    """410: it was there and is no more."""


class ContentTooLargeError(ApiError):
    """413: more bytes than the platform takes."""


class UnprocessableEntityError(ApiError):
    """422: understood, and cannot be carried out."""


_MOST_DIGITS = 18
"""Digits of a rate limit; Python refuses to read a number of thousands of them."""


class TooManyRequestsError(ApiError):
    """429: the rate limit is used up."""

    @property
    def limit(self) -> int | None:
        """Requests allowed in a period; None if untold."""
        return self._figure("limit")

    @property
    def remaining(self) -> int | None:
        """Requests left in this period; None if untold."""
        return self._figure("remaining")

    @property
    def used(self) -> int | None:
        """Requests made in this period; None if untold."""
        return self._figure("used")

    def _figure(self, name: str) -> int | None:
        text = self.headers.get(f"x-ratelimit-{name}", "")
        is_figure = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        return int(text) if is_figure else None


class InternalServerError(ApiError):
    """500, or another 5xx without a class of its own: the platform failed."""


class BadGatewayError(InternalServerError):
    """502: a proxy got no good answer from the platform."""


class ServiceUnavailableError(InternalServerError):
    """503: the platform cannot serve now."""


class GatewayTimeoutError(InternalServerError):
    """504: a proxy got no answer from the platform in time."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    413: ContentTooLargeError,
    422: UnprocessableEntityError,
    429: TooManyRequestsError,
    502: BadGatewayError,
    503: ServiceUnavailableError,
    504: GatewayTimeoutError,
}

SERVER_ERRORS = 500


def error_class(status: int) -> type[ApiError]:
    """Return the class of the error that an answer with ``status`` is."""
    fallback = InternalServerError if status >= SERVER_ERRORS else ApiError
    return _BY_STATUS.get(status, fallback)


class StorageError(TwelveLabsError):
    """The object store refused a chunk, or answered without an ETag; or a proxy did in its place.

    Attributes:
        status_code: The HTTP status; None where there was no answer.
        code: The store's code, such as ``AccessDenied`` or ``SlowDown``; None if it gave none.
        message: The store's message.
        request_id: The store's name for the request; None if it gave none.
        host_id: The store's second name for it (S3's HostId); None if it gave none.
        chunk_index: The chunk, from 1.
        answered_by: Who answered where that was not plainly the object store, such as a host's
            name; None: it was the store, or nobody.
    """

    def __init__(
        self,
        message: str,
        *,
        chunk_index: int | None = None,
        status_code: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        host_id: str | None = None,
        retry_after: float | None = None,
        answered_by: str | None = None,
    ) -> None:
        self.retry_after = retry_after
        self.answered_by = answered_by
        self.message = message
        self.chunk_index = chunk_index
        self.status_code = status_code
        self.code = code
        self.request_id = request_id
        self.host_id = host_id
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        if self.status_code is None:
            return self.message
        reason = " ".join(str(part) for part in (self.status_code, self.code) if part)
        quoted = f" (request id {self.request_id})" if self.request_id else ""
        who = self.answered_by or "the object store"
        return f"{who} answered {reason}: {self.message}{quoted}"


class StorageConnectionError(StorageError):
    """The object store gave no answer: refused, reset, or stalled.

    Attributes:
        stale_connection: As for ``ApiConnectionError``.
        unsent: Whether nothing of the request was sent, so that its URL was not used.
    """

    stale_connection: bool = False
    unsent: bool = False


class ChunkCorruptedError(StorageError):
    """The object store holds something else than was sent: its ETag is another MD5.

    Attributes:
        etag: The store's ETag, bare.
        md5: The MD5 of what was sent, in hexadecimal.
    """

    def __init__(self, chunk_index: int, etag: str, md5: str) -> None:
        self.etag = etag
        self.md5 = md5
        super().__init__(
            "the object store holds something else than was sent: "
            f"its ETag is {etag}, and the MD5 of what was sent is {md5}",
            chunk_index=chunk_index,
        )


class SessionCorruptedError(TwelveLabsError):
    """A chunk is corrupt that the platform may count already: the session must not go on.

    The first ETags were no MD5s, so that the store was taken to have ETags of its own, and then
    came one that was. This is all but impossible unless the way there was bad, and got better.

    Attributes:
        chunk_index: One of those chunks, from 1.
    """

    def __init__(self, chunk_index: int) -> None:
        self.chunk_index = chunk_index
        super().__init__(
            "its ETag was not the MD5 of what was sent, and those of other chunks are: "
            "it may be corrupt; begin a new upload"
        )


class SourceError(TwelveLabsError):
    """The file cannot be uploaded, or cannot be read: the disk or the path is at fault.

    Attributes:
        chunk_index: The chunk that was being read, from 1; None if it was none in particular.
        retryable: Whether another attempt, later, may succeed without any change.
    """

    def __init__(
        self, message: str, *, chunk_index: int | None = None, retryable: bool = False
    ) -> None:
        self.chunk_index = chunk_index
        self.retryable = retryable
        super().__init__(message)


class SourceChangedError(SourceError):
    """The file was changed while it was being uploaded; what is stored is not one file.

    It is ``retryable`` where only its times are known to have changed (it was touched, renamed,
    restored, or written to), and nothing that is stored can be compared with it.
    """


class IncompleteUploadError(TwelveLabsError):
    """Every chunk was reported, but the platform has not counted all of them."""

    def __init__(self, counted: int, total: int, status: str) -> None:
        super().__init__(
            f"every chunk was reported, but the platform counts {counted} of {total} and calls "
            f"the session {status}; get_status() tells which chunks it misses"
        )


class ChunkFailedError(IncompleteUploadError):
    """The platform marks a chunk as failed that was stored and reported, each time it was sent.

    Attributes:
        chunk_index: The chunk, from 1.
        reason: Why, in the platform's words; empty where it gave none.
    """

    def __init__(self, chunk_index: int, reason: str, times: int) -> None:
        self.chunk_index = chunk_index
        self.reason = reason
        often = "once" if times == 1 else f"{times} times"
        super(IncompleteUploadError, self).__init__(
            f"it was stored and reported {often}, and the platform marks it as failed: "
            f"{reason or 'it gives no reason'}"
        )


class AssetUnknownError(TwelveLabsError):
    """The upload is complete, but nobody knows any more which asset it made.

    The platform names it only when a session is opened and in answers to reports.
    """

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"upload {upload_id} is complete, but its asset is not known here: pass asset_id=, as "
            "it was told when the upload began, or look at the newest of assets.list()"
        )


class SessionEndedError(TwelveLabsError):
    """An upload session cannot go on: it has expired or failed, or is not there any more."""

    def __init__(self, upload_id: str, state: str) -> None:
        super().__init__(f"upload {upload_id} cannot go on: its session {state}")


class AssetFailedError(TwelveLabsError):
    """The platform could not process an asset; the message is the platform's.

    Attributes:
        asset_id: The asset.
        message: Why, in the platform's words.
    """

    def __init__(self, asset_id: str, message: str) -> None:
        self.asset_id = asset_id
        self.message = message
        super().__init__(f"asset {asset_id} failed: {message}")


class AssetNotReadyError(TwelveLabsError, TimeoutError):
    """An asset was not ready in the time that was given.

    Attributes:
        asset_id: The asset.
        status: What was last known of it; None if nothing was.
    """

    def __init__(self, asset_id: str, status: str | None, seconds: float) -> None:
        self.asset_id = asset_id
        self.status = status
        known = f"last seen {status}" if status else "never seen"
        super().__init__(f"asset {asset_id} is not ready after {seconds:g} s ({known})")


class JournalError(TwelveLabsError):
    """The journal cannot be kept: a full disk, no permission, a store that is away.

    Before an upload has opened its session, this ends it: nothing was sent, and the ``UploadError``
    has no ``upload_id``. Later, the upload goes on without a journal.

    Attributes:
        retryable: Whether the journal may be kept at another time, without any change.
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        self.retryable = retryable
        super().__init__(message)


class JournalLostError(JournalError):
    """The lease on an entry was lost: another attempt may have it now, so this one stops."""


class UploadInProgressError(TwelveLabsError):
    """Somebody else is at work on the same upload.

    Attributes:
        key: The entry of the journal that is taken.
        holder: Who has it, in its own words, such as ``host:pid``; empty where it is not known.
    """

    def __init__(self, key: str, holder: str) -> None:
        self.key = key
        self.holder = holder
        super().__init__(
            f"{holder or 'somebody else'} is at work on the same upload (if_busy='wait' waits)"
        )


class UploadError(TwelveLabsError):
    """An upload did not end in an asset; its cause is chained.

    Attributes:
        message: What failed and why, what has been stored, and how to go on.
        file: The path of the file, as it was given; None where no file is involved.
        upload_id: The session on the platform; None where none was opened.
        asset_id: The asset that the session was to make; None where none was named.
        upload_headers: What the session's PUTs have to carry, for ``resume``; the platform tells
            it only once.
        chunk_index: The chunk that failed, from 1; None where it was not a chunk.
        total_chunks: The chunks of the file; None where the session did not get that far.
        stored_chunks: The chunks that the object store holds.
        reported_chunks: Those of them that the platform has been told of.
        retryable: Whether another attempt, later, may succeed without any change.
        retry_after: Seconds to wait before it; None where nobody asked for a pause.
        original_error: The cause, under the official SDK's name for it.
    """

    def __init__(
        self,
        message: str,
        *,
        chunk_index: int | None = None,
        original_error: Exception | None = None,
        file: str | None = None,
        upload_id: str | None = None,
        asset_id: str | None = None,
        upload_headers: Mapping[str, str] | None = None,
        total_chunks: int | None = None,
        stored_chunks: int = 0,
        reported_chunks: int = 0,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        self.message = message
        self.chunk_index = chunk_index
        self.original_error = original_error
        self.file = file
        self.upload_id = upload_id
        self.asset_id = asset_id
        self.upload_headers: dict[str, str] = dict(upload_headers or {})
        self.total_chunks = total_chunks
        self.stored_chunks = stored_chunks
        self.reported_chunks = reported_chunks
        self.retryable = retryable
        super().__init__(message)
