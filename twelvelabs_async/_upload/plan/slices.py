"""Sizes to slices: which bytes of the file each chunk is. Pure arithmetic."""

from attrs import frozen


@frozen
class Slice:
    """The bytes of one chunk on disk.

    Attributes:
        index: The chunk's number, from 1.
        offset: Where it begins in the file, in bytes from 0.
        size: Its bytes; at least 1.
    """

    index: int
    offset: int
    size: int


@frozen
class Slices:
    """A file of ``total_size`` bytes cut into chunks of ``chunk_size``, the last perhaps smaller.

    Nothing is stored for a chunk, so that a file of 10,000 costs no more memory than one of 1.
    """

    total_size: int
    chunk_size: int

    def __len__(self) -> int:
        whole, rest = divmod(self.total_size, self.chunk_size)
        return whole + bool(rest)

    def __getitem__(self, index: int) -> Slice:
        """Return the slice of chunk ``index``, counted from 1.

        Raises:
            IndexError: For a chunk that the file does not have.
        """
        if not 1 <= index <= len(self):
            raise IndexError(f"no chunk {index} in {len(self)}")
        offset = (index - 1) * self.chunk_size
        return Slice(index, offset, min(self.chunk_size, self.total_size - offset))


def agreed_slices(total_size: int, chunk_size: int, total_chunks: int) -> Slices:
    """Return the slices of a file, if the platform's two figures say the same.

    Raises:
        ValueError: When they do not: sent like that, chunks would be cut in other places than the
            platform puts them together.
    """
    if chunk_size < 1:
        raise ValueError(f"the platform asks for chunks of {chunk_size} bytes")
    slices = Slices(total_size, chunk_size)
    if len(slices) != total_chunks:
        raise ValueError(
            f"{total_size} bytes in chunks of {chunk_size} are {len(slices)} chunks, "
            f"but the platform expects {total_chunks}"
        )
    return slices
