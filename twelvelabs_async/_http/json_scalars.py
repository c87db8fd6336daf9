"""Single JSON values as values of Python: each type takes its own kind, and nothing else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import NoneType
from typing import Any

from twelvelabs_async._http.json_text import INT64
from twelvelabs_async._http.request import is_id
from twelvelabs_async.models.open_enum import OpenEnum

Hook = Callable[[Any, Any], Any]
"""Takes a JSON value and the type that it should be, and returns the value of Python."""

_JSON_TYPES: dict[type, str] = {
    NoneType: "null",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
}
_GO_ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)  # assumed: how the platform writes "never"
_SURROGATE = re.compile("[\ud800-\udfff]")  # unpaired: cannot be sent or printed


class MismatchError(ValueError):
    """One value is not what its place takes."""

    def __init__(self, expected: str, value: object) -> None:
        word = str(value).lower() if isinstance(value, bool) else None
        got = word or _JSON_TYPES.get(type(value), "object")
        super().__init__(f"expected {expected}, got {got}")


def text_of(value: Any, _: Any) -> str:
    """Take text that can be sent and printed."""
    if isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value)):
        return value
    raise MismatchError("text", value)


def id_of(value: Any, _: Any) -> str:
    """Take text that can be sent back as a part of a path."""
    if is_id(text := text_of(value, str)):
        return text
    raise MismatchError("an id without a slash", value)


def _int(value: Any, _: Any) -> int:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, int) and not isinstance(whole, bool) and whole in INT64:
        return whole
    raise MismatchError("a whole number", value)


def _float(value: Any, _: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value in INT64:
        return float(value)
    raise MismatchError("a number", value)


def _bool(value: Any, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise MismatchError("true or false", value)


def _time(value: Any, _: Any) -> datetime:
    try:
        time = datetime.fromisoformat(text_of(value, str).upper())
    except ValueError:
        raise MismatchError("a time as of RFC 3339", value) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _time_or_none(value: Any, _: Any) -> datetime | None:
    time = None if value is None or value == "" else _time(value, datetime)
    return None if time == _GO_ZERO_TIME else time


def _word(value: Any, kind: type[OpenEnum]) -> OpenEnum:
    return kind(text_of(value, str))


SCALARS: dict[Any, Hook] = {
    str: text_of,
    int: _int,
    float: _float,
    bool: _bool,
    datetime: _time,
    datetime | None: _time_or_none,
    OpenEnum: _word,
}
"""What takes each type."""
