"""What a body needs of the bytes that it sends."""

from pathlib import Path
from typing import Protocol

from attrs import frozen

from twelvelabs_async.errors import SourceChangedError


class Readable(Protocol):
    """Bytes that can be read, perhaps only once and in order."""

    @property
    def name(self) -> str:
        """What to call it to a person."""
        ...

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read 1 to ``len(view)`` bytes from ``offset`` (bytes, from 0) into ``view``.

        Returns:
            How many bytes were read; 0 only at the end of what has no known size.

        Raises:
            SourceError: The bytes cannot be read.
            SourceChangedError: There are none: the source is shorter than it was.
            asyncio.CancelledError: ``view`` may be written to until the read in a thread has
                ended, so it must not be used again.
        """
        ...


class Source(Readable, Protocol):
    """What an upload needs of the bytes that it sends: read at any offset, as often as wanted."""

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Read what is there without waiting, as ``read_into`` does.

        Returns:
            How many bytes were read; 0 where there is anything to wait for, or to raise:
            ``read_into`` does both.
        """
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def path(self) -> Path | None:
        """Where the file is whose bytes it has, all of them; absolute.

        None: it is no file on a disk, or a part of one, or nobody knows where it is.
        """
        ...

    @property
    def identity(self) -> tuple[int, ...] | None:
        """Which file on this machine it is, and when it was written to.

        None: it has no path.
        """
        ...

    @property
    def version(self) -> int:
        """How often its times were found to be others than before; see ``look``."""
        ...

    async def look(self) -> None:
        """Look whether what was read so far is of one and the same file.

        Where only the times of its last changes are others, its ``version`` grows: whether its
        bytes are, too, only a comparison can show.

        Raises:
            SourceChangedError: It is another file, or has another size.
        """
        ...

    async def check_unchanged(self) -> None:
        """Make sure that what was read so far is of one and the same file, by its times as well.

        For what cannot be compared. Where it was only renamed or removed, or its mode, links or
        owner changed, that is taken as the reason for another time of change.

        Raises:
            SourceChangedError: It is not, or only its times are others, which is ``retryable``.
        """
        ...


def only_times_changed(name: str, why: str) -> SourceChangedError:
    """Return the error of a file that may be the same, or not: it cannot be compared.

    Args:
        name: What to call the file to a person.
        why: Why nobody can.
    """
    return SourceChangedError(
        f"{name} was changed while it was uploaded: only its times are others, and whether "
        f"it was written to cannot be seen: {why}; upload it again when nothing touches it",
        retryable=True,
    )


@frozen(eq=False, repr=False)
class CheckedSource:
    """A source that is looked at again before the last bytes are given out.

    For what takes effect with its last byte: a mixed file never becomes whole.

    Attributes:
        end: Where those bytes end; None: at the end of the source.
        tolerant: Whether other times are left to be dealt with later; see ``Source.look``.
    """

    _source: Source
    end: int | None = None
    tolerant: bool = False

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    @property
    def size(self) -> int:
        """The source's bytes."""
        return self._source.size

    @property
    def path(self) -> Path | None:
        """The source's path."""
        return self._source.path

    @property
    def identity(self) -> tuple[int, ...] | None:
        """The source's identity."""
        return self._source.identity

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes at ``offset``; see ``Readable.read_into``."""
        count = await self._source.read_into(view, offset)
        if offset + count == (self.size if self.end is None else self.end):
            await (self.look() if self.tolerant else self.check_unchanged())
        return count

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Read bytes that are not the last ones; see ``Source.read_nowait``."""
        end = self.size if self.end is None else self.end
        return 0 if offset + len(view) >= end else self._source.read_nowait(view, offset)

    @property
    def version(self) -> int:
        """The source's version."""
        return self._source.version

    async def look(self) -> None:
        """Look at the source; see ``Source.look``."""
        await self._source.look()

    async def check_unchanged(self) -> None:
        """Look at the source; see ``Source.check_unchanged``."""
        await self._source.check_unchanged()


@frozen(eq=False, repr=False)
class ExactReader:
    """A source of which every read fills its view; for whoever has a thread work on it then."""

    _source: Readable

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read ``len(view)`` bytes from ``offset``, or to the end; see ``Readable.read_into``."""
        count = 0
        while count < len(view):
            more = await self._source.read_into(view[count:], offset + count)
            if not more:
                break
            count += more
        return count
