"""What a caller may hand over to be uploaded, and how its bytes are read.

A path, bytes, or an open binary file that can be sought in are a ``Source``: read anywhere, as
often as wanted. A pipe, an async iterator, or what is read with ``await`` is a ``Stream``: read
once, in order, and of unknown size. What the caller opened is never closed here, but for an async
generator, which nobody could go on with.
"""

import io
import os
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast

from attrs import evolve, field, frozen

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._core.validation import is_header
from twelvelabs_async._upload.source.file import absolute, check_path, open_source
from twelvelabs_async._upload.source.foreign import caller_code
from twelvelabs_async._upload.source.handles import only_one, open_handle
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.streams import Stream, open_stream, streamed
from twelvelabs_async.errors import InvalidArgumentError, SourceError


class SyncReadable(Protocol):
    """What is read in pieces: an open file, a member of an archive, a body of a web framework."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


class AsyncReadable(Protocol):
    """What is read with ``await``: a file of a web framework, of aiofiles, a stream of asyncio."""

    async def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


BytesInHand = bytes | bytearray | memoryview | SyncReadable | AsyncReadable | AsyncIterable[bytes]
"""The bytes themselves, or what gives them, in one of the ways in which Python has them."""

FileContent = str | os.PathLike[str] | BytesInHand
"""A path, or the bytes."""

File = FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]
"""Content, or the official SDK's ``(name, content)`` or ``(name, content, content_type)``."""

UNNAMED = "upload"


@frozen
class Content:
    """What was passed, parsed.

    Attributes:
        data: The bytes, or where they are: a ``Path`` is absolute.
        filename: Its name, as far as it has one.
        label: What to call it to a person: its path as it was given, its name, or what it is.
        content_type: Its MIME type, if the caller has given one.
        opened_at: The path of an open file, as it says itself; absolute. None: it says nothing.
    """

    data: Path | BytesInHand = field(repr=False)
    filename: str | None
    label: str
    content_type: str | None = None
    opened_at: Path | None = None


def parse_content(file: object) -> Content:
    """Return what a caller handed over as ``Content``; a relative path is made absolute now.

    Raises:
        InvalidArgumentError: It is nothing that has bytes, or fails when it is looked at.
    """
    with caller_code(f"cannot look at the given {type(file).__name__}", InvalidArgumentError):
        name: object = None
        content_type: object = None
        if isinstance(file, tuple):
            name, file, content_type = _parts(cast("tuple[object, ...]", file))
        if not isinstance(name, str | None) or not isinstance(content_type, str | None):
            raise InvalidArgumentError("in a file tuple, name and content type must be str or None")
        if content_type is not None and not is_header("Content-Type", content_type):
            raise InvalidArgumentError("the content type has characters that no header can carry")
        if _is_path(file):
            path = cast("str | os.PathLike[str]", file)
            found = _content_at(path, "file", "must be a path, and not an empty one")
        else:
            found = _content_of(file)
        if name is None:
            return evolve(found, content_type=content_type)
        label = found.label if isinstance(found.data, Path) else name or found.label
        return evolve(found, filename=name, label=label, content_type=content_type)


def parse_path(file_path: object) -> Content:
    """Return a file to upload by its path, which is made absolute now.

    Raises:
        InvalidArgumentError: It is empty, or no path at all.
    """
    with caller_code("cannot look at file_path", InvalidArgumentError):
        if not isinstance(file_path, str | os.PathLike):
            problem = f"must be a path (str or Path), not {type(file_path).__name__}"
            advice = "write it to a file first"
            raise InvalidArgumentError(f"{problem}; {advice}", argument="file_path")
        return _content_at(cast("str | os.PathLike[str]", file_path), "file_path", "is empty")


def _content_at(path: str | os.PathLike[str], argument: str, if_empty: str) -> Content:
    given = os.fsdecode(path)
    if not given:
        raise InvalidArgumentError(if_empty, argument=argument)
    return Content(absolute(Path(given)), Path(given).name, given)


def _is_path(file: object) -> bool:
    """Whether it is a path; an open file that knows its path is read from where it stands."""
    if isinstance(file, os.PathLike):
        return not callable(getattr(file, "seek", None))  # pyright: ignore[reportUnknownArgumentType]
    return isinstance(file, str)


def _content_of(file: object) -> Content:
    kind = f"the class {file.__name__}" if isinstance(file, type) else type(file).__name__
    is_bytes = isinstance(file, bytes | bytearray | memoryview)
    readable = callable(getattr(file, "read", None)) or isinstance(file, AsyncIterable)
    if isinstance(file, type) or not (is_bytes or readable):
        raise InvalidArgumentError(
            "file must be a path, bytes, an open binary file, an async iterator of bytes, or a "
            f"tuple (name, content, content_type), not {kind}"
        )
    data = cast("BytesInHand", file)
    filename = _own_name(data)
    label = filename or f"the given {kind}"
    return Content(data, filename, label, opened_at=_path_opened(data))


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


def _own_name(data: object) -> str | None:
    """Return the name of a web framework's file, or of an open one; None: it has none."""
    for attribute in ("filename", "name"):
        with suppress(Exception):  # a name is not worth a failure
            name: Any = getattr(data, attribute, None)  # that of a bare descriptor is a number
            if isinstance(name, str | bytes | os.PathLike):
                text = Path(os.fsdecode(cast("str | bytes | os.PathLike[str]", name))).name
                if text and not (text.startswith("<") and text.endswith(">")):  # <stdin>, <fdopen>
                    return text
    return None


def _path_opened(data: object) -> Path | None:
    """Return the path of one of Python's own open files; None: it is none, or has no path."""
    name: object = None
    if isinstance(data, io.FileIO | io.BufferedReader | io.BufferedRandom):
        with suppress(Exception):  # a member of an archive, and a file of a socket, have no name
            name = data.name
            if isinstance(name, str | bytes | os.PathLike):  # that of a bare descriptor is a number
                return absolute(Path(os.fsdecode(cast("str | bytes | os.PathLike[str]", name))))
    return None


@asynccontextmanager
async def open_content(content: Content, threads: Threads) -> AsyncGenerator[Source | Stream]:
    """Make the bytes readable for the ``async with`` block.

    Raises:
        SourceError: They cannot be read, there are none, or another upload has them.
    """
    data = content.data
    if isinstance(data, Path):
        async with open_source(data, content.label, threads=threads) as source:
            yield source
    elif isinstance(data, bytes | bytearray | memoryview):
        yield _in_memory(content, data)
    else:
        with only_one(content.label, data):
            if (pieces := streamed(content.label, data)) is not None:
                async with open_stream(content.label, pieces) as stream:
                    yield stream
            else:
                file = cast("IO[bytes]", data)
                async with open_handle(content.label, file, threads, content.opened_at) as handle:
                    yield handle


async def size_of(content: Content, threads: Threads) -> int | None:
    """Return how many bytes there are, and leave nothing open; None: the end is not known.

    Raises:
        SourceError: They cannot be read, or there are none.
    """
    if isinstance(content.data, Path):
        return await check_path(content.data, content.label, threads=threads)
    if streamed(content.label, content.data) is not None:
        return None
    async with open_content(content, threads) as found:
        return found.size


def _in_memory(content: Content, data: bytes | bytearray | memoryview) -> "MemorySource":
    try:
        view = memoryview(data).cast("B")
    except (TypeError, ValueError) as error:  # not contiguous; released
        problem = str(error)
    else:
        if not view:
            raise SourceError(f"{content.label} is empty")
        return MemorySource(content.label, view)
    raise SourceError(f"cannot read {content.label}: {problem}; pass bytes() of it")


@frozen(eq=False, repr=False)
class MemorySource:
    """Bytes in memory."""

    name: str
    _view: memoryview = field(repr=False)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._view)

    @property
    def path(self) -> None:
        """None: it is no file."""

    @property
    def identity(self) -> None:
        """None: it is no file."""

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Copy bytes at ``offset``; see ``Readable.read_into``."""
        return self.read_nowait(view, offset)

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Copy bytes at ``offset``; see ``Source.read_nowait``."""
        piece = self._view[offset : offset + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    @property
    def version(self) -> int:
        """Always 0: it has no times."""
        return 0

    async def look(self) -> None:
        """Do nothing; see ``check_unchanged``."""

    async def check_unchanged(self) -> None:
        """Do nothing: a write to a buffer that is being sent cannot be noticed."""
