"""Checks of what callers pass, the same everywhere: a wrong type or value is named, and refused."""

import math
import re
from collections.abc import Sequence

from twelvelabs_async.errors import InvalidArgumentError

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110
_UNFIT_FOR_A_HEADER = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

Refusal = type[InvalidArgumentError]


def check_whole(
    name: str, value: object, least: int, refusal: Refusal = InvalidArgumentError
) -> None:
    """Refuse ``value`` unless it is a whole number of ``least`` or more."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise refusal(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise refusal(f"{name} must be {least} or more, not {value}")


def check_seconds(
    name: str, value: object, *, zero: bool = False, refusal: Refusal = InvalidArgumentError
) -> None:
    """Refuse ``value`` unless it is a finite number of seconds, more than 0 or (``zero``) 0."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise refusal(f"{name} must be a number of seconds, not {value!r}")
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        least = "0 s or more" if zero else "more than 0 s"
        raise refusal(f"{name} must be {least}, not {value}")


def check_text_or_whole(name: str, value: object) -> None:
    """Refuse ``value`` unless it is text or a whole number."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise InvalidArgumentError(f"{name} must be text or a whole number, not {value!r}")


def check_text(name: str, value: object) -> None:
    """Refuse ``value`` unless it is text that can be sent."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be text, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} holds half a character: {value!r}") from None


def check_word(name: str, value: object, words: Sequence[str]) -> None:
    """Refuse ``value`` unless it is one of ``words``."""
    if value not in words:
        raise InvalidArgumentError(f"{name} must be {' or '.join(map(repr, words))}, not {value!r}")


def is_header(name: object, value: object) -> bool:
    """Whether a header with this name and value can be sent as it is."""
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and _HEADER_NAME.fullmatch(name) is not None
        and _UNFIT_FOR_A_HEADER.search(value) is None
    )
