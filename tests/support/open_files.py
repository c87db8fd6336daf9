"""Files of the caller's, as they may come."""

import io


class OnlyRead:
    """A pipe of which nobody knows the descriptor."""

    def __init__(self, pipe: io.FileIO) -> None:
        self._pipe = pipe

    def read(self, size: int) -> bytes:
        """Read at most ``size`` bytes."""
        return self._pipe.read(size)
