"""The connections that requests travel over: how they begin, and what the loss of one means.

A pool keeps connections for the next request. Between two requests they may die unnoticed: the
network was switched, the machine slept, a load balancer was replaced. All of them die together
then, and each one tells so only when it is used. So the loss of a connection that had served a
request before says nothing about the network of now.
"""

import asyncio
import os
import warnings
from collections.abc import Callable
from contextvars import ContextVar, Token
from itertools import count
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.client_proto import ResponseHandler
from attrs import define, field
from yarl import URL

from twelvelabs_async import clock

HANDSHAKE_GAP = 0.003
"""Seconds between the beginnings of two TLS connections of a client."""

MOST_DEAD = 100
"""Dead connections that one request may meet in a user's pool: as many as aiohttp keeps there."""

_LOSSES = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionResetError,
)
"""How a connection breaks before the first byte of an answer."""


@define(eq=False, repr=False)
class Attempt:
    """Watches over the connection of the one request that is sent in its ``with`` block.

    Attributes:
        reused: Whether the connection had served a request before.
        stale: Whether such a connection broke before the first byte of an answer.
    """

    _distrust: Callable[[int], None]
    reused: bool = False
    stale: bool = False
    _number: int = 0
    _token: "Token[Attempt | None] | None" = None

    def __enter__(self) -> Self:
        self._token = _ATTEMPT.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._token is not None  # noqa: S101 - __enter__ set it
        _ATTEMPT.reset(self._token)
        self.stale = self.reused and _is_loss(error)
        if self.stale or (self.reused and isinstance(error, TimeoutError)):
            self._distrust(self._number)
        # What a new connection watches keeps the context in which it was made, and so this object:
        # it must not keep the connector of a client that nobody has any more.
        self._distrust = _ignore

    def travels(self, *, reused: bool, number: int = 0) -> None:
        """Note the connection, and the number that it has in its connector."""
        self.reused, self._number = reused, number


def _ignore(_: int) -> None:
    """Distrust nothing."""


_ATTEMPT: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def _is_loss(error: BaseException | None) -> bool:
    return isinstance(error, _LOSSES) and not isinstance(error, aiohttp.ClientConnectorError)


def _note(*, reused: bool, number: int = 0) -> None:
    attempt = _ATTEMPT.get()
    if attempt is not None:
        attempt.travels(reused=reused, number=number)


def attempt_trace() -> aiohttp.TraceConfig:
    """Return what notes the connections of attempts over a session that is not our own.

    Requests of the session that are no attempts pass it unnoticed.
    """

    async def created(*_: object) -> None:
        _note(reused=False)

    async def reused(*_: object) -> None:
        _note(reused=True)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(created)
    trace.on_connection_reuseconn.append(reused)
    trace.freeze()
    return trace


@define(eq=False)
class Spacing:
    """Lets TLS connections begin a little apart, first come first served.

    A handshake takes the event loop a millisecond of arithmetic when the server's part of it
    arrives, and those of connections that are begun together arrive together.
    """

    _next: asyncio.Lock = field(factory=asyncio.Lock)
    _begun_at: float = float("-inf")

    @property
    def queueing(self) -> bool:
        """Whether a connection waits to be begun."""
        return self._next.locked()

    async def wait(self) -> None:
        """Wait until another connection may begin."""
        async with self._next:
            await clock.sleep(self._begun_at + HANDSHAKE_GAP - clock.monotonic())
            self._begun_at = clock.monotonic()


class SpacedConnector(aiohttp.TCPConnector):
    """Begins TLS connections apart, knows which are new, and drops those that are suspect.

    Attributes:
        spacing: When the next connection may begin.
    """

    def __init__(self, spacing: Spacing, **settings: Any) -> None:
        self._process = os.getpid()
        super().__init__(**settings)  # pyright: ignore[reportUnknownMemberType] - aiohttp's own
        self.spacing = spacing
        self._numbers = count(1)
        self._made = WeakKeyDictionary[ResponseHandler, int]()
        self._suspect = dict[URL, int]()

    def distrust(self, origin: URL, number: int) -> None:
        """Use none of the connections to ``origin`` again that there are now.

        Args:
            origin: Where they lead.
            number: The one that a request was lost with. Where that was suspect already, nothing is
                learned of those that were made since.
        """
        if number >= self._suspect.get(origin, 0):
            self._suspect[origin] = next(self._numbers)

    def __del__(self, _warnings: Any = warnings) -> None:
        if self._process == os.getpid():  # in a forked child, the connections are the parent's
            super().__del__(_warnings)

    async def connect(
        self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> aiohttp.connector.Connection:
        """Return a connection that is new or not suspect, and note which for the attempt."""
        while True:
            connection = await super().connect(req, *args, **kwargs)
            protocol = connection.protocol
            assert protocol is not None  # noqa: S101 - only a connection given back has none
            number = self._made.get(protocol)
            if number is None:
                number = self._made[protocol] = next(self._numbers)
                _note(reused=False, number=number)
                return connection
            if number >= self._suspect.get(req.url.origin(), 0):
                _note(reused=True, number=number)
                return connection
            connection.close()

    async def _create_connection(
        self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> ResponseHandler:
        if req.is_ssl():
            await self.spacing.wait()
        return await super()._create_connection(req, *args, **kwargs)
