"""One attempt of a request, seen from its connection: how far it is, and what its loss means.

A pool keeps connections for the next request. Between two requests they may die unnoticed: the
network was switched, the machine slept, a load balancer was replaced. All of them die together
then, but each is found dead only when it is used. So the loss of a connection that had served a
request before says nothing about the network of now: such a loss is ``stale``. Some load balancers
do not reset such a connection: they answer the next request with a 408, which ends the connection,
or with bytes that are no HTTP. That is the same loss.

A server may also answer a request twice. The second answer waits in the connection, or is on its
way, when the next request begins, and would be taken for the answer to that one. So a connection
that holds any bytes is not used, and a success that came before its request had arrived is refused.
One case remains: a second answer that is sent after the next request has arrived, and before the
server reads it.

Connecting has a bound of its own, ``CONNECT_TIMEOUT``: resolving the host name, the proxy's
tunnel, and TLS may each hang where no other timeout applies. Waiting for a free place in a pool has
no bound.
"""

import asyncio
import errno
from contextvars import ContextVar, Token
from enum import Enum, auto
from http import HTTPStatus
from types import TracebackType
from typing import Protocol

import aiohttp
from aiohttp import HttpVersion10, hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadStatusLine
from attrs import define
from yarl import URL

from twelvelabs_async._core import clock
from twelvelabs_async._http.proxies import Proxy
from twelvelabs_async._http.sockets import bytes_unsent

CONNECT_TIMEOUT = 30.0
"""Seconds to connect: to resolve the host name, to be let through by a proxy, TCP and TLS."""

_OK = range(200, 300)


class StrayAnswerError(ConnectionError):
    """A connection carries an answer that is not to the request that is sent over it."""

    def __init__(self) -> None:
        super().__init__(errno.EPROTO, "an answer that is not to this request")


class IdleConnectionError(aiohttp.ServerDisconnectedError):
    """A connection that had served a request before was idle for too long, says the other side."""


_LOSSES = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionResetError,
    StrayAnswerError,
)
"""How a connection breaks before the first byte of an answer that is to the request."""


class Connections(Protocol):
    """What an attempt needs of our own connector."""

    def mark_suspect(self, origin: URL, number: int) -> None:
        """Use none of the connections to ``origin`` again that exist now."""


class Stage(Enum):
    """How far a request is with its connection."""

    QUEUED = auto()  # it waits for a free place in a pool, or for its turn to connect
    RESOLVING = auto()
    CONNECTING = auto()
    CONNECTED = auto()


@define(eq=False, repr=False)
class Attempt:
    """Follows the connection of the one request that is sent in its ``async with`` block.

    The block ends with ``TimeoutError`` when connecting takes too long, when the request takes too
    long (the time in a queue is not counted), or after ``end``.

    Attributes:
        proxy: The proxy on the way.
        body_checks: Whether the body itself looks for an early answer in the connection right
            before it is sent (``check_empty``); then the connector need not look earlier.
        reused: Whether the connection had served a request before.
        stale: Whether a connection that had served a request before broke before the first byte of
            an answer; set at the end of the block.
        overdue: Which step of connecting took longer than ``CONNECT_TIMEOUT``; None: none did.
    """

    _origin: URL
    proxy: Proxy
    _connector: "Connections | None"
    _under_way: "set[Attempt]"
    _seconds: float | None = None
    body_checks: bool = False
    reused: bool = False
    stale: bool = False
    overdue: str | None = None
    _stage: Stage = Stage.QUEUED
    _host: str = ""
    _number: int = 0
    _protocol: ResponseHandler | None = None
    _scope: asyncio.Timeout | None = None
    _token: "Token[Attempt | None] | None" = None
    _ends_at: float | None = None
    _connects_until: float | None = None
    _ended: bool = False

    async def __aenter__(self) -> None:
        self._token = _ATTEMPT.set(self)
        # Our own connector reports when connecting begins, and the bound is set then. A user's
        # connector may hang before it reports anything, so its bound is set now.
        self._scope = clock.timeout(self._seconds if self._connector is None else None)
        self._under_way.add(self)
        await self._scope.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._scope is not None  # noqa: S101 - __aenter__ made both
        assert self._token is not None  # noqa: S101
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError as timeout:
            error = timeout
            raise
        finally:
            if error is not None:
                self._note_end(error)
            self._scope = None
            self._under_way.discard(self)
            # A connection that is made in this block keeps the block's context, and so this object.
            # It must not keep the connector of a client that was dropped.
            self._connector = None
            _ATTEMPT.reset(self._token)

    def end(self) -> None:
        """End the block at the next turn of the event loop, with ``TimeoutError``."""
        if self._scope is not None and not self._scope.expired():
            self._ended = True
            self._connects_until = None
            self._scope.reschedule(clock.monotonic())

    def _mark_suspect(self) -> None:
        if self._connector is not None:
            self._connector.mark_suspect(self._origin, self._number)

    def _note_end(self, error: BaseException) -> None:
        self.stale = self.reused and _is_loss(error)
        if self.stale or (self.reused and isinstance(error, TimeoutError)):
            self._mark_suspect()
        scope = self._scope
        if scope is not None and scope.expired() and scope.when() == self._connects_until:
            self.overdue = self._slow_part()

    def _slow_part(self) -> str:
        seconds = f"in {CONNECT_TIMEOUT:g} s"
        if self._stage is Stage.RESOLVING:
            return f"the host name {self._host!r} was not resolved {seconds}"
        where = self._origin.host_port_subcomponent
        if self.proxy.url is not None:
            proxy = self.proxy.url.host_port_subcomponent
            return f"the proxy {proxy} made no connection to {where} {seconds}"
        secured = ", with its TLS handshake," if self._origin.scheme == "https" else ""
        return f"no connection to {where}{secured} was made {seconds}"

    def is_queued(self) -> bool:
        """Whether the request waits for its turn to connect."""
        return self._stage is Stage.QUEUED

    def note_queued(self) -> None:
        """Note that the request waits for a free place in a pool."""
        self._enter(Stage.QUEUED)

    def note_resolving(self, host: str) -> None:
        """Note that the name ``host`` is being resolved."""
        self._host = host
        self._enter(Stage.RESOLVING)

    def note_connecting(self) -> None:
        """Note that the connection is being made."""
        self._enter(Stage.CONNECTING)

    def note_connected(
        self, *, reused: bool, number: int = 0, protocol: ResponseHandler | None = None
    ) -> None:
        """Note the connection of the request.

        Args:
            reused: Whether it had served a request before.
            number: Its number in our own connector, from 1; 0: it is a user's.
            protocol: The connection itself; None: it is not known, as for a user's connector.
        """
        self.reused, self._number, self._protocol = reused, number, protocol
        self._enter(Stage.CONNECTED)

    def _enter(self, stage: Stage) -> None:
        before, self._stage = self._stage, stage
        if self._scope is None or self._ended:
            return
        if stage is Stage.QUEUED:
            self._ends_at = self._connects_until = None
        elif before is Stage.QUEUED and self._seconds is not None:
            self._ends_at = clock.monotonic() + self._seconds
        if stage is Stage.CONNECTED:
            self._connects_until = None
        elif stage is not Stage.QUEUED and (before is Stage.QUEUED or before is Stage.CONNECTED):
            self._connects_until = clock.monotonic() + CONNECT_TIMEOUT
        bound = self._ends_at
        if bound is None or (self._connects_until is not None and self._connects_until < bound):
            bound = self._connects_until
        if bound != self._scope.when() and not self._scope.expired():
            self._scope.reschedule(bound)

    def check(self, status: int) -> None:
        """Refuse a success that came before the server can have received the whole request.

        Args:
            status: The HTTP status of the answer.

        Raises:
            StrayAnswerError: It answers an earlier request over this connection, which is cut.
        """
        transport = None if self._protocol is None else self._protocol.transport
        if self.reused and transport is not None and status in _OK and bytes_unsent(transport):
            transport.abort()
            raise StrayAnswerError

    def check_idle(self, response: aiohttp.ClientResponse) -> None:
        """Refuse a 408 that ends a connection which had served a request before.

        The server had given up waiting for a request on it, so it has not read this one.

        Raises:
            IdleConnectionError: It is one.
        """
        if self.reused and response.status == HTTPStatus.REQUEST_TIMEOUT and _is_last(response):
            raise IdleConnectionError

    def note_misdirected(self) -> None:
        """Note a 421: no connection to this origin that exists now is used again."""
        self._mark_suspect()


_ATTEMPT: ContextVar[Attempt | None] = ContextVar("attempt", default=None)
current_attempt = _ATTEMPT.get
"""Return the attempt in whose block the code runs; None: in none, as for a user's own requests."""


def _is_loss(error: BaseException | None) -> bool:
    if type(error) is aiohttp.ClientResponseError:
        # Bytes that are no HTTP; what is HTTP at first, and wrong further on, is an answer.
        return isinstance(error.__cause__, BadStatusLine) or "Expected HTTP/" in error.message
    return isinstance(error, _LOSSES) and not isinstance(error, aiohttp.ClientConnectorError)


def _is_last(response: aiohttp.ClientResponse) -> bool:
    """Whether a response says that its connection ends with it."""
    said = response.headers.get(hdrs.CONNECTION, "").lower()
    return "close" in said or (response.version == HttpVersion10 and "keep-alive" not in said)
