"""JSON values as models: two cattrs converters, strict where a mistake would hide.

Where the platform may change, unknown keys are ignored, vocabularies are open, and null means "not
there" for a field with a default. Nothing is turned from one JSON type into another.

There are two converters. The strict one refuses every wrong value. The lenient one, for answers
only, takes a wrong value of a field that is None by default as "not there": no step needs such a
field, and an upload that is complete must not fail for it.

Texts of errors name paths and JSON types, never values, for an answer holds presigned URLs. No
foreign exception is chained, because it keeps the value that it complains about.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError, ClassValidationError
from cattrs.gen import make_dict_structure_fn, override

from twelvelabs_async._http.json_scalars import SCALARS, Hook, MismatchError, id_of, text_of
from twelvelabs_async._http.json_text import json_path
from twelvelabs_async.models.assets import Asset, AssetDetail
from twelvelabs_async.models.uploads import (
    CreateAssetUploadResponse,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)

T = TypeVar("T")

_IDS = {"id", "asset_id", "upload_id"}
"""Fields that name something. One that is needed is sent back in a path: it must lead there."""

_WIRE_NAMES: dict[type, dict[str, str]] = {Asset: {"id": "_id"}, AssetDetail: {"id": "_id"}}
_MOST_PROBLEMS = 20
"""Wrong values that a text lists. No more of them are looked for: a small answer can hold millions,
and an exception for each would take gigabytes."""

_ODD: ContextVar[dict[str, str]] = ContextVar("odd")
"""What the lenient converter has left out: for each field, what was wrong first."""


def _origin(kind: Any) -> Any:
    return get_origin(kind)


class ShapeError(ValueError):
    """A JSON value is not the model that it should be; the text lists each problem and its path."""


class _ItemsError(Exception):
    """Items of a list or an object are not what they should be; the first few of them."""

    def __init__(self, failures: list[tuple[object, Exception]]) -> None:
        super().__init__()
        self.failures = failures


_FAILURES = (BaseValidationError, MismatchError, _ItemsError)


def structure(value: Any, kind: type[T]) -> T:
    """Return a parsed JSON value as ``kind``: a model, a scalar, or a tuple or Mapping of them.

    Raises:
        ShapeError: It does not fit. The text says, such as ``$.upload_urls[3].url: missing``.
    """
    try:
        return _STRICT.structure(value, kind)
    except _FAILURES as error:
        problems = list(islice(_problems(error, "$"), _MOST_PROBLEMS + 1))
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS:] = ["and more"]
    raise ShapeError("; ".join(problems))


def structure_answer(value: Any, kind: type[T]) -> tuple[T, Mapping[str, str]]:
    """Return an answer as ``structure`` does, but without what is wrong and needed by no step.

    Returns:
        The value; and what was left out: each problem, by the name of model and field.

    Raises:
        ShapeError: Something that is needed is wrong, too.
    """
    try:
        return structure(value, kind), {}
    except ShapeError as error:
        failure = error
    odd: dict[str, str] = {}
    token = _ODD.set(odd)
    try:
        return _LENIENT.structure(value, kind), odd
    except _FAILURES:
        pass
    finally:
        _ODD.reset(token)
    raise failure


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


def _literal(kind: Any) -> Hook:
    words: tuple[str, ...] = get_args(kind)

    def hook(value: Any, _: Any) -> Any:
        if value in words:
            return value
        raise MismatchError(f"one of {', '.join(words)}", value)

    return hook


def _collection(kind: Any, converter: Converter) -> Hook:
    """Take ``tuple[X, ...]`` from lists and ``Mapping[str, X]`` from objects; null is empty."""
    is_tuple = _origin(kind) is tuple
    shape: Any = list if is_tuple else dict
    item: Any = get_args(kind)[0 if is_tuple else 1]
    read: Hook = converter.get_structure_hook(item)

    def hook(value: Any, _: Any) -> Any:
        given = shape() if value is None else value
        if type(given) is not shape:
            raise MismatchError("a list" if is_tuple else "an object", value)
        try:
            if is_tuple:
                return tuple([read(each, item) for each in given])
            return {text_of(key, str): read(each, item) for key, each in given.items()}
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
                text_of(place, str)
            read(value, item)
        except Exception as error:  # noqa: BLE001 - a hook may raise anything
            failures.append((place, error))
            if len(failures) > _MOST_PROBLEMS:
                break
    return failures


def _model(kind: Any, converter: Converter, *, lenient: bool) -> Hook:
    names = _WIRE_NAMES.get(kind, {})
    fields = attrs.fields(attrs.resolve_types(kind))
    changes: Any = {
        each.name: override(
            rename=names.get(each.name),
            struct_hook=_field_hook(kind, each, converter, lenient=lenient),
        )
        for each in fields
    }
    fill = make_dict_structure_fn(kind, converter, **changes)
    defaulted = {
        names.get(each.name, each.name) for each in fields if each.default is not attrs.NOTHING
    }

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise MismatchError("an object", value)
        items = cast("dict[str, Any]", value).items()
        return fill({k: v for k, v in items if v is not None or k not in defaulted}, kind)

    return hook


def _field_hook(
    kind: type, field: "attrs.Attribute[Any]", converter: Converter, *, lenient: bool
) -> Hook | None:
    """Return what reads a field otherwise than its type says; None: nothing does."""
    if field.name in _IDS and field.default is attrs.NOTHING:
        return id_of
    if lenient and field.default is None:
        return _or_none(f"{kind.__name__}.{field.name}", converter, field.type)
    return None


def _or_none(name: str, converter: Converter, kind: Any) -> Hook:
    """Return what reads a field, or returns None and notes the problem."""
    read: Hook = converter.get_structure_hook(kind)

    def hook(value: Any, _: Any) -> Any:
        try:
            return read(value, kind)
        except _FAILURES as error:
            _ODD.get().setdefault(name, next(_problems(error, name)))
        return None

    return hook


def _converter(*, lenient: bool) -> Converter:
    made = Converter(detailed_validation=True)
    for kind, hook in SCALARS.items():
        made.register_structure_hook(kind, hook)

    def collection(kind: Any) -> Hook:
        return _collection(kind, made)

    def model(kind: Any) -> Hook:
        return _model(kind, made, lenient=lenient)

    made.register_structure_hook_factory(lambda kind: _origin(kind) is Literal, _literal)
    made.register_structure_hook_factory(lambda kind: _origin(kind) in {tuple, Mapping}, collection)
    made.register_structure_hook_factory(attrs.has, model)
    return made


_STRICT, _LENIENT = _converter(lenient=False), _converter(lenient=True)

# cattrs compiles a function for each model: now, not when an upload's first answers come, for by
# then an event loop is running, and would be held up by milliseconds.
for _kind in (
    CreateAssetUploadResponse,
    RequestAdditionalPresignedUrLsResponse,
    ReportChunkBatchResponse,
):
    _STRICT.get_structure_hook(_kind)
