"""What a caller may hand over to be uploaded, and how its bytes are read.

A path, bytes, an open binary file that can be sought in (also within a file of a web framework or
of aiofiles), a mapped file or a ``RangeSource`` is a ``Source``: read anywhere, as often as wanted.
A pipe, an iterator, or what else is read with ``await`` is a ``Stream``: read once, in order. What
the caller opened is never closed here, but for a generator, which nobody could go on with.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from mmap import mmap
from pathlib import Path
from typing import IO, Protocol, TypeVar, cast

from attrs import evolve, field, frozen

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._core.validation import is_header
from twelvelabs_async._upload.source.file import absolute, check_path, open_source
from twelvelabs_async._upload.source.foreign import caller_code
from twelvelabs_async._upload.source.framework_files import file_within
from twelvelabs_async._upload.source.handles import HandleSource, only_one, open_handle
from twelvelabs_async._upload.source.iterators import iterator_pieces
from twelvelabs_async._upload.source.mapped import map_of, open_mapped
from twelvelabs_async._upload.source.memory import in_memory
from twelvelabs_async._upload.source.no_content import no_content
from twelvelabs_async._upload.source.own_names import own_name, path_opened
from twelvelabs_async._upload.source.own_size import own_size
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.ranges import RangeReader, RangeSource, is_range_source
from twelvelabs_async._upload.source.streams import Stream, open_stream, streamed
from twelvelabs_async.errors import InvalidArgumentError


class SyncReadable(Protocol):
    """What is read in pieces: an open file, a member of an archive, a body of a web framework."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


class FormFile(Protocol):
    """A file of a form, as aiohttp has it: the open file is an attribute."""

    @property
    def file(self) -> SyncReadable:
        """The open file, which can be sought in."""
        ...


class AsyncReadable(Protocol):
    """What is read with ``await``: a file of a web framework, of aiofiles, a stream of asyncio."""

    async def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


BytesInHand = (
    bytes
    | bytearray
    | memoryview
    | SyncReadable
    | AsyncReadable
    | FormFile
    | AsyncIterable[bytes]
    | Iterator[bytes]
    | RangeSource
)
"""The bytes themselves, or what gives them."""

FileContent = str | os.PathLike[str] | BytesInHand
"""A path, or the bytes."""

File = FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]
"""Content, or the official SDK's ``(name, content)`` or ``(name, content, content_type)``."""

UNNAMED = "upload"

Opened = TypeVar("Opened", bound=Source | Stream)


@frozen
class Content:
    """What was passed, parsed.

    Attributes:
        data: The bytes, or where they are: a ``Path`` is absolute.
        filename: Its name, as far as it has one.
        label: What to call it to a person: its path as it was given, its name, or what it is.
        content_type: Its MIME type, if the caller has given one.
        opened_at: The path of an open file, as it says itself; absolute. None: it says nothing.
        size: How many bytes there are, as the caller says; None: the caller does not say.
        spool_up_to: A stream of this many bytes or fewer, or of unknown size, is read to its end
            before anything of it is sent; None: no stream is.
        own_size: How many there are as the object says, if it is a stream; None: it does not say.
    """

    data: Path | BytesInHand = field(repr=False)
    filename: str | None
    label: str
    content_type: str | None = None
    opened_at: Path | None = None
    size: int | None = None
    own_size: int | None = None
    spool_up_to: float | None = None

    @property
    def stream_size(self) -> int | None:
        """How many bytes it has, if it is a stream; None: not known."""
        return self.size if self.own_size is None else self.own_size

    @property
    def is_spooled(self) -> bool:
        """Whether it is read to its end before anything of it is sent, if it is a stream."""
        most, size = self.spool_up_to, self.stream_size
        return most is not None and (size is None or size <= most)


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


def parse_path(file_path: object, otherwise: str = "write it to a file first") -> Content:
    """Return a file to upload by its path, which is made absolute now.

    Args:
        file_path: The path.
        otherwise: What to do with what is no path.

    Raises:
        InvalidArgumentError: It is empty, or no path at all.
    """
    with caller_code("cannot look at file_path", InvalidArgumentError):
        if not isinstance(file_path, str | os.PathLike):
            problem = f"must be a path (str or Path), not {type(file_path).__name__}"
            raise InvalidArgumentError(f"{problem}; {otherwise}", argument="file_path")
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
    filename, content = own_name(file), file_within(file)
    kind = f"the class {file.__name__}" if isinstance(file, type) else type(file).__name__
    is_bytes = isinstance(file, bytes | bytearray | memoryview)
    readable: bool = (
        is_range_source(content)
        or callable(getattr(content, "read", None))
        or isinstance(content, AsyncIterable | Iterator)
    )
    if isinstance(file, type) or not (is_bytes or readable):
        raise no_content(file, kind)
    data = cast("BytesInHand", content)
    label = filename or f"the given {kind}"
    return Content(data, filename, label, opened_at=path_opened(data), own_size=own_size(data))


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


@asynccontextmanager
async def open_content(content: Content, threads: Threads) -> AsyncGenerator[Source | Stream]:
    """Make the bytes readable for the ``async with`` block.

    Raises:
        SourceError: They cannot be read, there are none, or another upload has them.
        InvalidArgumentError: The caller's ``size`` is not the size that was found.
    """
    data = content.data
    if isinstance(data, Path):
        async with open_source(data, content.label, threads=threads) as source:
            yield _of_size(content, source)
    elif (mapped := map_of(data)) is not None:
        view = cast("mmap | memoryview", data)
        async with open_mapped(content.label, view, mapped, threads) as source:
            yield _of_size(content, source)
    elif isinstance(data, bytes | bytearray | memoryview):
        yield _of_size(content, in_memory(content.label, data))
    elif is_range_source(data):
        yield _of_size(content, RangeReader.of(content.label, data))
    else:
        async with AsyncExitStack() as stack:
            stack.enter_context(only_one(content.label, data))
            found = await stack.enter_async_context(_open_object(content, threads))
            yield _of_size(content, found)


def _open_object(
    content: Content, threads: Threads
) -> AbstractAsyncContextManager[HandleSource | Stream]:
    size = content.stream_size
    if (pieces := streamed(content.label, content.data)) is not None:
        return open_stream(content.label, pieces, size)
    file = cast("IO[bytes]", content.data)
    if not callable(getattr(file, "read", None)):
        pieces = iterator_pieces(content.label, cast("Iterator[object]", file))
        return open_stream(content.label, pieces, size)
    return open_handle(content.label, file, threads, content.opened_at, size)


def _of_size(content: Content, found: Opened) -> Opened:
    """Return what was opened, unless it has another size than the caller says."""
    if content.size not in {None, found.size}:
        says = "has" if content.own_size is None else "says that it has"
        problem = f"is {content.size}, and {content.label} {says} {found.size} bytes"
        raise InvalidArgumentError(problem, argument="size")
    if isinstance(found, Stream) and content.own_size is not None:
        found.size_by = "its own size (if that is something else, pass an iterator of its bytes)"
    return found


def is_stream(content: Content) -> bool:
    """Whether it is known to be a stream; an open file may turn out to be one when it is opened.

    Raises:
        SourceError: It cannot be looked at.
    """
    data = content.data
    if isinstance(data, Path | bytes | bytearray | memoryview) or is_range_source(data):
        return False
    readable = callable(getattr(data, "read", None))
    return streamed(content.label, data) is not None or not readable


async def size_of(content: Content, threads: Threads) -> int | None:
    """Return how many bytes there are, and leave nothing open; None: the end is not known.

    Raises:
        SourceError: They cannot be read, or there are none.
    """
    if isinstance(content.data, Path):
        return await check_path(content.data, content.label, threads=threads)
    if streamed(content.label, content.data) is not None:
        return content.stream_size
    async with open_content(content, threads) as found:
        return found.size
