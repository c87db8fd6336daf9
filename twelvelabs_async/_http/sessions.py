"""The life of a client: its sessions are opened when first needed, and ``close`` ends all calls."""

import asyncio
import logging
import os
import warnings
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import TypeVar

import aiohttp
from attrs import Factory, define
from yarl import URL

from twelvelabs_async._core import clock
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.attempt import Attempt
from twelvelabs_async._http.open_sessions import OpenSessions
from twelvelabs_async._http.settings import ConnectionSettings
from twelvelabs_async.errors import ClientClosedError

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")

Inside = Token[tuple[object, ...]] | None
"""What ``begin`` has noted in the context, for ``end``; None: it was inside already."""

ENDING_SECONDS = 15.0
"""Seconds that ``close`` waits for the calls that it has ended. It takes longer only where code of
others does not end, such as a journal that hangs."""

MOST_STALE = 100
"""Stale connections that one request may meet in a user's pool: as many as aiohttp keeps there."""


@define(eq=False, repr=False)
class HttpSessions(Unpicklable):
    """Opens the sessions when they are first needed, and ends all calls of a client in ``close``.

    A client belongs to the event loop that was running at its first call.
    """

    _settings: ConnectionSettings
    _opened: OpenSessions | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _closed: bool = False
    _process: int = Factory(os.getpid)
    _at_work: int = 0
    """How many blocks of ``at_work`` have begun and not ended."""
    _at_rest: asyncio.Event = Factory(asyncio.Event)
    """Set when there is no such block any more; only after ``close`` has begun."""
    _attempts: set[Attempt] = Factory(set[Attempt])
    _under_way: dict[asyncio.Timeout, Callable[[], bool]] = Factory(
        dict[asyncio.Timeout, Callable[[], bool]]
    )
    """The scope of each block of ``until_closed``, and whether ``close`` spares it."""
    _disconnecting: asyncio.Lock = Factory(asyncio.Lock)
    _key: object = Factory(object)

    async def until_closed(
        self,
        work: Callable[[], Awaitable[T]],
        done: str,
        *,
        spared: Callable[[], bool] | None = None,
    ) -> T:
        """Do work of the client; ``close`` cancels it at once, and waits until it has ended.

        Everything that may take a while goes through here, such as pauses and places in a queue.
        Only requests do not: ``close`` ends their ``attempt``.

        Args:
            work: What to do; it is cancelled when the client is closed.
            done: What the work achieves, for the error, such as ``chunk 3 was stored``.
            spared: Says, when the client is closed, whether to let the work go on, because it has a
                result that must not be lost. Its requests and pauses end all the same. None: never.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        inside = self.begin()
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
            self.end(inside)
        raise self.closed_before(done)

    @staticmethod
    def closed_before(done: str) -> ClientClosedError:
        """Return the error for work that ``close`` ended before it was ``done``."""
        return ClientClosedError(f"the client was closed before {done}")

    async def pause(self, seconds: float) -> None:
        """Wait before another attempt or question, in seconds.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        await self.until_closed(lambda: clock.sleep(seconds), "another attempt was made")

    def at_work(self) -> "AtWork":
        """Return a ``with`` block that ``close`` waits for, but does not end.

        Entering it raises ``ClientClosedError`` where the client is closed, or belongs to another
        event loop.
        """
        return AtWork(self)

    def begin(self) -> Inside:
        """Begin a block of ``at_work``, and return what ``end`` takes."""
        self._open()
        self._at_work += 1
        inside = _INSIDE.get()
        return None if self._key in inside else _INSIDE.set((*inside, self._key))

    def end(self, inside: Inside) -> None:
        """End a block of ``at_work``."""
        self._at_work -= 1
        if not self._at_work and self._closed:
            self._at_rest.set()
        if inside is not None:
            _INSIDE.reset(inside)

    @property
    def closed(self) -> bool:
        """Whether the client was closed, or is being closed."""
        return self._closed

    def control(self) -> aiohttp.ClientSession:
        """Return the session for the platform; ask for it within ``at_work``.

        Raises:
            ClientClosedError: After ``close``.
        """
        return self._have_open().control

    def single(self) -> aiohttp.ClientSession:
        """Return ``OpenSessions.single``; raises as ``control`` does."""
        return self._have_open().single

    def storage(self) -> aiohttp.ClientSession:
        """Return the clean session for the object store; raises as ``control`` does."""
        return self._have_open().storage

    def attempt(
        self,
        url: URL,
        seconds: float | None = None,
        *,
        stored: bool = False,
        body_checks: bool = False,
    ) -> Attempt:
        """Return what follows the connection of one request to ``url``, and is ended by ``close``.

        Enter it within ``at_work``. Where its connection had served a request before, and now
        breaks or stays silent, all connections to the same origin that exist then are suspect. Our
        own are not used again. A user's connector keeps them, so that each may cost one more
        attempt.

        Args:
            url: Where the request goes.
            seconds: For the request, from connecting to the answer; None: no bound.
            stored: Whether it goes to the object store.
            body_checks: As of ``Attempt``.
        """
        own = None if self._opened is None else self._opened.connectors
        connector = None if own is None else own.storage if stored else own.platform
        proxy = self._settings.proxy_for(url)
        origin = url.origin()  # without a presigned URL's signature
        return Attempt(origin, proxy, connector, self._attempts, seconds, body_checks=body_checks)

    @property
    def most_stale(self) -> int:
        """How many stale connections in a row one request may meet before that counts as a failure.

        Of our own one: it makes all that existed then suspect, so that the next one is younger.
        """
        return 1 if self._settings.uses_own_connector else MOST_STALE

    @property
    def _inherited(self) -> bool:
        """Whether the client was made in a process of which this one is a fork.

        Closing its connections here would end them there: TLS sends a farewell, and both processes
        share the event loop's registrations in the kernel.
        """
        return self._process != os.getpid()

    def _have_open(self) -> OpenSessions:
        """Return the sessions; ``at_work`` has checked that they are this process' and loop's."""
        if self._opened is None or self._closed:
            return self._open()
        return self._opened

    def _open(self) -> OpenSessions:
        """Return the sessions, which are made at the first call."""
        if self._inherited:
            raise ClientClosedError(
                "the client belongs to the process that has forked this one; make one in each"
            )
        if self._closed:
            raise ClientClosedError("the client is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._opened is None:
            self._opened, self._loop = OpenSessions.of(self._settings, loop), loop
        elif self._loop is not loop:
            raise ClientClosedError(
                "the client belongs to another event loop; make one client for each asyncio.run()"
            )
        return self._opened

    async def close(self) -> None:
        """End all calls, and close what was opened here; it may be called again.

        Cancelled, it does not wait for the calls to end, and still closes everything. In a forked
        child it leaves alone what the parent has opened.
        """
        self._closed = True
        if self._inherited:
            return
        try:
            await self._end_all()
        finally:
            # Done in this task: a task of its own could be cancelled before it has begun.
            await self._disconnect()

    async def _disconnect(self) -> None:
        async with self._disconnecting:  # a second call waits for the first one
            if self._opened is not None:
                await self._opened.close()

    async def _end_all(self) -> None:
        if self._loop is not asyncio.get_running_loop():
            return  # what was under way has ended together with its loop
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
    _inside: Inside = None

    def __enter__(self) -> None:
        self._inside = self._sessions.begin()

    def __exit__(self, *_: object) -> None:
        self._sessions.end(self._inside)


_INSIDE: ContextVar[tuple[object, ...]] = ContextVar("inside", default=())
"""The keys of the clients in whose calls the code runs, such as a callback within an upload.

They are keys and not the sessions, because a context may live long and would keep these alive."""


def _never() -> bool:
    return False
