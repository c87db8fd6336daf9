"""What the answers of the platform look like: keys and types of each, and a check that says where.

Facts: the platform's OpenAPI file, read 2026-11, in words of our own; of the transcription, which
is not in it, the official SDK 1.3.6. A key that ends in ``?`` may
be absent; ``Null(kind)`` may be null. A key that is not here is a misfit, too: what the platform
adds is to be noticed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from attrs import frozen

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
URL = re.compile(r"https?://\S+")
ID = re.compile(r"\S+")


@frozen
class Null:
    """A value that may be null."""

    kind: Any


def words(*accepted: str) -> re.Pattern[str]:
    """Return the shape of a text that is one of some."""
    return re.compile("|".join(accepted))


def misfits(value: Any, shape: Any, path: str = "$") -> list[str]:
    """Return where a value is not as its shape says; nothing if it fits."""
    return list(_misfits(value, shape, path))


def _misfits(value: Any, shape: Any, path: str) -> Iterator[str]:
    if isinstance(shape, Null):
        if value is not None:
            yield from _misfits(value, shape.kind, path)
    elif isinstance(shape, re.Pattern):
        pattern = cast("re.Pattern[str]", shape)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield f"{path}: {value!r} is not {pattern.pattern}"
    elif isinstance(shape, dict):
        yield from _in_object(value, cast("dict[str, Any]", shape), path)
    elif isinstance(shape, list):
        yield from _in_list(value, cast("list[object]", shape)[0], path)
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        yield f"{path}: {value!r} is not {shape}"


def _in_object(value: Any, shape: Mapping[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object"
        return
    given = cast("dict[str, Any]", value)
    known = {name.removesuffix("?"): kind for name, kind in shape.items()}
    required = {name for name in shape if not name.endswith("?")}
    yield from (f"{path}.{name}: missing" for name in sorted(required - given.keys()))
    for name, item in given.items():
        if name in known:
            yield from _misfits(item, known[name], f"{path}.{name}")
        else:
            yield f"{path}.{name}: not documented"


def _in_list(value: Any, shape: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is not a list"
        return
    for index, item in enumerate(cast("list[object]", value)):
        yield from _misfits(item, shape, f"{path}[{index}]")


TEXT = re.compile(r"(?s).+")
NUMBER = (int, float)
METADATA = dict  # its keys are the user's
STREAM_STATE = words("pending", "processing", "ready", "error")

ERROR = {"code": ID, "message": TEXT, "docs_url?": URL}
PAGE_INFO = {"limit_per_page": int, "page": int, "total_page": int, "total_results": int}
URLS = [{"chunk_index": int, "url": URL, "expires_at": TIME}]
SESSION = {
    "upload_id": ID,
    "asset_id": ID,
    "upload_urls": Null(URLS),
    "upload_headers": dict,
    "chunk_size": int,
    "total_chunks": int,
    "expires_at": TIME,
}
MORE_URLS = {
    "upload_id": ID,
    "start_index": int,
    "count": int,
    "upload_urls": URLS,
    "generated_at": TIME,
    "expires_at": TIME,
}
REPORT = {
    "url?": URL,
    "asset_id": ID,
    "processed_chunks": int,
    "duplicate_chunks": int,
    "total_completed": int,
}
CHUNK = {
    "index": int,
    "status": words("completed", "pending", "failed"),
    "uploaded_at": Null(TIME),
    "updated_at": TIME,
    "error?": Null(TEXT),
}
STATUS = {
    "upload_id": ID,
    "status": words("active", "completed", "failed", "expired"),
    "uploaded_chunks": [CHUNK],
    "chunks_completed": int,
    "chunks_failed": int,
    "chunks_pending": int,
    "page_info": PAGE_INFO,
    "total_size": int,
    "uploaded_size": int,
    "created_at": TIME,
    "updated_at": TIME,
}
SUMMARY = {
    "upload_id": ID,
    "status": words("active", "completed", "failed", "expired"),
    "total_size": int,
    "chunk_size": int,
    "total_chunks": int,
    "created_at": TIME,
    "expires_at": TIME,
}
SESSIONS = {"data": [SUMMARY], "page_info": PAGE_INFO}
ASSET = {
    "_id": ID,
    "method": words("direct", "url", "multipart"),
    "status": words("processing", "ready", "failed"),
    "filename": TEXT,
    "file_type": re.compile(r"[\w.+-]+/[\w.+-]+"),
    "created_at": TIME,
    "user_metadata?": METADATA,
    "source?": dict,
}
DETAIL = ASSET | {
    "hls?": {"manifest_url?": URL, "status": STREAM_STATE},
    "thumbnail?": {"representative_url?": URL, "status": STREAM_STATE},
    "technical_metadata?": dict,
    "size?": int,
    "duration?": NUMBER,
    "error?": {"message": TEXT},
}
SAID = {"start": NUMBER, "end": NUMBER, "value": TEXT}
TRANSCRIPTION = {
    "status": words("pending", "processing", "ready", "failed"),
    "words?": [SAID],
    "sentences?": [SAID],
    "utterances?": [SAID | {"speaker?": Null(TEXT)}],
    "error?": {"message": TEXT},
}
ASSETS = {"data": [DETAIL], "page_info": PAGE_INFO}
