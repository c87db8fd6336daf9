"""What a caller may hand over to be uploaded, and how its bytes are read.

A path, bytes, or an open binary file that can be sought in are a ``Source``: read anywhere, as
often as wanted. A pipe or an async iterator is a ``Stream``: read once, in order, and of unknown
size. What the caller opened is never closed here, but for an async generator, which nobody could
go on with.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from attrs import define, field, frozen

from twelvelabs_async.arguments import is_header
from twelvelabs_async.errors import InvalidArgumentError, SourceChangedError, SourceError
from twelvelabs_async.tasks import uninterrupted
from twelvelabs_async.upload.reading import Source, ThreadReads
from twelvelabs_async.upload.source import open_source

FileContent = str | Path | bytes | bytearray | memoryview | IO[bytes] | AsyncIterable[bytes]
"""A path (str or Path), or the bytes themselves, in one of the ways in which Python has them."""

File = FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]
"""Content, or the official SDK's ``(name, content)`` or ``(name, content, content_type)``."""

UNNAMED = "upload"
STREAM_READ = 2**20


@frozen
class Content:
    """What was handed over, told apart.

    Attributes:
        data: The bytes, or where they are.
        filename: Its name, as far as it has one.
        content_type: Its MIME type, if the caller told.
    """

    data: FileContent = field(repr=False)
    filename: str | None
    content_type: str | None = None

    @property
    def label(self) -> str:
        """What to call it to a person: its path, its name, or what it is."""
        if isinstance(self.data, str | Path):
            return str(self.data)
        return self.filename or f"the given {type(self.data).__name__}"


def told_apart(file: object) -> Content:
    """Return what a caller handed over as ``Content``.

    Raises:
        InvalidArgumentError: It is nothing that has bytes.
    """
    name: object = None
    content_type: object = None
    if isinstance(file, tuple):
        name, file, content_type = _parts(cast("tuple[object, ...]", file))
    if not isinstance(name, str | None) or not isinstance(content_type, str | None):
        raise InvalidArgumentError("in a file tuple, name and content type must be str or None")
    if content_type is not None and not is_header("Content-Type", content_type):
        raise InvalidArgumentError("the content type has characters that no header can carry")
    if not _has_bytes(file):
        kind = type(file).__name__
        raise InvalidArgumentError(
            "file must be a path, bytes, an open binary file, an async iterator of bytes, or a "
            f"tuple (name, content, content_type), not {kind}"
        )
    data = cast("FileContent", file)
    return Content(data, name or _own_name(data), content_type)


def _parts(file: tuple[object, ...]) -> tuple[object, object, object]:
    match file:
        case (name, content):
            return name, content, None
        case (name, content, content_type):
            return name, content, content_type
        case _:
            raise InvalidArgumentError(
                f"a file tuple is (name, content) or (name, content, content_type), not {len(file)}"
                " values"
            )


def _has_bytes(file: object) -> bool:
    if isinstance(file, str | Path):
        return bool(str(file))
    is_bytes = isinstance(file, bytes | bytearray | memoryview)
    return is_bytes or isinstance(file, AsyncIterable) or callable(getattr(file, "read", None))


def _own_name(data: FileContent) -> str | None:
    if isinstance(data, str | Path):
        return Path(data).name
    name: object = getattr(data, "name", None)  # of an open file; a descriptor's is a number
    return Path(name).name if isinstance(name, str) else None


@asynccontextmanager
async def opened(content: Content) -> AsyncGenerator["Source | Stream"]:
    """Make the bytes readable for the ``async with`` block.

    Raises:
        SourceError: They cannot be read, or there are none.
    """
    data = content.data
    if isinstance(data, str | Path):
        async with open_source(Path(data)) as source:
            yield source
    elif isinstance(data, bytes | bytearray | memoryview):
        yield _in_memory(content, data)
    elif isinstance(data, AsyncIterable):
        async with _stream(content, data) as stream:
            yield stream
    else:
        async with _handle(content, data) as handle:
            yield handle


async def size_of(content: Content) -> int | None:
    """Return how many bytes there are; None where only reading them would tell.

    Raises:
        SourceError: They cannot be read, or there are none.
    """
    if isinstance(content.data, AsyncIterable):
        return None
    async with opened(content) as found:
        return found.size


def _in_memory(content: Content, data: bytes | bytearray | memoryview) -> "MemorySource":
    try:
        view = memoryview(data).cast("B")
    except TypeError:
        raise SourceError(f"{content.label} is not contiguous; pass bytes() of it") from None
    if not view:
        raise SourceError(f"{content.label} is empty")
    return MemorySource(content.label, view)


@frozen
class MemorySource:
    """Bytes in memory."""

    name: str
    _view: memoryview = field(repr=False)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._view)

    @property
    def identity(self) -> None:
        """None: it is no file."""

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Copy bytes at ``offset``; see ``Readable.read_into``."""
        piece = self._view[offset : offset + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    async def check_unchanged(self) -> None:
        """Do nothing: whoever writes to a buffer that is being sent is told by nobody."""


@define(eq=False)
class HandleSource:
    """An open binary file of the caller's, from where it stands to its end; left as it was found.

    Reads go through threads, one at a time: the file has one position.
    """

    name: str
    size: int
    _file: IO[bytes] = field(repr=False)
    _start: int
    reads: ThreadReads = field(factory=ThreadReads, repr=False)
    _position: threading.Lock = field(factory=threading.Lock, repr=False)

    @property
    def identity(self) -> None:
        """None: nobody knows what file it is."""

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes at ``offset`` from where the file stood; see ``Readable.read_into``."""
        try:
            count = await self.reads.run(self._read, view, offset)
        except (OSError, ValueError) as error:
            failure = SourceError(f"cannot read {self.name}: {error}")
        else:
            if count:
                return count
            failure = SourceChangedError(
                f"{self.name} was changed while it was uploaded: it ends after {offset} bytes, "
                f"and had {self.size}"
            )
        raise failure

    def _read(self, view: memoryview, offset: int) -> int:
        with self._position:
            self._file.seek(self._start + offset)
            data = self._file.read(len(view))
        view[: len(data)] = data
        return len(data)

    async def check_unchanged(self) -> None:
        """Make sure that the file is as long as it was."""
        if await self.reads.run(self._measure) != self.size:
            raise SourceChangedError(f"{self.name} was changed while it was uploaded")

    async def go_back(self) -> None:
        """Leave the file where it stood, once no thread reads any more."""
        await self.reads.idle()
        with suppress(OSError, ValueError):  # the caller may have closed it meanwhile
            await asyncio.to_thread(self._file.seek, self._start)

    def _measure(self) -> int:
        with self._position:
            return self._file.seek(0, 2) - self._start


@asynccontextmanager
async def _handle(content: Content, file: IO[bytes]) -> AsyncGenerator["HandleSource | Stream"]:
    try:
        start = await asyncio.to_thread(_position, file)
        if start is None:
            async with _stream(content, _pieces(file)) as stream:
                yield stream
            return
        size = await asyncio.to_thread(file.seek, 0, 2) - start
    except (OSError, ValueError) as error:  # ValueError: the file is closed
        failure = SourceError(f"cannot read {content.label}: {error}")
    else:
        if size <= 0:
            raise SourceError(f"{content.label} is empty from where it stands; seek(0) first?")
        source = HandleSource(content.label, size, file, start)
        try:
            yield source
        finally:
            await uninterrupted(source.go_back())
        return
    raise failure


def _position(file: IO[bytes]) -> int | None:
    """Return where a file stands; None: it cannot be sought in.

    Raises:
        SourceError: It gives text.
    """
    if isinstance(file.read(0), str):
        raise SourceError("the file is open as text; open it with 'rb'")
    seekable: Any = getattr(file, "seekable", None)
    return file.tell() if seekable is None or seekable() else None


async def _pieces(file: IO[bytes]) -> AsyncGenerator[bytes]:
    """Yield what a pipe gives; a cancelled read ends with the pipe, and nothing can hasten it."""
    while piece := await asyncio.to_thread(file.read, STREAM_READ):
        yield piece


@define(eq=False)
class Stream:
    """Bytes that come once, in order, and nobody knows how many."""

    name: str
    _pieces: AsyncIterator[bytes] = field(repr=False)
    size: None = field(default=None, init=False)
    _rest: memoryview = field(factory=lambda: memoryview(b""), repr=False)
    _turn: asyncio.Lock = field(factory=asyncio.Lock, repr=False)

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Take the next bytes, which are at ``offset``; see ``Readable.read_into``."""
        while not self._rest:
            async with self._turn:
                piece = await anext(self._pieces, None)
            if piece is None:
                if offset:
                    return 0
                raise SourceError(f"{self.name} is empty")
            self._rest = self._checked(piece)
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    async def close(self) -> None:
        """End an async generator, once a read that was cancelled has ended."""
        close: Callable[[], Awaitable[None]] | None = getattr(self._pieces, "aclose", None)
        if close is not None:
            async with self._turn:
                await close()

    def _checked(self, piece: object) -> memoryview:
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise SourceError(f"{self.name} gives {type(piece).__name__}, not bytes")
        return memoryview(bytes(cast("bytes", piece)))  # whose buffer the caller may use again


@asynccontextmanager
async def _stream(content: Content, pieces: AsyncIterable[bytes]) -> AsyncGenerator[Stream]:
    stream = Stream(content.label, aiter(pieces))
    try:
        yield stream
    finally:
        await uninterrupted(stream.close())
