"""The status of an upload session, page by page."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from attrs import frozen

from twelvelabs_async.errors import UploadError
from twelvelabs_async.models.pages import Page
from twelvelabs_async.models.results import UploadStatus
from twelvelabs_async.models.uploads import (
    ChunkInfo,
    GetUploadStatusResponse,
    MultipartUploadStatusType,
)

StatusCallback = Callable[[UploadStatus], Awaitable[None] | None]


@frozen(kw_only=True)
class UploadStatusPage(Page[ChunkInfo]):
    """The status of a session, and one page of its chunks; ``async for`` yields all chunks.

    Attributes:
        status: The session's state when this page was fetched.
        upload_id: The session.
        chunks_completed: Chunks that were reported; None if the platform did not say.
        chunks_failed: Chunks that have to be sent again.
        chunks_pending: All others.
        total_size: Bytes of the file.
        uploaded_size: Bytes reported so far.
        created_at: When the session was opened.
        updated_at: When it last changed.
    """

    status: MultipartUploadStatusType
    upload_id: str | None
    chunks_completed: int | None
    chunks_failed: int | None
    chunks_pending: int | None
    total_size: int | None
    uploaded_size: int | None
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def of(
        cls,
        answer: GetUploadStatusResponse,
        number: int,
        fetch: Callable[[int], Awaitable["UploadStatusPage"]],
    ) -> "UploadStatusPage":
        """Return an answer as a page.

        Args:
            answer: The answer of the status endpoint.
            number: The page's number, from 1.
            fetch: Fetches another page by its number.
        """
        return cls(
            data=answer.uploaded_chunks,
            page_info=answer.page_info,
            number=number,
            fetch=fetch,
            status=answer.status,
            upload_id=answer.upload_id,
            chunks_completed=answer.chunks_completed,
            chunks_failed=answer.chunks_failed,
            chunks_pending=answer.chunks_pending,
            total_size=answer.total_size,
            uploaded_size=answer.uploaded_size,
            created_at=answer.created_at,
            updated_at=answer.updated_at,
        )

    def summary(self) -> UploadStatus:
        """Return how far the session is."""
        completed = self.chunks_completed or 0
        total = completed + (self.chunks_failed or 0) + (self.chunks_pending or 0)
        done = self.status == MultipartUploadStatusType.COMPLETED
        return UploadStatus("completed" if done else "in_progress", completed, total)

    def refuse_dead_end(self, upload_id: str) -> None:
        """Refuse a session that will never be complete by itself.

        Raises:
            UploadError: It failed or expired, or a chunk failed.
        """
        if self.status in {MultipartUploadStatusType.FAILED, MultipartUploadStatusType.EXPIRED}:
            raise UploadError(f"upload {upload_id} has {self.status}", upload_id=upload_id)
        if self.chunks_failed:
            raise UploadError(
                f"{self.chunks_failed} chunks of upload {upload_id} failed and have to be sent "
                "again",
                upload_id=upload_id,
            )
