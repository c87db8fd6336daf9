"""Files of the caller's, as they may come."""

import io
from contextlib import ExitStack
from typing import Any

left_open = ExitStack()
"""What the tests have opened; closed at the end of each."""


def kept(file: Any) -> Any:
    """Have a file closed when the test is over."""
    left_open.callback(file.close)
    return file


class OnlyRead:
    """A pipe of which nobody knows the descriptor."""

    def __init__(self, pipe: io.FileIO) -> None:
        self._pipe = pipe

    def read(self, size: int) -> bytes:
        """Read at most ``size`` bytes."""
        return self._pipe.read(size)
