"""Iterators of bytes, such as generators: read in a thread, like a pipe without a descriptor."""

from collections.abc import Iterator

from attrs import frozen


@frozen(eq=False)
class IteratorReader:
    """Reads what an iterator gives."""

    pieces: Iterator[object]

    def read(self, size: int) -> object:
        """Return the next piece that is not empty, however large it is; no bytes at the end."""
        del size
        for piece in self.pieces:
            if piece is None:
                raise TypeError("the iterator gave None, not bytes")
            if isinstance(piece, str) or piece != b"":
                return piece
        return b""
