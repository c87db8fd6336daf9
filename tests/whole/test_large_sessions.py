"""Sessions of very many chunks, and lists without an end, cost neither time nor memory."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, InvalidResponseError, SessionEndedError, UploadError
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async.emulator import Emulator, Fault, Rewrite
from twelvelabs_async.models.uploads import CompletedChunk, CreateAssetUploadResponse

ENDLESS = {"limit_per_page": 50, "total_page": 10**15, "total_results": 10**15}
BILLIONS = Slices(10**10, 1)


def changed(emulator: Emulator, route: str, **changes: Any) -> None:
    """Change keys of each answer."""
    action = Rewrite(lambda told: {**told, **changes})
    emulator.faults.add(Fault(route=route, times=None, action=action))


async def begun(client: AsyncTwelveLabs, size: int) -> CreateAssetUploadResponse:
    """Open a session."""
    return await client.multipart_upload.create(filename="a.mp4", type="video", total_size=size)


@pytest.mark.parametrize("page_info", [ENDLESS, None])
async def test_a_session_is_looked_for_until_a_page_is_empty(
    page_info: dict[str, int] | None,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
) -> None:
    """However many pages the platform promises, or if it does not say."""
    changed(emulator, "list", data=[], page_info=page_info)
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.resume("unknown", make_file(CHUNK_SIZE))
    assert isinstance(caught.value.__cause__, SessionEndedError)
    assert emulator.count("list") == 1


async def test_an_unchanging_list_of_sessions_ends_in_an_error(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A page of sessions that are not ours, again and again."""
    other = {"upload_id": "other", "status": "active"}
    sizes = {"total_size": 1, "chunk_size": 1, "total_chunks": 1}
    changed(emulator, "list", data=[{**other, **sizes}], page_info=ENDLESS)
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.resume("unknown", make_file(CHUNK_SIZE))
    assert isinstance(caught.value.__cause__, InvalidResponseError)
    assert emulator.count("list") == 12


@pytest.mark.parametrize(
    ("chunks", "questions"), [([], 1), ([{"index": 1, "status": "completed"}], 12)]
)
async def test_the_chunks_of_a_session_are_walked_within_bounds(
    chunks: list[dict[str, Any]],
    questions: int,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
) -> None:
    """An empty page is the last one; the same page again and again is an error."""
    session = await begun(client, CHUNK_SIZE)
    changed(emulator, "status", chunks_completed=1, uploaded_chunks=chunks, page_info=ENDLESS)
    upload = client.multipart_upload.resume(
        session.upload_id,
        make_file(CHUNK_SIZE),
        asset_id=session.asset_id,
        upload_headers=session.upload_headers,
    )
    if chunks:
        with pytest.raises(UploadError) as caught:
            await upload
        assert isinstance(caught.value.__cause__, InvalidResponseError)
    else:
        await upload
    before_the_first_chunk = [each.route for each in emulator.requests][2:]
    assert before_the_first_chunk[:questions] == ["status"] * questions
    assert before_the_first_chunk[questions : questions + 1] != ["status"]


async def test_a_completed_session_of_a_million_chunks_takes_no_memory(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """No set of all its chunks is made: it is completed, and that is all."""
    size = 10**6
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(size))
    session = await begun(client, size)
    listed = Rewrite(
        lambda told: {
            **told,
            "data": [{**each, "chunk_size": 1, "total_chunks": size} for each in told["data"]],
        }
    )
    emulator.faults.add(Fault(route="list", action=listed))
    changed(emulator, "status", status="completed", url="https://example.com/asset")
    tracemalloc.start()
    try:
        result = await client.multipart_upload.resume(
            session.upload_id, path, asset_id=session.asset_id
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.total_chunks, result.resumed_chunks) == (size, size)
    assert peak < 8 * 2**20


def test_the_books_of_billions_of_chunks_are_small() -> None:
    """What was not sent, and what is completed, is a run, however long."""
    known = CompletedChunk(7, "etag", chunk_size=1)
    fresh = Ledger.fresh(BILLIONS, 10)
    assert [piece.index for _ in range(3) if (piece := fresh.start_next())] == [1, 2, 3]
    whole = Ledger.whole(BILLIONS, 10, [known])
    assert (whole.complete, whole.finishing, whole.start_next()) == (True, True, None)
    assert (whole.stored_bytes, whole.stored_chunks) == (10**10, 10**10)
    assert whole.last_batch == (known,)
    resumed = Ledger.resumed(BILLIONS, 10, {1, 10**10}, [known])
    assert (resumed.stored_bytes, resumed.resumed_chunks) == (3, 3)
    assert not resumed.is_waiting(7)
    assert resumed.is_waiting(8)


def test_bytes_of_a_resumed_upload_count_the_short_last_chunk() -> None:
    """Its size is what is left of the file."""
    slices = Slices(10, 4)
    assert Ledger.resumed(slices, 10, {1, 3}, []).stored_bytes == 6
    assert Ledger.resumed(slices, 10, {1, 2}, []).stored_bytes == 8


def test_thousands_of_failed_chunks_wait_again_in_a_few_steps() -> None:
    """They are put together into runs, before what waits already."""
    ledger = Ledger.whole(Slices(10_000, 1), 10, [])
    ledger.requeue_failed([*range(9_000, 0, -1), 9_500])
    assert list(ledger.waiting) == [range(1, 9_001), range(9_500, 9_501)]
    assert ledger.reported == ledger.stored_bytes == 999
    with pytest.raises(KeyError):
        ledger.requeue_failed([9_999, 9_500])
    assert ledger.reported == 999
