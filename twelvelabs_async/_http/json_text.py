"""JSON as bytes: read strictly, and written only where nothing is lost on the way.

Nothing is turned from one JSON type into another: ``str(None)`` and ``int("5")`` hide mistakes
until they cost an upload.

Texts of errors name paths and JSON types, never values, for an answer holds presigned URLs. No
foreign exception is chained, because it keeps the document that it complains about.
"""

import json
import math
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import attrs

from twelvelabs_async.errors import InvalidArgumentError

T = TypeVar("T")

INT64 = range(-(2**63), 2**63)
"""Whole numbers that are read and written. A size beyond them would fail later, in arithmetic."""

MOST_VALUES = 250_000
"""Values in one answer, about: its commas and opening brackets. A new session with 10,000 presigned
URLs has 40,000, the words of a transcription of four hours 150,000. Parsing is one call, which
holds up every thread: these take some 50 milliseconds."""

LONGEST_NUMBER = 400
"""Characters; the largest number that a ``float`` can be has 309. To convert long ones takes a time
that grows with the square of their length."""

_LONGEST_KEY = 40  # characters, in a path

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class MalformedBodyError(ValueError):
    """A body is not JSON."""


def parse(body: bytes) -> Any:
    """Return the JSON value in ``body``: UTF-8, with or without a byte order mark.

    Raises:
        MalformedBodyError: For anything else; also for NaN and Infinity, numbers too long for
            Python, nesting too deep to follow, and more than ``MOST_VALUES`` values.
    """
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
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


def json_path(parent: str, place: object) -> str:
    """Return the path of ``place``, a key or an index from 0, in the value at ``parent``.

    It is written ``$[3]``, ``$.name``, or ``$["odd name"]``; long names are cut.
    """
    if not isinstance(place, str):
        return f"{parent}[{place}]"
    short = place[:_LONGEST_KEY]
    return f"{parent}.{short}" if short.isidentifier() else f"{parent}[{json.dumps(short)}]"


def dump(value: Any) -> bytes:
    """Return ``value`` (scalars, lists, mappings, models) as compact JSON in UTF-8.

    Raises:
        InvalidArgumentError: It holds what JSON cannot carry; the text names its path and type.
    """
    try:
        return _encode(_plain(value, "$"))
    except RecursionError:
        raise _too_deep("$") from None


def plain_copy(name: str, value: object) -> Any:
    """Return what ``dump`` would write of ``value``, as values that the caller cannot change.

    Args:
        name: Where the value belongs, for the path in the error.
        value: The value.

    Raises:
        InvalidArgumentError: As of ``dump``.
    """
    path = json_path("$", name)
    try:
        return _plain(value, path)
    except RecursionError:
        raise _too_deep(path) from None


def _too_deep(path: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{path}: nested too deeply for JSON")


def _encode(plain: Any) -> bytes:
    return _ENCODER.encode(plain).encode()


def _plain(value: object, path: str) -> Any:
    """Return ``value`` made of nothing but what JSON can carry."""
    if _is_simple(value):
        return value
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {
            _key(key, path): item if _is_simple(item) else _plain(item, json_path(path, key))
            for key, item in pairs
        }
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return [_plain(item, json_path(path, index)) for index, item in enumerate(items)]
    if attrs.has(type(value)):
        return _plain(attrs.asdict(cast("Any", value), recurse=False), path)
    return _scalar(value, path)


def _key(key: Any, path: str) -> str:
    if isinstance(key, str):
        return key if key.isascii() else _scalar(key, path)
    raise InvalidArgumentError(f"{path}: JSON cannot carry {type(key).__name__} as a key")


def _is_simple(value: object) -> bool:
    """Whether a value is what nearly every scalar is, and JSON can always carry."""
    if isinstance(value, str):
        return value.isascii()
    return value is None or type(value) is bool or (type(value) is int and value in INT64)


def _scalar(value: T, path: str) -> T:
    try:
        _encode(value)
    except TypeError:
        why = ""
    except UnicodeEncodeError:
        why = " (an unpaired surrogate)"
    except ValueError:
        why = " (too long, or not finite)"
    else:
        return value
    raise InvalidArgumentError(f"{path}: JSON cannot carry {type(value).__name__}{why}")
