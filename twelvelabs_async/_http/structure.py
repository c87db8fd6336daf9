"""JSON values as models: the one cattrs converter, strict where a mistake would hide.

Where the platform may change, unknown keys are ignored, vocabularies are open, and null means "not
there" for a field with a default. Nothing is turned from one JSON type into another.

Texts of errors name paths and JSON types, never values, for an answer holds presigned URLs. No
foreign exception is chained, because it keeps the value that it complains about.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from types import NoneType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError, ClassValidationError
from cattrs.gen import make_dict_structure_fn, override

from twelvelabs_async._http.json_text import INT64, json_path
from twelvelabs_async.models.assets import Asset, AssetDetail
from twelvelabs_async.models.open_enum import OpenEnum
from twelvelabs_async.models.uploads import (
    CreateAssetUploadResponse,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

_WIRE_NAMES: dict[type, dict[str, str]] = {Asset: {"id": "_id"}, AssetDetail: {"id": "_id"}}
_JSON_TYPES: dict[type, str] = {
    NoneType: "null",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
}
_GO_ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)  # assumed: how the platform writes "never"
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: cannot be sent or printed
_MOST_PROBLEMS = 20
"""Wrong values that a text lists. No more of them are looked for: a small answer can hold millions,
and an exception for each would take gigabytes."""

_converter = Converter(detailed_validation=True)


def _origin(kind: Any) -> Any:
    return get_origin(kind)


class ShapeError(ValueError):
    """A JSON value is not the model that it should be; the text lists each problem and its path."""


class _MismatchError(ValueError):
    """One value is not what its place takes."""

    def __init__(self, expected: str, value: object) -> None:
        word = str(value).lower() if isinstance(value, bool) else None
        got = word or _JSON_TYPES.get(type(value), "object")
        super().__init__(f"expected {expected}, got {got}")


class _ItemsError(Exception):
    """Items of a list or an object are not what they should be; the first few of them."""

    def __init__(self, failures: list[tuple[object, Exception]]) -> None:
        super().__init__()
        self.failures = failures


def structure(value: Any, kind: type[T]) -> T:
    """Return a parsed JSON value as ``kind``: a model, a scalar, or a tuple or Mapping of them.

    Raises:
        ShapeError: It is none. The text says, such as ``$.upload_urls[3].url: missing``.
    """
    try:
        return _converter.structure(value, kind)
    except (BaseValidationError, _MismatchError, _ItemsError) as error:
        problems = list(islice(_problems(error, "$"), _MOST_PROBLEMS + 1))
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS:] = ["and more"]
    raise ShapeError("; ".join(problems))


def _problems(error: BaseException, path: str) -> Iterator[str]:
    """Yield each leaf of a tree of cattrs' errors, after the path to it."""
    if isinstance(error, ClassValidationError):
        names = _WIRE_NAMES.get(error.cl, {})
        for inner, note in error.group_exceptions()[0]:
            yield from _problems(inner, json_path(path, names.get(note.name, note.name)))
    elif isinstance(error, _ItemsError):
        for place, inner in error.failures:
            yield from _problems(inner, json_path(path, place))
    else:
        yield f"{path}: missing" if isinstance(error, KeyError) else f"{path}: {error}"


def _text(value: Any, _: Any) -> str:
    if isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value)):
        return value
    raise _MismatchError("text", value)


def _int(value: Any, _: Any) -> int:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, int) and not isinstance(whole, bool) and whole in INT64:
        return whole
    raise _MismatchError("a whole number", value)


def _float(value: Any, _: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value in INT64:
        return float(value)
    raise _MismatchError("a number", value)


def _bool(value: Any, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _MismatchError("true or false", value)


def _time(value: Any, _: Any) -> datetime:
    try:
        time = datetime.fromisoformat(_text(value, str).upper())
    except ValueError:
        raise _MismatchError("a time as of RFC 3339", value) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _time_or_none(value: Any, _: Any) -> datetime | None:
    time = None if value is None or value == "" else _time(value, datetime)
    return None if time == _GO_ZERO_TIME else time


def _word(value: Any, kind: type[OpenEnum]) -> OpenEnum:
    return kind(_text(value, str))


_HOOKS: dict[Any, Hook] = {
    str: _text,
    int: _int,
    float: _float,
    bool: _bool,
    datetime: _time,
    datetime | None: _time_or_none,
    OpenEnum: _word,
}
for _kind, _hook in _HOOKS.items():
    _converter.register_structure_hook(_kind, _hook)


@_converter.register_structure_hook_factory(lambda kind: _origin(kind) is Literal)
def _literal(kind: Any) -> Hook:
    words: tuple[str, ...] = get_args(kind)

    def hook(value: Any, _: Any) -> Any:
        if value in words:
            return value
        raise _MismatchError(f"one of {', '.join(words)}", value)

    return hook


@_converter.register_structure_hook_factory(lambda kind: _origin(kind) in {tuple, Mapping})
def _collection(kind: Any) -> Hook:
    """Take ``tuple[X, ...]`` from lists and ``Mapping[str, X]`` from objects; null is empty."""
    is_tuple = _origin(kind) is tuple
    shape: Any = list if is_tuple else dict
    item: Any = get_args(kind)[0 if is_tuple else 1]
    read: Hook = _converter.get_structure_hook(item)

    def hook(value: Any, _: Any) -> Any:
        given = shape() if value is None else value
        if type(given) is not shape:
            raise _MismatchError("a list" if is_tuple else "an object", value)
        try:
            if is_tuple:
                return tuple([read(each, item) for each in given])
            return {_text(key, str): read(each, item) for key, each in given.items()}
        except Exception:  # noqa: BLE001 - looked at one by one below, where it happens again
            pairs = enumerate(given) if is_tuple else given.items()
        raise _ItemsError(_failures(pairs, read, item))

    return hook


def _failures(
    pairs: Iterable[tuple[Any, Any]], read: Hook, item: Any
) -> list[tuple[object, Exception]]:
    """Return the first few of ``pairs`` (place, value) that cannot be read, and why."""
    failures: list[tuple[object, Exception]] = []
    for place, value in pairs:
        try:
            if isinstance(place, str):
                _text(place, str)
            read(value, item)
        except Exception as error:  # noqa: BLE001 - a hook may raise anything
            failures.append((place, error))
            if len(failures) > _MOST_PROBLEMS:
                break
    return failures


@_converter.register_structure_hook_factory(attrs.has)
def _model(kind: Any) -> Hook:
    names = _WIRE_NAMES.get(kind, {})
    renames: Any = {name: override(rename=wire) for name, wire in names.items()}
    fill = make_dict_structure_fn(kind, _converter, **renames)
    defaulted = {
        names.get(field.name, field.name)
        for field in attrs.fields(kind)
        if field.default is not attrs.NOTHING
    }

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _MismatchError("an object", value)
        items = cast("dict[str, Any]", value).items()
        return fill({k: v for k, v in items if v is not None or k not in defaulted}, kind)

    return hook


# cattrs compiles a function for each model: now, not when an upload's first answers come, for by
# then an event loop is running, and would be held up by milliseconds.
for _kind in (
    CreateAssetUploadResponse,
    RequestAdditionalPresignedUrLsResponse,
    ReportChunkBatchResponse,
):
    _converter.get_structure_hook(_kind)
