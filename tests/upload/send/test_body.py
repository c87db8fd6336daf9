"""The body of a PUT: right bytes under back-pressure, one connection for many PUTs.

Each trap that was met in prototypes has a test here that was seen to fail without its remedy.
"""

import asyncio
import hashlib
import os
import socket
import ssl
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from attrs import define
from support.files import MakeFile

from twelvelabs_async._http.sessions import HttpSessions
from twelvelabs_async._http.settings import ConnectionSettings
from twelvelabs_async._upload.plan.slices import Slice, Slices
from twelvelabs_async._upload.send.body import BodyResources, waiting_until_empty
from twelvelabs_async._upload.send.loop_share import TURN_BYTES, LoopShare
from twelvelabs_async._upload.send.slice_body import HashedBody, SliceBody
from twelvelabs_async._upload.send.storage import Storage
from twelvelabs_async._upload.source.disk_reads import (
    CAN_READ_CACHE,
    Descriptor,
    read_positioned,
    read_seeking,
)
from twelvelabs_async._upload.source.file import FileSource, open_source
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async.errors import SourceChangedError, SourceError, StorageConnectionError

MIB = 2**20


class SlowStore:
    """An object store that takes bytes in small sips, so that every buffer on the way fills up.

    Answers with the MD5 of what it got. ``connections`` counts those that it accepted.
    """

    def __init__(self, sip: int) -> None:
        self.sip = sip
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await _head(reader):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                digest = hashlib.md5(usedforsecurity=False)
                while length:
                    sip = await reader.readexactly(min(length, self.sip))
                    digest.update(sip)
                    length -= len(sip)
                    await asyncio.sleep(0)
                answer = (
                    f'HTTP/1.1 200 OK\r\nETag: "{digest.hexdigest()}"\r\nContent-Length: 0\r\n\r\n'
                )
                writer.write(answer.encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@asynccontextmanager
async def slow_store(
    context: ssl.SSLContext | None, sip: int = 512
) -> AsyncGenerator[tuple[SlowStore, str]]:
    store = SlowStore(sip)
    listener = socket.create_server(("127.0.0.1", 0))
    if sip < 8192:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    limit = max(sip, 8192)
    server = await asyncio.start_server(store.serve, sock=listener, limit=limit, ssl=context)
    scheme = "http" if context is None else "https"
    host = "127.0.0.1" if context is None else "localhost"
    async with server:
        yield store, f"{scheme}://{host}:{listener.getsockname()[1]}/chunk?signature=very-secret"


def narrow_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make a socket whose kernel buffer takes little, so that ours fill up."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    return made


@asynccontextmanager
async def storage(
    client_tls: ssl.SSLContext | bool = True, *, narrow: bool = True
) -> AsyncGenerator[Storage]:
    factory = narrow_socket if narrow else None
    connector = aiohttp.TCPConnector(ssl=client_tls, socket_factory=factory)
    sessions = HttpSessions(ConnectionSettings(connector=connector))
    yield Storage(sessions, 60.0, BodyResources())
    await sessions.close()
    await connector.close()


def tls_pair() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)  # pyright: ignore[reportUnknownMemberType]
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]
    return server, client


def md5_of(path: Path, piece: Slice) -> str:
    content = path.read_bytes()[piece.offset : piece.offset + piece.size]
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.mark.every_loop
@pytest.mark.parametrize("inline", [True, False], ids=["cached", "threads"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_a_slow_reader_gets_the_right_bytes(
    tls: bool, inline: bool, make_file: MakeFile
) -> None:
    """A reused buffer is never overwritten while a transport still holds a view of it."""
    server_tls, client_tls = tls_pair() if tls else (None, True)
    path = make_file(6 * MIB + 5)
    slices = Slices(6 * MIB + 5, 2 * MIB)
    async with (
        slow_store(server_tls) as (_, url),
        storage(client_tls) as store,
        open_source(path, inline=inline) as source,
    ):
        pieces = [slices[index] for index in range(1, len(slices) + 1)]
        etags = await asyncio.gather(
            *(store.put(url, {}, store.body(source, piece)) for piece in pieces)
        )
    assert etags == [md5_of(path, piece) for piece in pieces]


class CountingTurns(LoopShare):
    """Turns that know how often they were waited for."""

    waits = 0

    async def run_in_turns(self, work: Callable[[], bool]) -> None:
        self.waits += 1
        await super().run_in_turns(work)


@pytest.mark.every_loop
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_a_slow_reader_has_no_more_than_a_piece_waiting(
    tls: bool, make_file: MakeFile
) -> None:
    """What the network does not take stays on the disk, and is not asked for in each turn."""
    server_tls, client_tls = tls_pair() if tls else (None, True)
    size = 6 * MIB
    path, piece, most = make_file(size), Slice(1, 0, size), 0
    async with (
        slow_store(server_tls, sip=4096) as (_, url),
        storage(client_tls) as store,
        open_source(path) as source,
    ):
        turns = CountingTurns()
        body = SliceBody(source, piece, BodyResources(loop_share=turns))
        put = asyncio.create_task(store.put(url, {}, body))
        while not put.done():
            most = max(most, body.buffered_bytes)
            await asyncio.sleep(0)
        assert await put == md5_of(path, piece)
    assert TURN_BYTES / 2 < most < 1.01 * TURN_BYTES  # TLS adds a little
    assert turns.waits <= 2 * size / TURN_BYTES + 2


class Waiting(asyncio.Protocol):
    """Knows whether it shall wait before it writes more, and when its connection is lost."""

    def __init__(self) -> None:
        self.paused = False
        self.lost = asyncio.Event()

    def pause_writing(self) -> None:
        self.paused = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@pytest.mark.every_loop
async def test_even_a_single_byte_is_waited_for() -> None:
    """A body that could neither wait nor go on would ask again in every turn of the loop."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(Waiting, *nobody.getsockname())
        _, usual = transport.get_write_buffer_limits()
        with suppress(BlockingIOError):
            while True:  # until the kernel takes no more
                os.write(transport.get_extra_info("socket").fileno(), bytes(MIB))
        with waiting_until_empty(transport):
            transport.write(b"!")
            await asyncio.sleep(0)
            assert (transport.get_write_buffer_size(), protocol.paused) == (1, True)
        assert transport.get_write_buffer_limits()[1] == usual
        transport.abort()


@pytest.mark.every_loop
async def test_a_connection_that_is_lost_is_left_alone() -> None:
    """Whatever is asked of its transport would hide why it was lost."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(Waiting, *nobody.getsockname())
        with waiting_until_empty(transport):
            transport.abort()
            await protocol.lost.wait()
        with waiting_until_empty(transport):
            assert transport.is_closing()


@pytest.mark.every_loop
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_short_reads_and_short_bodies_are_sent_right(
    tls: bool, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes too small to be waited for stay in the transport as views; their buffer stays, too."""
    real = os.preadv

    def read_little(file: int, views: list[memoryview], offset: int, flags: int = 0) -> int:
        return real(file, [views[0][:5000]], offset, flags)

    monkeypatch.setattr(os, "preadv", read_little)
    server_tls, client_tls = tls_pair() if tls else (None, True)
    path = make_file(MIB)
    slices = Slices(MIB, 50_000)
    waiting = iter(range(1, len(slices) + 1))
    etags: dict[int, str] = {}
    async with (
        slow_store(server_tls) as (_, url),
        storage(client_tls) as store,
        open_source(path) as source,
    ):

        async def work() -> None:
            for index in waiting:
                etags[index] = await store.put(url, {}, store.body(source, slices[index]))

        await asyncio.gather(*(work() for _ in range(5)))
    assert etags == {index: md5_of(path, slices[index]) for index in etags}
    assert len(etags) == len(slices)


@pytest.mark.every_loop
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_puts_one_after_another_take_one_connection(tls: bool, make_file: MakeFile) -> None:
    """The writer has ended when the answer arrives, so that the connection is kept."""
    server_tls, client_tls = tls_pair() if tls else (None, True)
    path = make_file(MIB + 3)
    piece = Slice(1, 0, MIB + 3)
    async with (
        slow_store(server_tls) as (server, url),
        storage(client_tls) as store,
        open_source(path) as source,
    ):
        for _ in range(20):
            assert await store.put(url, {}, store.body(source, piece)) == md5_of(path, piece)
    assert server.connections == 1


class SlowDigest:
    """An MD5 that takes its time, in its thread, before it looks at the bytes."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.begun = threading.Event()

    def update(self, view: memoryview) -> None:
        self.begun.set()
        threading.Event().wait(0.005)
        self._md5.update(view)

    def hexdigest(self) -> str:
        return self._md5.hexdigest()


def hashed_body(store: Storage, source: Source, piece: Slice) -> tuple[SliceBody, SlowDigest]:
    digest: Any = SlowDigest()
    body = store.body(source, piece, hashed=True)
    assert isinstance(body, HashedBody)
    body._digest = digest
    return body, digest


@pytest.mark.every_loop
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_what_is_hashed_is_what_was_sent(tls: bool, make_file: MakeFile) -> None:
    """However slow the thread is, its buffer waits for it."""
    server_tls, client_tls = tls_pair() if tls else (None, True)
    path = make_file(4 * MIB + 5)
    slices = Slices(4 * MIB + 5, MIB + 1)
    async with (
        slow_store(server_tls) as (_, url),
        storage(client_tls) as store,
        open_source(path) as source,
    ):

        async def put(piece: Slice) -> None:
            body, _ = hashed_body(store, source, piece)
            etag = await store.put(url, {}, body)
            assert etag == body.md5 == md5_of(path, piece)

        await asyncio.gather(*(put(slices[index]) for index in range(1, len(slices) + 1)))


@pytest.mark.every_loop
@pytest.mark.parametrize("size", [1, TURN_BYTES, TURN_BYTES + 1, 2 * TURN_BYTES + 7])
async def test_hashed_puts_take_one_connection(size: int, make_file: MakeFile) -> None:
    """The last bytes are hashed before they are sent: nothing is awaited after the last write."""
    path = make_file(size)
    async with (
        slow_store(None) as (server, url),
        storage() as store,
        open_source(path) as source,
    ):
        for _ in range(5):
            body, _ = hashed_body(store, source, Slice(1, 0, size))
            assert await store.put(url, {}, body) == body.md5
    assert server.connections == 1


async def test_the_buffer_of_a_cancelled_hash_is_nobody_elses(make_file: MakeFile) -> None:
    """A thread may still be looking at it."""
    path = make_file(100)
    async with slow_store(None) as (_, url), storage() as store, open_source(path) as source:
        await store.put(url, {}, store.body(source, Slice(1, 0, 100), hashed=True))
        (buffer,) = store._bodies.buffers._idle
        body, digest = hashed_body(store, source, Slice(1, 0, 100))
        upload = asyncio.create_task(store.put(url, {}, body))
        await asyncio.to_thread(digest.begun.wait)
        upload.cancel()
        await asyncio.wait({upload})
        assert all(idle is not buffer for idle in store._bodies.buffers._idle)


async def test_a_cancelled_thread_read_never_writes_into_another_upload(
    make_file: MakeFile,
) -> None:
    """The buffer of a read that outlives its cancellation is not given to anybody else."""
    first, second = make_file(TURN_BYTES, "first.mp4"), make_file(TURN_BYTES + 1, "second.mp4")
    reading, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(file: Descriptor, view: memoryview, offset: int) -> int:
        reading.set()
        go_on.wait()
        view[:] = b"!" * len(view)
        ended.set()
        return len(view)

    def late(file: Descriptor, view: memoryview, offset: int) -> int:
        count = read_positioned(file, view, offset)
        go_on.set()  # the read that was cancelled ends only now, after this one filled its buffer
        ended.wait()
        return count

    async def cancelled(store: Storage, url: str) -> None:
        async with open_source(first, read=slow, inline=False) as source:
            await store.put(url, {}, store.body(source, Slice(1, 0, TURN_BYTES)))

    async with slow_store(None) as (_, url), storage() as store:
        upload = asyncio.create_task(cancelled(store, url))
        await asyncio.to_thread(reading.wait)
        upload.cancel()
        piece = Slice(1, 0, TURN_BYTES + 1)
        async with open_source(second, read=late, inline=False) as source:
            etag = await store.put(url, {}, store.body(source, piece))
        await asyncio.wait({upload})
    assert etag == md5_of(second, piece)
    assert upload.cancelled()


async def test_a_failing_source_is_not_told_as_a_broken_network(make_file: MakeFile) -> None:
    """Aiohttp tells a body's own failure as a connection error; the body is asked first."""
    path = make_file(MIB)
    async with slow_store(None) as (_, url), storage() as store, open_source(path) as source:
        path.write_bytes(b"")
        with pytest.raises(SourceChangedError) as caught:
            await store.put(url, {}, store.body(source, Slice(7, 0, MIB)))
    assert caught.value.chunk_index == 7
    assert caught.value.__context__ is None


async def test_a_slice_of_a_file_that_was_replaced_is_never_whole(make_file: MakeFile) -> None:
    """The file is looked at before the last bytes of each slice go out, not only at the end."""
    path = make_file(MIB)
    async with slow_store(None) as (_, url), storage() as store, open_source(path) as source:
        body = store.body(source, Slice(2, MIB // 4, MIB // 4))
        make_file(MIB, "other.mp4").replace(path)
        with pytest.raises(SourceChangedError, match="another file was put in") as caught:
            await store.put(url, {}, body)
    assert caught.value.chunk_index == 2
    assert body.sent < MIB // 4


async def test_a_slice_notices_other_times_before_its_last_bytes(make_file: MakeFile) -> None:
    """Whether its bytes are other ones, too, is found out before it is reported."""
    path = make_file(MIB)
    piece = Slice(2, MIB // 4, MIB // 4)
    async with slow_store(None) as (_, url), storage() as store, open_source(path) as source:
        await store.put(url, {}, store.body(source, piece))
        assert source.version == 0
        os.utime(path, ns=(5, 5))
        assert await store.put(url, {}, store.body(source, piece)) == md5_of(path, piece)
        assert source.version == 1
        await store.put(url, {}, store.body(source, piece))
        assert source.version == 1


async def test_aiohttp_cannot_send_a_body_twice(make_file: MakeFile) -> None:
    """A PUT that a stale connection lost is not repeated behind our back: its URL works once."""
    connections = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        head = await _head(reader)
        if connections == 1 and b"/first" in head:
            await reader.readexactly(100)
            writer.write(b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n')
            await reader.readuntil(b"\r\n\r\n")  # the second request comes on the same connection
        writer.close()

    path = make_file(100)
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    piece = Slice(1, 0, 100)
    async with server, storage() as store, open_source(path) as source:
        assert await store.put(f"{url}/first", {}, store.body(source, piece)) == "x"
        with pytest.raises(StorageConnectionError, match="closed the connection"):
            await store.put(f"{url}/second", {}, store.body(source, piece))
    assert connections == 1


async def test_a_shared_handle_is_read_right_where_reads_have_no_offset(
    make_file: MakeFile,
) -> None:
    """Systems that can only seek and read send the right bytes, too."""
    path = make_file(3 * MIB)
    slices = Slices(3 * MIB, MIB // 2)
    async with (
        slow_store(None) as (_, url),
        storage() as store,
        open_source(path, read=read_seeking, inline=False) as source,
    ):
        pieces = [slices[index] for index in range(1, len(slices) + 1)]
        etags = await asyncio.gather(
            *(store.put(url, {}, store.body(source, piece)) for piece in pieces)
        )
    assert etags == [md5_of(path, piece) for piece in pieces]


@define
class CountingSource:
    """A source that counts how it is read, and may lose its end after a read."""

    _real: FileSource
    shrinks_after: int | None = None
    at_hand: int = 0
    waited: int = 0

    @property
    def name(self) -> str:
        return self._real.name

    @property
    def size(self) -> int:
        return self._real.size

    @property
    def path(self) -> Path | None:
        return self._real.path

    @property
    def identity(self) -> tuple[int, ...] | None:
        return self._real.identity

    async def read_into(self, view: memoryview, offset: int) -> int:
        self.waited += 1
        return await self._real.read_into(view, offset)

    def read_nowait(self, view: memoryview, offset: int) -> int:
        count = self._real.read_nowait(view, offset)
        self.at_hand += count > 0
        if self.at_hand == self.shrinks_after:
            os.truncate(self._real.path, offset + count)
        return count

    @property
    def version(self) -> int:
        return self._real.version

    async def look(self) -> None:
        await self._real.look()

    async def check_unchanged(self) -> None:
        await self._real.check_unchanged()


@pytest.mark.skipif(not CAN_READ_CACHE, reason="only Linux reads its cache without waiting")
async def test_what_is_in_the_page_cache_is_sent_without_waking_a_task(make_file: MakeFile) -> None:
    """But for the first piece, which takes the head along, and the last, which needs a look."""
    path = make_file(4 * TURN_BYTES)
    whole = Slice(1, 0, 4 * TURN_BYTES)
    async with (
        slow_store(None, MIB) as (_, url),
        storage(narrow=False) as store,
        open_source(path) as real,
    ):
        source = CountingSource(real)
        assert await store.put(url, {}, store.body(source, whole)) == md5_of(path, whole)
    assert source.at_hand  # how many depends on what the kernel takes at once
    assert source.at_hand + source.waited == 4


@pytest.mark.skipif(not CAN_READ_CACHE, reason="only Linux reads its cache without waiting")
async def test_a_file_that_shrinks_is_one_that_has_changed(make_file: MakeFile) -> None:
    """Also where it is noticed by a read that waits for nothing: the next one tells it."""
    path = make_file(8 * TURN_BYTES)
    async with (
        slow_store(None, MIB) as (_, url),
        storage(narrow=False) as store,
        open_source(path) as real,
    ):
        source = CountingSource(real, shrinks_after=1)
        body = store.body(source, Slice(2, 0, 8 * TURN_BYTES))
        with pytest.raises(SourceChangedError, match="it ends at") as caught:
            await store.put(url, {}, body)
    assert caught.value.chunk_index == 2
    assert body.sent == path.stat().st_size


async def test_memory_is_one_buffer_a_body(make_file: MakeFile) -> None:
    """Buffers go back to the pool when nothing holds them; 20 PUTs in a row need very few."""
    path = make_file(MIB)
    sessions = HttpSessions(ConnectionSettings())
    bodies = BodyResources()
    async with slow_store(None) as (_, url), open_source(path) as source:
        store = Storage(sessions, 60.0, bodies)
        for _ in range(20):
            await store.put(url, {}, store.body(source, Slice(1, 0, MIB)))
        assert bodies.buffers.idle <= 2
        await sessions.close()


def open_sockets() -> int:
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists the directory
            count += str(entry.readlink()).startswith("socket:")
    return count


async def test_the_watch_ends_a_put_that_nobody_takes(make_file: MakeFile) -> None:
    """No byte taken and no answer for ``stall_timeout``: the attempt ends, and says so."""
    over = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.transport.abort()

    path = make_file(8 * MIB)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    server = await asyncio.start_server(deaf, sock=listener, limit=8192)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    loop = asyncio.get_running_loop()
    async with server, storage() as store, open_source(path) as source:
        began, before = loop.time(), open_sockets()
        with pytest.raises(
            StorageConnectionError, match="no byte was taken and no whole answer came for 60 s"
        ):
            await store.put(url, {}, store.body(source, Slice(1, 0, 8 * MIB)))
        assert 60 <= loop.time() - began <= 80
        await asyncio.sleep(0)
        assert open_sockets() == before + 1  # the deaf end's; ours is gone with what it held
        over.set()


async def test_the_watch_is_patient_with_a_link_that_is_only_slow(make_file: MakeFile) -> None:
    """Bytes that trickle out of the kernel's buffers are progress, however long it takes."""
    path = make_file(2 * MIB)
    loop = asyncio.get_running_loop()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while left:
            await asyncio.sleep(40)  # on the virtual clock
            left -= len(await reader.readexactly(min(left, 64 * 1024)))
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n')
        await writer.drain()
        writer.close()

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    server = await asyncio.start_server(trickle, sock=listener, limit=8192)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    async with server, storage() as store, open_source(path) as source:
        began = loop.time()
        assert await store.put(url, {}, store.body(source, Slice(1, 0, 2 * MIB))) == "x"
        assert loop.time() - began >= 32 * 40


async def test_a_slow_disk_is_no_stall(make_file: MakeFile) -> None:
    """The watch waits for the source: nobody else is to blame, and no URL is spent on it."""
    path = make_file(MIB)
    loop = asyncio.get_running_loop()

    class SlowDisk:
        """A source that takes an hour for each read, on the virtual clock."""

        name, size, path, identity, version = "slow", MIB, None, None, 0

        async def read_into(self, view: memoryview, offset: int) -> int:
            await asyncio.sleep(3600)
            return await real.read_into(view, offset)

        def read_nowait(self, view: memoryview, offset: int) -> int:
            return 0

        async def look(self) -> None:
            await real.look()

        async def check_unchanged(self) -> None:
            await real.check_unchanged()

    async with slow_store(None) as (_, url), storage() as store, open_source(path) as real:
        etag = await store.put(url, {}, store.body(SlowDisk(), Slice(1, 0, MIB)))
    assert etag == md5_of(path, Slice(1, 0, MIB))
    assert loop.time() >= 3600


async def test_a_busy_loop_is_no_stall(make_file: MakeFile) -> None:
    """Whoever waits for a turn waits for us, not for the store, and spends no URL on it."""
    path = make_file(MIB)
    loop = asyncio.get_running_loop()

    class RareTurns(LoopShare):
        """Turns that come once an hour, on the virtual clock."""

        async def run_in_turns(self, work: Callable[[], bool]) -> None:
            await asyncio.sleep(3600)
            await super().run_in_turns(work)

    sessions = HttpSessions(ConnectionSettings())
    store = Storage(sessions, 60.0, BodyResources(loop_share=RareTurns()))
    async with slow_store(None) as (_, url), open_source(path) as source:
        etag = await store.put(url, {}, store.body(source, Slice(1, 0, MIB)))
    await sessions.close()
    assert etag == md5_of(path, Slice(1, 0, MIB))
    assert loop.time() >= 3600


async def test_a_mistake_in_a_source_is_not_told_as_a_broken_network(make_file: MakeFile) -> None:
    """Whatever a source raises is told as its own."""
    path = make_file(MIB)

    def broken(file: Descriptor, view: memoryview, offset: int) -> int:
        raise RuntimeError("cannot schedule new futures after shutdown")

    async with (
        slow_store(None) as (_, url),
        storage() as store,
        open_source(path, read=broken, inline=False) as source,
    ):
        with pytest.raises(SourceError, match="cannot schedule new futures") as caught:
            await store.put(url, {}, store.body(source, Slice(3, 0, MIB)))
    assert caught.value.chunk_index == 3
