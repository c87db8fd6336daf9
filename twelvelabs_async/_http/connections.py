"""The connections that requests travel over: how they begin, and what the loss of one means.

A pool keeps connections for the next request. Between two requests they may die unnoticed: the
network was switched, the machine slept, a load balancer was replaced. All of them die together
then, and each one tells so only when it is used. So the loss of a connection that had served a
request before says nothing about the network of now.

A server may also answer a request twice. The second answer waits in the connection, or is on its
way, when the next request begins, and would be taken for the answer to that one. So a connection
that holds anything is not used, and neither is a success believed that came before its request
had arrived. What cannot be known: a second answer that is sent after the next request has arrived,
and before the server reads it.

Connecting has a bound of its own: the host name, the proxy's way to the server, and TLS may each
hang where no other timeout sees it. To wait for a free place in a pool has none.
"""

import asyncio
import errno
import os
import socket
import warnings
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from enum import Enum, auto
from itertools import count
from types import TracebackType
from typing import Any, cast
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver, AbstractStreamWriter, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import StreamWriter
from attrs import define, field, frozen
from yarl import URL

from twelvelabs_async._core import clock
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.sockets import kernel_unread, kernel_unsent

CONNECT_TIMEOUT = 30.0
"""Seconds to connect: to resolve the host name, to be let through by a proxy, TCP and TLS."""

HANDSHAKE_GAP = 0.003
"""Seconds between the beginnings of two TLS connections of a client."""

MOST_DEAD = 100
"""Dead connections that one request may meet in a user's pool: as many as aiohttp keeps there."""

_OK = range(200, 300)


class StrayAnswerError(ConnectionError):
    """A connection carries an answer that is not to the request that is sent over it."""

    def __init__(self) -> None:
        super().__init__(errno.EPROTO, "an answer that is not to this request")


_LOSSES = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionResetError,
    StrayAnswerError,
)
"""How a connection breaks before the first byte of an answer."""


class Stage(Enum):
    """How far a request is with its connection."""

    QUEUED = auto()  # it waits for a free place in a pool, or for its turn to connect
    RESOLVING = auto()
    CONNECTING = auto()
    CONNECTED = auto()


@frozen
class Proxy(Unpicklable):
    """The proxy of a request.

    aiohttp remembers, and shows in its warnings, the URL of the proxy that a connection goes
    through. So the credentials are kept out of it.

    Attributes:
        url: Where it is, without credentials; None: there is none.
        headers: What aiohttp is given as ``proxy_headers``. It moves ``Authorization`` from there
            to ``Proxy-Authorization``: of CONNECT where there is a tunnel, or else of the request
            itself. Named so, it also takes the place of an ``Authorization`` that a user's session
            sends by default, which aiohttp would hand to the proxy.
    """

    url: URL | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: URL | None) -> "Proxy":
        """Return the proxy at ``url``, which may hold credentials; None: no proxy."""
        if url is None or (url.user is None and url.password is None):
            return cls(url)
        bare = url.with_user(None)
        return cls(bare, {hdrs.AUTHORIZATION: _basic(f"{url.user or ''}:{url.password or ''}")})


DIRECT = Proxy()
"""The way without a proxy."""


def _basic(credentials: str) -> str:
    """Return the header of ``user:password``: in Latin-1, as is usual, or else in UTF-8."""
    latin = all(character <= "\xff" for character in credentials)
    coded = credentials.encode("latin-1" if latin else "utf-8", "replace")
    return f"Basic {b64encode(coded).decode()}"


@define(eq=False, repr=False)
class Attempt:
    """Watches over the connection of the one request that is sent in its ``async with`` block.

    The block ends with ``TimeoutError`` when connecting takes too long, or the request does, not
    counting the time that it was queued; or when somebody ends it.

    Attributes:
        proxy: The proxy on the way.
        body_checks: Whether what is sent over the connection looks for an answer there first, as
            late as can be; then there is no need to look earlier.
        reused: Whether the connection had served a request before.
        stale: Whether such a connection broke before the first byte of an answer.
        overdue: What of connecting took longer than ``CONNECT_TIMEOUT``; None: nothing.
    """

    _origin: URL
    proxy: Proxy
    _connector: "SpacedConnector | None"
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
            # What a new connection watches keeps the context in which it was made, and so this
            # object: it must not keep the connector of a client that nobody has any more.
            self._connector = None
            _ATTEMPT.reset(self._token)

    def end(self) -> None:
        """End the block as soon as the event loop gets to it; it raises ``TimeoutError``."""
        if self._scope is not None and not self._scope.expired():
            self._ended = True
            self._connects_until = None
            self._scope.reschedule(clock.monotonic())

    def _distrust(self) -> None:
        if self._connector is not None:
            self._connector.distrust(self._origin, self._number)

    def _note_end(self, error: BaseException) -> None:
        self.stale = self.reused and _is_loss(error)
        if self.stale or (self.reused and isinstance(error, TimeoutError)):
            self._distrust()
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

    def queues(self) -> None:
        """Note that the request waits for a free place in a pool."""
        self._enter(Stage.QUEUED)

    def resolves(self, host: str) -> None:
        """Note that the name ``host`` is looked up."""
        self._host = host
        self._enter(Stage.RESOLVING)

    def connects(self) -> None:
        """Note that the connection is being made."""
        self._enter(Stage.CONNECTING)

    def travels(
        self, *, reused: bool, number: int = 0, protocol: ResponseHandler | None = None
    ) -> None:
        """Note the connection, and the number that it has in its connector."""
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
        """Refuse a success that is not to the request, as that has not arrived yet.

        Raises:
            StrayAnswerError: It was sent to an earlier request over this connection.
        """
        transport = None if self._protocol is None else self._protocol.transport
        if self.reused and transport is not None and status in _OK and unsent(transport):
            transport.abort()
            raise StrayAnswerError

    def misdirected(self) -> None:
        """Use none of the connections again that there are: they lead to a wrong server."""
        self._distrust()


_ATTEMPT: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def _is_loss(error: BaseException | None) -> bool:
    return isinstance(error, _LOSSES) and not isinstance(error, aiohttp.ClientConnectorError)


def check_empty(protocol: object) -> None:
    """Refuse to begin a request over a connection that holds an answer already.

    Args:
        protocol: The connection's, of aiohttp.

    Raises:
        StrayAnswerError: It does, and had served a request before.
    """
    attempt = _ATTEMPT.get()
    if attempt is not None and attempt.reused and _holds_answer(cast("ResponseHandler", protocol)):
        raise StrayAnswerError


class CheckedBytes(aiohttp.BytesPayload):
    """A body that is sent over no connection that holds an answer already.

    Attributes:
        begun: Whether any of the request was sent: what comes before is no answer to it.
    """

    begun: bool = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write the body, and the head before it.

        Raises:
            StrayAnswerError: The connection holds an answer.
        """
        check_empty(cast("StreamWriter", writer).protocol)
        self.begun = True
        await super().write_with_length(writer, content_length)


def _holds_answer(protocol: ResponseHandler) -> bool:
    transport = protocol.transport
    unread = 0 if transport is None else kernel_unread(transport.get_extra_info("socket"))
    return protocol.should_close or unread > 0


def unsent(transport: asyncio.Transport) -> int:
    """Return how many bytes have not got to the other side, as far as the system tells.

    Where the connection is being closed, that is not known: its farewell is among them.
    """
    if transport.is_closing():
        return 0
    return transport.get_write_buffer_size() + kernel_unsent(transport.get_extra_info("socket"))


def attempt_trace() -> aiohttp.TraceConfig:
    """Return what notes the connections of attempts over a connector that is not our own.

    Requests of a user's session that are no attempts pass it unnoticed.
    """

    def noting(note: Callable[[Attempt, Any], None]) -> Any:
        async def listen(_session: object, _context: object, params: Any) -> None:
            attempt = _ATTEMPT.get()
            if attempt is not None:
                note(attempt, params)

        return listen

    trace = aiohttp.TraceConfig()
    trace.on_connection_queued_start.append(noting(lambda attempt, _: attempt.queues()))
    trace.on_connection_queued_end.append(noting(lambda attempt, _: attempt.connects()))
    trace.on_connection_create_start.append(noting(lambda attempt, _: attempt.connects()))
    trace.on_dns_resolvehost_start.append(noting(lambda attempt, of: attempt.resolves(of.host)))
    trace.on_dns_resolvehost_end.append(noting(lambda attempt, _: attempt.connects()))
    trace.on_connection_create_end.append(noting(lambda attempt, _: attempt.travels(reused=False)))
    trace.on_connection_reuseconn.append(noting(lambda attempt, _: attempt.travels(reused=True)))
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

    async def wait(self) -> None:
        """Wait until another connection may begin."""
        async with self._next:
            await clock.sleep(self._begun_at + HANDSHAKE_GAP - clock.monotonic())
            self._begun_at = clock.monotonic()


class _BoundedResolver(AbstractResolver):
    """Ends a lookup that hangs: all requests to a host share one, also those that come later."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            async with clock.timeout(CONNECT_TIMEOUT):
                return await self._resolver.resolve(host, port, family)
        except TimeoutError:
            problem = f"no answer in {CONNECT_TIMEOUT:g} s"
        raise OSError(problem)

    async def close(self) -> None:
        await self._resolver.close()


class SpacedConnector(aiohttp.TCPConnector):
    """Begins TLS connections apart, knows which are new, and drops those that are suspect.

    Attributes:
        spacing: When the next connection may begin.
    """

    def __init__(self, spacing: Spacing, **settings: Any) -> None:
        self._process = os.getpid()
        super().__init__(**settings)  # pyright: ignore[reportUnknownMemberType] - aiohttp's own
        self.spacing = spacing
        self._resolver = _BoundedResolver(self._resolver)
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
        """Return a connection that is new, or neither suspect nor with an answer left in it."""
        attempt = _ATTEMPT.get()
        while True:
            connection = await super().connect(req, *args, **kwargs)
            protocol = connection.protocol
            assert protocol is not None  # noqa: S101 - only a connection given back has none
            number = self._made.get(protocol)
            reused = number is not None
            if number is None:
                number = self._made[protocol] = next(self._numbers)
            elif self._is_suspect(req.url, number) or (
                not (attempt and attempt.body_checks) and _holds_answer(protocol)
            ):
                connection.close()
                continue
            if attempt is not None:
                attempt.travels(reused=reused, number=number, protocol=protocol)
            return connection

    def _is_suspect(self, url: URL, number: int) -> bool:
        return bool(self._suspect) and number < self._suspect.get(url.origin(), 0)

    async def _create_connection(
        self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> ResponseHandler:
        if req.is_ssl():
            await self.spacing.wait()
        if (attempt := _ATTEMPT.get()) is not None:
            attempt.connects()
        return await super()._create_connection(req, *args, **kwargs)

    async def _resolve_host(self, host: str, *args: Any, **kwargs: Any) -> list[ResolveResult]:
        attempt = _ATTEMPT.get()
        if attempt is not None:
            attempt.resolves(host)
        found = await super()._resolve_host(host, *args, **kwargs)
        if attempt is not None:
            attempt.connects()
        return found
