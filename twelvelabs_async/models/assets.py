"""The platform's values of assets, frozen, under the platform's names.

Only the id is always there: an asset that is ``processing`` has little else. Times are aware, sizes
are bytes, durations are seconds. Facts: the platform's API reference, v1.3, assets, read
2026-11; of transcriptions, the official SDK 1.3.6.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import Factory, field, frozen

from twelvelabs_async._core.redaction import repr_without_query
from twelvelabs_async.models.open_enum import OpenEnum
from twelvelabs_async.models.pages import PageInfo
from twelvelabs_async.models.technical_metadata import TechnicalMetadata


class AssetMethod(OpenEnum):
    """How an asset came to the platform."""

    DIRECT = "direct"
    URL = "url"
    MULTIPART = "multipart"
    CONNECTOR = "connector"


class AssetStatus(OpenEnum):
    """The state of an asset; only a ``ready`` one can be used."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class AssetHlsStatus(OpenEnum):
    """The state of an HLS stream."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    ERROR = "error"


class AssetThumbnailStatus(OpenEnum):
    """The state of a thumbnail."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    ERROR = "error"


class AssetTranscriptionStatus(OpenEnum):
    """The state of a transcription; only a ``ready`` one has text."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class AssetsRetrieveTranscriptionRequestIncludeItem(OpenEnum):
    """A segmentation of a transcription: by word, by sentence, or by speaker turn."""

    WORDS = "words"
    SENTENCES = "sentences"
    UTTERANCES = "utterances"


@frozen
class AssetSourceDetails:
    """Which file at which provider an asset was imported from."""

    provider: str | None = None
    source_id: str | None = None
    original_filename: str | None = None
    source_link: str | None = field(default=None, repr=repr_without_query)


@frozen
class AssetSource:
    """Where an asset was imported from; an uploaded asset has no source."""

    type: str | None = None
    details: AssetSourceDetails | None = None


@frozen
class AssetError:
    """Why an asset failed, as a text for people."""

    message: str


@frozen
class AssetHls:
    """An asset's HLS stream; ``manifest_url`` is there once it is ready."""

    manifest_url: str | None = field(default=None, repr=repr_without_query)
    status: AssetHlsStatus | None = None


@frozen
class AssetThumbnail:
    """An asset's thumbnail; ``representative_url`` is there once it is ready."""

    representative_url: str | None = field(default=None, repr=repr_without_query)
    status: AssetThumbnailStatus | None = None


@frozen
class Asset:
    """A file on the platform.

    Attributes:
        id: The id of the asset.
        method: How the file came to the platform.
        status: The state of the asset.
        filename: The name of the file.
        file_type: The MIME type of the file.
        created_at: When the upload began.
        user_metadata: Your own keys and values; empty where there are none.
        source: Where it was imported from; None for an upload.
    """

    id: str
    method: AssetMethod | None = None
    status: AssetStatus | None = None
    filename: str | None = None
    file_type: str | None = None
    created_at: datetime | None = None
    user_metadata: Mapping[str, Any] = Factory(dict[str, Any])
    source: AssetSource | None = None


@frozen
class AssetDetail(Asset):
    """A file on the platform, and what the platform made of it.

    Attributes:
        hls: Its HLS stream; None unless one was asked for.
        thumbnail: Its thumbnail; None unless one was asked for.
        technical_metadata: What was read from the file; None while the asset is processed.
        size: Bytes of the file; None until the asset is ready.
        duration: Length in seconds; None until the asset is ready, and for images.
        error: Why the asset failed; None unless it did.
        url: The URL of the file, should the platform name it here (undocumented).
    """

    hls: AssetHls | None = None
    thumbnail: AssetThumbnail | None = None
    technical_metadata: TechnicalMetadata | None = None
    size: int | None = None
    duration: float | None = None
    error: AssetError | None = None
    url: str | None = field(default=None, repr=repr_without_query)


@frozen
class AssetTranscriptionEntry:
    """A word or a sentence of a transcription, with its time range.

    Attributes:
        start: When it begins, in seconds from the beginning of the asset.
        end: When it ends, in seconds from the beginning of the asset.
        value: The recognized text.
    """

    start: float
    end: float
    value: str


@frozen
class AssetTranscriptionUtterance(AssetTranscriptionEntry):
    """A speaker turn of a transcription, with its time range.

    Attributes:
        speaker: The platform's identifier of the speaker; None where it gives none.
    """

    speaker: str | None = None


@frozen
class AssetTranscriptionError:
    """Why a transcription failed, as a text for people."""

    message: str


@frozen
class AssetTranscriptionResponse:
    """The transcription of an asset, in the segmentations that were asked for.

    A segmentation is None where it was not asked for, is not supported by the transcription, or is
    not ready yet. It is an empty tuple where no speech was recognized.

    Attributes:
        status: The state of the transcription.
        words: One entry for each word.
        sentences: One entry for each sentence.
        utterances: One entry for each speaker turn.
        error: Why it failed; None unless it did.
    """

    status: AssetTranscriptionStatus
    words: tuple[AssetTranscriptionEntry, ...] | None = None
    sentences: tuple[AssetTranscriptionEntry, ...] | None = None
    utterances: tuple[AssetTranscriptionUtterance, ...] | None = None
    error: AssetTranscriptionError | None = None


@frozen
class ListAssetsResponse:
    """One page of the account's assets, newest first."""

    data: tuple[AssetDetail, ...] = ()
    page_info: PageInfo = Factory(PageInfo)
