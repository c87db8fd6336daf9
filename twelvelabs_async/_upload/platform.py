"""What uploads need of the platform: the one seam between ``_upload`` and ``resources``."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._http.response import ApiResponse
from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    ListIncompleteUploadsResponse,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)


class UploadPlatform(Protocol):
    """The control calls that uploads make.

    ``resources.upload_platform`` makes them over HTTP; the tests have a platform in memory. Each
    call raises ``ApiError`` where the platform refuses, ``ApiConnectionError`` where it does not
    answer, and ``ClientClosedError`` where the client is closed.
    """

    @property
    def base_url(self) -> str:
        """Where the platform is: a record of the journal belongs to one platform."""
        ...

    async def create_session(
        self, spec: AssetSpec, total_size: int
    ) -> ApiResponse[CreateAssetUploadResponse]:
        """Open an upload session for a file of ``total_size`` bytes."""
        ...

    async def list_sessions(
        self, page: int, options: RequestOptions | None
    ) -> ApiResponse[ListIncompleteUploadsResponse]:
        """List a page (from 1) of the account's sessions that are not complete."""
        ...

    async def session_status(
        self, upload_id: str, page: int | None, options: RequestOptions | None
    ) -> ApiResponse[GetUploadStatusResponse]:
        """Ask for a session's status and a page (from 1) of its chunks; None: only the status."""
        ...

    async def presigned_urls(
        self, upload_id: str, start: int, count: int, options: RequestOptions | None
    ) -> ApiResponse[RequestAdditionalPresignedUrLsResponse]:
        """Get fresh URLs of ``count`` chunks from chunk ``start`` (from 1)."""
        ...

    async def report(
        self,
        upload_id: str,
        chunks: Sequence[CompletedChunk],
        options: RequestOptions | None,
        *,
        urgent: bool,
    ) -> ApiResponse[ReportChunkBatchResponse]:
        """Report that the store holds ``chunks``.

        Args:
            upload_id: The session.
            chunks: One or more.
            options: For the call.
            urgent: Whether the report is sent although the platform has asked the account to wait.
        """
        ...

    async def asset(
        self, asset_id: str, options: RequestOptions | None
    ) -> ApiResponse[AssetDetail]:
        """Ask for an asset."""
        ...

    def wait_until_ready(
        self, asset_id: str, *, timeout: float | None, hls: bool, thumbnail: bool
    ) -> Awaitable[AssetDetail]:
        """Wait until an asset can be used; see ``AssetsClient.wait_until_ready``."""
        ...
