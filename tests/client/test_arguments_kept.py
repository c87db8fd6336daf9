"""A call keeps arguments of its own: what its caller changes later is not what is sent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import pytest
from support.calls import create
from support.files import MakeFile

from twelvelabs_async import AsyncTwelveLabs, Journal, UploadError
from twelvelabs_async.emulator import Answer, Emulator, Fault

Arguments = dict[str, Any]
Call = Callable[[AsyncTwelveLabs, str, Arguments], Awaitable[Any]]

SENT = ("X-Trace", "as it was")

CREATIONS: dict[str, Call] = {
    "upload_file": lambda client, path, given: client.multipart_upload.upload_file(path, **given),
    "upload in chunks": lambda client, path, given: client.upload(path, multipart_above=0, **given),
    "upload in one": lambda client, path, given: client.upload(path, **given),
    "assets.create": lambda client, path, given: client.assets.create(
        method="direct", file=path, **given
    ),
    "create": lambda client, _, given: client.multipart_upload.create(
        filename="a.mp4", type="video", total_size=1, **given
    ),
}


def creation() -> Arguments:
    """Return arguments with something that can be changed at each level."""
    return {
        "user_metadata": {"n": 1, "tags": ["a"], **{f"k{n}": n for n in range(600)}},
        "request_options": {
            "additional_headers": {"X-Trace": "as it was"},
            "additional_body_parameters": {"filename": "other.mp4"},
            "additional_query_parameters": {},
        },
    }


def spoil(given: Arguments) -> None:
    """Change everything."""
    metadata, options = given["user_metadata"], given["request_options"]
    metadata["tags"].append("b")
    metadata["n"] = 2
    options["additional_headers"]["X-Trace"] = "changed"
    options["additional_body_parameters"]["surprise"] = 1
    options["additional_query_parameters"]["surprise"] = 1
    options["max_retries"] = "none"


async def changed_after_its_first_step(work: Awaitable[Any], change: Callable[[], None]) -> Any:
    """Start a call, make the change, and return what the call comes to."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    change()
    return await task


class OnlyMapping(Mapping[str, Any]):
    """What every mapping has, and nothing else: neither ``copy`` nor ``pop``."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


KINDS: tuple[Callable[[Mapping[str, Any]], Mapping[str, Any]], ...] = (
    MappingProxyType,
    OnlyMapping,
)


def turned(
    values: Mapping[str, Any], kind: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return mappings of another kind, nested ones too."""
    return kind(
        {
            key: turned(cast("Arguments", item), kind) if isinstance(item, dict) else item
            for key, item in values.items()
        }
    )


async def test_uploads_that_wait_are_sent_with_their_own_metadata(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """One dict may serve a loop that starts uploads, changed between them."""
    meta, tasks = dict[str, Any](), list[asyncio.Task[Any]]()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=1) as client:
        for n in range(6):
            meta["n"] = n
            path = make_file(1, f"f{n}.mp4")
            upload = client.multipart_upload.upload_file(path, user_metadata=meta)
            tasks.append(asyncio.create_task(upload))
            await asyncio.sleep(0)
        results = await asyncio.gather(*tasks)
    made = [emulator.platform.assets[result.asset_id] for result in results]
    assert [(asset.filename, asset.user_metadata) for asset in made] == [
        (f"f{n}.mp4", {"n": n}) for n in range(6)
    ]


@pytest.mark.parametrize("way", CREATIONS)
async def test_what_is_made_is_what_was_asked_for(
    way: str, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """At every level, and for every request of the call."""
    given, path = creation(), str(make_file(1))
    await changed_after_its_first_step(CREATIONS[way](client, path, given), lambda: spoil(given))
    platform = emulator.platform
    (made,) = platform.uploads.values() or platform.assets.values()
    assert (made.filename, made.user_metadata) == ("other.mp4", creation()["user_metadata"])
    asked = [exchange for exchange in emulator.requests if exchange.origin == "api"]
    assert all(SENT in exchange.headers for exchange in asked)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", CREATIONS)
async def test_any_mapping_is_taken(
    way: str, kind: Any, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Also one that cannot be changed, at every level."""
    await CREATIONS[way](client, str(make_file(1)), {**turned(creation(), kind)})
    asked = [exchange for exchange in emulator.requests if exchange.origin == "api"]
    assert all(SENT in exchange.headers for exchange in asked)


async def test_the_journal_knows_an_upload_by_what_it_was_asked_for(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, journal: Journal
) -> None:
    """The key of the entry is of the same copy as the session."""
    path, meta = make_file(2_500), {"n": 1}
    emulator.faults.add(Fault(route="report", action=Answer(400)))
    upload = client.multipart_upload.upload_file(path, journal=journal, user_metadata=meta)
    with pytest.raises(UploadError):
        await changed_after_its_first_step(upload, lambda: meta.update(n=2))
    result = await client.multipart_upload.upload_file(
        path, journal=journal, user_metadata={"n": 1}
    )
    assert emulator.count("create") == 1
    assert emulator.platform.assets[result.asset_id].user_metadata == {"n": 1}


@pytest.mark.parametrize("kind", [dict, *KINDS])
async def test_a_resumed_upload_keeps_its_headers_and_options(
    kind: Any, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The headers of its PUTs are those of the call's beginning, of whatever mapping."""
    session = await create(client, 1)
    headers = dict(session.upload_headers)
    inner = {"X-Trace": "as it was"}
    options = {"additional_headers": inner}

    def change() -> None:
        headers["x-amz-meta-upload-id"] = inner["X-Trace"] = "changed"

    given: Any = {"upload_headers": headers, "request_options": options}
    if kind is not dict:
        given = turned(given, kind)
    upload = client.multipart_upload.resume(session.upload_id, make_file(1), **given)
    assert (await changed_after_its_first_step(upload, change)).total_chunks == 1
    asked = [exchange for exchange in emulator.requests if exchange.origin == "api"]
    assert all(SENT in exchange.headers for exchange in asked[1:])


LATER: dict[str, Call] = {
    "list": lambda client, _, given: client.assets.list(page_limit=1, **given),
    "list_incomplete_uploads": lambda client, _, given: (
        client.multipart_upload.list_incomplete_uploads(page_limit=1, **given)
    ),
    "get_status": lambda client, upload_id, given: client.multipart_upload.get_status(
        upload_id, page_limit=1, **given
    ),
}


@pytest.mark.parametrize("way", LATER)
async def test_later_pages_are_asked_for_as_the_first_one(
    way: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Whatever the caller does with the arguments between two of them."""
    session = await create(client, 2_500)
    await create(client)
    for n in range(2):
        await client.assets.create(method="direct", file=(f"a{n}.mp4", b"film"))
    before, inner = len(emulator.requests), {"X-Trace": "as it was"}
    given: Arguments = {"request_options": {"additional_headers": inner}}
    types = ["video"]
    if way == "list":
        given["asset_types"] = types
    page = await LATER[way](client, session.upload_id, given)
    inner["X-Trace"], types[0] = "changed", "image"
    assert len([each async for each in page]) > 1
    asked = list(emulator.requests)[before:]
    assert len(asked) > 1
    assert all(SENT in exchange.headers for exchange in asked)


async def test_later_questions_are_asked_as_the_first_one(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A wait for an upload asks again and again."""
    session, inner = await create(client), {"X-Trace": "as it was"}
    wait = client.multipart_upload.wait_for_upload_completion(
        session.upload_id, max_wait_time=12, request_options={"additional_headers": inner}
    )
    with pytest.raises(UploadError, match="is not complete after 12 s"):
        await changed_after_its_first_step(wait, lambda: inner.update({"X-Trace": "changed"}))
    asked = [exchange for exchange in emulator.requests if exchange.route == "status"]
    assert len(asked) > 1
    assert all(SENT in exchange.headers for exchange in asked)
