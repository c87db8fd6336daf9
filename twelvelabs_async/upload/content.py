"""What a caller may hand over to be uploaded, and how its bytes are read.

A path, bytes, or an open binary file that can be sought in are a ``Source``: read anywhere, as
often as wanted. A pipe, an async iterator, or what is read with ``await`` is a ``Stream``: read
once, in order, and of unknown size. What the caller opened is never closed here, but for an async
generator, which nobody could go on with.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Protocol, cast

from attrs import field, frozen

from twelvelabs_async.arguments import is_header
from twelvelabs_async.errors import InvalidArgumentError, SourceError
from twelvelabs_async.upload.handles import open_handle
from twelvelabs_async.upload.reading import Source
from twelvelabs_async.upload.source import check_path, open_source
from twelvelabs_async.upload.streams import Stream, open_stream, streamed


class AsyncReadable(Protocol):
    """What is read with ``await``: a file of a web framework, of aiofiles, a stream of asyncio."""

    async def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


FileContent = (
    str | Path | bytes | bytearray | memoryview | IO[bytes] | AsyncReadable | AsyncIterable[bytes]
)
"""A path (str or Path), or the bytes themselves, in one of the ways in which Python has them."""

File = FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]
"""Content, or the official SDK's ``(name, content)`` or ``(name, content, content_type)``."""

UNNAMED = "upload"


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
    return Content(data, name if name is not None else _own_name(data), content_type)


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
    for attribute in ("filename", "name"):  # of a web framework's file; of an open one
        name: object = getattr(data, attribute, None)  # that of a bare descriptor is a number
        if isinstance(name, str) and name:
            return Path(name).name
    return None


@asynccontextmanager
async def opened(content: Content) -> AsyncGenerator[Source | Stream]:
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
    elif (pieces := streamed(data)) is not None:
        async with open_stream(content.label, pieces) as stream:
            yield stream
    else:
        async with open_handle(content.label, cast("IO[bytes]", data)) as handle:
            yield handle


async def size_of(content: Content) -> int | None:
    """Return how many bytes there are, and leave nothing open; None: only reading would tell.

    Raises:
        SourceError: They cannot be read, or there are none.
    """
    if isinstance(content.data, str | Path):
        return await check_path(Path(content.data))
    if streamed(content.data) is not None:
        return None
    async with opened(content) as found:
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
    def identity(self) -> None:
        """None: it is no file."""

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Copy bytes at ``offset``; see ``Readable.read_into``."""
        return self.read_at_hand(view, offset)

    def read_at_hand(self, view: memoryview, offset: int) -> int:
        """Copy bytes at ``offset``; see ``Source.read_at_hand``."""
        piece = self._view[offset : offset + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    async def check_unchanged(self) -> None:
        """Do nothing: whoever writes to a buffer that is being sent is told by nobody."""
