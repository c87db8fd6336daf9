"""Errors of the object store."""

from twelvelabs_async.errors._base import TwelveLabsError


class StorageError(TwelveLabsError):
    """The object store, or a proxy on the way, refused a chunk or answered without an ETag.

    Attributes:
        status_code: The HTTP status; None where there was no answer.
        code: The store's code, such as ``AccessDenied`` or ``SlowDown``; None if it gave none.
        message: The store's message.
        request_id: The store's id of the request; None if it gave none.
        host_id: The store's second id of it (S3's HostId); None if it gave none.
        chunk_index: The chunk's number, from 1; None where it is not known.
        answered_by: What answered, such as a host's name, where that may not be the object store;
            None: the store did, or there was no answer.
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
        unsent: Whether nothing of the request was sent, so that its URL can be used again.
    """

    stale_connection: bool = False
    unsent: bool = False


class ChunkCorruptedError(StorageError):
    """The object store holds other bytes than were sent: its ETag is another MD5.

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
