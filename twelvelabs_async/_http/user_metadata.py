"""User metadata: what can be sent, and arrives as what it was."""

from collections.abc import Mapping, Sequence
from typing import cast

from twelvelabs_async._core.validation import checked_mapping
from twelvelabs_async._http import json_text
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.uploads import UserMetadata

LARGEST_EXACT = 2**53 - 1
"""Integers beyond it are rounded by the platform without a word (API reference, user metadata)."""

MOST_VALUES = 10_000
"""Keys and items, at any depth, which are written in some 30 ms of the event loop."""

MOST_CHARACTERS = 1_000_000


def checked_metadata(user_metadata: object) -> UserMetadata:
    """Return a copy of metadata that is whole, so that what was checked is what is sent.

    Raises:
        InvalidArgumentError: A value is none that JSON can carry, or a whole number that would
            arrive as another: it names the key, and a large number can be sent as text. Or it is
            all so large that to write it would hold up the event loop.
    """
    shallow = checked_mapping("user_metadata", user_metadata)
    if _is_too_large(shallow):
        raise InvalidArgumentError(
            f"has more than {MOST_VALUES:,} values, or {MOST_CHARACTERS:,} characters of text: "
            "keep it elsewhere, and send where it is",
            argument="user_metadata",
        )
    copied = cast("UserMetadata", json_text.plain_copy("user_metadata", shallow))
    for key, value in copied.items():
        if isinstance(value, int) and abs(value) > LARGEST_EXACT:
            raise InvalidArgumentError(
                "has more than 53 bits and would be rounded: send it as a string",
                argument=f"user_metadata[{key!r}]",
            )
    return copied


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
