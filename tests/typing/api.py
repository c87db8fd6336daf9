"""What a type checker makes of the public names; checked by mypy and pyright, never run."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import assert_type

from twelvelabs_async import (
    ApiResponse,
    AssetDetail,
    AssetsRetrieveTranscriptionRequestIncludeItem,
    AssetTranscriptionEntry,
    AssetTranscriptionResponse,
    AssetTranscriptionStatus,
    AsyncTwelveLabs,
    ChunkInfo,
    CompletedChunk,
    CreateAssetUploadResponse,
    IncompleteUploadSummary,
    MemoryJournal,
    Page,
    ReportChunkBatchResponse,
    RequestOptions,
    UploadedAsset,
    UploadProgress,
    UploadResult,
    UploadStatus,
    UploadStatusPage,
)


def sync_callback(progress: UploadProgress) -> None:
    assert_type(progress.percentage, float)


async def async_callback(progress: UploadProgress) -> None:
    assert_type(progress.upload_id, str | None)


async def walk(client: AsyncTwelveLabs, options: RequestOptions) -> AsyncIterator[str]:
    uploads = client.multipart_upload
    result = await uploads.upload_file("a.mp4", file_type="video", progress_callback=sync_callback)
    assert_type(result, UploadResult)
    assert_type(result.asset_url, str | None)
    kept = await uploads.upload_file("a.mp4", keep_result=True)
    assert_type(kept.journal_key, str | None)
    await uploads.forget(kept)
    checked = await uploads.upload_file("a.mp4", verify="etag", digest="sha256")
    assert_type(checked.verified_chunks, int)
    assert_type(checked.sha256, str | None)
    await uploads.upload_file(
        Path("a.mp4"), progress_callback=async_callback, user_metadata={"a": 1, "b": ["c"]}
    )
    asset = await client.upload("a.mp4", wait_until_ready=True)
    assert_type(asset, UploadedAsset)
    assert_type(asset.result, UploadResult | None)
    assert_type(await client.assets.create(method="direct", file="a.mp4"), AssetDetail)
    assert_type(await client.assets.create(method="url", url="https://a/b"), AssetDetail)
    said = await client.assets.retrieve_transcription("a", include=["words", "utterances"])
    assert_type(said, AssetTranscriptionResponse)
    assert_type(said.status, AssetTranscriptionStatus)
    assert_type(said.words, tuple[AssetTranscriptionEntry, ...] | None)
    for turn in said.utterances or ():
        assert_type(turn.start, float)
        assert_type(turn.speaker, str | None)
    item = AssetsRetrieveTranscriptionRequestIncludeItem.SENTENCES
    told = await client.assets.with_raw_response.retrieve_transcription("a", include=item)
    assert_type(told, ApiResponse[AssetTranscriptionResponse])
    session = await uploads.create(
        filename="a.mp4", type="video", total_size=5, request_options=options
    )
    assert_type(session, CreateAssetUploadResponse)
    raw = await uploads.with_raw_response.create(filename="a.mp4", type="video", total_size=5)
    assert_type(raw, ApiResponse[CreateAssetUploadResponse])
    assert_type(raw.data, CreateAssetUploadResponse)
    status = await uploads.get_status(session.upload_id, page=1, page_limit=50)
    assert_type(status, UploadStatusPage)
    async for chunk in status:
        assert_type(chunk, ChunkInfo)
    async for page in status.iter_pages():
        assert_type(page, UploadStatusPage)
    sessions = await uploads.list_incomplete_uploads()
    assert_type(sessions, Page[IncompleteUploadSummary])
    assert_type(await sessions.get_next_page(), Page[IncompleteUploadSummary] | None)
    report = await uploads.report_chunk_batch(
        session.upload_id, completed_chunks=[CompletedChunk(1, "etag", chunk_size=5)]
    )
    assert_type(report, ReportChunkBatchResponse)
    done = await uploads.wait_for_upload_completion(session.upload_id, max_wait_time=5.0)
    assert_type(done, UploadStatus)
    yield session.upload_id


async def take_options(client: AsyncTwelveLabs, options: RequestOptions) -> None:
    uploads = client.multipart_upload
    kept_asset = await client.upload(
        ("a.mp4", b"bytes"),
        journal=MemoryJournal(),
        if_busy="wait",
        if_ended="raise",
        keep_result=True,
        digest="sha256",
        request_options=options,
    )
    if kept_asset.result is not None:
        await uploads.forget(kept_asset.result)
    by_name = await uploads.resume(upload_id="u", file_path=Path("a.mp4"), upload_headers={})
    assert_type(by_name, UploadResult)
    one, _ = await asyncio.gather(client.upload("a.mp4"), client.upload(source="b.mp4"))
    assert_type(one, UploadedAsset)
    task = asyncio.create_task(uploads.upload_file(file_path="a.mp4"))
    assert_type(await task, UploadResult)
    # Wrong on purpose: a checker that does not see an option reports an unused "ignore".
    await client.upload("a.mp4", batch_size="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.upload("a.mp4", batch=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await uploads.upload_file("a.mp4", 5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await uploads.resume("u", "a.mp4", filename="b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
