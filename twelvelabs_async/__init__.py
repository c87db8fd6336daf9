"""Asyncio-native upload SDK for the TwelveLabs video platform.

To import this package alone costs next to nothing: a name comes from its module when it is first
asked for, so that nobody waits for what they do not use. Ask for the names where a program begins,
``from twelvelabs_async import AsyncTwelveLabs``: the client brings all that it needs at once, and
leaves no import to the event loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twelvelabs_async.answers import ApiResponse
    from twelvelabs_async.asset_models import (
        Asset,
        AssetDetail,
        AssetError,
        AssetHls,
        AssetHlsStatus,
        AssetMethod,
        AssetSource,
        AssetSourceDetails,
        AssetsRetrieveTranscriptionRequestIncludeItem,
        AssetStatus,
        AssetThumbnail,
        AssetThumbnailStatus,
        AssetTranscriptionEntry,
        AssetTranscriptionError,
        AssetTranscriptionResponse,
        AssetTranscriptionStatus,
        AssetTranscriptionUtterance,
        AudioStream,
        ListAssetsResponse,
        TechnicalMetadata,
        VideoStream,
    )
    from twelvelabs_async.calls import RequestOptions
    from twelvelabs_async.client import AsyncTwelveLabs
    from twelvelabs_async.error_codes import ErrorCode
    from twelvelabs_async.errors import (
        ApiConnectionError,
        ApiError,
        ApiTimeoutError,
        AssetFailedError,
        AssetNotReadyError,
        AssetUnknownError,
        BadGatewayError,
        BadRequestError,
        ChunkCorruptedError,
        ChunkFailedError,
        ClientClosedError,
        ClientUseError,
        ConfigurationError,
        ConflictError,
        ContentTooLargeError,
        ForbiddenError,
        GatewayTimeoutError,
        GoneError,
        IncompleteUploadError,
        InternalServerError,
        InvalidArgumentError,
        InvalidResponseError,
        JournalError,
        JournalLostError,
        NotFoundError,
        OutcomeUnknownError,
        ServiceUnavailableError,
        SessionCorruptedError,
        SessionEndedError,
        SourceChangedError,
        SourceError,
        StorageConnectionError,
        StorageError,
        TooManyRequestsError,
        TwelveLabsError,
        UnauthorizedError,
        UnprocessableEntityError,
        UploadError,
        UploadInProgressError,
    )
    from twelvelabs_async.journal import Journal, MemoryJournal
    from twelvelabs_async.journal_files import FileJournal
    from twelvelabs_async.models import (
        ChunkInfo,
        ChunkInfoStatus,
        CompletedChunk,
        CreateAssetUploadRequestType,
        CreateAssetUploadResponse,
        GetUploadStatusResponse,
        IncompleteUploadSummary,
        ListIncompleteUploadsResponse,
        MultipartUploadStatusType,
        PageInfo,
        PresignedUrlChunk,
        ReportChunkBatchResponse,
        RequestAdditionalPresignedUrLsResponse,
        UploadProgress,
        UploadResult,
        UploadStatus,
        UserMetadata,
    )
    from twelvelabs_async.pagination import Page
    from twelvelabs_async.resources.upload_status import UploadStatusPage

__all__ = [
    "ApiConnectionError",
    "ApiError",
    "ApiResponse",
    "ApiTimeoutError",
    "Asset",
    "AssetDetail",
    "AssetError",
    "AssetFailedError",
    "AssetHls",
    "AssetHlsStatus",
    "AssetMethod",
    "AssetNotReadyError",
    "AssetSource",
    "AssetSourceDetails",
    "AssetStatus",
    "AssetThumbnail",
    "AssetThumbnailStatus",
    "AssetTranscriptionEntry",
    "AssetTranscriptionError",
    "AssetTranscriptionResponse",
    "AssetTranscriptionStatus",
    "AssetTranscriptionUtterance",
    "AssetUnknownError",
    "AssetsRetrieveTranscriptionRequestIncludeItem",
    "AsyncTwelveLabs",
    "AudioStream",
    "BadGatewayError",
    "BadRequestError",
    "ChunkCorruptedError",
    "ChunkFailedError",
    "ChunkInfo",
    "ChunkInfoStatus",
    "ClientClosedError",
    "ClientUseError",
    "CompletedChunk",
    "ConfigurationError",
    "ConflictError",
    "ContentTooLargeError",
    "CreateAssetUploadRequestType",
    "CreateAssetUploadResponse",
    "ErrorCode",
    "FileJournal",
    "ForbiddenError",
    "GatewayTimeoutError",
    "GetUploadStatusResponse",
    "GoneError",
    "IncompleteUploadError",
    "IncompleteUploadSummary",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidResponseError",
    "Journal",
    "JournalError",
    "JournalLostError",
    "ListAssetsResponse",
    "ListIncompleteUploadsResponse",
    "MemoryJournal",
    "MultipartUploadStatusType",
    "NotFoundError",
    "OutcomeUnknownError",
    "Page",
    "PageInfo",
    "PresignedUrlChunk",
    "ReportChunkBatchResponse",
    "RequestAdditionalPresignedUrLsResponse",
    "RequestOptions",
    "ServiceUnavailableError",
    "SessionCorruptedError",
    "SessionEndedError",
    "SourceChangedError",
    "SourceError",
    "StorageConnectionError",
    "StorageError",
    "TechnicalMetadata",
    "TooManyRequestsError",
    "TwelveLabsError",
    "UnauthorizedError",
    "UnprocessableEntityError",
    "UploadError",
    "UploadInProgressError",
    "UploadProgress",
    "UploadResult",
    "UploadStatus",
    "UploadStatusPage",
    "UserMetadata",
    "VideoStream",
]

_NAMES_OF = {
    "answers": "ApiResponse",
    "asset_models": """
        Asset AssetDetail AssetError AssetHls AssetHlsStatus AssetMethod AssetSource
        AssetSourceDetails AssetStatus AssetThumbnail AssetThumbnailStatus AssetTranscriptionEntry
        AssetTranscriptionError AssetTranscriptionResponse AssetTranscriptionStatus
        AssetTranscriptionUtterance AssetsRetrieveTranscriptionRequestIncludeItem AudioStream
        ListAssetsResponse TechnicalMetadata VideoStream
    """,
    "calls": "RequestOptions",
    "client": "AsyncTwelveLabs",
    "error_codes": "ErrorCode",
    "errors": """
        ApiConnectionError ApiError ApiTimeoutError AssetFailedError AssetNotReadyError
        AssetUnknownError BadGatewayError BadRequestError ChunkCorruptedError ChunkFailedError
        ClientClosedError ClientUseError ConfigurationError ConflictError ContentTooLargeError
        ForbiddenError GatewayTimeoutError GoneError IncompleteUploadError InternalServerError
        InvalidArgumentError InvalidResponseError JournalError JournalLostError NotFoundError
        OutcomeUnknownError ServiceUnavailableError SessionCorruptedError SessionEndedError
        SourceChangedError SourceError StorageConnectionError StorageError TooManyRequestsError
        TwelveLabsError UnauthorizedError UnprocessableEntityError UploadError
        UploadInProgressError
    """,
    "journal": "Journal MemoryJournal",
    "journal_files": "FileJournal",
    "models": """
        ChunkInfo ChunkInfoStatus CompletedChunk CreateAssetUploadRequestType
        CreateAssetUploadResponse GetUploadStatusResponse IncompleteUploadSummary
        ListIncompleteUploadsResponse MultipartUploadStatusType PageInfo PresignedUrlChunk
        ReportChunkBatchResponse RequestAdditionalPresignedUrLsResponse UploadProgress
        UploadResult UploadStatus UserMetadata
    """,
    "pagination": "Page",
    "resources.upload_status": "UploadStatusPage",
}
_HOMES = {name: home for home, names in _NAMES_OF.items() for name in names.split()}

if not TYPE_CHECKING:  # or every name would be one to a type checker

    def __getattr__(name: str) -> object:
        """Fetch a public name, or a module that has some; the next time, it is there."""
        if name in _NAMES_OF:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
