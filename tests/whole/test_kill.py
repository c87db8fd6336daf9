"""An upload survives whatever kills its process: it goes on in another one, to the same asset.

By hand, with more kills: ``KILLS=2000 KILL_SEED=7 pytest -rP tests/whole/test_kill.py -k killed``.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import gethostname

import pytest
from attrs import evolve, frozen
from support.files import MakeFile
from support.killing import KillCount, KilledUpload, UndisturbedUpload
from support.uploader import ChildOrder
from support.victims import (
    KINDS,
    NEVER,
    WHEN,
    Kind,
    MomentOfDeath,
    Victims,
    WatchingFaults,
    victims,
)

from twelvelabs_async._upload.resume.lease import LONGEST_PAUSE
from twelvelabs_async.emulator import Emulator

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(not hasattr(os, "waitid"), reason="processes are forked and waited for"),
]

KILLS = int(os.environ.get("KILLS", "300"))
SEED = int(os.environ.get("KILL_SEED", "1"))

CHUNKS = 24
CHUNK_SIZE = 4000
LAST_CHUNK = 100
MAX_WORKERS = 4


@frozen
class KillingPlace:
    """Where ordeals take place."""

    emulator: Emulator
    arrivals: WatchingFaults
    victims: Victims
    file: Path
    place: Path

    def ordeal(self, name: str, chance: random.Random, toll: KillCount) -> KilledUpload:
        """Return an upload with a journal of its own."""
        directory = self.place / name
        directory.mkdir(mode=0o700)
        order = ChildOrder(
            path=str(self.file),
            directory=str(directory),
            base_url=self.emulator.base_url,
            api_key=self.emulator.api_key,
            trace=str(self.place / "trace"),
            max_workers=MAX_WORKERS,
        )
        return KilledUpload(self.emulator, self.arrivals, self.victims, order, chance, toll)

    async def rehearsal(self) -> UndisturbedUpload:
        """Return what an upload takes when all is warm."""
        ordeals = [self.ordeal(f"rehearsal {n}", random.Random(n), KillCount()) for n in range(3)]
        return [await ordeal.rehearse() for ordeal in ordeals][-1]


@asynccontextmanager
async def scene(file: Path, place: Path) -> AsyncGenerator[KillingPlace]:
    emulator = Emulator(chunk_size=CHUNK_SIZE)
    arrivals = WatchingFaults()
    emulator.faults = arrivals
    async with emulator, victims() as made:
        yield KillingPlace(emulator, arrivals, made, file, place)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_killed_upload_goes_on_in_another_process(
    kind: Kind, make_file: MakeFile, tmp_path: Path
) -> None:
    """Whenever it is killed, and as often: the same bytes, one session, nothing kept sent again."""
    file = make_file((CHUNKS - 1) * CHUNK_SIZE + LAST_CHUNK)
    chance, toll = random.Random(f"{SEED} {kind}"), KillCount()
    async with scene(file, tmp_path) as here:
        rehearsal = await here.rehearsal()
        while toll.kills < KILLS // len(KINDS):
            ordeal = here.ordeal(f"{toll.uploads}", chance, toll)
            await ordeal.run(kind, rehearsal)
        refused = [told for told in here.emulator.requests if (told.status or 0) >= 400]
        sys.stdout.write(f"seed {SEED}, {kind}: {toll}, {rehearsal}\n")
    assert refused == []
    assert toll.kills >= KILLS // len(KINDS)
    assert toll.resent <= toll.kills * MAX_WORKERS


TAIL = [("disk", back, when) for back in range(4) for when in WHEN["disk"]]
"""The last calls to the disk of an upload, counted backwards: all is stored and reported."""


@pytest.mark.parametrize(("kind", "back", "when"), [*TAIL, ("request", 0, "answered")])
async def test_a_result_that_is_kept_survives_a_kill_before_it_was_told(
    make_file: MakeFile, tmp_path: Path, kind: Kind, back: int, when: str
) -> None:
    """The process dies between the end of its upload and its word on it: one asset, not two."""
    async with scene(make_file(CHUNKS * CHUNK_SIZE), tmp_path) as here:
        ordeals = [here.ordeal(f"{n}", random.Random(n), KillCount()) for n in range(2)]
        for ordeal in ordeals:
            ordeal.order = evolve(ordeal.order, keep_result=True, max_workers=1)
        rehearsal, ordeal = await ordeals[0].rehearse(), ordeals[1]
        last = rehearsal.calls if kind == "disk" else rehearsal.requests
        before = len(here.emulator.platform.assets)
        told = await ordeal._live_and_die(MomentOfDeath(kind, last - back, when))
        assert "asset_id" not in told
        told = await ordeal._live_and_die(NEVER)
        assert here.arrivals.chunks() == []
        made = list(here.emulator.platform.assets)[before:]
        assert made == [told["asset_id"]]


# Two at once


@asynccontextmanager
async def two_at_once(here: KillingPlace) -> AsyncGenerator[tuple[KilledUpload, KilledUpload, str]]:
    """Have one process stand still in the middle of an upload, and another one ready."""
    first = here.ordeal("journal", random.Random(SEED), KillCount())
    here.arrivals.begin(MomentOfDeath("request", CHUNKS // 2, "arrived"))
    stopped = asyncio.Event()

    def stop() -> None:
        os.kill(first.victims.pid, signal.SIGSTOP)
        stopped.set()

    here.arrivals.kill = stop
    await first.victims.begin(first.order)
    await stopped.wait()
    async with victims() as others:
        order = evolve(first.order, trace=str(here.place / "another trace"))
        yield (
            first,
            evolve(first, victims=others, order=order),
            f"{gethostname()}:{first.victims.pid}",
        )


async def test_a_second_process_is_told_who_is_at_it(make_file: MakeFile, tmp_path: Path) -> None:
    """By host and process id; it has asked the platform for nothing."""
    async with scene(make_file(CHUNKS * CHUNK_SIZE), tmp_path) as here:
        async with two_at_once(here) as (first, second, holder):
            requests = len(here.arrivals.seen)
            await second.victims.begin(second.order)
            told = await second.victims.end()
            assert holder in told["error"]
            assert "UploadInProgressError" in told["error"]
            assert len(here.arrivals.seen) == requests
            os.kill(first.victims.pid, signal.SIGCONT)
            assert "asset_id" in await first.victims.end()
        assert here.arrivals.count("create") == 1


async def test_a_second_process_that_waits_gets_the_same_asset(
    make_file: MakeFile, tmp_path: Path
) -> None:
    """Nothing is sent twice; it only asks how the session stands."""
    async with scene(make_file(CHUNKS * CHUNK_SIZE), tmp_path) as here:
        async with two_at_once(here) as (first, second, holder):
            await second.victims.begin(evolve(second.order, if_busy="wait"))
            assert (await second.victims.told())["busy"].startswith(holder)
            os.kill(first.victims.pid, signal.SIGCONT)
            told, other = await first.victims.end(), await second.victims.end()
        assert (told["asset_id"], told["asset_url"]) == (other["asset_id"], other["asset_url"])
        assert sorted(here.arrivals.chunks()) == list(range(1, CHUNKS + 1))
        assert here.arrivals.count("create") == 1


async def test_a_process_that_waits_for_one_that_is_killed_carries_on(
    make_file: MakeFile, tmp_path: Path
) -> None:
    """Soon, in the same session; only what was in flight is sent again."""
    async with scene(make_file(CHUNKS * CHUNK_SIZE), tmp_path) as here:
        async with two_at_once(here) as (first, second, holder):
            await second.victims.begin(evolve(second.order, if_busy="wait"))
            assert (await second.victims.told())["busy"].startswith(holder)
            first.victims.kill()
            assert "asset_id" not in await first.victims.end()
            began = asyncio.get_running_loop().time()
            told = await second.victims.end()
            took = asyncio.get_running_loop().time() - began
        sys.stdout.write(f"carried on and done {took:.2f} s after the kill\n")
        assert took < LONGEST_PAUSE
        assert await here.emulator.sha256(told["asset_id"]) == first.digest()
        sent = here.arrivals.chunks()
        assert set(sent) == set(range(1, CHUNKS + 1))
        assert len(sent) <= CHUNKS + MAX_WORKERS
        assert here.arrivals.count("create") == 1
