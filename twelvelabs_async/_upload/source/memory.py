"""Bytes in memory as a source."""

from attrs import field, frozen

from twelvelabs_async._upload.source.no_file import NoFile
from twelvelabs_async.errors import SourceError


def in_memory(name: str, data: bytes | bytearray | memoryview) -> "MemorySource":
    """Return bytes as a source.

    Raises:
        SourceError: There are none, or they cannot be read as they are.
    """
    try:
        view = memoryview(data).cast("B")
    except (TypeError, ValueError) as error:  # not contiguous; released
        problem = str(error)
    else:
        if not view:
            raise SourceError(f"{name} is empty")
        return MemorySource(name, view)
    raise SourceError(f"cannot read {name}: {problem}; pass bytes() of it")


@frozen(eq=False, repr=False)
class MemorySource(NoFile):
    """Bytes in memory; a write to them while they are sent cannot be noticed."""

    name: str
    _view: memoryview = field(repr=False)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._view)

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Copy bytes at ``offset``; see ``Readable.read_into``."""
        return self.read_nowait(view, offset)

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Copy bytes at ``offset``; see ``Source.read_nowait``."""
        piece = self._view[offset : offset + len(view)]
        view[: len(piece)] = piece
        return len(piece)
