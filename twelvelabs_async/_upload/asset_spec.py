"""The asset that an upload session shall make, and what makes two of them the same."""

import hashlib
from collections.abc import Mapping
from typing import Any, Self, cast

from attrs import frozen

from twelvelabs_async._http import json_text
from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._upload.options import AssetOptions
from twelvelabs_async.models.uploads import CreateAssetUploadRequestType, UserMetadata


@frozen
class AssetSpec:
    """The asset that a new session shall make.

    Attributes:
        filename: Its name, as the platform shall know it.
        file_type: The platform's type of it.
        enable_hls: Whether an HLS stream is made; None: the platform's choice.
        enable_thumbnail: Whether thumbnails are made; None: the platform's choice.
        user_metadata: The caller's keys and values; None: none.
        request_options: Of the call that creates the session.
    """

    filename: str
    file_type: CreateAssetUploadRequestType
    enable_hls: bool | None = None
    enable_thumbnail: bool | None = None
    user_metadata: UserMetadata | None = None
    request_options: RequestOptions | None = None

    @classmethod
    def of(
        cls, options: AssetOptions, filename: str, file_type: CreateAssetUploadRequestType
    ) -> Self:
        """Return what a caller's options ask for, of a file with this name and type."""
        return cls(
            filename,
            file_type,
            options.enable_hls,
            options.enable_thumbnail,
            options.user_metadata,
            options.request_options,
        )

    def digest(self) -> str:
        """Return what is the same for specs that are equal for the platform, on every machine.

        No difference is made by the order of keys, by ``1`` or ``1.0``, by a flag that is None or
        False, and by metadata that the platform leaves out (null, empty text, empty lists). ``1``
        and ``True`` differ, and so do two spellings of a name that look alike (NFC and NFD).

        Raises:
            InvalidArgumentError: An additional parameter is nothing that JSON can carry.
        """
        options = self.request_options or {}
        wanted = {
            "filename": self.filename,
            "file_type": self.file_type,
            "enable_hls": self.enable_hls,
            "enable_thumbnail": self.enable_thumbnail,
            "user_metadata": self.user_metadata,
            **_canonical(options.get("additional_body_parameters") or {}),
        }
        for flag in ("enable_hls", "enable_thumbnail"):
            wanted[flag] = None if wanted[flag] is False else wanted[flag]
        wanted["user_metadata"] = _kept_metadata(wanted["user_metadata"])
        if query := options.get("additional_query_parameters"):
            wanted["?"] = _canonical(query)
        return hashlib.sha256(json_text.dump(wanted)).hexdigest()


def _kept_metadata(metadata: object) -> object:
    """Return user metadata as the platform keeps it (its API reference, 2026-11); None: nothing."""
    if not isinstance(metadata, Mapping):
        return metadata
    kept = _canonical(cast("Mapping[str, object]", metadata)).items()
    return {key: item for key, item in kept if item not in (None, "", [])} or None


def _canonical(value: Mapping[str, object]) -> dict[str, Any]:
    """Return a JSON object so that equal ones are written with the same bytes."""
    ordered: dict[str, Any] = _ordered(json_text.parse(json_text.dump(value)))
    return ordered


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(item) for key, item in sorted(cast("dict[str, Any]", value).items())}
    if isinstance(value, list):
        return [_ordered(item) for item in cast("list[object]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
