"""Bodies of PUTs: one slice of a source, sent as it is or hashed on its way."""

import asyncio
import hashlib
from collections.abc import Callable

from aiohttp.http import StreamWriter

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.resume.proof import md5_of
from twelvelabs_async._upload.send.body import Body, BodyResources, do_nothing
from twelvelabs_async._upload.source.protocol import CheckedSource, ExactReader, Source
from twelvelabs_async.errors import SourceError


class SliceBody(Body):
    """The body of one PUT: one slice of the source, which is looked at before its last bytes.

    Another file or size ends it there; where only times are others, the source has a new version.
    """

    def __init__(
        self,
        source: Source,
        piece: Slice,
        resources: BodyResources,
        *,
        when_sent: Callable[[], None] = do_nothing,
        when_stuck: Callable[[], None] = do_nothing,
    ) -> None:
        """Prepare to send a slice; the callbacks are those of ``Body``."""
        checked = CheckedSource(source, end=piece.offset + piece.size, tolerant=True)
        super().__init__(
            checked,
            piece.offset,
            piece.size,
            resources,
            when_sent=when_sent,
            when_stuck=when_stuck,
        )
        self._slice = checked
        self._piece = piece
        self.content = (id(source), source.name, piece)
        """What is equal where the same slice of the same open file is sent again."""
        self.index = piece.index
        """The number of the chunk, from 1."""

    @property
    def md5(self) -> str | None:
        """The MD5 of what was sent, in hexadecimal; None: it was not computed."""
        return None

    async def reread_md5(self, threads: Threads) -> str:
        """Return the MD5 of the slice, in hexadecimal; it is read once more.

        Args:
            threads: Where it is computed.

        Raises:
            SourceError: The file cannot be read, or has changed.
        """
        return self.md5 or await md5_of(self._slice, self._piece, threads)

    async def _stream(self, writer: StreamWriter) -> None:
        try:
            await super()._stream(writer)
        except SourceError as error:
            error.chunk_index = self.index
            raise

    def _read_at_hand(self, view: memoryview) -> int:
        return self._slice.read_nowait(view, self._offset + self.sent)

    def _send_at_hand(self) -> bool:
        """Send a piece of the page cache, past aiohttp's writer, which would add nothing to it.

        But for the first one, which takes the request's head along.
        """
        transport = self._transport
        if not self.sent or transport is None or transport.is_closing() or self.buffered_bytes:
            return False
        buffer = self._buffers.take()
        view = memoryview(buffer)[: self._left]
        count = self._read_at_hand(view)
        if count:
            transport.write(view[:count])
            self.sent += count
            self._throughput.add(count)
        if not self.buffered_bytes:  # the next body finds it in the processor's cache
            self._buffers.give_back(buffer)
        return count > 0


class HashedBody(SliceBody):
    """A slice whose MD5 is computed while it is sent, of the very views that are written.

    In threads: hashlib lets go of the interpreter's lock. While one view is sent it is hashed, and
    its buffer is filled again only when both have ended. The last view is hashed before it is
    sent, for nothing may be awaited after the last write. A hash that is cancelled goes on in its
    thread, with a buffer that is never used again.
    """

    def __init__(
        self,
        source: Source,
        piece: Slice,
        resources: BodyResources,
        *,
        when_sent: Callable[[], None] = do_nothing,
        when_stuck: Callable[[], None] = do_nothing,
    ) -> None:
        """Prepare to send a slice; the callbacks are those of ``Body``."""
        super().__init__(source, piece, resources, when_sent=when_sent, when_stuck=when_stuck)
        self._lane = resources.threads.lane()
        self._source = ExactReader(self._source)
        self._digest = hashlib.md5(usedforsecurity=False)

    @property
    def md5(self) -> str:
        """The MD5 of what was sent so far."""
        return self._digest.hexdigest()

    async def _send(self, writer: StreamWriter, view: memoryview) -> None:
        loop = asyncio.get_running_loop()
        hashing = loop.run_in_executor(self._lane, self._digest.update, view)
        if self.sent + len(view) == self._size:
            await self._until(hashing)
        await super()._send(writer, view)
        if not self.complete:
            await self._until(hashing)

    def _read_at_hand(self, view: memoryview) -> int:
        """Read all of it or nothing: a thread needs enough to hash."""
        count = super()._read_at_hand(view)
        return count if count == len(view) else 0

    def _send_at_hand(self) -> bool:
        """Send nothing: each byte is hashed, which takes a thread."""
        return False

    async def _until(self, hashing: asyncio.Future[None]) -> None:
        self.blocked_locally = True
        try:
            await hashing
        finally:
            self.blocked_locally = False
