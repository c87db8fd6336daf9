"""``client.assets``: list, retrieve, delete, metadata, and the wait for an asset to be ready."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import (
    AssetFailedError,
    AssetNotReadyError,
    AssetsRetrieveTranscriptionRequestIncludeItem,
    AssetTranscriptionEntry,
    AssetTranscriptionError,
    AssetTranscriptionResponse,
    AssetTranscriptionStatus,
    AssetTranscriptionUtterance,
    AsyncTwelveLabs,
    BadRequestError,
    ConflictError,
    ErrorCode,
    InvalidArgumentError,
    NotFoundError,
    ServiceUnavailableError,
)
from twelvelabs_async.emulator import (
    Answer,
    Cut,
    Emulator,
    Fault,
    Rewrite,
    Segment,
    Stall,
    Transcript,
    api_error,
)

BUSY = api_error(503, "too_many_requests", "Busy.")


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
async def slow_emulator() -> AsyncIterator[Emulator]:
    """Yield an emulator that takes a minute to process an asset."""
    minute = timedelta(minutes=1)
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow, processing_time=minute) as running:
        yield running
    assert running.faults.unused() == []


@pytest.fixture
async def slow_client(slow_emulator: Emulator) -> AsyncIterator[AsyncTwelveLabs]:
    async with AsyncTwelveLabs(slow_emulator.api_key, slow_emulator.base_url) as running:
        yield running


async def uploaded(client: AsyncTwelveLabs, make_file: MakeFile, name: str = "a.mp4") -> str:
    result = await client.multipart_upload.upload_file(
        make_file(1500, name), user_metadata={"album": "2026", "rating": 5}
    )
    return result.asset_id


async def test_an_asset_is_described_whole(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Times are aware, words are members, sizes are numbers."""
    asset_id = await uploaded(client, make_file)
    asset = await client.assets.retrieve(asset_id)
    assert (asset.id, asset.method, asset.status) == (asset_id, "multipart", "ready")
    assert (asset.filename, asset.size) == ("a.mp4", 1500)
    assert asset.user_metadata == {"album": "2026", "rating": 5}
    assert asset.created_at is not None
    assert asset.created_at.tzinfo is not None
    assert asset.created_at >= datetime(2026, 1, 1, tzinfo=UTC)
    raw = await client.assets.with_raw_response.retrieve(asset_id)
    assert (raw.data, raw.status_code) == (asset, 200)
    assert emulator.count("asset") == 2


async def test_a_list_walks_all_pages_and_knows_filters(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Newest first; 12 assets at 5 a page are 3 requests; ids repeat in the query."""
    ids = [await uploaded(client, make_file, f"{n}.mp4") for n in range(12)]
    found = [asset.id async for asset in await client.assets.list(page_limit=5)]
    assert found == ids[::-1]
    assert emulator.count("list_assets") == 3
    some = await client.assets.list(asset_ids=[ids[3], ids[7]])
    assert {asset.id for asset in some.data} == {ids[3], ids[7]}
    named = await client.assets.list(filename="11.MP4")
    assert [asset.filename for asset in named.data] == ["11.mp4"]
    assert (await client.assets.list(asset_types="audio")).data == ()


async def test_a_transcription_is_what_was_asked_for(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Seconds are floats; the segmentations repeat in the query; None asks for nothing."""
    turns = (Segment(0, 1.5, "Grüß Gott.", speaker="A"), Segment(2, 3, "Hello."))
    emulator.transcribe("a.mp4", Transcript(words=turns[1:], utterances=turns))
    asset_id = await uploaded(client, make_file)
    said = await client.assets.retrieve_transcription(asset_id, include=["words", "utterances"])
    assert said == AssetTranscriptionResponse(
        AssetTranscriptionStatus.READY,
        words=(AssetTranscriptionEntry(2.0, 3.0, "Hello."),),
        utterances=(
            AssetTranscriptionUtterance(0.0, 1.5, "Grüß Gott.", "A"),
            AssetTranscriptionUtterance(2.0, 3.0, "Hello.", None),
        ),
    )
    assert said.words is not None
    assert type(said.words[0].start) is float
    raw = await client.assets.with_raw_response.retrieve_transcription(asset_id)
    assert (raw.status_code, raw.data.words, raw.data.utterances) == (200, said.words, None)
    paths = [each.path for each in emulator.requests if each.route == "transcription"]
    assert [path.partition("transcription")[2] for path in paths] == [
        "?include=words&include=utterances",
        "",
    ]


@pytest.mark.parametrize(
    ("include", "sent"),
    [
        (None, ""),
        ([], ""),
        ("sentences", "?include=sentences"),
        (("words", "sentences"), "?include=words&include=sentences"),
        (AssetsRetrieveTranscriptionRequestIncludeItem.WORDS, "?include=words"),
        ("words,utterances", "?include=words,utterances"),
    ],
)
async def test_a_segmentation_may_be_one_text_or_several(
    include: Any, sent: str, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """As the ids of a list; it is sent as it is."""
    asset_id = await uploaded(client, make_file)
    await client.assets.retrieve_transcription(asset_id, include=include)
    assert emulator.requests[-1].path == f"/v1.3/assets/{asset_id}/transcription{sent}"


async def test_what_a_transcription_does_not_support_is_none_and_silence_is_empty(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Null, as some servers write what is absent, is None as well."""
    asset_id = await uploaded(client, make_file)
    emulator.transcribe(asset_id, Transcript(words=()))
    everything = ["words", "sentences", "utterances"]
    said = await client.assets.retrieve_transcription(asset_id, include=everything)
    assert (said.words, said.sentences, said.utterances) == ((), None, None)
    null = Rewrite(lambda told: {**told, "words": None, "error": None})
    emulator.faults.add(Fault(route="transcription", action=null))
    said = await client.assets.retrieve_transcription(asset_id, include=everything)
    assert (said.words, said.sentences, said.utterances, said.error) == (None,) * 4


async def test_a_transcription_says_how_far_it_is(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Pending, processing, and in the end ready, or failed with the reason; or a new word."""
    asset_id = await uploaded(slow_client, make_file)
    slow_emulator.transcribe("bad.mp4", Transcript(error="The language is unknown."))
    failing = await uploaded(slow_client, make_file, "bad.mp4")
    ask = slow_client.assets.retrieve_transcription
    for status in (AssetTranscriptionStatus.PENDING, AssetTranscriptionStatus.PROCESSING):
        for each in (asset_id, failing):
            assert await ask(each) == AssetTranscriptionResponse(status)
        await asyncio.sleep(60)
    assert (await ask(asset_id)).status is AssetTranscriptionStatus.READY
    failed = await ask(failing)
    assert failed.status is AssetTranscriptionStatus.FAILED
    assert failed.error == AssetTranscriptionError("The language is unknown.")
    paused = Rewrite(lambda told: {**told, "status": "paused"})
    slow_emulator.faults.add(Fault(route="transcription", action=paused))
    assert (await ask(asset_id)).status == AssetTranscriptionStatus("paused") == "paused"


async def test_an_asset_without_a_transcription_says_so(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """One that is not there, one that is an image, and one in which nothing was transcribed."""
    picture = await uploaded(client, make_file, "a.png")
    emulator.transcribe("silent.mp4", None)
    for asset_id in ("nobody", picture, await uploaded(client, make_file, "silent.mp4")):
        with pytest.raises(NotFoundError) as caught:
            await client.assets.retrieve_transcription(asset_id)
        assert caught.value.code == ErrorCode.RESOURCE_NOT_EXIST
    with pytest.raises(BadRequestError, match="letters") as refused:
        await client.assets.retrieve_transcription(picture, include=["words", "letters"])
    assert refused.value.code == ErrorCode.PARAMETER_INVALID


async def test_a_transcription_is_asked_for_again_where_that_may_help(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """As any question: nothing is changed by it."""
    asset_id = await uploaded(client, make_file)
    emulator.faults.add(Fault(route="transcription", action=BUSY, times=2))
    assert (await client.assets.retrieve_transcription(asset_id)).words
    assert emulator.count("transcription") == 3


@pytest.mark.parametrize(
    ("include", "said"),
    [
        (5, "include must be text or a list of texts, not 5"),
        (b"words", "include must be text or a list of texts"),
        ("", "include must not be empty"),
        (["words", ""], "include must not be empty"),
        (["words", None], "include must be text, not None"),
        ("\ud800", "include contains an unpaired surrogate"),
        (iter(["words"]), "include must be text or a list of texts"),
    ],
)
async def test_a_segmentation_that_is_no_text_is_refused(
    include: Any, said: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError, match=said):
        await client.assets.retrieve_transcription("a", include=include)
    assert emulator.requests == []


async def test_ten_thousand_assets_take_two_hundred_requests(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Listing costs a request a page and nothing more."""
    for number in range(10_000):
        emulator.platform.create({"filename": f"{number}.mp4", "type": "video", "total_size": 1})
    count = 0
    async for _ in await client.assets.list(page_limit=50):
        count += 1
    assert count == 10_000
    assert emulator.count("list_assets") == 200


async def test_a_list_that_changes_between_pages_neither_loops_nor_crashes(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """What is deleted or added meanwhile may be missed or seen twice; the walk ends."""
    ids = [await uploaded(client, make_file, f"{n}.mp4") for n in range(9)]
    seen: list[str] = []
    async for asset in await client.assets.list(page_limit=2):
        seen.append(asset.id)
        if len(seen) == 3:
            await client.assets.delete(ids[0])
            await uploaded(client, make_file, "new.mp4")
        if len(seen) == 7:
            for asset_id in ids[1:4]:
                await client.assets.delete(asset_id)
    assert set(ids[4:]) <= set(seen)
    assert emulator.count("list_assets") <= 6


async def test_deleting_says_what_stands_in_the_way(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """409 is a ``ConflictError``; ``force`` deletes; then the asset is not there any more."""
    asset_id = await uploaded(client, make_file)
    emulator.reference(asset_id)
    with pytest.raises(ConflictError, match="409"):
        await client.assets.delete(asset_id)
    await client.assets.delete(asset_id, force=True)
    for call in (client.assets.retrieve, client.assets.delete):
        with pytest.raises(NotFoundError) as caught:
            await call(asset_id)
        assert caught.value.code == "resource_not_exist"


async def test_a_delete_whose_answer_was_lost_has_succeeded(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The retry finds 404: what was to go has gone."""
    asset_id = await uploaded(client, make_file)
    emulator.faults.add(Fault(route="delete_asset", action=Cut("after")))
    await client.assets.delete(asset_id)
    assert [e.status for e in emulator.requests if e.route == "delete_asset"] == [None, 404]


async def test_metadata_is_merged_replaced_and_cleared(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """None deletes a key when merging."""
    asset_id = await uploaded(client, make_file)

    async def metadata() -> Any:
        return (await client.assets.retrieve(asset_id)).user_metadata

    await client.assets.update_user_metadata(
        asset_id, user_metadata={"rating": None, "tags": ["a", "b"]}
    )
    assert await metadata() == {"album": "2026", "tags": ["a", "b"]}
    await client.assets.replace_user_metadata(asset_id, user_metadata={"x": 1.5})
    assert await metadata() == {"x": 1.5}
    await client.assets.delete_user_metadata(asset_id)
    assert await metadata() == {}


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), float("nan"), object()], ids=["large", "small", "nan", "object"]
)
async def test_a_value_that_would_arrive_as_another_is_refused(
    value: Any, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before it is sent; a large number can be sent as text."""
    with pytest.raises(InvalidArgumentError, match="user_metadata"):
        await client.assets.update_user_metadata("a", user_metadata={"n": value})
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"asset_ids": 5}, "asset_ids must be text or a list of texts, not 5"),
        ({"asset_ids": b"ab"}, "asset_ids must be text or a list of texts, not b'ab'"),
        ({"asset_ids": iter(["a"])}, "asset_ids must be text or a list of texts"),
        ({"asset_ids": [None]}, "asset_ids must be text, not None"),
        ({"asset_ids": ["a", ""]}, "asset_ids must not be empty"),
        ({"asset_types": [1]}, "asset_types must be text, not 1"),
        ({"asset_types": "\ud800"}, "asset_types contains an unpaired surrogate"),
        ({"filename": 5}, "filename must be text, not 5"),
        ({"filename": "\ud800"}, "filename contains an unpaired surrogate"),
    ],
)
async def test_a_filter_that_is_no_text_is_refused(
    wrong: dict[str, Any], said: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before anything is sent: it would raise a foreign error, or list what was not asked for."""
    with pytest.raises(InvalidArgumentError, match=said):
        await client.assets.list(**wrong)
    assert emulator.requests == []


@pytest.mark.parametrize("asset_id", ["", "a/b", "..", 5, b"a", None])
async def test_an_id_never_reaches_another_endpoint(
    asset_id: Any, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """An empty id would delete nothing, or worse; it is refused."""
    assets = client.assets
    for call in (
        assets.retrieve,
        assets.retrieve_transcription,
        assets.delete,
        assets.wait_until_ready,
    ):
        with pytest.raises(InvalidArgumentError, match="asset_id must be an id"):
            await call(asset_id)
    assert emulator.requests == []


async def test_waiting_ends_with_the_ready_asset(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The pauses grow, so that a minute costs few questions."""
    asset_id = await uploaded(slow_client, make_file)
    asset = await slow_client.assets.wait_until_ready(asset_id)
    assert asset.status == "ready"
    assert 60 <= now() <= 60 + 40
    assert 4 <= slow_emulator.count("asset") <= 12


async def test_waiting_for_stream_and_thumbnail_takes_longer(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """They are made after the asset is ready, where they were asked for."""
    result = await slow_client.multipart_upload.upload_file(
        make_file(5, "a.mp4"), enable_hls=True, enable_thumbnail=True
    )
    asset = await slow_client.assets.wait_until_ready(result.asset_id, hls=True, thumbnail=True)
    assert now() >= 120
    assert asset.hls is not None
    assert asset.hls.manifest_url
    assert asset.thumbnail is not None
    assert asset.thumbnail.representative_url


async def test_waiting_tells_why_an_asset_failed(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The platform's own message, whole."""
    slow_emulator.fail_asset("a.mp4", "The video is 3 s long, at least 4 s are needed.")
    asset_id = await uploaded(slow_client, make_file)
    with pytest.raises(AssetFailedError, match="at least 4 s are needed") as caught:
        await slow_client.assets.wait_until_ready(asset_id)
    assert caught.value.asset_id == asset_id


async def test_waiting_ends_in_time_and_says_the_last_status(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It is a ``TimeoutError`` too, and does not overshoot."""
    asset_id = await uploaded(slow_client, make_file)
    with pytest.raises(AssetNotReadyError, match=r"after 20 s \(last seen processing\)"):
        await slow_client.assets.wait_until_ready(asset_id, timeout=20)
    assert 20 <= now() < 21


@pytest.mark.parametrize("after", [0, 1])
async def test_waiting_ends_in_time_while_the_platform_is_silent(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile, after: int
) -> None:
    """Not after the timeouts and retries of its questions; the last one gets five seconds."""
    asset_id = await uploaded(slow_client, make_file)
    began = now()
    slow_emulator.faults.add(Fault(route="asset", action=Stall("before"), after=after, times=None))
    seen = "last seen processing" if after else "never seen"
    with pytest.raises(AssetNotReadyError, match=rf"after 20 s \({seen}\)"):
        await slow_client.assets.wait_until_ready(asset_id, timeout=20)
    assert 20 <= now() - began <= 25.1


async def test_waiting_that_ends_amid_failures_says_what_the_last_one_was(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """In the text, and as its cause."""
    asset_id = await uploaded(slow_client, make_file)
    slow_emulator.faults.add(Fault(route="asset", action=BUSY, times=None))
    with pytest.raises(AssetNotReadyError, match=r"the last question failed: .*503") as caught:
        await slow_client.assets.wait_until_ready(asset_id, timeout=20)
    assert isinstance(caught.value.__cause__, ServiceUnavailableError)


async def test_waiting_survives_a_platform_that_fails_for_a_while(
    slow_emulator: Emulator, slow_client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Not one that fails on and on, nor one that refuses."""
    asset_id = await uploaded(slow_client, make_file)
    slow_emulator.faults.add(Fault(route="asset", action=BUSY, times=12))
    assert (await slow_client.assets.wait_until_ready(asset_id)).status == "ready"
    slow_emulator.faults.add(Fault(route="asset", action=BUSY, times=None))
    with pytest.raises(ServiceUnavailableError):
        await slow_client.assets.wait_until_ready(asset_id)
    slow_emulator.faults.script.clear()
    refusal = Answer(404, body='{"code": "resource_not_exist", "message": "gone"}')
    slow_emulator.faults.add(Fault(route="asset", action=refusal))
    with pytest.raises(NotFoundError):
        await slow_client.assets.wait_until_ready(asset_id)


@pytest.mark.parametrize(
    "wrong", [{"timeout": -1}, {"timeout": 0}, {"poll_interval": float("nan")}]
)
async def test_waiting_refuses_times_that_are_none(
    wrong: dict[str, float], emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
        await client.assets.wait_until_ready("a", **wrong)  # type: ignore[arg-type]
    assert emulator.requests == []
