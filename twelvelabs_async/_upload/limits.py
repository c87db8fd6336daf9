"""What bounds the uploads of one client, all of them together."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Self, TypeVar
from weakref import WeakValueDictionary

from attrs import Factory, define

from twelvelabs_async._core.descriptors import Admission
from twelvelabs_async._http.sessions import HttpSessions

T = TypeVar("T")


@define(eq=False, repr=False)
class Slot:
    """A slot, had for the ``async with`` block, unless it is freed before."""

    _slots: "Slots"
    _taken: bool = False

    async def __aenter__(self) -> Self:
        await self._slots.free.acquire()
        self._taken = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.free()

    def sent(self) -> None:
        """Note that the body is sent, which frees the slot where the next one may begin then."""
        if self._slots.early:
            self.free()

    def free(self) -> None:
        """Let another one have the slot; more than once does no harm."""
        if self._taken:
            self._taken = False
            self._slots.free.release()


@define(eq=False, repr=False)
class Slots:
    """Bounds the bodies under way.

    A body has a slot for an attempt: until it is answered, or, with ``early``, until it is sent, so
    that the next one does not wait for an answer that is under way.

    Attributes:
        count: How many bodies at once.
        early: Whether a slot is free as soon as its body is sent.
        free: The slots that nobody has.
    """

    count: int
    early: bool
    free: asyncio.Semaphore

    @classmethod
    def of(cls, count: int, *, early: bool = False) -> "Slots":
        """Make ``count`` slots."""
        return cls(count, early, asyncio.Semaphore(count))

    def one(self) -> Slot:
        """Return a slot to be waited for and had."""
        return Slot(self)


@define(eq=False, repr=False)
class UploadLimits:
    """What all uploads of a client share.

    Attributes:
        sessions: Ends the waits of a client that is closed.
        uploads: Admits an upload before it opens its file or its session.
        puts: Bounds the bodies under way.
        outage_timeout: Seconds after the last answer until which a dead network is waited out.
    """

    sessions: HttpSessions
    uploads: Admission
    puts: Slots
    outage_timeout: float
    _lines: WeakValueDictionary[Hashable, asyncio.Lock] = Factory(
        WeakValueDictionary[Hashable, asyncio.Lock]
    )

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
        return await self.uploads.run(work, may_repeat, self.admitted)

    @asynccontextmanager
    async def admitted(self) -> AsyncGenerator[None]:
        """Be one of the uploads that are admitted, for the ``async with`` block.

        Whatever an upload holds (its file, its lease, its session) it opens and closes in here, so
        ``close`` of the client waits for the end of the block.

        Raises:
            ClientClosedError: The client is closed, or was closed before it was admitted.
        """
        with self.sessions.at_work():
            if not self.uploads.take():
                await self.sessions.until_closed(self.uploads.acquire, "the upload was begun")
            try:
                yield
            finally:
                self.uploads.release()
