"""Sources of users' own that are read in ranges: an object in a bucket, a file behind a URL."""

import inspect
from typing import Any, Protocol, TypeGuard

from attrs import Factory, define, field

from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.source.foreign import bytes_read, caller_code
from twelvelabs_async._upload.source.held_chunks import HeldChunks
from twelvelabs_async._upload.source.no_file import NoFile
from twelvelabs_async._upload.source.stream_memory import StreamMemory
from twelvelabs_async.errors import SourceError

AHEAD = 2**20
"""Bytes that are read at once where a source is read in order."""


class RangeSource(Protocol):
    """What ``client.upload`` reads anywhere, in any order, and again where it needs to.

    Write a class with these two, and pass an object of it. Its ``name``, if it has one, is the
    asset's. What is read must be the same each time.
    """

    @property
    def size(self) -> int:
        """Its bytes; 1 or more."""
        ...

    async def read_range(self, start: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``start``.

        Several calls are under way at once: with ``max_workers=5``, five. What it raises ends the
        upload: a source that may fail for a moment tries again itself.

        Args:
            start: Where they begin, in bytes from 0.
            size: How many; a whole chunk as a rule.
        """
        ...


def is_range_source(data: object) -> TypeGuard[RangeSource]:
    """Whether an object is read in ranges."""
    return callable(getattr(data, "read_range", None))


@define(eq=False, repr=False)
class RangeReader(NoFile):
    """A ``Source`` that reads the ranges of a user's own one.

    Attributes:
        name: What to call it to a person.
        size: Its bytes.
    """

    name: str
    _source: RangeSource = field(repr=False)
    size: int
    _window: tuple[int, bytes] = field(default=(0, b""), init=False)
    """What was read last, and where it begins."""

    @classmethod
    def of(cls, name: str, source: RangeSource) -> "RangeReader":
        """Look at a source.

        Raises:
            SourceError: Its size is no whole number from 1 on.
        """
        with caller_code(f"cannot look at {name}"):
            size: Any = source.size
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            kind = "a method" if callable(size) else repr(size)[:50]
            raise SourceError(
                f"cannot read {name}: its size must be a whole number of bytes, and is {kind}"
            )
        if not size:
            raise SourceError(f"{name} is empty")
        return cls(name, source, size)

    async def read_range(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start``.

        Raises:
            SourceError: They cannot be read.
        """
        with caller_code(f"cannot read {self.name}"):
            reading: object = self._source.read_range(start, size)
            if not inspect.isawaitable(reading):
                raise SourceError(f"cannot read {self.name}: its read_range must be async")
            data = bytes_read(self.name, await reading)
        if len(data) != size:
            given = f"{len(data)} of {size} bytes from {start}"
            raise SourceError(f"cannot read {self.name}: read_range gave {given}")
        return data

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes at ``offset``; see ``Readable.read_into``."""
        count = self.read_nowait(view, offset)
        if count:
            return count
        start, window = self._window
        goes_on = offset == start + len(window)
        size = min(max(len(view), AHEAD if goes_on else 0), self.size - offset)
        self._window = offset, await self.read_range(offset, size)
        return self.read_nowait(view, offset)

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Read bytes that were read ahead; see ``Source.read_nowait``."""
        start, window = self._window
        if not start <= offset < start + len(window):
            return 0
        found = memoryview(window)[offset - start : offset - start + len(view)]
        view[: len(found)] = found
        return len(found)


@define(eq=False, repr=False)
class RangeChunks(NoFile):
    """A ``Source`` whose chunks are read whole, each before it is sent.

    Attributes:
        reader: What reads the ranges; all that is not in memory is read by it.
        held: The chunks in memory.
    """

    reader: RangeReader
    _memory: StreamMemory
    held: HeldChunks[bytes] = field(
        default=Factory(lambda self: HeldChunks(self._memory.give_back), takes_self=True),
        init=False,
    )

    @property
    def name(self) -> str:
        """The source's name."""
        return self.reader.name

    @property
    def size(self) -> int:
        """The source's bytes."""
        return self.reader.size

    async def fill(self, piece: Slice) -> None:
        """Read a chunk into memory, once there is some for it.

        Raises:
            SourceError: It cannot be read.
        """
        request = self._memory.request(piece.size)
        try:
            await request
            data = await self.reader.read_range(piece.offset, piece.size)
        except BaseException:
            self._memory.withdraw(piece.size, request)
            raise
        self.held.add(piece, data)

    def close(self) -> None:
        """Forget all chunks."""
        self.held.clear()

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes of a chunk in memory, or of the source; see ``Readable.read_into``."""
        return self.read_nowait(view, offset) or await self.reader.read_into(view, offset)

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Read bytes of a chunk in memory; see ``Source.read_nowait``."""
        found = self.held.at(offset)
        if found is None:
            return 0
        data, start = found
        some = memoryview(data)[start : start + len(view)]
        view[: len(some)] = some
        return len(some)
