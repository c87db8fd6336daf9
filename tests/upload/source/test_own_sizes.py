"""Streams that say themselves how long they are."""

import asyncio
import http.client
import io
import random
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from starlette.datastructures import UploadFile as StarletteFile
from support.assets import read_asset
from support.open_files import kept

from twelvelabs_async import AsyncTwelveLabs, InvalidArgumentError, SourceError, UploadError
from twelvelabs_async.emulator import Emulator

CHUNK = 10_000
DATA = random.Random(3).randbytes(4 * CHUNK + 1)
"""Fits into the buffer of a socket."""


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(chunk_size=CHUNK) as running:
        yield running


class Pieces:
    """An async iterator, with a size."""

    def __init__(self, size: Any) -> None:
        self.size = size
        self.parts = [DATA[at : at + 7_000] for at in range(0, len(DATA), 7_000)]

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        if not self.parts:
            raise StopAsyncIteration
        return self.parts.pop(0)


class PiecesInThread:
    """An iterator, with a size."""

    def __init__(self, size: Any) -> None:
        self.size = size
        self.parts = Pieces(None).parts

    def __iter__(self) -> "PiecesInThread":
        return self

    def __next__(self) -> bytes:
        if not self.parts:
            raise StopIteration
        return self.parts.pop(0)


class AwaitedWithSize:
    """What is read with ``await``, with a size."""

    def __init__(self, size: Any) -> None:
        self.size = size
        self._file = io.BytesIO(DATA)

    async def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class BlockingWithSize:
    """What is read in threads, with a size."""

    def __init__(self, size: Any) -> None:
        self.size = size
        self._file = io.BytesIO(DATA)
        self.read = self._file.read


class SizeMethod(Pieces):
    """Has a method of that name, as an ``mmap`` has."""

    def __init__(self) -> None:
        super().__init__(lambda: len(DATA))


class FailingSize:
    """Has a size that cannot be asked for."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.pieces = Pieces(None)

    @property
    def size(self) -> int:
        raise self.error

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces


class OffloadedTimeout(BaseException):
    """As gevent's: no ``Exception``."""


def answered(head: str, *, body: bytes = DATA) -> Any:
    """Return a response as ``urllib.request.urlopen`` does."""
    ours, theirs = (kept(end) for end in socket.socketpair())

    def answer() -> None:
        theirs.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
        theirs.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=answer)
    thread.start()
    response = kept(http.client.HTTPResponse(ours))
    response.begin()
    thread.join()
    return response


TELLING: dict[str, Callable[[], Any]] = {
    "an async iterator": lambda: Pieces(len(DATA)),
    "an iterator": lambda: PiecesInThread(len(DATA)),
    "a body with async read": lambda: AwaitedWithSize(len(DATA)),
    "a body with read": lambda: BlockingWithSize(len(DATA)),
    "a response": lambda: answered(f"Content-Length: {len(DATA)}"),
}

SILENT: dict[str, Callable[[], Any]] = {
    "None": lambda: Pieces(None),
    "zero": lambda: PiecesInThread(0),
    "less": lambda: AwaitedWithSize(-1),
    "a flag": lambda: BlockingWithSize(size=True),
    "a fraction": lambda: Pieces(float(len(DATA))),
    "text": lambda: Pieces(str(len(DATA))),
    "a method": SizeMethod,
    "an exception": lambda: FailingSize(RuntimeError("not yet")),
    "a framework's timeout": lambda: FailingSize(OffloadedTimeout()),
    "a cancellation": lambda: FailingSize(asyncio.CancelledError()),
    "an exception of ours": lambda: FailingSize(SourceError("not yet")),
    "a response that ends with its connection": lambda: answered("Connection: close"),
}


def sent(emulator: Emulator) -> tuple[int, int, int]:
    return emulator.count("create"), emulator.count("put"), emulator.count("create_asset")


@pytest.mark.parametrize("size", [None, len(DATA)])
@pytest.mark.parametrize("what", TELLING)
async def test_a_stream_that_tells_its_size_goes_in_chunks(
    what: str, size: int | None, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """As with ``size=``: nothing of it is kept on the way, and the same size may be given."""
    asset = await client.upload(
        ("a.mp4", TELLING[what]()), size=size, multipart_above=CHUNK, spool=False
    )
    assert sent(emulator) == (1, 5, 0)
    assert await read_asset(emulator, asset.id) == DATA


@pytest.mark.parametrize("what", SILENT)
async def test_what_is_no_size_tells_nothing(
    what: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The stream is read to its end first, or goes in one request; ``size=`` says it."""
    asset = await client.upload(("a.mp4", SILENT[what]()))
    assert sent(emulator) == (0, 0, 1)
    assert await read_asset(emulator, asset.id) == DATA
    with pytest.raises(InvalidArgumentError, match="pass size="):
        await client.upload(("a.mp4", SILENT[what]()), multipart_above=0, spool=False)
    asset = await client.upload(
        ("a.mp4", SILENT[what]()), size=len(DATA), multipart_above=0, spool=False
    )
    assert sent(emulator) == (1, 5, 1)
    assert await read_asset(emulator, asset.id) == DATA


@pytest.mark.parametrize("above", [0, 10**9])
@pytest.mark.parametrize("what", TELLING)
async def test_another_size_than_the_stream_tells_is_refused(
    what: str, above: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Before a byte of it is read."""
    stream = TELLING[what]()
    with pytest.raises(
        InvalidArgumentError, match=f"size is 5, and a.mp4 says that it has {len(DATA)} bytes"
    ):
        await client.upload(("a.mp4", stream), size=5, multipart_above=above)
    assert emulator.requests == []
    asset = await client.upload(("a.mp4", stream))
    assert await read_asset(emulator, asset.id) == DATA


SHORT, LONG = len(DATA) - 1, len(DATA) + 1
LIES: dict[str, tuple[Callable[[], Any], str]] = {
    "shorter": (lambda: Pieces(LONG), f"ended after {len(DATA)} of {LONG} bytes, its own size"),
    "longer": (lambda: PiecesInThread(SHORT), f"has more than {SHORT} bytes, its own size"),
    "broken off": (
        lambda: answered(f"Content-Length: {LONG}"),
        f"ended after {len(DATA)} of {LONG} bytes, its own size",
    ),
}


@pytest.mark.parametrize("above", [0, 10**9])
@pytest.mark.parametrize("what", LIES)
async def test_a_stream_of_another_size_than_it_tells_makes_no_asset(
    what: str, above: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    make, reason = LIES[what]
    with pytest.raises(UploadError, match=reason) as caught:
        await client.upload(("a.mp4", make()), multipart_above=above)
    assert isinstance(caught.value.__cause__, SourceError)
    assert all(asset.received_at is None for asset in emulator.platform.assets.values())


async def test_of_a_response_the_rest_is_sent(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """What was read before is not counted."""
    response = answered(f"Content-Length: {len(DATA)}")
    assert response.read(CHUNK) == DATA[:CHUNK]
    asset = await client.upload(("a.mp4", response), multipart_above=0, spool=False)
    assert sent(emulator) == (1, 4, 0)
    assert await read_asset(emulator, asset.id) == DATA[CHUNK:]


async def test_a_file_that_can_be_sought_in_is_measured(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Whatever it says: a framework counts what came, and the file stands somewhere in it."""
    file = StarletteFile(io.BytesIO(DATA), size=len(DATA), filename="a.mp4")
    await file.seek(CHUNK)
    asset = await client.upload(file, multipart_above=0)
    assert sent(emulator) == (1, 4, 0)
    assert await read_asset(emulator, asset.id) == DATA[CHUNK:]


async def test_the_bytes_that_a_reader_of_aiohttp_has_counted_are_no_size(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """``total_bytes`` is what has come so far."""
    connection = BaseProtocol(asyncio.get_running_loop())
    connection.connection_made(asyncio.Transport())
    reader = aiohttp.StreamReader(connection, 10**6)
    reader.feed_data(DATA[:CHUNK])
    upload = asyncio.create_task(client.upload(("a.mp4", reader)))
    await asyncio.sleep(1)
    reader.feed_data(DATA[CHUNK:])
    reader.feed_eof()
    assert await read_asset(emulator, (await upload).id) == DATA


@pytest.mark.parametrize("size", [None, len(DATA)])
async def test_what_a_cancelled_upload_was_reading_is_not_missed(
    size: int | None, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The next upload gets it first, and what is told may count it or not."""
    waits, go_on = threading.Event(), threading.Event()

    class Slow(PiecesInThread):
        def __next__(self) -> bytes:
            self.size = sum(map(len, self.parts[1:])) or None
            waits.set()
            go_on.wait()
            return super().__next__()

    stream = Slow(len(DATA))
    upload = asyncio.create_task(client.upload(("a.mp4", stream)))
    while not waits.is_set():
        await asyncio.sleep(0.001)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    again = asyncio.create_task(client.upload(("a.mp4", stream), size=size))
    go_on.set()
    assert await read_asset(emulator, (await again).id) == DATA
