"""Kill a process that uploads, look at what it left behind, start another, and keep the books.

The emulator is in this process, so it knows what arrived whatever became of the sender. What an
attempt left is read from its journal, as the next one will read it. Everything that must hold
after each attempt is asserted in ``KilledUpload.judge``, which is the place to read first. A
process that is killed when its journal says that all is done needs no successor: its upload has
arrived.
"""

import asyncio
import fcntl
import hashlib
import random
import shutil
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from support.crash import DiskCall, after_power_loss, read_trace
from support.uploader import ChildOrder
from support.victims import NEVER, WHEN, Kind, MomentOfDeath, Victims, WatchingFaults
from twelvelabs_async._upload.resume.records import PreviousAttempt, parse_records
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.journal._log_file import SUFFIX, read_records

QUIET_TURNS = 20
"""Turns of the loop without news after which nothing of a dead process is on its way any more."""

LEAST_SHARE = 0.5
"""Of the time that an upload takes: what even one with nothing left to do may live."""


@define
class KillCount:
    """What the kills of a test came to.

    Attributes:
        uploads: Files that arrived.
        attempts: Processes that were started for them.
        kills: Those that did not live to tell of the asset.
        after_the_end: Kills that came when the journal said that all was done.
        resent: Chunks that were sent again, all in all.
        most_in_flight: The most that one kill cost: chunks sent whose ETags were not kept.
        orphans: Sessions that were opened, and forgotten before a chunk was sent.
    """

    uploads: int = 0
    attempts: int = 0
    kills: int = 0
    after_the_end: int = 0
    resent: int = 0
    most_in_flight: int = 0
    orphans: int = 0


@frozen
class UndisturbedUpload:
    """How long an upload takes that nobody kills: seconds, calls to the disk, requests."""

    seconds: float
    calls: int
    requests: int

    def moment(self, kind: Kind, chance: random.Random, left: float) -> MomentOfDeath:
        """Choose when to kill.

        Args:
            kind: Of the moment.
            chance: What decides.
            left: How much is left to send, from 0 to 1.
        """
        whole = {"time": self.seconds, "request": self.requests}.get(kind, self.calls)
        at = chance.uniform(0, whole * (LEAST_SHARE + left))
        return MomentOfDeath(kind, at if kind == "time" else 1 + int(at), chance.choice(WHEN[kind]))


@define(eq=False)
class KilledUpload:
    """One upload, through as many processes as it takes.

    Attributes:
        emulator: Where to.
        arrivals: Its script.
        victims: Who uploads.
        order: What to do.
        chance: What decides.
        toll: The books of all ordeals of a test.
    """

    emulator: Emulator
    arrivals: WatchingFaults
    victims: Victims
    order: ChildOrder
    chance: random.Random
    toll: KillCount
    _sent: set[int] = field(factory=set[int], init=False)
    _opened: int = field(default=0, init=False)
    _orphans: int = field(default=0, init=False)

    @property
    def entry(self) -> Path:
        """Return the journal's file, which may not be there."""
        return next(Path(self.order.directory).glob(f"*{SUFFIX}"), Path(self.order.directory, "-"))

    def digest(self) -> str:
        """Return the hex SHA-256 of the file."""
        return hashlib.sha256(Path(self.order.path).read_bytes()).hexdigest()

    def past(self) -> PreviousAttempt | None:
        """Return what the next process will know."""
        return parse_records(read_records(self.entry))

    async def rehearse(self) -> UndisturbedUpload:
        """Upload without a kill, and return what that takes."""
        began = asyncio.get_running_loop().time()
        await self.attempt(NEVER)
        seconds = asyncio.get_running_loop().time() - began
        return UndisturbedUpload(seconds, len(self.trace()), len(self.arrivals.seen))

    async def run(self, kind: Kind, rehearsal: UndisturbedUpload) -> None:
        """Kill one process after the other, until one arrives."""
        while not await self.attempt(rehearsal.moment(kind, self.chance, self._left())):
            pass
        self.toll.uploads += 1

    def _left(self) -> float:
        past = self.past()
        return 1 - len(past.stored) / past.session.total_chunks if past else 1.0

    async def attempt(self, moment: MomentOfDeath) -> bool:
        """Start a process, kill it at ``moment``, and judge; whether the file has arrived."""
        before, content = self.past(), self._content()
        told = await self._live_and_die(moment)
        assert "error" not in told, told
        self.toll.attempts += 1
        killed = "asset_id" not in told
        if killed and moment.kind == "power":
            self._lose_power(content)
        after = self.past()
        self.judge(before, after, killed=killed)
        if killed and not (after and after.done_at):
            return False
        assert after is not None
        assert after.done_at
        assert told.get("asset_id", after.session.asset_id) == after.session.asset_id
        await self._check_asset(after)
        return True

    async def _live_and_die(self, moment: MomentOfDeath) -> dict[str, Any]:
        call = int(moment.at) if moment.kind in {"disk", "power"} else 0
        self.arrivals.begin(moment)
        self.arrivals.kill = self.victims.kill
        await self.victims.begin(evolve(self.order, fatal_call=call, when=moment.when))
        timed = moment.kind == "time" and moment.at
        loop = asyncio.get_running_loop()
        timer = loop.call_later(moment.at, self.victims.kill) if timed else None
        told = await self.victims.end()
        if timer is not None:
            timer.cancel()
        await self._quiet()
        return told

    async def _quiet(self) -> None:
        """Wait until all that the dead process had sent was dealt with."""
        turns, log = 0, self.emulator._log
        while turns < QUIET_TURNS:
            arrived = log.arrivals
            await asyncio.sleep(0)
            turns = turns + 1 if arrived == log.arrivals == len(log.exchanges) else 0

    def judge(
        self, before: PreviousAttempt | None, after: PreviousAttempt | None, *, killed: bool
    ) -> None:
        """Check what one attempt did, given what was journaled before it and after it."""
        sent = self.arrivals.chunks()
        known = set(before.stored) if before else set[int]()
        kept = set(after.stored) if after else set[int]()
        in_flight = set(sent) - kept
        opened = self.arrivals.count("create")
        assert not known.intersection(sent), "a chunk whose ETag was journaled was sent again"
        assert len(sent) == len(set(sent)), "a chunk was sent twice in one attempt"
        assert known <= kept, "the journal has lost an ETag"
        assert len(in_flight) <= self.order.max_workers, "more was lost than was in flight"
        assert not sent or after is not None, "a chunk was sent before its session was kept"
        assert opened <= (before is None), "a session was opened beside one that was known"
        if before and after:
            assert before.session == after.session
        self._check_no_lock()
        self._count(sent, in_flight, opened, after, killed=killed)

    def _check_no_lock(self) -> None:
        if self.entry.exists():
            with self.entry.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _count(
        self,
        sent: list[int],
        in_flight: set[int],
        opened: int,
        after: PreviousAttempt | None,
        *,
        killed: bool,
    ) -> None:
        self._opened += opened
        self._orphans += opened if after is None else 0
        self.toll.orphans += opened if after is None else 0
        self.toll.resent += len(self._sent.intersection(sent))
        self._sent.update(sent)
        self.toll.kills += killed
        if killed:
            self.toll.most_in_flight = max(self.toll.most_in_flight, len(in_flight))
            self.toll.after_the_end += bool(after and after.done_at)

    async def _check_asset(self, past: PreviousAttempt) -> None:
        """Check that the asset is the file, byte for byte, and came of the only session in use."""
        assert past.session.asset_id is not None
        assert await self.emulator.sha256(past.session.asset_id) == self.digest()
        assert self._opened == 1 + self._orphans
        shutil.rmtree(self.emulator.data_dir / past.session.upload_id)

    def trace(self) -> list[DiskCall]:
        """Return what the last process asked of the disk."""
        return read_trace(Path(self.order.trace))

    def _content(self) -> bytes | None:
        return self.entry.read_bytes() if self.entry.exists() else None

    def _lose_power(self, content: bytes | None) -> None:
        """Leave what may be on the disk if the machine died as well."""
        if not self.entry.exists():
            return
        left = after_power_loss(content, self.trace(), self.chance)
        if left is None:
            self.entry.unlink()
        else:
            self.entry.write_bytes(left)
