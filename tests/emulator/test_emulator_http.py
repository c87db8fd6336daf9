"""The emulator over real sockets, asked by a bare aiohttp client."""

import asyncio
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import Factory, define
from support.assets import read_asset
from support.clock import ManualClock
from yarl import URL

from twelvelabs_async.emulator import (
    Answer,
    Corrupt,
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

CHUNK = 100_000
CONTENT = bytes(range(256)) * 1_000
SHORT = aiohttp.ClientTimeout(total=0.3)
Json = dict[str, Any]


@define
class RawReply:
    """An answer, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """Return the body as JSON."""
        payload: Json = json.loads(self.body)
        return payload


@define
class UploadsOverHttp:
    """An emulator, a client for each origin, and the clock of both."""

    emulator: Emulator
    http: aiohttp.ClientSession
    clock: ManualClock
    session: Json = Factory(dict[str, Any])

    async def ask(self, method: str, url: str, **options: Any) -> RawReply:
        """Send a request to a raw URL and read the answer whole."""
        async with self.http.request(method, URL(url, encoded=True), **options) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return RawReply(response.status, headers, await response.read())

    async def api(self, method: str, path: str, **options: Any) -> RawReply:
        """Ask the API, with the key."""
        headers = {"x-api-key": self.emulator.api_key, **options.pop("headers", {})}
        return await self.ask(method, self.emulator.base_url + path, headers=headers, **options)

    async def create(self) -> Json:
        """Open a session for ``CONTENT``, the session of all later requests."""
        body = {"filename": "caf\u00e9 a/b.mp4", "type": "video", "total_size": len(CONTENT)}
        self.session = (await self.api("POST", "/assets/multipart-uploads", json=body)).json
        return self.session

    @property
    def path(self) -> str:
        """Return the path of the session."""
        return f"/assets/multipart-uploads/{self.session['upload_id']}"

    async def url(self, index: int) -> str:
        """Ask for a new URL of the chunk."""
        body = {"start": index, "count": 1}
        answer = await self.api("POST", f"{self.path}/presigned-urls", json=body)
        url: str = answer.json["upload_urls"][0]["url"]
        return url

    async def put(self, url: str, index: int = 1, **options: Any) -> RawReply:
        """PUT a chunk with the headers that it needs."""
        headers = {**self.session["upload_headers"], **options.pop("headers", {})}
        options.setdefault("data", piece(index))
        return await self.ask("PUT", url, headers=headers, **options)

    async def report(self, *indexes: int) -> RawReply:
        """Report chunks with the ETags that they must have."""
        chunks = [
            {
                "chunk_index": index,
                "proof": md5(piece(index)),
                "proof_type": "etag",
                "chunk_size": len(piece(index)),
            }
            for index in indexes
        ]
        return await self.api("POST", self.path, json={"completed_chunks": chunks})

    async def finish(self) -> Json:
        """Upload ``CONTENT`` whole and return the last report's answer."""
        await self.create()
        for url in self.session["upload_urls"]:
            await self.put(url["url"], url["chunk_index"])
        return (await self.report(1, 2, 3)).json

    async def stored(self, *indexes: int) -> bool:
        """Tell whether the platform would take these chunks as uploaded."""
        return (await self.report(*indexes)).status == 200


def piece(index: int) -> bytes:
    """Return the content of a chunk."""
    return CONTENT[(index - 1) * CHUNK : index * CHUNK]


def md5(content: bytes) -> str:
    """Return the ETag of a content, bare."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def code(reply: RawReply) -> str:
    """Return the code of an XML error."""
    found = re.search(rb"<Code>(\w+)</Code>", reply.body)
    assert found
    return found[1].decode()


def files_in(directory: Path) -> list[Path]:
    """Return the files anywhere below a directory."""
    return [path for path in directory.rglob("*") if path.is_file()]


async def until_over(emulator: Emulator, route: str, count: int = 1) -> None:
    """Let others run until so many requests of the route are over."""
    while emulator.count(route) < count:
        await asyncio.sleep(0)


@pytest.fixture
async def uploads() -> AsyncIterator[UploadsOverHttp]:
    """Run an emulator whose clock only the test moves."""
    clock = ManualClock()
    async with (
        Emulator(chunk_size=CHUNK, now=clock) as emulator,
        aiohttp.ClientSession() as http,
    ):
        yield UploadsOverHttp(emulator, http, clock)


async def test_an_upload_arrives_byte_for_byte(uploads: UploadsOverHttp) -> None:
    """What was PUT is what the asset URL serves, in order; GET and HEAD agree on the size."""
    answer = await uploads.finish()
    assert answer["total_completed"] == 3
    served = await uploads.ask("GET", answer["url"])
    assert (served.status, served.body) == (200, CONTENT)
    head = await uploads.ask("HEAD", answer["url"])
    assert (head.status, head.headers["content-length"]) == (200, str(len(CONTENT)))
    digest = await uploads.emulator.sha256(uploads.session["asset_id"])
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    assert await read_asset(uploads.emulator, uploads.session["asset_id"]) == CONTENT


async def test_an_incomplete_asset_is_not_served(uploads: UploadsOverHttp) -> None:
    """Before the last report the asset URL is a 404 of the store, in XML."""
    session = await uploads.create()
    path = f"/assets/{session['asset_id']}/caf%C3%A9%20a%2Fb.mp4"
    reply = await uploads.ask("GET", uploads.emulator.store_url + path)
    assert (reply.status, code(reply)) == (404, "NoSuchKey")
    reply = await uploads.ask("GET", uploads.emulator.store_url + "/assets/nope")
    assert (reply.status, code(reply)) == (404, "NoSuchKey")


async def test_a_put_answers_a_quoted_md5_and_no_body(uploads: UploadsOverHttp) -> None:
    """200, empty, ``ETag`` in quotes, and the store's own headers."""
    session = await uploads.create()
    reply = await uploads.put(session["upload_urls"][0]["url"])
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["etag"] == f'"{md5(piece(1))}"'
    assert {"x-amz-request-id", "x-amz-id-2"} <= set(reply.headers)


@pytest.mark.parametrize("key", [None, "", "wrong"])
async def test_a_wrong_key_is_refused(uploads: UploadsOverHttp, key: str | None) -> None:
    """Every endpoint wants the key, unknown ones as well."""
    headers = {} if key is None else {"x-api-key": key}
    for path in ("/assets/multipart-uploads", "/assets/x", "/nope"):
        reply = await uploads.ask("GET", uploads.emulator.base_url + path, headers=headers)
        assert (reply.status, reply.json["code"]) == (401, "api_key_invalid")
        assert set(reply.json) == {"code", "message"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("PUT", "/assets"),
        ("POST", "/assets/nope"),
        ("GET", "/assets/nope/"),
        ("GET", "/assets/nope/user-metadata"),
        ("PATCH", "/assets/nope/user-metadata/x"),
        ("GET", "/assets/"),
        ("GET", "/assets/nope"),
        ("PUT", "/assets/multipart-uploads"),
        ("GET", "/assets/multipart-uploads/nope"),
        ("GET", "/assets/multipart-uploads/nope/presigned-urls"),
    ],
)
async def test_what_is_not_there_does_not_exist(
    uploads: UploadsOverHttp, method: str, path: str
) -> None:
    """Unknown paths, methods and ids are 404 resource_not_exist, in JSON."""
    reply = await uploads.api(method, path)
    assert (reply.status, reply.json["code"]) == (404, "resource_not_exist")


async def test_every_answer_carries_version_request_and_the_emulated_time(
    uploads: UploadsOverHttp,
) -> None:
    """``Date`` comes from the emulator's clock, on errors too, at both origins."""
    replies = [
        await uploads.api("GET", "/assets/multipart-uploads"),
        await uploads.api("GET", "/nope"),
        await uploads.ask("PUT", uploads.emulator.store_url + "/x", data=b"x"),
    ]
    assert {reply.headers["date"] for reply in replies} == {"Sun, 22 Nov 2026 05:00:00 GMT"}
    for reply in replies[:2]:
        assert reply.headers["x-api-version"] == "v1.3"
        assert re.fullmatch("[0-9a-f]+", reply.headers["x-request-id"])


async def test_the_store_may_have_a_clock_of_its_own() -> None:
    """Its ``Date`` and its verdict on expiry follow ``store_now``."""
    ahead = ManualClock(ManualClock().time + timedelta(hours=2))
    async with (
        Emulator(chunk_size=CHUNK, now=ManualClock(), store_now=ahead) as emulator,
        aiohttp.ClientSession() as http,
    ):
        uploads = UploadsOverHttp(emulator, http, ahead)
        session = await uploads.create()
        reply = await uploads.put(session["upload_urls"][0]["url"])
    assert (reply.status, code(reply)) == (403, "AccessDenied")
    assert b"Request has expired" in reply.body
    assert reply.headers["date"] == "Sun, 22 Nov 2026 07:00:00 GMT"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"data": b"{}"}, "content_type_invalid"),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, "parameter_invalid"),
        ({"json": []}, "parameter_invalid"),
        ({"json": {"type": "video", "total_size": 1}}, "parameter_not_provided"),
    ],
)
async def test_a_bad_body_is_refused(
    uploads: UploadsOverHttp, options: Json, expected: str
) -> None:
    """The body must be a JSON object, and say that it is one."""
    reply = await uploads.api("POST", "/assets/multipart-uploads", **options)
    assert (reply.status, reply.json["code"]) == (400, expected)


async def test_create_is_answered_with_201(uploads: UploadsOverHttp) -> None:
    """The other endpoints answer 200."""
    body = {"filename": "a", "type": "image", "total_size": 1}
    reply = await uploads.api("POST", "/assets/multipart-uploads", json=body)
    assert (reply.status, reply.headers["content-type"].split(";")[0]) == (201, "application/json")


async def test_51_urls_are_refused_over_http(uploads: UploadsOverHttp) -> None:
    """The refusal names parameter, value and limit."""
    await uploads.create()
    body = {"start": 1, "count": 51}
    reply = await uploads.api("POST", f"{uploads.path}/presigned-urls", json=body)
    assert (reply.status, reply.json["code"]) == (400, "parameter_invalid")
    assert all(word in reply.json["message"] for word in ("count", "51", "50"))


async def test_a_requoted_url_breaks_the_signature(uploads: UploadsOverHttp) -> None:
    """Only the raw target is accepted: yarl's usual parsing changes it."""
    session = await uploads.create()
    url = session["upload_urls"][0]["url"]
    headers = session["upload_headers"]
    async with uploads.http.put(url, data=piece(1), headers=headers) as response:
        assert response.status == 403
        assert "<Code>SignatureDoesNotMatch</Code>" in await response.text()
    assert (await uploads.put(url)).status == 200


async def test_a_url_works_once_over_http(uploads: UploadsOverHttp) -> None:
    """The second PUT is denied and what the first one stored stays."""
    session = await uploads.create()
    url = session["upload_urls"][0]["url"]
    await uploads.put(url)
    again = await uploads.put(url, data=b"y" * CHUNK)
    assert (again.status, code(again)) == (403, "AccessDenied")
    assert await uploads.stored(1)


async def test_a_url_expires_after_an_hour(uploads: UploadsOverHttp) -> None:
    """The clock moved by hand decides; a new URL works."""
    session = await uploads.create()
    uploads.clock.time += timedelta(hours=1)
    reply = await uploads.put(session["upload_urls"][0]["url"])
    assert (reply.status, code(reply)) == (403, "AccessDenied")
    assert b"Request has expired" in reply.body
    assert (await uploads.put(await uploads.url(1))).status == 200


async def test_a_chunked_body_is_refused(uploads: UploadsOverHttp) -> None:
    """Without ``Content-Length`` the answer is 411, and the URL is not spent."""
    session = await uploads.create()
    url = session["upload_urls"][0]["url"]

    async def body() -> AsyncIterator[bytes]:
        yield piece(1)

    reply = await uploads.put(url, data=body())
    assert (reply.status, code(reply)) == (411, "MissingContentLength")
    assert (await uploads.put(url)).status == 200


async def test_a_large_refused_body_is_not_read_first(uploads: UploadsOverHttp) -> None:
    """A PUT of the wrong size is answered before its body, and the answer can be read."""
    session = await uploads.create()
    data = io.BytesIO(bytes(50 * 2**20))
    reply = await uploads.put(session["upload_urls"][0]["url"], data=data)
    assert (reply.status, code(reply)) == (400, "EntityTooLarge")
    assert uploads.emulator.requests[-1].received == 0
    assert (await uploads.put(session["upload_urls"][0]["url"])).status == 200


async def test_a_small_refused_body_keeps_the_connection(uploads: UploadsOverHttp) -> None:
    """The next request goes over the same TCP connection."""
    session = await uploads.create()
    await uploads.put(session["upload_urls"][0]["url"], data=b"x")
    await uploads.put(session["upload_urls"][0]["url"])
    assert uploads.emulator.connections("store") == 1


async def test_other_methods_are_refused_by_the_store(uploads: UploadsOverHttp) -> None:
    """405, in XML."""
    reply = await uploads.ask("POST", uploads.emulator.store_url + "/x", data=b"x")
    assert (reply.status, code(reply)) == (405, "MethodNotAllowed")


async def send_part(
    url: str, headers: dict[str, str], part: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection of one's own and send the head and a part of the body of a PUT."""
    at = URL(url, encoded=True)
    assert at.host is not None
    reader, writer = await asyncio.open_connection(at.host, at.port)
    target = url.removeprefix(str(at.origin()))
    fields = {"Host": str(at.authority), "Content-Length": str(CHUNK), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"PUT {target} HTTP/1.1\r\n{head}\r\n".encode() + part)
    await writer.drain()
    return reader, writer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection that the other side may have aborted."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Return what came before the connection ended; nothing if it was reset."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_a_body_cut_short_stores_nothing(tmp_path: Path) -> None:
    """The client went away halfway: no chunk, no file, but the URL is spent."""
    async with (
        Emulator(chunk_size=CHUNK, data_dir=tmp_path) as emulator,
        aiohttp.ClientSession() as http,
    ):
        uploads = UploadsOverHttp(emulator, http, ManualClock())
        session = await uploads.create()
        url = session["upload_urls"][0]["url"]
        _, writer = await send_part(url, session["upload_headers"], piece(1)[: CHUNK // 2])
        await hang_up(writer)
        await until_over(emulator, "put")
        assert not await uploads.stored(1)
        assert not files_in(tmp_path)
        assert b"already used" in (await uploads.put(url)).body
        cut = next(exchange for exchange in emulator.requests if exchange.route == "put")
        assert (cut.status, cut.received) == (None, CHUNK // 2)


async def test_a_broken_upload_leaves_no_file(tmp_path: Path) -> None:
    """What was on the disk already of a chunk that broke off is removed."""
    large = 8 * 2**20
    async with (
        Emulator(chunk_size=large, data_dir=tmp_path) as emulator,
        aiohttp.ClientSession() as http,
    ):
        uploads = UploadsOverHttp(emulator, http, ManualClock())
        body = {"filename": "a", "type": "audio", "total_size": large}
        uploads.session = (await uploads.api("POST", "/assets/multipart-uploads", json=body)).json
        url, headers = uploads.session["upload_urls"][0]["url"], uploads.session["upload_headers"]
        headers = {**headers, "Content-Length": str(large)}
        _, writer = await send_part(url, headers, bytes(large // 2))
        while not files_in(tmp_path):
            await asyncio.sleep(0)
        await hang_up(writer)
        await until_over(emulator, "put")
        assert not files_in(tmp_path)


async def test_a_given_directory_keeps_the_chunks(tmp_path: Path) -> None:
    """Chunks are files ``<upload_id>/<index>``, and they outlive the emulator."""
    async with (
        Emulator(chunk_size=CHUNK, data_dir=str(tmp_path)) as emulator,
        aiohttp.ClientSession() as http,
    ):
        uploads = UploadsOverHttp(emulator, http, ManualClock())
        await uploads.finish()
    kept = sorted((tmp_path / uploads.session["upload_id"]).iterdir())
    assert [path.name for path in kept] == ["1", "2", "3"]
    assert b"".join(path.read_bytes() for path in kept) == CONTENT


async def test_exchanges_say_what_was_asked(uploads: UploadsOverHttp) -> None:
    """Route, raw target, status, headers, bytes, connection, and what it was about."""
    session = await uploads.create()
    url = session["upload_urls"][1]["url"]
    await uploads.put(url, 2)
    await uploads.report(2)
    assert [e.route for e in uploads.emulator.requests] == ["create", "put", "report"]
    assert [e.arrival for e in uploads.emulator.requests] == [1, 2, 3]
    put = uploads.emulator.requests[1]
    assert (put.origin, put.method, put.status, put.received) == ("store", "PUT", 200, CHUNK)
    assert uploads.emulator.store_url + put.path == url
    assert (put.upload_id, put.chunk_index) == (session["upload_id"], 2)
    assert ("Content-Type", "application/octet-stream") in put.headers
    assert uploads.emulator.requests[2].upload_id == session["upload_id"]
    assert uploads.emulator.count("put") == 1


async def test_connections_are_told_apart(uploads: UploadsOverHttp) -> None:
    """A kept-alive connection counts once, a new one counts again."""
    await uploads.api("GET", "/assets/multipart-uploads")
    await uploads.api("GET", "/assets/multipart-uploads", headers={"Connection": "close"})
    await uploads.api("GET", "/assets/multipart-uploads")
    assert [e.connection for e in uploads.emulator.requests] == [1, 1, 2]
    assert uploads.emulator.connections("api") == 2
    assert uploads.emulator.connections("store") == 0


async def test_a_scripted_answer_spends_the_url_and_stores_nothing(
    uploads: UploadsOverHttp,
) -> None:
    """The body is read, the answer is the script's, and a retry needs another URL."""
    fault = uploads.emulator.faults.add(
        Fault(route="put", chunk_index=2, action=store_error(503, "SlowDown", "a<b"))
    )
    session = await uploads.create()
    url = session["upload_urls"][1]["url"]
    reply = await uploads.put(url, 2)
    assert (reply.status, code(reply)) == (503, "SlowDown")
    assert reply.headers["content-type"] == "application/xml"
    assert b"a&lt;b" in reply.body
    assert uploads.emulator.requests[-1].received == CHUNK
    assert not await uploads.stored(2)
    assert (await uploads.put(url, 2)).status == 403
    assert (await uploads.put(await uploads.url(2), 2)).status == 200
    assert fault.hits == 1


async def test_a_scripted_answer_may_carry_headers(uploads: UploadsOverHttp) -> None:
    """A rate limit with ``Retry-After``, instead of handling the request."""
    fault = Fault(
        route="create", action=api_error(429, "too_many_requests", "slow", {"Retry-After": "7"})
    )
    uploads.emulator.faults.add(fault)
    reply = await uploads.api("POST", "/assets/multipart-uploads", json={})
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    assert reply.json == {"code": "too_many_requests", "message": "slow"}
    assert not uploads.emulator.platform.uploads
    assert fault.hits == 1


async def test_faults_befall_only_requests_that_are_let_in(uploads: UploadsOverHttp) -> None:
    """A wrong key or a spoilt URL does not use a fault up."""
    session = await uploads.create()
    uploads.emulator.faults.add(Fault(route="list", action=Answer(500)))
    uploads.emulator.faults.add(Fault(route="put", action=Answer(500)))
    await uploads.ask("GET", uploads.emulator.base_url + "/assets/multipart-uploads")
    await uploads.put(session["upload_urls"][0]["url"] + "0")
    assert len(uploads.emulator.faults.unused()) == 2


@pytest.mark.parametrize(
    ("when", "stored"), [("before", False), ("middle", False), ("after", True)]
)
async def test_a_cut_connection_has_no_answer(
    uploads: UploadsOverHttp, when: Any, stored: bool
) -> None:
    """Before and halfway nothing is stored; after, the chunk is there and only the answer lost.

    Over a socket of its own: aiohttp's client sends a PUT again when its connection breaks.
    """
    fault = uploads.emulator.faults.add(Fault(route="put", action=Cut(when)))
    session = await uploads.create()
    url, headers = session["upload_urls"][0]["url"], session["upload_headers"]
    reader, writer = await send_part(url, headers, piece(1))
    assert await answered(reader) == b""
    await hang_up(writer)
    await until_over(uploads.emulator, "put")
    exchange = next(each for each in uploads.emulator.requests if each.route == "put")
    assert exchange.status is None
    assert exchange.received == {"before": 0, "middle": CHUNK // 2, "after": CHUNK}[when]
    assert fault.hits == 1
    assert await uploads.stored(1) is stored


async def test_a_lost_report_took_effect(uploads: UploadsOverHttp) -> None:
    """The report counts although its answer never came; the repeat is all duplicates."""
    await uploads.create()
    await uploads.put(uploads.session["upload_urls"][0]["url"])
    uploads.emulator.faults.add(Fault(route="report", action=Cut("after")))
    with pytest.raises(aiohttp.ClientConnectionError):
        await uploads.report(1)
    assert (await uploads.report(1)).json["duplicate_chunks"] == 1


@pytest.mark.parametrize(
    ("when", "stored"), [("before", False), ("middle", False), ("after", True)]
)
async def test_a_stall_ends_when_the_client_goes_away(
    uploads: UploadsOverHttp, when: Any, stored: bool
) -> None:
    """The client's own timeout ends it, and the emulator's handler ends too."""
    fault = uploads.emulator.faults.add(Fault(route="put", action=Stall(when)))
    session = await uploads.create()
    with pytest.raises(TimeoutError):
        await uploads.put(session["upload_urls"][0]["url"], timeout=SHORT)
    await until_over(uploads.emulator, "put")
    assert uploads.emulator.requests[-1].status is None
    assert fault.hits == 1
    assert await uploads.stored(1) is stored


async def test_a_stall_ends_with_the_emulator() -> None:
    """Closing does not wait for a stalled client, and leaves no task behind."""
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as http, Emulator(chunk_size=CHUNK) as emulator:
        uploads = UploadsOverHttp(emulator, http, ManualClock())
        session = await uploads.create()
        emulator.faults.add(Fault(route="put", action=Stall("middle")))
        put = asyncio.create_task(uploads.put(session["upload_urls"][0]["url"]))
        while emulator.faults.unused():
            await asyncio.sleep(0)
        await emulator.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await put
        assert emulator.count("put") == 1
    assert asyncio.all_tasks() == before


async def test_a_rewritten_answer_took_effect(uploads: UploadsOverHttp) -> None:
    """The payload is altered, the status is not, and the platform did its part."""

    def without_url(payload: Json) -> Json:
        return {**payload, "url": None}

    fault = uploads.emulator.faults.add(Fault(route="report", action=Rewrite(without_url)))
    answer = await uploads.finish()
    assert answer["url"] is None
    assert answer["total_completed"] == 3
    assert fault.hits == 1


@pytest.mark.parametrize("page", ["<html>", b"<html>"])
async def test_an_answer_may_be_rewritten_as_html(
    uploads: UploadsOverHttp, page: str | bytes
) -> None:
    """As from a proxy on the way, that answers 200 with a page."""
    uploads.emulator.faults.add(Fault(route="list", action=Rewrite(lambda _: page)))
    reply = await uploads.api("GET", "/assets/multipart-uploads")
    assert (reply.status, reply.body) == (200, b"<html>")
    assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("etag", [None, 'W/"abc"', "bare"])
async def test_an_etag_may_be_replaced_or_missing(
    uploads: UploadsOverHttp, etag: str | None
) -> None:
    """The chunk is stored; only the header is another."""
    fault = uploads.emulator.faults.add(Fault(route="put", action=Etag(etag)))
    session = await uploads.create()
    reply = await uploads.put(session["upload_urls"][0]["url"])
    assert reply.headers.get("etag") == etag
    assert await uploads.stored(1)
    assert fault.hits == 1


async def test_a_store_may_have_etags_of_its_own(uploads: UploadsOverHttp) -> None:
    """What stands in the header is then what a report has to name, and not the MD5."""
    uploads.emulator.faults.add(Fault(route="put", action=Etag('"of-its-own"', kept=True)))
    session = await uploads.create()
    reply = await uploads.put(session["upload_urls"][0]["url"])
    assert reply.headers["etag"] == '"of-its-own"'
    assert (await uploads.report(1)).status == 400
    chunk = {"chunk_index": 1, "proof": "of-its-own", "proof_type": "etag", "chunk_size": CHUNK}
    assert (
        await uploads.api("POST", uploads.path, json={"completed_chunks": [chunk]})
    ).status == 200


async def test_a_chunk_may_be_stored_with_another_bit(uploads: UploadsOverHttp) -> None:
    """One bit, and the ETag is the MD5 of what is stored: so the sender can see it."""
    uploads.emulator.faults.add(Fault(route="put", action=Corrupt()))
    session = await uploads.create()
    reply = await uploads.put(session["upload_urls"][0]["url"])
    assert reply.headers["etag"] == f'"{md5(bytes([piece(1)[0] ^ 0x80]) + piece(1)[1:])}"'


async def test_a_put_may_be_answered_as_expired(uploads: UploadsOverHttp) -> None:
    """Although the URL is fresh: 403, nothing stored, and the URL is spent."""
    fault = uploads.emulator.faults.add(Fault(route="put", action=Expire()))
    session = await uploads.create()
    url = session["upload_urls"][0]["url"]
    reply = await uploads.put(url)
    assert (reply.status, code(reply)) == (403, "AccessDenied")
    assert b"Request has expired" in reply.body
    assert not await uploads.stored(1)
    assert b"already used" in (await uploads.put(url)).body
    assert fault.hits == 1


async def test_a_fetch_may_fail_too(uploads: UploadsOverHttp) -> None:
    """The asset URL is a route of its own."""
    answer = await uploads.finish()
    uploads.emulator.faults.add(Fault(route="fetch", action=store_error(500, "InternalError", "x")))
    assert (await uploads.ask("GET", answer["url"])).status == 500
    assert (await uploads.ask("GET", answer["url"])).body == CONTENT


async def test_closing_leaves_nothing_behind() -> None:
    """No task, no port, no temporary directory, although a client is still connected."""
    before = asyncio.all_tasks()
    emulator = Emulator(chunk_size=CHUNK)
    await emulator.start()
    async with aiohttp.ClientSession() as http:
        uploads = UploadsOverHttp(emulator, http, ManualClock())
        await uploads.finish()
        directory = emulator.data_dir
        assert directory.is_dir()
        await emulator.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await uploads.api("GET", "/assets/multipart-uploads")
    assert not directory.exists()
    assert asyncio.all_tasks() == before


async def test_a_taken_port_is_an_error_that_leaves_nothing(uploads: UploadsOverHttp) -> None:
    """The failed start takes down what it had begun."""
    taken = URL(uploads.emulator.base_url).port
    assert taken is not None
    second = Emulator(port=taken)
    before = asyncio.all_tasks()
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    await second.close()
    assert asyncio.all_tasks() == before


def test_only_loopback_is_served() -> None:
    """The emulator is nobody else's business."""
    with pytest.raises(ValueError, match="this machine only"):
        Emulator(host="0.0.0.0")  # noqa: S104 - the point
