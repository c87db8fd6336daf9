"""The platform over HTTP, as uploads see it."""

from collections.abc import Sequence

from attrs import frozen

from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._http.response import ApiResponse
from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.pages import LARGEST_PAGE
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    ListIncompleteUploadsResponse,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)
from twelvelabs_async.resources.assets import AssetsClient
from twelvelabs_async.resources.raw_multipart_upload import RawMultipartUploadClient


@frozen(eq=False, repr=False)
class HttpPlatform:
    """Makes the control calls of uploads through the endpoints; see ``_upload.platform``."""

    base_url: str
    _uploads: RawMultipartUploadClient
    _assets: AssetsClient

    async def create_session(
        self, spec: AssetSpec, total_size: int
    ) -> ApiResponse[CreateAssetUploadResponse]:
        """Open an upload session; see ``UploadPlatform.create_session``."""
        return await self._uploads.create(
            filename=spec.filename,
            type=spec.file_type,
            total_size=total_size,
            enable_hls=spec.enable_hls,
            enable_thumbnail=spec.enable_thumbnail,
            user_metadata=spec.user_metadata,
            request_options=spec.request_options,
        )

    async def list_sessions(
        self, page: int, options: RequestOptions | None
    ) -> ApiResponse[ListIncompleteUploadsResponse]:
        """List sessions that are not complete; see ``UploadPlatform.list_sessions``."""
        return await self._uploads.list_incomplete_uploads(
            page=page, page_limit=LARGEST_PAGE, request_options=options
        )

    async def session_status(
        self, upload_id: str, page: int | None, options: RequestOptions | None
    ) -> ApiResponse[GetUploadStatusResponse]:
        """Ask for a session's status; see ``UploadPlatform.session_status``."""
        limit = 1 if page is None else LARGEST_PAGE
        return await self._uploads.get_status(
            upload_id, page=page, page_limit=limit, request_options=options
        )

    async def presigned_urls(
        self, upload_id: str, start: int, count: int, options: RequestOptions | None
    ) -> ApiResponse[RequestAdditionalPresignedUrLsResponse]:
        """Get fresh URLs; see ``UploadPlatform.presigned_urls``."""
        return await self._uploads.get_additional_presigned_urls(
            upload_id, start=start, count=count, request_options=options
        )

    async def report(
        self,
        upload_id: str,
        chunks: Sequence[CompletedChunk],
        options: RequestOptions | None,
        *,
        urgent: bool,
    ) -> ApiResponse[ReportChunkBatchResponse]:
        """Report stored chunks; see ``UploadPlatform.report``."""
        uploads = self._uploads.urgent() if urgent else self._uploads
        return await uploads.report_chunk_batch(
            upload_id, completed_chunks=chunks, request_options=options
        )

    async def asset(
        self, asset_id: str, options: RequestOptions | None
    ) -> ApiResponse[AssetDetail]:
        """Ask for an asset; see ``UploadPlatform.asset``."""
        return await self._assets.with_raw_response.retrieve(asset_id, request_options=options)

    async def wait_until_ready(
        self,
        asset_id: str,
        *,
        timeout: float | None,  # noqa: ASYNC109 - the error names the last status
        hls: bool,
        thumbnail: bool,
    ) -> AssetDetail:
        """Wait until an asset can be used; see ``AssetsClient.wait_until_ready``."""
        return await self._assets.wait_until_ready(
            asset_id, timeout=timeout, hls=hls, thumbnail=thumbnail
        )
