"""The five multipart endpoints, each answer with its status and headers.

Facts: the platform's API reference, v1.3, "Multipart uploads", read 2026-11.
"""

from collections.abc import Iterable, Mapping
from typing import cast

from attrs import define

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import (
    check_flag,
    check_kind,
    check_text,
    check_whole,
    checked_mapping,
    shown,
)
from twelvelabs_async._http.request import RequestOptions, path_segment
from twelvelabs_async._http.response import AnswerSubject, ApiResponse
from twelvelabs_async._http.structure import ShapeError, structure
from twelvelabs_async._http.transport import Transport
from twelvelabs_async._http.user_metadata import checked_metadata
from twelvelabs_async._upload.asset_name import check_filename, check_type
from twelvelabs_async._upload.plan.url_book import MOST_URLS
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.pages import page_params
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    CreateAssetUploadRequestType,
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    ListIncompleteUploadsResponse,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
    UserMetadata,
)

_UPLOADS = "/assets/multipart-uploads"


@define(eq=False, repr=False)
class RawMultipartUploadClient(Unpicklable):
    """As ``client.multipart_upload``, but each method returns an ``ApiResponse``."""

    _transport: Transport

    def urgent(self) -> "RawMultipartUploadClient":
        """Return the same endpoints for calls that do not wait while the platform limits rates."""
        return RawMultipartUploadClient(self._transport.urgent())

    async def create(
        self,
        *,
        filename: str,
        type: CreateAssetUploadRequestType,  # noqa: A002 - the platform's name for it
        total_size: int,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        user_metadata: UserMetadata | None = None,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[CreateAssetUploadResponse]:
        """Open an upload session; see ``MultipartUploadClient.create``."""
        check_filename("filename", filename)
        check_type("type", type)
        check_whole("total_size", total_size, 1)
        for name, flag in (("enable_hls", enable_hls), ("enable_thumbnail", enable_thumbnail)):
            if flag is not None:
                check_flag(name, flag)
        asked = {
            "filename": filename,
            "type": type,
            "total_size": total_size,
            "enable_hls": enable_hls,
            "enable_thumbnail": enable_thumbnail,
            "user_metadata": None if user_metadata is None else checked_metadata(user_metadata),
        }
        return await self._transport.request(
            CreateAssetUploadResponse,
            "POST",
            _UPLOADS,
            json={name: value for name, value in asked.items() if value is not None},
            options=request_options,
        )

    async def get_status(
        self,
        upload_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = None,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[GetUploadStatusResponse]:
        """Ask where a session stands; see ``MultipartUploadClient.get_status``."""
        return await self._transport.request(
            GetUploadStatusResponse,
            "GET",
            _session(upload_id),
            params=page_params(page, page_limit),
            options=request_options,
            harmless=True,
            subject=AnswerSubject("upload_id", upload_id),
        )

    async def list_incomplete_uploads(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = None,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[ListIncompleteUploadsResponse]:
        """List sessions that are not complete; see ``MultipartUploadClient``."""
        return await self._transport.request(
            ListIncompleteUploadsResponse,
            "GET",
            _UPLOADS,
            params=page_params(page, page_limit),
            options=request_options,
            harmless=True,
        )

    async def report_chunk_batch(
        self,
        upload_id: str,
        *,
        completed_chunks: Iterable[CompletedChunk],
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[ReportChunkBatchResponse]:
        """Report stored chunks; see ``MultipartUploadClient.report_chunk_batch``."""
        chunks = _checked_chunks(completed_chunks)
        return await self._transport.request(
            ReportChunkBatchResponse,
            "POST",
            _session(upload_id),
            json={"completed_chunks": chunks},
            options=request_options,
            harmless=True,
        )

    async def get_additional_presigned_urls(
        self,
        upload_id: str,
        *,
        start: int,
        count: int,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[RequestAdditionalPresignedUrLsResponse]:
        """Get fresh URLs; see ``MultipartUploadClient.get_additional_presigned_urls``."""
        check_whole("start", start, 1)
        check_whole("count", count, 1, most=MOST_URLS)
        return await self._transport.request(
            RequestAdditionalPresignedUrLsResponse,
            "POST",
            f"{_session(upload_id)}/presigned-urls",
            json={"start": start, "count": count},
            options=request_options,
            harmless=True,
            subject=AnswerSubject("upload_id", upload_id),
        )


def _checked_chunks(chunks: object) -> list[CompletedChunk]:
    """Return the chunks of a report as a list, each as it can be reported.

    Raises:
        InvalidArgumentError: There is none, or one that never was sent.
    """
    argument = "completed_chunks"
    if not isinstance(chunks, Iterable):
        problem = f"must be a list of CompletedChunk, not {shown(chunks)}"
        raise InvalidArgumentError(problem, argument=argument)
    given = list(cast("Iterable[CompletedChunk | Mapping[str, object]]", chunks))
    if not given:
        raise InvalidArgumentError("is empty", argument=argument)
    listed = [_chunk(f"{argument}[{place}]", chunk) for place, chunk in enumerate(given)]
    for place, chunk in enumerate(listed):
        check_whole(f"{argument}[{place}].chunk_index", chunk.chunk_index, 1)
        check_text(f"{argument}[{place}].proof", chunk.proof)
        check_whole(f"{argument}[{place}].chunk_size", chunk.chunk_size, 0)
    return listed


def _chunk(argument: str, chunk: object) -> CompletedChunk:
    if isinstance(chunk, Mapping):  # as whoever keeps chunks as JSON has them
        fields = checked_mapping(argument, cast("Mapping[str, object]", chunk))
        try:
            return structure(fields, CompletedChunk)
        except ShapeError as error:
            problem = f"is no chunk: {error}"
        raise InvalidArgumentError(problem, argument=argument)
    check_kind(argument, chunk, CompletedChunk)
    return cast("CompletedChunk", chunk)


def _session(upload_id: str) -> str:
    return f"{_UPLOADS}/{path_segment(upload_id, 'upload_id')}"
