"""Checks that a journal keeps the promises of ``Journal``: run ``check_journal`` in its tests.

Each check uses entries of its own, and leaves them empty. A broken promise is an
``AssertionError`` that says which one.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from twelvelabs_async._core import clock
from twelvelabs_async.errors import JournalLostError
from twelvelabs_async.journal.protocol import Journal

Make = Callable[[], Journal]
"""Returns a new journal; all journals that it returns share their entries."""

SECONDS = 60.0
"""The duration of a lease that does not run out during a check."""

SHORT_SECONDS = 0.5
"""The duration of a lease that runs out during a check."""

ODD_KEYS = (
    "a",
    "A",
    "a ",
    "a\n",
    "a\0",
    "../a",
    "/a/",
    ".",
    "ä",
    "\udcfe",
    "\udcff",
    "a" * 5000,
    "%61",
    "*",
)
ODD_RECORDS = (b"", b"\n", b"\0", b"a\nb", b"0 0 \n", bytes(range(256)), b"x" * 1_000_000)


async def check_journal(make: Make) -> None:
    """Check the promises that every journal keeps.

    Args:
        make: Returns a new journal; all journals that it returns share their entries.

    Raises:
        AssertionError: The journal breaks a promise.
    """
    for check in CHECKS:
        await check(make)


async def check_expiry(make: Make) -> None:
    """Check a journal whose leases expire after ``seconds``; it takes two seconds.

    Args:
        make: As for ``check_journal``.

    Raises:
        AssertionError: The journal breaks a promise.
    """
    async with _entry(make) as (journal, key):
        await journal.acquire(key, "one", SHORT_SECONDS)
        await journal.append(key, "one", b"1")
        for _ in range(4):
            await clock.sleep(SHORT_SECONDS / 2)
            _expect(await journal.renew(key, "one", SHORT_SECONDS), "a lease can be renewed")
        _expect(await journal.acquire(key, "two", SECONDS) is not None, "renewing keeps a lease")
        await clock.sleep(SHORT_SECONDS * 1.5)
        _expect(await journal.acquire(key, "two", SECONDS) is None, "a lease that ran out is free")
        _expect(not await journal.renew(key, "one", SECONDS), "a late owner cannot renew")
        await _expect_lost(journal.append(key, "one", b"late"), "a late owner appends nothing")
        await _expect_lost(journal.clear(key, "one"), "a late owner removes nothing")
        _expect(tuple(await journal.read(key)) == (b"1",), "the records outlive the lease")


async def check_one_owner(make: Make) -> None:
    """One owner has the lease at a time; the others learn its name."""
    async with _entry(make) as (journal, key):
        _expect(await journal.acquire(key, "one", SECONDS) is None, "a free lease can be acquired")
        _expect(
            await journal.acquire(key, "two", SECONDS) == "one",
            "acquire names the owner that has the lease",
        )
        _expect(
            await journal.acquire(key, "one", SECONDS) is None, "its owner can acquire it again"
        )
        _expect(await journal.renew(key, "one", SECONDS), "its owner can renew it")
        _expect(not await journal.renew(key, "two", SECONDS), "another owner cannot renew it")
        await journal.release(key, "two")
        _expect(
            await journal.acquire(key, "two", SECONDS) == "one", "only its owner can release it"
        )
        await journal.release(key, "one")
        _expect(not await journal.renew(key, "one", SECONDS), "a released lease cannot be renewed")
        await journal.release(key, "one")
        _expect(await journal.acquire(key, "two", SECONDS) is None, "a released lease is free")


async def check_one_owner_in_a_crowd(make: Make) -> None:
    """Of many owners that acquire a lease at once, through different journals, one has it."""
    async with _entry(make) as (_, key):
        crowd = {f"owner {number}": make() for number in range(8)}
        asked = (journal.acquire(key, owner, SECONDS) for owner, journal in crowd.items())
        answers = await asyncio.gather(*asked)
        _expect(answers.count(None) == 1, "of many owners at once, one has the lease")
        for owner, journal in crowd.items():
            await journal.release(key, owner)


async def check_two_journals(make: Make) -> None:
    """Two journals that share their entries see each other's changes."""
    async with _entry(make) as (journal, key):
        other = make()
        await journal.acquire(key, "one", SECONDS)
        await journal.append(key, "one", b"1")
        _expect(tuple(await other.read(key)) == (b"1",), "a record is seen through all journals")
        _expect(await other.acquire(key, "two", SECONDS) == "one", "a lease holds for all journals")
        await journal.release(key, "one")
        _expect(
            await other.acquire(key, "two", SECONDS) is None,
            "the end of a lease holds for all journals",
        )
        await other.append(key, "two", b"2")
        _expect(
            tuple(await journal.read(key)) == (b"1", b"2"),
            "the next owner appends after the earlier records",
        )
        await other.clear(key, "two")
        await other.release(key, "two")


async def check_records(make: Make) -> None:
    """Records are any bytes, and keep their order."""
    async with _entry(make) as (journal, key):
        _expect(tuple(await journal.read(key)) == (), "an entry that was never written is empty")
        await journal.acquire(key, "one", SECONDS)
        _expect(tuple(await journal.read(key)) == (), "a new entry is empty")
        for record in ODD_RECORDS:
            await journal.append(key, "one", record)
        _expect(tuple(await journal.read(key)) == ODD_RECORDS, "records are any bytes, in order")
        await journal.release(key, "one")
        _expect(tuple(await journal.read(key)) == ODD_RECORDS, "the records outlive the lease")


async def check_clear(make: Make) -> None:
    """``clear`` removes all records, and the lease stays."""
    async with _entry(make) as (journal, key):
        await journal.acquire(key, "one", SECONDS)
        await journal.append(key, "one", b"1")
        await journal.append(key, "one", b"2")
        await journal.clear(key, "one")
        _expect(tuple(await journal.read(key)) == (), "clear removes all records")
        _expect(await journal.acquire(key, "two", SECONDS) == "one", "clear keeps the lease")
        await journal.clear(key, "one")
        await journal.append(key, "one", b"3")
        _expect(tuple(await journal.read(key)) == (b"3",), "a cleared entry takes new records")


async def check_fences(make: Make) -> None:
    """An owner without the lease changes nothing."""
    async with _entry(make) as (journal, key):
        await _expect_lost(journal.append(key, "one", b"0"), "no append without a lease")
        await _expect_lost(journal.clear(key, "one"), "no clear without a lease")
        await journal.acquire(key, "one", SECONDS)
        await journal.append(key, "one", b"1")
        for other in (journal, make()):
            await _expect_lost(other.append(key, "two", b"2"), "another owner appends nothing")
            await _expect_lost(other.clear(key, "two"), "another owner removes nothing")
        await journal.release(key, "one")
        await _expect_lost(journal.append(key, "one", b"3"), "no append after a release")
        await _expect_lost(journal.clear(key, "one"), "no clear after a release")
        _expect(tuple(await journal.read(key)) == (b"1",), "a refused append leaves no record")


async def check_keys(make: Make) -> None:
    """Keys are any texts, and each has an entry of its own."""
    journal, mark = make(), secrets.token_hex(8)
    keys = [odd + mark for odd in ODD_KEYS]
    for key in keys:
        answer = await journal.acquire(key, "one", SECONDS)
        _expect(answer is None, f"any text is a key: {key[:20]!r}")
        await journal.append(key, "one", ascii(key).encode())
    for key in keys:
        found = tuple(await journal.read(key))
        _expect(found == (ascii(key).encode(),), f"each key has its own entry: {key[:20]!r}")
        await _remove_entry(journal, key)


async def check_appends_at_once(make: Make) -> None:
    """Many appends at once lose no record, and those of one task keep their order."""
    async with _entry(make) as (journal, key):
        await journal.acquire(key, "one", SECONDS)

        async def write(name: int) -> None:
            for number in range(5):
                await journal.append(key, "one", b"%d %d" % (name, number))

        await asyncio.gather(*map(write, range(20)))
        found = tuple(await journal.read(key))
        _expect(len(found) == 100, "every record is there once")  # noqa: PLR2004 - 5 times 20
        for name in range(20):
            own = tuple(record for record in found if record.split()[0] == b"%d" % name)
            wanted = tuple(b"%d %d" % (name, number) for number in range(5))
            _expect(own == wanted, "records of one task keep their order")


async def check_cancelled_appends(make: Make) -> None:
    """A cancelled append leaves its whole record or none; later appends are not harmed."""
    async with _entry(make) as (journal, key):
        await journal.acquire(key, "one", SECONDS)
        for turns in range(12):
            append = asyncio.ensure_future(journal.append(key, "one", b"cancelled %d" % turns))
            for _ in range(turns):
                await clock.sleep(0)
            append.cancel()
            await asyncio.wait({append})
            await journal.append(key, "one", b"then")
            found = tuple(await journal.read(key))
            whole = found in {(b"then",), (b"cancelled %d" % turns, b"then")}
            _expect(whole, "a cancelled append is done whole, in its turn, or not at all")
            await journal.clear(key, "one")


CHECKS: tuple[Callable[[Make], Awaitable[None]], ...] = (
    check_one_owner,
    check_one_owner_in_a_crowd,
    check_two_journals,
    check_records,
    check_clear,
    check_fences,
    check_keys,
    check_appends_at_once,
    check_cancelled_appends,
)
"""What ``check_journal`` runs; each may be run alone."""


def _expect(kept: bool, promise: str) -> None:
    if not kept:
        raise AssertionError(f"the journal breaks its promise: {promise}")


async def _expect_lost(work: Awaitable[None], promise: str) -> None:
    try:
        await work
    except JournalLostError:
        return
    _expect(kept=False, promise=f"{promise} (JournalLostError)")


@asynccontextmanager
async def _entry(make: Make) -> AsyncGenerator[tuple[Journal, str]]:
    """Yield a journal and a new key, and leave nothing behind."""
    journal, key = make(), f"conformance {secrets.token_hex(8)}"
    try:
        yield journal, key
    finally:
        with suppress(JournalLostError):  # the journal is broken, as the check reports
            await _remove_entry(journal, key)


async def _remove_entry(journal: Journal, key: str) -> None:
    for owner in ("one", "two"):
        if await journal.acquire(key, owner, SECONDS) is None:
            await journal.clear(key, owner)
        await journal.release(key, owner)
