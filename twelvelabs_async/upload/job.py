"""What a caller asks of one upload, checked before any byte is sent."""

import math
import os
from pathlib import Path

from attrs import frozen

from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.media import asset_type
from twelvelabs_async.models import (
    ASSET_TYPES,
    CreateAssetUploadRequestType,
    UserMetadata,
)


@frozen
class UploadJob:
    """One file, and how to upload it; see ``MultipartUploadClient.upload_file``."""

    path: Path
    filename: str
    file_type: CreateAssetUploadRequestType
    batch_size: int
    max_workers: int
    max_retries: int
    retry_delay: float
    enable_hls: bool | None
    enable_thumbnail: bool | None
    user_metadata: UserMetadata | None

    def __attrs_post_init__(self) -> None:
        _at_least(1, "batch_size", self.batch_size)
        _at_least(1, "max_workers", self.max_workers)
        _at_least(0, "max_retries", self.max_retries)
        if not math.isfinite(self.retry_delay) or self.retry_delay < 0:
            raise InvalidArgumentError(f"retry_delay must be 0 s or more, not {self.retry_delay}")


def checked_path(file_path: str | os.PathLike[str]) -> Path:
    """Return the path of a file to upload.

    Raises:
        InvalidArgumentError: It is empty.
    """
    if not os.fspath(file_path):
        raise InvalidArgumentError("file_path is empty")
    return Path(file_path)


def checked_name(path: Path, filename: str | None) -> str:
    """Return the name to upload under: ``filename``, or the file's own.

    Raises:
        InvalidArgumentError: It is empty, or cannot be sent as text.
    """
    name = path.name if filename is None else filename
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


def _at_least(least: int, name: str, value: int) -> None:
    if value < least:
        raise InvalidArgumentError(f"{name} must be {least} or more, not {value}")
