"""The official SDK's documented use of assets and multipart uploads, with only the import ours.

In our own words, after the docstrings and the README of ``twelvelabs`` 1.3.6, each method with the
parameters that are shown there: code that was written for it goes on working. What differs on
purpose is in the README, under "Moving over".
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.assets import read_asset
from support.calls import store
from support.files import MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import (
    ApiResponse,
    AssetDetail,
    AssetTranscriptionResponse,
    AsyncTwelveLabs,
    ChunkInfo,
    CompletedChunk,
    IncompleteUploadSummary,
    Page,
    RequestOptions,
    ServiceUnavailableError,
    UploadError,
    UploadProgress,
    UploadStatus,
)
from twelvelabs_async.emulator import Emulator, Fault, api_error

METADATA: dict[str, str | int | float | bool | list[str] | None] = {
    "category": "recentlyAdded",
    "batchNumber": 5,
    "rating": 9.3,
    "needsReview": True,
    "hashtags": ["summer", "vlog"],
}


@pytest.fixture
async def emulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    """Yield an emulator to which the environment leads."""
    settings: dict[str, Any] = {"now": utcnow, "processing_time": timedelta(seconds=20)}
    async with Emulator(chunk_size=1000, **settings) as running:
        monkeypatch.setenv("TWELVELABS_BASE_URL", running.base_url)
        yield running


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncTwelveLabs]:
    """Yield a client, made as every example makes it."""
    client = AsyncTwelveLabs(api_key=emulator.api_key)
    yield client
    await client.close()


async def made(client: AsyncTwelveLabs, count: int) -> list[str]:
    """Make assets, and return their ids, oldest first."""
    assets = [
        await client.assets.create(method="direct", file=(f"meeting {n}.mp4", b"film"))
        for n in range(count)
    ]
    return [asset.id for asset in assets]


async def test_a_client_is_made_before_there_is_a_loop(emulator: Emulator) -> None:
    """At the top of a module, with the key or with none but the environment's."""

    def module() -> AsyncTwelveLabs:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return AsyncTwelveLabs(
            api_key=emulator.api_key,
        )

    client = await asyncio.to_thread(module)
    assert [item async for item in await client.assets.list()] == []
    await client.close()


async def test_the_environment_has_the_key(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the official name."""
    monkeypatch.setenv("TWELVE_LABS_API_KEY", emulator.api_key)
    async with AsyncTwelveLabs() as client:
        assert (await client.assets.list()).items == ()


async def test_assets_list(client: AsyncTwelveLabs) -> None:
    """``assets.list``, item by item and page by page."""
    ids = await made(client, 3)
    response = await client.assets.list(
        page=1,
        page_limit=10,
        asset_ids=[ids[0], ids[1]],
        asset_types=["image", "video", "document"],
        filename="meeting",
    )
    assert [item.id async for item in response] == [ids[1], ids[0]]
    # alternatively, you can paginate page-by-page
    assert [page async for page in response.iter_pages()] == [response]


async def walked(response: Page[Any]) -> list[list[Any]]:
    """Walk in each documented way, and return the pages, which must be the same."""
    pages = [list(page.items) async for page in response.iter_pages()]
    by_hand: list[list[Any]] = []
    page: Page[Any] | None = response
    while page is not None:
        by_hand.append(list(page.items))
        assert page.has_next == (len(by_hand) < len(pages))
        page = await page.next_page()
    assert by_hand == pages
    assert [item async for item in response] == [item for page in pages for item in page]
    return pages


async def test_every_pager_is_walked_in_every_way(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """``async for``, ``items``, ``has_next``, ``next_page()``, ``iter_pages()``; a page a call."""
    await made(client, 5)
    assets = await client.assets.list(page_limit=2)
    assert [len(page) for page in await walked(assets)] == [2, 2, 1]
    assert emulator.count("list_assets") == 1 + 3 * 2
    opened = [
        await client.multipart_upload.create(filename=f"{n}.mp4", type="video", total_size=4500)
        for n in range(3)
    ]
    sessions = await client.multipart_upload.list_incomplete_uploads(page_limit=2)
    assert [len(page) for page in await walked(sessions)] == [2, 1]
    assert emulator.count("list") == 1 + 3
    chunks = await client.multipart_upload.get_status(opened[0].upload_id, page_limit=2)
    assert [len(page) for page in await walked(chunks)] == [2, 2, 1]
    assert emulator.count("status") == 1 + 3 * 2


async def test_assets_create_from_a_file(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """``assets.create`` with an open file; ``user_metadata`` is a string of JSON there."""
    path = make_file(2500, "video.mp4")
    with path.open("rb") as file:
        asset = await client.assets.create(
            method="direct",
            file=file,
            filename="my-video.mp4",
            enable_hls=True,
            enable_thumbnail=False,
            user_metadata=json.dumps(METADATA),
        )
    assert (asset.method, asset.status, asset.filename) == ("direct", "processing", "my-video.mp4")
    assert asset.user_metadata == METADATA
    assert asset.created_at is not None
    assert await read_asset(emulator, asset.id) == path.read_bytes()


@pytest.mark.parametrize(
    "file",
    [
        b"film",
        ("video.mp4", b"film"),
        ("video.mp4", b"film", "video/mp4"),
        ("video.mp4", b"film", None),
    ],
    ids=lambda file: f"{type(file).__name__}{len(file)}",
)
async def test_assets_create_takes_each_kind_of_file(client: AsyncTwelveLabs, file: Any) -> None:
    """Bytes, and tuples that name them and their type."""
    asset = await client.assets.create(method="direct", file=file, filename="a.mp4")
    assert (asset.filename, asset.file_type) == ("a.mp4", "video/mp4")


async def test_assets_create_from_a_url(client: AsyncTwelveLabs, make_file: MakeFile) -> None:
    """And the wait until it is ready, as the README shows it."""
    uploaded = await client.multipart_upload.upload_file(make_file(1500, "video.mp4"))
    asset = await client.assets.create(method="url", url=uploaded.asset_url)
    assert asset.id
    questions = 0
    while True:
        told = await client.assets.retrieve(asset.id)
        questions += 1
        if told.status == "ready":
            break
        assert told.status != "failed"
        await asyncio.sleep(5)
    assert questions == 5


async def test_assets_retrieve(client: AsyncTwelveLabs) -> None:
    """By the parameter's name."""
    (asset_id,) = await made(client, 1)
    asset = await client.assets.retrieve(
        asset_id=asset_id,
    )
    assert isinstance(asset, AssetDetail)
    assert asset.id == asset_id


async def test_assets_retrieve_transcription(client: AsyncTwelveLabs) -> None:
    """Polled, as is documented, and read for what it has."""
    (asset_id,) = await made(client, 1)
    response = await client.assets.retrieve_transcription(
        asset_id=asset_id,
        include=["words", "utterances"],
    )
    assert isinstance(response, AssetTranscriptionResponse)
    assert (response.status, response.words) == ("pending", None)
    while response.status in ("pending", "processing"):
        await asyncio.sleep(5)
        response = await client.assets.retrieve_transcription(asset_id, include="utterances")
    assert response.status == "ready"
    assert response.error is None
    assert response.words is response.sentences is None
    assert response.utterances is not None
    spoken = [(each.start, each.end, each.value, each.speaker) for each in response.utterances]
    assert spoken[0][0] == 0
    assert "meeting 0.mp4" in spoken[0][2]


async def test_assets_delete(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """With force, what others refer to as well; there is no answer but that it is done."""
    (asset_id,) = await made(client, 1)
    emulator.reference(asset_id)
    await client.assets.delete(
        asset_id=asset_id,
        force=True,
    )
    assert emulator.platform.assets == {}


async def test_assets_user_metadata(client: AsyncTwelveLabs) -> None:
    """Replaced, updated, deleted, with values of every documented type."""
    (asset_id,) = await made(client, 1)

    async def told() -> dict[str, Any]:
        return dict((await client.assets.retrieve(asset_id)).user_metadata)

    await client.assets.replace_user_metadata(
        asset_id=asset_id,
        user_metadata=METADATA,
    )
    assert await told() == METADATA
    await client.assets.update_user_metadata(
        asset_id=asset_id,
        user_metadata={"category": None, "rating": 1.5, "hashtags": []},
    )
    assert await told() == {
        "batchNumber": 5,
        "rating": 1.5,
        "needsReview": True,
        "hashtags": ["summer", "vlog"],
    }
    await client.assets.delete_user_metadata(
        asset_id=asset_id,
    )
    assert await told() == {}


async def test_multipart_create(client: AsyncTwelveLabs) -> None:
    """``multipart_upload.create``; a hundred chunks of the size that the platform says."""
    session = await client.multipart_upload.create(
        filename="my-video.mp4",
        type="video",
        total_size=100_000,
    )
    assert (session.chunk_size, session.total_chunks) == (1000, 100)
    assert session.upload_id
    assert session.asset_id
    for url in session.upload_urls:
        assert url.chunk_index is not None
        assert url.url is not None


async def test_multipart_list_incomplete_uploads(client: AsyncTwelveLabs) -> None:
    """Item by item and page by page."""
    await client.multipart_upload.create(filename="a.mp4", type="video", total_size=5)
    response = await client.multipart_upload.list_incomplete_uploads(
        page=1,
        page_limit=10,
    )
    async for item in response:
        assert isinstance(item, IncompleteUploadSummary)
        assert (item.status, item.total_size, item.total_chunks) == ("active", 5, 1)
    # alternatively, you can paginate page-by-page
    assert [len(page.items) async for page in response.iter_pages()] == [1]


async def test_multipart_get_status(client: AsyncTwelveLabs) -> None:
    """A pager of chunks."""
    session = await client.multipart_upload.create(
        filename="a.mp4", type="video", total_size=12_000
    )
    response = await client.multipart_upload.get_status(
        upload_id=session.upload_id,
        page=1,
        page_limit=10,
    )
    seen: list[int] = []
    async for item in response:
        assert isinstance(item, ChunkInfo)
        assert item.status == "pending"
        seen.append(item.index)
    assert seen == list(range(1, 13))
    # alternatively, you can paginate page-by-page
    assert [len(page.items) async for page in response.iter_pages()] == [10, 2]


async def test_multipart_urls_and_report(client: AsyncTwelveLabs) -> None:
    """``get_additional_presigned_urls``, then ``report_chunk_batch``; a second time is harmless."""
    session = await client.multipart_upload.create(filename="a.mp4", type="video", total_size=9500)
    answer = await client.multipart_upload.get_additional_presigned_urls(
        upload_id=session.upload_id,
        start=1,
        count=10,
    )
    assert [url.chunk_index for url in answer.upload_urls] == list(range(1, 11))
    stored = await store(attrs.evolve(session, upload_urls=answer.upload_urls), 9500)
    completed_chunks = [
        CompletedChunk(
            chunk_index=each.chunk_index,
            proof=each.proof,
            proof_type="etag",
            chunk_size=each.chunk_size,
        )
        for each in stored
    ]
    for processed, duplicates in ((10, 0), (0, 10)):
        told = await client.multipart_upload.report_chunk_batch(
            upload_id=session.upload_id,
            completed_chunks=completed_chunks,
        )
        assert (told.processed_chunks, told.duplicate_chunks) == (processed, duplicates)
        assert told.url


async def test_upload_file(client: AsyncTwelveLabs, make_file: MakeFile) -> None:
    """The simplest call: a path as a string."""
    result = await client.multipart_upload.upload_file(str(make_file(2500, "video.mp4")))
    assert result.asset_url
    assert (await client.assets.retrieve(result.asset_id)).filename == "video.mp4"


async def test_upload_file_with_progress(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """An async callback; reports have ``batch_size`` chunks, but for what the workers end with."""
    lines: list[str] = []

    async def progress_callback(progress: UploadProgress) -> None:
        chunks = f"{progress.completed_chunks}/{progress.total_chunks} chunks"
        lines.append(f"Progress: {progress.percentage:.1f}% ({chunks}) {progress.status}")

    result = await client.multipart_upload.upload_file(
        make_file(20_000, "large_video.mp4"),
        filename="my-video.mp4",
        file_type="video",
        progress_callback=progress_callback,
        batch_size=5,
        max_workers=5,
        max_retries=3,
        retry_delay=1.0,
        request_options={"timeout_in_seconds": 60},
    )
    assert lines[0].endswith("(0/20 chunks) uploading")
    assert lines[-1] == "Progress: 100.0% (20/20 chunks) completed"
    assert 4 <= emulator.count("report") <= 3 + 5
    assert (await client.assets.retrieve(result.asset_id)).filename == "my-video.mp4"


async def test_upload_file_fails(client: AsyncTwelveLabs, tmp_path: Path) -> None:
    """``UploadError`` has the official attributes."""
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(tmp_path / "missing.mp4")
    assert str(caught.value) == caught.value.message
    assert caught.value.chunk_index is None
    assert caught.value.original_error is caught.value.__cause__


async def test_wait_for_upload_completion(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A callback after each question; the last one has all chunks."""
    result = await client.multipart_upload.upload_file(make_file(2500))
    seen: list[UploadStatus] = []

    async def callback(status: UploadStatus) -> None:
        seen.append(status)

    completed_upload = await client.multipart_upload.wait_for_upload_completion(
        upload_id=result.upload_id,
        sleep_interval=10.0,
        max_wait_time=3600.0,  # 1 hour timeout
        callback=callback,
    )
    assert seen == [completed_upload] == [UploadStatus("completed", 3, 3)]
    assert emulator.count("status") == 1


async def test_waiting_for_what_never_completes(client: AsyncTwelveLabs) -> None:
    """``UploadError`` after the time that was given; a pause of none is a ``ValueError``."""
    session = await client.multipart_upload.create(filename="a.mp4", type="video", total_size=5)
    with pytest.raises(UploadError):
        await client.multipart_upload.wait_for_upload_completion(
            upload_id=session.upload_id, sleep_interval=10.0, max_wait_time=60.0
        )
    with pytest.raises(ValueError, match="sleep_interval"):
        await client.multipart_upload.wait_for_upload_completion(
            session.upload_id, sleep_interval=0
        )


async def test_with_raw_response(client: AsyncTwelveLabs) -> None:
    """``data`` and ``headers`` of every method that does not return a pager."""
    assets, uploads = client.assets.with_raw_response, client.multipart_upload.with_raw_response
    created = await assets.create(method="direct", file=("a.mp4", b"film"))
    session = await uploads.create(filename="a.mp4", type="video", total_size=5)
    upload_id, asset_id = session.data.upload_id, created.data.id
    stored = await store(session.data, 5)
    answers: list[ApiResponse[Any]] = [
        created,
        session,
        await uploads.get_additional_presigned_urls(upload_id, start=1, count=1),
        await uploads.report_chunk_batch(upload_id, completed_chunks=stored),
        await assets.retrieve(asset_id),
        await assets.retrieve_transcription(asset_id),
        await assets.replace_user_metadata(asset_id, user_metadata=METADATA),
        await assets.update_user_metadata(asset_id, user_metadata=METADATA),
        await assets.delete_user_metadata(asset_id),
        await assets.delete(asset_id),
    ]
    assert {answer.headers["x-api-version"] for answer in answers} == {"v1.3"}
    assert [answer.data is None for answer in answers] == [False] * 6 + [True] * 4


async def test_request_options(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """Time, retries, and more headers, of one call."""
    busy = api_error(503, "too_many_requests", "Busy.")
    emulator.faults.add(Fault(route="list_assets", action=busy, times=2))
    options: RequestOptions = {
        "timeout_in_seconds": 30,
        "max_retries": 1,
        "additional_headers": {"x-trace": "of mine"},
    }
    with pytest.raises(ServiceUnavailableError):
        await client.assets.list(request_options=options)
    assert [dict(each.headers)["x-trace"] for each in emulator.requests] == ["of mine"] * 2
    response = await client.assets.list(
        request_options={"additional_query_parameters": {"filename": "nothing"}}
    )
    assert response.items == ()
    await client.multipart_upload.create(
        filename="a.mp4",
        type="video",
        total_size=5,
        request_options={"additional_body_parameters": {"enable_hls": True}},
    )
    (asset,) = (await client.assets.list()).items
    assert asset.hls is not None
