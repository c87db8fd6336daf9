"""Errors of the calling program: wrong arguments, and a client that cannot be used this way."""

from twelvelabs_async.errors._base import TwelveLabsError


class InvalidArgumentError(TwelveLabsError, ValueError):
    """An argument can never be right; nothing was sent.

    Attributes:
        problem: What is wrong, without the argument's name: ``must be 1 or more, not 0``.
        argument: The argument, as Python names it, such as ``batch_size`` or
            ``additional_headers['X-Team']``; the text begins with it. None: no single argument is
            wrong, and ``problem`` is the whole text.
    """

    def __init__(self, problem: str = "", *, argument: str | None = None) -> None:
        self.problem = problem
        self.argument = argument
        super().__init__(problem if argument is None else f"{argument} {problem}")


class ConfigurationError(InvalidArgumentError):
    """The client cannot be made with these settings, such as without an API key."""


class ClientUseError(TwelveLabsError, TypeError):
    """A client cannot be used this way: it was pickled, copied, or entered without ``async``."""


class ClientClosedError(TwelveLabsError):
    """The client was closed, or belongs to another event loop or process."""
