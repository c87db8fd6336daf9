"""What is read once, and what has one position: neither mixed, nor lost, nor in anybody's way."""

import asyncio
import io
import logging
import os
import random
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import aiofiles
import pytest
from aiohttp import web
from support.assets import read_asset
from support.descriptors import descriptors
from support.files import MakeFile
from support.forms import posted
from support.open_files import OnlyRead
from support.server import http, raw_server

from twelvelabs_async import (
    AsyncTwelveLabs,
    ClientClosedError,
    ContentTooLargeError,
    InvalidArgumentError,
    OutcomeUnknownError,
    SourceChangedError,
    SourceError,
    UploadError,
)
from twelvelabs_async._upload.source.streams import open_stream
from twelvelabs_async.emulator import Emulator, Etag, Fault, Stall, api_error

DATA = os.urandom(300_000)


@pytest.fixture
async def real() -> AsyncIterator[tuple[Emulator, AsyncTwelveLabs]]:
    """Yield an emulator and its client, on real time."""
    async with (
        Emulator() as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        yield emulator, client


# Pipes.


@pytest.mark.real_time
async def test_a_pipe_that_does_not_wait_is_refused(
    real: tuple[Emulator, AsyncTwelveLabs],
) -> None:
    """Nothing yet is not the end: a truncated file never becomes an asset."""
    _, client = real
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, b"A" * 10_000)
    with (
        open(reading, "rb", buffering=0) as pipe,  # noqa: ASYNC230, PTH123 - a descriptor
        pytest.raises(SourceError, match="make it blocking"),
    ):
        await client.assets.create(method="direct", file=("a.mp4", pipe))
    os.close(writing)


@pytest.mark.real_time
async def test_pipes_that_wait_leave_the_loops_threads_to_others(
    real: tuple[Emulator, AsyncTwelveLabs], make_file: MakeFile
) -> None:
    """Forty idle pipes, and a file is uploaded all the same; cancelled, they leave at once."""
    _, client = real
    pipes = [os.pipe() for _ in range(40)]
    files = [open(reading, "rb", buffering=0) for reading, _ in pipes]  # noqa: ASYNC230, PTH123, SIM115
    idle = [
        asyncio.create_task(client.assets.create(method="direct", file=("a.mp4", OnlyRead(file))))
        for file in files[:10]
    ]
    while sum("pipe" in thread.name for thread in threading.enumerate()) < 10:
        await asyncio.sleep(0)
    await client.assets.create(method="direct", file=make_file(1000))
    for task in idle:
        task.cancel()
    await asyncio.gather(*idle, return_exceptions=True)
    for _, writing in pipes:
        os.close(writing)
    while any("pipe" in thread.name for thread in threading.enumerate()):
        await asyncio.sleep(0)
    for file in files:
        file.close()


# Iterators, and what is read with await.


async def test_empty_pieces_leave_the_loop_to_others(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A generator that yields nothing, again and again, can be cancelled."""

    async def nothing() -> AsyncGenerator[bytes]:
        yield b"x"
        while True:
            yield b""

    upload = asyncio.create_task(client.assets.create(method="direct", file=("a.mp4", nothing())))
    for _ in range(1000):
        await asyncio.sleep(0)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload


@pytest.mark.parametrize("kind", [bytearray, memoryview])
async def test_a_large_buffer_leaves_the_loop_to_others(kind: Any) -> None:
    """It is copied, for its owner may use it again, and that in many turns."""
    data, turns, done = random.Random(3).randbytes(2**24), 0, asyncio.Event()

    async def pieces() -> AsyncGenerator[Any]:
        yield kind(data)

    async def count() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    view = memoryview(bytearray(len(data)))
    async with open_stream("pieces", pieces()) as stream:
        assert await stream.read_into(view, 0) == len(data)
    done.set()
    await counting
    assert bytes(view) == data
    assert turns >= 16


async def test_small_pieces_are_put_together(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """They arrive in order, and whole."""

    async def small() -> AsyncGenerator[bytes]:
        for start in range(0, len(DATA), 100):
            yield DATA[start : start + 100]

    asset = await client.assets.create(method="direct", file=("a.mp4", small()))
    assert await read_asset(emulator, asset.id) == DATA


class UploadWay:
    """As a web framework gives it: a name, and a read that is awaited."""

    filename = "clip.mp4"

    def __init__(self) -> None:
        self._file = io.BytesIO(DATA)

    async def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


async def test_a_file_of_a_web_framework_goes_right_through(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Its name and its bytes, without a copy on the disk."""
    asset = await client.upload(UploadWay())
    assert asset.filename == "clip.mp4"
    assert await read_asset(emulator, asset.id) == DATA


async def test_a_stream_of_asyncio_and_a_file_of_aiofiles_go_through(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """They are read, and not walked line by line."""
    stream = asyncio.StreamReader()
    stream.feed_data(DATA)
    stream.feed_eof()
    asset = await client.upload(("a.mp4", stream))
    assert await read_asset(emulator, asset.id) == DATA
    path = tmp_path / "b.mp4"
    path.write_bytes(DATA)
    async with aiofiles.open(path, "rb") as file:
        asset = await client.upload(file)
    assert asset.filename == "b.mp4"
    assert await read_asset(emulator, asset.id) == DATA


@pytest.mark.real_time
async def test_a_part_of_a_posted_form_goes_right_through(
    real: tuple[Emulator, AsyncTwelveLabs],
) -> None:
    """From a browser to the platform, in pieces."""
    emulator, client = real

    async def handle(request: web.Request) -> web.Response:
        part: Any = await (await request.multipart()).next()
        asset = await client.upload(part)
        return web.json_response([asset.id, asset.filename])

    asset_id, filename = await posted(handle, DATA)
    assert filename == "clip.mp4"
    assert await read_asset(emulator, asset_id) == DATA


async def test_an_iterator_that_was_never_begun_is_tried_again(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A connection that was refused took nothing of it."""

    async def pieces() -> AsyncGenerator[bytes]:
        yield DATA

    emulator.faults.add(Fault(route="create_asset", action=api_error(429, "too_many_requests", "")))
    asset = await client.assets.create(
        method="direct", file=("a.mp4", b"x"), request_options={"max_retries": 1}
    )
    assert asset.id
    async with AsyncTwelveLabs("key", "http://127.0.0.1:9") as nobody:
        generator = pieces()
        with pytest.raises(Exception, match="cannot connect") as caught:
            await nobody.assets.create(method="direct", file=("a.mp4", generator))
    assert "only once" not in str(caught.value)


async def test_the_failure_of_the_callers_generator_is_chained(client: AsyncTwelveLabs) -> None:
    """With its own traceback: it is the caller's to mend."""

    async def failing() -> AsyncGenerator[bytes]:
        yield b"x"
        raise KeyError("boom")

    async def cancelled() -> AsyncGenerator[bytes]:
        yield b"x"
        raise asyncio.CancelledError

    with pytest.raises(SourceError, match="boom") as caught:
        await client.assets.create(method="direct", file=("a.mp4", failing()))
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(SourceError, match="cancelled from within"):
        await client.assets.create(method="direct", file=("a.mp4", cancelled()))


async def test_a_generator_that_fails_to_clean_up_hides_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """How the upload ended is what is told; the rest is logged."""

    async def endless() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield bytes(100_000)
        finally:
            raise ValueError("cleanup")

    async def hanging() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield bytes(100_000)
        finally:
            await asyncio.sleep(3600)

    async with raw_server(http("413 Too Large"), silent=True) as server:
        server.reads_bodies = False
        async with AsyncTwelveLabs("key", server.url) as client:
            for pieces in (endless(), hanging()):
                with pytest.raises(ContentTooLargeError), caplog.at_level(logging.WARNING):
                    await client.assets.create(method="direct", file=("a.mp4", pieces))
    assert asyncio.get_running_loop().time() < 30


# The client is closed.


async def test_a_close_after_the_whole_body_leaves_the_outcome_unknown(emulator: Emulator) -> None:
    """The asset may be there; a file that was not sent whole is certainly not."""
    emulator.faults.add(Fault(route="create_asset", action=Stall("after")))
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    upload = asyncio.create_task(client.upload(("a.mp4", DATA)))
    while not emulator.platform.assets:
        await asyncio.sleep(0.01)
    await client.close()
    with pytest.raises(UploadError) as caught:
        await upload
    assert isinstance(caught.value.__cause__, OutcomeUnknownError)


async def test_a_close_ends_the_pause_before_another_attempt(emulator: Emulator) -> None:
    """At once, and not when the pause is over."""
    limited = api_error(429, "too_many_requests", "", {"Retry-After": "60"})
    fault = emulator.faults.add(Fault(route="create_asset", action=limited))
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    upload = asyncio.create_task(client.assets.create(method="direct", file=("a.mp4", DATA)))
    while not fault.hits:
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    await client.close()
    with pytest.raises(ClientClosedError):
        await upload
    assert asyncio.get_running_loop().time() < 10


# Open files.


async def test_one_open_file_is_in_one_upload_at_a_time(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The second would begin wherever the first is reading."""
    path = make_file(5_000_000)
    with path.open("rb") as file:
        outcomes = await asyncio.gather(
            *(client.assets.create(method="direct", file=file) for _ in range(3)),
            return_exceptions=True,
        )
        refused = [o for o in outcomes if isinstance(o, SourceError)]
        assert len(refused) == 2
        assert "being uploaded already" in str(refused[0])
        again = await client.assets.create(method="direct", file=file)
    assert await read_asset(emulator, again.id) == path.read_bytes()


@pytest.mark.parametrize("above", [0, 10_000_000])
async def test_an_open_file_that_is_written_to_never_becomes_an_asset(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile, above: int
) -> None:
    """Even if it keeps its length: where nothing can be compared, its times are enough."""
    path = make_file(3_000_000)
    route = "create_asset" if above else "create"
    fault = emulator.faults.add(Fault(route=route, action=api_error(429, "x", "")))

    async def write() -> None:
        while not fault.hits:
            await asyncio.sleep(0.001)
        os.utime(path, ns=(1, 1))

    own = Etag(lambda md5: f'"own-{md5}"', kept=True)
    emulator.faults.script += [] if above else [Fault(route="put", action=own, times=None)]
    with path.open("rb") as file, pytest.raises(UploadError, match="it was written to") as caught:
        await asyncio.gather(client.upload(file, multipart_above=above), write())
    assert isinstance(caught.value.__cause__, SourceChangedError)
    assert caught.value.retryable


class SlowFile(io.FileIO):
    """A file on a slow disk."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        threading.Event().wait(0.05)
        return super().seek(offset, whence)


@pytest.mark.real_time
async def test_a_cancelled_upload_leaves_an_open_file_where_it_stood(
    real: tuple[Emulator, AsyncTwelveLabs], make_file: MakeFile
) -> None:
    """Whenever it is cancelled, so that the same call can be made again."""
    _, client = real
    path = make_file(2000)
    with SlowFile(str(path)) as file:
        for turns in range(0, 60, 5):
            upload = asyncio.create_task(client.upload(("a.mp4", file)))
            for _ in range(turns):
                await asyncio.sleep(0)
            upload.cancel()
            await asyncio.wait({upload})
            assert file.tell() == 0
        await client.upload(("a.mp4", file))


async def test_a_file_that_is_closed_midway_is_told_as_such(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Not as a ``ValueError``, also where it is only looked at again."""
    file = make_file(5000).open("rb")
    fault = emulator.faults.add(Fault(route="report", action=api_error(429, "x", "")))

    async def close() -> None:
        while not fault.hits:
            await asyncio.sleep(0.001)
        file.close()

    with pytest.raises(UploadError) as caught:
        await asyncio.gather(
            client.upload(("a.mp4", file), multipart_above=0, batch_size=1, max_workers=1), close()
        )
    assert isinstance(caught.value.__cause__, SourceError)


async def test_thousands_of_paths_at_once_open_few_files(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Their sizes are asked for without opening them; the files wait for their turns."""
    path = make_file(100)
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, descriptors())
            await asyncio.sleep(0)

    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=4) as client:
        watching = asyncio.create_task(watch())
        before = descriptors()
        await asyncio.gather(*(client.upload(path) for _ in range(500)))
        watching.cancel()
    assert most - before < 60


# Arguments.

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a number as a name": ({"file": b"x", "filename": 5}, "filename must be text"),
    "an empty name": ({"file": b"x", "filename": ""}, "filename is empty"),
    "an unpaired surrogate in a URL": ({"method": "url", "url": "http://h/\ud800"}, "url must"),
    "a line break in a URL": ({"method": "url", "url": "http://h/\r\nx"}, "url must"),
    "a word as a flag": ({"file": b"x", "enable_hls": "no"}, "enable_hls must be True"),
    "a bad field": (
        {"file": b"x", "request_options": {"additional_body_parameters": {"a\r\nb": "1"}}},
        "is not a valid form field name",
    ),
    "an unpaired surrogate in a field": (
        {"file": b"x", "request_options": {"additional_body_parameters": {"a": "\ud800"}}},
        "an unpaired surrogate",
    ),
    "a length": (
        {"file": b"x", "request_options": {"additional_headers": {"content-length": "5"}}},
        "the length of the body decides it",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_input_is_refused_before_anything_is_sent(
    emulator: Emulator, client: AsyncTwelveLabs, what: str
) -> None:
    """With a sentence, not with an exception of somebody else's."""
    arguments, problem = BAD[what]
    given: dict[str, Any] = {"method": "direct", **arguments}
    with pytest.raises(InvalidArgumentError, match=problem):
        await client.assets.create(**given)
    assert emulator.requests == []


async def test_a_name_does_not_choose_its_type(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """``data:a/b,clip.mp4`` is a name, and what it seems to say of a type is not taken over."""
    asset = await client.assets.create(
        method="direct", file=b"x", filename="data:a/b\r\nX-Evil: 1\r\n\r\n,clip.mp4"
    )
    assert asset.file_type == "video/mp4"


async def test_memory_that_was_given_back_is_a_source_error(client: AsyncTwelveLabs) -> None:
    """Not a ``ValueError`` of Python's."""
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(SourceError, match="cannot read"):
        await client.assets.create(method="direct", file=("a.mp4", view))
