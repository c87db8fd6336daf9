"""Which entry of the journal an upload has: one for each file, found by its content and its path.

Files with the same content, of which the same is asked for, share a name. Their entries are
``name``, ``name #2``, ``name #3`` and so on, without a gap. An entry notes the path of its file:

* While that path names a file, another path is a second file, and has another entry, unless both
  lead to the same file (a link).
* Once it does not, the file was moved: the entry belongs to whoever comes with its content.
* An entry that is complete, or that never got a session, belongs to nobody.

Whoever gets a lease notes its path, and its name as the owner, before it does anything else. So
a call that finds the entry taken reads who has it, and looks again if that is not there yet; and a
journal that cannot be written is found out before a session is opened. An open file that stands at
its beginning has the path that it gives as its name, if that leads to it. What has no path (bytes,
any other open file), or a name of the caller's, has the one entry of its name.

Nobody waits in here: a call that finds its entry taken gives back all that it holds, waits, and
tries again from the beginning. Otherwise those that wait would keep out those that could upload.
"""

import os
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum, auto
from itertools import count
from pathlib import Path

from attrs import Factory, define, field, frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.resume.lease import Lease, Waiting, hold_lease, journal_errors
from twelvelabs_async._upload.resume.records import ContentIdentity, Outline, outline, path_record
from twelvelabs_async.errors import UploadInProgressError
from twelvelabs_async.journal import Journal

LOOK_AGAIN = 0.05
"""Seconds between two looks at an entry whose holder has not noted its path yet."""

PATIENCE = 5.0
"""Seconds of such looks at one holder; after that, a holder is taken to have no path to record."""


class Verdict(Enum):
    """Whose an entry is."""

    OURS = auto()  # our file's, to go on with, or a result that answers us
    FREE = auto()  # nobody's: complete, or without a session
    OTHERS = auto()  # another file's


@frozen(eq=False, repr=False)
class Claim:
    """An entry that is ours.

    Attributes:
        lease: The lease on it.
        answered: Whether an upload that is complete there answers this call, which waited for it.
    """

    lease: Lease
    answered: bool


@define(eq=False, repr=False)
class BusyEntries:
    """The entries that one call has found taken by other calls when it tried to take its own.

    It remembers them from one try to the next: what one of them has completed since answers it.

    Attributes:
        file_known: Whether it is known which file the holder of the last of them is at work on.
    """

    _waiting: Waiting
    _since: Callable[[str], bool]
    """Whether a call of the same client has completed an entry after this one had begun."""
    _keys: set[str] = Factory(set[str])
    """Entries at which somebody was at work on our file."""
    _unknown: dict[str, float] = Factory(dict[str, float])
    """Holders who had not noted yet which file they are at work on, and since when we know."""
    file_known: bool = True

    def knows_file_of(self, found: Outline, holder: str) -> bool:
        """Whether it is known which file the holder of an entry is at work on.

        A holder without a path never notes one, so it counts as known after ``PATIENCE``.
        """
        now = clock.monotonic()
        self.file_known = found.is_about(holder)
        if not self.file_known:
            self.file_known = now >= self._unknown.setdefault(holder, now) + PATIENCE
        return self.file_known

    def note(self, key: str) -> None:
        """Note that somebody is at work on our file in an entry."""
        self._keys.add(key)

    def before(self, key: str, found: Outline) -> bool:
        """Whether this call had asked for the upload of an entry before it was completed."""
        return key in self._keys or found.maker in self._unknown or self._since(key)

    def pause(self, busy: UploadInProgressError) -> float:
        """Return the seconds before the next try, after one that failed with ``busy``.

        Raises:
            UploadInProgressError: ``busy``, where the call does not wait, or no longer.
        """
        return self._waiting.pause(busy) if self.file_known else LOOK_AGAIN


@frozen(eq=False, repr=False)
class ClaimRequest:
    """What a call asks of the journal.

    Attributes:
        journal: The journal.
        name: What is the same for the same content and wish; or the caller's name.
        path: The absolute path of the file; None: it has none that counts.
        identity: What identifies the file.
        resume: Whether to go on with what is there; otherwise it is forgotten.
        keep_result: Whether a result that was kept is an answer.
        busy_entries: Whom the call has found at work before.
        threads: Where to look at the paths of other files.
    """

    journal: Journal
    name: str
    path: str | None
    identity: ContentIdentity
    resume: bool
    keep_result: bool
    busy_entries: BusyEntries
    threads: Threads


@asynccontextmanager
async def claimed(request: ClaimRequest) -> AsyncGenerator[Claim]:
    """Have the upload's entry to ourselves for the ``async with`` block.

    Raises:
        UploadInProgressError: Somebody else is at work on the upload of the same file, or perhaps;
            ``request.busy_entries`` says when to try again.
        JournalLostError: The lease was lost; the block was cancelled where it stood.
        JournalError: The journal cannot be reached, read or written.
    """
    async with AsyncExitStack() as stack:
        if request.path is None:
            yield await _only(request, stack)
        else:
            yield await _Search(request, request.path).run(stack)


async def _only(request: ClaimRequest, stack: AsyncExitStack) -> Claim:
    """Take the one entry of a name."""
    key = request.name
    try:
        lease = await stack.enter_async_context(hold_lease(request.journal, key))
    except UploadInProgressError:
        request.busy_entries.note(key)
        raise
    found = outline(await lease.read())
    if found.there and not request.resume:
        await lease.clear()
    if not (found.there and request.resume):
        await lease.append(path_record(None, lease.owner))
    return Claim(lease, request.busy_entries.before(key, found))


@define(eq=False, repr=False)
class _Search:
    """Finds the entry of a file among those of its name."""

    request: ClaimRequest
    path: str
    others: set[str] = field(factory=set[str], init=False)
    """Entries that are taken, by other files, as was seen when we wanted them."""

    async def run(self, stack: AsyncExitStack) -> Claim:
        busy_entries = self.request.busy_entries
        while True:
            key = await self._chosen()
            async with AsyncExitStack() as attempt:
                try:
                    lease = await attempt.enter_async_context(hold_lease(self.request.journal, key))
                except UploadInProgressError as error:
                    found = await self._read(key)
                    if not busy_entries.knows_file_of(found, error.holder):
                        raise
                    if await self._is_ours(found):
                        busy_entries.note(key)
                        raise
                    self.others.add(key)
                    continue
                claim = await self._settled(lease)
                if claim is not None:
                    await stack.enter_async_context(attempt.pop_all())
                    return claim

    async def _chosen(self) -> str:
        """Return the entry of our file; where there is none, the first that belongs to nobody."""
        free = None
        for number in count(1):
            key = self.request.name if number == 1 else f"{self.request.name} #{number}"
            if key in self.others:
                continue
            found = await self._read(key)
            if not found.there:
                return free or key
            match await self._verdict(found, before=self.request.busy_entries.before(key, found)):
                case Verdict.OURS:
                    return key
                case Verdict.FREE:
                    free = free or key
                case Verdict.OTHERS:
                    pass
        raise AssertionError  # pragma: no cover - there is always a next number

    async def _settled(self, lease: Lease) -> Claim | None:
        """Note our path in an entry that we have; None: it turned out to be another file's."""
        found = await self._read(lease.key)
        before = self.request.busy_entries.before(lease.key, found)
        verdict = await self._verdict(found, before=before)
        if verdict is Verdict.OTHERS:
            return None
        ours = verdict is Verdict.OURS and self.request.resume
        if found.there and not ours:
            await lease.clear()
        if not ours or (found.is_open and found.path != self.path):
            await lease.append(path_record(self.path, lease.owner))
        return Claim(lease, answered=ours and before)

    async def _read(self, key: str) -> Outline:
        with journal_errors():
            return outline(await self.request.journal.read(key))

    async def _verdict(self, found: Outline, *, before: bool) -> Verdict:
        """Say whose an entry is; ``before``: this call has asked before it was complete."""
        if not (found.is_open or found.is_done):
            return Verdict.FREE
        ours = await self._is_ours(found)
        if found.is_open or found.kept:
            answers = found.is_open or before or self.request.keep_result
            return (Verdict.OURS if answers else Verdict.FREE) if ours else Verdict.OTHERS
        return Verdict.OURS if ours and before else Verdict.FREE

    async def _is_ours(self, found: Outline) -> bool:
        """Whether an entry is of our file, by its path and by what the disk has there."""
        if found.path is None or found.path == self.path:
            return True
        own, size = self.request.identity.identity, found.size
        if own and found.identity and own[:2] == found.identity[:2]:
            return True  # it was moved here, whatever has taken its place
        return await self.request.threads.run(_is_gone_or_same, found.path, self.path, size)


def _is_gone_or_same(noted: str, path: str, size: int | None) -> bool:
    """Whether a path does not name the file of an entry any more, or names the one at ``path``."""
    try:
        there = Path(noted).stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError:  # it cannot be seen, and may be there
        return False
    if not stat.S_ISREG(there.st_mode) or (size is not None and there.st_size != size):
        return True
    try:
        return os.path.samestat(there, Path(path).stat())
    except OSError:
        return False
