"""Bodies of requests: bytes of a source, streamed in pieces through a reused buffer.

Two rules keep it right. **A buffer is used again only when the transport holds nothing of it**:
some transports (uvloop's, asyncio's from Python 3.12 on) keep views of what they could not send at
once, and refilling the buffer would send other bytes with a 200 in return. **Nothing is awaited
after the last write**: aiohttp gives a connection back only if the writer has ended when the
answer arrives.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

from aiohttp import Payload
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from attrs import Factory, frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._http.sockets import bytes_unsent
from twelvelabs_async._http.stray_answers import check_empty
from twelvelabs_async._upload.send.buffers import Buffers
from twelvelabs_async._upload.send.loop_share import TURN_BYTES, LoopShare
from twelvelabs_async._upload.send.throughput import Throughput
from twelvelabs_async._upload.source.protocol import Readable
from twelvelabs_async.errors import SourceError

WRITE_BYTES = 128 * 1024
"""Bytes of one write to aiohttp's writer, which copies the first of them behind the request's head.
Larger copies would be memory that goes back to the system and comes again for each small file."""


STUCK_SECONDS = 1.0
"""Seconds that a body waits for its source, such as a disk that hangs, before others may have its
slot."""


def do_nothing() -> None:
    """Do nothing; stands in for a callback."""


@frozen(eq=False, repr=False)
class BodyResources:
    """What all bodies of a client share.

    Attributes:
        buffers: The memory that bytes pass through.
        loop_share: Grants turns of the event loop.
        threads: Threads in which what is sent is hashed.
        throughput: Counts the bytes.
    """

    buffers: Buffers = Factory(Buffers)
    loop_share: LoopShare = Factory(LoopShare)
    threads: Threads = Factory(Threads)
    throughput: Throughput = Factory(Throughput)


class Body(Payload):
    """The body of one attempt to send bytes of a source.

    Attributes:
        failure: How the source failed; None: it did not. aiohttp raises it as a broken connection,
            so look here before the network is blamed.
        sent: Bytes handed to the transport.
        blocked_locally: Whether the body waits for the source, a thread, or a turn of the loop, and
            not for the network.
        complete: Whether every byte was handed to the transport.
        connection: An object that lives as long as the connection; None: there is none yet.
    """

    _autoclose = True

    def __init__(
        self,
        source: Readable,
        offset: int,
        size: int | None,
        resources: BodyResources,
        *,
        when_sent: Callable[[], None] = do_nothing,
        when_stuck: Callable[[], None] = do_nothing,
    ) -> None:
        """Prepare to send bytes of a source.

        Args:
            source: Where they come from.
            offset: Where they begin in it, in bytes from 0.
            size: How many; None: until the source ends.
            resources: What all bodies of a client share.
            when_sent: Called once every byte was handed to the transport.
            when_stuck: Called each time that the source was waited for for ``STUCK_SECONDS``.
        """
        super().__init__(source)
        self._consumed = False  # aiohttp 3.12.0 does not set it
        self._size = size
        self._source: Readable = source
        self._offset = offset
        self._buffers = resources.buffers
        self._loop_share = resources.loop_share
        self._throughput = resources.throughput
        self._transport: asyncio.Transport | None = None
        self.connection: object = None
        self.failure: SourceError | None = None
        self.sent: int = 0
        self.blocked_locally: bool = False
        self.complete: bool = False
        self._when_sent = when_sent
        self._when_stuck = when_stuck

    @property
    def buffered_bytes(self) -> int:
        """Bytes that the transport still holds."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def arrived(self) -> bool:
        """Whether every byte has got to the other side, as far as the system knows."""
        return self.complete and (self._transport is None or not bytes_unsent(self._transport))

    def drop(self) -> None:
        """Close the connection at once, so that no other request uses it."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def _left(self) -> int:
        """Bytes that are still to be read, as far as that is known."""
        return TURN_BYTES if self._size is None else self._size - self.sent

    @property
    def socket(self) -> Any:
        """The connection's socket; None when there is none."""
        return None if self._transport is None else self._transport.get_extra_info("socket")

    def abandon(self) -> None:
        """Abort a connection that is being closed.

        A transport closes politely: it would hold the socket until a peer that does not read has
        taken the rest.
        """
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002
        """Refuse: a body is bytes, and may be larger than memory."""
        raise TypeError("a body is streamed, never decoded")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Stream the bytes to aiohttp's writer."""
        await self.write_with_length(writer, None)

    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,  # noqa: ARG002 - the body knows its size, and it is the same
    ) -> None:
        """Stream the bytes to aiohttp's writer, once.

        Raises:
            SourceError: The source failed; aiohttp ends the connection then.
        """
        if self._consumed:
            raise RuntimeError("the body was sent before; an attempt makes its own")
        self._consumed = True  # aiohttp would send it again, to a URL that works once
        stream = cast("StreamWriter", writer)
        self._transport, self.connection = stream.transport, stream.protocol
        try:
            with waiting_until_empty(self._transport):
                await self._stream(stream)
        except SourceError as error:
            self.failure = error
            raise

    async def _stream(self, writer: StreamWriter) -> None:
        while not self.complete:
            await self._have_turn()
            if self.buffered_bytes:  # it goes first, however long that takes
                await writer.drain()
            else:
                await self._send_piece(writer)

    async def _have_turn(self) -> None:
        """Wait for a turn, and have what is at hand sent in the turns before it."""
        self.blocked_locally = True
        try:
            await self._loop_share.run_in_turns(self._send_at_hand)
        finally:
            self.blocked_locally = False

    def _send_at_hand(self) -> bool:
        """Send a piece if that needs no waiting; return whether there was one."""
        return False

    async def _send_piece(self, writer: StreamWriter) -> None:
        """Send the next bytes, however long they take to be read or to be taken."""
        # An exception leaves the buffer to the garbage collector: a thread may be writing to it.
        buffer = self._buffers.take()
        view = memoryview(buffer)[: self._left]
        count = self._read_at_hand(view)
        await self._send(writer, view[:count] if count else await self._read(view))
        if not self.buffered_bytes:
            self._buffers.give_back(buffer)

    def _read_at_hand(self, view: memoryview) -> int:
        """Read what needs no waiting; return how many bytes that were."""
        del view
        return 0

    async def _read(self, view: memoryview) -> memoryview:
        self.blocked_locally = True
        stuck = clock.call_later(STUCK_SECONDS, self._when_stuck)
        try:
            count = await self._source.read_into(view, self._offset + self.sent)
        except SourceError:
            raise
        except Exception as error:  # aiohttp would blame the network for it
            problem = f"cannot read {self._source.name}: {type(error).__name__}: {error}"
            raise SourceError(problem) from error
        else:
            return view[:count]
        finally:
            stuck.cancel()
            self.blocked_locally = False

    async def _send(self, writer: StreamWriter, view: memoryview) -> None:
        if not self.sent:  # the request's head goes out with the first bytes
            check_empty(writer.protocol)
        self.sent += len(view)
        self._throughput.add(len(view))
        self.complete = not view or self.sent == self._size
        for start in range(0, len(view), WRITE_BYTES):
            await writer.write(view[start : start + WRITE_BYTES], drain=False)
        if self.complete:
            self._when_sent()


@contextmanager
def waiting_until_empty(transport: asyncio.Transport | None) -> Generator[None]:
    """Have ``drain`` wait until a transport holds nothing; by default TLS would take 512 KiB.

    The least that pauses is one byte: more than 0 of a socket, and at least 1 of TLS, which would
    stay paused for ever at 0.
    """
    if transport is None or transport.is_closing():
        yield
        return
    secure = transport.get_extra_info("sslcontext") is not None
    transport.set_write_buffer_limits(high=1 if secure else 0)
    try:
        yield
    finally:
        if not transport.is_closing():  # uvloop refuses
            transport.set_write_buffer_limits()  # others may use the connection later
