"""A stream of known size as chunks in memory: each until it need not be sent any more.

The stream is read in order, a chunk at a time, and only while there is room for one: its sender has
to wait while the store is slower. A chunk that fails is sent again from memory.
"""

import asyncio

from attrs import Factory, define, field, frozen

from twelvelabs_async._upload.plan.slices import Slice, Slices
from twelvelabs_async._upload.source.chunk_pieces import ChunkPieces
from twelvelabs_async._upload.source.held_chunks import HeldChunks
from twelvelabs_async._upload.source.no_file import NoFile
from twelvelabs_async._upload.source.stream_hashes import StreamHashes
from twelvelabs_async._upload.source.stream_memory import StreamMemory
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async.errors import SourceError


@define(eq=False, repr=False)
class ChunkRoom:
    """Memory for the next chunk of one stream, or for a larger one that is read before it."""

    _memory: StreamMemory
    _most: int
    """Chunks in memory at once, at most."""
    _taken: int = field(default=0, init=False)
    """Bytes that were taken for the next chunk."""
    _freed: "asyncio.Future[None] | None" = field(default=None, init=False)

    def take(self, size: int, *, held: int) -> bool:
        """Take memory for the next chunk if that needs no waiting; return whether it has it.

        Args:
            size: Bytes of the chunk.
            held: How many chunks are in memory.
        """
        if not self._taken and held < self._most and self._memory.take(size):
            self._taken = size
        return self._taken > 0

    async def wait(self, size: int, *, held: int) -> None:
        """Wait until there is room for a chunk, or ``changed`` is called; look again then."""
        self._freed = asyncio.get_running_loop().create_future()
        if held >= self._most:
            await self._freed
            return
        request = self._memory.request(size)
        try:
            await asyncio.wait((request, self._freed), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._memory.withdraw(size, request)
            raise
        if request.done():
            self._taken = size
        else:
            self._memory.withdraw(size, request)

    async def acquire(self, size: int, *, held: int) -> None:
        """Take memory for the next chunk as soon as there is some; see ``take``."""
        while not self.take(size, held=held):
            await self.wait(size, held=held)

    def changed(self) -> None:
        """Wake the reader that waits for memory."""
        if self._freed is not None and not self._freed.done():
            self._freed.set_result(None)

    def use(self, size: int) -> None:
        """Hand memory that was taken to the chunk that was read, and give back what is over.

        Args:
            size: Bytes of the chunk, which ``give_back`` gives back.
        """
        over, self._taken = self._taken - size, 0
        self._memory.give_back(over)

    def give_back(self, size: int) -> None:
        """Give back the memory of a chunk that is not needed any more."""
        self._memory.give_back(size)
        self.changed()

    def close(self) -> None:
        """Give back what was taken, and no chunk uses."""
        self._memory.give_back(self._taken)
        self._taken = 0


@define(eq=False, repr=False)
class StreamChunks(NoFile):
    """The chunks of one stream that are in memory; a ``Source`` that can read only these.

    Attributes:
        size: Its bytes.
        room: Memory for the next chunk.
        hashes: The hashes of the stream.
        held: The chunks in memory.
        turn: The lock of the one worker that reads, so that the chunks come in order.
    """

    _stream: Stream
    size: int
    room: ChunkRoom
    hashes: StreamHashes
    held: HeldChunks[ChunkPieces] = field(
        default=Factory(lambda self: HeldChunks(self.room.give_back), takes_self=True), init=False
    )
    turn: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _read: int = field(default=0, init=False)
    _failure: SourceError | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """What to call the stream to a person."""
        return self._stream.name

    async def fill(self, piece: Slice) -> None:
        """Read the next chunk from the stream, into room that was taken for it.

        Raises:
            SourceError: The stream cannot be read, or has another size, or the chunk was read and
                released before.
        """
        if piece.offset < self._read and self._failure is None:
            raise SourceError(
                f"{self.name} can be read only once, and chunk {piece.index} of it, which the "
                "store had taken, is not in memory any more"
            )
        pieces = await self._read_chunk(piece)
        self.held.add(piece, pieces)
        self.room.use(piece.size)

    async def pass_stored(self, slices: Slices, end: int) -> None:
        """Read what an earlier attempt has stored, and compare it.

        Args:
            slices: How the stream is cut.
            end: Up to where to read, in bytes.

        Raises:
            SourceChangedError: It is not what was stored.
            SourceError: The stream cannot be read, or has another size.
        """
        while self._read < end:
            await self._read_chunk(slices[self._read // slices.chunk_size + 1])

    async def pass_rest(self, slices: Slices) -> None:
        """Read what no worker has read, in memory that is taken for it; see ``pass_stored``."""
        if self._failure is not None:
            raise self._failure
        if self._read < self.size:
            await self.room.acquire(slices[1].size, held=len(self.held))
            await self.pass_stored(slices, self.size)
            self.room.close()

    async def _read_chunk(self, piece: Slice) -> ChunkPieces:
        if self._failure is not None:
            raise self._failure
        pieces = ChunkPieces()
        try:
            while pieces.size < piece.size:
                some = await self._stream.take(piece.size - pieces.size, self._read)
                pieces.add(some)
                self._read += len(some)
            await self.hashes.add(self.name, piece.index, pieces)
        except SourceError as error:
            self._failure = error  # the other workers get the same one
            raise
        except BaseException:
            self._failure = SourceError(f"{self.name} was not read on")
            raise
        return pieces

    def close(self) -> None:
        """Forget all chunks."""
        self.room.close()
        self.held.clear()

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read bytes of a chunk in memory; see ``Readable.read_into``."""
        count = self.read_nowait(view, offset)
        if not count:
            raise SourceError(
                f"{self.name} can be read only once, and byte {offset} is not in memory"
            )
        return count

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Read bytes of a chunk in memory; see ``Source.read_nowait``."""
        found = self.held.at(offset)
        if found is None:
            return 0
        pieces, start = found
        return pieces.read_into(view, start)

    @property
    def compared(self) -> bool:
        """Whether all that an earlier attempt has stored is known to be of this stream."""
        return not self.hashes.expected or (self._read == self.size and self._failure is None)


@frozen(eq=False, repr=False)
class StreamDigest:
    """The SHA-256 of a stream, made as its chunks are read; see ``WholeDigest``."""

    _chunks: StreamChunks
    _slices: Slices

    async def value(self) -> str | None:
        """Return it in hexadecimal; None: nobody wants it.

        Chunks after the last one that was sent are read, and compared.

        Raises:
            SourceChangedError: They are not what is stored.
            SourceError: They cannot be read, or the stream has another size.
        """
        whole = self._chunks.hashes.whole
        if whole or self._chunks.hashes.expected:
            async with self._chunks.turn:
                await self._chunks.pass_rest(self._slices)
        return whole.hexdigest() if whole else None
