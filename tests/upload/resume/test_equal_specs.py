"""What is equal for the platform is one upload, and what is not is another."""

from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, MemoryJournal, UploadError
from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async.emulator import Emulator, Fault, store_error

CHUNKS = 6
PLAIN = "fd58baecaa84426dbd9799749df5b9ab40569293f90320686cd76b6d4d6faf47"

EQUAL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "order of keys": ({"user_metadata": {"a": 1, "b": 2}}, {"user_metadata": {"b": 2, "a": 1}}),
    "whole and float": ({"user_metadata": {"a": 1}}, {"user_metadata": {"a": 1.0}}),
    "zeros": ({"user_metadata": {"a": 0}}, {"user_metadata": {"a": -0.0}}),
    "large": ({"user_metadata": {"a": 2**53 - 1}}, {"user_metadata": {"a": float(2**53 - 1)}}),
    "no metadata": ({}, {"user_metadata": {}}),
    "empty metadata": ({}, {"user_metadata": {"a": None, "b": "", "c": []}}),
    "flags": ({}, {"enable_hls": False, "enable_thumbnail": False}),
    "own default": ({}, {"filename": "video.mp4", "file_type": "video"}),
    "no options": ({}, {"request_options": {"additional_body_parameters": {}}}),
    "other headers": ({}, {"request_options": {"additional_headers": {"x-a": "1"}}}),
    "another way": (
        {"user_metadata": {"a": 1}, "enable_hls": True},
        {
            "request_options": {
                "additional_body_parameters": {"enable_hls": True, "user_metadata": {"a": 1.0}}
            }
        },
    ),
}
DIFFERENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "true and one": ({"user_metadata": {"a": True}}, {"user_metadata": {"a": 1}}),
    "text and number": ({"user_metadata": {"a": "1"}}, {"user_metadata": {"a": 1}}),
    "order of a list": ({"user_metadata": {"a": ["b", "c"]}}, {"user_metadata": {"a": ["c", "b"]}}),
    "zero and false": ({"user_metadata": {"a": 0}}, {"user_metadata": {"a": False}}),
    "nothing and zero": ({}, {"user_metadata": {"a": 0}}),
    "halves": ({"user_metadata": {"a": 1.5}}, {"user_metadata": {"a": 1}}),
    "a flag": ({}, {"enable_hls": True}),
    "spelling of a name": ({"filename": "\u00e4.mp4"}, {"filename": "a\u0308.mp4"}),
    "more parameters": (
        {},
        {"request_options": {"additional_query_parameters": {"collection": "a"}}},
    ),
}


async def resumed(emulator: Emulator, make_file: MakeFile, both: tuple[Any, Any]) -> int:
    """Begin an upload one way and call the other way; return how many chunks were there."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    refusal = store_error(400, "InvalidRequest", "No.")
    emulator.faults.add(Fault(route="put", chunk_index=CHUNKS, action=refusal))
    journal = MemoryJournal()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        upload = client.multipart_upload.upload_file
        with pytest.raises(UploadError):
            await upload(path, max_workers=1, **both[0])
        return (await upload(path, **both[1])).resumed_chunks


@pytest.mark.parametrize("what", EQUAL)
async def test_what_is_equal_for_the_platform_goes_on(
    emulator: Emulator, make_file: MakeFile, what: str
) -> None:
    """In one session, with what was stored before."""
    assert await resumed(emulator, make_file, EQUAL[what]) == CHUNKS - 1
    assert emulator.count("create") == 1


@pytest.mark.parametrize("what", EQUAL)
async def test_it_is_equal_the_other_way_round(
    emulator: Emulator, make_file: MakeFile, what: str
) -> None:
    """Whichever of both came first."""
    first, second = EQUAL[what]
    assert await resumed(emulator, make_file, (second, first)) == CHUNKS - 1


@pytest.mark.parametrize("what", DIFFERENT)
async def test_what_is_not_equal_is_another_upload(
    emulator: Emulator, make_file: MakeFile, what: str
) -> None:
    """It must not get an asset that was asked for otherwise."""
    assert await resumed(emulator, make_file, DIFFERENT[what]) == 0
    assert emulator.count("create") == 2


@pytest.mark.parametrize("written", ["HTTP://{host}/v1.3", "http://{host}/v1.3/"])
async def test_a_base_url_is_one_place_however_it_is_written(
    emulator: Emulator, make_file: MakeFile, written: str
) -> None:
    """Letters of the scheme and the host, and a slash at the end."""
    path, journal = make_file(CHUNKS * CHUNK_SIZE), MemoryJournal()
    host = emulator.base_url.removeprefix("http://").removesuffix("/v1.3")
    keys = set[str | None]()
    for url in (emulator.base_url, written.format(host=host)):
        async with AsyncTwelveLabs(emulator.api_key, url, journal=journal) as client:
            keys.add((await client.multipart_upload.upload_file(path)).journal_key)
    assert len(keys) == 1


def test_entries_that_were_written_before_are_still_found() -> None:
    """The digest of what is asked for without more than a name is what it always was."""
    assert AssetSpec("video.mp4", "video").digest() == PLAIN
