"""A slow link: bytes that come no faster than a rate. The one place where the emulator waits."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import StreamReader


async def paced(content: StreamReader, rate: int) -> AsyncIterator[bytes]:
    """Yield a body as it comes, at most ``rate`` bytes a second, a piece each second or sooner."""
    while piece := await content.read(rate):
        await asyncio.sleep(len(piece) / rate)
        yield piece
