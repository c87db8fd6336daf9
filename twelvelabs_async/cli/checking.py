"""Make sure that an asset's URL serves the file: both are hashed, in pieces, in threads."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import aiofiles
import aiohttp
from yarl import URL

PIECE = 2**20
"""Bytes in memory at once."""

SILENCE = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
"""Bounds silence and not the whole, which takes as long as the file is large."""


class CheckFailedError(Exception):
    """The URL does not serve the file, or they could not be compared."""


async def check_served(path: str, url: str, advance: Callable[[int], None]) -> str:
    """Compare a file with what ``url`` serves, and return the SHA-256 of both, in hex.

    Args:
        path: The file.
        url: Its asset's URL; no proxy is used.
        advance: Told how many bytes more have come back.

    Raises:
        CheckFailedError: They differ, or one of them cannot be read.
    """
    try:
        sent, served = await _sha256(_read(path)), await _sha256(_fetched(url, advance))
    except (OSError, aiohttp.ClientError) as error:
        problem = str(error) or type(error).__name__
        raise CheckFailedError(f"the asset cannot be compared with the file: {problem}") from error
    if sent != served:
        raise CheckFailedError(
            f"the asset is not the file: SHA-256 {served} came back, {sent} was sent"
        )
    return sent


async def _sha256(pieces: AsyncGenerator[bytes, None]) -> str:
    digest = hashlib.sha256()
    async with aclosing(pieces):
        async for piece in pieces:
            await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()


async def _read(path: str) -> AsyncGenerator[bytes, None]:
    async with aiofiles.open(path, "rb") as file:
        while piece := await file.read(PIECE):
            yield piece


async def _fetched(url: str, advance: Callable[[int], None]) -> AsyncGenerator[bytes, None]:
    async with (
        aiohttp.ClientSession(timeout=SILENCE, raise_for_status=True) as session,
        session.get(URL(url, encoded=True)) as response,
    ):
        async for piece in response.content.iter_chunked(PIECE):
            advance(len(piece))
            yield piece
