"""Fetch what an asset is to be made from, from this machine only: a test contacts nobody else.

A host is this machine if it is ``localhost`` or a loopback address, literally; no name is looked
up. Each redirect is checked as the first URL was.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, AI_NUMERICHOST, AddressFamily

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from twelvelabs_async.emulator.forms import too_large
from twelvelabs_async.emulator.parameters import Refusal, show

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
MAX_HOPS = 10
READ_SIZE = 2**18
REDIRECTS = {301, 302, 303, 307, 308}
FAILURES = (aiohttp.ClientError, TimeoutError, OSError)


class Localhost(AbstractResolver):
    """Resolve ``localhost`` to the loopback addresses, and nothing else."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: AddressFamily = AF_INET,  # noqa: ARG002 - both, whatever is asked for
    ) -> list[ResolveResult]:
        """Return both loopback addresses; IPv4 first."""
        if host != "localhost":
            raise OSError(f"{host} is not this machine")
        return [
            ResolveResult(
                hostname=host, host=at, port=port, family=kind, proto=0, flags=AI_NUMERICHOST
            )
            for at, kind in (("127.0.0.1", AF_INET), ("::1", AF_INET6))
        ]

    async def close(self) -> None:
        """Hold nothing."""


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[aiohttp.ClientResponse]:
    """Yield the answer with the file, its body not yet read.

    Raises:
        Refusal: The URL leads off this machine, or to no file; nothing else was contacted.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=Localhost(), force_close=True),
        timeout=TIMEOUT,
    ) as session:
        response = await _followed(session, url)
        try:
            yield response
        finally:
            response.close()


async def body(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    """Yield the file in pieces.

    Raises:
        Refusal: It is, or becomes, larger than ``limit`` bytes, is empty, or breaks off.
    """
    size = response.content_length or 0
    if size > limit:
        raise too_large(size, limit)
    received = 0
    try:
        async for piece in response.content.iter_chunked(READ_SIZE):
            received += len(piece)
            if received > limit:
                raise too_large(received, limit)
            yield piece
    except FAILURES as error:
        message = f"The file at {show(str(response.url))} broke off after {received} bytes."
        raise Refusal(400, "media_url_file_broken", message) from error
    if not received:
        message = f"The file at {show(str(response.url))} is empty."
        raise Refusal(400, "media_url_file_broken", message)


async def _followed(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
    for _ in range(MAX_HOPS):
        response = await _asked(session, url)
        if response.status not in REDIRECTS:
            break
        response.close()
        url = _target(response, url)
    else:
        raise _not_accessible(url, f"more than {MAX_HOPS} redirects")
    if response.status != 200:  # noqa: PLR2004 - a status
        response.close()
        raise _not_accessible(url, f"it answers {response.status}")
    return response


async def _asked(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
    try:
        at = _parsed(url)
        if not _is_this_machine(at.host):
            raise _not_accessible(url, "the emulator fetches from this machine only")
        return await session.get(at, allow_redirects=False)
    except (*FAILURES, ValueError) as error:
        raise _not_accessible(url, str(error) or type(error).__name__) from error


def _target(response: aiohttp.ClientResponse, url: str) -> str:
    location = response.headers.get("Location", "")
    try:
        return str(response.url.join(_parsed(location)))
    except ValueError:
        raise _not_accessible(url, "its redirect leads nowhere") from None


def _parsed(url: str) -> URL:
    """Take a URL as it is written, for it may be signed; quote what no request line can carry."""
    return URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)


def _is_this_machine(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _not_accessible(url: str, reason: str) -> Refusal:
    message = f"The file at {show(url)} is not accessible: {reason}."
    return Refusal(400, "media_url_not_accessible", message)
