"""What a step of the soak does: every choice of it, drawn from a seed and the step's number.

Pure: the same seed and number make the same plan, whatever was played before.
"""

import random
from typing import Any, Literal, get_args

from attrs import evolve, field, frozen

from twelvelabs_async.emulator import CATALOGUE
from twelvelabs_async.emulator.faults import Answer, Cut, Rewrite, Stall

SourceKind = Literal[
    "path",
    "text path",
    "bytes",
    "bytearray",
    "memoryview",
    "open file",
    "memory file",
    "temporary file",
    "spooled file",
    "pipe",
    "generator",
    "reader",
    "stream",
]
Way = Literal["upload", "upload_file", "create"]
Progress = Literal["none", "sync", "async", "raising"]
LoopKind = Literal["virtual", "asyncio", "uvloop"]
EndingKind = Literal["none", "cancel", "cancel twice", "cancel all", "close", "change"]
Change = Literal["append", "truncate", "rewrite", "replace", "touch", "remove"]

SOURCES: tuple[SourceKind, ...] = get_args(SourceKind)
PATHS: tuple[SourceKind, ...] = ("path", "text path")
READ_ONCE: tuple[SourceKind, ...] = ("pipe", "generator", "reader", "stream")
DIRECT_ROUTE = "create_asset"
DIRECT_FAULTS = tuple(
    name
    for name, named in CATALOGUE.items()
    if "create" in named.routes and isinstance(named.action, Answer | Cut | Rewrite | Stall)
)
"""What may happen to an asset's creation in one request as well."""

QUICK_FAULTS = ("refused", "call-refused", "html", "etag-weak", "urls-shuffled", "new-fields")
"""What costs no time: for steps on a real clock."""

CHUNK_SIZES = (1_000, 4_096, 50_000, 2**18)
HUGE, HUGE_CHUNK = 30_000_000, 2**21
IMPATIENT = {"timeout": 3.0, "stall_timeout": 3.0, "outage_timeout": 10.0}
"""Seconds of the virtual clock; each tenth of one costs real milliseconds."""

KILLS_EVERY = 20
"""One step of so many kills processes."""


@frozen(kw_only=True)
class PlannedCall:
    """One call of the library.

    Attributes:
        name: The asset's file name; calls of one name hand over the same object.
        way: The method.
        source: What is handed over.
        size: Bytes.
        in_tuple: Whether the source is handed over as ``(name, content)``.
        chunked: Whether it goes in chunks.
        options: Arguments of the method.
        progress: What kind of progress callback it gets.
        cancelled_after: Virtual seconds of an ``asyncio.timeout`` around the call; None: none.
    """

    name: str
    way: Way
    source: SourceKind
    size: int
    in_tuple: bool
    chunked: bool
    options: dict[str, Any]
    progress: Progress
    cancelled_after: float | None = None


@frozen
class PlannedFault:
    """A fault of the catalogue, and the request that it waits for."""

    name: str
    route: str
    changes: dict[str, Any]


@frozen(kw_only=True)
class Plan:
    """A step.

    Attributes:
        emulator: Arguments of ``Emulator``.
        client: Arguments of ``AsyncTwelveLabs``.
        journal: Whether the client has a journal.
        relayed: The origins that are reached through a chaos relay.
        budget: How many connections each relay may break.
        calls: What is called, all at once.
        faults: What the emulator does wrong.
        ending: What is done to the calls meanwhile.
        at: At which suspension of the calls, counted from 0.
        change: How the first call's file is changed, where that is the ending.
        loop: The kind of event loop.
    """

    seed: int
    step: int
    emulator: dict[str, Any]
    client: dict[str, Any]
    journal: bool
    relayed: tuple[str, ...]
    budget: int
    calls: tuple[PlannedCall, ...]
    faults: tuple[PlannedFault, ...]
    ending: EndingKind
    at: int
    change: Change
    loop: LoopKind

    def by_name(self) -> dict[str, PlannedCall]:
        """Return one call for each name."""
        return {call.name: call for call in self.calls}

    def chance(self, purpose: str) -> random.Random:
        """Return a source of further choices, one for each purpose."""
        return random.Random(f"{self.seed} {self.step} {purpose}")


def is_deadly(step: int) -> bool:
    """Whether a step kills processes; see ``soak_kills``."""
    return step % KILLS_EVERY == KILLS_EVERY // 2


def plan(seed: int, step: int) -> Plan:
    """Return the plan of a step that is not deadly."""
    return _Drawing(random.Random(f"{seed} {step}")).plan(seed, step)


@frozen
class _Drawing:
    chance: random.Random = field(repr=False)

    def inject(self, probability: float) -> bool:
        return self.chance.random() < probability

    def plan(self, seed: int, step: int) -> Plan:
        chance = self.chance
        huge = self.inject(0.02)
        chunk_size = HUGE_CHUNK if huge else chance.choice(CHUNK_SIZES)
        journal = self.inject(0.5)
        calls = self._calls(chunk_size, huge=huge)
        loop = self._loop(calls)
        ending = self._ending(calls)
        if loop != "virtual":
            calls = tuple(evolve(call, cancelled_after=None) for call in calls)
        relayed = tuple(origin for origin in ("api", "store") if self.inject(0.3))
        return Plan(
            seed=seed,
            step=step,
            emulator={
                "chunk_size": chunk_size,
                "initial_urls": chance.choice((1, 3, 10)),
                "name_url": chance.choice(("report", "report", "report", "repeat", "asset")),
            },
            client={
                "max_concurrency": chance.choice((1, 2, 5, 16)),
                "early_slots": self.inject(0.3),
                **(IMPATIENT if loop == "virtual" else {}),
            },
            journal=journal,
            relayed=relayed,
            budget=chance.choice((1, 2, 3)),
            calls=calls,
            faults=self._faults(calls, loop),
            ending=ending,
            at=int(10 ** chance.uniform(0, 3.3)) - 1,
            change=chance.choice((*get_args(Change), "rewrite", "rewrite", "rewrite")),
            loop=loop,
        )

    def _calls(self, chunk_size: int, *, huge: bool) -> tuple[PlannedCall, ...]:
        count = 1 if huge or self.inject(0.7) else self.chance.randint(2, 6)
        calls = [self._call(f"{number}.mp4", chunk_size, huge=huge) for number in range(count)]
        if count > 1 and calls[0].source not in READ_ONCE and self.inject(0.5):
            calls[1] = calls[0]
        return tuple(calls)

    def _call(self, name: str, chunk_size: int, *, huge: bool) -> PlannedCall:
        chance = self.chance
        way: Way = chance.choice(("upload", "upload", "upload_file", "upload_file", "create"))
        source = chance.choice(PATHS if way == "upload_file" else SOURCES)
        if source == "pipe" and self.inject(0.5):
            source = "generator"
        size = HUGE + chance.randint(-1, 1) if huge else self._size(chunk_size)
        above = chance.choice((0, max(0, size - 1), size, 10**9))
        once = source in READ_ONCE
        return PlannedCall(
            name=name,
            way=way,
            source=source,
            size=size,
            in_tuple=way != "upload_file" and self.inject(0.3),
            chunked=way == "upload_file" or (way == "upload" and size > above and not once),
            options=self._options(name, way, above),
            progress=chance.choice(get_args(Progress)),
            cancelled_after=chance.uniform(0, 30) if self.inject(0.05) else None,
        )

    def _size(self, chunk_size: int) -> int:
        chance = self.chance
        many = 2_000_000 // chunk_size
        whole = chunk_size * chance.randint(1, min(many, chance.choice((2, 6, 60))))
        match chance.randint(0, 11):
            case 0:
                return chance.choice((0, 1))
            case 1 | 2:
                return chance.randint(1, chunk_size)
            case 3 | 4:
                return whole
            case 5 | 6:
                return whole - 1
            case 7 | 8:
                return whole + 1
            case _:
                return whole + chance.randint(0, chunk_size)

    def _options(self, name: str, way: Way, above: int) -> dict[str, Any]:
        chance = self.chance
        if way == "create":
            return {}
        options: dict[str, Any] = {
            "batch_size": chance.choice((1, 2, 3, 10)),
            "max_workers": chance.choice((1, 2, 5, 16)),
            "verify": chance.choice((None, "etag")),
        }
        if self.inject(0.5):
            options["resume_key"] = f"job {name}"
        if way == "upload":
            waits = {"wait_until_ready": self.inject(0.1), "ready_timeout": 30.0}
            return options | {"multipart_above": above, **waits}
        return options | {
            "digest": chance.choice((None, "sha256")),
            "if_busy": chance.choice(("raise", "wait")),
        }

    def _loop(self, calls: tuple[PlannedCall, ...]) -> LoopKind:
        real: LoopKind = self.chance.choice(("asyncio", "uvloop"))
        piped = any(call.source == "pipe" for call in calls)
        return real if piped or self.inject(0.05) else "virtual"

    def _ending(self, calls: tuple[PlannedCall, ...]) -> EndingKind:
        if self.inject(0.5):
            return "none"
        kinds: list[EndingKind] = ["cancel", "cancel twice", "cancel all", "close"]
        if calls[0].source in PATHS:
            kinds += ("change", "change", "change")
        return self.chance.choice(kinds)

    def _faults(self, calls: tuple[PlannedCall, ...], loop: LoopKind) -> tuple[PlannedFault, ...]:
        count = self.chance.choice((0, 1, 1, 2))
        return tuple(fault for _ in range(count) if (fault := self._fault(calls, loop)) is not None)

    def _fault(self, calls: tuple[PlannedCall, ...], loop: LoopKind) -> PlannedFault | None:
        chance = self.chance
        chunked = chance.choice(calls).chunked
        names = list(CATALOGUE) if chunked else list(DIRECT_FAULTS)
        if loop != "virtual":
            names = [name for name in names if name in QUICK_FAULTS]
        named = CATALOGUE[chance.choice(names)]
        route = chance.choice(named.routes) if chunked else DIRECT_ROUTE
        changes: dict[str, Any] = {}
        if self.inject(0.3):
            changes["after"] = chance.randint(1, 3)
        if route == "put" and self.inject(0.3):
            changes["chunk_index"] = chance.randint(1, 4)
        return PlannedFault(named.name, route, changes)
