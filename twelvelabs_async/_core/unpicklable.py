"""Objects that stay in their process: they hold the API key, or connections of one event loop."""

from typing import NoReturn, SupportsIndex

from twelvelabs_async.errors import ClientUseError


class Unpicklable:
    """Refuses to be pickled or copied: what it holds belongs in no file and no other process."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse; ``pickle`` and ``copy`` come here.

        Raises:
            ClientUseError: Always.
        """
        raise ClientUseError(
            "a client can be neither pickled nor copied: it holds the API key, and connections of "
            "one event loop; make one in each process"
        )
