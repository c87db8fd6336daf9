"""What a caller asks of one upload, checked before any byte is sent."""

import hashlib
import math
import os
from typing import Literal, get_args

from attrs import asdict, frozen

from twelvelabs_async import codec
from twelvelabs_async.arguments import check_seconds, check_whole, check_word
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.journal import Journal
from twelvelabs_async.media import asset_type
from twelvelabs_async.metadata import check_metadata
from twelvelabs_async.models import (
    ASSET_TYPES,
    CreateAssetUploadRequestType,
    UserMetadata,
)
from twelvelabs_async.upload.content import Content, content_at
from twelvelabs_async.upload.foreign import caller_code

IfBusy = Literal["raise", "wait"]
IfEnded = Literal["restart", "raise"]
Verify = Literal["etag"]
Digest = Literal["sha256"]


@frozen
class Wish:
    """The asset that a new session shall make; see ``MultipartUploadClient.upload_file``."""

    filename: str
    file_type: CreateAssetUploadRequestType
    enable_hls: bool | None
    enable_thumbnail: bool | None
    user_metadata: UserMetadata | None

    def __attrs_post_init__(self) -> None:
        if self.user_metadata is not None:
            check_metadata(self.user_metadata)

    def digest(self) -> str:
        """Return what is the same for the same wish, on every machine."""
        return hashlib.sha256(codec.dump(asdict(self))).hexdigest()


@frozen
class Resuming:
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
