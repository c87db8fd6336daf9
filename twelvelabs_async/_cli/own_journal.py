"""The command's own journal, which no upload depends on.

A program that passes ``journal=`` relies on it, so the library refuses to upload without it. The
user of the command has not asked for a journal: where it cannot be kept the file is uploaded all
the same, and a warning says what is lost by that. A lost lease still ends the upload, for another
process may be at work on the same session.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from attrs import define

from twelvelabs_async import (
    ConfigurationError,
    FileJournal,
    Journal,
    JournalError,
    JournalLostError,
)
from twelvelabs_async._cli.bars import Bars
from twelvelabs_async._cli.output import print_error

T = TypeVar("T")


@define(eq=False)
class OwnJournal:
    """Makes the journal of each upload of a command, and warns once for all of them."""

    _bars: Bars
    _store: Journal | None = None
    _warned: bool = False

    def open(self) -> None:
        """Use the user's journal from now on, if this system can have one."""
        try:
            self._store = FileJournal()
        except ConfigurationError as error:
            self.warn(error)

    def for_upload(self) -> "OptionalJournal | None":
        """Return the journal of one upload; None: there is none."""
        return None if self._store is None else OptionalJournal(self._store, self.warn)

    def warn(self, error: Exception) -> None:
        """Say that no journal is kept and why, unless that was said before."""
        if self._warned:
            return
        self._warned = True
        with self._bars.aside():
            print_error(f"warning: a later attempt may not go on where this one ends: {error}")


@define(eq=False)
class OptionalJournal:
    """The journal of one upload, which is given up when it fails; see ``Journal``.

    After the first failure nothing is read or written any more: a record could belong to a session
    whose own record is missing. What was written before is whole, and a later attempt may use it.

    Attributes:
        taken: Whether the lease was taken, so that the upload may have begun.
        failed: Whether the journal was given up.
    """

    _store: Journal
    _warn: Callable[[JournalError], None]
    taken: bool = False
    failed: bool = False
    _unlocked: bool = False  # whether it failed before there was a lease, which cannot be lost then

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        """Take the lease; where that fails, the upload begins without one."""
        try:
            holder = await self._store.acquire(key, owner, seconds)
        except JournalError as error:
            self._give_up(error)
            self._unlocked, holder = True, None
        self.taken = holder is None
        return holder

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Keep the lease; False: it is known to be lost."""
        if self._unlocked:
            return True
        return await self._tried(self._store.renew(key, owner, seconds), otherwise=True)

    async def release(self, key: str, owner: str) -> None:
        """Give the lease back."""
        await self._tried(self._store.release(key, owner), None)

    async def read(self, key: str) -> Sequence[bytes]:
        """Return the records; none where they cannot be read."""
        return () if self.failed else await self._tried(self._store.read(key), ())

    async def append(self, key: str, owner: str, record: bytes) -> None:
        """Add a record, unless the journal was given up."""
        if not self.failed:
            await self._tried(self._store.append(key, owner, record), None)

    async def clear(self, key: str, owner: str) -> None:
        """Forget the records, unless the journal was given up."""
        if not self.failed:
            await self._tried(self._store.clear(key, owner), None)

    async def _tried(self, call: Coroutine[Any, Any, T], otherwise: T) -> T:
        try:
            return await call
        except JournalLostError:
            raise
        except JournalError as error:
            self._give_up(error)
            return otherwise

    def _give_up(self, error: JournalError) -> None:
        self.failed = True
        self._warn(error)
