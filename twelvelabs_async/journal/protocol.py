"""Where uploads are written down, so that they can go on after a crash: what a store must do.

A journal has entries, one for each key. An entry is a lease, which one owner at a time has, and a
sequence of records, to which only that owner appends. What a record says is no concern of the
journal. ``journal_files`` keeps entries in files; a team that has Redis or PostgreSQL writes the
six methods for it, and runs ``journal_conformance`` on them.
"""

from collections.abc import Sequence
from typing import Protocol

from attrs import Factory, define, frozen

from twelvelabs_async._core import clock
from twelvelabs_async.errors import JournalLostError


class Journal(Protocol):
    """Entries with a lease and records; any text that is not empty is a key.

    Keys may be long, and hold what is no Unicode, as paths do: a store that takes less keeps a
    digest of ``key.encode("utf-8", "surrogatepass")``.

    An owner is a text that no other holder has, alive or gone: ``upload.lease.held`` makes one for
    each. Where a method is cancelled, or raises anything but ``JournalLostError``, it has been
    carried out whole or not at all, and nobody knows which. So whoever is cancelled while it
    acquires releases, too.

    Every method raises ``JournalError`` where the store cannot be reached, read or written.
    """

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        """Take the lease on ``key``, or keep it.

        Args:
            key: The entry.
            owner: Who wants it.
            seconds: How long the lease lasts unless it is renewed. A store that notices the end of
                an owner by itself, as a lock on a file does, need not heed it.

        Returns:
            None: it is ours. Otherwise who has it; empty where that is not known.
        """
        ...

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Keep the lease for ``seconds`` from now; False: it is not ours any more."""
        ...

    async def release(self, key: str, owner: str) -> None:
        """Give the lease back; nothing happens where it is not ours. The records stay."""
        ...

    async def read(self, key: str) -> Sequence[bytes]:
        """Return the records in the order of ``append``; none where there is no such entry.

        It takes no lease. A record is whole or it is not there.
        """
        ...

    async def append(self, key: str, owner: str, record: bytes) -> None:
        """Add a record, which survives whatever happens from the moment that this returns.

        Raises:
            JournalLostError: The lease is not the owner's; nothing was added. A store whose leases
                expire checks the lease and appends in one step.
        """
        ...

    async def clear(self, key: str, owner: str) -> None:
        """Forget the records; the lease stays.

        Raises:
            JournalLostError: The lease is not the owner's; nothing was forgotten.
        """
        ...


def lost(key: str, owner: str) -> JournalLostError:
    """Return the error of an owner who has no lease on ``key``."""
    return JournalLostError(f"the journal's entry {key!r} does not belong to {owner}, or no more")


@frozen
class _Lease:
    owner: str
    until: float


@define(eq=False)
class MemoryJournal:
    """A journal that lives and dies with its process: for tests, and for uploads within one.

    It must be used on one event loop only.
    """

    _leases: dict[str, _Lease] = Factory(dict[str, _Lease])
    _records: dict[str, list[bytes]] = Factory(dict[str, list[bytes]])

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        """Take the lease, or keep it; see ``Journal.acquire``."""
        holder = self._holder(key)
        if holder not in {None, owner}:
            return holder
        self._leases[key] = _Lease(owner, clock.monotonic() + seconds)
        return None

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Keep the lease; see ``Journal.renew``."""
        return self._holder(key) == owner and await self.acquire(key, owner, seconds) is None

    async def release(self, key: str, owner: str) -> None:
        """Give the lease back; see ``Journal.release``."""
        if self._holder(key) == owner:
            del self._leases[key]

    async def read(self, key: str) -> Sequence[bytes]:
        """Return the records; see ``Journal.read``."""
        return tuple(self._records.get(key, ()))

    async def append(self, key: str, owner: str, record: bytes) -> None:
        """Add a record; see ``Journal.append``."""
        self._check(key, owner)
        self._records.setdefault(key, []).append(bytes(record))

    async def clear(self, key: str, owner: str) -> None:
        """Forget the records; see ``Journal.clear``."""
        self._check(key, owner)
        self._records.pop(key, None)

    def _holder(self, key: str) -> str | None:
        lease = self._leases.get(key)
        return lease.owner if lease and clock.monotonic() < lease.until else None

    def _check(self, key: str, owner: str) -> None:
        if self._holder(key) != owner:
            raise lost(key, owner)
