"""What bounds the uploads of one client, all of them together."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from attrs import Factory, define, frozen

from twelvelabs_async.descriptors import Admission
from twelvelabs_async.sessions import Sessions

T = TypeVar("T")


@frozen(eq=False, repr=False)
class Slot:
    """A slot that is taken.

    Attributes:
        sent: To be called when the body is sent; frees the slot where the next one may begin then.
        free: Frees the slot at once.
    """

    sent: Callable[[], None]
    free: Callable[[], None]


@define(eq=False, repr=False)
class Slots:
    """Bounds the bodies under way.

    A body has a slot for an attempt: until it is answered, or, with ``early``, until it is sent, so
    that the next one does not wait for an answer that is under way.

    Attributes:
        count: How many bodies at once.
        early: Whether a slot is free as soon as its body is sent.
    """

    count: int
    early: bool
    _free: asyncio.Semaphore

    @classmethod
    def of(cls, count: int, *, early: bool = False) -> "Slots":
        """Make ``count`` slots."""
        return cls(count, early, asyncio.Semaphore(count))

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[Slot]:
        """Have a slot for the ``async with`` block, unless it is freed before."""
        await self._free.acquire()
        taken = True

        def free() -> None:
            nonlocal taken
            if taken:
                taken = False
                self._free.release()

        try:
            yield Slot(free if self.early else _nothing, free)
        finally:
            free()


def _nothing() -> None:
    pass


@define(eq=False, repr=False)
class UploadLimits:
    """What all uploads of a client share.

    Attributes:
        sessions: Ends the waits of a client that is closed.
        uploads: Admits an upload before it opens its file or its session.
        puts: Bounds the bodies under way.
        outage_timeout: Seconds after the last answer until which a dead network is waited out.
    """

    sessions: Sessions
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
            await self.sessions.until_closed(self.uploads.acquire, "the upload was begun")
            try:
                yield
            finally:
                self.uploads.release()
