"""Remember which uploads ended while other calls of the same client waited. Pure.

A call that waits to be admitted may be answered by an upload of the same file that ends meanwhile.
The order of events decides that, not a clock, since a clock may be set back.
"""

from itertools import count

from attrs import define, field


@define(eq=False, repr=False)
class Completions:
    """The order in which calls began and journal entries were completed."""

    _events: "count[int]" = field(factory=count, init=False)
    _calls: dict[int, None] = field(factory=dict[int, None], init=False)  # in order
    _ended: dict[str, int] = field(factory=dict[str, int], init=False)  # in order

    def begin(self) -> int:
        """Note that a call begins, and return its number; ``end`` takes it."""
        number = next(self._events)
        self._calls[number] = None
        return number

    def note(self, key: str) -> None:
        """Note that the upload of an entry is complete."""
        self._ended.pop(key, None)
        self._ended[key] = next(self._events)

    def since(self, number: int, key: str) -> bool:
        """Whether the upload of an entry was completed after a call had begun."""
        return self._ended.get(key, -1) > number

    def end(self, number: int) -> None:
        """Note that a call has ended, and forget what no other call can ask about."""
        del self._calls[number]
        oldest = next(iter(self._calls), None)
        while self._ended:
            key = next(iter(self._ended))
            if oldest is not None and self._ended[key] > oldest:
                break
            del self._ended[key]
