"""What bounds and serves all uploads of one client, and its figures."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from attrs import Factory, define, field, frozen

from twelvelabs_async._core.admission import Admission
from twelvelabs_async._core.slots import Slots
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.sessions import HttpSessions, Inside
from twelvelabs_async._http.transport import Transport
from twelvelabs_async._upload.completions import Completions
from twelvelabs_async._upload.send.body import BodyResources
from twelvelabs_async._upload.send.loop_share import TURN_BYTES
from twelvelabs_async._upload.send.storage import Storage
from twelvelabs_async._upload.source.stream_memory import StreamMemory

T = TypeVar("T")


@frozen(kw_only=True)
class ClientStatistics:
    """What a client is doing at one moment; see ``AsyncTwelveLabs.statistics``.

    Attributes:
        uploads_admitted: Uploads that have their file open, or are about to open it.
        uploads_waiting: Uploads that wait to be admitted. An upload that waits for another one of
            the same file (``if_busy="wait"``) is in neither figure.
        uploads_bound: How many are admitted at most; fewer while file descriptors are scarce.
        puts_under_way: Requests with bytes of files that are being sent, or whose answer is awaited
            (with ``early_slots``: that are being sent).
        puts_waiting: Requests with bytes of files that wait for one of those to end.
        puts_bound: How many there are at most: ``max_concurrency``.
        bytes_sent: Bytes of files that were handed to connections since the client was made; those
            that were sent again count again.
        bytes_per_second: The same for each second, averaged over the last 5 seconds.
        buffers_out: Buffers that hold bytes on their way to a connection, or read from a disk.
        buffer_bytes: The memory of these buffers, in bytes.
        stream_bytes: The memory taken for chunks of streams and of range sources, in bytes.
        stream_bound: How much that is at most: ``max_buffer_bytes``; a larger chunk has the memory
            to itself.
        calls_under_way: Control calls that are being sent, or whose answer is awaited.
        calls_waiting: Control calls that wait for one of those to end, or for the platform's rate
            limit.
        calls_bound: How many control calls are under way at most.
    """

    uploads_admitted: int
    uploads_waiting: int
    uploads_bound: int
    puts_under_way: int
    puts_waiting: int
    puts_bound: int
    bytes_sent: int
    bytes_per_second: float
    buffers_out: int
    buffer_bytes: int
    stream_bytes: int
    stream_bound: int
    calls_under_way: int
    calls_waiting: int
    calls_bound: int


@frozen(eq=False, repr=False)
class UploadRuntime(Unpicklable):
    """What bounds and serves all uploads of one client.

    Attributes:
        sessions: The HTTP sessions; they end the waits of a client that is closed.
        transport: The way to the platform, with the bound on control calls.
        storage: The way to the object store.
        bodies: What every body that is sent shares with the others.
        admission: Admits an upload before it opens its file or its session.
        puts: The bound on bodies under way.
        stream_memory: The bound on chunks of streams in memory.
        spools: The bound on streams that are read to their end before they are sent.
        outage_timeout: Seconds after the last answer until which a dead network is waited out.
        completions: Which uploads ended while others waited for them.
    """

    sessions: HttpSessions
    transport: Transport
    storage: Storage
    bodies: BodyResources
    admission: Admission
    puts: Slots
    stream_memory: StreamMemory
    spools: Slots
    outage_timeout: float
    completions: Completions = field(factory=Completions, init=False)
    _lines: WeakValueDictionary[Hashable, asyncio.Lock] = field(
        default=Factory(WeakValueDictionary[Hashable, asyncio.Lock]), init=False
    )

    @property
    def threads(self) -> Threads:
        """The threads that wait for disks, and hash."""
        return self.bodies.threads

    @asynccontextmanager
    async def first_in_line(self, entry: Hashable) -> AsyncGenerator[None]:
        """Be the one that looks whether an entry of a journal is free, for the block.

        The others that wait for it stand in line and cost nothing, however many there are.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        line = self._lines.setdefault(entry, asyncio.Lock())
        await self.sessions.until_closed(line.acquire, "the upload was begun")
        try:
            yield
        finally:
            line.release()

    def run(
        self, work: Callable[[], Awaitable[T]], may_repeat: Callable[[], bool]
    ) -> Coroutine[Any, Any, T]:
        """Return a coroutine that carries out an upload once it is admitted.

        It raises ``ClientClosedError`` where the client is closed, or was closed before the upload
        was admitted, and what ``work`` raises; see ``Admission.run``.
        """
        return self.admission.run(work, may_repeat, self.admitted)

    def admitted(self) -> "UploadPlace":
        """Return an ``async with`` block during which an upload is one of those admitted.

        Whatever an upload holds (its file, its lease, its session) it opens and closes in the
        block, so ``close`` of the client waits for the end of it. To enter it raises
        ``ClientClosedError`` where the client is closed, or was closed before the upload was
        admitted.
        """
        return UploadPlace(self.admission, self.sessions)

    def has_several(self) -> bool:
        """Whether more than one upload is admitted."""
        return self.admission.under_way > 1

    def statistics(self) -> ClientStatistics:
        """Return the figures of this moment; it waits for nothing and costs microseconds."""
        buffers, calls = self.bodies.buffers, self.transport.slots
        return ClientStatistics(
            uploads_admitted=self.admission.under_way,
            uploads_waiting=self.admission.waiting,
            uploads_bound=self.admission.allowed,
            puts_under_way=self.puts.taken,
            puts_waiting=self.puts.waiting,
            puts_bound=self.puts.count,
            bytes_sent=self.bodies.throughput.total,
            bytes_per_second=self.bodies.throughput.bytes_per_second(),
            buffers_out=buffers.out,
            buffer_bytes=buffers.out * TURN_BYTES,
            stream_bytes=self.stream_memory.taken,
            stream_bound=self.stream_memory.bound,
            calls_under_way=calls.taken,
            calls_waiting=calls.waiting + self.transport.gate.waiting,
            calls_bound=calls.count,
        )


@define(eq=False, repr=False)
class UploadPlace:
    """The block of ``UploadRuntime.admitted``; thousands may wait, and generators are larger."""

    _admission: Admission
    _sessions: HttpSessions
    _inside: Inside = None

    async def __aenter__(self) -> None:
        self._inside = self._sessions.begin()
        try:
            if not self._admission.take():
                await self._sessions.until_closed(self._admission.acquire, "the upload was begun")
        except BaseException:
            self._sessions.end(self._inside)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._admission.release()
        self._sessions.end(self._inside)
