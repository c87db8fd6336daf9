"""Whether our models keep what the platform said: an answer, through a model, is what it was."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import attrs

from twelvelabs_async._http.structure import structure

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def kept(payload: Any, kind: type[Any]) -> Any:
    """Return what a model of ``kind`` still knows of an answer, to compare with ``told``."""
    return _plain(structure(payload, kind))


def told(payload: Any) -> Any:
    """Return what an answer says; null and empty say as little as being absent does."""
    if isinstance(payload, dict):
        pairs = {name: told(item) for name, item in cast("dict[str, Any]", payload).items()}
        return {name: item for name, item in pairs.items() if _says_something(item)}
    if isinstance(payload, list):
        return [told(item) for item in cast("list[object]", payload)]
    if isinstance(payload, str) and TIME.match(payload):
        return _moment(datetime.fromisoformat(payload))
    return payload


def _plain(value: Any) -> Any:
    if attrs.has(cast("type[object]", type(value))):
        fields = attrs.asdict(value, recurse=False)
        names = {"id": "_id"}
        return _plain({names.get(name, name): item for name, item in fields.items()})
    if isinstance(value, Mapping):
        pairs = {name: _plain(item) for name, item in cast("Mapping[str, Any]", value).items()}
        return {name: item for name, item in pairs.items() if _says_something(item)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in cast("tuple[Any, ...]", value)]
    if isinstance(value, datetime):
        return _moment(value)
    return value


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _says_something(value: Any) -> bool:
    return value is not None and value not in ({}, [])
