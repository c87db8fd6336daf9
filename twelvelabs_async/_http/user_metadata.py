"""User metadata: what can be sent, and arrives as what it was."""

from collections.abc import Mapping
from typing import cast

from twelvelabs_async._http import json_text
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models.uploads import UserMetadata

LARGEST_EXACT = 2**53 - 1
"""Integers beyond it are rounded by the platform without a word (API reference, user metadata)."""


def check_metadata(user_metadata: object) -> None:
    """Refuse values that JSON cannot carry, and whole numbers that would arrive as others.

    Raises:
        InvalidArgumentError: It names the key; a large number can be sent as text.
    """
    if not isinstance(user_metadata, Mapping):
        kind = type(user_metadata).__name__
        raise InvalidArgumentError(f"must be a dict, not {kind}", argument="user_metadata")
    json_text.dump({"user_metadata": user_metadata})
    for key, value in cast("UserMetadata", user_metadata).items():
        if isinstance(value, int) and abs(value) > LARGEST_EXACT:
            raise InvalidArgumentError(
                "has more than 53 bits and would be rounded: send it as a string",
                argument=f"user_metadata[{key!r}]",
            )
