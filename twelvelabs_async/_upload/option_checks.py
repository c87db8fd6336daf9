"""How values of options are checked, and copied where the caller may change them."""

from collections.abc import Mapping
from typing import Any, get_args

from twelvelabs_async._core.call_options import Check
from twelvelabs_async._core.validation import (
    check_seconds,
    check_text,
    check_whole,
    check_word,
    shown,
)
from twelvelabs_async._http.request import RequestOptions, checked_options, path_segment
from twelvelabs_async._http.user_metadata import checked_metadata
from twelvelabs_async._upload.plan.session import checked_put_headers
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.uploads import UserMetadata


def or_none(check: Check) -> Check:
    """Return a check that lets None through."""
    return lambda name, value: value is None or check(name, value)


def whole(least: int) -> Check:
    """Return a check for whole numbers from ``least`` on."""
    return lambda name, value: check_whole(name, value, least)


def seconds(*, zero: bool = False) -> Check:
    """Return a check for seconds."""
    return lambda name, value: check_seconds(name, value, zero=zero)


def word(words: Any) -> Check:
    """Return a check for one of some words, which a ``Literal`` has."""
    return lambda name, value: check_word(name, value, get_args(words))


def check_has_acquire(
    name: str, value: object, refusal: type[InvalidArgumentError] = InvalidArgumentError
) -> None:
    """Refuse what is no journal."""
    if not callable(getattr(value, "acquire", None)):
        problem = f"must be a journal, such as FileJournal(), not {shown(value)}"
        raise refusal(problem, argument=name)


def check_key(name: str, value: object) -> None:
    """Refuse a name that is empty, or no text."""
    check_text(name, value)
    if not value:
        raise InvalidArgumentError("is empty", argument=name)


def own_request(value: RequestOptions | None) -> RequestOptions | None:
    """Return a copy of request options, checked."""
    return None if value is None else checked_options(value)


def own_metadata(value: UserMetadata | None) -> UserMetadata | None:
    """Return a copy of user metadata, checked."""
    return None if value is None else checked_metadata(value)


def own_headers(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Return a copy of headers for PUTs, checked."""
    return None if value is None else checked_put_headers("upload_headers", value)


def check_id(name: str, value: object) -> None:
    """Refuse what is no id."""
    path_segment(value, name)
