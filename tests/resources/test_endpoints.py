"""The five endpoints, under the official names: what they send, return, and refuse."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from support.calls import create, now, store
from support.virtual_time import EPOCH, utcnow

from twelvelabs_async import (
    ApiResponse,
    AsyncTwelveLabs,
    BadRequestError,
    ChunkInfoStatus,
    CompletedChunk,
    InvalidArgumentError,
    MultipartUploadStatusType,
    NotFoundError,
    UploadError,
    UploadStatus,
    UserMetadata,
)
from twelvelabs_async.emulator import Answer, Emulator, Fault, Rewrite, Stall
from twelvelabs_async.resources.multipart_upload import MultipartUploadClient

Call = Callable[[MultipartUploadClient], Awaitable[Any]]

CHUNK = CompletedChunk(1, "etag", chunk_size=1)


# create


async def test_create_opens_a_session(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """Everything that the chunks need comes in one answer."""
    session = await create(client, 2500)
    assert session.chunk_size == 1000
    assert session.total_chunks == 3
    assert session.expires_at == EPOCH + timedelta(hours=24)
    assert [piece.chunk_index for piece in session.upload_urls] == [1, 2, 3]
    assert all(piece.expires_at == EPOCH + timedelta(hours=1) for piece in session.upload_urls)
    assert session.upload_headers["x-amz-meta-upload-id"] == session.upload_id
    assert emulator.platform.uploads[session.upload_id].asset_id == session.asset_id
    assert len(emulator.requests) == 1


async def test_create_sends_every_parameter_and_no_null(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """What was not chosen is the platform's choice; the emulator refuses what it does not know."""
    metadata: UserMetadata = {
        "title": "Ünïcode 🎬",
        "n": 1,
        "x": 1.5,
        "b": True,
        "l": ["a", "b"],
        "z": None,
    }
    session = await client.multipart_upload.create(
        filename="Ferien ☀.mp4",
        type="video",
        total_size=1,
        enable_hls=True,
        enable_thumbnail=False,
        user_metadata=metadata,
    )
    upload = emulator.platform.uploads[session.upload_id]
    assert upload.filename == "Ferien ☀.mp4"
    assert upload.user_metadata == metadata


@pytest.mark.parametrize("urls", [None, []])
async def test_create_may_hand_out_no_url(
    urls: object, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Null and an empty list are the same; more can be asked for."""
    emulator.faults.add(
        Fault(route="create", action=Rewrite(lambda told: {**told, "upload_urls": urls}))
    )
    assert (await create(client)).upload_urls == ()


async def test_a_signature_is_not_in_a_repr(client: AsyncTwelveLabs) -> None:
    """A ``repr`` ends in logs, and a presigned URL is a credential."""
    session = await create(client)
    assert "Signature" in session.upload_urls[0].url
    assert "Signature" not in repr(session)


# get_status


async def test_get_status_tells_where_a_session_stands(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Stored and reported, stored only, not even stored."""
    session = await create(client, 2500)
    done = await store(session, 2500)
    uploads = client.multipart_upload
    await uploads.report_chunk_batch(session.upload_id, completed_chunks=done[:1])
    page = await uploads.get_status(session.upload_id)
    assert page.status == MultipartUploadStatusType.ACTIVE
    assert page.upload_id == session.upload_id
    assert (page.chunks_completed, page.chunks_failed, page.chunks_pending) == (1, 0, 2)
    assert (page.total_size, page.uploaded_size) == (2500, 1000)
    assert page.created_at == page.updated_at == EPOCH
    assert [chunk.status for chunk in page.items] == [
        ChunkInfoStatus.COMPLETED,
        ChunkInfoStatus.PENDING,
        ChunkInfoStatus.PENDING,
    ]
    assert page.items[0].uploaded_at == EPOCH
    assert page.items[1].uploaded_at is None
    assert emulator.count("status") == 1


async def test_a_status_that_the_platform_adds_is_data(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Nothing breaks on a new word, or on a new key."""
    session = await create(client)
    emulator.faults.add(
        Fault(route="status", action=Rewrite(lambda t: {**t, "status": "paused", "new": {}}))
    )
    page = await client.multipart_upload.get_status(session.upload_id)
    assert page.status == "paused"


async def test_an_id_is_one_segment_of_the_path(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Whatever is in it: it is quoted, and cannot reach another endpoint or add a query."""
    for odd in ("a b?page=9#x", "%2e%2e", "ü", "\\", "a;b"):
        with pytest.raises(NotFoundError):
            await client.multipart_upload.get_status(odd)
    paths = [exchange.path.partition("?")[0] for exchange in emulator.requests]
    quoted = ["a%20b%3Fpage%3D9%23x", "%252e%252e", "%C3%BC", "%5C", "a%3Bb"]
    assert paths == [f"/v1.3/assets/multipart-uploads/{segment}" for segment in quoted]


# list_incomplete_uploads


async def test_list_incomplete_uploads_tells_what_a_resume_needs(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The chunk size above all; a session that is complete is not listed."""
    kept, finished = await create(client, 2500), await create(client, 1000)
    done = await store(finished, 1000)
    await client.multipart_upload.report_chunk_batch(finished.upload_id, completed_chunks=done)
    (only,) = (await client.multipart_upload.list_incomplete_uploads()).items
    assert only.upload_id == kept.upload_id
    assert only.status == "active"
    assert (only.total_size, only.chunk_size, only.total_chunks) == (2500, 1000, 3)
    assert only.created_at == EPOCH
    assert only.expires_at == EPOCH + timedelta(hours=24)


# report_chunk_batch


async def test_report_chunk_batch_counts_and_names_the_asset_at_the_end(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """In any order, from any iterable; a repeat is counted and harmless."""
    session = await create(client, 2500)
    done = await store(session, 2500)
    report = client.multipart_upload.report_chunk_batch
    first = await report(session.upload_id, completed_chunks=(done[i] for i in (2, 0)))
    assert (first.processed_chunks, first.duplicate_chunks, first.total_completed) == (2, 0, 2)
    assert first.url is None
    as_json: Any = [attrs.asdict(chunk) for chunk in done[1:]]  # from wherever they were kept
    again = await report(session.upload_id, completed_chunks=as_json)
    assert (again.processed_chunks, again.duplicate_chunks, again.total_completed) == (1, 1, 3)
    assert again.asset_id == session.asset_id
    assert again.url is not None
    assert again.url.startswith(emulator.store_url)
    assert emulator.count("report") == 2


async def test_a_proof_that_the_platform_refuses_is_told_with_its_message(
    client: AsyncTwelveLabs,
) -> None:
    """Which chunk, and why."""
    session = await create(client, 2500)
    await store(session, 2500)
    with pytest.raises(BadRequestError, match="is not the ETag of chunk 2"):
        await client.multipart_upload.report_chunk_batch(
            session.upload_id, completed_chunks=[CompletedChunk(2, "wrong", chunk_size=1000)]
        )


# get_additional_presigned_urls


async def test_get_additional_presigned_urls_makes_fresh_ones(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Up to fifty at once, as many as there are chunks."""
    session = await create(client, 60_000)
    more = client.multipart_upload.get_additional_presigned_urls
    urls = await more(session.upload_id, start=11, count=50)
    assert [piece.chunk_index for piece in urls.upload_urls] == list(range(11, 61))
    assert (urls.upload_id, urls.start_index, urls.count) == (session.upload_id, 11, 50)
    assert urls.generated_at == EPOCH
    assert urls.expires_at == EPOCH + timedelta(hours=1)
    one = await more(session.upload_id, start=60, count=1)
    assert len(one.upload_urls) == 1
    assert one.upload_urls[0].url != urls.upload_urls[-1].url
    assert emulator.count("presigned_urls") == 2


# Arguments that can never be right

NEVER_RIGHT: dict[str, Call] = {
    "no filename": lambda u: u.create(filename="", type="video", total_size=1),
    "no bytes": lambda u: u.create(filename="a", type="video", total_size=0),
    "fewer than none": lambda u: u.create(filename="a", type="video", total_size=-1),
    "a document": lambda u: u.create(filename="a", type="document", total_size=1),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "a type in capitals": lambda u: u.create(filename="a", type="VIDEO", total_size=1),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    "status of page 0": lambda u: u.get_status("id", page=0),
    "status of page -1": lambda u: u.get_status("id", page=-1),
    "status by none": lambda u: u.get_status("id", page_limit=0),
    "status by 51": lambda u: u.get_status("id", page_limit=51),
    "list of page 0": lambda u: u.list_incomplete_uploads(page=0),
    "list by none": lambda u: u.list_incomplete_uploads(page_limit=0),
    "list by 51": lambda u: u.list_incomplete_uploads(page_limit=51),
    "no chunk": lambda u: u.report_chunk_batch("id", completed_chunks=[]),
    "no chunk, lazily": lambda u: u.report_chunk_batch("id", completed_chunks=iter(())),
    "chunk 0": lambda u: u.get_additional_presigned_urls("id", start=0, count=1),
    "no url": lambda u: u.get_additional_presigned_urls("id", start=1, count=0),
    "51 urls": lambda u: u.get_additional_presigned_urls("id", start=1, count=51),
    "no interval": lambda u: u.wait_for_upload_completion("id", sleep_interval=0),
    "an interval back in time": lambda u: u.wait_for_upload_completion("id", sleep_interval=-1),
}


@pytest.mark.parametrize("case", NEVER_RIGHT)
async def test_what_can_never_be_right_is_refused_before_any_request(
    case: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """As a ``ValueError``, too."""
    with pytest.raises(InvalidArgumentError) as caught:
        await NEVER_RIGHT[case](client.multipart_upload)
    assert isinstance(caught.value, ValueError)
    assert emulator.requests == []


ABOUT_A_SESSION: dict[str, Callable[[MultipartUploadClient, str], Awaitable[Any]]] = {
    "status": lambda u, i: u.get_status(i),
    "report": lambda u, i: u.report_chunk_batch(i, completed_chunks=[CHUNK]),
    "urls": lambda u, i: u.get_additional_presigned_urls(i, start=1, count=1),
    "wait": lambda u, i: u.wait_for_upload_completion(i),
}


@pytest.mark.parametrize("upload_id", ["", ".", "..", "a/b", "/", "../../other", "\ud800"])
@pytest.mark.parametrize("call", ABOUT_A_SESSION)
async def test_an_id_that_would_reach_another_endpoint_is_refused(
    call: str,
    upload_id: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
) -> None:
    """An empty id would list every session; dots and slashes would climb."""
    with pytest.raises(InvalidArgumentError, match="upload_id"):
        await ABOUT_A_SESSION[call](client.multipart_upload, upload_id)
    assert emulator.requests == []


async def test_what_the_platform_might_accept_is_left_to_it(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Limits have been raised before: ten terabytes are the platform's to refuse."""
    session = await create(client, 10**13)
    assert session.total_chunks == 10**10
    assert emulator.count("create") == 1


# with_raw_response


async def test_with_raw_response_tells_status_and_headers_of_each_endpoint(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Beside the same values."""
    raw = client.multipart_upload.with_raw_response
    created = await raw.create(filename="a.mp4", type="video", total_size=1500)
    session = created.data
    done = await store(session, 1500)
    answers: list[ApiResponse[Any]] = [
        created,
        await raw.get_status(session.upload_id, page=1, page_limit=50),
        await raw.list_incomplete_uploads(),
        await raw.get_additional_presigned_urls(session.upload_id, start=1, count=2),
        await raw.report_chunk_batch(session.upload_id, completed_chunks=done),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
    for answer in answers:
        assert answer.headers["x-api-version"] == "v1.3"
        assert answer.headers["x-request-id"]
        assert "x-request-id" not in repr(answer)
    assert len({answer.headers["x-request-id"] for answer in answers}) == 5


# wait_for_upload_completion


async def test_waiting_ends_when_the_platform_has_every_chunk(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Asked every five seconds; the callback sees each answer, the last one included."""
    session = await create(client, 2500)
    done = await store(session, 2500)
    uploads = client.multipart_upload
    seen: list[UploadStatus] = []

    async def report_next(status: UploadStatus) -> None:
        seen.append(status)
        if status.status != "completed":
            batch = [done[len(seen) - 1]]
            await uploads.report_chunk_batch(session.upload_id, completed_chunks=batch)

    status = await uploads.wait_for_upload_completion(session.upload_id, callback=report_next)
    assert status == UploadStatus("completed", 3, 3) == seen[-1]
    assert [each.completed_chunks for each in seen] == [0, 1, 2, 3]
    assert [each.status for each in seen] == ["in_progress"] * 3 + ["completed"]
    assert emulator.count("status") == 4
    assert 15 <= now() < 15.1


async def test_waiting_for_what_is_complete_takes_one_question(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """And no second; a plain function will do as a callback."""
    session = await create(client, 500)
    done = await store(session, 500)
    uploads = client.multipart_upload
    await uploads.report_chunk_batch(session.upload_id, completed_chunks=done)
    seen: list[UploadStatus] = []
    await uploads.wait_for_upload_completion(session.upload_id, callback=seen.append)
    assert seen == [UploadStatus("completed", 1, 1)]
    assert emulator.count("status") == 1
    assert now() < 0.1


async def test_waiting_ends_when_its_time_is_over(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Asked at 0, 5 and 10 s, then told how far it is."""
    session = await create(client, 2500)
    with pytest.raises(UploadError, match="not complete after 10 s: 0 of 3 chunks") as caught:
        await client.multipart_upload.wait_for_upload_completion(
            session.upload_id, max_wait_time=10
        )
    assert caught.value.upload_id == session.upload_id
    assert emulator.count("status") == 3
    assert 10 <= now() < 10.1


async def test_waiting_ends_in_time_while_the_platform_is_silent(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """With what was seen last; the last question gets five seconds."""
    session = await create(client, 2500)
    emulator.faults.add(Fault(route="status", action=Stall("before"), after=2, times=None))
    with pytest.raises(UploadError, match=r"0 of 3 chunks; the last question was not answered"):
        await client.multipart_upload.wait_for_upload_completion(
            session.upload_id, max_wait_time=12
        )
    assert 12 <= now() <= 17.1


async def test_waiting_without_a_limit_ends_with_the_session() -> None:
    """A session that nobody completes expires; nobody waits for it any longer."""
    async with (
        Emulator(chunk_size=1000, now=utcnow, session_lifetime=timedelta(minutes=5)) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        session = await create(client)
        with pytest.raises(UploadError, match="has expired") as caught:
            await client.multipart_upload.wait_for_upload_completion(
                session.upload_id, sleep_interval=60
            )
        assert caught.value.upload_id == session.upload_id
        assert emulator.count("status") == 6


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"status": "failed"}, "has failed"),
        ({"chunks_failed": 2, "chunks_pending": 1}, "2 chunks of upload .* have to be sent again"),
    ],
)
async def test_waiting_ends_where_the_session_can_no_longer_succeed(
    told: dict[str, Any], words: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """At the first answer that says so, after the callback has seen it."""
    session = await create(client, 2500)
    emulator.faults.add(Fault(route="status", action=Rewrite(lambda t: {**t, **told}), after=1))
    seen: list[UploadStatus] = []
    with pytest.raises(UploadError, match=words):
        await client.multipart_upload.wait_for_upload_completion(
            session.upload_id, callback=seen.append
        )
    assert len(seen) == emulator.count("status") == 2


async def test_waiting_goes_on_through_a_passing_failure(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Each question has the retries of any call; a refusal ends the waiting."""
    session = await create(client)
    emulator.faults.add(Fault(route="status", action=Answer(503), times=3))
    emulator.faults.add(Fault(route="status", action=Answer(404), after=4))
    with pytest.raises(NotFoundError):
        await client.multipart_upload.wait_for_upload_completion(session.upload_id)
    assert emulator.count("status") == 5


async def test_an_exception_of_the_callback_reaches_the_caller(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """It is the caller's own, as it is."""
    session = await create(client)

    def refuse(status: UploadStatus) -> None:
        raise KeyError(status.total_chunks)

    with pytest.raises(KeyError, match="2"):
        await client.multipart_upload.wait_for_upload_completion(session.upload_id, callback=refuse)
    assert emulator.count("status") == 1
