"""What an upload needs of the platform once its session is open."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    GetUploadStatusResponse,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
)


class SessionPlatform(Protocol):
    """The control calls of one session.

    ``SessionCalls`` makes them over ``Platform``. Each raises ``ApiError`` where the platform
    refuses, ``ApiConnectionError`` where it does not answer, and ``ClientClosedError`` where the
    client is closed.
    """

    async def presigned_urls(
        self, start: int, count: int
    ) -> tuple[tuple[PresignedUrlChunk, ...], datetime | None]:
        """Return fresh URLs of ``count`` chunks from ``start``, and the server's own time."""
        ...

    async def report(
        self, chunks: tuple[CompletedChunk, ...], *, urgent: bool = False
    ) -> ReportChunkBatchResponse:
        """Report that the store holds ``chunks``.

        Args:
            chunks: One or more.
            urgent: Whether to send the report although the platform has asked the account to wait.
        """
        ...

    async def status(self) -> GetUploadStatusResponse:
        """Return the session's status and its counts."""
        ...

    async def failed(self, total_chunks: int) -> Mapping[int, str]:
        """Return the chunks that are marked as failed though they were reported.

        Args:
            total_chunks: The chunks of the session.

        Returns:
            The platform's reason for each, by index from 1.
        """
        ...

    async def asset(self, asset_id: str) -> AssetDetail:
        """Return the asset that the session makes."""
        ...
