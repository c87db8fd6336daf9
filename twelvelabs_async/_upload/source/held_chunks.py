"""Chunks in memory, each until it need not be sent any more."""

from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field

from twelvelabs_async._upload.plan.slices import Slice

T = TypeVar("T")


@define(eq=False, repr=False)
class HeldChunks(Generic[T]):
    """The chunks of one upload that are in memory; ``T`` is what has the bytes of one."""

    _give_back: Callable[[int], None]
    """Called with the size, in bytes, of each chunk that is released."""
    _chunks: dict[int, tuple[Slice, T]] = field(factory=dict[int, tuple[Slice, T]], init=False)
    """By the number of the chunk, from 1."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._chunks)

    def __contains__(self, index: int) -> bool:
        """Whether a chunk, from 1, is in memory."""
        return index in self._chunks

    def add(self, piece: Slice, data: T) -> None:
        """Keep a chunk."""
        self._chunks[piece.index] = piece, data

    def release(self, index: int) -> None:
        """Forget a chunk, from 1, that is not sent again."""
        piece, _ = self._chunks.pop(index)
        self._give_back(piece.size)

    def clear(self) -> None:
        """Forget all chunks."""
        for index in list(self._chunks):
            self.release(index)

    def at(self, offset: int) -> tuple[T, int] | None:
        """Return the chunk that has a byte of the source, and where that byte is in the chunk.

        Args:
            offset: Which byte of the source, from 0.

        Returns:
            None: it is not in memory.
        """
        for piece, data in self._chunks.values():
            if piece.offset <= offset < piece.offset + piece.size:
                return data, offset - piece.offset
        return None
