"""The lease on an entry of the journal: had before the work begins, kept while it goes on."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager

from attrs import define

from twelvelabs_async._core import clock
from twelvelabs_async._core.descriptors import are_lacking
from twelvelabs_async._core.tasks import done_within, end_all
from twelvelabs_async._http.retries import backoff
from twelvelabs_async.errors import (
    JournalError,
    JournalLostError,
    TwelveLabsError,
    UploadInProgressError,
)
from twelvelabs_async.journal.protocol import Journal, lost

logger = logging.getLogger("twelvelabs_async")

LEASE_SECONDS = 60.0
"""How long an entry stays taken after its owner died, where the store cannot notice that."""

RENEWAL = 1 / 4
"""Of the lease: how often it is renewed; two that fail in a row do no harm."""

RELEASE_SECONDS = 5.0
"""Seconds that a store gets to take a lease back; nothing else of an upload is left to do then."""

MOST_RELEASES = 5
"""How often a release is begun that is cancelled together with everything else."""

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds between two looks whether the lease is free."""


@contextmanager
def journal_errors() -> Generator[None]:
    """Raise what a journal of others raises in its own ways as a ``JournalError``."""
    try:
        yield
    except TwelveLabsError:
        raise
    except Exception as error:
        failure = JournalError(f"the journal failed: {str(error) or type(error).__name__}")
        failure.lacks_descriptors = are_lacking(error)
        raise failure from error


@define(eq=False, repr=False)
class Lease:
    """An entry that is ours until the lease is lost; nothing is written to it afterwards.

    Attributes:
        key: The entry.
        owner: Who we are, as the journal knows it.
        lost: Whether it has run out, or was taken by somebody else.
    """

    key: str
    owner: str
    _journal: Journal
    lost: bool = False

    async def read(self) -> Sequence[bytes]:
        """Return the records; see ``Journal.read``."""
        with journal_errors():
            return await self._journal.read(self.key)

    async def append(self, record: bytes) -> None:
        """Add a record; see ``Journal.append``."""
        self._check()
        with journal_errors():
            await self._journal.append(self.key, self.owner, record)

    async def clear(self) -> None:
        """Forget the records; see ``Journal.clear``."""
        self._check()
        with journal_errors():
            await self._journal.clear(self.key, self.owner)

    def _check(self) -> None:
        if self.lost:  # the store may be away, and then only we know
            raise lost(self.key, self.owner)


def this_process() -> str:
    """Return how to call this process to others: ``host:pid``."""
    return f"{socket.gethostname()}:{os.getpid()}"


@asynccontextmanager
async def hold_lease(
    journal: Journal,
    key: str,
    owner: str | None = None,
    *,
    waiting: "Waiting | None" = None,
    seconds: float = LEASE_SECONDS,
    pause: Callable[[float], Awaitable[None]] = clock.sleep,
) -> AsyncGenerator[Lease]:
    """Have the lease on ``key`` for the ``async with`` block.

    It is given back however the block ends; where that fails it runs out, and the log says so.

    Args:
        journal: The store.
        key: The entry.
        owner: How to call us to others; a random part is added, so that no two are the same. None:
            the host and the process.
        waiting: How to wait while somebody else has it; None: it is not waited for.
        seconds: How long the lease lasts unless it is renewed, as it is all the time.
        pause: How to wait between two looks.

    Raises:
        UploadInProgressError: Somebody else has it, and had it all the time that we waited.
        JournalLostError: It was lost; the block was cancelled where it stood.
        JournalError: The store cannot be reached, read or written.
    """
    keeper = _Keeper(journal, key, f"{owner or this_process()}#{secrets.token_hex(4)}", seconds)
    try:
        await keeper.acquire(waiting or Waiting(key), pause)
        lease = Lease(key, keeper.owner, journal)
        async with keeper.kept(lease):
            yield lease
    finally:  # also when cancelled while acquiring: the store may have given it
        await keeper.give_back()


@define(eq=False, repr=False)
class Waiting:
    """A wait for a lease that somebody else has: how long before the next look, and until when.

    It logs once, and at the first look, for whom it waits. A holder that has just come may not have
    written its name yet: the second look finds it.

    Attributes:
        _label: What waits.
        _seconds: How long it waits; 0: it does not; ``math.inf``: without end.
        _text: What the log says of ``_label``, of the holder, and last what can be done.
        _advice: What can be done about it.
        _argument: The Python argument that this recommends; None: it recommends none.
    """

    _label: str
    _seconds: float = 0.0
    _text: str = "%s is already being uploaded by %s: waiting for that to end (%s)"
    _advice: str = "if_busy='raise' does not wait"
    _argument: str | None = "if_busy"
    _until: float | None = None
    _looks: int = 0
    _logged: bool = False

    def pause(self, busy: UploadInProgressError) -> float:
        """Return the seconds before the next look, after one that found the lease taken.

        Raises:
            UploadInProgressError: ``busy``, where the wait is over.
        """
        now = clock.monotonic()
        if self._until is None:
            self._until = now + self._seconds
        if now >= self._until:
            raise busy
        self._looks += 1
        self._log(busy.holder)
        return min(self._until - now, backoff(self._looks, FIRST_PAUSE, LONGEST_PAUSE))

    def _log(self, holder: str) -> None:
        """Log who has the entry, a warning unless it is this very process."""
        if self._logged or not (holder or self._looks > 1):
            return
        self._logged = True
        name = holder.rpartition("#")[0] or holder or "another process"
        level = logging.INFO if name == this_process() else logging.WARNING
        about = {"argument": self._argument}
        logger.log(level, self._text, self._label, name, self._advice, extra=about)


@define(eq=False, repr=False)
class _Keeper:
    """Takes a lease, renews it, and gives it back."""

    journal: Journal
    key: str
    owner: str
    seconds: float
    _until: float = 0.0  # by our clock, so before the store's idea of it
    _failure: Exception | None = None  # of the last renewal

    async def acquire(self, waiting: Waiting, pause: Callable[[float], Awaitable[None]]) -> None:
        """Take the lease.

        Raises:
            UploadInProgressError: Somebody else has it, and the wait is over.
            JournalError: The store does not answer.
        """
        while True:
            self._until = clock.monotonic() + self.seconds
            with journal_errors():
                holder = await self._ask_for_it()
            if holder is None:
                return
            await pause(waiting.pause(UploadInProgressError(self.key, holder)))

    async def _ask_for_it(self) -> str | None:
        bound = clock.timeout(self.seconds)  # a lease that is given later would have run out
        try:
            async with bound:
                return await self.journal.acquire(self.key, self.owner, self.seconds)
        except TimeoutError as error:
            if not bound.expired():
                raise
            raise JournalError(f"the journal has not answered for {self.seconds:g} s") from error

    @asynccontextmanager
    async def kept(self, lease: Lease) -> AsyncGenerator[None]:
        """Renew the lease during the block, and cancel the block when it is lost."""
        block = clock.timeout(None)
        try:
            async with block:
                renewing = asyncio.create_task(self._renew(block, lease))
                try:
                    yield
                finally:
                    await end_all([renewing])
        except TimeoutError:
            if not block.expired():
                raise
        else:
            return
        raise JournalLostError(f"{self.owner} has lost {self.key!r}") from self._failure

    async def _renew(self, block: asyncio.Timeout, lease: Lease) -> None:
        await clock.sleep(self.seconds * RENEWAL)
        while await self._renewed():
            await clock.sleep(self.seconds * RENEWAL)
        lease.lost = True
        block.reschedule(clock.monotonic())

    async def _renewed(self) -> bool:
        """Renew; False: somebody else has the lease, or it ran out without an answer.

        After a stop, as of a machine asleep, the store is still asked: nobody may have come.
        """
        now = clock.monotonic()
        try:
            async with clock.timeout(max(self._until - now, self.seconds * RENEWAL)):
                kept = await self.journal.renew(self.key, self.owner, self.seconds)
        except Exception as failure:  # noqa: BLE001 - a store of others; it may be back in time
            self._failure = failure
            return clock.monotonic() < self._until
        self._until = now + self.seconds
        return kept

    async def give_back(self, tries: int = MOST_RELEASES) -> None:
        """Release the lease; a cancellation that comes meanwhile is raised after that.

        Where all tasks of the event loop are cancelled, so is the one that releases, perhaps before
        it has begun. Then another one does it.
        """
        releasing = asyncio.create_task(self._release())
        try:
            await done_within(releasing, None)
        finally:
            if releasing.cancelled() and tries > 1:
                await self.give_back(tries - 1)

    async def _release(self) -> None:
        """Release the lease, unless the store keeps us waiting: the lease runs out by itself."""
        try:
            async with clock.timeout(min(self.seconds, RELEASE_SECONDS)):
                await self.journal.release(self.key, self.owner)
        except Exception as failure:  # noqa: BLE001 - what the block did is not undone by it
            logger.warning("the lease on %r was not given back: %r", self.key, failure)
