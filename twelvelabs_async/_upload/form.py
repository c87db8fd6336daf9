"""The form that creates an asset: its fields, checked, and the file as the last of its parts.

Facts: API reference, v1.3, "Create an asset", multipart/form-data, read 2026-11. Assumed: a part's
file name may be UTF-8 as it is, as browsers send it; the field ``filename`` has it in any case.
"""

import json
import mimetypes
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal, cast
from uuid import uuid4

from aiohttp import MultipartWriter, StringPayload
from attrs import Factory, frozen
from yarl import URL

from twelvelabs_async._core.validation import check_text_or_whole, is_header, shown
from twelvelabs_async._http import json_text
from twelvelabs_async._http.user_metadata import checked_metadata
from twelvelabs_async._upload.asset_name import checked_name
from twelvelabs_async._upload.send.body import Body
from twelvelabs_async._upload.source.content import UNNAMED, Content
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.uploads import UserMetadata

CreationMethod = Literal["direct", "url"]

_UNFIT_FOR_A_NAME = re.compile('[\x00-\x1f\x7f"]')
_UNFIT_FOR_A_URL = re.compile("[\x00-\x20\x7f\ud800-\udfff]")
_UNKNOWN_TYPE = "application/octet-stream"


@frozen
class AssetForm:
    """What the form says.

    Attributes:
        fields: Names and values of the text fields.
        content: The file; None where the platform fetches it.
        boundary: What separates the parts.
    """

    fields: Mapping[str, str]
    content: Content | None = None
    boundary: str = Factory(lambda: uuid4().hex)

    @property
    def content_type(self) -> str:
        """The form's own MIME type."""
        return f"multipart/form-data; boundary={self.boundary}"

    def with_file(self, body: Body) -> MultipartWriter:
        """Return the whole form; ``body``, the file's, is streamed when the form is."""
        name = self.fields["filename"]
        given = self.content.content_type if self.content is not None else None
        body.headers["Content-Type"] = given or _type_of(name)
        body.set_content_disposition(
            "form-data", quote_fields=False, name="file", filename=_quotable(name)
        )
        form = self.without_file()
        form.append_payload(body)
        return form

    def without_file(self) -> MultipartWriter:
        """Return the form with its text fields alone."""
        form = MultipartWriter("form-data", boundary=self.boundary)
        for name, value in self.fields.items():
            part = StringPayload(value)
            part.set_content_disposition("form-data", name=name)
            form.append_payload(part)
        return form


def checked_form(
    *,
    method: CreationMethod,
    content: Content | None,
    url: str | None,
    filename: str | None,
    enable_hls: bool | None,
    enable_thumbnail: bool | None,
    user_metadata: UserMetadata | str | None,
    additional: Mapping[str, object],
) -> AssetForm:
    """Return the form of an asset that can be asked for.

    Raises:
        InvalidArgumentError: It never can.
    """
    _check_method(method, content, url)
    name = filename
    if name is not None or content is not None:
        name = checked_name(filename, content.filename or UNNAMED if content else "")
    fields: dict[str, str | None] = {
        "method": method,
        "url": url,
        "filename": name,
        "enable_hls": _word("enable_hls", enable_hls),
        "enable_thumbnail": _word("enable_thumbnail", enable_thumbnail),
        "user_metadata": _json(user_metadata),
    }
    for key, value in additional.items():
        if not is_header(key, ""):
            raise InvalidArgumentError(f"body parameter {key!r} is not a valid form field name")
        check_text_or_whole(f"body parameter {key}", value)
        fields[key] = str(value)
    return AssetForm({key: text for key, text in fields.items() if text is not None}, content)


def _check_method(method: object, file: Content | None, url: object) -> None:
    if method == "direct":
        if file is None:
            raise InvalidArgumentError("method='direct' needs file=")
        if url is not None:
            raise InvalidArgumentError("method='direct' takes file=, not url=")
    elif method == "url":
        if url is None:
            raise InvalidArgumentError("method='url' needs url=")
        if file is not None:
            raise InvalidArgumentError("method='url' takes url=, not file=")
        _check_url(url)
    else:
        raise InvalidArgumentError(
            f"must be 'direct' or 'url', not {shown(method)}", argument="method"
        )


def _check_url(url: object) -> None:
    """Refuse what is no URL of a file; the error does not quote it, for it may be signed."""
    if isinstance(url, str) and not _UNFIT_FOR_A_URL.search(url):
        with suppress(ValueError):
            parsed = URL(url)
            if parsed.scheme in {"http", "https"} and parsed.host:
                return
    problem = "must be http(s)://host/path, of a file that can be fetched"
    raise InvalidArgumentError(problem, argument="url")


def _word(name: str, flag: object) -> str | None:
    if flag is not None and not isinstance(flag, bool):
        raise InvalidArgumentError(f"must be True, False or None, not {shown(flag)}", argument=name)
    return None if flag is None else str(flag).lower()


def _type_of(filename: str) -> str:
    """Guess a MIME type from the extension alone: ``mimetypes`` takes ``data:...`` for a URL."""
    _, dot, extension = filename.rpartition(".")
    found = mimetypes.guess_type(f"file.{extension}")[0] if dot and extension.isalnum() else None
    return found or _UNKNOWN_TYPE


def _json(user_metadata: UserMetadata | str | None) -> str | None:
    """Return metadata as the JSON text that a form carries."""
    if user_metadata is None:
        return None
    values = _parsed(user_metadata) if isinstance(user_metadata, str) else user_metadata
    return json_text.dump(checked_metadata(values)).decode()


def _parsed(text: str) -> UserMetadata:
    try:
        values: object = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InvalidArgumentError(
            "must be a dict, or a JSON object as text", argument="user_metadata"
        )
    return cast("UserMetadata", values)


def _quotable(filename: str) -> str:
    """Return a name without what would end it, or its header, as browsers spell it (HTML)."""
    return _UNFIT_FOR_A_NAME.sub(lambda found: f"%{ord(found[0]):02X}", filename)
