"""Our own connector: TLS handshakes apart, and no connection used again that may be dead."""

import asyncio
import os
import socket
import warnings
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from attrs import define, field
from yarl import URL

from twelvelabs_async._core import clock
from twelvelabs_async._http.attempt import CONNECT_TIMEOUT, current_attempt
from twelvelabs_async._http.sockets import holds_answer

HANDSHAKE_GAP = 0.003
"""Seconds between the beginnings of two TLS connections of a client."""


@define(eq=False)
class Spacing:
    """Lets TLS connections begin ``HANDSHAKE_GAP`` apart, first come first served.

    A handshake costs the event loop a millisecond of arithmetic when the server's part of it
    arrives. Handshakes that begin together would cost it together.
    """

    _next: asyncio.Lock = field(factory=asyncio.Lock)
    _begun_at: float = float("-inf")

    async def wait(self) -> None:
        """Wait until another connection may begin."""
        async with self._next:
            await clock.sleep(self._begun_at + HANDSHAKE_GAP - clock.monotonic())
            self._begun_at = clock.monotonic()


class _BoundedResolver(AbstractResolver):
    """Ends a lookup that hangs: aiohttp lets all later requests to the host wait for it, too."""

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
    """A connector that spaces TLS handshakes, and drops connections that are suspect.

    It numbers its connections from 1 as they are made, so that "all that exist now" is a number.

    Attributes:
        spacing: Decides when the next handshake may begin; may be shared between connectors.
    """

    def __init__(self, spacing: Spacing, **settings: Any) -> None:
        self._process = os.getpid()
        super().__init__(**settings)  # pyright: ignore[reportUnknownMemberType] - aiohttp's own
        self.spacing = spacing
        self._resolver = _BoundedResolver(self._resolver)
        self._numbers = count(1)
        self._made = WeakKeyDictionary[ResponseHandler, int]()
        self._suspect = dict[URL, int]()

    def mark_suspect(self, origin: URL, number: int) -> None:
        """Use none of the connections to ``origin`` again that exist now.

        Args:
            origin: Scheme, host and port of the server.
            number: The number of the connection that a request was lost with. Where that one was
                suspect already, its loss says nothing about those that were made since.
        """
        if number >= self._suspect.get(origin, 0):
            self._suspect[origin] = next(self._numbers)

    def __del__(self, _warnings: Any = warnings) -> None:
        if self._process == os.getpid():  # in a forked child, the connections are the parent's
            super().__del__(_warnings)

    async def connect(
        self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> aiohttp.connector.Connection:
        """Return a new connection, or one that is neither suspect nor holds an answer."""
        attempt = current_attempt()
        while True:
            connection = await super().connect(req, *args, **kwargs)
            protocol = connection.protocol
            assert protocol is not None  # noqa: S101 - only a connection given back has none
            number = self._made.get(protocol)
            reused = number is not None
            if number is None:
                number = self._made[protocol] = next(self._numbers)
            elif self._is_suspect(req.url, number) or (
                not (attempt and attempt.body_checks) and holds_answer(protocol)
            ):
                connection.close()
                continue
            if attempt is not None:
                attempt.note_connected(reused=reused, number=number, protocol=protocol)
            return connection

    def _is_suspect(self, url: URL, number: int) -> bool:
        return bool(self._suspect) and number < self._suspect.get(url.origin(), 0)

    async def _create_connection(
        self, req: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> ResponseHandler:
        if req.is_ssl():
            await self.spacing.wait()
        if (attempt := current_attempt()) is not None:
            attempt.note_connecting()
        return await super()._create_connection(req, *args, **kwargs)

    async def _resolve_host(self, host: str, *args: Any, **kwargs: Any) -> list[ResolveResult]:
        attempt = current_attempt()
        if attempt is not None:
            attempt.note_resolving(host)
        found = await super()._resolve_host(host, *args, **kwargs)
        if attempt is not None:
            attempt.note_connecting()
        return found
