"""``client.assets.create``: whole files in one request, and never two assets for one call."""

import asyncio
import io
import json
import os
import tempfile
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.datastructures import UploadFile as StarletteFile
from support.assets import read_asset
from support.files import MakeFile
from support.relay import relay
from support.server import http, raw_server, unused_url

from twelvelabs_async import (
    ApiConnectionError,
    AsyncTwelveLabs,
    BadRequestError,
    ErrorCode,
    InvalidArgumentError,
    OutcomeUnknownError,
    SourceChangedError,
    SourceError,
    TooManyRequestsError,
)
from twelvelabs_async.emulator import Answer, Cut, Emulator, Fault, Rewrite, Stall, api_error

LIMITED = api_error(
    429,
    "too_many_requests",
    "Slow down.",
    {"Retry-After": "7", "X-Ratelimit-Limit": "8", "X-Ratelimit-Remaining": "0"},
)
DOWN = api_error(503, "service_unavailable", "Down.")
BIG = 5_000_000
"""Bytes: more than any buffer on the way takes."""


async def in_pieces(data: bytes, size: int = 1000) -> AsyncGenerator[bytes]:
    for start in range(0, len(data), size):
        await asyncio.sleep(0)
        yield data[start : start + size]


async def names(client: AsyncTwelveLabs) -> list[str | None]:
    return [asset.filename async for asset in await client.assets.list()]


def open_files() -> set[Path]:
    """Return what this process has open."""
    return {entry.resolve() for entry in Path("/proc/self/fd").iterdir()}


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_file_becomes_an_asset(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """One request with an exact length; what was asked for arrives, the bytes too."""
    path = make_file(300_000)
    asset = await client.assets.create(
        method="direct",
        file=path,
        filename="Ferien in Łódź.mp4",
        enable_hls=True,
        enable_thumbnail=False,
        user_metadata={"album": "Süden", "rating": 5, "tags": ["a", "b"]},
    )
    assert (asset.method, asset.filename) == ("direct", "Ferien in Łódź.mp4")
    assert asset.file_type == "video/mp4"
    assert asset.user_metadata == {"album": "Süden", "rating": 5, "tags": ["a", "b"]}
    (request,) = emulator.requests
    headers = dict(request.headers)
    assert int(headers["Content-Length"]) == request.received > 300_000
    assert "Transfer-Encoding" not in headers
    whole = await client.assets.retrieve(asset.id)
    assert whole.size == 300_000
    assert whole.hls is not None
    assert whole.thumbnail is None
    assert await read_asset(emulator, asset.id) == path.read_bytes()


async def test_metadata_may_be_json_text_as_in_the_official_sdk(client: AsyncTwelveLabs) -> None:
    """It is read, so that what would arrive as something else is refused as well."""
    asset = await client.assets.create(
        method="direct", file=("a.mp4", DATA), user_metadata='{"a": true, "b": ["c"]}'
    )
    assert asset.user_metadata == {"a": True, "b": ["c"]}
    for bad in ("[1]", "{", '{"n": 9007199254740993}'):
        with pytest.raises(InvalidArgumentError, match="user_metadata"):
            await client.assets.create(method="direct", file=b"x", user_metadata=bad)


DATA = bytes(range(256)) * 2000


def as_path(path: Path) -> Any:
    return str(path)


def as_handle(path: Path) -> Any:
    return path.open("rb")


def as_spooled(path: Path) -> Any:
    file = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - whoever gets it closes it
    file.write(path.read_bytes())
    file.seek(0)
    return file


WAYS: dict[str, tuple[Callable[[Path], Any], str, bool]] = {
    "a path": (as_path, "clip.mp4", True),
    "an open file": (as_handle, "clip.mp4", True),
    "a spooled file": (lambda p: ("clip.mp4", as_spooled(p)), "clip.mp4", True),
    "bytes": (lambda p: ("clip.mp4", p.read_bytes()), "clip.mp4", True),
    "a memoryview": (lambda p: ("clip.mp4", memoryview(p.read_bytes())), "clip.mp4", True),
    "a buffer": (lambda p: ("clip.mp4", io.BytesIO(p.read_bytes())), "clip.mp4", True),
    "an iterator": (lambda p: ("clip.mp4", in_pieces(p.read_bytes())), "clip.mp4", False),
    "a typed tuple": (lambda p: ("clip", p.read_bytes(), "video/mp4"), "clip", True),
    "a path in a tuple": (lambda p: ("other.mp4", p), "other.mp4", True),
}


@pytest.mark.parametrize("way", WAYS)
async def test_bytes_may_come_in_every_way(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path, way: str
) -> None:
    """Each arrives whole, under its name, with a length where there is one, in one request."""
    hand_over, name, sized = WAYS[way]
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    file = hand_over(path)
    asset = await client.assets.create(method="direct", file=file)
    assert (asset.filename, asset.file_type) == (name, "video/mp4")
    assert await read_asset(emulator, asset.id) == DATA
    (request,) = emulator.requests
    assert ("Content-Length" in dict(request.headers)) is sized
    if way in {"an open file", "a spooled file", "a buffer"}:
        handle = file if way == "an open file" else file[1]
        assert not handle.closed
        handle.close()


async def test_an_open_file_is_sent_from_where_it_stands(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """As the official SDK does."""
    file = io.BytesIO(DATA)
    file.seek(1000)
    asset = await client.assets.create(method="direct", file=file, filename="a.mp4")
    assert await read_asset(emulator, asset.id) == DATA[1000:]


@pytest.mark.real_time
async def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """It has no length and no second reading, and arrives."""
    async with (
        Emulator() as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        reading, writing = os.pipe()

        def fill() -> None:
            with open(writing, "wb") as pipe:  # noqa: PTH123 - a descriptor
                pipe.write(DATA)

        filling = asyncio.create_task(asyncio.to_thread(fill))
        with open(reading, "rb") as pipe:  # noqa: ASYNC230, PTH123 - a descriptor
            asset = await client.assets.create(method="direct", file=("a.mp4", pipe))
        await filling
        assert await read_asset(emulator, asset.id) == DATA


async def test_the_platform_fetches_a_url(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    """The URL's name is the asset's unless another is given."""
    async with raw_server(http("200 OK", DATA, Content_Type="video/mp4")) as server:
        plain = await client.assets.create(method="url", url=f"{server.url}/clip.mp4")
        named = await client.assets.create(
            method="url", url=f"{server.url}/x?sig=1", filename="b.mp4", user_metadata={"a": True}
        )
    assert (plain.method, plain.filename) == ("url", "clip.mp4")
    assert (named.filename, named.user_metadata) == ("b.mp4", {"a": True})
    assert await read_asset(emulator, plain.id) == DATA
    assert emulator.count("create_asset") == 2


@pytest.mark.parametrize("when", ["before", "middle"])
async def test_a_body_that_did_not_get_through_is_sent_again_whole(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, when: Any
) -> None:
    """Two attempts are cut; the third brings every byte, and there is one asset."""
    path = make_file(BIG)
    emulator.faults.add(Fault(route="create_asset", action=Cut(when), times=2))
    asset = await client.assets.create(method="direct", file=path)
    assert await read_asset(emulator, asset.id) == path.read_bytes()
    assert emulator.count("create_asset") == 3
    assert await names(client) == ["video.mp4"]


async def test_a_handle_is_read_again_from_where_it_stood(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Never from where the first attempt left it: that would send the rest, or nothing."""
    data = os.urandom(BIG)
    file = io.BytesIO(data)
    file.seek(10)
    emulator.faults.add(Fault(route="create_asset", action=Cut("middle"), times=2))
    asset = await client.assets.create(method="direct", file=file, filename="a.mp4")
    assert await read_asset(emulator, asset.id) == data[10:]


async def test_what_can_be_read_once_is_sent_once(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The error says why it was not tried again; the generator is closed."""
    pieces = in_pieces(bytes(BIG), 50_000)
    emulator.faults.add(Fault(route="create_asset", action=Cut("middle")))
    with pytest.raises(ApiConnectionError, match=r"a\.mp4 can be read only once"):
        await client.assets.create(method="direct", file=("a.mp4", pieces))
    assert emulator.count("create_asset") == 1
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


async def test_the_rate_limit_is_waited_out(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A 429 means that nothing was taken: as long a pause as it asks for, and again."""
    path = make_file(BIG)
    fault = emulator.faults.add(Fault(route="create_asset", action=LIMITED, times=2))
    began = now()
    asset = await client.assets.create(method="direct", file=path)
    assert now() - began >= 14
    assert fault.hits == 2
    assert await read_asset(emulator, asset.id) == path.read_bytes()


async def test_a_rate_limit_that_stays_is_told_with_its_figures(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The limits, and when to come back, as attributes and in the text."""
    emulator.faults.add(Fault(route="create_asset", action=LIMITED, times=None))
    with pytest.raises(TooManyRequestsError) as caught:
        await client.assets.create(method="direct", file=("a.mp4", DATA))
    error = caught.value
    assert (error.limit, error.remaining, error.used, error.retry_after) == (8, 0, None, 7.0)
    assert "Slow down." in str(error)
    assert str(error).endswith("; the limit is 8 requests; try again in 7 s")
    assert emulator.count("create_asset") == 4


LOST: dict[str, Any] = {
    "the answer is lost": Cut("after"),
    "no answer comes": Stall("after"),
    "the platform fails": DOWN,
    "the answer is not JSON": Rewrite(lambda _: "<html>"),
    "the answer has no id": Rewrite(lambda _: {"status": "ready"}),
    "the request timed out there": api_error(408, "request_canceled_or_timed_out", "Late."),
}


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("method", ["direct", "url"])
async def test_an_unknown_outcome_is_told_and_nothing_is_sent_again(
    emulator: Emulator, client: AsyncTwelveLabs, what: str, method: str
) -> None:
    """One request; the error names the failure, and how to find the asset."""
    fault = emulator.faults.add(Fault(route="create_asset", action=LOST[what]))
    async with raw_server(http("200 OK", DATA, Content_Type="video/mp4")) as server:
        given: Any = {"url": f"{server.url}/a.mp4"} if method == "url" else {"file": DATA}
        with pytest.raises(OutcomeUnknownError, match=r"assets.list\(filename='a.mp4'\)") as caught:
            await client.assets.create(method=method, filename="a.mp4", **given)  # type: ignore[arg-type]
    assert caught.value.__cause__ is caught.value.original_error
    assert fault.seen == 1
    effect = ["a.mp4"] if not isinstance(LOST[what], Answer) else []
    assert await names(client) == effect


async def test_a_success_before_the_whole_file_came_is_not_believed() -> None:
    """Whatever was made of it is not the file."""
    body = json.dumps({"_id": "1", "status": "ready"}).encode()
    async with raw_server(b"", silent=True) as server:
        server.reply = http("201 Created", body)
        server.reads_bodies = False
        async with AsyncTwelveLabs("key", server.url) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.assets.create(method="direct", file=("a.mp4", bytes(50_000_000)))


async def test_a_platform_that_is_not_there_is_tried_again_and_told() -> None:
    """Nothing was taken, so the error is no mystery."""
    async with AsyncTwelveLabs("key", await unused_url()) as client:
        ways: list[Any] = [{"method": "direct", "file": DATA}, {"method": "url", "url": "http://x"}]
        for given in ways:
            with pytest.raises(ApiConnectionError, match="cannot connect"):
                await client.assets.create(**given)


async def test_a_refusal_is_final_and_whole(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """It carries the platform's code and figures, and is not sent again."""
    with pytest.raises(BadRequestError, match="not supported") as caught:
        await client.assets.create(method="direct", file=("a.exe", DATA))
    assert caught.value.code == ErrorCode.MEDIA_URL_UNSUPPORTED_FORMAT
    assert emulator.count("create_asset") == 1


async def test_a_file_that_changes_meanwhile_never_becomes_an_asset(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It is looked at again before its last bytes go out."""
    path = make_file(BIG)

    async def write_to_it() -> None:
        while not emulator.connections("api"):
            await asyncio.sleep(0.001)
        os.utime(path, ns=(1, 1))

    emulator.faults.add(Fault(route="create_asset", action=Cut("middle")))
    with pytest.raises(SourceChangedError, match="written to"):
        await asyncio.gather(client.assets.create(method="direct", file=path), write_to_it())
    assert await names(client) == []


class Shrinking(io.BytesIO):
    """A file that has fewer bytes than it said."""

    def tell(self) -> int:
        position = super().tell()
        return position + (10 if position == len(self.getvalue()) else 0)


async def bad_pieces() -> AsyncGenerator[Any]:
    yield b"good"
    yield "text"


async def no_pieces() -> AsyncGenerator[bytes]:
    for nothing in list[bytes]():
        yield nothing


async def failing_pieces() -> AsyncGenerator[bytes]:
    yield b"good"
    raise RuntimeError("the camera was unplugged")


def at_its_end(file: io.BytesIO) -> io.BytesIO:
    file.seek(0, io.SEEK_END)
    return file


class Closed(io.BytesIO):
    """A file that is closed."""

    def __init__(self) -> None:
        super().__init__(b"x")
        self.close()


UNREADABLE: dict[str, tuple[Any, str]] = {
    "no such file": ("/nowhere/a.mp4", "there is no file"),
    "a directory": ("/", "is a directory"),
    "no bytes": (b"", "is empty"),
    "no bytes in a file": (io.BytesIO(), "BytesIO is empty$"),
    "no bytes left": (
        at_its_end(io.BytesIO(DATA)),
        r"is empty from where it stands; seek\(0\) first",
    ),
    "no bytes left in a form": (
        StarletteFile(at_its_end(io.BytesIO(DATA)), filename="a.mp4"),
        r"is empty from where it stands; seek\(0\) first",
    ),
    "text": (io.StringIO("text"), "open it with 'rb'"),
    "a closed file": (Closed(), "closed"),
    "a file that shrinks": (Shrinking(DATA), "was changed while it was uploaded"),
    "text pieces": (bad_pieces(), "gives str, not bytes"),
    "no pieces": (no_pieces(), "is empty"),
    "failing pieces": (failing_pieces(), "the camera was unplugged"),
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_cannot_be_read_is_a_source_error(
    emulator: Emulator, client: AsyncTwelveLabs, what: str
) -> None:
    """Said once, without a second attempt, and nothing is made."""
    file, problem = UNREADABLE[what]
    with pytest.raises(SourceError, match=problem):
        await client.assets.create(method="direct", file=file, filename="a.mp4")
    assert await names(client) == []
    assert emulator.count("create_asset") <= 1


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no method": ({"method": None}, "method must be 'direct' or 'url'"),
    "another method": ({"method": "multipart", "file": b"x"}, "method must be"),
    "no file": ({"method": "direct"}, "needs file="),
    "no url": ({"method": "url"}, "needs url="),
    "both, direct": ({"method": "direct", "file": b"x", "url": "https://a/b"}, "not url="),
    "both, url": ({"method": "url", "file": b"x", "url": "https://a/b"}, "not file="),
    "a URL of another kind": ({"method": "url", "url": "ftp://a/b"}, r"http\(s\)"),
    "a URL without a host": ({"method": "url", "url": "https:///b"}, r"http\(s\)"),
    "a URL that is none": ({"method": "url", "url": "clip.mp4"}, r"http\(s\)"),
    "a URL that is no text": ({"method": "url", "url": 5}, r"http\(s\)"),
    "a number as file": ({"method": "direct", "file": 5}, "not int"),
    "an empty path": ({"method": "direct", "file": ""}, "file must be"),
    "a tuple of one": ({"method": "direct", "file": ("a.mp4",)}, "not 1 values"),
    "a tuple without a name": ({"method": "direct", "file": (5, b"x")}, "must be str or None"),
    "a type with a line break": (
        {"method": "direct", "file": ("a", b"x", "video/mp4\r\nx: y")},
        "no header can carry",
    ),
    "an unpaired surrogate": ({"method": "direct", "file": b"x", "filename": "\ud800"}, "Unicode"),
    "a blank name": ({"method": "direct", "file": b"x", "filename": " "}, "filename is empty"),
    "a large number": (
        {"method": "direct", "file": b"x", "user_metadata": {"n": 2**60}},
        "send it as a string",
    ),
    "no JSON": ({"method": "direct", "file": b"x", "user_metadata": {"n": {1}}}, "user_metadata"),
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_input_is_refused_before_anything_is_sent(
    emulator: Emulator, client: AsyncTwelveLabs, what: str
) -> None:
    """The error says what is wrong and what would be right."""
    arguments, problem = BAD[what]
    with pytest.raises(InvalidArgumentError, match=problem):
        await client.assets.create(**arguments)
    assert emulator.requests == []


async def test_a_name_may_have_any_characters(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Quotes, backslashes and line breaks neither end a header nor get lost."""
    path = tmp_path / 'a "b"\\c\r\nX: y ü.mp4'
    path.write_bytes(DATA)
    asset = await client.assets.create(method="direct", file=path)
    assert asset.filename == path.name


async def test_two_files_one_after_the_other_share_a_connection_of_the_user_s(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Nothing is awaited after the last byte, so the connection is kept."""
    async with (
        aiohttp.ClientSession() as session,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, session=session) as client,
    ):
        for number in range(3):
            await client.assets.create(method="direct", file=make_file(BIG, f"{number}.mp4"))
    assert emulator.connections("api") == 1


async def test_cancelled_it_leaves_nothing_open(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Neither a task nor a descriptor; the client works on."""
    path = make_file(BIG)
    before = asyncio.all_tasks()
    emulator.faults.add(Fault(route="create_asset", action=Stall("middle")))
    creation = asyncio.create_task(client.assets.create(method="direct", file=path))
    while not emulator.connections("api"):
        await asyncio.sleep(0.01)
    creation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creation
    assert path not in open_files()
    left = asyncio.all_tasks() - before  # the emulator may still be at the connection
    assert [task for task in left if "RequestHandler" not in repr(task)] == []
    assert (await client.assets.create(method="direct", file=path)).filename == "video.mp4"


async def test_a_thousand_at_once_share_what_the_client_allows(emulator: Emulator) -> None:
    """``max_concurrency`` bounds the bodies under way, so also the connections at once."""
    async with (
        relay() as running,
        AsyncTwelveLabs(
            emulator.api_key, await running.before(emulator.base_url), max_concurrency=4
        ) as client,
    ):
        await asyncio.gather(
            *(
                client.assets.create(method="direct", file=(f"{n}.mp4", DATA[:5000]))
                for n in range(200)
            )
        )
    assert emulator.count("create_asset") == 200
    assert running.most <= 2 * 4  # the relay may notice late that one was closed


async def test_additional_body_parameters_become_fields(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """What this package does not know yet can be sent all the same; this platform refuses it."""
    with pytest.raises(BadRequestError, match="surprise"):
        await client.assets.create(
            method="direct",
            file=("a.mp4", DATA),
            request_options={"additional_body_parameters": {"surprise": "1"}},
        )


@pytest.mark.parametrize("text", ["", "x", "[1]", '"a"', '{"a": NaN}', "\ud800", "[" * 100_000])
async def test_a_string_that_is_no_metadata_is_refused(
    emulator: Emulator, client: AsyncTwelveLabs, text: str
) -> None:
    """Before anything is sent, as a mapping that cannot be sent is."""
    with pytest.raises(InvalidArgumentError, match="user_metadata"):
        await client.assets.create(method="direct", file=b"film", user_metadata=text)
    with pytest.raises(InvalidArgumentError, match="53 bits"):
        await client.assets.create(
            method="direct", file=b"film", user_metadata='{"id": 9007199254740993}'
        )
    assert emulator.requests == []
