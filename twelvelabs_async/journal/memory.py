"""The journal in memory."""

from collections.abc import Sequence

from attrs import define, field, frozen

from twelvelabs_async._core import clock
from twelvelabs_async.journal.protocol import lost


@frozen
class _ExpiringLease:
    owner: str
    until: float


@define(eq=False)
class MemoryJournal:
    """A journal in memory: for tests, and to resume uploads within one process.

    It must be used on one event loop only.
    """

    _leases: dict[str, _ExpiringLease] = field(factory=dict[str, _ExpiringLease], init=False)
    _records: dict[str, list[bytes]] = field(factory=dict[str, list[bytes]], init=False)

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        """Take the lease, or keep it; see ``Journal.acquire``."""
        holder = self._holder(key)
        if holder not in {None, owner}:
            return holder
        self._leases[key] = _ExpiringLease(owner, clock.monotonic() + seconds)
        return None

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Keep the lease; see ``Journal.renew``."""
        return self._holder(key) == owner and await self.acquire(key, owner, seconds) is None

    async def release(self, key: str, owner: str) -> None:
        """End the lease; see ``Journal.release``."""
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
        """Remove the records; see ``Journal.clear``."""
        self._check(key, owner)
        self._records.pop(key, None)

    def _holder(self, key: str) -> str | None:
        lease = self._leases.get(key)
        return lease.owner if lease and clock.monotonic() < lease.until else None

    def _check(self, key: str, owner: str) -> None:
        if self._holder(key) != owner:
            raise lost(key, owner)
