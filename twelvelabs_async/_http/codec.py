"""JSON to models and back: the one cattrs converter, strict where a mistake would hide.

``structure(parse(body), kind)`` reads an answer, ``dump(value)`` writes a request. Where the
platform may change, unknown keys are ignored, vocabularies are open, and null means "not there" for
a field with a default. Nothing is turned from one JSON type into another: ``str(None)`` and
``int("5")`` hide mistakes until they cost an upload.

Texts of errors name paths and JSON types, never values, for an answer holds presigned URLs. Hence
no foreign exception is chained, either: they keep the document that they complain about.
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from types import NoneType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError, ClassValidationError
from cattrs.gen import make_dict_structure_fn, override

from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.assets import Asset, AssetDetail
from twelvelabs_async.models.uploads import (
    CreateAssetUploadResponse,
    OpenEnum,
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
_INT64 = range(-(2**63), 2**63)  # a size beyond it would only fail later, in arithmetic
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: cannot be sent or printed
_MOST_PROBLEMS = 20
"""Wrong values that a text lists. No more of them are looked for: a small answer can hold millions,
and an exception for each would take gigabytes."""

MOST_VALUES = 250_000
"""Values in one answer, about: its commas and opening brackets. A new session with 10,000 presigned
URLs has 40,000, the words of a transcription of four hours 150,000. To parse is one call, which
holds up every thread: these take some 50 milliseconds."""

LONGEST_NUMBER = 400
"""Characters; the largest number that a ``float`` can be has 309. To convert long ones takes a time
that grows with the square of their length."""

_LONGEST_KEY = 40  # characters, in a path

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_converter = Converter(detailed_validation=True)


def _origin(kind: Any) -> Any:
    return get_origin(kind)


class MalformedBodyError(ValueError):
    """A body is not JSON."""


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


def parse(body: bytes) -> Any:
    """Return the JSON value in ``body``: UTF-8, with or without a byte order mark.

    Raises:
        MalformedBodyError: For anything else; also for NaN and Infinity, numbers too long for
            Python, nesting too deep to follow, and more than ``MOST_VALUES`` values.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise MalformedBodyError(f"the body has more than {MOST_VALUES:,} values")
    try:
        # "utf-8-sig" would be imported on the loop; json looks for white space at the ends slowly
        text = body.removeprefix(BOM_UTF8).strip(b" \t\r\n").decode()
        return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except json.JSONDecodeError as error:
        what = {b"": "empty", b"<": "HTML or XML"}.get(body.lstrip()[:1])
        problem = what or f"{error.msg}, character {error.pos}"
    except UnicodeDecodeError:
        problem = "not UTF-8"
    except ValueError:
        problem = "a number that is not finite, or too long"
    except RecursionError:
        problem = "nested too deeply"
    raise MalformedBodyError(f"the body is not JSON ({problem})")


def _whole(number: str) -> int:
    if len(number) > LONGEST_NUMBER:
        raise ValueError
    return int(number)


def _finite(number: str) -> float:
    if len(number) <= LONGEST_NUMBER and math.isfinite(value := float(number)):
        return value
    raise ValueError


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
            yield from _problems(inner, _at(path, names.get(note.name, note.name)))
    elif isinstance(error, _ItemsError):
        for place, inner in error.failures:
            yield from _problems(inner, _at(path, place))
    else:
        yield f"{path}: missing" if isinstance(error, KeyError) else f"{path}: {error}"


def _at(path: str, place: object) -> str:
    """Return the path of ``place``: ``$[3]``, ``$.name``, or ``$["odd name"]``."""
    if not isinstance(place, str):
        return f"{path}[{place}]"
    short = place[:_LONGEST_KEY]
    return f"{path}.{short}" if short.isidentifier() else f"{path}[{json.dumps(short)}]"


def dump(value: Any) -> bytes:
    """Return ``value`` (scalars, lists, mappings, models) as compact JSON in UTF-8.

    Raises:
        InvalidArgumentError: It holds what JSON cannot carry; the text names its path and type.
    """
    try:
        return _encode(_plain(value, "$"))
    except RecursionError:
        raise InvalidArgumentError("$: nested too deeply for JSON") from None


def _encode(plain: Any) -> bytes:
    return _ENCODER.encode(plain).encode()


def _plain(value: object, path: str) -> Any:
    """Return ``value`` made of nothing but what JSON can carry."""
    if _is_simple(value):
        return value
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {
            _key(key, path): item if _is_simple(item) else _plain(item, _at(path, key))
            for key, item in pairs
        }
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return [_plain(item, _at(path, index)) for index, item in enumerate(items)]
    if attrs.has(type(value)):
        return _plain(attrs.asdict(cast("Any", value), recurse=False), path)
    return _scalar(value, path)


def _key(key: Any, path: str) -> str:
    if isinstance(key, str):
        return _scalar(key, path)
    raise InvalidArgumentError(f"{path}: JSON cannot carry {type(key).__name__} as a key")


def _is_simple(value: object) -> bool:
    """Whether a value is what nearly every scalar is, and JSON can always carry."""
    if isinstance(value, str):
        return value.isascii()
    return value is None or type(value) is bool or (type(value) is int and value in _INT64)


def _scalar(value: T, path: str) -> T:
    if _is_simple(value):
        return value
    try:
        _encode(value)
    except TypeError:
        why = ""
    except UnicodeEncodeError:
        why = " (a lone surrogate)"
    except ValueError:
        why = " (too long, or not finite)"
    else:
        return value
    raise InvalidArgumentError(f"{path}: JSON cannot carry {type(value).__name__}{why}")


def _text(value: Any, _: Any) -> str:
    if isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value)):
        return value
    raise _MismatchError("text", value)


def _int(value: Any, _: Any) -> int:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, int) and not isinstance(whole, bool) and whole in _INT64:
        return whole
    raise _MismatchError("a whole number", value)


def _float(value: Any, _: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
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
        except Exception as error:  # noqa: BLE001 - whatever a hook raises tells what is wrong
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
