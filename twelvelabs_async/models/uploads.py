"""The platform's values of multipart uploads, frozen, under the platform's names.

A field without a default is one that the next step needs: an answer without it is refused, and the
error names its path. Every other field may be missing or null, and one that is None then is None
also where the platform sends a value of another type. Sizes are bytes, times are aware.
Facts: the platform's API reference, v1.3, multipart uploads, read 2026-11.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from attrs import Factory, field, frozen

from twelvelabs_async._core.redaction import repr_without_query
from twelvelabs_async.models.open_enum import OpenEnum
from twelvelabs_async.models.pages import PageInfo

CreateAssetUploadRequestType = Literal["video", "audio", "image"]
ASSET_TYPES: tuple[CreateAssetUploadRequestType, ...] = get_args(CreateAssetUploadRequestType)

UserMetadataValue = str | int | float | bool | list[str] | None
UserMetadata = Mapping[str, UserMetadataValue]


class MultipartUploadStatusType(OpenEnum):
    """The state of an upload session; ``completed`` does not mean that the asset is ready."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"


class ChunkInfoStatus(OpenEnum):
    """The state of a chunk; ``pending`` includes chunks that were stored but not reported."""

    COMPLETED = "completed"
    PENDING = "pending"
    FAILED = "failed"


@frozen
class PresignedUrlChunk:
    """A URL to PUT one chunk to; it works once, for an hour.

    Attributes:
        chunk_index: The chunk's number, from 1.
        url: The signed URL. The signature covers every byte: send it as it is.
        expires_at: When the URL stops working, by the server's clock; None if not said.
    """

    chunk_index: int
    url: str = field(repr=repr_without_query)
    expires_at: datetime | None = None


@frozen
class CreateAssetUploadResponse:
    """A new upload session.

    Attributes:
        upload_id: The session.
        asset_id: The asset that the session will make.
        chunk_size: Bytes in each chunk but the last, which may be smaller.
        total_chunks: ``ceil(total_size / chunk_size)``.
        upload_urls: The URLs of some of the chunks, in any order; may be empty.
        upload_headers: Headers to send with every PUT.
        expires_at: When the session ends (24 hours); None if the platform did not say.
    """

    upload_id: str
    asset_id: str
    chunk_size: int
    total_chunks: int
    upload_urls: tuple[PresignedUrlChunk, ...] = ()
    upload_headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    expires_at: datetime | None = None


@frozen
class RequestAdditionalPresignedUrLsResponse:
    """Fresh URLs, perhaps fewer than asked for, in any order; the name is the official SDK's.

    Attributes:
        upload_urls: The URLs.
        upload_id: The session.
        start_index: The first chunk, from 1.
        count: How many URLs were made.
        generated_at: The server's time when it made them.
        expires_at: When they stop working, by the server's clock.
    """

    upload_urls: tuple[PresignedUrlChunk, ...] = ()
    upload_id: str | None = None
    start_index: int | None = None
    count: int | None = None
    generated_at: datetime | None = None
    expires_at: datetime | None = None


@frozen
class CompletedChunk:
    """A chunk that the object store holds, as a report to the platform names it.

    Attributes:
        chunk_index: The chunk's number, from 1.
        proof: The ETag, bare: without quotes and without a weak ``W/``.
        proof_type: Always ``etag``.
        chunk_size: The bytes that were sent.
    """

    chunk_index: int
    proof: str
    proof_type: Literal["etag"] = field(default="etag", kw_only=True)
    chunk_size: int = field(kw_only=True)


@frozen
class ReportChunkBatchResponse:
    """What the platform has counted, after a report.

    Attributes:
        total_completed: Chunks reported so far, in all reports; None if the platform did not say.
        url: The asset's URL; None until the upload is complete, and sometimes after it.
        asset_id: The asset.
        processed_chunks: Chunks of this report that were new.
        duplicate_chunks: Chunks of this report that were known already; harmless.
    """

    total_completed: int | None = None
    url: str | None = field(default=None, repr=repr_without_query)
    asset_id: str | None = None
    processed_chunks: int | None = None
    duplicate_chunks: int | None = None


@frozen
class ChunkInfo:
    """One chunk of a session, as the platform counts it.

    Attributes:
        index: The chunk's number, from 1.
        status: Whether it is completed.
        uploaded_at: When it was reported; None for one that was not.
        updated_at: When this changed.
        error: Why it failed; None unless it did.
    """

    index: int
    status: ChunkInfoStatus
    uploaded_at: datetime | None = None
    updated_at: datetime | None = None
    error: str | None = None


@frozen
class GetUploadStatusResponse:
    """The state of a session, and one page of its chunks; the chunk size and asset are not in it.

    Attributes:
        status: The session's state.
        upload_id: The session.
        uploaded_chunks: This page of its chunks.
        chunks_completed: Chunks that were reported.
        chunks_failed: Chunks that have to be sent again.
        chunks_pending: All others, stored but unreported ones among them.
        page_info: Which page this is.
        total_size: Bytes of the file.
        uploaded_size: Bytes reported so far.
        created_at: When the session was opened.
        updated_at: When it last changed.
        url: The asset's URL, should the platform name it here (undocumented).
    """

    status: MultipartUploadStatusType
    upload_id: str | None = None
    uploaded_chunks: tuple[ChunkInfo, ...] = ()
    chunks_completed: int | None = None
    chunks_failed: int | None = None
    chunks_pending: int | None = None
    page_info: PageInfo = Factory(PageInfo)
    total_size: int | None = None
    uploaded_size: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    url: str | None = field(default=None, repr=repr_without_query)


@frozen
class IncompleteUploadSummary:
    """A session that is not complete.

    Attributes:
        upload_id: The session.
        status: Its state.
        total_size: Bytes of the file.
        chunk_size: Bytes in each chunk but the last.
        total_chunks: How many chunks.
        created_at: When it was opened.
        expires_at: When it ends.
    """

    upload_id: str
    status: MultipartUploadStatusType
    total_size: int
    chunk_size: int
    total_chunks: int
    created_at: datetime | None = None
    expires_at: datetime | None = None


@frozen
class ListIncompleteUploadsResponse:
    """One page of the sessions that are not complete."""

    data: tuple[IncompleteUploadSummary, ...] = ()
    page_info: PageInfo = Factory(PageInfo)
