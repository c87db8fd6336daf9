"""The emulator's assets over real sockets, asked by a bare aiohttp client."""

import asyncio
import hashlib
import io
import json
import socket
import tracemalloc
import wave
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from attrs import Factory, define
from yarl import URL

from twelvelabs_async.emulator import (
    Answer,
    Cut,
    Emulator,
    Fault,
    Limits,
    Rewrite,
    Segment,
    Stall,
    Transcript,
    api_error,
    disk,
)
from twelvelabs_async.emulator.fetching import Localhost
from twelvelabs_async.emulator.forms import METHOD_REFUSED

FILM = bytes(range(256)) * 1_000
IMAGE_LIMIT = 1_000
BOUNDARY = "----boundary"
FORM_TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
SHORT = aiohttp.ClientTimeout(total=0.3)
Json = dict[str, Any]


@define
class AssetReply:
    """An answer, read whole."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Json:
        """Return the body as JSON."""
        payload: Json = json.loads(self.body)
        return payload

    @property
    def error(self) -> tuple[int, str]:
        """Return status and code."""
        return self.status, self.json["code"]


@define
class AssetsOverHttp:
    """An emulator, a client, and the directory of the files."""

    emulator: Emulator
    http: aiohttp.ClientSession
    files: Path

    async def api(self, method: str, path: str, **options: Any) -> AssetReply:
        """Ask the API, with the key."""
        headers = {"x-api-key": self.emulator.api_key, **options.pop("headers", {})}
        return await self.ask(method, self.emulator.base_url + path, headers=headers, **options)

    async def ask(self, method: str, url: str, **options: Any) -> AssetReply:
        """Send a request to a raw URL and read the answer whole."""
        async with self.http.request(method, URL(url, encoded=True), **options) as response:
            return AssetReply(response.status, response.content_type, await response.read())

    async def create(
        self, name: str = "film.mp4", content: bytes = FILM, **fields: str
    ) -> AssetReply:
        """Upload a file directly; the fields stand around it."""
        form = aiohttp.FormData({"method": "direct"})
        form.add_field("file", io.BytesIO(content), filename=name)
        for key, value in fields.items():
            form.add_field(key, value)
        return await self.api("POST", "/assets", data=form)

    async def by_url(self, url: str, **fields: str) -> AssetReply:
        """Make an asset from a URL."""
        form = aiohttp.MultipartWriter("form-data")
        for key, value in {"method": "url", "url": url, **fields}.items():
            form.append(value).set_content_disposition("form-data", name=key)
        return await self.api("POST", "/assets", data=form)

    async def multipart(self, content: bytes, name: str = "film.mp4") -> Json:
        """Upload a file in one chunk; return the answer to its report and the session."""
        kind = "audio" if name.endswith("wav") else "video"
        body = {"filename": name, "type": kind, "total_size": len(content)}
        session = (await self.api("POST", "/assets/multipart-uploads", json=body)).json
        url, headers = session["upload_urls"][0]["url"], session["upload_headers"]
        await self.ask("PUT", url, data=content, headers=headers)
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        chunk = {"chunk_index": 1, "proof": etag, "proof_type": "etag", "chunk_size": len(content)}
        path = f"/assets/multipart-uploads/{session['upload_id']}"
        answer = await self.api("POST", path, json={"completed_chunks": [chunk]})
        return {**session, **answer.json}

    @property
    def left(self) -> list[Path]:
        """Return everything that is in the directory."""
        return list(self.files.rglob("*"))


@pytest.fixture
async def assets(tmp_path: Path) -> AsyncIterator[AssetsOverHttp]:
    """Run an emulator of small limits whose assets tell their URL."""
    limits = Limits(direct=len(FILM), url=len(FILM), image=IMAGE_LIMIT)
    async with (
        Emulator(data_dir=tmp_path, limits=limits, name_url="asset") as emulator,
        aiohttp.ClientSession() as http,
    ):
        yield AssetsOverHttp(emulator, http, tmp_path)


@define
class Source:
    """A server on loopback that has files to make assets of, and counts who asks."""

    url: str = ""
    asked: list[str] = Factory(list[str])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the path says."""
        path = request.raw_path.partition("?")[0]
        self.asked.append(path)
        if path.startswith("/to/"):
            return web.Response(status=302, headers={"Location": path.removeprefix("/to/")})
        match path:
            case "/endless.mp4":
                return await self.endless(request)
            case "/broken.mp4":
                return await self.broken(request)
            case _:
                return self.whole(path)

    def whole(self, path: str) -> web.Response:
        """Answer what is known at once."""
        answers: dict[str, Json] = {
            "/loop": {"status": 307, "headers": {"Location": "/loop"}},
            "/gone.mp4": {"status": 404},
            "/large.mp4": {"body": FILM * 9},
            "/empty.mp4": {},
            "/photo": {"body": bytes(IMAGE_LIMIT + 1), "content_type": "image/png"},
        }
        return web.Response(**answers.get(path, {"body": FILM}))

    async def endless(self, request: web.Request) -> web.StreamResponse:
        """Send without announcing how much."""
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(bytes(100_000))
        return response

    async def broken(self, request: web.Request) -> web.StreamResponse:
        """Break off halfway."""
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(bytes(50))
        assert request.transport is not None
        request.transport.close()
        return response


@pytest.fixture
async def source() -> AsyncIterator[Source]:
    """Run a source."""
    made = Source()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def test_a_direct_asset_arrives_byte_for_byte(assets: AssetsOverHttp) -> None:
    """201, and the store serves what was sent; name and metadata come from the form."""
    reply = await assets.create(
        filename="caf\u00e9 a/b.mp4", user_metadata='{"a": 1}', enable_hls="true"
    )
    assert reply.status == 201
    assert set(reply.json) == {
        "_id", "method", "status", "filename", "file_type", "created_at", "user_metadata",
    }  # fmt: skip
    asset = (await assets.api("GET", f"/assets/{reply.json['_id']}")).json
    assert (asset["method"], asset["status"], asset["size"]) == ("direct", "ready", len(FILM))
    assert (asset["filename"], asset["user_metadata"]) == ("caf\u00e9 a/b.mp4", {"a": 1})
    assert asset["hls"]["status"] == "ready"
    assert (await assets.ask("GET", asset["url"])).body == FILM
    assert await assets.emulator.sha256(asset["_id"]) == hashlib.sha256(FILM).hexdigest()
    exchange = assets.emulator.requests[0]
    assert (exchange.route, exchange.status) == ("create_asset", 201)
    assert exchange.received == int(dict(exchange.headers)["Content-Length"])


async def test_the_file_names_the_asset(assets: AssetsOverHttp) -> None:
    """Without a filename of its own the form's file gives the name."""
    assert (await assets.create("other.mov")).json["filename"] == "other.mov"


def form(*parts: str, end: str = "--\r\n") -> bytes:
    """Write a multipart body by hand."""
    return (f"--{BOUNDARY}\r\n" + f"\r\n--{BOUNDARY}\r\n".join(parts)).encode() + (
        f"\r\n--{BOUNDARY}{end}".encode()
    )


METHOD = 'Content-Disposition: form-data; name="method"\r\n\r\ndirect'
FILE = 'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\nfilm'
NESTED = "Content-Type: multipart/mixed; boundary=y\r\n\r\n--y--"
LARGE = f'Content-Disposition: form-data; name="method"\r\n\r\n{"x" * (2**20 + 1)}'


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{}", "content_type_invalid"),
        ("application/x-www-form-urlencoded", b"method=direct", "content_type_invalid"),
        ("multipart/mixed; boundary=x", form(METHOD), "content_type_invalid"),
        ("multipart/form-data", form(METHOD, FILE), "multipart_boundary_missing"),
        ('multipart/form-data; boundary=""', form(METHOD, FILE), "multipart_boundary_missing"),
        (f"multipart/form-data; boundary={'x' * 71}", form(METHOD), "invalid_multipart"),
        ("multipart/form-data; boundary=other", form(METHOD, FILE), "invalid_multipart"),
        (None, b"", "invalid_multipart"),
        (None, form(METHOD, FILE)[:-10], "invalid_multipart"),
        (None, form(METHOD, FILE, end="")[: -len(BOUNDARY) - 4], "invalid_multipart"),
        (None, form(METHOD, "film"), "invalid_multipart"),
        (None, form(METHOD, "Content-Type: text/plain\r\n\r\nfilm"), "invalid_multipart"),
        (None, form(METHOD, NESTED), "invalid_multipart"),
        (None, form(LARGE), "invalid_multipart"),
        (None, form(METHOD).replace(b"direct", b"\xff"), "invalid_multipart"),
        (None, form(FILE, METHOD, FILE), "parameter_invalid"),
        (None, form(METHOD, FILE.replace('"file"', '"movie"')), "parameter_unknown"),
        (None, form(METHOD, FILE.replace('; filename="a.mp4"', "")), "parameter_invalid"),
        (None, form(METHOD), "parameter_not_provided"),
    ],
)  # fmt: skip
async def test_a_bad_form_is_refused(
    assets: AssetsOverHttp, content_type: str | None, body: bytes, code: str
) -> None:
    """Each mistake has its code, makes no asset and leaves no file."""
    headers = FORM_TYPE if content_type is None else {"Content-Type": content_type}
    reply = await assets.api("POST", "/assets", data=io.BytesIO(body), headers=headers)
    assert reply.error == (400, code)
    assert not assets.emulator.platform.assets
    assert assets.left == []


async def test_a_form_written_by_hand_is_taken(assets: AssetsOverHttp) -> None:
    """Else the test above would prove nothing."""
    reply = await assets.api("POST", "/assets", data=form(METHOD, FILE), headers=FORM_TYPE)
    assert reply.status == 201
    assert [path.read_bytes() for path in assets.left if path.is_file()] == [b"film"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"method": "multipart"}, METHOD_REFUSED),
        ({"enable_hls": "maybe"}, 'strconv.ParseBool: parsing "maybe": invalid syntax'),
    ],
)
async def test_raw_texts_have_no_code(
    assets: AssetsOverHttp, fields: dict[str, str], text: str
) -> None:
    """What binding and validator say is plain text."""
    body = aiohttp.FormData({"method": "direct", **fields})
    body.add_field("file", b"film", filename="a.mp4")
    reply = await assets.api("POST", "/assets", data=body)
    assert (reply.status, reply.content_type, reply.body.decode()) == (400, "text/plain", text)
    assert assets.left == []


@pytest.mark.parametrize(("name", "limit"), [("a.mp4", len(FILM)), ("a.png", IMAGE_LIMIT)])
async def test_a_file_too_large_is_refused_with_both_figures(
    assets: AssetsOverHttp, name: str, limit: int
) -> None:
    """The limit itself is allowed; the size that is told is that of the whole file."""
    assert (await assets.create(name, bytes(limit))).status == 201
    size = limit + 300_000
    before = assets.left
    reply = await assets.create(name, bytes(size))
    assert reply.error == (400, "media_filesize_too_large")
    assert f"{limit} bytes" in reply.json["message"]
    assert f"{size} bytes" in reply.json["message"]
    assert assets.left == before


async def test_what_exceeds_the_limit_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's mistake does not fill the disk."""
    written = 0

    def count(_fd: int, piece: bytes) -> None:
        nonlocal written
        written += len(piece)

    monkeypatch.setattr(disk, "_write_whole", count)
    limits = Limits(direct=1_000, image=10, url=2**30)
    async with Emulator(limits=limits) as emulator, aiohttp.ClientSession() as http:
        reply = await AssetsOverHttp(emulator, http, Path()).create(content=FILM * 10)
    assert reply.error == (400, "media_filesize_too_large")
    assert written <= 1_000


async def test_an_unsupported_type_is_refused(assets: AssetsOverHttp) -> None:
    """By name, and by what the sender says."""
    reply = await assets.create("setup.exe", b"MZ")
    assert reply.error == (400, "media_url_unsupported_format")
    assert "setup.exe" in reply.json["message"]
    assert assets.left == []


@pytest.mark.real_time  # tens of MB, through full buffers
@pytest.mark.parametrize("first", [1, 20, 150, 200, 100_000])
async def test_a_form_may_come_in_any_pieces(first: int) -> None:
    """A little, and then more than the parser reads at once, full of almost-boundaries."""
    content = (b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n") * 600_000
    body = form(METHOD, FILE).replace(b"film", content)
    place = body.index(content) + first

    async def pieces() -> AsyncIterator[bytes]:
        yield body[:place]
        for start, end in ((place, place + 5), (place + 5, None)):
            for _ in range(50):  # until the parser has taken up what came before
                await asyncio.sleep(0)
            yield body[start:end]

    async with Emulator() as emulator, aiohttp.ClientSession() as http:
        assets = AssetsOverHttp(emulator, http, Path())
        reply = await assets.api("POST", "/assets", data=pieces(), headers=FORM_TYPE)
        assert reply.status == 201
        assert await emulator.sha256(reply.json["_id"]) == hashlib.sha256(content).hexdigest()


@pytest.mark.real_time
async def test_a_file_is_not_held_in_memory() -> None:
    """32 MiB pass through in a few."""

    async def pieces() -> AsyncIterator[bytes]:
        head, tail = form(METHOD, FILE).split(b"film")
        yield head
        for _ in range(512):
            yield bytes(2**16)
        yield tail

    async with Emulator() as emulator, aiohttp.ClientSession() as http:
        assets = AssetsOverHttp(emulator, http, Path())
        tracemalloc.start()
        try:
            reply = await assets.api("POST", "/assets", data=pieces(), headers=FORM_TYPE)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert reply.status == 201
    assert emulator.platform.assets[reply.json["_id"]].size == 32 * 2**20
    assert peak < 12 * 2**20


def wav() -> bytes:
    """Return a quarter of a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(2000))
    return file.getvalue()


async def test_a_wav_file_tells_its_figures(assets: AssetsOverHttp) -> None:
    """Uploaded directly or in chunks."""
    direct = (await assets.create("a.wav", wav())).json["_id"]
    chunked = (await assets.multipart(wav(), "a.wav"))["asset_id"]
    answers = [(await assets.api("GET", f"/assets/{each}")).json for each in (direct, chunked)]
    assert [each["duration"] for each in answers] == [0.25, 0.25]
    assert answers[0]["technical_metadata"] == answers[1]["technical_metadata"]


async def test_a_url_is_fetched_from_loopback(assets: AssetsOverHttp, source: Source) -> None:
    """By address, by ``localhost``, and through redirects; the last step names the asset."""
    local = source.url.replace("127.0.0.1", "localhost")
    for url in (
        f"{source.url}/my%20film.mp4?x=1",
        f"{source.url}/my film.mp4",
        f"{local}/my%20film.mp4",
        f"{source.url}/to/{local}/my%20film.mp4",
    ):
        reply = await assets.by_url(url)
        assert reply.status == 201
        asset = (await assets.api("GET", f"/assets/{reply.json['_id']}")).json
        assert (asset["method"], asset["filename"]) == ("url", "my film.mp4")
        assert (asset["status"], asset["size"]) == ("ready", len(FILM))
        assert (await assets.ask("GET", asset["url"])).body == FILM
    reply = await assets.by_url(f"{source.url}/x", filename="own.mov", enable_thumbnail="1")
    assert (reply.json["filename"], reply.json["file_type"]) == ("own.mov", "video/quicktime")


def watch(monkeypatch: pytest.MonkeyPatch) -> tuple[list[object], set[str]]:
    """Watch which names are looked up, and which addresses contacted."""
    loop = asyncio.get_running_loop()
    looked_up: list[object] = []
    contacted: set[str] = set()
    connect = loop.sock_connect

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        contacted.add(address[0])
        await connect(sock, address)

    monkeypatch.setattr(loop, "getaddrinfo", looked_up.append)
    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    return looked_up, contacted


@pytest.mark.parametrize(
    "host",
    ["192.0.2.1", "example.com", "localhost.example.com", "127.1", "2130706433", "[2001:db8::1]"],
)
async def test_nothing_beyond_loopback_is_contacted(
    assets: AssetsOverHttp, source: Source, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Neither at once nor by a redirect; no name is looked up."""
    tried, contacted = watch(monkeypatch)
    for url in (f"http://{host}/a.mp4", f"{source.url}/to/http://{host}/a.mp4"):
        reply = await assets.by_url(url)
        assert reply.error == (400, "media_url_not_accessible")
        assert host in reply.json["message"]
    assert tried == []
    assert contacted == {"127.0.0.1"}
    assert assets.left == []


async def test_localhost_is_not_looked_up(
    assets: AssetsOverHttp, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever answers for names has no say in where it is; other names are nowhere."""
    tried, contacted = watch(monkeypatch)
    local = source.url.replace("127.0.0.1", "localhost")
    assert (await assets.by_url(f"{local}/a.mp4")).status == 201
    assert tried == []
    assert contacted <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match="not this machine"):
        await Localhost().resolve("example.com")


async def test_a_url_is_asked_for_as_it_is_written(assets: AssetsOverHttp, source: Source) -> None:
    """It may be signed; a URL too large tells its whole size."""
    await assets.by_url(f"{source.url}/a%7e%2F+b~.mp4")
    assert source.asked == ["/a%7e%2F+b~.mp4"]
    reply = await assets.by_url(f"{source.url}/large.mp4")
    assert f"{9 * len(FILM)} bytes" in reply.json["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/gone.mp4", "media_url_not_accessible"),
        ("/loop", "media_url_not_accessible"),
        ("/to/file:///etc/passwd", "media_url_not_accessible"),
        ("/empty.mp4", "media_url_file_broken"),
        ("/broken.mp4", "media_url_file_broken"),
        ("/endless.mp4", "media_filesize_too_large"),
        ("/photo", "media_filesize_too_large"),
        ("/film.exe", "media_url_unsupported_format"),
    ],
)
async def test_a_url_without_a_good_file_is_refused(
    assets: AssetsOverHttp, source: Source, path: str, code: str
) -> None:
    """Each kind has its code, makes no asset and leaves no file."""
    assert (await assets.by_url(source.url + path)).error == (400, code)
    assert not assets.emulator.platform.assets
    assert assets.left == []


async def test_a_refused_connection_is_not_accessible(assets: AssetsOverHttp) -> None:
    """Nobody listens there."""
    reply = await assets.by_url("http://127.0.0.1:1/a.mp4")
    assert reply.error == (400, "media_url_not_accessible")


async def test_assets_are_listed_over_http(assets: AssetsOverHttp) -> None:
    """Repeated parameters are all heard."""
    ids = [(await assets.create(name)).json["_id"] for name in ("a.mp4", "b.wav", "c.mp4")]
    ids.append((await assets.multipart(FILM))["asset_id"])
    listed = (await assets.api("GET", "/assets")).json
    assert [each["_id"] for each in listed["data"]] == ids[::-1]
    query = f"?asset_ids={ids[0]}&asset_ids={ids[1]}&asset_types=video&asset_types=image"
    listed = (await assets.api("GET", f"/assets{query}")).json
    assert [each["_id"] for each in listed["data"]] == ids[:1]
    assert (await assets.api("GET", "/assets?page_limit=51")).error == (400, "parameter_invalid")


async def test_a_deleted_asset_is_gone_with_its_files(assets: AssetsOverHttp) -> None:
    """Direct or multipart: an empty 200, then 404 at both origins."""
    for asset_id in (
        (await assets.create()).json["_id"],
        (await assets.multipart(FILM))["asset_id"],
    ):
        url = (await assets.api("GET", f"/assets/{asset_id}")).json["url"]
        reply = await assets.api("DELETE", f"/assets/{asset_id}")
        assert (reply.status, reply.body) == (200, b"")
        assert (await assets.api("GET", f"/assets/{asset_id}")).error == (404, "resource_not_exist")
        again = await assets.api("DELETE", f"/assets/{asset_id}?force=true")
        assert again.error == (404, "resource_not_exist")
        served = await assets.ask("GET", url)
        assert (served.status, b"NoSuchKey" in served.body) == (404, True)
        with pytest.raises(KeyError):
            await assets.emulator.sha256(asset_id)
    assert assets.left == []


async def test_a_reference_blocks_a_delete(assets: AssetsOverHttp) -> None:
    """409, which tells of ``force``."""
    asset_id = (await assets.create()).json["_id"]
    assets.emulator.reference(asset_id)
    reply = await assets.api("DELETE", f"/assets/{asset_id}")
    assert reply.status == 409
    assert "force" in reply.json["message"]
    assert assets.left
    assert (await assets.api("DELETE", f"/assets/{asset_id}?force=true")).status == 200
    assert assets.left == []


async def test_a_chunk_for_a_deleted_asset_is_refused(assets: AssetsOverHttp) -> None:
    """Its session went with it, also while a chunk was on its way."""
    body = {"filename": "film.mp4", "type": "video", "total_size": len(FILM)}
    session = (await assets.api("POST", "/assets/multipart-uploads", json=body)).json
    url, headers = session["upload_urls"][0]["url"], session["upload_headers"]
    deleted = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield FILM[:1000]
        await deleted.wait()
        yield FILM[1000:]

    put = assets.ask(
        "PUT", url, data=slowly(), headers={**headers, "Content-Length": str(len(FILM))}
    )
    task = asyncio.create_task(put)
    while not assets.emulator.platform.uploads[session["upload_id"]].chunk(1).used:
        await asyncio.sleep(0)
    assert (await assets.api("DELETE", f"/assets/{session['asset_id']}")).status == 200
    deleted.set()
    for reply in (await task, await assets.ask("PUT", url, data=FILM, headers=headers)):
        assert (reply.status, b"NoSuchUpload" in reply.body) == (404, True)
    assert [path for path in assets.left if path.is_file()] == []


async def test_metadata_is_changed_over_http(assets: AssetsOverHttp) -> None:
    """Each method answers an empty 200."""
    asset_id = (await assets.create(user_metadata='{"a": 1, "b": 2}')).json["_id"]
    path = f"/assets/{asset_id}/user-metadata"

    async def now(method: str, body: Json | None = None) -> object:
        reply = await assets.api(method, path, json=body)
        assert (reply.status, reply.body) == (200, b"")
        return (await assets.api("GET", f"/assets/{asset_id}")).json.get("user_metadata")

    assert await now("PATCH", {"user_metadata": {"a": None, "c": "x"}}) == {"b": 2, "c": "x"}
    assert await now("PUT", {"user_metadata": {"d": 4}}) == {"d": 4}
    assert await now("DELETE") is None
    reply = await assets.api("PATCH", path, data=b"{}")
    assert reply.error == (400, "content_type_invalid")


async def test_a_failure_can_be_scripted(assets: AssetsOverHttp) -> None:
    """By name, before the asset is made."""
    assets.emulator.fail_asset("film.mp4", "the video is broken")
    reply = await assets.create()
    assert reply.json["status"] == "processing"
    asset = (await assets.api("GET", f"/assets/{reply.json['_id']}")).json
    assert (asset["status"], asset["error"]) == ("failed", {"message": "the video is broken"})


async def test_a_transcription_is_told_over_http(assets: AssetsOverHttp) -> None:
    """Of what was set for its name; values of ``include`` repeat in the query."""
    said = (Segment(0, 1.5, "Grüße"),)
    assets.emulator.transcribe("film.mp4", Transcript(words=said, utterances=said))
    path = f"/assets/{(await assets.create()).json['_id']}/transcription"
    told = [{"start": 0, "end": 1.5, "value": "Grüße"}]
    assert (await assets.api("GET", path)).json == {"status": "ready", "words": told}
    both = (await assets.api("GET", f"{path}?include=sentences&include=utterances")).json
    assert both == {"status": "ready", "utterances": told}
    reply = await assets.api("GET", f"{path}?include=letters")
    assert reply.error == (400, "parameter_invalid")
    assert assets.emulator.count("transcription") == 3


async def until_over(emulator: Emulator, route: str, count: int = 1) -> None:
    """Let others run until so many requests of the route are over."""
    while emulator.count(route) < count:
        await asyncio.sleep(0)


async def sent_by_hand(assets: AssetsOverHttp, body: bytes, part: int) -> asyncio.StreamWriter:
    """Send the head and a part of the body of a creation over a connection of one's own."""
    at = URL(assets.emulator.base_url)
    assert at.host is not None
    _, writer = await asyncio.open_connection(at.host, at.port)
    fields = {
        "Host": str(at.authority),
        "x-api-key": assets.emulator.api_key,
        "Content-Length": str(len(body)),
        **FORM_TYPE,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"POST /v1.3/assets HTTP/1.1\r\n{head}\r\n".encode() + body[:part])
    with suppress(ConnectionError):
        await writer.drain()
    return writer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection that the other side may have aborted."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@pytest.mark.parametrize("action", [Cut, Stall])
@pytest.mark.parametrize("when", ["before", "middle", "after"])
async def test_a_creation_may_be_cut_or_stalled(
    assets: AssetsOverHttp, action: Any, when: Any
) -> None:
    """Before and halfway nothing took effect; after, only the answer is lost."""
    fault = assets.emulator.faults.add(Fault(route="create_asset", action=action(when)))
    body = form(METHOD, FILE).replace(b"film", FILM)
    writer = await sent_by_hand(assets, body, len(body))
    while not fault.hits or (when == "after" and not assets.emulator.platform.assets):
        await asyncio.sleep(0)
    if action is Stall:
        writer.close()
    await until_over(assets.emulator, "create_asset")
    await hang_up(writer)
    (exchange,) = assets.emulator.requests
    assert exchange.status is None
    received = {"before": 0, "middle": len(body) // 2, "after": len(body)}[when]
    assert exchange.received == received
    assert bool(assets.emulator.platform.assets) == bool(assets.left) == (when == "after")


async def test_a_creation_that_breaks_off_leaves_nothing(assets: AssetsOverHttp) -> None:
    """The client went away halfway through the file."""
    body = form(METHOD, FILE).replace(b"film", FILM)
    writer = await sent_by_hand(assets, body, len(body) // 2)
    while not assets.emulator.connections("api"):
        await asyncio.sleep(0)
    await hang_up(writer)
    await until_over(assets.emulator, "create_asset")
    assert assets.emulator.requests[0].status is None
    assert not assets.emulator.platform.assets
    assert assets.left == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_scripted_answer_reads_the_whole_body(
    assets: AssetsOverHttp, chunked: bool
) -> None:
    """With or without a length; nothing takes effect."""
    error = api_error(400, "video_duration_too_long", "10 hours at most, it has 11")
    assets.emulator.faults.add(Fault(route="create_asset", action=error))
    body = form(METHOD, FILE).replace(b"film", FILM)

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    data = pieces() if chunked else body
    reply = await assets.api("POST", "/assets", data=data, headers=FORM_TYPE)
    assert reply.error == (400, "video_duration_too_long")
    assert assets.emulator.requests[0].received == len(body)
    assert not assets.emulator.platform.assets


async def test_faults_befall_every_route_of_assets(assets: AssetsOverHttp) -> None:
    """Each endpoint by its own name, and an empty answer can be rewritten too."""
    asset_id = (await assets.create()).json["_id"]
    path = f"/assets/{asset_id}"
    for route, method, at in (
        ("create_asset", "POST", "/assets"),
        ("list_assets", "GET", "/assets"),
        ("asset", "GET", path),
        ("delete_asset", "DELETE", path),
        ("transcription", "GET", f"{path}/transcription"),
        ("update_metadata", "PATCH", f"{path}/user-metadata"),
        ("replace_metadata", "PUT", f"{path}/user-metadata"),
        ("delete_metadata", "DELETE", f"{path}/user-metadata"),
    ):
        assets.emulator.faults.add(Fault(route=route, action=Answer(503)))
        assert (await assets.api(method, at)).status == 503
    rewrite = Rewrite(lambda payload: {**payload, "seen": True})
    assets.emulator.faults.add(Fault(route="delete_asset", action=rewrite))
    assert (await assets.api("DELETE", path)).json == {"seen": True}
    assets.emulator.faults.add(Fault(route="create_asset", action=rewrite))
    reply = await assets.create(enable_hls="?")
    assert (reply.status, reply.json) == (400, {"seen": True})
    assert assets.emulator.faults.unused() == []
