"""Errors of uploads and of the assets that they make."""

from collections.abc import Mapping

from twelvelabs_async.errors._base import TwelveLabsError


class UploadError(TwelveLabsError):
    """An upload did not end in an asset; the cause is chained.

    Attributes:
        message: What failed and why, what has been stored, and how to go on.
        file: The path of the file, as it was given; None where no file is involved.
        upload_id: The session on the platform, as soon as the call, the journal or the platform
            has named it; None where none is known.
        asset_id: The asset that the session was to make; None where it is not known.
        upload_headers: The headers that the session's PUTs must carry, for ``resume``; the platform
            sends them only once.
        chunk_index: The chunk that failed, from 1; None where it was not a chunk.
        total_chunks: The chunks of the file; None where the session did not get that far.
        stored_chunks: The chunks that the object store holds; 0 where ``total_chunks`` is None.
        reported_chunks: Those of them that were reported to the platform.
        retryable: Whether another attempt, later, may succeed without any change.
        retry_after: Seconds to wait before another attempt; None: no pause was asked for.
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


class OutcomeUnknownError(TwelveLabsError):
    """A request may have taken effect, but its answer was lost; the failure is chained.

    Attributes:
        original_error: The failure.
        filename: The name of the asset that may exist; None where the platform chooses it.
    """

    def __init__(
        self, message: str, original_error: TwelveLabsError, filename: str | None = None
    ) -> None:
        self.original_error = original_error
        self.retry_after: float | None = original_error.retry_after
        self.filename = filename
        super().__init__(message)


class IncompleteUploadError(TwelveLabsError):
    """Every chunk was reported, but the platform has not counted all of them."""

    def __init__(self, counted: int, total: int, status: str) -> None:
        super().__init__(
            f"every chunk was reported, but the platform counts {counted} of {total} and calls "
            f"the session {status}; get_status() names the chunks that it misses"
        )


class ChunkFailedError(IncompleteUploadError):
    """The platform marks a chunk as failed, each time that it was stored and reported.

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
    """The upload is complete, but the id of its asset is not known.

    The platform names it only when a session is opened, and in answers to reports.
    """

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"upload {upload_id} is complete, but its asset is not known here: pass asset_id=, "
            "which was known when the upload began, or look at the newest of assets.list()"
        )


class SessionEndedError(TwelveLabsError):
    """An upload session cannot go on: it has expired, has failed, or does not exist any more."""

    def __init__(self, upload_id: str, state: str) -> None:
        super().__init__(f"upload {upload_id} cannot go on: its session {state}")


class AssetFailedError(TwelveLabsError):
    """The platform could not process an asset; the message is the platform's.

    Attributes:
        asset_id: The asset.
        message: The platform's reason.
    """

    def __init__(self, asset_id: str, message: str) -> None:
        self.asset_id = asset_id
        self.message = message
        super().__init__(f"asset {asset_id} failed: {message}")


class AssetNotReadyError(TwelveLabsError, TimeoutError):
    """An asset was not seen ready, within the time limit or as long as the platform answered.

    Its file has arrived, so do not upload it again: ``assets.wait_until_ready`` goes on waiting.

    Attributes:
        asset_id: The asset.
        status: Its last known status; None where it was never seen.
    """

    def __init__(self, asset_id: str, status: str | None, until: str) -> None:
        self.asset_id = asset_id
        self.status = status
        known = f"last seen {status}" if status else "never seen"
        super().__init__(f"asset {asset_id} is not ready {until} ({known})")


class SessionCorruptedError(TwelveLabsError):
    """A chunk that the platform may already count may be corrupt: the session must not go on.

    The first ETags of the store were not the MD5s of what was sent, so that they could not be
    checked; a later one was. So the first chunks were probably corrupted on the way.

    Attributes:
        chunk_index: One of those chunks, from 1.
    """

    def __init__(self, chunk_index: int) -> None:
        self.chunk_index = chunk_index
        super().__init__(
            "its ETag was not the MD5 of what was sent, and those of other chunks are: "
            "it may be corrupt; begin a new upload"
        )
