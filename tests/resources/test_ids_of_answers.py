"""The ids in the platform's answers: each can be sent back, and is the one that was asked for."""

from typing import Any

import pytest
from support.files import CHUNK_SIZE

from twelvelabs_async import (
    AsyncTwelveLabs,
    InvalidResponseError,
    OutcomeUnknownError,
    RequestOptions,
    UploadError,
)
from twelvelabs_async.emulator import Emulator, Fault, Rewrite

FILE = ("film.mp4", b"twelve bytes")
NO_IDS = ["../../x", "", ".", "..", "a/b", "\ud800", 5, None]


def altered(**changes: Any) -> Rewrite:
    return Rewrite(lambda payload: {**payload, **changes})


@pytest.mark.parametrize("named", NO_IDS, ids=repr)
async def test_an_asset_is_not_made_under_a_name_that_is_no_id(
    named: object, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The asset may be there, and nobody knows how to ask for it: never a success."""
    emulator.faults.add(Fault(route="create_asset", action=altered(_id=named), times=None))
    with pytest.raises(UploadError) as caught:
        await client.upload(FILE)
    assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    with pytest.raises(OutcomeUnknownError, match="may have been created or not"):
        await client.assets.create(method="direct", file=FILE)
    assert emulator.count("create_asset") == 2


@pytest.mark.parametrize("named", NO_IDS, ids=repr)
@pytest.mark.parametrize("field", ["upload_id", "asset_id"])
async def test_a_session_is_not_opened_under_a_name_that_is_no_id(
    field: str, named: object, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """By the uploader as by the bare endpoint, and once: what was made is not made again."""
    emulator.faults.add(Fault(route="create", action=altered(**{field: named}), times=None))
    with pytest.raises(InvalidResponseError, match=rf"\$\.{field}: "):
        await client.multipart_upload.create(filename="a.mp4", type="video", total_size=5)
    with pytest.raises(UploadError, match=rf"\$\.{field}: "):
        await client.upload(FILE, multipart_above=0)
    assert emulator.count("create") == 2


async def test_an_answer_about_another_id_is_refused(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Every call that names an id and is answered with one; it is asked again, which may help."""
    asset = await client.upload(FILE)
    made = await client.multipart_upload.create(
        filename="a.mp4", type="video", total_size=2 * CHUNK_SIZE
    )
    session = made.upload_id
    other = Rewrite(
        lambda told: {key: "another" if key in {"_id", "upload_id"} else told[key] for key in told}
    )
    uploads = client.multipart_upload
    options: RequestOptions = {"max_retries": 1}
    for route, ask in (
        ("asset", lambda: client.assets.retrieve(asset.id, request_options=options)),
        ("asset", lambda: client.assets.wait_until_ready(asset.id, request_options=options)),
        ("status", lambda: uploads.get_status(session, request_options=options)),
        ("status", lambda: uploads.wait_for_upload_completion(session, request_options=options)),
        (
            "presigned_urls",
            lambda: uploads.get_additional_presigned_urls(
                session, start=1, count=1, request_options=options
            ),
        ),
    ):
        before = emulator.count(route)
        emulator.faults.add(Fault(route=route, action=other, times=2))
        with pytest.raises(InvalidResponseError, match="the answer is about 'another', not '"):
            await ask()
        assert emulator.count(route) == before + 2
