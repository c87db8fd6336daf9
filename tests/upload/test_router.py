"""``client.upload``: the one call; it picks the way, and ends in one kind of result."""

import asyncio
import io
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.assets import read_asset
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import (
    ApiConnectionError,
    AssetFailedError,
    AssetNotReadyError,
    AsyncTwelveLabs,
    BadRequestError,
    ClientClosedError,
    InvalidArgumentError,
    OutcomeUnknownError,
    SourceError,
    UnauthorizedError,
    UploadError,
    UploadProgress,
)
from twelvelabs_async._upload.options import DIRECT_BYTES
from twelvelabs_async.emulator import Answer, Cut, Emulator, Fault, Stall, api_error

DATA = bytes(range(250)) * 10
MINUTE = timedelta(minutes=1)


async def pieces() -> AsyncGenerator[bytes]:
    yield DATA[:900]
    yield DATA[900:]


def routes(emulator: Emulator) -> list[str]:
    return [request.route for request in emulator.requests]


def open_files() -> set[Path]:
    """Return what this process has open."""
    return {entry.resolve() for entry in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize(
    ("size", "above", "expected"),
    [
        (2000, 2000, ["create_asset"]),
        (2001, 2000, ["create", "put", "put", "put"]),
        (1, 0, ["create", "put"]),
    ],
)
async def test_size_decides_the_way(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    size: int,
    above: int,
    expected: list[str],
) -> None:
    """One request up to the bound, chunks above; the result tells the same either way."""
    path = make_file(size)
    asset = await client.upload(path, multipart_above=above, user_metadata={"a": 1})
    assert [route for route in routes(emulator) if route != "report"] == expected
    assert (asset.filename, asset.user_metadata) == ("video.mp4", {"a": 1})
    assert await read_asset(emulator, asset.id) == path.read_bytes()


def test_the_bound_is_the_platforms() -> None:
    """It recommends chunks above 200 MB."""
    assert DIRECT_BYTES == 200_000_000


WAYS: dict[str, Any] = {
    "bytes": ("a.mp4", DATA),
    "an open file": ("a.mp4", io.BytesIO(DATA)),
    "a file that stands somewhere": ("a.mp4", io.BytesIO(b"before" + DATA)),
}


@pytest.mark.parametrize("way", WAYS)
async def test_chunks_can_be_cut_from_whatever_can_be_read_twice(
    emulator: Emulator, client: AsyncTwelveLabs, way: str
) -> None:
    """Five workers read one file without losing their places, with retries, too."""
    file = WAYS[way]
    start = len(b"before") if way == "a file that stands somewhere" else 0
    if way != "bytes":
        file[1].seek(start)
    emulator.faults.add(Fault(route="put", chunk_index=2, action=Cut("middle")))
    asset = await client.upload(file, multipart_above=1)
    assert emulator.count("put") == len(DATA) // CHUNK_SIZE + 1 + 1
    assert await read_asset(emulator, asset.id) == DATA
    if way != "bytes":
        assert file[1].tell() == start


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("above", [0, len(DATA)])
async def test_a_stream_goes_by_its_size(
    above: int, emulator: Emulator, client: AsyncTwelveLabs, *, known: bool
) -> None:
    """Whether the caller says it, or it was read to its end."""
    size = len(DATA) if known else None
    asset = await client.upload(("a.mp4", pieces()), multipart_above=above, size=size)
    assert routes(emulator)[0] == ("create_asset" if above else "create")
    assert await read_asset(emulator, asset.id) == DATA


@pytest.mark.parametrize("name", ["report.pdf", "NOTES.MD", "a.txt"])
async def test_a_document_goes_in_one_request(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, name: str
) -> None:
    """The platform takes no chunks of it."""
    await client.upload(make_file(3000, name), multipart_above=1)
    assert routes(emulator) == ["create_asset"]


@pytest.mark.parametrize("above", [0, 1])
@pytest.mark.parametrize("spool", [True, False])
@pytest.mark.parametrize("known", [True, False])
async def test_a_stream_of_a_document_goes_in_one_request(
    above: int, emulator: Emulator, client: AsyncTwelveLabs, *, spool: bool, known: bool
) -> None:
    """However large it is; kept first, it can be sent again."""
    size = len(DATA) if known else None
    if spool:
        emulator.faults.add(Fault(route="create_asset", action=Answer(429)))
    asset = await client.upload(("a.pdf", pieces()), multipart_above=above, size=size, spool=spool)
    assert routes(emulator) == ["create_asset"] * (2 if spool else 1)
    assert await read_asset(emulator, asset.id) == DATA


async def test_a_large_file_without_a_type_is_refused_before_anything_is_sent(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """In one request the platform decides; for chunks it wants to know."""
    with pytest.raises(InvalidArgumentError, match="file_type="):
        await client.upload(make_file(3000, "clip"), multipart_above=1)
    assert emulator.requests == []
    await client.upload(make_file(3000, "clip"), multipart_above=1, file_type="video")


async def test_it_waits_until_the_asset_is_ready(make_file: MakeFile) -> None:
    """With the HLS stream and the thumbnails that were asked for; then everything is told."""
    async with (
        Emulator(now=utcnow, chunk_size=CHUNK_SIZE, processing_time=MINUTE) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        for above in (0, 10_000):
            began = asyncio.get_running_loop().time()
            asset = await client.upload(
                make_file(3000),
                multipart_above=above,
                enable_hls=True,
                enable_thumbnail=True,
                wait_until_ready=True,
            )
            assert asset.status == "ready"
            assert asset.hls is not None
            assert asset.hls.status == "ready"
            assert asset.thumbnail is not None
            assert asset.thumbnail.status == "ready"
            assert asyncio.get_running_loop().time() - began >= 60


async def test_what_never_gets_ready_is_told(make_file: MakeFile) -> None:
    """By the platform's words, or by the time that ran out; both errors name the asset."""
    async with (
        Emulator(now=utcnow, chunk_size=CHUNK_SIZE, processing_time=MINUTE) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        with pytest.raises(AssetNotReadyError) as late:
            await client.upload(make_file(3000), wait_until_ready=True, ready_timeout=5)
        emulator.fail_asset("video.mp4", "The video has no frames.")
        with pytest.raises(AssetFailedError, match="no frames") as failed:
            await client.upload(make_file(3000), wait_until_ready=True)
        assert late.value.asset_id
        assert late.value.asset_id != failed.value.asset_id


@pytest.mark.parametrize("above", [0, 10_000], ids=["chunks", "one request"])
@pytest.mark.parametrize("ending", ["refused", "no answer", "closed"])
async def test_an_asset_that_cannot_be_waited_for_is_named(
    emulator: Emulator, make_file: MakeFile, above: int, ending: str
) -> None:
    """Its file has arrived: whoever catches the error waits for that one, and makes no second."""
    refusal = api_error(401, "api_key_invalid", "No.")
    action = Stall("before") if ending == "closed" else Cut("before")
    stop = refusal if ending == "refused" else action
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    async with client:
        fault = emulator.faults.add(Fault(route="asset", action=stop, times=None))
        upload = asyncio.create_task(
            client.upload(make_file(3000), multipart_above=above, wait_until_ready=True)
        )
        if ending == "closed":
            while not fault.hits:
                await asyncio.sleep(0.001)
            await client.close()
        with pytest.raises(AssetNotReadyError, match="as far as is known") as caught:
            await upload
    cause = {
        "refused": UnauthorizedError,
        "no answer": ApiConnectionError,
        "closed": ClientClosedError,
    }
    assert isinstance(caught.value.__cause__, cause[ending])
    emulator.faults.script.clear()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as other:
        found = [asset.id async for asset in await other.assets.list()]
    assert found == [caught.value.asset_id]


async def test_every_failure_is_one_upload_error(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Its cause says what it was, and its text never claims what nobody knows."""
    with pytest.raises(UploadError, match=r"no\.mp4 was not uploaded: there is no file") as missing:
        await client.upload("no.mp4")
    assert isinstance(missing.value.__cause__, SourceError)
    with pytest.raises(UploadError, match=r"a\.exe was not uploaded: .*not supported") as refused:
        await client.upload(make_file(5, "a.exe"))
    assert isinstance(refused.value.__cause__, BadRequestError)
    emulator.faults.add(Fault(route="create_asset", action=Cut("after")))
    with pytest.raises(UploadError, match=r"may or may not have been .*assets\.list") as lost:
        await client.upload(make_file(5))
    assert isinstance(lost.value.__cause__, OutcomeUnknownError)


async def test_progress_is_told_either_way(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It ends with everything sent; what does not exist is None."""
    for above, sessions in ((0, True), (10_000, False)):
        told: list[UploadProgress] = []
        await client.upload(make_file(3000), multipart_above=above, progress_callback=told.append)
        last = told[-1]
        assert (last.status, last.percentage) == ("completed", 100.0)
        assert (last.uploaded_bytes, last.total_bytes) == (3000, 3000)
        assert (last.upload_id is not None) is sessions
    stream: list[UploadProgress] = []
    await client.upload(("a.mp4", pieces()), spool=False, progress_callback=stream.append)
    assert (stream[-1].percentage, stream[-1].total_bytes) == (100.0, None)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a bound below nothing": ({"multipart_above": -1}, "multipart_above"),
    "a type that is none": ({"file_type": "film"}, "file_type must be one of"),
    "no patience": ({"ready_timeout": 0}, "ready_timeout"),
    "no workers": ({"max_workers": 0}, "max_workers"),
    "no callback": ({"progress_callback": 5}, "must be callable"),
    "a large number": ({"user_metadata": {"n": 2**60}}, "send it as a string"),
    "a number as source": ({"source": 5}, "not int"),
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_input_is_refused_before_anything_is_sent(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, what: str
) -> None:
    """Whichever way the file would go."""
    arguments, problem = BAD[what]
    given: dict[str, Any] = {"source": make_file(5), **arguments}
    with pytest.raises(InvalidArgumentError, match=problem):
        await client.upload(**given)
    assert emulator.requests == []


@pytest.mark.parametrize("above", [0, 10_000_000])
async def test_cancelled_it_leaves_nothing_open(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, above: int
) -> None:
    """No descriptor of the file, whichever way it went."""
    path = make_file(5_000_000)
    emulator.faults.add(Fault(route="create_asset" if above else "create", action=Stall("before")))
    upload = asyncio.create_task(client.upload(path, multipart_above=above))
    while not emulator.connections("api"):
        await asyncio.sleep(0)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert path not in open_files()


async def test_what_has_no_name_is_told_to_take_one(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before anything is sent in chunks; in one request, where the platform refuses it."""
    advice = 'pass filename=, such as "clip.mp4"'
    for size in (len(DATA), None):
        with pytest.raises(InvalidArgumentError) as caught:
            await client.upload(pieces(), size=size, multipart_above=0)
        assert str(caught.value).endswith(advice)
        assert caught.value.remedy == "filename"
    assert routes(emulator) == []
    with pytest.raises(UploadError) as refused:
        await client.upload(pieces())
    assert str(refused.value).endswith(advice)
    assert refused.value.remedy == "filename"
    with pytest.raises(UploadError) as named:
        await client.upload(("notes.xyz", DATA))
    assert "filename=" not in str(named.value)
    assert routes(emulator) == ["create_asset", "create_asset"]


def test_help_names_what_is_taken() -> None:
    documentation = str(AsyncTwelveLabs.upload.__doc__)
    for word in ("RangeSource", "UploadFile", "iterator", "os.PathLike"):
        assert word in documentation
