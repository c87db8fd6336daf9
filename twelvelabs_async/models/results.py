"""What an upload of this package reports to its caller: its progress, and its result."""

from typing import Any, Self

import attrs
from attrs import field, frozen

from twelvelabs_async._core.redaction import repr_without_query
from twelvelabs_async.models.assets import AssetDetail


@frozen
class UploadResult:
    """A file whose upload is complete.

    Attributes:
        asset_id: The asset.
        asset_url: The URL of the asset's file; None where the platform names none, which does no
            harm: every later step takes ``asset_id``.
        upload_id: The session that made it.
        total_size: Bytes of the file.
        total_chunks: How many chunks it was sent in.
        resumed_chunks: Those of them that an earlier attempt had stored.
        verified_chunks: Those that this attempt has sent, and whose ETag is the MD5 of what was
            sent; 0 where that was not asked for, or the store's ETags are no MD5s.
        sha256: The SHA-256 of the whole file, in hexadecimal; None unless it was asked for.
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
    """How far an upload is, in chunks and bytes.

    Attributes:
        total_chunks: The chunks of the file; 1 where it is sent in one request.
        completed_chunks: How many chunks were reported to the platform.
        percentage: ``uploaded_bytes`` of ``total_bytes``, 0 to 100; 0 until the end where the size
            is not known.
        status: ``uploading``, then ``completed`` or ``failed``.
        upload_id: The session; keep it to find the session again. None: there is none, for the
            file is sent in one request.
        asset_id: The asset that the session will make; None where there is no session, and in
            ``resume`` without ``asset_id=`` until the platform's answer to a report names it.
        uploaded_bytes: Bytes handed to the network for chunks that are stored or on their way.
        total_bytes: Bytes of the file; None where the size is not known.
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
    """What ``wait_for_upload_completion`` has seen last.

    Attributes:
        status: ``completed``, or ``in_progress``.
        completed_chunks: Chunks that were reported.
        total_chunks: The chunks of the session.
    """

    status: str
    completed_chunks: int
    total_chunks: int


@frozen
class UploadedAsset(AssetDetail):
    """An asset, and the upload that has made it.

    Attributes:
        result: What the upload in chunks came to: its session, its SHA-256, its key in the
            journal, for ``multipart_upload.forget``. None: it went in one request, which has none
            of these.
    """

    result: UploadResult | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, asset: AssetDetail, result: UploadResult | None) -> Self:
        """Return an asset with what its upload came to."""
        known: dict[str, Any] = {
            each.name: getattr(asset, each.name) for each in attrs.fields(AssetDetail)
        }
        return cls(**known, result=result)
