"""What bounds and serves all uploads of one client, and its figures."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from attrs import Factory, field, frozen

from twelvelabs_async._core.descriptors import Admission
from twelvelabs_async._core.slots import Slots
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.sessions import HttpSessions
from twelvelabs_async._http.transport import Transport
from twelvelabs_async._upload.completions import Completions
from twelvelabs_async._upload.send.body import BodyResources
from twelvelabs_async._upload.send.loop_share import TURN_BYTES
from twelvelabs_async._upload.send.storage import Storage

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
        outage_timeout: Seconds after the last answer until which a dead network is waited out.
        completions: Which uploads ended while others waited for them.
    """

    sessions: HttpSessions
    transport: Transport
    storage: Storage
    bodies: BodyResources
    admission: Admission
    puts: Slots
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

    async def run(self, work: Callable[[], Awaitable[T]], may_repeat: Callable[[], bool]) -> T:
        """Carry out an upload once it is admitted; see ``Admission.run``.

        Raises:
            ClientClosedError: The client is closed, or was closed before it was admitted.
            TwelveLabsError: What ``work`` raised.
        """
        return await self.admission.run(work, may_repeat, self.admitted)

    @asynccontextmanager
    async def admitted(self) -> AsyncGenerator[None]:
        """Be one of the uploads that are admitted, for the ``async with`` block.

        Whatever an upload holds (its file, its lease, its session) it opens and closes in here, so
        ``close`` of the client waits for the end of the block.

        Raises:
            ClientClosedError: The client is closed, or was closed before it was admitted.
        """
        with self.sessions.at_work():
            if not self.admission.take():
                await self.sessions.until_closed(self.admission.acquire, "the upload was begun")
            try:
                yield
            finally:
                self.admission.release()

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
            calls_under_way=calls.taken,
            calls_waiting=calls.waiting + self.transport.gate.waiting,
            calls_bound=calls.count,
        )
