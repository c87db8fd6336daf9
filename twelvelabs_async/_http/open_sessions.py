"""The aiohttp sessions of a client, once they are open: for the platform, and for the object store.

A user's connector serves both; of our own, each has one. A third session makes a new connection for
each request, where connections are our own: for what must not be sent twice, so that no idle
connection can lose it. The storage session has no default headers, no cookies, no netrc
credentials, no ``raise_for_status`` and no total timeout, whatever the user's own session has: a
presigned URL is signed for exactly the headers that the platform names, and the API key must never
reach the storage host.
"""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractCookieJar
from attrs import frozen

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.attempt import CONNECT_TIMEOUT
from twelvelabs_async._http.attempt_trace import attempt_trace
from twelvelabs_async._http.connector import SpacedConnector, Spacing
from twelvelabs_async._http.settings import ConnectionSettings
from twelvelabs_async.errors import ConfigurationError

KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept for the next request."""

_AUTOMATIC_HEADERS = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)


class _Response(aiohttp.ClientResponse):
    """A response whose ``repr`` has no URL: aiohttp shows it in warnings and in debug mode."""

    def __repr__(self) -> str:
        return f"<response {self.status} of {self.host}>"


@frozen
class OwnConnectors:
    """Our own connectors, all with one spacing of handshakes.

    The object store has another one than the platform: where both have one origin, an answer of
    the store that nobody waits for cannot be taken for one of the platform.

    Attributes:
        platform: Keeps connections to the platform.
        storage: Keeps connections to the object store.
        unpooled: Makes a new connection for each request, and keeps none.
    """

    platform: SpacedConnector
    storage: SpacedConnector
    unpooled: SpacedConnector

    @classmethod
    def of(cls, settings: ConnectionSettings) -> "OwnConnectors":
        """Make the connectors; nothing is connected yet."""
        spacing, ssl = Spacing(), settings.ssl
        return cls(
            platform=SpacedConnector(spacing, limit=0, keepalive_timeout=KEEP_ALIVE, ssl=ssl),
            storage=SpacedConnector(spacing, limit=0, keepalive_timeout=KEEP_ALIVE, ssl=ssl),
            unpooled=SpacedConnector(spacing, limit=0, force_close=True, ssl=ssl),
        )


@frozen(eq=False, repr=False)
class OpenSessions(Unpicklable):
    """The sessions of a client, on the event loop that was running when they were made.

    Attributes:
        control: For the platform; a user's own where there is one.
        single: For a request to the platform that must not be sent twice. Over our own connections
            each request has a new one. Over a user's it may get one that had been idle: then
            ``Attempt.reused`` is true.
        storage: For the object store, and clean.
        connectors: Our own; None: a user's connector serves all.
    """

    control: aiohttp.ClientSession
    single: aiohttp.ClientSession
    storage: aiohttp.ClientSession
    connectors: OwnConnectors | None
    _user_session: aiohttp.ClientSession | None
    _trace: aiohttp.TraceConfig

    @classmethod
    def of(cls, settings: ConnectionSettings, loop: asyncio.AbstractEventLoop) -> "OpenSessions":
        """Make the sessions; nothing is connected yet.

        Raises:
            ConfigurationError: The user's session is closed, or belongs to another event loop, or
                the user's connector does.
        """
        trace = attempt_trace()
        connector = _user_connector(settings, loop)
        if connector is None:
            connectors = OwnConnectors.of(settings)
            control = _new_session(connectors.platform)
            single = _new_session(connectors.unpooled, cookie_jar=control.cookie_jar)
            storage = _storage_session(connectors.storage, None)
            return cls(control, single, storage, connectors, None, trace)
        if settings.session is not None:
            settings.session.trace_configs.append(trace)
        control = settings.session or _new_session(connector, trace)
        storage = _storage_session(connector, trace)
        return cls(control, control, storage, None, settings.session, trace)

    async def close(self) -> None:
        """Close what was made here, and leave a user's session and connector open."""
        async with AsyncExitStack() as stack:  # each is closed, though closing one be cancelled
            for session in (self.storage, self.single, self.control):
                if session is not self._user_session:
                    stack.push_async_callback(session.close)
            # The stack closes connectors first: a session that is closed while it is being given a
            # connection loses that connection.
            if (own := self.connectors) is not None:
                for connector in (own.platform, own.storage, own.unpooled):
                    stack.push_async_callback(connector.close)
        theirs = self._user_session
        if theirs is not None and self._trace in theirs.trace_configs:
            theirs.trace_configs.remove(self._trace)


def _user_connector(
    settings: ConnectionSettings, loop: asyncio.AbstractEventLoop
) -> aiohttp.BaseConnector | None:
    """Return the connector of the user, once it was checked; None: there is none."""
    session = settings.session
    connector = settings.connector if session is None else session.connector
    if session is not None and (session.closed or connector is None):
        raise ConfigurationError("is closed", argument="session")
    if getattr(connector, "_loop", loop) is not loop:  # aiohttp keeps it in a private attribute
        raise ConfigurationError("the session= or connector= belongs to another event loop")
    return connector


def _new_session(
    connector: aiohttp.BaseConnector,
    trace: aiohttp.TraceConfig | None = None,
    *,
    cookie_jar: AbstractCookieJar | None = None,
) -> aiohttp.ClientSession:
    return _without_retries(
        aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            cookie_jar=cookie_jar,
            trace_configs=None if trace is None else [trace],
            response_class=_Response,
        )
    )


def _storage_session(
    connector: aiohttp.BaseConnector, trace: aiohttp.TraceConfig | None
) -> aiohttp.ClientSession:
    return _without_retries(
        aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC_HEADERS,
            trace_configs=None if trace is None else [trace],
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            auto_decompress=False,  # of an error only the beginning is read
            response_class=_Response,
        )
    )


def _without_retries(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Keep ``session`` from repeating a GET or a PUT by itself when its connection breaks.

    ``retries`` counts repetitions, and pauses before them. aiohttp has only a private switch for
    its own (used by its test client). A user's session goes on repeating a GET, which is harmless.
    """
    session._retry_connection = False  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return session
