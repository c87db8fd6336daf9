"""What a caller asks of one upload, checked before any byte is sent."""

import hashlib
import math
import os
from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from attrs import frozen

from twelvelabs_async._core.validation import check_seconds, check_whole, check_word
from twelvelabs_async._http import json_text
from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._http.user_metadata import check_metadata
from twelvelabs_async._upload.source.content import Content, content_at
from twelvelabs_async._upload.source.foreign import caller_code
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.media_types import asset_type
from twelvelabs_async.models.uploads import (
    ASSET_TYPES,
    CreateAssetUploadRequestType,
    UserMetadata,
)

IfBusy = Literal["raise", "wait"]
IfEnded = Literal["restart", "raise"]
Verify = Literal["etag"]
Digest = Literal["sha256"]


@frozen
class AssetSpec:
    """The asset that a new session shall make; see ``MultipartUploadClient.upload_file``."""

    filename: str
    file_type: CreateAssetUploadRequestType
    enable_hls: bool | None
    enable_thumbnail: bool | None
    user_metadata: UserMetadata | None
    options: RequestOptions | None = None

    def __attrs_post_init__(self) -> None:
        if self.user_metadata is not None:
            check_metadata(self.user_metadata)

    def digest(self) -> str:
        """Return what is the same for wishes that are equal for the platform, on every machine.

        No difference is made by the order of keys, by ``1`` or ``1.0``, by a flag that is None or
        False, and by metadata that the platform leaves out (null, empty text, empty lists). ``1``
        and ``True`` differ, and so do two spellings of a name that look alike (NFC and NFD).

        Raises:
            InvalidArgumentError: An additional parameter is nothing that JSON can carry.
        """
        options = self.options or {}
        asked = {
            "filename": self.filename,
            "file_type": self.file_type,
            "enable_hls": self.enable_hls,
            "enable_thumbnail": self.enable_thumbnail,
            "user_metadata": self.user_metadata,
            **_canonical(options.get("additional_body_parameters") or {}),
        }
        for flag in ("enable_hls", "enable_thumbnail"):
            asked[flag] = None if asked[flag] is False else asked[flag]
        asked["user_metadata"] = _kept_metadata(asked["user_metadata"])
        if query := options.get("additional_query_parameters"):
            asked["?"] = _canonical(query)
        return hashlib.sha256(json_text.dump(asked)).hexdigest()


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


@frozen
class ResumePolicy:
    """How an upload deals with an earlier attempt of its own, or with somebody else's.

    Attributes:
        journal: Where attempts are written down; None: nowhere.
        key: The caller's name for the upload; None: the file's content and the wish are its name.
        resume: Whether to go on where an earlier attempt ended.
        if_busy: Whether to ``wait`` for whoever is at the same upload, or to ``raise``.
        if_ended: Whether to ``restart`` where the session cannot go on, or to ``raise``.
        keep_result: Whether the same call gives the same result until it is forgotten.
    """

    journal: Journal | None
    key: str | None = None
    resume: bool = True
    if_busy: IfBusy = "raise"
    if_ended: IfEnded = "restart"
    keep_result: bool = False

    def __attrs_post_init__(self) -> None:
        if self.key is not None and not self.key:
            raise InvalidArgumentError("resume_key is empty")
        check_word("if_busy", self.if_busy, get_args(IfBusy))
        check_word("if_ended", self.if_ended, get_args(IfEnded))

    @property
    def patience(self) -> float:
        """Seconds to wait for whoever is at the same upload."""
        return math.inf if self.if_busy == "wait" else 0.0


@frozen
class UploadJob:
    """One file, and how to upload it; see ``MultipartUploadClient.upload_file``."""

    content: Content
    batch_size: int
    max_workers: int
    max_retries: int
    retry_delay: float
    verify: Verify | None = None
    digest: Digest | None = None

    def __attrs_post_init__(self) -> None:
        if self.verify is not None:
            check_word("verify", self.verify, get_args(Verify))
        if self.digest is not None:
            check_word("digest", self.digest, get_args(Digest))
        check_whole("batch_size", self.batch_size, 1)
        check_whole("max_workers", self.max_workers, 1)
        check_whole("max_retries", self.max_retries, 0)
        check_seconds("retry_delay", self.retry_delay, zero=True)


def checked_path(file_path: object) -> Content:
    """Return a file to upload by its path, which is made absolute now.

    Raises:
        InvalidArgumentError: It is empty, or no path at all.
    """
    with caller_code("cannot look at file_path", InvalidArgumentError):
        if not isinstance(file_path, str | os.PathLike):
            kind = type(file_path).__name__
            raise InvalidArgumentError(
                f"file_path must be a path (str or Path), not {kind}; write it to a file first"
            )
        return content_at(file_path, "file_path is empty")  # pyright: ignore[reportUnknownArgumentType]


def checked_name(content: Content, filename: str | None) -> str:
    """Return the name to upload under: ``filename``, or the file's own.

    Raises:
        InvalidArgumentError: It is empty, or cannot be sent as text.
    """
    return checked_filename((content.filename or "") if filename is None else filename)


def checked_filename(name: str) -> str:
    """Return the name of a file, as the platform shall know it.

    Raises:
        InvalidArgumentError: It is empty, or cannot be sent as text.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers vary
        raise InvalidArgumentError(f"filename must be text, not {name!r}")
    if not name.strip():
        raise InvalidArgumentError("filename is empty")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"the name {name!r} is not valid Unicode; pass another one as filename="
        ) from None
    return name


def checked_type(name: str, file_type: str | None) -> CreateAssetUploadRequestType:
    """Return the platform's type of a file: ``file_type``, or what ``name`` tells.

    Raises:
        InvalidArgumentError: The platform has no such type, or the name tells none.
    """
    if file_type is None:
        found = asset_type(name)
        if found is None:
            raise InvalidArgumentError(
                f"the name {name!r} does not tell whether it is video, audio or image; "
                "pass file_type="
            )
        return found
    for known in ASSET_TYPES:
        if file_type == known:
            return known
    raise InvalidArgumentError(
        f"file_type must be one of {', '.join(ASSET_TYPES)}, not {file_type!r}"
    )
