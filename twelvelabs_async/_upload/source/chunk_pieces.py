"""The bytes of one chunk of a stream, in the pieces in which they came."""

from bisect import bisect_right
from typing import Protocol

from attrs import define, field

BLOCK = 256 * 1024
"""Bytes of a block; smaller pieces of a stream are put together in one, larger ones kept as is."""


class DigestObject(Protocol):
    """A hash of ``hashlib``."""

    def update(self, data: memoryview, /) -> None:
        """Hash more bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the digest in hexadecimal."""
        ...


@define(eq=False, repr=False)
class ChunkPieces:
    """The bytes of one chunk, in the pieces in which they came: nothing large is copied."""

    _pieces: list[memoryview] = field(factory=list[memoryview], init=False)
    _ends: list[int] = field(factory=list[int], init=False)
    """Where each piece ends in the chunk."""
    _block: memoryview = field(factory=lambda: memoryview(b""), init=False)
    """The block that is being filled, and is the last piece as far as it is filled."""
    _filled: int = field(default=0, init=False)
    size: int = field(default=0, init=False)

    def add(self, piece: memoryview) -> None:
        """Add the next bytes, which nobody may change any more."""
        self.size += len(piece)
        if len(piece) >= BLOCK:
            self._block = piece  # full
            self._filled = len(piece)
            self._append(piece)
            return
        while piece:
            if self._filled == len(self._block):
                self._block, self._filled = memoryview(bytearray(BLOCK)), 0
                self._append(self._block[:0])
            count = min(len(piece), len(self._block) - self._filled)
            self._block[self._filled : self._filled + count] = piece[:count]
            self._filled += count
            self._pieces[-1] = self._block[: self._filled]
            self._ends[-1] += count
            piece = piece[count:]

    def _append(self, piece: memoryview) -> None:
        self._pieces.append(piece)
        self._ends.append((self._ends[-1] if self._ends else 0) + len(piece))

    def read_into(self, view: memoryview, start: int) -> int:
        """Copy bytes from ``start`` on, as many as there are or fit; return how many."""
        count, number = 0, bisect_right(self._ends, start)
        while count < len(view) and number < len(self._pieces):
            piece = self._pieces[number]
            rest = piece[start + count - self._ends[number] + len(piece) :]
            taken = min(len(rest), len(view) - count)
            view[count : count + taken] = rest[:taken]
            count, number = count + taken, number + 1
        return count

    def hash_with(self, digest: DigestObject) -> None:
        """Hash the bytes; in a thread."""
        for piece in self._pieces:
            digest.update(piece)
