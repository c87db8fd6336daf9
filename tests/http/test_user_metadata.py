"""User metadata that is too large is refused before it is written, which would block the loop."""

from typing import Any

import pytest

from twelvelabs_async import AsyncTwelveLabs, InvalidArgumentError
from twelvelabs_async._http.user_metadata import MOST_CHARACTERS, MOST_VALUES, checked_metadata
from twelvelabs_async.emulator import Emulator

TOO_LARGE: dict[str, dict[str, Any]] = {
    "keys": {f"k{number}": 1 for number in range(MOST_VALUES + 1)},
    "items": {"k": [1] * MOST_VALUES},
    "items of items": {f"k{number}": [[1] * 99] for number in range(100)},
    "text": {"k": "x" * MOST_CHARACTERS},
    "a long key": {"k" * (MOST_CHARACTERS + 1): 1},
    "several texts": {f"k{number}": "é" * 250_000 for number in range(4)},
}


@pytest.mark.parametrize("metadata", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_no_way_in_takes_more_than_can_be_written_at_once(
    emulator: Emulator, client: AsyncTwelveLabs, metadata: dict[str, Any]
) -> None:
    """Whole files, sessions, assets from a URL, and updates; nothing is sent."""
    uploads, assets = client.multipart_upload, client.assets
    for call in (
        lambda: client.upload(("a.mp4", b"x"), user_metadata=metadata),
        lambda: uploads.upload_file("a.mp4", user_metadata=metadata),
        lambda: uploads.create(
            filename="a.mp4", type="video", total_size=5, user_metadata=metadata
        ),
        lambda: assets.create(method="url", url="https://a.example/a.mp4", user_metadata=metadata),
        lambda: assets.update_user_metadata("a", user_metadata=metadata),
        lambda: assets.replace_user_metadata("a", user_metadata=metadata),
    ):
        with pytest.raises(InvalidArgumentError, match="user_metadata has more than 10,000 values"):
            await call()
    assert emulator.requests == []


def test_what_is_just_small_enough_is_taken() -> None:
    """By values, by characters; a key counts as text, too."""
    checked_metadata({f"k{number}": 1 for number in range(MOST_VALUES)})
    checked_metadata({"k": [1] * (MOST_VALUES - 1)})
    checked_metadata({"k": "x" * (MOST_CHARACTERS - 1)})
