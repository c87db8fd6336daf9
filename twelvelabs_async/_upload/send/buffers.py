"""The memory that bytes pass through on their way from a source to a connection."""

from collections import deque
from weakref import WeakValueDictionary

from attrs import define, field

from twelvelabs_async._upload.send.loop_share import TURN_BYTES


class Buffer(bytearray):
    """Memory for one piece; unlike a plain ``bytearray`` it takes weak references."""


@define(eq=False, repr=False)
class Buffers:
    """The buffers of a client, each used by one body at a time."""

    _idle: deque[Buffer] = field(factory=deque[Buffer], init=False)
    _all: WeakValueDictionary[int, Buffer] = field(
        factory=WeakValueDictionary[int, Buffer], init=False
    )
    """All that exist, by ``id``."""

    @property
    def idle(self) -> int:
        """How many wait to be used again."""
        return len(self._idle)

    @property
    def out(self) -> int:
        """How many are in use: by a body, a thread that reads into them, or a connection."""
        return len(self._all) - len(self._idle)

    def take(self) -> Buffer:
        """Give out a buffer of ``TURN_BYTES`` bytes.

        It need not be given back: what nothing uses any more is garbage-collected.
        """
        if self._idle:
            return self._idle.pop()
        buffer = Buffer(TURN_BYTES)
        self._all[id(buffer)] = buffer
        return buffer

    def give_back(self, buffer: Buffer) -> None:
        """Take back a buffer of which nothing else holds a view."""
        self._idle.append(buffer)
