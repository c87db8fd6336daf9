"""What a journal must do: the store in which uploads are recorded, to be resumed after a crash.

A journal has entries, one for each key. An entry is a lease, which one owner at a time has, and a
sequence of records, to which only that owner appends. A record is bytes that mean nothing to the
journal. ``FileJournal`` keeps entries in files. A team that has Redis or PostgreSQL writes these
six methods for it, and runs ``check_journal`` on them.
"""

from collections.abc import Sequence
from typing import Protocol

from twelvelabs_async.errors import JournalLostError


class Journal(Protocol):
    """Entries with a lease and records; any text that is not empty is a key.

    Keys may be long, and may hold unpaired surrogates, as paths do. A store that takes less uses a
    digest of ``key.encode("utf-8", "surrogatepass")`` instead.

    An owner is a text that no other owner has, now or later: each attempt of an upload makes one.
    A method that is cancelled, or raises anything but ``JournalLostError``, has been carried out
    whole or not at all, and the caller does not know which. So a caller that is cancelled in
    ``acquire`` calls ``release``.

    Every method raises ``JournalError`` where the store cannot be reached, read or written.
    """

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        """Take the lease on ``key``, or keep it.

        Args:
            key: The entry.
            owner: The owner that wants it.
            seconds: How long the lease lasts unless it is renewed. A store that notices the end of
                an owner by itself, as a lock on a file does, may ignore it.

        Returns:
            None: ``owner`` has the lease. Otherwise the owner that has it; empty if not known.
        """
        ...

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Keep the lease for ``seconds`` from now; False: ``owner`` does not have it any more."""
        ...

    async def release(self, key: str, owner: str) -> None:
        """End the lease, if ``owner`` has it. The records stay."""
        ...

    async def read(self, key: str) -> Sequence[bytes]:
        """Return the records in the order of ``append``; none where there is no such entry.

        It needs no lease. A record is there whole, or not at all.
        """
        ...

    async def append(self, key: str, owner: str, record: bytes) -> None:
        """Add a record; once this has returned, the record survives a crash.

        Raises:
            JournalLostError: The lease is not the owner's; nothing was added. A store whose leases
                expire checks the lease and appends in one step.
        """
        ...

    async def clear(self, key: str, owner: str) -> None:
        """Remove all records of the entry; the lease stays.

        Raises:
            JournalLostError: The lease is not the owner's; nothing was removed.
        """
        ...


def lost(key: str, owner: str) -> JournalLostError:
    """Return the error for an owner that has no lease on ``key``."""
    return JournalLostError(f"the journal's entry {key!r} is not, or no longer, leased to {owner}")
