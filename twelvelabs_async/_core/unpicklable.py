"""Refuse to pickle or copy what holds the API key, or connections of one event loop."""

from typing import NoReturn, SupportsIndex

from twelvelabs_async.errors import ClientUseError


class Unpicklable:
    """A base class whose objects cannot be pickled or copied."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse; ``pickle`` and ``copy`` come here.

        Raises:
            ClientUseError: Always.
        """
        raise ClientUseError(
            "a client, and what asks through it (its endpoints, a page of a list), can be neither "
            "pickled nor copied: it holds the API key, and connections of one event loop; make one "
            "in each process, and pickle the items of a page"
        )
