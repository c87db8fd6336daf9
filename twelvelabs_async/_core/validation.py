"""Checks of arguments, the same for all methods; the error names the argument and its value."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from twelvelabs_async.errors import InvalidArgumentError

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110
_UNFIT_FOR_A_HEADER = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

_LONGEST_SHOWN = 100  # characters of a wrong value, in an error

LARGEST_WHOLE = 2**63 - 1
"""What a whole number can be at most, unless an argument has a bound of its own."""

Refusal = type[InvalidArgumentError]


def check_whole(
    argument: str,
    value: object,
    least: int,
    refusal: Refusal = InvalidArgumentError,
    *,
    most: int = LARGEST_WHOLE,
) -> None:
    """Refuse ``value`` unless it is a whole number from ``least`` to ``most``.

    Args:
        argument: The argument's name, for the error, as in all functions below.
        value: What the caller passed.
        least: The smallest number that is right.
        refusal: The class of the error.
        most: The largest number that is right.

    Raises:
        InvalidArgumentError: ``value`` is wrong; the error is a ``refusal``.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise refusal(f"must be a whole number, not {shown(value)}", argument=argument)
    if not least <= value <= most:
        bounds = (
            f"{least} or more" if value < least and most == LARGEST_WHOLE else f"{least} to {most}"
        )
        raise refusal(f"must be {bounds}, not {shown(value)}", argument=argument)


def check_seconds(
    argument: str, value: object, *, zero: bool = False, refusal: Refusal = InvalidArgumentError
) -> None:
    """Refuse ``value`` unless it is a finite number of seconds, more than 0 or (``zero``) 0."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise refusal(f"must be a number of seconds, not {shown(value)}", argument=argument)
    if not _is_finite(value) or value < 0 or (value == 0 and not zero):
        least = "0 s or more" if zero else "more than 0 s"
        raise refusal(f"must be {least}, not {shown(value)}", argument=argument)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is larger than any float
        return False


def shown(value: object) -> str:
    """Return a wrong value as an error shows it: its ``repr``, cut, or its type if that fails."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever code of the caller's raises, and of long numbers
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def check_flag(argument: str, value: object, refusal: Refusal = InvalidArgumentError) -> None:
    """Refuse ``value`` unless it is True or False."""
    if not isinstance(value, bool):
        raise refusal(f"must be True or False, not {shown(value)}", argument=argument)


def check_text_or_whole(argument: str, value: object) -> None:
    """Refuse ``value`` unless it is text that can be sent, or a whole number."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        problem = f"must be text or a whole number, not {shown(value)}"
        raise InvalidArgumentError(problem, argument=argument)
    if isinstance(value, str):
        check_text(argument, value)
    else:
        check_whole(argument, value, -LARGEST_WHOLE)


def check_kind(
    argument: str,
    value: object,
    kind: type[object],
    refusal: Refusal = InvalidArgumentError,
) -> None:
    """Refuse ``value`` unless it is a ``kind``; the error says only of which type it is."""
    if not isinstance(value, kind):
        problem = f"must be of type {kind.__name__}, not {type(value).__name__}"
        raise refusal(problem, argument=argument)


def check_text(argument: str, value: object) -> None:
    """Refuse ``value`` unless it is text that can be sent."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"must be text, not {shown(value)}", argument=argument)
    try:
        value.encode()
    except UnicodeEncodeError:
        problem = f"contains an unpaired surrogate: {shown(value)}"
        raise InvalidArgumentError(problem, argument=argument) from None


def checked_mapping(
    argument: str, value: object, refusal: Refusal = InvalidArgumentError
) -> dict[str, Any]:
    """Return a copy of a mapping whose keys are text; its values are the caller's own."""
    if not isinstance(value, Mapping):
        kind = type(value).__name__  # what it holds may be a secret
        raise refusal(f"must be a dict, not {kind}", argument=argument)
    try:
        copied = dict(cast("Mapping[object, Any]", value))
    except Exception:  # noqa: BLE001 - whatever code of the caller's raises
        copied = None
    if copied is None:
        raise refusal("cannot be read: it raises an error of its own", argument=argument)
    for key in copied:
        if not isinstance(key, str):
            raise refusal(f"has a key that is no text: {shown(key)}", argument=argument)
    return cast("dict[str, Any]", copied)


def checked_texts(argument: str, value: object) -> list[str]:
    """Return a text, or a list of texts, as a list of one's own; none of them is empty.

    Raises:
        InvalidArgumentError: It is something else. An iterator is refused, too: it could be read
            only once, and nothing says that once is enough.
    """
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Collection) or isinstance(items, bytes | bytearray | Mapping):
        problem = f"must be text or a list of texts, not {shown(value)}"
        raise InvalidArgumentError(problem, argument=argument)
    texts = list(cast("Collection[object]", items))
    for text in texts:
        check_text(argument, text)
        if not text:
            raise InvalidArgumentError("must not be empty text", argument=argument)
    return cast("list[str]", texts)


def check_word(argument: str, value: object, words: Sequence[str]) -> None:
    """Refuse ``value`` unless it is one of ``words``."""
    if value not in words:
        problem = f"must be {' or '.join(map(repr, words))}, not {shown(value)}"
        raise InvalidArgumentError(problem, argument=argument)


def is_header(name: object, value: object) -> bool:
    """Whether a header with this name and value can be sent as it is."""
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and _HEADER_NAME.fullmatch(name) is not None
        and _UNFIT_FOR_A_HEADER.search(value) is None
    )
