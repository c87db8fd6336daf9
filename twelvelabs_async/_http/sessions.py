"""The client's HTTP sessions: one for the platform, a clean one for the object store.

A user's connector serves both; of our own, each has one. A third session makes a new connection for
each request, where connections are our own: for what must not be sent twice, so that no idle
connection can lose it. The storage session has no default headers, no cookies, no netrc
credentials, no ``raise_for_status`` and no total timeout, whatever the user's own session has: a
presigned URL is signed for exactly the headers that the platform names, and the API key must never
reach the storage host. What the user handed in is never closed here.
"""

import asyncio
import logging
import os
import warnings
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from contextvars import ContextVar, Token
from ssl import SSLContext
from typing import Any, TypeVar
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import aiohttp
from aiohttp import hdrs
from attrs import Factory, define, field, frozen
from yarl import URL

from twelvelabs_async._core import clock
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.connections import (
    CONNECT_TIMEOUT,
    DIRECT,
    MOST_DEAD,
    Attempt,
    Proxy,
    SpacedConnector,
    Spacing,
    attempt_trace,
)
from twelvelabs_async._http.no_proxy import bypasses
from twelvelabs_async.errors import ClientClosedError, ConfigurationError

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")

KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept for the next request."""

ENDING_SECONDS = 15.0
"""Seconds that ``close`` waits for what it has ended. It takes longer only where somebody else's
code does not end, such as a journal that hangs."""

_AUTOMATIC_HEADERS = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)


@frozen
class ConnectionSettings(Unpicklable):
    """How connections are made, as the user chose; see ``AsyncTwelveLabs``."""

    session: aiohttp.ClientSession | None = None
    connector: aiohttp.BaseConnector | None = None
    ssl: SSLContext | bool = True
    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = False

    def __attrs_post_init__(self) -> None:
        if self.session is not None and self.connector is not None:
            raise ConfigurationError("pass session= or connector=, not both: a session has its own")
        if self.ssl is not True and (self.session is not None or self.connector is not None):
            raise ConfigurationError(
                "is for our own connector: set it on yours instead", argument="ssl"
            )
        if self.proxy is not None:
            _proxy_url(self.proxy, "proxy=")


class _Response(aiohttp.ClientResponse):
    """A response whose ``repr`` has no URL: aiohttp shows it in warnings and in debug mode."""

    def __repr__(self) -> str:
        return f"<response {self.status} of {self.host}>"


@define(eq=False, repr=False)
class HttpSessions(Unpicklable):
    """Opens both sessions when first needed, on the loop that is running then."""

    _connecting: ConnectionSettings
    _loop: asyncio.AbstractEventLoop | None = None
    _connector: SpacedConnector | None = None
    _stored: SpacedConnector | None = None
    _unpooled: SpacedConnector | None = None
    _control: aiohttp.ClientSession | None = None
    _single: aiohttp.ClientSession | None = None
    _storage: aiohttp.ClientSession | None = None
    _trace: aiohttp.TraceConfig = Factory(attempt_trace)
    _closed: bool = False
    _process: int = Factory(os.getpid)
    _at_work: int = 0
    """How many blocks of ``at_work`` have begun and not ended."""
    _at_rest: asyncio.Event = Factory(asyncio.Event)
    """Set when there is none; only after ``close`` has begun."""
    _attempts: set[Attempt] = Factory(set[Attempt])
    _under_way: dict[asyncio.Timeout, Callable[[], bool]] = Factory(
        dict[asyncio.Timeout, Callable[[], bool]]
    )
    _disconnecting: asyncio.Lock = Factory(asyncio.Lock)
    _key: object = Factory(object)

    async def until_closed(
        self,
        work: Callable[[], Awaitable[T]],
        done: str,
        *,
        spared: Callable[[], bool] | None = None,
    ) -> T:
        """Do work of the client; ``close`` ends it at once, and waits until it has ended.

        Whatever may take a while goes through here, such as pauses and places in a queue, but for
        requests: their ``attempt`` is ended.

        Args:
            work: What to do; it is cancelled when the client is closed.
            done: What will have been done then, such as ``chunk 3 was stored``.
            spared: Whether to leave the work to its own end when the client is closed, because it
                has a result that must not be lost. Its requests and pauses end all the same.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        with self.at_work():
            scope = clock.timeout(None)
            self._under_way[scope] = spared or _never
            try:
                async with scope:
                    return await work()
            except TimeoutError:
                if not scope.expired():
                    raise
            finally:
                del self._under_way[scope]
        raise self.closed_before(done)

    @staticmethod
    def closed_before(done: str) -> ClientClosedError:
        """Return the error that the client was closed before something was ``done``."""
        return ClientClosedError(f"the client was closed before {done}")

    async def pause(self, seconds: float) -> None:
        """Wait before another attempt or question, until the client is closed.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        await self.until_closed(lambda: clock.sleep(seconds), "another attempt was made")

    def at_work(self) -> "AtWork":
        """Return what lets ``close`` wait until its ``with`` block has ended, but does not end it.

        Entering it raises ``ClientClosedError`` where the client is closed, or belongs to another
        event loop.
        """
        return AtWork(self)

    def begin(self) -> "Token[tuple[object, ...]] | None":
        """Begin a block of ``at_work``; return what ends it."""
        self._open()
        self._at_work += 1
        inside = _INSIDE.get()
        return None if self._key in inside else _INSIDE.set((*inside, self._key))

    def end(self, token: "Token[tuple[object, ...]] | None") -> None:
        """End a block of ``at_work``."""
        self._at_work -= 1
        if not self._at_work and self._closed:
            self._at_rest.set()
        if token is not None:
            _INSIDE.reset(token)

    @property
    def closed(self) -> bool:
        """Whether the client was closed, or is being closed."""
        return self._closed

    def control(self) -> aiohttp.ClientSession:
        """Return the session for the platform.

        Raises:
            ClientClosedError: After ``close``, or on another event loop than the first.
        """
        self._open()
        assert self._control is not None  # noqa: S101 - _open made it
        return self._control

    def single(self) -> aiohttp.ClientSession:
        """Return the session for a request to the platform that must not be sent twice.

        Over connections of our own, each request has a new one. Over a user's it may get one that
        had been idle, for which ``attempt`` tells. Raises as ``control`` does.
        """
        self._open()
        assert self._single is not None  # noqa: S101 - _open made it
        return self._single

    def attempt(
        self,
        url: URL,
        seconds: float | None = None,
        *,
        stored: bool = False,
        body_checks: bool = False,
    ) -> Attempt:
        """Return what watches over the connection of one request to ``url``.

        Args:
            url: Where it goes.
            seconds: For the request, from connecting to the answer; None: no bound.
            stored: Whether it is one to the object store.
            body_checks: As of ``Attempt``.

        It is entered within ``at_work``, and ``close`` ends it. Where its connection had served a
        request before, and now breaks or stays silent, those to the same origin that there are are
        suspect: connections of our own are not used again. The connector of a user keeps them, so
        that each may cost one more attempt.
        """
        connector = self._stored if stored else self._connector
        proxy = self.proxy_for(url)
        origin = url.origin()  # without a presigned URL's signature
        return Attempt(origin, proxy, connector, self._attempts, seconds, body_checks=body_checks)

    @property
    def most_dead(self) -> int:
        """How many connections in a row may turn out to be dead without telling of the network.

        Of our own one: after it, all as old are dropped, so that the next one is younger.
        """
        theirs = self._connecting.session or self._connecting.connector
        return MOST_DEAD if theirs is not None else 1

    def storage(self) -> aiohttp.ClientSession:
        """Return the clean session for the object store; raises as ``control`` does."""
        self._open()
        assert self._storage is not None  # noqa: S101 - _open made it
        return self._storage

    def proxy_for(self, url: URL) -> Proxy:
        """Return the proxy on the way to ``url``.

        Sessions of our own never get ``trust_env``, which would also add netrc credentials.

        Raises:
            ConfigurationError: What the environment or the user's session names is no proxy.
        """
        proxy = self._proxy_url_for(url)
        return DIRECT if proxy is None else Proxy.of(proxy)

    def _proxy_url_for(self, url: URL) -> URL | None:
        """Return the URL of the proxy on the way to ``url``, its credentials inside."""
        if self._connecting.proxy is not None:
            return _proxy_url(self._connecting.proxy, "proxy=")
        session = self._connecting.session
        if session is not None and (chosen := _default_proxy(session)) is not None:
            return chosen
        if self._connecting.trust_env or (session is not None and session.trust_env):
            return _environment_proxy(url)
        return None

    @property
    def _inherited(self) -> bool:
        """Whether this process was forked off the one that has the connections.

        Closing them here would end them there: TLS says goodbye, and both processes share what the
        event loop asked the system to watch.
        """
        return self._process != os.getpid()

    def _open(self) -> asyncio.AbstractEventLoop:
        if self._inherited:
            raise ClientClosedError(
                "the client belongs to the process that has forked this one; make one in each"
            )
        if self._closed:
            raise ClientClosedError("the client is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._make_sessions(loop)
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError(
                "the client belongs to another event loop; make one client for each asyncio.run()"
            )
        return loop

    def _make_sessions(self, loop: asyncio.AbstractEventLoop) -> None:
        theirs = self._connecting.session
        connector = self._connecting.connector if theirs is None else theirs.connector
        if theirs is not None and (theirs.closed or connector is None):
            raise ConfigurationError("is closed", argument="session")
        if getattr(connector, "_loop", loop) is not loop:  # aiohttp keeps it to itself
            raise ConfigurationError("the session= or connector= belongs to another event loop")
        if connector is None:
            connector = self._make_connectors()
        elif theirs is not None:
            theirs.trace_configs.append(self._trace)
        traces = [] if self._connector is not None else [self._trace]
        self._control = theirs or _once(
            aiohttp.ClientSession(
                connector=connector,
                connector_owner=False,
                trace_configs=traces,
                response_class=_Response,
            )
        )
        self._single = self._control
        if self._unpooled is not None:
            self._single = _once(
                aiohttp.ClientSession(
                    connector=self._unpooled,
                    connector_owner=False,
                    cookie_jar=self._control.cookie_jar,
                    response_class=_Response,
                )
            )
        self._storage = _once(
            aiohttp.ClientSession(
                connector=self._stored or connector,
                connector_owner=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_AUTOMATIC_HEADERS,
                trace_configs=traces,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                auto_decompress=False,  # of an error only the beginning is read
                response_class=_Response,
            )
        )

    def _make_connectors(self) -> SpacedConnector:
        """Make the connectors of our own and return the one that keeps the platform's connections.

        The object store has another: where both have one origin, an answer of the store that
        nobody waits for cannot be taken for one of the platform.
        """
        spacing = Spacing()
        self._unpooled = SpacedConnector(
            spacing, limit=0, force_close=True, ssl=self._connecting.ssl
        )
        self._stored, self._connector = (
            SpacedConnector(
                spacing, limit=0, keepalive_timeout=KEEP_ALIVE, ssl=self._connecting.ssl
            )
            for _ in range(2)
        )
        return self._connector

    async def close(self) -> None:
        """End what is under way and close what was opened here; may be called again.

        Cancelled, it does not wait for the end of what is under way, and closes everything. In a
        forked child it does nothing to what the parent has opened.
        """
        self._closed = True
        if self._inherited:
            return
        try:
            await self._end_all()
        finally:
            # In this task: one of its own might be cancelled before it has begun.
            await self._disconnect()

    async def _disconnect(self) -> None:
        async with self._disconnecting:  # who calls a second time waits for the first one
            await self._close_connections()

    async def _close_connections(self) -> None:
        async with AsyncExitStack() as stack:  # each is closed, though closing one be cancelled
            for session in (self._storage, self._single, self._control):
                if session is not None and session is not self._connecting.session:
                    stack.push_async_callback(session.close)
            # They go first: a session that is closed loses the connection that it is being given.
            for connector in (self._connector, self._stored, self._unpooled):
                if connector is not None:
                    stack.push_async_callback(connector.close)
        theirs = self._connecting.session
        if theirs is not None and self._trace in theirs.trace_configs:
            theirs.trace_configs.remove(self._trace)

    async def _end_all(self) -> None:
        if self._loop is not asyncio.get_running_loop():
            return  # whatever was under way has ended with its loop
        for scope, spared in self._under_way.items():
            if not (scope.expired() or spared()):  # an earlier call may have ended it
                scope.reschedule(clock.monotonic())
        for attempt in self._attempts:
            attempt.end()
        if not self._at_work or self._key in _INSIDE.get():
            return  # a callback cannot wait for the upload that waits for it
        with suppress(TimeoutError):
            async with clock.timeout(ENDING_SECONDS):
                await self._at_rest.wait()
        if self._at_work:
            text = "the client was closed, and %d of its calls have not ended yet"
            logger.warning(text, self._at_work)

    def __del__(self) -> None:
        if self._loop is not None and not self._closed and not self._inherited:
            warnings.warn(
                "unclosed AsyncTwelveLabs client: use 'async with', or await client.close()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


@define(eq=False, repr=False)
class AtWork:
    """The ``with`` block of ``HttpSessions.at_work``; a generator would cost more."""

    _sessions: HttpSessions
    _token: "Token[tuple[object, ...]] | None" = None

    def __enter__(self) -> None:
        self._token = self._sessions.begin()

    def __exit__(self, *_: object) -> None:
        self._sessions.end(self._token)


_INSIDE: ContextVar[tuple[object, ...]] = ContextVar("inside", default=())
"""The sessions, by their keys, in whose calls the code runs: a progress callback in its upload.

A context may live long, so it must not keep the sessions themselves alive."""


def _never() -> bool:
    return False


def _once(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Keep ``session`` from repeating a GET or a PUT by itself when its connection breaks.

    Retries are counted and paused for elsewhere. aiohttp has only a private switch for it (used by
    its own test client); a user's session keeps the habit, which is harmless for a GET.
    """
    session._retry_connection = False  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return session


def _default_proxy(session: aiohttp.ClientSession) -> URL | None:
    """Return the proxy that a user's session was made with; aiohttp keeps it to itself."""
    proxy = getattr(session, "_default_proxy", None)
    if proxy is None:
        return None
    auth: Any = getattr(session, "_default_proxy_auth", None)
    url = _proxy_url(str(proxy), "the session's proxy")
    return url.with_user(auth.login).with_password(auth.password) if auth else url


def _environment_proxy(url: URL) -> URL | None:
    told = getproxies_environment()
    if told:
        direct = bypasses(url, told.get("no", ""))
    else:  # of the system's settings, on macOS and Windows
        direct = url.host is not None and bool(proxy_bypass(url.host))
    proxy = None if direct else getproxies().get(url.scheme)
    if not proxy:
        return None
    name = f"{url.scheme.upper()}_PROXY"
    return _proxy_url(proxy if "://" in proxy else f"http://{proxy}", name)


def _proxy_url(text: str, name: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError(f"{name} must be http(s)://host:port")  # it may hold a password
    return url
