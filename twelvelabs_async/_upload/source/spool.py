"""A stream that is read to its end before it is sent: into memory, or a temporary file.

Then it can be read anywhere, as often as wanted. The file has no name where the system allows
that, so it is gone with the process, however that ends.
"""

import asyncio
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from attrs import frozen

from twelvelabs_async._core.lanes import Lane
from twelvelabs_async._core.tasks import uninterrupted
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.foreign import caller_code
from twelvelabs_async._upload.source.streams import Stream

IN_MEMORY = 4 * 2**20
"""Bytes of a stream that are kept in memory; one that is longer goes to a file."""

COPIED = 2**20
"""Bytes that are copied at once."""


@frozen(eq=False, repr=False)
class Spool:
    """What a stream has given; the file is at its beginning.

    Attributes:
        file: The open file.
    """

    file: IO[bytes]
    _lane: Lane
    _written: Any

    @classmethod
    async def of(cls, stream: Stream, threads: Threads) -> "Spool":
        """Read a stream to its end. Cancelled or failed, it leaves no file.

        Raises:
            SourceError: The stream cannot be read, or is empty, or the disk is full.
        """
        from aiofiles.tempfile import temptypes  # noqa: PLC0415 - few uploads need it

        # Without a thread: it is in memory at first, and a cancelled upload has to close it.
        file: Any = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        lane, loop = threads.lane(), asyncio.get_running_loop()
        spool = cls(file, lane, temptypes.AsyncSpooledTemporaryFile(file, loop, lane))
        try:
            await spool.copy(stream)
        except BaseException:
            await uninterrupted(spool.close())
            raise
        return spool

    async def copy(self, stream: Stream) -> None:
        """Read a stream to its end."""
        view, done = memoryview(bytearray(COPIED)), 0
        while done != stream.size and (count := await stream.read_into(view, done)):
            with caller_code(f"cannot keep {stream.name} in a temporary file"):
                await self._written.write(bytes(view[:count]))
            done += count
        with caller_code(f"cannot read {stream.name} from its temporary file"):
            await self._written.seek(0)

    async def close(self) -> None:
        """Close the file, which is gone then, once no thread uses it any more."""
        await self._lane.leave(self.file.close)
