"""Slow streams beside a file: all of one client, and all under way from before it until after."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define

from benchmarks.peers.harness import AsyncSend
from twelvelabs_async import AsyncTwelveLabs

STREAMS = 20
PIECE, PAUSE = 2**16, 0.05
"""Bytes that a stream gives at once, and seconds until it gives more: 1.3 MB/s."""

STREAM_BYTES = 2**30
"""The size of a stream: at that pace it takes 14 minutes, and no file here does."""


@define(eq=False)
class SlowStreams:
    """Streams that a client uploads beside a file.

    Attributes:
        client: The client.
        chunk_size: Bytes of a chunk.
        size: Bytes of each stream.
        most: The most memory, in bytes, that was seen to be taken by chunks of streams.
    """

    client: AsyncTwelveLabs
    chunk_size: int
    size: int = STREAM_BYTES
    most: int = 0

    @asynccontextmanager
    async def beside(self, send: AsyncSend) -> AsyncGenerator[AsyncSend]:
        """Upload the streams for the block; what is entered sends a file meanwhile.

        As the block begins they are spread evenly over their first chunk, so that the chunks of all
        of them come one after another, as those of strangers do, and not all at once.
        """

        async def send_beside(path: Path) -> None:
            await send(path)
            ended = sum(task.done() for task in tasks)
            assert not ended, f"{ended} of {STREAMS} streams ended before the file: it is no figure"
            assert 0 < self.most <= self.client.statistics().stream_bound

        ready = asyncio.Barrier(STREAMS + 1)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._upload(number, ready)) for number in range(STREAMS)]
            await ready.wait()
            yield send_beside
            for task in tasks:
                task.cancel()
        left = self.client.statistics()
        assert left.stream_bytes == left.uploads_admitted == left.puts_under_way == 0

    async def _upload(self, number: int, ready: asyncio.Barrier) -> None:
        pieces = self._pieces(number / STREAMS, ready)
        await self.client.upload((f"{number}.mp4", pieces), size=self.size, multipart_above=0)

    async def _pieces(self, share: float, ready: asyncio.Barrier) -> AsyncGenerator[bytes]:
        """Give a share of a chunk (below 1) at once, and then a small piece now and then."""
        at_once = int(share * min(self.chunk_size, self.size))
        yield bytes(at_once)
        self._look()
        await ready.wait()
        await asyncio.sleep(share * PAUSE)
        for start in range(at_once, self.size, PIECE):
            yield bytes(min(PIECE, self.size - start))
            self._look()
            await asyncio.sleep(PAUSE)

    def _look(self) -> None:
        self.most = max(self.most, self.client.statistics().stream_bytes)
