"""The files to upload: made once, in the page cache, gone with their directory."""

import os
import random
from pathlib import Path

from attrs import define

BLOCK_BYTES = 2**20


@define(eq=False)
class Files:
    """The files of a directory, by number and size."""

    directory: Path

    def get(self, size: int, count: int = 1, *, sparse: bool = False) -> tuple[Path, ...]:
        """Return ``count`` files of ``size`` bytes: names of one, for its bytes do not matter.

        Args:
            size: Bytes of each.
            count: How many.
            sparse: Whether it is to take no room on the disk.
        """
        folder = self.directory / f"{size}{'-sparse' if sparse else ''}"
        first = folder / "1.mp4"
        if not first.exists():
            folder.mkdir()
            (_make_sparse if sparse else _make)(first, size)
        paths = tuple(folder / f"{number}.mp4" for number in range(1, count + 1))
        for path in paths:
            if not path.exists():
                path.hardlink_to(first)
        return paths


def forget(path: Path) -> None:
    """Have the system drop a file's bytes from the page cache, as far as it is Linux."""
    with path.open("rb") as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _make(path: Path, size: int) -> None:
    """Write bytes that cannot be compressed, and have them written: later is while we measure."""
    block = random.Random(1).randbytes(BLOCK_BYTES)  # noqa: S311 - they are no secret
    with path.open("wb") as file:
        for left in range(size, 0, -BLOCK_BYTES):
            file.write(block[:left])
        file.flush()
        os.fsync(file.fileno())


def _make_sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
