"""The journal's promises: every implementation keeps them, and the suite would notice if not."""

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from twelvelabs_async._core import clock
from twelvelabs_async.errors import (
    JournalLostError,
)
from twelvelabs_async.journal import FileJournal, MemoryJournal, check_journal
from twelvelabs_async.journal.conformance import CHECKS, Make, check_expiry

# Conformance


@pytest.mark.parametrize("check", CHECKS)
async def test_the_journal_in_files_conforms(
    check: Callable[[Make], Awaitable[None]], tmp_path: Path
) -> None:
    """It keeps what every journal promises, and leaves no file behind."""
    await check(lambda: FileJournal(tmp_path))
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a test may block


@pytest.mark.parametrize("check", CHECKS)
async def test_the_journal_in_memory_conforms(check: Callable[[Make], Awaitable[None]]) -> None:
    """It keeps what every journal promises, and forgets what was cleared and released."""
    journal = MemoryJournal()
    await check(lambda: journal)
    assert journal._records == {}


async def test_leases_in_memory_expire() -> None:
    """A lease that nobody renews ends by the clock."""
    journal = MemoryJournal()
    await check_expiry(lambda: journal)


# The suite itself notices what it is there for


class Anybodys(MemoryJournal):
    """Lets everybody write."""

    def _check(self, key: str, owner: str) -> None:
        """Let everybody in."""


class Everybodys(MemoryJournal):
    """Gives the lease to all who ask."""

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        await super().acquire(key, owner, seconds)
        return None


class Deaf(MemoryJournal):
    """Keeps a lease that is given back."""

    async def release(self, key: str, owner: str) -> None:
        """Keep it."""


class Rude(MemoryJournal):
    """Lets everybody release."""

    async def release(self, key: str, owner: str) -> None:
        self._leases.pop(key, None)


class Backwards(MemoryJournal):
    """Reads the last record first."""

    async def read(self, key: str) -> Sequence[bytes]:
        return tuple(reversed(self._records.get(key, ())))


class Lines(MemoryJournal):
    """Takes records for lines."""

    async def read(self, key: str) -> Sequence[bytes]:
        return tuple(record.strip() for record in self._records.get(key, ()))


class Remembering(MemoryJournal):
    """Does not forget all."""

    async def clear(self, key: str, owner: str) -> None:
        self._check(key, owner)
        del self._records.setdefault(key, [])[1:]


class Careless(MemoryJournal):
    """Forgets the lease as well."""

    async def clear(self, key: str, owner: str) -> None:
        await super().clear(key, owner)
        await self.release(key, owner)


class Folding(MemoryJournal):
    """Knows no capital letters."""

    async def append(self, key: str, owner: str, record: bytes) -> None:
        self._check(key, owner)
        self._records.setdefault(key.lower(), []).append(record)

    async def read(self, key: str) -> Sequence[bytes]:
        return tuple(self._records.get(key.lower(), ()))

    async def clear(self, key: str, owner: str) -> None:
        self._records.pop(key.lower(), None)


class Racing(MemoryJournal):
    """Appends to what it read a while ago."""

    async def append(self, key: str, owner: str, record: bytes) -> None:
        before = await self.read(key)
        await clock.sleep(0)
        self._check(key, owner)
        self._records[key] = [*before, record]


class Late(MemoryJournal):
    """Goes on with an append whose caller is gone."""

    async def append(self, key: str, owner: str, record: bytes) -> None:
        later = asyncio.ensure_future(self._append(key, owner, record))
        await asyncio.shield(later)

    async def _append(self, key: str, owner: str, record: bytes) -> None:
        for _ in range(min(len(record), 20)):  # the longer ones are overtaken
            await clock.sleep(0)
        await super().append(key, owner, record)


class Eternal(MemoryJournal):
    """Its leases do not run out."""

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        return await super().acquire(key, owner, math.inf)


class Unrenewed(MemoryJournal):
    """Says that it renews."""

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        return self._holder(key) == owner


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (Anybodys, "no append without a lease"),
        (Everybodys, "acquire names the owner"),
        (Deaf, "a released lease cannot be renewed"),
        (Rude, "only its owner can release it"),
        (Backwards, "records are any bytes, in order"),
        (Lines, "records are any bytes, in order"),
        (Remembering, "clear removes all records"),
        (Careless, "clear keeps the lease"),
        (Folding, "each key has its own entry"),
        (Racing, "every record is there once"),
        (Late, "a cancelled append is done whole"),
    ],
)
async def test_a_broken_journal_is_told_which_promise_it_breaks(
    broken: type[MemoryJournal], promise: str
) -> None:
    """Each check has something that only it would notice."""
    broken_promises = list[str]()
    for check in CHECKS:
        journal = broken()
        try:
            await check(lambda journal=journal: journal)  # type: ignore[misc] # mypy 2 cannot infer
        except (AssertionError, JournalLostError) as error:
            broken_promises.append(str(error))
    assert any(promise in told for told in broken_promises), broken_promises


async def test_a_journal_of_its_own_in_each_process_is_noticed() -> None:
    """Journals that do not share a place do not exclude each other."""
    with pytest.raises(AssertionError, match="of many owners at once, one has the lease"):
        await check_journal(MemoryJournal)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [(Eternal, "a lease that ran out is free"), (Unrenewed, "a lease can be renewed")],
)
async def test_leases_that_do_not_run_out_as_they_should_are_noticed(
    broken: type[MemoryJournal], promise: str
) -> None:
    """The second suite is about time alone."""
    journal = broken()
    with pytest.raises(AssertionError, match=promise):
        await check_expiry(lambda: journal)
