"""Open files of all kinds: each is uploaded, or refused with an error of ours."""
# ruff: noqa: SIM115 - the tables below hold files that are closed when the test is over

import array
import asyncio
import bz2
import codecs
import ctypes
import functools
import gzip
import http.client
import io
import lzma
import mmap
import os
import socket
import tarfile
import tempfile
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, frozen
from support.assets import read_asset
from support.open_files import kept, left_open

from twelvelabs_async import (
    AssetDetail,
    AsyncTwelveLabs,
    InvalidArgumentError,
    SourceError,
    UploadError,
)
from twelvelabs_async.emulator import Emulator

DATA = os.urandom(60_000)
"""Fits into the buffer of a socket."""

Make = Callable[[Path], Any]


class FrameworkError(Exception):
    """What a framework raises: no OSError, no ValueError."""


class FrameworkTimeout(BaseException):
    """As gevent's: no ``Exception``, so that nobody catches it by accident."""


class UnspeakableError(Exception):
    """An exception that fails when it is printed for the first time."""

    printed = False

    def __str__(self) -> str:
        if not self.printed:
            self.printed = True
            raise ValueError("no words")
        return "found words"


# Ways in.


def own_directory(tmp: Path, way: str) -> Path:
    directory = tmp / way
    directory.mkdir()
    return directory


async def send(client: AsyncTwelveLabs, way: str, file: Any) -> AssetDetail:
    """Upload a file, one way or another."""
    if way == "create":
        return await client.assets.create(method="direct", file=file, filename="a.mp4")
    if way == "raw":
        create = client.assets.with_raw_response.create
        return (await create(method="direct", file=("a.mp4", file))).data
    if way == "a tuple":
        return await client.upload(("a.mp4", file))
    if way == "upload_file":
        result = await client.multipart_upload.upload_file(file)
        return await client.assets.retrieve(result.asset_id)
    above = 0 if way == "chunks" else 10**6
    return await client.upload(file, filename="a.mp4", multipart_above=above)


# Files that come in one piece, from where they stand.


def tar_member(tmp: Path, mode: Any = "r") -> Any:
    """Return a member of an archive: it has no ``fileno``, and ``seekable`` may not be true."""
    path = tmp / "archive.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("before.mp4", "clip.mp4", "after.mp4"):
            info = tarfile.TarInfo(name)
            info.size = len(DATA)
            archive.addfile(info, io.BytesIO(DATA if name == "clip.mp4" else bytes(len(DATA))))
    archive = kept(tarfile.open(path, mode))
    for info in archive:
        if info.name == "clip.mp4":
            return kept(archive.extractfile(info))
    raise AssertionError


def zip_member(tmp: Path) -> Any:
    with zipfile.ZipFile(tmp / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("clip.mp4", DATA)
    return kept(kept(zipfile.ZipFile(tmp / "archive.zip")).open("clip.mp4"))


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def mapped(tmp: Path) -> Any:
    """Return a map: its ``seek`` gives None before Python 3.13, and it has no name."""
    with written(tmp / "a.mp4", DATA).open("rb") as file:
        return kept(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def filled(file: Any, data: Any = DATA) -> Any:
    file.write(data)
    file.seek(0)
    return kept(file)


def seeking_to(outcome: Any) -> Make:
    """Return a maker of files whose ``seek`` does what it should, and returns something else."""

    def seek(self: io.BytesIO, offset: int, whence: int = 0) -> Any:
        io.BytesIO.seek(self, offset, whence)
        return outcome

    return lambda _: type("Seeking", (io.BytesIO,), {"seek": seek})(DATA)


def exported(tmp: Path) -> io.BytesIO:
    file = io.BytesIO(DATA)
    left_open.callback(file.getbuffer().release)  # until then it cannot be resized
    return file


def a_pair(tmp: Path) -> Any:
    raw = written(tmp / "a.mp4", DATA).open("rb", buffering=0)
    return kept(io.BufferedRWPair(raw, (tmp / "b").open("wb", buffering=0)))


def from_a_socket(_: Path) -> Any:
    ours, theirs = socket.socketpair()
    theirs.sendall(DATA)
    theirs.close()
    with ours:
        return kept(ours.makefile("rb"))


def http_response(_: Path) -> Any:
    """As ``urllib.request.urlopen`` returns it."""
    ours, theirs = socket.socketpair()
    theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DATA) + DATA)
    theirs.close()
    with ours:
        response = http.client.HTTPResponse(ours)
    response.begin()
    return kept(response)


@define(eq=False, slots=False)
class WsgiBody:
    """A body of a request in WSGI: ``read`` and nothing else (PEP 3333), in short pieces."""

    data: bytes = DATA
    position: int = 0

    def read(self, size: int = -1) -> Any:
        piece = self.data[self.position :][: min(size, 7000) if size >= 0 else None]
        self.position += len(piece)
        return piece


class StreamingBody(WsgiBody):
    """As botocore's: ``tell`` is there, and ``seek`` is not."""

    def tell(self) -> int:
        return self.position


class Unhashable(io.BytesIO):
    """A wrapper that compares by content."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Slotted:
    """An object that knows no weak references, and has no more methods than it needs."""

    __slots__ = ("_file",)

    def __init__(self) -> None:
        self._file = io.BytesIO(DATA)

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> None:
        self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class NothingRefused(io.BytesIO):
    """A file that refuses a read of nothing."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size == 0:
            raise FrameworkError("size must be positive")
        return super().read(size)


class EverythingForNothing(io.BytesIO):
    """A file that takes a read of nothing for a read of everything."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size or -1)


@define(eq=False, slots=False)
class Piecewise(WsgiBody):
    """A body that gives its pieces as something else than bytes."""

    kind: Callable[[bytes], Any] = bytes

    def read(self, size: int = -1) -> Any:
        return self.kind(super().read(size))


class Generous(io.BytesIO):
    """A file that gives more than it is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size + 100 if size else size)


class GenerousBody(WsgiBody):
    """A body that gives all it has."""

    def read(self, size: int = -1) -> Any:
        return super().read(-1)


def raising(method: str, error: BaseException) -> Make:
    """Return a maker of files of which one method raises."""

    def fail(self: object, *_: object) -> Any:
        raise error

    return lambda _: type("Raising", (io.BytesIO,), {method: fail})(DATA)


def returning(value: Any) -> Callable[..., Any]:
    def method(*_: object) -> Any:
        return value

    return method


def having(attribute: str, value: Any) -> Make:
    """Return a maker of files of which one attribute is something else."""
    return lambda _: type("Having", (io.BytesIO,), {attribute: value})(DATA)


def forward_only(_: Path) -> Any:
    """Return a file that says that it can be sought in, and refuses to."""

    def seek(self: Any, *_: object) -> int:
        raise io.UnsupportedOperation("underlying stream is not seekable")

    return type("ForwardOnly", (io.BytesIO,), {"seek": seek})(DATA)


@frozen
class Located:
    """A path of somebody else's, such as py.path's."""

    path: str | bytes

    def __fspath__(self) -> str | bytes:
        return self.path

    def read(self, mode: str = "r") -> str:
        raise AssertionError("it is a path, and no open file")


def dir_entry(tmp: Path) -> os.DirEntry[str]:
    written(tmp / "a.mp4", DATA)
    with os.scandir(tmp) as entries:
        return next(entry for entry in entries if entry.name == "a.mp4")


class AsyncBody:
    """As aiofiles' and Starlette's: everything has to be awaited."""

    def __init__(self) -> None:
        self._file = io.BytesIO(DATA)

    async def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 7000))

    async def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    async def tell(self) -> int:
        return self._file.tell()

    async def seekable(self) -> bool:
        return True


class Decorated(AsyncBody):
    """A ``read`` that is no coroutine function, and returns what has to be awaited."""

    def read(self, size: int = -1) -> Awaitable[bytes]:  # type: ignore[override]
        return super().read(size)


class HalfAsync(io.BytesIO):
    """Only ``read`` has to be awaited, and does not look like it."""

    def read(self, size: int | None = -1, /) -> Any:
        async def read() -> bytes:
            return io.BytesIO.read(self, size)

        return read()


class Partial(AsyncBody):
    """A ``read`` that was put together."""

    def __init__(self) -> None:
        super().__init__()
        self.read = functools.partial(super().read)  # type: ignore[method-assign]


@frozen
class AsyncCall:
    """A ``read`` that is an object, as asgiref's ``sync_to_async`` makes them."""

    file: io.BytesIO

    async def __call__(self, size: int) -> bytes:
        return self.file.read(size)


class CallableRead:
    """An object that has one."""

    def __init__(self) -> None:
        self.read = AsyncCall(io.BytesIO(DATA))


def stream_reader(_: Path) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(DATA)
    reader.feed_eof()
    return reader


def property_raising(error: BaseException) -> property:
    def fail(_: object) -> Any:
        raise error

    return property(fail)


UPLOADED: dict[str, Make] = {
    "a generator": lambda _: some_pieces(),
    "a member of a tar archive": tar_member,
    "a member of a tar archive that is read as a stream": lambda tmp: tar_member(tmp, "r|"),
    "a member of a zip archive": zip_member,
    "a gzip file": lambda tmp: kept(gzip.open(written(tmp / "a.gz", gzip.compress(DATA)))),
    "a bz2 file": lambda tmp: kept(bz2.open(written(tmp / "a.bz2", bz2.compress(DATA)))),
    "an lzma file": lambda tmp: kept(lzma.open(written(tmp / "a.xz", lzma.compress(DATA)))),
    "a map": mapped,
    "a spooled file": lambda _: filled(tempfile.SpooledTemporaryFile()),
    "a spooled file on the disk": lambda _: filled(tempfile.SpooledTemporaryFile(10)),
    "a temporary file": lambda _: filled(tempfile.NamedTemporaryFile()),
    "a file for reading and writing": lambda tmp: filled((tmp / "a.mp4").open("w+b")),
    "a pair of files": a_pair,
    "bytes of which somebody has a view": exported,
    "a file of a socket": from_a_socket,
    "a response": http_response,
    "a body of WSGI": lambda _: WsgiBody(),
    "a body that can tell": lambda _: StreamingBody(),
    "an unhashable file": lambda _: Unhashable(DATA),
    "an object with slots": lambda _: Slotted(),
    "a file that refuses to read nothing": lambda _: NothingRefused(DATA),
    "a file that reads everything for nothing": lambda _: EverythingForNothing(DATA),
    "pieces that are a bytearray": lambda _: Piecewise(kind=bytearray),
    "pieces that are a memoryview": lambda _: Piecewise(kind=memoryview),
    "a file that gives too much": lambda _: Generous(DATA),
    "a body that gives too much": lambda _: GenerousBody(),
    "a seek that is refused": forward_only,
    "a seekable that is not true": having("seekable", returning(False)),
    "a seekable that is no method": having("seekable", 5),
    "a seek that returns True": seeking_to(True),
    "a seek that returns 0 for success": seeking_to(0),
    "a seek that returns 1": seeking_to(1),
    "a seek that returns a number": seeking_to(5.0),
    "a seek that returns too much": seeking_to(10**15),
    "a tell that is True": having("tell", returning(True)),
    "a tell that is no number": having("tell", returning("here")),
    "a descriptor that is no number": having("fileno", returning("three")),
    "a descriptor that is none": having("fileno", returning(-1)),
    "a name that is a number": having("name", 5),
    "a name that is bytes": having("name", b"/tmp/a.mp4"),
    "a name that is a path": having("name", Path("/tmp/a.mp4")),  # noqa: S108 - it is not opened
    "a name that fails": having("name", property_raising(FrameworkError("no name"))),
    "closed that fails": having("closed", property_raising(FrameworkError("no"))),
    "a path of somebody else's": lambda tmp: Located(str(written(tmp / "a.mp4", DATA))),
    "a path of bytes": lambda tmp: Located(os.fsencode(written(tmp / "a.mp4", DATA))),
    "an entry of a directory": dir_entry,
    "an async body": lambda _: AsyncBody(),
    "a decorated async body": lambda _: Decorated(),
    "a file of which only read is async": lambda _: HalfAsync(DATA),
    "a partial async read": lambda _: Partial(),
    "an async read that is an object": lambda _: CallableRead(),
    "a stream of asyncio": stream_reader,
}
for _error in (OSError("no"), io.UnsupportedOperation("no"), ValueError("no"), AttributeError("no"),
               TypeError("no"), NotImplementedError("no"), FrameworkError("no"), StopIteration(),
               UnspeakableError()):  # fmt: skip
    for _method in ("seek", "tell", "seekable", "fileno"):
        _name = f"a {_method} that raises {type(_error).__name__}"
        UPLOADED[_name] = raising(_method, _error)


@pytest.mark.parametrize("what", UPLOADED)
async def test_whatever_can_be_read_is_uploaded(
    what: str, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Byte for byte, whatever else it can do; in chunks where it can be sought in."""
    for way in ("create", "raw", "upload", "a tuple", "chunks"):
        asset = await send(client, way, UPLOADED[what](own_directory(tmp_path, way)))
        assert await read_asset(emulator, asset.id) == DATA, way


# What is refused.


def some_pieces() -> Iterator[bytes]:
    yield DATA


def plain_pieces() -> Iterator[bytes]:
    yield DATA


async def failing_pieces() -> AsyncGenerator[bytes]:
    yield DATA
    raise FrameworkError("no")


async def none_pieces() -> AsyncGenerator[Any]:
    yield DATA
    yield None
    yield DATA


class NoAsyncIterator:
    """What an ``async for`` refuses."""

    def __aiter__(self) -> Any:
        return iter([DATA])


class Unbound:
    """As a proxy of werkzeug's outside of a request: every look at it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise FrameworkError("working outside of request context")


class OnlyReadinto:
    """A file without ``read``."""

    def readinto(self, buffer: memoryview) -> int:
        buffer[:1] = b"x"
        return 1


class SizelessRead:
    """A file that can only be read whole."""

    def read(self) -> bytes:
        return DATA


class FileField:
    """As aiohttp's: the file is an attribute."""

    filename = "a.mp4"
    file = io.BytesIO(DATA)


class LostPlace(io.BytesIO):
    """A file that goes to its end, and not back."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == 0:
            raise FrameworkError("backwards")
        return super().seek(offset, whence)


class Raising:
    """A body whose second read raises."""

    def __init__(self, error: BaseException) -> None:
        self.error, self.reads = error, 0

    def read(self, size: int) -> bytes:
        self.reads += 1
        if self.reads == 2:
            raise self.error
        return DATA


class AsyncRaising(Raising):
    """The same, to be awaited."""

    async def read(self, size: int) -> bytes:  # type: ignore[override]
        return super().read(size)


def failing(kind: type[Raising], error: BaseException, _: Path) -> Raising:
    return kind(error)


def closed(file: Any) -> Any:
    file.close()
    return file


def opened_as_text(tmp: Path, data: bytes) -> Any:
    return kept(written(tmp / "a.mp4", data).open(encoding="utf-8"))


REFUSED: dict[str, tuple[Make, str]] = {
    "a closed map": (lambda tmp: closed(mapped(tmp)), "closed"),
    "a closed file": (lambda tmp: closed(written(tmp / "a.mp4", DATA).open("rb")), "closed"),
    "an empty anonymous file": (lambda _: kept(tempfile.TemporaryFile()), "is empty"),
    "an empty body": (lambda _: WsgiBody(b""), "is empty"),
    "text in memory": (lambda _: io.StringIO("text"), "open as text"),
    "text": (lambda tmp: opened_as_text(tmp, b"text"), "open as text"),
    "bytes that are no text": (lambda tmp: opened_as_text(tmp, DATA), "open as text"),
    "text in a temporary file": (
        lambda _: filled(tempfile.NamedTemporaryFile("w+"), "text"), "open as text"),
    "text of codecs": (
        lambda t: kept(codecs.getreader("utf-8")(written(t / "a", b"t").open("rb"))), "as text"),
    "a body of text": (lambda _: Piecewise(kind=lambda piece: piece.hex()), "open as text"),
    "a body that has nothing yet": (lambda _: Piecewise(kind=returning(None)), "make it blocking"),
    "a body of numbers": (lambda _: Piecewise(kind=len), "gives int, not bytes"),
    "a file of numbers": (having("read", returning(5)), "gives int, not bytes"),
    "a read without a size": (lambda _: SizelessRead(), "positional argument"),
    "readinto alone": (lambda _: OnlyReadinto(), "file must be"),
    "a list of bytes": (lambda _: [DATA], "not list; if it has bytes in pieces, pass iter("),
    "a mapping": (lambda _: {"a": DATA}, "not dict"),
    "a generator function": (lambda _: failing_pieces, "not function; call it: failing_pieces()"),
    "a generator function of threads": (lambda _: plain_pieces, "call it: plain_pieces()"),
    "a partial generator function": (lambda _: functools.partial(plain_pieces), "; call it"),
    "a class": (lambda _: io.BytesIO, "the class BytesIO"),
    "a file in an attribute": (lambda _: FileField(), "not FileField"),
    "an array": (lambda _: array.array("B", DATA), "not array; pass memoryview("),
    "a buffer of ctypes": (lambda _: ctypes.create_string_buffer(10), "not c_char_Array"),
    "a view with gaps": (lambda _: memoryview(DATA)[::2], "pass bytes"),
    "an object that fails at every look": (lambda _: Unbound(), "outside of request"),
    "a path that fails": (lambda _: type("P", (), {"__fspath__": returning(5)})(), "__fspath__"),
    "a file that does not seek back": (lambda _: LostPlace(DATA), "sought back"),
    "pieces that fail": (lambda _: failing_pieces(), "FrameworkError: no"),
    "pieces that are None": (lambda _: none_pieces(), "gives NoneType, not bytes"),
    "an async iterator that is none": (lambda _: NoAsyncIterator(), "TypeError"),
    "a read that raises in a seekable file": (raising("read", FrameworkError("no")), "no"),
}  # fmt: skip


for _failure in (OSError("no"), ValueError("no"), StopIteration("no"), StopAsyncIteration("no"),
               FrameworkError("no"), FrameworkTimeout("no"), asyncio.CancelledError("no"),
               UnspeakableError()):  # fmt: skip
    _text = {"UnspeakableError": "UnspeakableError", "CancelledError": "cancelled from within"}
    _problem = _text.get(type(_failure).__name__, "no")
    for _kind in (Raising, AsyncRaising):
        _name = f"{_kind.__name__} {type(_failure).__name__}"
        REFUSED[_name] = (functools.partial(failing, _kind, _failure), _problem)
    _name = f"a seekable file that raises {type(_failure).__name__}"
    REFUSED[_name] = (raising("read", _failure), _problem)


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_uploaded_is_refused_with_an_error_of_ours(
    what: str, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """At once, with the reason, and with no asset."""
    make, problem = REFUSED[what]
    for way in ("create", "raw", "upload", "a tuple", "chunks", "upload_file"):
        with pytest.raises((InvalidArgumentError, SourceError, UploadError)) as caught:
            await send(client, way, make(own_directory(tmp_path, way)))
        if way == "upload_file":
            assert isinstance(caught.value, InvalidArgumentError)
        else:
            assert problem in str(caught.value), way
    assert emulator.count("report") == 0
    assert not any(asset.method == "direct" for asset in emulator.platform.assets.values())
    assert emulator.count("create_asset") <= 5  # once for each way in


async def test_what_an_object_raises_is_chained(client: AsyncTwelveLabs) -> None:
    """With its own traceback, for it is the caller's to mend."""
    failure = FrameworkError("no")
    with pytest.raises(UploadError) as caught:
        await client.upload(("a.mp4", Raising(failure)))
    assert isinstance(caught.value.__cause__, SourceError)
    assert caught.value.__cause__.__cause__ is failure


@pytest.mark.parametrize("make", [Unhashable, Slotted, AsyncBody, WsgiBody])
async def test_an_object_is_in_one_upload_at_a_time(
    make: Callable[..., Any], emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Whether it can be hashed or not; and equal ones are not the same."""
    file = make(DATA) if make is Unhashable else make()
    other = make(DATA) if make is Unhashable else make()
    create = client.assets.create
    outcomes = await asyncio.gather(
        *(create(method="direct", file=("a.mp4", f)) for f in (file, file, other)),
        return_exceptions=True,
    )
    refused = [o for o in outcomes if isinstance(o, BaseException)]
    assert len(refused) == 1
    assert "being uploaded already" in str(refused[0])
    sent = [o for o in outcomes if not isinstance(o, BaseException)]
    for asset in sent:
        assert await read_asset(emulator, asset.id) == DATA


async def test_a_file_stands_where_it_stood_after_an_upload(
    client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """A map and a member of an archive, too, so that the same call can be made again."""
    makers: list[Make] = [mapped, tar_member, lambda _: Slotted()]
    for make in makers:
        file = make(tmp_path)
        file.seek(100)
        await client.upload(("a.mp4", file))
        assert file.tell() == 100


@pytest.mark.parametrize("name", ["<stdin>", "<fdopen>", ""])
async def test_a_name_that_is_none_is_not_taken_for_one(
    name: str, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Python names files that have no name in angle brackets; the platform refuses both."""
    with pytest.raises(UploadError, match='The format of the file "upload"'):
        await client.upload(having("name", name)(tmp_path))
