"""What the faults of the emulator do on the wire, asked by a bare aiohttp client."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from attrs import Factory, define
from support.virtual_time import EPOCH, utcnow
from yarl import URL

from twelvelabs_async.emulator import (
    Emulator,
    EndSession,
    Etag,
    FailChunk,
    Fault,
    Skew,
    Slow,
    api_error,
    store_error,
)

CHUNK = 1000
CONTENT = bytes(CHUNK)
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
UPLOADS = "/assets/multipart-uploads"


@define
class ParsedReply:
    """An answer, read whole."""

    status: int
    headers: dict[str, str]
    body: Any


@define
class FaultyUpload:
    """An emulator with a session of one chunk, and whoever asks it."""

    emulator: Emulator
    http: aiohttp.ClientSession
    session: dict[str, Any] = Factory(dict[str, Any])

    def apply_fault(self, route: str, action: Any, **more: Any) -> Fault:
        return self.emulator.faults.add(Fault(route=route, action=action, **more))

    async def ask(self, method: str, url: str, **options: Any) -> ParsedReply:
        async with self.http.request(method, URL(url, encoded=True), **options) as response:
            is_json = response.content_type == "application/json"
            body = await (response.json() if is_json else response.text())
            headers = {name.lower(): value for name, value in response.headers.items()}
            return ParsedReply(response.status, headers, body)

    async def api(self, method: str, path: str, **options: Any) -> ParsedReply:
        headers = {"x-api-key": self.emulator.api_key}
        return await self.ask(method, self.emulator.base_url + path, headers=headers, **options)

    async def open(self) -> None:
        body = {"filename": "a.mp4", "type": "video", "total_size": CHUNK}
        self.session = (await self.api("POST", UPLOADS, json=body)).body

    @property
    def path(self) -> str:
        return f"{UPLOADS}/{self.session['upload_id']}"

    @property
    def url(self) -> str:
        url: str = self.session["upload_urls"][0]["url"]
        return url

    async def put(self, url: str, data: Any = CONTENT, size: int = CHUNK) -> ParsedReply:
        headers = {**self.session["upload_headers"], "Content-Length": str(size)}
        return await self.ask("PUT", url, headers=headers, data=data)

    async def report(self) -> ParsedReply:
        chunk = {"chunk_index": 1, "proof": MD5, "proof_type": "etag", "chunk_size": CHUNK}
        return await self.api("POST", self.path, json={"completed_chunks": [chunk]})

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = (await self.api("GET", self.path)).body
        return status


@pytest.fixture
async def upload() -> AsyncIterator[FaultyUpload]:
    """Yield an emulator with one session open; every fault that a test scripts must happen."""
    async with (
        Emulator(chunk_size=CHUNK, now=utcnow) as emulator,
        aiohttp.ClientSession() as http,
    ):
        running = FaultyUpload(emulator, http)
        await running.open()
        yield running
    assert emulator.faults.unused() == []


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_slow_link_takes_its_time(upload: FaultyUpload) -> None:
    """A thousand bytes at a hundred a second: ten seconds, and the chunk is stored."""
    upload.apply_fault("put", Slow(100))
    assert (await upload.put(upload.url)).status == 200
    assert now() == pytest.approx(10)
    assert (await upload.report()).status == 200


async def test_a_store_that_is_ahead_calls_urls_expired(upload: FaultyUpload) -> None:
    """By its own clock, which its ``Date`` and its answer tell; the URL is not spent."""
    fault = upload.apply_fault("put", Skew(timedelta(hours=2)))
    denied = await upload.put(upload.url)
    assert (denied.status, "Request has expired" in denied.body) == (403, True)
    assert "<ServerTime>2026-01-01T02:00:00Z</ServerTime>" in denied.body
    assert denied.headers["date"] == "Thu, 01 Jan 2026 02:00:00 GMT"
    assert (await upload.put(upload.url)).status == 200
    assert (fault.seen, fault.hits) == (2, 1)


async def test_a_store_that_is_behind_takes_urls_that_have_expired(upload: FaultyUpload) -> None:
    """Until its own clock says so, too."""
    upload.apply_fault("put", Skew(timedelta(hours=-2)), times=None)
    await asyncio.sleep(2 * 3600)
    assert (await upload.put(upload.url)).status == 200


async def test_a_skew_does_not_take_another_faults_place(upload: FaultyUpload) -> None:
    """A request of a skewed server meets what else is scripted, in the same attempt."""
    skew = upload.apply_fault("put", Skew(timedelta(minutes=5)))
    slow_down = upload.apply_fault("put", store_error(503, "SlowDown", "slower"))
    reply = await upload.put(upload.url)
    assert reply.status == 503
    assert reply.headers["date"] == "Thu, 01 Jan 2026 00:05:00 GMT"
    assert (skew.hits, slow_down.hits) == (1, 1)


async def test_a_skew_of_the_api_is_what_date_tells(upload: FaultyUpload) -> None:
    """Nothing else: what is told of expiry stays right."""
    upload.apply_fault("list", Skew(timedelta(hours=-3)))
    reply = await upload.api("GET", UPLOADS)
    assert reply.headers["date"] == "Wed, 31 Dec 2025 21:00:00 GMT"
    assert reply.body["data"][0]["created_at"] == "2026-01-01T00:00:00Z"
    assert (await upload.api("GET", UPLOADS)).headers["date"] == "Thu, 01 Jan 2026 00:00:00 GMT"


async def test_an_answer_may_name_a_moment(upload: FaultyUpload) -> None:
    """A header's ``timedelta`` is a date, counted from when it is answered."""
    limited = api_error(429, "too_many_requests", "slower", {"Retry-After": timedelta(seconds=90)})
    upload.apply_fault("list", limited)
    await asyncio.sleep(30)
    reply = await upload.api("GET", UPLOADS)
    assert reply.headers["date"] == "Thu, 01 Jan 2026 00:00:30 GMT"
    assert reply.headers["retry-after"] == "Thu, 01 Jan 2026 00:02:00 GMT"


@pytest.mark.parametrize(("when", "received"), [("before", 0), ("middle", CHUNK // 2)])
async def test_an_answer_may_come_before_the_body_has(
    upload: FaultyUpload, when: Any, received: int
) -> None:
    """The body's other half is never sent, and the client has its answer all the same."""
    upload.apply_fault("put", store_error(403, "AccessDenied", "no", when=when))
    answered = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield CONTENT[: CHUNK // 2]
        await answered.wait()

    reply = await upload.put(upload.url, body())
    answered.set()
    assert reply.status == 403
    assert [e.received for e in upload.emulator.requests if e.route == "put"] == [received]


async def test_an_etag_may_be_made_of_the_right_one(upload: FaultyUpload) -> None:
    """For a form of it that a client has to understand."""
    upload.apply_fault("put", Etag(lambda bare: f'W/"{bare}"'))
    assert (await upload.put(upload.url)).headers["etag"] == f'W/"{MD5}"'


@pytest.mark.parametrize(("how", "word"), [("failed", "failed"), ("expired", "expired")])
async def test_a_session_may_end_midway(upload: FaultyUpload, how: Any, word: str) -> None:
    """It refuses the call that it ends at, and every later one; its status says why."""
    upload.apply_fault("report", EndSession(how))
    await upload.put(upload.url)
    for _ in range(2):
        refusal = await upload.report()
        assert (refusal.status, refusal.body["code"]) == (400, "parameter_invalid")
        assert f"has {word}" in refusal.body["message"]
    assert (await upload.status())["status"] == word
    urls = await upload.api("POST", f"{upload.path}/presigned-urls", json={"start": 1, "count": 1})
    assert urls.status == 400


async def test_a_session_may_be_gone_midway(upload: FaultyUpload) -> None:
    """With its asset and its files; the store forgets it, too."""
    upload.apply_fault("report", EndSession("gone"))
    await upload.put(upload.url)
    assert (await upload.report()).status == 404
    assert (await upload.api("GET", f"/assets/{upload.session['asset_id']}")).status == 404
    assert "NoSuchUpload" in (await upload.put(upload.url)).body
    assert list(upload.emulator.data_dir.iterdir()) == []


async def test_a_session_that_never_was_cannot_end(upload: FaultyUpload) -> None:
    """The call is refused as ever."""
    upload.apply_fault("status", EndSession("failed"))
    assert (await upload.api("GET", f"{UPLOADS}/nobody")).status == 404
    assert (await upload.status())["status"] == "active"


async def test_a_chunk_may_be_marked_failed_until_it_is_sent_anew(upload: FaultyUpload) -> None:
    """It is pending, then failed and not counted; another PUT and report repair it."""
    upload.apply_fault("put", FailChunk("The chunk is broken."))
    await upload.put(upload.url)
    assert (await upload.status())["uploaded_chunks"][0]["status"] == "pending"
    answer = (await upload.report()).body
    assert (answer["total_completed"], "url" in answer) == (0, False)
    status = await upload.status()
    chunk = status["uploaded_chunks"][0]
    assert (chunk["status"], chunk["error"]) == ("failed", "The chunk is broken.")
    assert (status["chunks_failed"], status["chunks_pending"], status["status"]) == (1, 0, "active")
    more = await upload.api("POST", f"{upload.path}/presigned-urls", json={"start": 1, "count": 1})
    await upload.put(more.body["upload_urls"][0]["url"])
    assert (await upload.report()).body["url"]
    assert (await upload.status())["status"] == "completed"


@pytest.mark.parametrize(
    ("route", "action"),
    [
        ("report", Slow(1)),
        ("fetch", Slow(1)),
        ("report", FailChunk()),
        ("create", EndSession("failed")),
        ("put", EndSession("gone")),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(route: str, action: Any) -> None:
    """It would silently prove nothing."""
    with pytest.raises(ValueError, match=route):
        Fault(route=route, action=action)


async def test_dates_are_those_of_the_emulators_clock(upload: FaultyUpload) -> None:
    """Of every answer, and of the store's as well."""
    assert utcnow() == EPOCH
    for reply in (
        await upload.api("GET", UPLOADS),
        await upload.put(upload.url),
        await upload.ask("DELETE", upload.emulator.store_url),
        await upload.ask("GET", upload.emulator.base_url),
    ):
        assert reply.headers["date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
