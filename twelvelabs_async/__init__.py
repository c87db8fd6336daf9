"""Asyncio-native upload SDK for the TwelveLabs video platform.

To import this package alone costs next to nothing: a name comes from its module when it is first
asked for, so that nobody waits for what they do not use. Ask for the names where a program begins,
``from twelvelabs_async import AsyncTwelveLabs``: the client brings all that it needs at once, and
leaves no import to the event loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # "as" the same name: what a type checker takes for public
    from twelvelabs_async._core.version import (
        __version__ as __version__,
    )
    from twelvelabs_async._http.request import (
        RequestOptions as RequestOptions,
    )
    from twelvelabs_async._http.response import (
        ApiResponse as ApiResponse,
    )
    from twelvelabs_async._upload.options import (
        Digest as Digest,
        IfBusy as IfBusy,
        IfEnded as IfEnded,
        Verify as Verify,
    )
    from twelvelabs_async._upload.progress import (
        ProgressCallback as ProgressCallback,
    )
    from twelvelabs_async._upload.runtime import (
        ClientStatistics as ClientStatistics,
    )
    from twelvelabs_async._upload.source.content import (
        File as File,
    )
    from twelvelabs_async._upload.source.ranges import (
        RangeSource as RangeSource,
    )
    from twelvelabs_async.client import (
        AsyncTwelveLabs as AsyncTwelveLabs,
    )
    from twelvelabs_async.errors import (
        ApiConnectionError as ApiConnectionError,
        ApiError as ApiError,
        ApiTimeoutError as ApiTimeoutError,
        AssetFailedError as AssetFailedError,
        AssetNotReadyError as AssetNotReadyError,
        AssetUnknownError as AssetUnknownError,
        BadGatewayError as BadGatewayError,
        BadRequestError as BadRequestError,
        ChunkCorruptedError as ChunkCorruptedError,
        ChunkFailedError as ChunkFailedError,
        ClientClosedError as ClientClosedError,
        ClientUseError as ClientUseError,
        ConfigurationError as ConfigurationError,
        ConflictError as ConflictError,
        ContentTooLargeError as ContentTooLargeError,
        ForbiddenError as ForbiddenError,
        GatewayTimeoutError as GatewayTimeoutError,
        GoneError as GoneError,
        IncompleteUploadError as IncompleteUploadError,
        InternalServerError as InternalServerError,
        InvalidArgumentError as InvalidArgumentError,
        InvalidResponseError as InvalidResponseError,
        JournalError as JournalError,
        JournalLostError as JournalLostError,
        NotFoundError as NotFoundError,
        OutcomeUnknownError as OutcomeUnknownError,
        ServiceUnavailableError as ServiceUnavailableError,
        SessionCorruptedError as SessionCorruptedError,
        SessionEndedError as SessionEndedError,
        SourceChangedError as SourceChangedError,
        SourceError as SourceError,
        StorageConnectionError as StorageConnectionError,
        StorageError as StorageError,
        TooManyRequestsError as TooManyRequestsError,
        TwelveLabsError as TwelveLabsError,
        UnauthorizedError as UnauthorizedError,
        UnprocessableEntityError as UnprocessableEntityError,
        UploadError as UploadError,
        UploadInProgressError as UploadInProgressError,
    )
    from twelvelabs_async.journal import (
        FileJournal as FileJournal,
        Journal as Journal,
        MemoryJournal as MemoryJournal,
    )
    from twelvelabs_async.models.assets import (
        Asset as Asset,
        AssetDetail as AssetDetail,
        AssetError as AssetError,
        AssetHls as AssetHls,
        AssetHlsStatus as AssetHlsStatus,
        AssetMethod as AssetMethod,
        AssetSource as AssetSource,
        AssetSourceDetails as AssetSourceDetails,
        AssetsRetrieveTranscriptionRequestIncludeItem as AssetsRetrieveTranscriptionRequestIncludeItem,  # noqa: E501 - the name is the official SDK's
        AssetStatus as AssetStatus,
        AssetThumbnail as AssetThumbnail,
        AssetThumbnailStatus as AssetThumbnailStatus,
        AssetTranscriptionEntry as AssetTranscriptionEntry,
        AssetTranscriptionError as AssetTranscriptionError,
        AssetTranscriptionResponse as AssetTranscriptionResponse,
        AssetTranscriptionStatus as AssetTranscriptionStatus,
        AssetTranscriptionUtterance as AssetTranscriptionUtterance,
        ListAssetsResponse as ListAssetsResponse,
    )
    from twelvelabs_async.models.error_codes import (
        ErrorCode as ErrorCode,
    )
    from twelvelabs_async.models.pages import (
        Page as Page,
        PageInfo as PageInfo,
    )
    from twelvelabs_async.models.results import (
        UploadedAsset as UploadedAsset,
        UploadProgress as UploadProgress,
        UploadResult as UploadResult,
        UploadStatus as UploadStatus,
    )
    from twelvelabs_async.models.technical_metadata import (
        AudioStream as AudioStream,
        TechnicalMetadata as TechnicalMetadata,
        VideoStream as VideoStream,
    )
    from twelvelabs_async.models.upload_status import (
        UploadStatusPage as UploadStatusPage,
    )
    from twelvelabs_async.models.uploads import (
        ChunkInfo as ChunkInfo,
        ChunkInfoStatus as ChunkInfoStatus,
        CompletedChunk as CompletedChunk,
        CreateAssetUploadRequestType as CreateAssetUploadRequestType,
        CreateAssetUploadResponse as CreateAssetUploadResponse,
        GetUploadStatusResponse as GetUploadStatusResponse,
        IncompleteUploadSummary as IncompleteUploadSummary,
        ListIncompleteUploadsResponse as ListIncompleteUploadsResponse,
        MultipartUploadStatusType as MultipartUploadStatusType,
        PresignedUrlChunk as PresignedUrlChunk,
        ReportChunkBatchResponse as ReportChunkBatchResponse,
        RequestAdditionalPresignedUrLsResponse as RequestAdditionalPresignedUrLsResponse,
        UserMetadata as UserMetadata,
    )
    from twelvelabs_async.resources.assets import (
        AssetsClient as AssetsClient,
    )
    from twelvelabs_async.resources.multipart_upload import (
        MultipartUploadClient as MultipartUploadClient,
    )
    from twelvelabs_async.resources.raw_assets import (
        RawAssetsClient as RawAssetsClient,
    )
    from twelvelabs_async.resources.raw_multipart_upload import (
        RawMultipartUploadClient as RawMultipartUploadClient,
    )
    from twelvelabs_async.testing import (
        Emulated as Emulated,
    )

_NAMES = {
    "_core.version": "__version__",
    "_http.request": "RequestOptions",
    "_http.response": "ApiResponse",
    "_upload.options": "Digest IfBusy IfEnded Verify",
    "_upload.progress": "ProgressCallback",
    "_upload.runtime": "ClientStatistics",
    "_upload.source.content": "File",
    "_upload.source.ranges": "RangeSource",
    "client": "AsyncTwelveLabs",
    "errors": """
        ApiConnectionError ApiError ApiTimeoutError AssetFailedError AssetNotReadyError
        AssetUnknownError BadGatewayError BadRequestError ChunkCorruptedError ChunkFailedError
        ClientClosedError ClientUseError ConfigurationError ConflictError ContentTooLargeError
        ForbiddenError GatewayTimeoutError GoneError IncompleteUploadError InternalServerError
        InvalidArgumentError InvalidResponseError JournalError JournalLostError NotFoundError
        OutcomeUnknownError ServiceUnavailableError SessionCorruptedError SessionEndedError
        SourceChangedError SourceError StorageConnectionError StorageError TooManyRequestsError
        TwelveLabsError UnauthorizedError UnprocessableEntityError UploadError UploadInProgressError
    """,
    "journal": "FileJournal Journal MemoryJournal",
    "models.assets": """
        Asset AssetDetail AssetError AssetHls AssetHlsStatus AssetMethod AssetSource
        AssetSourceDetails AssetsRetrieveTranscriptionRequestIncludeItem AssetStatus AssetThumbnail
        AssetThumbnailStatus AssetTranscriptionEntry AssetTranscriptionError
        AssetTranscriptionResponse AssetTranscriptionStatus AssetTranscriptionUtterance
        ListAssetsResponse
    """,
    "models.error_codes": "ErrorCode",
    "models.pages": "Page PageInfo",
    "models.results": "UploadedAsset UploadProgress UploadResult UploadStatus",
    "models.technical_metadata": "AudioStream TechnicalMetadata VideoStream",
    "models.upload_status": "UploadStatusPage",
    "models.uploads": """
        ChunkInfo ChunkInfoStatus CompletedChunk CreateAssetUploadRequestType
        CreateAssetUploadResponse GetUploadStatusResponse IncompleteUploadSummary
        ListIncompleteUploadsResponse MultipartUploadStatusType PresignedUrlChunk
        ReportChunkBatchResponse RequestAdditionalPresignedUrLsResponse UserMetadata
    """,
    "resources.assets": "AssetsClient",
    "resources.multipart_upload": "MultipartUploadClient",
    "resources.raw_assets": "RawAssetsClient",
    "resources.raw_multipart_upload": "RawMultipartUploadClient",
    "testing": "Emulated",
}
"""The public names of each module, for ``__getattr__``; a test compares them with those above."""

_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}
_PUBLIC_MODULES = {"client", "emulator", "errors", "journal", "models", "resources", "testing"}

if not TYPE_CHECKING:  # or every name would be one to a type checker
    __all__ = list(_MODULES)

    def __getattr__(name: str) -> object:
        """Import a public name, or a public module, when it is first asked for."""
        if name in _PUBLIC_MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
