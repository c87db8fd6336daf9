"""The platform's values, frozen, in the platform's words.

A field with no default is one that the next step needs: an answer without it is refused, with its
path. Every other field may be missing or null. Vocabularies are open: a word that the platform adds
tomorrow is data, not a crash. Facts: the platform's API reference, v1.3, multipart uploads, read
2026-11. Assets have a file of their own.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self, get_args

from attrs import Factory, field, frozen

from twelvelabs_async._core.redaction import repr_without_query

CreateAssetUploadRequestType = Literal["video", "audio", "image"]
ASSET_TYPES: tuple[CreateAssetUploadRequestType, ...] = get_args(CreateAssetUploadRequestType)

UserMetadataValue = str | int | float | bool | list[str] | None
UserMetadata = Mapping[str, UserMetadataValue]


class OpenEnum(StrEnum):
    """Words that the platform uses, and any that it will: an unknown one becomes a member."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_ = value
        word._value_ = value
        return word


class MultipartUploadStatusType(OpenEnum):
    """Where an upload session stands; ``completed`` does not mean that the asset is ready."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"


class ChunkInfoStatus(OpenEnum):
    """Where a chunk stands; ``pending`` includes chunks that were stored but not reported."""

    COMPLETED = "completed"
    PENDING = "pending"
    FAILED = "failed"


@frozen
class PresignedUrlChunk:
    """A URL to PUT one chunk to; it works once and for an hour.

    Attributes:
        chunk_index: The chunk's number, from 1.
        url: Signed byte for byte: to be sent as it is.
        expires_at: When it stops to work, by the server's clock; None if the platform did not say.
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
        upload_urls: URLs of some of the chunks, in any order; may be empty.
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
    """Fresh URLs; perhaps fewer than asked for, in any order; the name is the official SDK's.

    Attributes:
        upload_urls: The URLs.
        upload_id: The session.
        start_index: The first chunk, from 1.
        count: How many were made.
        generated_at: The server's time when it made them.
        expires_at: When they stop to work, by the server's clock.
    """

    upload_urls: tuple[PresignedUrlChunk, ...] = ()
    upload_id: str | None = None
    start_index: int | None = None
    count: int | None = None
    generated_at: datetime | None = None
    expires_at: datetime | None = None


@frozen
class CompletedChunk:
    """A chunk that the object store holds, as it is reported to the platform.

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
    """What the platform has counted.

    Attributes:
        total_completed: Chunks reported so far, in all reports.
        url: The asset's URL; only when the upload is complete, and not even then for sure.
        asset_id: The asset.
        processed_chunks: Chunks of this report that were new.
        duplicate_chunks: Chunks of this report that were known already; harmless.
    """

    total_completed: int
    url: str | None = field(default=None, repr=repr_without_query)
    asset_id: str | None = None
    processed_chunks: int | None = None
    duplicate_chunks: int | None = None


@frozen
class ChunkInfo:
    """One chunk of a session, by the platform's books.

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
class PageInfo:
    """Which page of how many; pages count from 1. Null where the platform did not say."""

    limit_per_page: int | None = None
    page: int | None = None
    total_page: int | None = None
    total_results: int | None = None


@frozen
class GetUploadStatusResponse:
    """Where a session stands, and one page of its chunks; names neither chunk size nor asset.

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


@frozen
class UploadResult:
    """A file that has arrived whole.

    Attributes:
        asset_id: The asset.
        asset_url: Where the asset can be had; None where the platform names no URL, which does no
            harm: every later step takes ``asset_id``.
        upload_id: The session that made it.
        total_size: Bytes of the file.
        total_chunks: The chunks that it was sent in.
        resumed_chunks: Those of them that an earlier attempt had stored.
        verified_chunks: Those that this attempt has sent, and whose ETag is the MD5 of what was
            sent; 0 where that was not asked for, or the store's ETags are no MD5s.
        sha256: Of the whole file, in hexadecimal; None where that was not asked for.
        journal_key: The upload's entry in the journal, for ``multipart_upload.forget``; None:
            there is no journal.
    """

    asset_id: str
    asset_url: str | None = field(repr=repr_without_query)
    upload_id: str
    total_size: int
    total_chunks: int
    resumed_chunks: int = 0
    verified_chunks: int = 0
    sha256: str | None = None
    journal_key: str | None = None


@frozen
class UploadProgress:
    """How far an upload is.

    Attributes:
        total_chunks: The chunks of the file; 1 where it is sent in one request.
        completed_chunks: Those that the platform has been told of.
        percentage: ``uploaded_bytes`` of ``total_bytes``, 0 to 100; where the size is not known,
            0 until the end.
        status: ``uploading``, then ``completed`` or ``failed``.
        upload_id: The session; keep it to find the session again. None: there is none, for the
            file is sent in one request.
        asset_id: The asset that the session will make; None where there is no session.
        uploaded_bytes: Bytes handed to the network for chunks that are stored or on their way.
        total_bytes: Bytes of the file; None where nobody knows.
        stored_chunks: Chunks that the object store holds, reported or not.
    """

    total_chunks: int
    completed_chunks: int
    percentage: float
    status: str
    upload_id: str | None
    asset_id: str | None
    uploaded_bytes: int
    total_bytes: int | None
    stored_chunks: int


@frozen
class UploadStatus:
    """What ``wait_for_upload_completion`` saw last.

    Attributes:
        status: ``completed``, or ``in_progress``.
        completed_chunks: Chunks that were reported.
        total_chunks: The chunks of the session.
    """

    status: str
    completed_chunks: int
    total_chunks: int
