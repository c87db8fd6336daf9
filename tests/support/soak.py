"""One step of the soak: uploads under faults, chaos and endings, then a count of everything.

A step has an event loop, an emulator and a client of its own. While its calls run, whatever the
plan says goes wrong. Then the disturbances end, and an upload that did not arrive goes on, with the
journal or by the session that its error names. ``Step._judge`` says how a call may end,
``Step._check_assets`` which assets there may be.
"""

import asyncio
import fcntl
import hashlib
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

from attrs import Factory, define
from yarl import URL

from support.chaos import ChaosRelay, chaos_relay
from support.leaks import is_open, sockets_to, under_way
from support.soak_books import Happened, SoakBooks, SoakFile
from support.soak_plan import PATHS, Plan, PlannedCall, Progress
from support.soak_process import SETTLING, in_a_loop
from support.soak_sources import change, given, write
from support.steps import Steps
from support.virtual_time import utcnow
from twelvelabs_async import (
    AsyncTwelveLabs,
    ClientClosedError,
    FileJournal,
    OutcomeUnknownError,
    TwelveLabsError,
    UploadError,
    UploadProgress,
)
from twelvelabs_async.emulator import Emulator, Fault, named_fault

DEADLINE = 6 * 3600.0
"""Seconds of the loop's clock after which a call is taken to hang."""

REPEATS = 3
"""Calls that go on with an upload; the last one begins anew."""


def play(plan: Plan, place: Path, scratch: Path, books: SoakBooks) -> None:
    """Play a step in a loop of its own.

    Args:
        plan: The step.
        place: A directory for it, which is made.
        scratch: Where temporary files would be left.
        books: What keeps the figures.

    Raises:
        AssertionError: A promise was broken.
        HungError: It did not end.
    """
    place.mkdir()
    now = utcnow if plan.loop == "virtual" else None
    emulator = Emulator(data_dir=place / "emulator", now=now, **plan.emulator)
    in_a_loop(plan.loop, Step(plan, place, scratch, books, emulator).play)
    books.steps += 1


@define(eq=False)
class Step:
    """A step that is being played; see the module."""

    plan: Plan
    place: Path
    scratch: Path
    books: SoakBooks
    emulator: Emulator
    relays: dict[str, ChaosRelay] = Factory(dict[str, ChaosRelay])
    files: dict[str, SoakFile] = Factory(dict[str, SoakFile])
    faults: list[Fault] = Factory(list[Fault])
    changed: bool = False
    cancelled: set[asyncio.Task[str]] = Factory(set["asyncio.Task[str]"])
    closing: list[asyncio.Task[None]] = Factory(list["asyncio.Task[None]"])

    async def play(self) -> None:
        """Play the step, and check it."""
        random.seed(f"{self.plan.seed} {self.plan.step}")  # the jitter of pauses
        async with self.emulator, AsyncExitStack() as stack:
            await self._prepare(stack)
            await self._disturbed()
            await self._go_on()
            await self._check_assets()
            self._check_faults()
            self._check_locks()

    # The scene.

    async def _prepare(self, stack: AsyncExitStack) -> None:
        for origin in self.plan.relayed:
            self.relays[origin] = await stack.enter_async_context(self._relay(origin))
        if "store" in self.relays:
            self.emulator.platform.store_url = str(self.relays["store"].url.origin())
        for name, size in {call.name: call.size for call in self.plan.calls}.items():
            file = self.files[name] = SoakFile(self.place / name)
            file.hold(self.plan.chance(name).randbytes(size))
            write(file.path, file.content or b"")
        for fault in self.plan.faults:
            scripted = named_fault(fault.name, route=fault.route, **fault.changes)
            self.faults.append(self.emulator.faults.add(scripted))

    def _relay(self, origin: str) -> AbstractAsyncContextManager[ChaosRelay]:
        url = self.emulator.base_url if origin == "api" else self.emulator.store_url
        patient = self.plan.loop == "virtual"
        return chaos_relay(url, self.plan.chance(origin), self.plan.budget, patient=patient)

    def _client(self) -> AsyncTwelveLabs:
        relay = self.relays.get("api")
        base_url = self.emulator.base_url if relay is None else str(relay.url / "v1.3")
        journal = FileJournal(self.place / "journal") if self.plan.journal else None
        options = self.plan.client
        return AsyncTwelveLabs(self.emulator.api_key, base_url, journal=journal, **options)

    def _ports(self) -> set[int]:
        """Return the ports to which a client of this step connects."""
        fronts = {"api": self.emulator.base_url, "store": self.emulator.store_url}
        fronts |= {name: str(relay.url) for name, relay in self.relays.items()}
        return {port for url in fronts.values() if (port := URL(url).port)}

    # The calls, while things go wrong.

    async def _disturbed(self) -> None:
        """Make all calls at once, do to them what the plan says, and judge how they end."""
        loop = asyncio.get_running_loop()
        steps = Steps(None if self.plan.ending == "none" else self.plan.at)
        async with self._client() as client, AsyncExitStack() as stack:
            before = under_way(client)
            sources = {
                name: await stack.enter_async_context(self._given(call))
                for name, call in self.plan.by_name().items()
            }
            steps.install(loop)
            calls = [self._call(call, client, sources[call.name]) for call in self.plan.calls]
            tasks = [steps.watch(call) for call in calls]
            steps.stop = lambda: self._end(tasks, client)
            await _ended(tasks)
            await asyncio.gather(*self.closing)
            loop.set_task_factory(None)
            left = [task for task in steps.tasks if not task.done()]
            assert not left, f"calls have left tasks: {left}"
            for call, task in zip(self.plan.calls, tasks, strict=True):
                self._judge(call, task)
            assert under_way(client) == before, "calls have left slots taken"
            assert not any(is_open(file.path) for file in self.files.values())
            await self._calm()
            await self._next(client)
        await self._check_closed()

    def _given(self, call: PlannedCall) -> AbstractAsyncContextManager[Any]:
        file = self.files[call.name]
        chance = self.plan.chance(f"source {call.name}")
        return given(call.source, file.path, file.content or b"", chance)

    async def _call(self, call: PlannedCall, client: AsyncTwelveLabs, source: Any) -> str:
        async with asyncio.timeout(call.cancelled_after):
            return await self._made(call, client, source)

    async def _made(
        self, call: PlannedCall, client: AsyncTwelveLabs, source: Any, **changes: Any
    ) -> str:
        """Make a call, and return the asset's id."""
        options: dict[str, Any] = {"filename": call.name, **call.options, **changes}
        handed: Any = (call.name, source) if call.in_tuple else source
        if call.way == "create":
            return (await client.assets.create(method="direct", file=handed, **options)).id
        options["progress_callback"] = _callback(call.progress)
        if call.way == "upload":
            return (await client.upload(handed, **options)).id
        result = await client.multipart_upload.upload_file(handed, **options)
        file = self.files[call.name]
        assert result.total_size in file.sizes
        assert result.sha256 in (file.digests if options["digest"] else {None})
        return result.asset_id

    def _end(self, tasks: list[asyncio.Task[str]], client: AsyncTwelveLabs) -> None:
        """Do to the calls what the plan says; this happens at a suspension of one of them."""
        going = [task for task in tasks if not task.done()]
        chance = self.plan.chance("ending")
        self.books.endings[self.plan.ending] += 1
        match self.plan.ending:
            case "cancel" | "cancel twice" if going:
                going = [chance.choice(going)]
                self._cancel(going)
                if self.plan.ending == "cancel twice":
                    asyncio.get_running_loop().call_soon(going[0].cancel)
            case "cancel all":
                self._cancel(going)
            case "close":
                turns = (0, chance.randint(0, 4))
                self.closing += [asyncio.ensure_future(_close(client, n)) for n in turns]
            case "change":
                file = self.files[self.plan.calls[0].name]
                file.hold(change(file.path, self.plan.change, chance))
                self.changed = True
            case _:
                pass

    def _cancel(self, tasks: list[asyncio.Task[str]]) -> None:
        for task in tasks:
            task.cancel()
        self.cancelled.update(tasks)

    # How a call may end.

    def _judge(self, call: PlannedCall, task: asyncio.Task[str]) -> None:
        file = self.files[call.name]
        assert task.cancelled() == (task in self.cancelled), f"a cancellation was lost: {task}"
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or (isinstance(error, TimeoutError) and call.cancelled_after):
            file.unknown += 1
            self.books.outcomes["cancelled"] += 1
        elif error is None:
            file.returned.add(task.result())
            self.books.outcomes["asset"] += 1
        elif isinstance(error, TwelveLabsError):
            self._judge_error(call, file, error)
        else:
            raise AssertionError(f"{call.name} ended in a foreign error") from error

    def _judge_error(self, call: PlannedCall, file: SoakFile, error: TwelveLabsError) -> None:
        whole = isinstance(error, UploadError)
        cause = error.__cause__ if whole else error
        waited = bool(call.options.get("wait_until_ready"))
        self.books.outcomes[type(cause).__name__] += 1
        if not (whole or waited or call.way == "create"):
            raise AssertionError(f"{call.name} ended in no UploadError") from error
        if not self._happened().explains(call, cause):
            raise AssertionError(f"{call.name} failed without a reason") from error
        unknown = call.chunked or isinstance(cause, OutcomeUnknownError) or (waited and not whole)
        file.unknown += unknown
        file.failure = error if isinstance(error, UploadError) else None

    def _happened(self) -> Happened:
        pairs = zip(self.plan.faults, self.faults, strict=True)
        return Happened(
            plan=self.plan,
            faults=frozenset(planned.name for planned, fault in pairs if fault.hits),
            broken=any(relay.broken for relay in self.relays.values()),
            closed=bool(self.closing),
            changed=self.changed,
        )

    # Afterwards.

    async def _calm(self) -> None:
        """End every disturbance, and every connection that may have suffered."""
        self.emulator.faults.script.clear()
        for relay in self.relays.values():
            await relay.become_calm()
        await _turns(50)  # the client's end, in the same loop, notices the closed connections

    async def _next(self, client: AsyncTwelveLabs) -> None:
        """Use the client once more: it works, or says that it is closed."""
        try:
            asset = await client.assets.create(method="direct", file=("next.mp4", b"next"))
        except ClientClosedError:
            assert self.closing
        else:
            assert await self.emulator.sha256(asset.id) == hashlib.sha256(b"next").hexdigest()

    async def _go_on(self) -> None:
        """Go on with each upload of a path that has not arrived; nothing is in the way now."""
        happened = self._happened()
        async with self._client() as client, asyncio.timeout(DEADLINE):
            for call in self.plan.by_name().values():
                file = self.files[call.name]
                if not call.chunked or call.source not in PATHS or not file.content:
                    continue
                if self.plan.journal and not file.returned:
                    await self._repeat(call, client, file, refusable=happened.touches(call))
                elif file.failure and file.failure.upload_id and not happened.touches(call):
                    await self._resume(client, file, file.failure, over=happened.ends_session())
        await self._check_closed()

    async def _repeat(
        self, call: PlannedCall, client: AsyncTwelveLabs, file: SoakFile, *, refusable: bool
    ) -> None:
        """Make the same call again, which the journal lets go on; a changed file is refused."""
        file.unknown += len(self._whole(call.name))  # where the journal says that this one is over
        for number in range(REPEATS):
            changes = {"resume": False} if number == REPEATS - 1 else {}
            try:
                file.returned.add(await self._made(call, client, file.path, **changes))
            except UploadError as error:
                file.unknown += 1
                if not refusable or changes:
                    raise AssertionError(f"{call.name} does not go on") from error
            else:
                self.books.outcomes[f"asset by call {number + 2}"] += 1
                return

    async def _resume(
        self, client: AsyncTwelveLabs, file: SoakFile, failure: UploadError, *, over: bool
    ) -> None:
        """Go on with the session that an error names; no journal is needed for it."""
        try:
            result = await client.multipart_upload.resume(
                failure.upload_id or "",
                file.path,
                asset_id=failure.asset_id,
                upload_headers=failure.upload_headers,
            )
        except UploadError as error:
            if not over:
                raise AssertionError(f"{file.path.name} cannot be resumed") from error
            self.books.outcomes["not resumed"] += 1
        else:
            file.returned.add(result.asset_id)
            self.books.outcomes["asset, resumed"] += 1

    # What there must be in the end.

    async def _check_closed(self) -> None:
        ports = self._ports()
        assert await _settled(lambda: not sockets_to(ports)), "a closed client has connections"
        assert list(self.scratch.iterdir()) == [], "temporary files are left"

    async def _check_assets(self) -> None:
        """Each asset is a file that was there, and was returned or, perhaps, made unseen."""
        for name, file in self.files.items():
            whole = self._whole(name)
            assert file.returned <= whole, f"{name}: an asset was returned that is not there"
            surplus = len(whole - file.returned)
            assert surplus <= file.unknown, f"{name}: {surplus} assets too many"
            for asset_id in whole:
                assert await self.emulator.sha256(asset_id) in file.digests, f"{name} is mixed"
                self.books.bytes += self.emulator.platform.assets[asset_id].size

    def _whole(self, name: str) -> set[str]:
        """Return the assets of a name of which the platform has every byte."""
        assets = self.emulator.platform.assets.values()
        return {a.asset_id for a in assets if a.filename == name and a.received_at is not None}

    def _check_faults(self) -> None:
        """A fault that did not happen has waited for a request that never came."""
        hits = sum(fault.hits for fault in self.faults)
        for planned, fault in zip(self.plan.faults, self.faults, strict=True):
            self.books.faults[planned.name] += fault.hits
            self.books.unreached += not fault.hits
            passed = fault.hits or fault.seen <= fault.after + hits
            assert passed, f"{planned} did not happen to {fault.seen} requests"
        for relay in self.relays.values():
            self.books.chaos.update(relay.acts)

    def _check_locks(self) -> None:
        """The journal has entries and nothing else, and nobody has them."""
        for entry in (self.place / "journal").glob("*"):
            assert entry.suffix == ".journal", f"the journal has left {entry.name}"
            with entry.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _callback(kind: Progress) -> Any:
    async def take(progress: UploadProgress) -> None:
        await _turns(10)

    def fail(progress: UploadProgress) -> None:
        raise LookupError("the callback's own")

    return {"none": None, "sync": str, "async": take, "raising": fail}[kind]


async def _close(client: AsyncTwelveLabs, turns: int) -> None:
    """Close a client some turns of the loop from now."""
    await _turns(turns)
    await client.close()


async def _turns(count: int) -> None:
    """Let the loop make some turns, each of which also reads what has come from sockets."""
    for _ in range(count):
        await asyncio.sleep(0)


async def _ended(tasks: list[asyncio.Task[str]]) -> None:
    _, hanging = await asyncio.wait(tasks, timeout=DEADLINE)
    stacks = [task.get_stack() for task in hanging]
    for task in hanging:
        task.cancel()
    assert not hanging, f"calls hang: {stacks}"


async def _settled(nothing_left: Callable[[], bool]) -> bool:
    """Poll in real time until nothing is left: the kernel tells nobody of a connection's end."""
    until = time.monotonic() + SETTLING
    while not nothing_left() and time.monotonic() < until:
        await asyncio.sleep(0.01)
    return nothing_left()
