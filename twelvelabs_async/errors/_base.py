"""The root of all errors."""

from typing import Any, Self


class TwelveLabsError(Exception):
    """The root of every exception that this package raises on its own account.

    Attributes:
        retry_after: Seconds to wait before another attempt, from when the error was raised; None:
            neither the platform nor the object store asked for a pause.
        lacks_descriptors: Whether the system had no file descriptor left: fewer uploads at once may
            help.
        remedy: The argument that the end of the text recommends, such as ``resume``; None: it
            recommends none.
        without_remedy: The text without that end, where there is one: for a program that calls the
            argument otherwise, such as a command line.
    """

    args: tuple[str]
    """The text, and nothing else, whatever the class."""

    retry_after: float | None = None
    lacks_descriptors: bool = False
    remedy: str | None = None
    without_remedy: str = ""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle whole, so that a worker in another process can report a failure."""
        return _rebuild, (type(self), self.args, self.__dict__)

    def advised(self, advice: str, *, remedy: str | None = None) -> Self:
        """Add to the text what the reader can do, or should know, and return the error.

        Args:
            advice: The end of the text.
            remedy: The Python argument that the advice recommends; None: it recommends none.
        """
        if remedy is not None:
            self.remedy, self.without_remedy = remedy, str(self)
        self.args = (f"{self}; {advice}",)
        return self


def _rebuild(
    kind: type[TwelveLabsError], args: tuple[str], state: dict[str, object]
) -> TwelveLabsError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
