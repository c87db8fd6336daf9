"""What the platform calls a file: its name, and its type."""

from twelvelabs_async._core.validation import shown
from twelvelabs_async._upload.source.content import UNNAMED
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.media_types import asset_type
from twelvelabs_async.models.uploads import ASSET_TYPES, CreateAssetUploadRequestType


def check_filename(argument: str, value: object) -> None:
    """Refuse what the platform cannot know a file by.

    Raises:
        InvalidArgumentError: It is no text, is empty, or cannot be sent.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"must be text, not {shown(value)}", argument=argument)
    if not value.strip():
        raise InvalidArgumentError("is empty", argument=argument)
    if not _is_unicode(value):
        raise InvalidArgumentError(f"is not valid Unicode: {shown(value)}", argument=argument)


def checked_name(given: str | None, own: str) -> str:
    """Return the name of an asset: ``given``, or the file's ``own``.

    Raises:
        InvalidArgumentError: The platform cannot know a file by it.
    """
    if given is None and not _is_unicode(own):
        error = InvalidArgumentError(f"the name {own!r} is not valid Unicode")
        raise error.advised("pass another one as filename=", remedy="filename")
    name = own if given is None else given
    check_filename("filename", name)
    return name


def check_type(argument: str, value: object) -> None:
    """Refuse a type of file that the platform does not have.

    Raises:
        InvalidArgumentError: It has no such type.
    """
    if value not in ASSET_TYPES:
        problem = f"must be one of {', '.join(ASSET_TYPES)}, not {shown(value)}"
        raise InvalidArgumentError(problem, argument=argument)


def type_of(
    filename: str, file_type: CreateAssetUploadRequestType | None
) -> CreateAssetUploadRequestType:
    """Return the platform's type of a file: ``file_type``, or what its name's extension means.

    Raises:
        InvalidArgumentError: Both leave it open.
    """
    found = file_type or asset_type(filename)
    if found is None:
        problem = f"the name {filename!r} does not show whether it is video, audio or image"
        error = InvalidArgumentError(problem)
        if filename == UNNAMED:
            raise error.advised('pass filename=, such as "clip.mp4"', remedy="filename")
        raise error.advised("pass file_type=", remedy="file_type")
    return found


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
