"""Check what a caller sends, as strictly as the platform: each name, each type, each range.

Pure. Every refusal carries the platform's code, the parameter's name and the value that was sent.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar, cast

from attrs import frozen

MAX_PAGE_LIMIT = 50
DEFAULT_PAGE_LIMIT = 10
MAX_DIGITS = 18

Object = Mapping[str, object]
T = TypeVar("T")


class Refusal(Exception):  # noqa: N818 - it is the platform's answer, not a mistake of ours
    """An error answer of the API: HTTP status, stable code, message for the user.

    ``code`` is None where the platform answers raw text, of a binding or a validator.
    """

    def __init__(self, status: int, code: str | None, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@frozen
class PageQuery:
    """Which page of a list to show: pages count from 1."""

    number: int
    limit: int

    def cut(self, items: Sequence[T]) -> list[T]:
        """Return the page's items; none beyond the last page."""
        start = (self.number - 1) * self.limit
        return list(items[start : start + self.limit])

    def info(self, total: int) -> dict[str, int]:
        """Return ``page_info`` for a list of ``total`` items."""
        return {
            "limit_per_page": self.limit,
            "page": self.number,
            "total_page": -(-total // self.limit),
            "total_results": total,
        }


def show(value: object) -> str:
    """Write a value as the caller sent it, at most 200 characters."""
    return json.dumps(value, ensure_ascii=False, default=repr)[:200]


def invalid(name: str, value: object, rule: str) -> Refusal:
    """Build the refusal of a value, naming parameter, value and rule."""
    message = f"The value of the `{name}` parameter is invalid: {show(value)}. It {rule}."
    return Refusal(400, "parameter_invalid", message)


def json_object(value: object, name: str = "body") -> Object:
    """Return ``value`` if it is a JSON object."""
    if not isinstance(value, dict):
        raise invalid(name, value, "must be a JSON object")
    return cast("dict[str, object]", value)


def only_known(payload: Collection[str], names: Collection[str]) -> None:
    """Refuse a parameter that the endpoint does not know."""
    for name in payload:
        if name not in names:
            raise Refusal(400, "parameter_unknown", f"The `{name}` parameter is unknown.")


def not_provided(name: str) -> Refusal:
    """Build the refusal of a request that lacks a parameter."""
    message = f"The `{name}` parameter is required but was not provided."
    return Refusal(400, "parameter_not_provided", message)


def required(payload: Object, name: str, label: str | None = None) -> object:
    """Return a parameter that must be there; null counts as absent."""
    if payload.get(name) is None:
        raise not_provided(label or name)
    return payload[name]


def integer(
    payload: Object, name: str, *, least: int, most: int | None = None, label: str | None = None
) -> int:
    """Return a required integer within the range; true and 5.0 are not integers."""
    value = required(payload, name, label)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(label or name, value, "must be an integer")
    if value < least or (most is not None and value > most):
        limits = f"at least {least}" if most is None else f"between {least} and {most}"
        raise invalid(label or name, value, f"must be {limits}")
    return value


def text(payload: Object, name: str, *, most: int, label: str | None = None) -> str:
    """Return a required string of 1 to ``most`` characters."""
    value = required(payload, name, label)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise invalid(label or name, value, f"must be a string of 1 to {most} characters")
    return value


def word(payload: Object, name: str, words: Collection[str], label: str | None = None) -> str:
    """Return a required string that is one of ``words``."""
    value = required(payload, name, label)
    if not isinstance(value, str) or value not in words:
        raise invalid(label or name, value, f"must be one of {', '.join(words)}")
    return value


def optional_flag(payload: Object, name: str) -> bool:
    """Return a boolean; false when absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(name, value, "must be a boolean")
    return bool(value)


def optional_metadata(payload: Object) -> Object | None:
    """Return ``user_metadata``: strings, numbers, booleans, arrays of strings, null."""
    value = payload.get("user_metadata")
    return None if value is None else metadata(value)


def metadata(value: object) -> dict[str, object]:
    """Return ``user_metadata``: strings, numbers, booleans, arrays of strings, null.

    The OpenAPI file (2026-11) knows no arrays, the official SDK's own texts do.
    """
    found = json_object(value, "user_metadata")
    for key, item in found.items():
        if not _is_metadata_value(item):
            rule = "must be a string, a number, a boolean, an array of strings or null"
            raise invalid(f"user_metadata.{key}", item, rule)
    return dict(found)


def worth_keeping(metadata: Object) -> dict[str, object]:
    """Return the metadata without null, empty strings and empty arrays."""
    return {key: item for key, item in metadata.items() if item not in (None, "", [])}


def _is_metadata_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in cast("list[object]", value))
    return value is None or isinstance(value, str | int | float)


def page(query: Mapping[str, str], *others: str) -> PageQuery:
    """Return the page that a query string asks for: 10 items by default, 50 at most.

    ``others`` are the endpoint's further parameters.
    """
    only_known(query, ("page", "page_limit", *others))
    return PageQuery(
        _count(query, "page", 1, None),
        _count(query, "page_limit", DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT),
    )


def _count(query: Mapping[str, str], name: str, default: int, most: int | None) -> int:
    value = query.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS):
        raise invalid(name, value, "must be an integer")
    return integer({name: int(value)}, name, least=1, most=most)
