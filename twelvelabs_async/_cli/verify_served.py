"""Make sure that an asset's URL serves the file: both are hashed, side by side, in threads."""

import hashlib
from collections.abc import Callable

import aiofiles
import aiohttp
from yarl import URL

from twelvelabs_async._core.threads import Threads, lane_of

PIECE = 2**20
"""Bytes in memory at once."""

SILENCE = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
"""Bounds silence and not the whole, which takes as long as the file is large."""


class CheckFailedError(Exception):
    """The URL does not serve the file, or they could not be compared."""


async def check_served(
    path: str, url: str, advance: Callable[[int], None], threads: Threads
) -> str:
    """Compare a file with what ``url`` serves, and return the SHA-256 of both, in hex.

    Args:
        path: The file.
        url: Its asset's URL; no proxy is used.
        advance: Called with how many bytes more have come back.
        threads: Where the file is read, and both are hashed.

    Raises:
        CheckFailedError: They differ, or one of them cannot be read.
    """
    try:
        sent, served = await _both_sha256(path, url, advance, threads)
    except (OSError, aiohttp.ClientError) as error:
        problem = str(error) or type(error).__name__
        raise CheckFailedError(f"the asset cannot be compared with the file: {problem}") from error
    if sent != served:
        raise CheckFailedError(
            f"the asset is not the file: SHA-256 {served} came back, {sent} was sent"
        )
    return sent


async def _both_sha256(
    path: str, url: str, advance: Callable[[int], None], threads: Threads
) -> tuple[str, str]:
    sent, served = hashlib.sha256(), hashlib.sha256()

    def take(own: bytes, came: bytes) -> None:
        sent.update(own)
        served.update(came)

    async with (
        lane_of(threads) as lane,
        aiohttp.ClientSession(timeout=SILENCE, raise_for_status=True) as session,
        session.get(URL(url, encoded=True)) as response,
    ):
        file = await aiofiles.open(path, "rb", executor=lane.alone)
        async for came in response.content.iter_chunked(PIECE):
            await lane.run(take, await file.read(len(came)), came)
            advance(len(came))
        while rest := await file.read(PIECE):
            await lane.run(take, rest, b"")
    return sent.hexdigest(), served.hexdigest()
