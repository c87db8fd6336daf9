"""One request to the platform: what is sent again, what an error tells, and what never leaks."""

import asyncio
import gzip
import json
import logging
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from support.calls import ask, assert_ours_alone, create, headers_of, now, store
from support.server import http, raw_server, unused_url
from support.virtual_time import EPOCH, utcnow

from twelvelabs_async import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    AsyncTwelveLabs,
    BadGatewayError,
    BadRequestError,
    ConflictError,
    ContentTooLargeError,
    ErrorCode,
    ForbiddenError,
    GatewayTimeoutError,
    GoneError,
    InternalServerError,
    InvalidArgumentError,
    InvalidResponseError,
    NotFoundError,
    OutcomeUnknownError,
    RequestOptions,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnauthorizedError,
    UnprocessableEntityError,
)
from twelvelabs_async.emulator import (
    Answer,
    Cut,
    Emulator,
    Fault,
    Rewrite,
    Stall,
    api_error,
    routing,
)
from twelvelabs_async.emulator.faults import Action

ALL_PAUSES = 0.5 + 1 + 2
"""Seconds; the ceilings of the three pauses that a client makes unless told otherwise."""

SECRET = "tlk_4ND0NOTTELLANYBODY77"


def script(emulator: Emulator, route: str, action: Action, times: int | None = 1) -> Fault:
    return emulator.faults.add(Fault(route=route, action=action, times=times))


# What is sent again


@pytest.mark.parametrize("status", [408, 421, 425, 429, 500, 502, 503, 504, 520, 599])
async def test_a_passing_failure_is_retried_three_times_and_no_more(
    status: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Four requests in all, within the ceilings of three pauses; then the last answer is told."""
    script(emulator, "create", api_error(status, "busy", "Later."), times=None)
    with pytest.raises(ApiError) as caught:
        await create(client)
    assert caught.value.status_code == status
    assert emulator.count("create") == 4
    assert 0 < now() <= ALL_PAUSES


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_passing_failure_does_not_show(
    status: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The caller sees the answer that came at the third attempt."""
    script(emulator, "create", api_error(status, "busy", "Later."), times=2)
    assert (await create(client)).total_chunks == 2
    assert emulator.count("create") == 3


@pytest.mark.parametrize(
    "status", [300, 304, 400, 401, 402, 403, 404, 405, 409, 410, 413, 418, 422, 451]
)
async def test_a_refusal_is_told_at_once(
    status: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The same request would be refused again: one request, no pause."""
    script(emulator, "create", Answer(status), times=None)
    with pytest.raises(ApiError) as caught:
        await create(client)
    assert caught.value.status_code == status
    assert emulator.count("create") == 1
    assert now() < 0.1


@pytest.mark.parametrize("action", [Cut("before"), Cut("middle"), Cut("after")])
@pytest.mark.parametrize("route", ["create", "list"])
async def test_a_lost_answer_is_asked_for_three_times_more_and_no_more(
    route: str, action: Cut, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The HTTP library repeats a GET by itself when its connection breaks; not on our account."""
    script(emulator, route, action, times=None)
    with pytest.raises(ApiConnectionError, match=r"tried 4 times") as caught:
        await (create(client) if route == "create" else ask(client))
    assert emulator.count(route) == 4
    assert now() <= ALL_PAUSES
    assert_ours_alone(caught.value)


async def test_a_lost_answer_to_create_opens_a_second_session(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """As documented: the first one is not found again, and ends by itself."""
    script(emulator, "create", Cut("after"))
    session = await create(client)
    assert emulator.count("create") == 2
    listed = await ask(client)
    assert len(listed.data) == 2
    assert session.upload_id in {each.upload_id for each in listed.data}


async def test_an_idle_connection_that_the_platform_cut_costs_no_retry(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """What happens to every client that polls slower than a load balancer's idle timeout."""
    await ask(client)
    script(emulator, "list", Cut("before"))
    await ask(client, {"max_retries": 0})
    assert emulator.count("list") == 3
    assert emulator.connections("api") == 2


async def test_nobody_listens_is_told_with_the_url_and_the_number_of_tries() -> None:
    """So that a wrong base URL is found in the first line of a traceback."""
    url = await unused_url()
    async with AsyncTwelveLabs(SECRET, f"{url}/v1.3/") as client:
        with pytest.raises(ApiConnectionError) as caught:
            await create(client)
    port = url.rpartition(":")[2]
    assert str(caught.value) == (
        f"no answer from {url}/v1.3 to POST /assets/multipart-uploads: "
        f"cannot connect to 127.0.0.1:{port} (connection refused) (tried 4 times)"
    )
    assert 0 < now() <= ALL_PAUSES
    assert_ours_alone(caught.value)


async def test_silence_ends_each_attempt_after_the_clients_timeout(emulator: Emulator) -> None:
    """Four attempts of 20 s each, and the pauses between them."""
    stall = script(emulator, "create", Stall(), times=None)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, timeout=20) as client:
        with pytest.raises(ApiTimeoutError, match=r"in 20 s \(tried 4 times\)") as caught:
            await create(client)
    assert stall.hits == 4
    assert 80 <= now() <= 84 + ALL_PAUSES
    assert isinstance(caught.value, TimeoutError)
    assert_ours_alone(caught.value)


async def test_an_answer_that_stops_half_way_is_timed_out_as_well() -> None:
    """The timeout lasts to the answer's last byte."""
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    async with (
        raw_server(reply, silent=True) as server,
        AsyncTwelveLabs(SECRET, server.url, timeout=10, max_retries=0) as client,
    ):
        with pytest.raises(ApiTimeoutError, match=r"in 10 s$") as caught:
            await ask(client)
    assert 10 <= now() <= 11
    assert len(server.requests) == 1
    assert_ours_alone(caught.value)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "the answer broke off"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the answer is not HTTP"),
        (b"", "the other side closed the connection"),
    ],
)
async def test_an_answer_that_is_none_is_retried_and_told_in_words(
    reply: bytes, words: str
) -> None:
    """Half an answer, another protocol, nothing at all."""
    async with raw_server(reply) as server, AsyncTwelveLabs(SECRET, server.url) as client:
        with pytest.raises(ApiConnectionError, match=words) as caught:
            await ask(client)
    assert len(server.requests) == 4
    assert_ours_alone(caught.value)


async def test_tls_where_there_is_none_is_told_in_words(emulator: Emulator) -> None:
    """``https`` instead of ``http`` is a common slip."""
    url = emulator.base_url.replace("http:", "https:")
    async with AsyncTwelveLabs(SECRET, url) as client:
        with pytest.raises(ApiConnectionError, match=r"\(TLS: WRONG_VERSION_NUMBER\)") as caught:
            await ask(client)
    assert_ours_alone(caught.value)


async def test_control_calls_under_way_are_bounded(emulator: Emulator) -> None:
    """Twice ``max_concurrency``; a further call waits, and its timeout does not run meanwhile."""
    script(emulator, "list", Stall(), times=None)
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, timeout=50, max_retries=0, max_concurrency=1
    ) as client:
        outcomes = await asyncio.gather(*(ask(client) for _ in range(6)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ApiTimeoutError] * 6
    assert 3 * 50 <= now() <= 3 * 51


# A success that cannot be read

UNREADABLE = {
    "HTML": Answer(200, body="<html>Welcome to this hotel</html>", content_type="text/html"),
    "half a JSON text": Answer(200, body='{"data": [', content_type="application/json"),
    "nothing": Answer(200),
    "null": Answer(200, body="null", content_type="application/json"),
    "no content": Answer(204),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_success_that_cannot_be_read_is_asked_for_again_where_that_is_harmless(
    name: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A GET of any kind, a report, and URLs; after a pause, as after any other failure."""
    session = await create(client)
    chunks = await store(session, 1500)
    asset = await client.assets.create(method="direct", file=("a.mp4", b"film"))
    upload = client.multipart_upload
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "list": lambda: ask(client),
        "status": lambda: upload.get_status(session.upload_id),
        "presigned_urls": lambda: upload.get_additional_presigned_urls(
            session.upload_id, start=1, count=1
        ),
        "report": lambda: upload.report_chunk_batch(session.upload_id, completed_chunks=chunks),
        "asset": lambda: client.assets.retrieve(asset.id),
        "list_assets": client.assets.list,
        "transcription": lambda: client.assets.retrieve_transcription(asset.id),
    }
    tables = (routing._WHOLE, routing._UPLOADS, routing._ASSETS)
    reading = {route for each in tables for (method, _), route in each.items() if method == "GET"}
    assert set(calls) == reading | {"presigned_urls", "report"}
    for route, call in calls.items():
        script(emulator, route, UNREADABLE[name], times=3)
        await call()
        assert emulator.count(route) == 4, route
        script(emulator, route, UNREADABLE[name], times=None)
        with pytest.raises(InvalidResponseError):
            await call()
        assert emulator.count(route) == 4 + 4, route
    assert now() <= 2 * len(calls) * ALL_PAUSES


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_success_that_cannot_be_read_is_final_where_something_was_made(
    name: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Another session, or asset, would be a second one; the first has no name to clean it up by."""
    script(emulator, "create", UNREADABLE[name])
    with pytest.raises(InvalidResponseError):
        await create(client)
    script(emulator, "create_asset", UNREADABLE[name])
    with pytest.raises(OutcomeUnknownError):
        await client.assets.create(method="direct", file=("a.mp4", b"film"))
    assert (emulator.count("create"), emulator.count("create_asset")) == (1, 1)


async def test_a_success_that_cannot_be_read_uses_up_the_retries_of_its_call(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Of which there may be none."""
    script(emulator, "list", UNREADABLE["HTML"])
    with pytest.raises(InvalidResponseError):
        await ask(client, {"max_retries": 0})
    assert emulator.count("list") == 1


# Pauses that the platform asks for


async def test_retry_after_seconds_are_obeyed(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """Not a moment earlier, and a little jitter later."""
    script(emulator, "create", Answer(429, {"Retry-After": "7"}))
    await create(client)
    assert 7 <= now() <= 7.5
    assert emulator.count("create") == 2


async def test_a_retry_after_date_is_read_on_the_servers_clock(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The emulator's clock shows January 2026; whatever ours shows does not matter."""
    script(emulator, "create", Answer(503, {"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}))
    await create(client)
    assert 30 <= now() <= 30.5


async def test_the_reset_of_a_rate_limit_is_waited_for(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """UTC epoch seconds, on the server's clock."""
    reset = str(int((EPOCH + timedelta(seconds=40)).timestamp()))
    script(emulator, "create", Answer(429, {"X-Ratelimit-Reset": reset}))
    await create(client)
    assert 40 <= now() <= 40.5


async def test_a_failure_does_not_wait_for_the_reset_of_a_limit_that_is_not_used_up(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A 502 with the usual rate-limit headers is retried as any other."""
    reset = str(int((EPOCH + timedelta(hours=1)).timestamp()))
    limits = {"X-Ratelimit-Reset": reset, "X-Ratelimit-Remaining": "99"}
    script(emulator, "create", Answer(502, limits))
    await create(client)
    assert now() <= 0.5


@pytest.mark.parametrize(
    "told",
    ["120.5", "3600", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 2026 00:02:01 GMT"],
)
async def test_a_pause_of_more_than_two_minutes_is_told_at_once(
    told: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The caller can decide better than we what to do for an hour; the header is in the error."""
    script(emulator, "create", Answer(429, {"Retry-After": told}))
    with pytest.raises(TooManyRequestsError) as caught:
        await create(client)
    assert caught.value.headers["retry-after"] == told
    assert emulator.count("create") == 1
    assert now() < 0.1


async def test_a_pause_of_two_minutes_is_obeyed(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The bound itself is inside."""
    script(emulator, "create", Answer(429, {"Retry-After": "120"}))
    await create(client)
    assert 120 <= now() <= 120.5


@pytest.mark.parametrize(
    "header",
    ["X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Used", "X-Ratelimit-Reset",
     "Retry-After", "Date"],
)  # fmt: skip
async def test_a_429_with_thousands_of_digits_is_a_429(
    header: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Whatever is made of such a figure, the call is sent again, or the refusal is raised."""
    script(emulator, "create", Answer(429, {header: "9" * 5_000}))
    with pytest.raises(TooManyRequestsError):
        await create(client, options={"max_retries": 0})
    script(emulator, "create", Answer(429, {header: "9" * 5_000}))
    await create(client)
    assert emulator.count("create") == 3


@pytest.mark.parametrize("told", ["-5", "nan", "inf", "1e400", "soon", ""])
async def test_an_absurd_pause_is_replaced_by_our_own(
    told: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """And the request is sent again."""
    script(emulator, "create", Answer(429, {"Retry-After": told, "X-Ratelimit-Reset": told}))
    await create(client)
    assert now() <= 0.5
    assert emulator.count("create") == 2


# Settings of one call


async def test_a_calls_own_timeout_and_retries_replace_the_clients(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """One attempt of 3 s, and no other."""
    stall = script(emulator, "list", Stall(), times=None)
    with pytest.raises(ApiTimeoutError, match=r"in 3 s$"):
        await ask(client, {"timeout_in_seconds": 3, "max_retries": 0})
    assert 3 <= now() <= 3.1
    assert stall.hits == 1


async def test_a_calls_own_retries_may_be_more(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """Six more attempts are six more attempts."""
    script(emulator, "list", Answer(503), times=6)
    await ask(client, {"max_retries": 6})
    assert emulator.count("list") == 7


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
async def test_a_timeout_that_is_none_is_refused(
    seconds: float, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Zero would mean 'for ever' further down."""
    with pytest.raises(InvalidArgumentError, match="timeout_in_seconds"):
        await ask(client, {"timeout_in_seconds": seconds})
    assert emulator.requests == []


async def test_headers_and_query_of_a_call_are_added(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Beside the client's own; a later header of the same name wins, whatever its case."""
    options: RequestOptions = {
        "additional_headers": {"X-Trace": "a b", "USER-AGENT": "mine"},
        "additional_query_parameters": {"page_limit": 7, "page": "1"},
    }
    await ask(client, options)
    (request,) = emulator.requests
    headers = headers_of(request)
    assert headers["x-trace"] == "a b"
    assert headers["user-agent"] == "mine"
    assert request.path == "/v1.3/assets/multipart-uploads?page=1&page_limit=7"


async def test_body_parameters_of_a_call_are_added(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """They reach the platform, which here refuses one that it does not know."""
    with pytest.raises(BadRequestError) as caught:
        await create(client, options={"additional_body_parameters": {"colour": "red"}})
    assert caught.value.code == "parameter_unknown"
    session = await create(client, options={"additional_body_parameters": {"total_size": 7000}})
    assert session.total_chunks == 7


async def test_settings_of_a_call_may_be_none(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """As the official SDK allows them to be."""
    nothing: Any = dict.fromkeys(RequestOptions.__annotations__)
    await ask(client, nothing)
    await create(client, options=nothing)
    assert [request.status for request in emulator.requests] == [200, 201]


@pytest.mark.parametrize("name", ["x-api-key", "X-API-Key", "X-Api-Key"])
async def test_no_header_replaces_the_api_key(name: str, emulator: Emulator) -> None:
    """Nor doubles it: neither the client's headers nor a call's, whatever their case."""
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, headers={name: "another"}
    ) as client:
        await ask(client, {"additional_headers": {name: "a third"}})
    assert headers_of(emulator.requests[0])["x-api-key"] == emulator.api_key


@pytest.mark.parametrize(
    "headers",
    [{"X-Trace": "a\r\nX-Evil: b"}, {"X-\nTrace": "a"}, {"X-Trace": 5}, {"X-Trace": "\0"}],
)
async def test_a_header_that_cannot_be_sent_is_refused_without_its_value(
    headers: Any, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Its value may be a secret."""
    with pytest.raises(InvalidArgumentError, match="no header can carry") as caught:
        await ask(client, {"additional_headers": headers})
    assert "Evil" not in str(caught.value)
    assert emulator.requests == []


@pytest.mark.parametrize("value", [object(), float("nan"), {1: 2}, "\ud800", b"bytes"])
async def test_what_json_cannot_carry_is_refused(
    value: Any, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """With its place, before anything is sent."""
    with pytest.raises(InvalidArgumentError, match=r"\$\.user_metadata\.a") as caught:
        await client.multipart_upload.create(
            filename="a.mp4", type="video", total_size=1, user_metadata={"a": value}
        )
    assert emulator.requests == []
    assert_ours_alone(caught.value)


# What an error tells


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, GoneError),
        (413, ContentTooLargeError),
        (418, ApiError),
        (422, UnprocessableEntityError),
        (429, TooManyRequestsError),
        (500, InternalServerError),
        (502, BadGatewayError),
        (503, ServiceUnavailableError),
        (504, GatewayTimeoutError),
        (529, InternalServerError),
    ],
)
async def test_each_status_has_its_class_and_tells_everything(
    status: int, kind: type[ApiError], emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Code, message, headers, request id and body are there, and the message whole."""
    long = "The figures are 1920 and 360. " * 100
    script(emulator, "create", api_error(status, "video_resolution_too_low", long, {"X-A": "b"}))
    with pytest.raises(kind) as caught:
        await create(client, options={"max_retries": 0})
    error = caught.value
    assert type(error) is kind
    assert error.status_code == status
    assert error.code == "video_resolution_too_low"
    assert error.message == long
    assert long in str(error)
    assert error.body == {"code": "video_resolution_too_low", "message": long}
    assert error.headers["x-a"] == "b"
    assert error.headers["x-api-version"] == "v1.3"
    assert error.request_id is not None
    assert error.request_id in str(error)
    assert error.request == "POST /assets/multipart-uploads"
    assert_ours_alone(error)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(copy), vars(copy)) == (str(error), vars(error))


async def test_a_wrong_key_is_told_as_one(emulator: Emulator) -> None:
    """Also without the key that was tried."""
    async with AsyncTwelveLabs(SECRET, emulator.base_url) as client:
        with pytest.raises(UnauthorizedError, match="does not accept the API key") as caught:
            await ask(client)
    assert caught.value.code == "api_key_invalid"
    assert len(emulator.requests) == 1
    assert SECRET not in str(caught.value)


async def test_an_error_page_is_quoted_and_kept(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A proxy on the way answers HTML; its beginning says more than nothing."""
    page = "<html>\n<h1>502   Bad Gateway</h1>" + "x" * 10_000 + "</html>"
    script(emulator, "list", Answer(502, body=page, content_type="text/html"))
    with pytest.raises(BadGatewayError, match="<html> <h1>502 Bad Gateway</h1>x") as caught:
        await ask(client, {"max_retries": 0})
    assert caught.value.body == page
    assert len(str(caught.value)) < 700
    assert caught.value.code is None


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"no"', b"7", b'{"code": 5, "message": {"a": 1}}', b"\xff\xfe{"]
)
async def test_an_error_without_code_and_message_is_still_one(
    body: bytes, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Empty, of another shape, not even text: the status tells."""
    script(emulator, "create", Answer(404, body=body, content_type="application/json"))
    with pytest.raises(NotFoundError, match="answered 404") as caught:
        await create(client)
    assert caught.value.code is None
    assert_ours_alone(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b'{"data": [', b"{}{}", b"\xff"])
async def test_a_good_status_with_a_broken_body_is_an_invalid_response(
    body: bytes, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Not retried: the platform did what was asked, only not as documented."""
    script(emulator, "create", Answer(201, body=body, content_type="application/json"))
    with pytest.raises(InvalidResponseError, match="the body is not JSON") as caught:
        await create(client)
    assert caught.value.status_code == 201
    assert caught.value.request_id is not None
    assert emulator.count("create") == 1
    assert_ours_alone(caught.value)


async def test_a_missing_key_is_told_with_its_path(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """And no value is told: an answer holds presigned URLs."""

    def without_url(payload: dict[str, Any]) -> dict[str, Any]:
        first, second = payload["upload_urls"]
        del second["url"]
        return {**payload, "upload_urls": [first, second], "chunk_size": "1000"}

    script(emulator, "create", Rewrite(without_url))
    with pytest.raises(InvalidResponseError) as caught:
        await create(client)
    assert "$.upload_urls[1].url: missing" in str(caught.value)
    assert "$.chunk_size: expected a whole number, got text" in str(caught.value)
    assert "Signature" not in str(caught.value)
    assert_ours_alone(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    status: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The target of the redirect hears nothing at all."""
    async with raw_server(http("200 OK", b"{}")) as elsewhere:
        for route in ("create", "list"):
            script(emulator, route, Answer(status, {"Location": f"{elsewhere.url}/v1.3"}))
        for call in (create, ask):
            with pytest.raises(ApiError, match="a redirect, which is not followed") as caught:
                await call(client)
            assert caught.value.headers["location"] == f"{elsewhere.url}/v1.3"
    assert elsewhere.requests == []
    assert len(emulator.requests) == 2


async def test_a_compressed_answer_is_read(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """The client offers gzip, so it must understand it."""
    body = gzip.compress(b'{"data": [], "page_info": {"total_results": 3}}')
    script(emulator, "list", Answer(200, {"Content-Encoding": "gzip"}, body))
    assert (await ask(client)).page_info.total_results == 3


# What never leaks

NASTY = 'tlk_a&b<c>"d\\e/f'
"""A key that JSON may spell in several ways."""


@pytest.fixture(params=[SECRET, NASTY])
async def keyed(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    """Yield an emulator with a key that can be searched for."""
    async with Emulator(chunk_size=1000, api_key=request.param, now=utcnow) as running:
        yield running
    assert running.faults.unused() == []


def spellings(key: str) -> list[str]:
    """Return a key as it is, as JSON has it, and as Go's JSON has it."""
    quoted = json.dumps(key)[1:-1]
    go = quoted.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
    return [key, quoted, go, go.replace("/", r"\/")]


async def test_an_api_key_that_a_server_echoes_is_shown_nowhere(
    keyed: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in texts, attributes, pickles, nor in any log at DEBUG, however JSON spells the key."""
    caplog.set_level(logging.DEBUG)
    key = keyed.api_key
    echoes = [
        f'{{"code": "bad {k}", "message": "bad key {k}", "docs": ["{k}", {{"{k}": "{k}"}}]}}'
        for k in spellings(key)[1:]
    ]
    answers = [Answer(400, body=text, content_type="application/json") for text in echoes]
    answers.append(Answer(403, {"X-Echo": key, "X-Request-Echo": key}, f"<p>{key}</p>"))
    answers.append(Answer(302, {"Location": f"https://example.org/?key={key}"}))
    answers.append(Answer(200, {"X-Echo": key}, f"<p>{key}</p>"))
    answers.append(Answer(200, {"X-Echo": key}, json.dumps({"data": {key: key}})))
    for answer in answers:
        script(keyed, "list", answer)
    async with AsyncTwelveLabs(key, keyed.base_url) as client:
        for _ in answers:
            with pytest.raises(ApiError) as caught:
                await ask(client, {"max_retries": 0})
            error = caught.value
            logging.getLogger("application").error("it failed", exc_info=error)
            told = [str(error), repr(error), repr(vars(error)), str(error.body)]
            for text in [*told, pickle.dumps(error).decode("latin-1")]:
                assert not [k for k in spellings(key) if k in text]
            assert_ours_alone(error)
        script(keyed, "list", Answer(200, body=json.dumps({"page_info": {"page": key}})))
        await ask(client)
    assert "PageInfo.page: expected a whole number, got text" in caplog.text
    assert not [k for k in spellings(key) if k in caplog.text]
    assert "[redacted]" in caplog.text


async def test_a_key_among_the_keys_of_an_answer_is_not_told(keyed: Emulator) -> None:
    """The path of a problem names keys of the answer, and an answer may echo anything."""
    key = keyed.api_key
    script(keyed, "create", Rewrite(lambda told: {**told, "upload_headers": {key: 5}}))
    async with AsyncTwelveLabs(key, keyed.base_url) as client:
        with pytest.raises(InvalidResponseError, match="upload_headers") as caught:
            await create(client)
    assert not [k for k in spellings(key) if k in str(caught.value)]


async def test_neither_a_client_nor_its_parts_show_the_key_in_a_repr(keyed: Emulator) -> None:
    """A ``repr`` ends in logs."""
    async with AsyncTwelveLabs(keyed.api_key, keyed.base_url) as client:
        answer = await client.multipart_upload.with_raw_response.list_incomplete_uploads()
        shown = [
            repr(client),
            repr(client._runtime.transport),
            repr(client.multipart_upload),
            repr(answer),
        ]
    assert not [text for text in shown if keyed.api_key in text]


async def test_the_log_names_calls_and_statuses_and_no_secret(
    keyed: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG: what was asked and answered; no key, no signature."""
    caplog.set_level(logging.DEBUG)
    script(keyed, "list", Cut())
    async with AsyncTwelveLabs(keyed.api_key, keyed.base_url) as client:
        await create(client)
        await ask(client)
    assert "POST /assets/multipart-uploads answered 201" in caplog.text
    assert "GET /assets/multipart-uploads failed: no answer" in caplog.text
    assert keyed.api_key not in caplog.text
    assert "Signature" not in caplog.text


# Cancellation


async def test_a_cancellation_passes_through_and_the_slot_comes_back(emulator: Emulator) -> None:
    """Cancelled while waiting for an answer, three times with two slots; the next call works."""
    script(emulator, "list", Stall(), times=3)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=1) as client:
        for _ in range(3):
            call = asyncio.create_task(ask(client))
            asyncio.get_running_loop().call_later(10, call.cancel)
            with pytest.raises(asyncio.CancelledError) as caught:
                await call
            assert_cancelled_alone(caught.value)
        await ask(client)
    assert emulator.count("list") == 4
    assert 30 <= now() <= 31


async def test_a_pause_can_be_cancelled(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """A timeout around the call is the caller's, so it is no ``ApiTimeoutError``."""
    script(emulator, "list", Answer(503, {"Retry-After": "100"}))
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(10):
            await ask(client)
    assert type(caught.value) is TimeoutError
    assert emulator.count("list") == 1
    assert 10 <= now() <= 11


def assert_cancelled_alone(error: BaseException) -> None:
    assert error.__cause__ is None or isinstance(error.__cause__, asyncio.CancelledError)


@pytest.mark.parametrize("status", [200, 400])
async def test_an_answer_without_end_is_cut_off(
    status: int, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A platform, or a proxy on the way, cannot fill the memory."""
    monkeypatch.setattr("twelvelabs_async._http.exchange.LARGEST_ANSWER", 100_000)
    huge = Answer(status, body=b"[" + b"1," * 100_000 + b"1]", content_type="application/json")
    fault = emulator.faults.add(Fault(route="list", action=huge, times=None))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        with pytest.raises(InvalidResponseError, match="larger than 100000 bytes"):
            await ask(client)
    assert fault.hits == 1


async def test_an_error_that_is_nested_without_end_is_still_an_error(emulator: Emulator) -> None:
    """Its body is text then, for nobody can walk it."""
    deep = Answer(400, body=b"[" * 700 + b"]" * 700, content_type="application/json")
    emulator.faults.add(Fault(route="list", action=deep))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        with pytest.raises(BadRequestError) as caught:
            await ask(client)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("value", [None, True, 1.5, ["a"]])
async def test_a_query_parameter_that_is_none_is_refused(value: Any, emulator: Emulator) -> None:
    """Before anything is sent, and by name."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        with pytest.raises(InvalidArgumentError, match=r"\['include'\] must be text"):
            await client.multipart_upload.list_incomplete_uploads(
                request_options={"additional_query_parameters": {"include": value}}
            )
    assert emulator.requests == []


@pytest.mark.parametrize("code", [*ErrorCode, "a_code_of_tomorrow"])
async def test_every_code_reaches_the_user_with_its_message_whole(
    code: str, emulator: Emulator
) -> None:
    """As a member of an open vocabulary: known words and new ones alike."""
    message = "The limit is 4 seconds, and your video has 3.2 \u2014 sorry."
    emulator.faults.add(Fault(route="list", action=api_error(400, code, message)))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        with pytest.raises(BadRequestError) as caught:
            await ask(client)
    assert caught.value.code == code == ErrorCode(code)
    assert isinstance(caught.value.code, ErrorCode)
    assert caught.value.message == message
    assert pickle.loads(pickle.dumps(caught.value)).code == code  # noqa: S301 - our own
