"""The form of a request that creates an asset: its fields, and checks of type and size.

Pure. The order of the checks is that of a Go service: the form is read whole, its values are bound
to types, the validator looks at ``method``, and only then the endpoint itself checks it
(assumed; the two raw texts are those that the platform documents, 2026-11).
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Literal, NoReturn
from urllib.parse import unquote, urlsplit

from attrs import Factory, frozen

from twelvelabs_async.emulator import parameters
from twelvelabs_async.emulator.file_types import file_type
from twelvelabs_async.emulator.parameters import Refusal

FIELDS = (
    "method", "file", "url", "filename", "enable_hls", "enable_thumbnail", "user_metadata",
)  # fmt: skip
MAX_FILENAME = 255
MIB = 2**20
METHOD_REFUSED = (
    "Key: 'CreateAssetRequest.Method' Error:Field validation for 'Method' failed on the 'oneof' tag"
)
TRUE = {"1", "t", "T", "TRUE", "true", "True"}
FALSE = {"", "0", "f", "F", "FALSE", "false", "False"}


@frozen
class ReceivedFile:
    """A file as it came: the sender's name and MIME type for it, its size in bytes."""

    filename: str
    content_type: str
    size: int


@frozen
class Form:
    """A form read whole: its text fields in order, and its file."""

    fields: tuple[tuple[str, str], ...] = ()
    file: ReceivedFile | None = None


@frozen
class NewAsset:
    """An asset to make; ``filename`` is None where the file or the URL names it."""

    method: Literal["direct", "url"]
    url: str = ""
    filename: str | None = None
    enable_hls: bool = False
    enable_thumbnail: bool = False
    user_metadata: Mapping[str, object] = Factory(dict[str, object])


@frozen
class Limits:
    """The largest files in bytes; the platform's "MB" is taken as MiB (assumed)."""

    direct: int = 200 * MIB
    url: int = 4096 * MIB
    image: int = 32 * MIB

    def of(self, method: Literal["direct", "url"], mime_type: str) -> int:
        """Return the most bytes that a file of a type may have."""
        if mime_type.startswith("image/"):
            return self.image
        return self.direct if method == "direct" else self.url


def too_large(size: int, limit: int) -> Refusal:
    """Build the refusal of a file, with both figures."""
    message = f"The media file is too large. The limit is {limit} bytes, the size is {size} bytes."
    return Refusal(400, "media_filesize_too_large", message)


def new_asset(form: Form) -> NewAsset:
    """Return what the form asks for, once everything in it was checked but type and size."""
    values = _only_once(form)
    hls, thumbnail = _flag(values, "enable_hls"), _flag(values, "enable_thumbnail")
    method = _method(values)
    _check_source(method, values, form.file)
    return NewAsset(
        method=method,
        url=values.get("url", ""),
        filename=_filename(values),
        enable_hls=hls,
        enable_thumbnail=thumbnail,
        user_metadata=_metadata(values),
    )


def taken_type(filename: str, announced: str) -> str:
    """Return the MIME type of a file that the platform takes."""
    found = file_type(filename, announced)
    if found is None:
        message = (
            f"The format of the file {parameters.show(filename)} ({announced}) is not supported."
        )
        raise Refusal(400, "media_url_unsupported_format", message)
    return found


def name_in(url: str) -> str:
    """Return the filename in a URL: the last step of its path, else the host."""
    parts = urlsplit(url)
    return (unquote(parts.path.rpartition("/")[2]) or parts.netloc)[:MAX_FILENAME]


def _only_once(form: Form) -> dict[str, str]:
    names = [name for name, _ in form.fields] + ["file"] * (form.file is not None)
    parameters.only_known(names, FIELDS)
    for name, count in Counter(names).items():
        if count > 1:
            raise parameters.invalid(name, count, "must be given once")
    return dict(form.fields)


def _flag(values: Mapping[str, str], name: str) -> bool:
    given = values.get(name, "")
    if given not in TRUE | FALSE:
        text = f'strconv.ParseBool: parsing "{given}": invalid syntax'
        raise Refusal(400, None, text)
    return given in TRUE


def _method(values: Mapping[str, str]) -> Literal["direct", "url"]:
    match values.get("method"):
        case "direct":
            return "direct"
        case "url":
            return "url"
        case _:
            raise Refusal(400, None, METHOD_REFUSED)


def _check_source(method: str, values: Mapping[str, str], file: ReceivedFile | None) -> None:
    if "file" in values:
        raise parameters.invalid("file", values["file"], "must be a file, with a filename")
    if file is not None and values.get("url"):
        rule = "must not be given together with the `file` parameter"
        raise parameters.invalid("url", values["url"], rule)
    if method == "direct" and file is None:
        raise parameters.not_provided("file")
    if method == "url":
        _check_url(values.get("url", ""))
    elif file is not None and not file.size:
        raise parameters.invalid("file", file.filename, "must not be empty")


def _check_url(url: str) -> None:
    if not url:
        raise parameters.not_provided("url")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname
    except ValueError:
        sound = None
    if not sound:
        raise parameters.invalid("url", url, "must be an http or https URL")


def _filename(values: Mapping[str, str]) -> str | None:
    given = values.get("filename") or None
    return given and parameters.text({"filename": given}, "filename", most=MAX_FILENAME)


def _metadata(values: Mapping[str, str]) -> dict[str, object]:
    given = values.get("user_metadata", "")
    if not given:
        return {}
    try:
        value: object = json.loads(given, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        rule = "must be a JSON object, written as a string"
        raise parameters.invalid("user_metadata", given, rule) from None
    metadata = parameters.metadata(value)
    return {key: item for key, item in metadata.items() if item is not None}


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(word)
