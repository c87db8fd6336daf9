"""The platform under one address, wherever the emulator of a test listens.

An entry of the journal belongs to one platform, whose base URL is part of the entry's name. An
emulator has another port in each run, so that no entry of an earlier run would be found.
"""

import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from twelvelabs_async.emulator import Emulator

BASE_URL = "http://platform.test/v1.3"
"""Where clients of ``connector_to`` find the platform; no such host exists (RFC 6761)."""


class _EmulatorResolver(AbstractResolver):
    """Resolves every host name to the address and the port of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        url = URL(emulator.base_url)
        assert url.host is not None
        assert url.port is not None
        self._host, self._port = url.host, url.port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=self._host, port=self._port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Do nothing: nothing was opened."""


def connector_to(emulator: Emulator) -> aiohttp.TCPConnector:
    """Return a connector that reaches ``emulator`` at ``BASE_URL``; the caller closes it."""
    return aiohttp.TCPConnector(resolver=_EmulatorResolver(emulator), family=socket.AF_INET)
