"""How answers look on the wire: JSON and timestamps of the API, XML and dates of the store.

Pure, and the emulator's own: nothing is shared with the client, so that the two cannot share a
mistake.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape


def rfc3339(moment: datetime) -> str:
    """Write a moment as the platform does: UTC, whole seconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def http_date(moment: datetime) -> str:
    """Write a moment as the ``Date`` header does (IMF-fixdate)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def error_json(code: str, message: str) -> str:
    """Write an error of the API."""
    return json.dumps({"code": code, "message": message})


def error_xml(code: str, message: str, details: Mapping[str, str] | None = None) -> str:
    """Write an error of the store as S3 does; ``details`` become further elements."""
    fields = {"Code": code, "Message": message, **(details or {})}
    elements = "".join(f"<{name}>{_clean(value)}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{elements}</Error>'


def _clean(value: str) -> str:
    return escape(value.encode("utf-8", "replace").decode())
