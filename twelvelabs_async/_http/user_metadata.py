"""User metadata: what can be sent, and arrives as what it was."""

from collections.abc import Mapping, Sequence
from typing import cast

from twelvelabs_async._http import json_text
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.uploads import UserMetadata

LARGEST_EXACT = 2**53 - 1
"""Integers beyond it are rounded by the platform without a word (API reference, user metadata)."""


MOST_VALUES = 10_000
"""Keys and items, at any depth, which are written in some 30 ms of the event loop."""

MOST_CHARACTERS = 1_000_000


def check_metadata(user_metadata: object) -> None:
    """Refuse values that JSON cannot carry, and whole numbers that would arrive as others.

    Also what is so large that to write it would hold up the event loop.

    Raises:
        InvalidArgumentError: It names the key; a large number can be sent as text.
    """
    if not isinstance(user_metadata, Mapping):
        kind = type(user_metadata).__name__
        raise InvalidArgumentError(f"must be a dict, not {kind}", argument="user_metadata")
    if _is_too_large(cast("UserMetadata", user_metadata)):
        raise InvalidArgumentError(
            f"has more than {MOST_VALUES:,} values, or {MOST_CHARACTERS:,} characters of text: "
            "keep it elsewhere, and send where it is",
            argument="user_metadata",
        )
    json_text.dump({"user_metadata": user_metadata})
    for key, value in cast("UserMetadata", user_metadata).items():
        if isinstance(value, int) and abs(value) > LARGEST_EXACT:
            raise InvalidArgumentError(
                "has more than 53 bits and would be rounded: send it as a string",
                argument=f"user_metadata[{key!r}]",
            )


def _is_too_large(metadata: object) -> bool:
    values, characters, left = 0, 0, [metadata]
    while left:
        item = left.pop()
        if isinstance(item, str):
            characters += len(item)
        elif isinstance(item, Mapping | list | tuple):
            some = cast("Mapping[object, object] | Sequence[object]", item)
            values += len(some)
            if values <= MOST_VALUES:
                left.extend(some)
                left.extend(some.values() if isinstance(some, Mapping) else ())
        if values > MOST_VALUES or characters > MOST_CHARACTERS:
            return True
    return False
