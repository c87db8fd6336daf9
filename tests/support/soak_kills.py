"""A step of the soak that kills: processes that upload with a journal die until one arrives."""

import random
from pathlib import Path

from attrs import frozen

from support.chaos import chaos_relay
from support.killing import KillCount, KilledUpload, UndisturbedUpload
from support.soak_books import SoakBooks
from support.soak_process import in_a_loop
from support.soak_sources import write
from support.uploader import ChildOrder
from support.victims import KINDS, MomentOfDeath, Victims, WatchingFaults, victims
from twelvelabs_async.emulator import Emulator, named_fault

CHUNK_SIZES = (700, 4_000, 2**16)
LEAST_CHUNKS, MOST_CHUNKS = 8, 24
"""With fewer, each process would be killed before it has asked where the last one ended."""

ORDEALS = 2
"""Uploads of a step over a good network; each takes several processes."""

PATIENCE = 8
"""Processes that may end, killed or in an error, before the network becomes a good one."""

BUDGET = 3
"""Connections that each relay may break."""

QUICK_FAULTS = ("slow-down", "reset-middle", "reset-after", "server-error", "answer-lost")


@frozen
class KillingStep:
    """Where processes are killed."""

    place: Path
    chance: random.Random
    emulator: Emulator
    arrivals: WatchingFaults
    victims: Victims
    toll: KillCount
    books: SoakBooks

    def ordeal(self, name: str, path: Path, base_url: str | None = None) -> KilledUpload:
        """Return an upload with a journal of its own."""
        directory = self.place / name
        directory.mkdir(mode=0o700)
        order = ChildOrder(
            path=str(path),
            directory=str(directory),
            base_url=base_url or self.emulator.base_url,
            api_key=self.emulator.api_key,
            trace=str(self.place / "trace"),
            max_workers=self.chance.choice((1, 2, 4)),
            batch_size=self.chance.choice((1, 3, 10)),
        )
        return KilledUpload(
            self.emulator, self.arrivals, self.victims, order, self.chance, self.toll
        )


def play_kills(seed: int, step: int, place: Path, books: SoakBooks) -> None:
    """Play a step that kills, in a loop and with an emulator of its own.

    Raises:
        AssertionError: A promise was broken.
        HungError: It did not end.
    """
    chance = random.Random(f"{seed} {step} kills")
    chunk_size = chance.choice(CHUNK_SIZES)
    path = place / "video.mp4"
    place.mkdir()
    size = chunk_size * chance.randint(LEAST_CHUNKS, MOST_CHUNKS) - chance.choice((0, 1))
    write(path, chance.randbytes(size))
    toll = KillCount()

    async def played() -> None:
        emulator, arrivals = Emulator(chunk_size=chunk_size), WatchingFaults()
        emulator.faults = arrivals
        async with emulator, victims() as made:
            scene = KillingStep(place, chance, emulator, arrivals, made, toll, books)
            rehearsal = await scene.ordeal("rehearsal", path).rehearse()
            for number in range(ORDEALS):
                ordeal = scene.ordeal(f"{number}", path)
                await ordeal.run(chance.choice(KINDS), rehearsal)
            await _over_a_bad_network(scene, path, rehearsal)

    in_a_loop("asyncio", played)
    books.steps += 1
    books.kills += toll.kills
    books.outcomes["asset, after kills"] += toll.uploads
    books.bytes += toll.uploads * size


async def _over_a_bad_network(scene: KillingStep, path: Path, rehearsal: UndisturbedUpload) -> None:
    """Kill at random times what also meets resets and faults; it may end in errors meanwhile."""
    emulator = scene.emulator
    scene.arrivals.add(named_fault(scene.chance.choice(QUICK_FAULTS)))
    async with (
        chaos_relay(emulator.base_url, scene.chance, BUDGET, patient=False) as api,
        chaos_relay(emulator.store_url, scene.chance, BUDGET, patient=False) as store,
    ):
        emulator.platform.store_url = str(store.url.origin())
        ordeal = scene.ordeal("bad network", path, str(api.url / "v1.3"))
        left = PATIENCE
        while not await _attempt(scene, ordeal, rehearsal.seconds if left > 0 else 0.0):
            left -= 1
            assert left > -PATIENCE, "it never arrives"
            if left == 0:
                scene.arrivals.script.clear()
                await api.become_calm()
                await store.become_calm()
    scene.books.chaos.update(api.acts + store.acts)
    emulator.platform.store_url = emulator.store_url
    assets = [a for a in emulator.platform.assets.values() if a.received_at is not None]
    made = [a.asset_id for a in assets if (emulator.data_dir / a.folder).exists()]
    past = ordeal.past()
    assert past is not None
    assert made == [past.session.asset_id], "not one asset"
    assert await emulator.sha256(made[0]) == ordeal.digest()
    scene.toll.uploads += 1


async def _attempt(scene: KillingStep, ordeal: KilledUpload, seconds: float) -> bool:
    """Start a process, and kill it within one and a half times ``seconds``; 0: let it live.

    Returns:
        Whether the journal says that the upload has arrived.
    """
    told = await ordeal._live_and_die(MomentOfDeath("time", scene.chance.uniform(0, 1.5 * seconds)))
    assert told.get("error", "UploadError").startswith("UploadError"), told
    scene.toll.kills += not {"error", "asset_id"} & set(told)
    ordeal._check_no_lock()
    past = ordeal.past()
    arrived = past is not None and past.done_at is not None
    assert arrived or "asset_id" not in told, "an asset was returned that the journal lacks"
    return arrived
