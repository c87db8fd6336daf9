"""What happens when something breaks: what is tried again, what is not, and what the user hears."""

import asyncio
import os
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import VirtualTimeLoop, utcnow

from twelvelabs_async import (
    ApiConnectionError,
    ApiError,
    AsyncTwelveLabs,
    IncompleteUploadError,
    InvalidResponseError,
    SourceChangedError,
    StorageError,
    UploadError,
)
from twelvelabs_async._upload.steps.asset_finder import URL_PAUSES, URL_SECONDS
from twelvelabs_async.emulator import (
    Answer,
    Cut,
    Emulator,
    Etag,
    Expire,
    Fault,
    Rewrite,
    Stall,
    api_error,
    store_error,
)


def now() -> float:
    return asyncio.get_running_loop().time()


def altered(**changes: Any) -> Rewrite:
    """Change keys of an answer."""

    def alter(payload: dict[str, Any]) -> dict[str, Any]:
        return {**payload, **changes}

    return Rewrite(alter)


def without(key: str) -> Rewrite:
    """Leave a key out of an answer."""

    def leave_out(payload: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in payload.items() if name != key}

    return Rewrite(leave_out)


def replaced(text: str) -> Rewrite:
    """Answer something else altogether."""

    def replace_all(_: dict[str, Any]) -> str:
        return text

    return Rewrite(replace_all)


def puts_of(emulator: Emulator, chunk_index: int) -> list[str]:
    """Return the targets of all PUTs of a chunk."""
    return [e.path for e in emulator.requests if (e.route, e.chunk_index) == ("put", chunk_index)]


TRANSIENT = [
    pytest.param(store_error(status, code, "again"), id=f"{status} {code}")
    for status, code in [
        (400, "RequestTimeout"),
        (408, ""),
        (429, ""),
        (500, "InternalError"),
        (502, ""),
        (503, "SlowDown"),
        (504, ""),
        (409, ""),
        (409, "OperationAborted"),
        (421, ""),
        (425, ""),
        (509, ""),
        (520, ""),
        (530, ""),
        (599, ""),
    ]
] + [
    pytest.param(Cut("before"), id="reset before the body"),
    pytest.param(Cut("middle"), id="reset in the body"),
    pytest.param(Cut("after"), id="answer lost"),
    pytest.param(Stall("before"), id="stall before the body"),
    pytest.param(Stall("after"), id="stall after the body"),
    pytest.param(Etag(None), id="no ETag"),
    pytest.param(Expire(), id="expired early"),
]


@pytest.mark.parametrize("action", TRANSIENT)
async def test_a_transient_failure_is_retried_with_another_url(
    action: Any, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The chunk is sent again, to a fresh URL, and only that chunk."""
    fault = emulator.faults.add(Fault(route="put", chunk_index=3, action=action))
    result = await client.multipart_upload.upload_file(make_file(5 * CHUNK_SIZE))
    assert fault.hits == 1
    assert result.total_chunks == 5
    assert emulator.count("put") == 6
    first, second = puts_of(emulator, 3)
    assert first != second
    assert emulator.count("presigned_urls") == 1


async def test_a_store_that_asks_for_time_gets_it(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """``Retry-After`` of the store holds back that chunk, up to two minutes."""
    busy = Answer(503, {"Retry-After": "100"})
    emulator.faults.add(Fault(route="put", chunk_index=2, action=busy))
    await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))
    assert 100 <= now() <= 101
    assert emulator.count("put") == 4


async def test_a_store_that_asks_for_an_hour_ends_the_upload(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """At once, with the seconds in the error."""
    busy = Answer(503, {"Retry-After": "3600"})
    emulator.faults.add(Fault(route="put", chunk_index=2, action=busy))
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))
    assert (caught.value.retryable, caught.value.retry_after) == (True, 3600)
    assert len(puts_of(emulator, 2)) == 1
    assert now() < 1


async def test_a_refusal_ends_the_upload_at_once_with_the_stores_reason(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A 403 that is not expiry would be a 403 again: no retry, and the store's own words."""
    emulator.faults.add(
        Fault(route="put", chunk_index=2, action=store_error(403, "AccessDenied", "not for you"))
    )
    path = make_file(3 * CHUNK_SIZE)
    with pytest.raises(UploadError, match=r"chunk 2: .* 403 AccessDenied: not for you") as caught:
        await client.multipart_upload.upload_file(path)
    error = caught.value
    assert len(puts_of(emulator, 2)) == 1
    assert error.chunk_index == 2
    assert error.file == str(path)
    assert error.upload_id is not None
    assert isinstance(error.__cause__, StorageError)
    assert error.original_error is error.__cause__
    assert error.__cause__.code == "AccessDenied"
    assert error.__cause__.request_id


async def test_a_poisoned_chunk_ends_the_upload_after_its_retries(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """``max_retries`` bounds what the store answers for one chunk; what is stored is reported."""
    poison = store_error(500, "InternalError", "no")
    emulator.faults.add(Fault(route="put", chunk_index=2, action=poison, times=None))
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(make_file(8 * CHUNK_SIZE), max_retries=2)
    error = caught.value
    assert len(puts_of(emulator, 2)) == 3
    assert len(set(puts_of(emulator, 2))) == 3
    assert error.total_chunks == 8
    assert error.stored_chunks == error.reported_chunks == 7
    assert "7 of 8 chunks are stored, 7 of them reported, 1 left" in str(error)
    assert error.upload_id
    status = await client.multipart_upload.get_status(error.upload_id)
    assert status.chunks_completed == 7


async def test_an_outage_is_waited_out(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A network that is gone for a minute and a half costs nothing but time."""
    faults = [
        emulator.faults.add(Fault(route=route, action=Cut(), after=after, times=None))
        for route, after in [("put", 5), ("presigned_urls", 0), ("report", 0)]
    ]
    asyncio.get_running_loop().call_later(90, emulator.faults.script.clear)
    result = await client.multipart_upload.upload_file(make_file(30 * CHUNK_SIZE), max_workers=3)
    assert all(fault.hits > 2 for fault in faults[:1])
    assert result.total_chunks == 30
    assert 90 <= now() <= 130
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    (begins, ends) = (f"upload {result.upload_id}: {what}" for what in ("waiting", "the network"))
    assert all(message.startswith(begins) for message in warned[::2])
    assert all(message.startswith(ends) for message in warned[1::2])
    assert len(warned) in {2, 4, 6}  # when it begins and is over, and not at each attempt


async def test_an_outage_of_the_last_report_ends_in_the_log(
    emulator: Emulator, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Not only a chunk shows that the network is back."""
    emulator.faults.add(Fault(route="report", action=Cut(), times=2))
    url, key = emulator.base_url, emulator.api_key
    async with AsyncTwelveLabs(key, url, max_retries=0) as client:
        result = await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 2
    assert warned[0].startswith(f"upload {result.upload_id}: waiting for the network")
    assert warned[1] == f"upload {result.upload_id}: the network is back"


async def test_an_outage_of_the_store_is_not_over_when_the_platform_answers(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """URLs come and chunks are reported all the while: it is one outage, with one end."""
    emulator.faults.add(Fault(route="put", action=Cut(), after=5, times=None))
    asyncio.get_running_loop().call_later(90, emulator.faults.script.clear)
    path = make_file(30 * CHUNK_SIZE)
    await client.multipart_upload.upload_file(path, max_workers=1, batch_size=1)
    assert emulator.count("presigned_urls") > 2
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [message.partition(": ")[2][:11] for message in warned] == ["waiting for", "the network"]


async def test_an_outage_that_outlasts_the_timeout_ends_the_upload(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """After ``outage_timeout`` without an answer the upload gives up, and says what it has."""
    emulator.faults.add(Fault(route="put", action=Cut(), after=5, times=None))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, outage_timeout=300) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(make_file(9 * CHUNK_SIZE), max_workers=1)
    assert caught.value.stored_chunks == 5
    assert 300 <= now() <= 300 + 60
    assert emulator.count("put") < 5 + 100


async def test_a_store_that_never_answered_is_no_outage(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Where nothing has ever worked, nothing is waited for."""
    emulator.faults.add(Fault(route="put", action=Cut(), times=None))
    with pytest.raises(UploadError):
        await client.multipart_upload.upload_file(make_file(CHUNK_SIZE))
    assert emulator.count("put") == 4
    assert now() < 20


async def test_a_stall_ends_after_the_stall_timeout(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """An attempt of which no byte is taken ends after ``stall_timeout``, a quarter more at most."""
    emulator.faults.add(Fault(route="put", action=Stall("after")))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, stall_timeout=40) as client:
        await client.multipart_upload.upload_file(make_file(1), retry_delay=0)
    assert 40 <= now() <= 51


async def test_urls_are_replaced_before_they_expire(make_file: MakeFile) -> None:
    """An upload slower than its URLs' hour never sends to a URL that is too old."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow) as emulator,
        AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, stall_timeout=2000, outage_timeout=99_999
        ) as client,
    ):
        emulator.faults.add(Fault(route="put", action=Stall("after"), after=3, times=4))
        result = await client.multipart_upload.upload_file(
            make_file(12 * CHUNK_SIZE), max_workers=1
        )
        assert now() > 2 * 3600
        assert result.total_chunks == 12
        assert 403 not in {e.status for e in emulator.requests}
        assert emulator.faults.unused() == []


async def test_a_store_whose_clock_is_ahead_is_told_as_expiry(make_file: MakeFile) -> None:
    """When every fresh URL is too old for the store, the upload ends with the store's words."""
    async with (
        Emulator(
            chunk_size=CHUNK_SIZE, now=utcnow, store_now=lambda: utcnow() + timedelta(hours=3)
        ) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        with pytest.raises(UploadError, match="Request has expired"):
            await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), max_retries=2)
        assert emulator.count("put") == 4  # one expiry is forgiven, two retries count


async def test_a_fresh_url_is_tried_even_if_it_looks_dead(make_file: MakeFile) -> None:
    """A platform whose own clock is hours ahead hands out URLs that look expired, and work."""

    def backdate(payload: dict[str, Any]) -> dict[str, Any]:
        old = "2001-01-01T00:00:00Z"
        return {
            **payload,
            "upload_urls": [{**u, "expires_at": old} for u in payload["upload_urls"]],
        }

    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        for route in ("create", "presigned_urls"):
            emulator.faults.add(Fault(route=route, action=Rewrite(backdate), times=None))
        await client.multipart_upload.upload_file(make_file(20 * CHUNK_SIZE))
        assert emulator.count("put") == 20
        assert emulator.count("presigned_urls") == 1


async def test_expired_urls_are_replaced_by_one_request_for_all(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """When the store calls URLs expired, the rest of the same age is not even tried."""
    emulator.faults.add(Fault(route="put", action=Expire(), times=1))
    await client.multipart_upload.upload_file(make_file(10 * CHUNK_SIZE), max_workers=1)
    assert emulator.count("put") == 11
    assert emulator.count("presigned_urls") == 1


@pytest.mark.parametrize("where", ["repeat", "asset"])
async def test_an_asset_url_that_the_last_report_withholds_is_found(
    where: Any, make_file: MakeFile
) -> None:
    """Status, asset and a repeated report are asked."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url=where) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        result = await client.multipart_upload.upload_file(make_file(2 * CHUNK_SIZE))
        assert (result.asset_url or "").startswith(emulator.store_url)


REFUSED = api_error(403, "api_not_allowed", "Not with this key.")
LIMITED = api_error(429, "too_many_requests", "Slow down.", {"Retry-After": "3600"})


async def test_an_asset_whose_url_nobody_names_has_arrived(
    make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Every place is asked for some 20 seconds; then the URL is None, and a warning says so."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url="never") as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        began = asyncio.get_running_loop().time()
        path = make_file(3 * CHUNK_SIZE)
        with caplog.at_level("WARNING", "twelvelabs_async"):
            result = await client.multipart_upload.upload_file(path, batch_size=3, max_workers=1)
        assert result.asset_url is None
        assert await emulator.sha256(result.asset_id) == sha256(path.read_bytes()).hexdigest()
        assert asyncio.get_running_loop().time() - began == pytest.approx(sum(URL_PAUSES), abs=1)
    looks = len(URL_PAUSES) + 1
    assert [emulator.count(r) for r in ("status", "asset", "report")] == [looks, looks, 1 + looks]
    assert emulator.count("put") == 3
    assert f"names no URL of its asset {result.asset_id}" in caplog.text


@pytest.mark.parametrize("passed", [1, 4, len(URL_PAUSES)])
async def test_an_asset_url_that_is_named_late_is_found(passed: int, make_file: MakeFile) -> None:
    """The questions are repeated, with growing pauses, until one of them is answered."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url="never") as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        fault = Fault(route="asset", after=passed, action=altered(url="https://late.example/1"))
        emulator.faults.add(fault)
        result = await client.multipart_upload.upload_file(make_file(CHUNK_SIZE))
        assert result.asset_url == "https://late.example/1"
        assert emulator.count("asset") == passed + 1


@pytest.mark.parametrize(
    "action",
    [REFUSED, LIMITED, Answer(500), Answer(200, body="<html>"), Cut(), Stall()],
    ids=["refused", "limited", "failed", "html", "cut", "silent"],
)
@pytest.mark.parametrize("routes", [("asset",), ("status", "asset", "report")], ids=["one", "all"])
async def test_a_question_that_fails_does_not_fail_an_upload_that_is_complete(
    action: Any, routes: tuple[str, ...], make_file: MakeFile
) -> None:
    """Not the refusal, not the limit, not the dead network: it has arrived, in bounded time."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url="never") as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        for route in routes:
            passing = int(route == "report")  # the one that completes the upload
            emulator.faults.add(Fault(route=route, after=passing, times=None, action=action))
        async with asyncio.timeout(URL_SECONDS + 1):
            result = await client.multipart_upload.upload_file(make_file(CHUNK_SIZE))
        assert result.asset_url is None
        assert result.asset_id in emulator.platform.assets
        assert emulator.count("put") == 1


async def test_a_client_that_is_closed_over_the_question_does_not_lose_the_asset(
    make_file: MakeFile,
) -> None:
    """The upload is complete; its asset is returned at once, without a URL."""
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url="never") as emulator:
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
            upload = asyncio.create_task(client.multipart_upload.upload_file(make_file(CHUNK_SIZE)))
            while not emulator.count("asset"):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
        result = await upload
        assert result.asset_id in emulator.platform.assets


async def test_any_upload_returns_an_asset_without_a_url(make_file: MakeFile) -> None:
    """``client.upload`` in chunks: what the platform does not tell is None there, too."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url="never") as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        asset = await client.upload(make_file(3 * CHUNK_SIZE), multipart_above=1)
        assert asset.id in emulator.platform.assets
        assert asset.url is None


async def test_a_session_that_is_completed_is_complete_whatever_was_counted(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A count that is too large tells nothing; the status does, at the first question."""
    emulator.faults.add(Fault(route="report", action=altered(total_completed=99)))
    emulator.faults.add(Fault(route="status", action=altered(chunks_completed=99)))
    result = await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE), max_workers=1)
    assert result.asset_url
    assert emulator.count("status") == 1


@pytest.mark.parametrize("told", ["../../x", "a/b", "..", "another", "", None, "x" * 70_000])
@pytest.mark.parametrize("name_url", ["report", "never"])
async def test_the_session_says_which_asset_it_makes(
    told: str | None, name_url: Any, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A report that names another one is not believed; one warning says so."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url=name_url) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        emulator.faults.add(Fault(route="report", action=altered(asset_id=told), times=None))
        with caplog.at_level("WARNING", "twelvelabs_async"):
            result = await client.multipart_upload.upload_file(
                make_file(3 * CHUNK_SIZE), batch_size=1
            )
        assert result.asset_id in emulator.platform.assets
    warnings = [r.getMessage() for r in caplog.records if "which is ignored" in r.getMessage()]
    assert len(warnings) == bool(told)
    assert all(f"the session's is {result.asset_id}" in text for text in warnings)
    assert all(len(text) < 300 for text in warnings)


@pytest.mark.parametrize(
    ("route", "change"),
    [
        ("presigned_urls", {"upload_id": "another"}),
        ("status", {"upload_id": "another", "status": "completed", "chunks_completed": 4}),
    ],
)
async def test_an_answer_about_another_session_is_none_about_this_one(
    route: str, change: dict[str, Any], make_file: MakeFile
) -> None:
    """Its URLs would put chunks where they do not belong, its state would be taken for ours."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, initial_urls=1) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        lagging = altered(total_completed=0, url=None)
        emulator.faults.add(Fault(route="report", action=lagging, times=None))
        emulator.faults.add(Fault(route=route, action=altered(**change), times=None))
        with pytest.raises(UploadError, match="the answer is about 'another', not '") as caught:
            await client.multipart_upload.upload_file(make_file(4 * CHUNK_SIZE))
    assert isinstance(caught.value.__cause__, InvalidResponseError)
    assert caught.value.retryable


async def test_a_url_of_another_asset_is_not_returned(make_file: MakeFile) -> None:
    """The question for it is answered about something else; the upload is complete."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow, name_url="asset") as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        emulator.faults.add(Fault(route="asset", action=altered(_id="another"), times=None))
        result = await client.multipart_upload.upload_file(make_file(CHUNK_SIZE))
        assert result.asset_url is None
        assert result.asset_id in emulator.platform.assets


@pytest.mark.parametrize("url", ["", "   ", "not a url", "ftp://x/y"])
async def test_a_text_that_is_no_url_is_not_returned_as_one(
    url: str, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """What the last report calls the URL has to be one; otherwise other places are asked."""
    emulator.faults.add(Fault(route="report", action=altered(url=url)))
    result = await client.multipart_upload.upload_file(make_file(1))
    assert (result.asset_url or "").startswith(emulator.store_url)
    assert emulator.count("report") == 2


async def test_an_etag_that_is_no_text_counts_as_none(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It could not be reported; the chunk is sent again."""
    emulator.faults.add(Fault(route="put", action=Etag("\udcff\udcfe")))
    await client.multipart_upload.upload_file(make_file(1))
    assert emulator.count("put") == 2


async def test_a_length_among_the_upload_headers_is_not_taken_over(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Each chunk has its own exact length, the last one too."""

    def add_length(payload: dict[str, Any]) -> dict[str, Any]:
        headers = {**payload["upload_headers"], "Content-Length": str(CHUNK_SIZE)}
        return {**payload, "upload_headers": headers}

    emulator.faults.add(Fault(route="create", action=Rewrite(add_length)))
    await client.multipart_upload.upload_file(make_file(CHUNK_SIZE + 1))
    assert emulator.count("put") == 2


async def test_additional_parameters_are_for_the_sessions_creation_only(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Reports and URL requests would be refused with a key that they do not know."""
    result = await client.multipart_upload.upload_file(
        make_file(25 * CHUNK_SIZE),
        request_options={"additional_body_parameters": {"enable_hls": True}},
    )
    assert result.total_chunks == 25
    assert {exchange.status for exchange in emulator.requests} == {200, 201}


async def test_more_chunks_than_there_are_is_no_success(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Done means that the count is equal; a larger one is a platform that is confused."""
    for route in ("report", "status"):
        told = altered(total_completed=99, chunks_completed=99, status="active", url=None)
        emulator.faults.add(Fault(route=route, action=told, times=None))
    with pytest.raises(UploadError, match="counts 99 of 1"):
        await client.multipart_upload.upload_file(make_file(1))


async def test_a_users_connector_may_queue_longer_than_a_stall(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Waiting for a connection that the user limits is no stall of the chunk that waits."""
    emulator.faults.add(Fault(route="put", chunk_index=1, action=Stall("after")))
    async with (
        aiohttp.TCPConnector(limit_per_host=1) as connector,
        AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, connector=connector, stall_timeout=30
        ) as client,
    ):
        await client.multipart_upload.upload_file(make_file(4 * CHUNK_SIZE), max_retries=1)
    assert emulator.count("put") == 5


async def test_a_count_that_lags_is_waited_for(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Done means that the platform has counted every chunk, if need be by its status."""
    emulator.faults.add(Fault(route="report", action=altered(total_completed=1, url=None)))
    result = await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE), max_workers=1)
    assert result.asset_url
    assert emulator.count("status") == 2  # once for the count, once for the URL


async def test_a_count_that_never_agrees_is_an_error(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A platform that has lost a chunk is not believed to have the file."""
    emulator.faults.add(Fault(route="report", action=altered(total_completed=1, url=None)))
    emulator.faults.add(
        Fault(
            route="status",
            action=altered(status="active", chunks_completed=2),
            times=None,
        )
    )
    with pytest.raises(UploadError, match="counts 2 of 3") as caught:
        await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE), max_workers=1)
    assert isinstance(caught.value.__cause__, IncompleteUploadError)


DISAGREEMENTS = [
    (altered(total_chunks=4), "3 chunks, but the platform expects 4"),
    (altered(chunk_size=0), "chunks of 0 bytes"),
    (altered(chunk_size=-5), "chunks of -5 bytes"),
    (without("chunk_size"), r"\$\.chunk_size: missing"),
    (altered(upload_id=None), r"\$\.upload_id: expected text, got null"),
    (altered(upload_id=""), r"\$\.upload_id: .* without a slash"),
    (altered(asset_id="../x"), r"\$\.asset_id: .* without a slash"),
    (altered(upload_headers={"a b": "1"}), r"\$\.upload_headers"),
    (altered(upload_headers={"X-A": "1\r\nX-B: 2"}), r"\$\.upload_headers"),
    (replaced("<html>Welcome</html>"), "not JSON"),
    (replaced('{"upload_id": "x'), "not JSON"),
]


@pytest.mark.parametrize(("rewrite", "said"), DISAGREEMENTS)
async def test_a_session_that_makes_no_sense_is_refused_before_any_byte_is_sent(
    rewrite: Any,
    said: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
) -> None:
    """Figures that disagree, missing keys, HTML, broken JSON: a clear error, and no PUT."""
    emulator.faults.add(Fault(route="create", action=rewrite))
    with pytest.raises(UploadError, match=said) as caught:
        await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))
    assert isinstance(caught.value.__cause__, InvalidResponseError)
    assert Counter(e.route for e in emulator.requests) == {"create": 1}


BROKEN_URLS = [
    "",
    "no url",
    "ftp://127.0.0.1/x",
    "http://[::1",
    "http://",
    "http://127.0.0.1:99999/",
    "http://a..b/c?X-Sig=SECRET",
    f"http://{'a' * 70}/x",
]


@pytest.mark.parametrize("url", BROKEN_URLS)
async def test_a_presigned_url_that_is_none_is_replaced(
    url: str, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A URL that cannot be sent to costs an attempt, not the upload."""

    def spoil(payload: dict[str, Any]) -> dict[str, Any]:
        return {**payload, "upload_urls": [{**u, "url": url} for u in payload["upload_urls"]]}

    emulator.faults.add(Fault(route="create", action=Rewrite(spoil)))
    await client.multipart_upload.upload_file(make_file(1))
    assert emulator.count("put") == 1


async def test_urls_that_come_shuffled_few_or_foreign_are_sorted_out(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Only URLs of chunks that were asked for are used, whatever the order and number."""

    def meddle(payload: dict[str, Any]) -> dict[str, Any]:
        urls = payload["upload_urls"][:7][::-1]
        return {**payload, "upload_urls": [*urls, {**urls[0], "chunk_index": 1}]}

    emulator.faults.add(Fault(route="presigned_urls", action=Rewrite(meddle), times=None))
    await client.multipart_upload.upload_file(make_file(40 * CHUNK_SIZE))
    assert emulator.count("put") == 40


async def test_a_chunk_that_never_gets_a_url_ends_the_upload(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A platform that sends no URL for a chunk is asked a few times, then it is told."""
    emulator.faults.add(Fault(route="create", action=altered(upload_urls=None)))
    emulator.faults.add(Fault(route="presigned_urls", action=altered(upload_urls=[]), times=None))
    with pytest.raises(UploadError, match="chunk 1: the platform sends no URL"):
        await client.multipart_upload.upload_file(make_file(1), max_retries=1)
    assert emulator.count("presigned_urls") <= 8


async def test_a_redirect_of_the_store_is_not_followed(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A signature is for one host; a redirect is a refusal."""
    elsewhere = Answer(307, headers={"Location": f"{emulator.store_url}/elsewhere"})
    emulator.faults.add(Fault(route="put", action=elsewhere))
    with pytest.raises(UploadError, match="307"):
        await client.multipart_upload.upload_file(make_file(1))
    assert [e.path for e in emulator.requests if "elsewhere" in e.path] == []


async def test_a_report_that_is_refused_ends_the_upload(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The platform's own code and message reach the user, whole."""
    refusal = api_error(400, "parameter_invalid", "The proof of chunk 1 is not an ETag. Sorry.")
    emulator.faults.add(Fault(route="report", action=refusal, times=None))
    with pytest.raises(
        UploadError, match=r"The proof of chunk 1 is not an ETag\. Sorry\."
    ) as caught:
        await client.multipart_upload.upload_file(make_file(CHUNK_SIZE))
    cause = caught.value.__cause__
    assert isinstance(cause, ApiError)
    assert (cause.status_code, cause.code) == (400, "parameter_invalid")
    assert (caught.value.stored_chunks, caught.value.reported_chunks) == (1, 0)


async def test_a_report_whose_answer_is_lost_is_sent_again(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Duplicates are harmless, so a lost answer costs one more report and no more."""
    emulator.faults.add(Fault(route="report", action=Cut("after")))
    result = await client.multipart_upload.upload_file(make_file(CHUNK_SIZE))
    assert result.asset_url
    assert emulator.count("report") == 2


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, CHUNK_SIZE + 10)


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("change", [grow, shrink, replace])
async def test_a_file_that_changes_midway_never_becomes_an_asset(
    change: Any, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The change is told as such, and no report completes a mixed asset, not even the rescue."""
    path = make_file(4 * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=4, action=Stall("after")))
    asyncio.get_running_loop().call_later(30, change, path)
    with pytest.raises(UploadError, match="was changed while it was uploaded") as caught:
        await client.multipart_upload.upload_file(path, max_workers=4)
    assert isinstance(caught.value.__cause__, SourceChangedError)
    assert caught.value.upload_id
    status = await client.multipart_upload.get_status(caught.value.upload_id)
    assert status.status == "active"


async def test_a_cancelled_upload_reports_what_it_has_and_leaves_nothing(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Cancelled in the middle: requests end, ETags in hand are reported, no task is left."""
    path = make_file(9 * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", after=5, action=Stall("after"), times=2))
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await client.multipart_upload.upload_file(path, batch_size=100, max_workers=2)
    reports = [e for e in emulator.requests if e.route == "report"]
    assert len(reports) == 1
    (session,) = [s async for s in await client.multipart_upload.list_incomplete_uploads()]
    status = await client.multipart_upload.get_status(session.upload_id)
    assert status.chunks_completed == 5
    await client.close()
    await asyncio.sleep(1)
    assert {t for t in asyncio.all_tasks() - before if "handle" not in repr(t)} == set()


async def test_what_is_stored_of_a_file_that_has_changed_is_not_rescued(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Somebody may go on with the session, and would mix the old file with the new one."""
    path = make_file(6 * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=4, action=Stall("after")))
    upload = asyncio.create_task(
        client.multipart_upload.upload_file(path, batch_size=50, max_workers=1)
    )
    await asyncio.sleep(10)  # the fourth chunk has stalled by then
    assert emulator.count("put") == 3
    path.write_bytes(path.read_bytes()[::-1])
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert emulator.count("report") == 0


async def test_a_rescue_is_bounded(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A platform that has fallen silent delays a cancellation by five seconds at most."""
    emulator.faults.add(Fault(route="report", action=Stall("before"), times=None))
    emulator.faults.add(Fault(route="put", chunk_index=3, action=Stall("after")))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))
    assert 35 <= now() < 36


async def test_a_wrong_key_is_told_as_such(emulator: Emulator, make_file: MakeFile) -> None:
    """401 names the key, never its value."""
    async with AsyncTwelveLabs("wrong-key-value", emulator.base_url) as client:
        with pytest.raises(UploadError, match="does not accept the API key") as caught:
            await client.multipart_upload.upload_file(make_file(1))
    assert "wrong-key-value" not in str(caught.value)
    assert caught.value.upload_id is None


async def test_a_base_url_that_nobody_listens_on_is_told_as_such(make_file: MakeFile) -> None:
    """Which URL, what was asked of it, and how often."""
    async with AsyncTwelveLabs("key", "http://127.0.0.1:9/v1.3", max_retries=2) as client:
        with pytest.raises(
            UploadError, match=r"http://127\.0\.0\.1:9/v1\.3.*tried 3 times"
        ) as caught:
            await client.multipart_upload.upload_file(make_file(1))
    assert isinstance(caught.value.__cause__, ApiConnectionError)


class SlowConnector(aiohttp.TCPConnector):
    """A user's own connector, slow to connect for a PUT."""

    async def _create_connection(self, req: Any, *args: Any, **kwargs: Any) -> Any:
        if req.method == "PUT":
            await asyncio.sleep(5)
        return await super()._create_connection(req, *args, **kwargs)


async def test_closing_the_client_ends_an_upload_that_is_connecting(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Whatever aiohttp makes of it, the user hears that the client was closed."""
    async with SlowConnector() as connector:
        client = AsyncTwelveLabs(emulator.api_key, emulator.base_url, connector=connector)
        upload = asyncio.create_task(client.multipart_upload.upload_file(make_file(2500)))
        await asyncio.sleep(3)
        await client.close()
        with pytest.raises(UploadError, match="the client was closed"):
            await upload


async def test_closing_the_client_ends_the_pause_before_another_attempt(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """At once, and not when the pause is over."""
    slow_down = store_error(503, "SlowDown", "Please reduce your request rate.")
    fault = emulator.faults.add(Fault(route="put", action=slow_down, times=None))
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    upload = asyncio.create_task(
        client.multipart_upload.upload_file(make_file(10), retry_delay=1e6, max_retries=9)
    )
    while not fault.hits:
        await asyncio.sleep(0.001)
    began = now()
    await client.close()
    with pytest.raises(UploadError, match="the client was closed"):
        await upload
    assert now() - began < 1


async def test_closing_the_client_ends_its_uploads(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """An upload under way fails with our own error; it neither hangs nor goes on."""
    emulator.faults.add(Fault(route="put", action=Stall("after")))
    upload = asyncio.create_task(client.multipart_upload.upload_file(make_file(1)))
    await asyncio.sleep(10)
    await client.close()
    with pytest.raises(UploadError):
        await upload
    assert now() < 30


def test_the_loop_is_virtual() -> None:
    """The clock of these tests starts at 0 and jumps."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.get_loop().time() == 0
        runner.run(asyncio.sleep(3600))
        assert runner.get_loop().time() == 3600
