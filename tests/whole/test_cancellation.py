"""Cancelled at every await there is, whichever way, a call leaves nothing and the next one works.

The awaits are found by counting (``support.steps``), not listed: at each suspension of the call
and of every task that it has started, some runs later one is ended there. Over real sockets, on
the virtual clock. As it stands, a sample of them is tried; ``EVERY_AWAIT=1`` tries each.
"""

import asyncio
import gc
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

import anyio
import pytest
from attrs import Factory, define
from support.files import MakeFile
from support.leaks import foreign_threads, is_open, sockets, timers, under_way
from support.steps import Steps
from support.virtual_time import utcnow

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Cut, Emulator, Fault, store_error

CHUNKS = 20
CHUNK = 160_000
"""Bytes: more than one read of the page cache brings, so that a body has awaits of its own."""

SAMPLES = 12
"""How many of the awaits are tried where not each is."""

EVERY = "EVERY_AWAIT" in os.environ

Call = Callable[[AsyncTwelveLabs, Path], Awaitable[object]]


async def in_chunks(client: AsyncTwelveLabs, path: Path) -> object:
    return await client.multipart_upload.upload_file(path, batch_size=3)


async def told_of(client: AsyncTwelveLabs, path: Path) -> object:
    async def tell(progress: object) -> None:
        await asyncio.sleep(0)

    return await client.multipart_upload.upload_file(path, batch_size=3, progress_callback=tell)


async def one_request(client: AsyncTwelveLabs, path: Path) -> object:
    return await client.assets.create(method="direct", file=path)


async def any_way(client: AsyncTwelveLabs, path: Path) -> object:
    return await client.upload(path, wait_until_ready=True)


async def from_a_handle(client: AsyncTwelveLabs, path: Path) -> object:
    with path.open("rb") as file:
        return await client.upload(file, multipart_above=0, batch_size=3)


CALLS = {call.__name__: call for call in (in_chunks, told_of, one_request, any_way, from_a_handle)}


def rough_way() -> list[Fault]:
    """Return what makes an upload pause, ask for URLs and repeat a report."""
    slow_down = store_error(503, "SlowDown", "Please reduce your request rate.")
    return [
        Fault(route="put", chunk_index=3, action=slow_down),
        Fault(route="put", chunk_index=9, action=Cut("middle")),
        Fault(route="report", after=1, action=Cut("after")),
        Fault(route="presigned_urls", action=Cut("before")),
    ]


# What is left.


async def settled(nothing_left: Callable[[], bool]) -> bool:
    """Wait a little until nothing is left: the emulator may still be at a connection."""
    for _ in range(50):
        if nothing_left():
            return True
        await asyncio.sleep(0.01)
    return False


@define(eq=False)
class Playground:
    """An emulator, a file, and what each run must leave as it was.

    Attributes:
        emulator: The platform.
        path: The file.
        scratch: Where temporary files of the calls would be.
        rough: Whether the way there is rough.
        complaints: What the loop had to say.
    """

    emulator: Emulator
    path: Path
    scratch: Path
    rough: bool = False
    complaints: list[str] = Factory(list[str])

    async def run(self, call: Call, stop_at: int | None, how: "Ending") -> Steps:
        """Play a call, end it at a suspension, and check what is left."""
        before = sockets()
        steps = Steps(stop_at)
        self.emulator.faults.script[:] = rough_way() if self.rough else []
        steps.install(asyncio.get_running_loop())
        async with AsyncTwelveLabs(self.emulator.api_key, self.emulator.base_url) as client:
            before_call = under_way(client)
            await how(steps, call(client, self.path))
            self._check_ended(steps)
            assert under_way(client) == before_call
            self.emulator.faults.script.clear()
            await client.assets.create(method="direct", file=("small.mp4", b"next"))
        steps.install(asyncio.get_running_loop())
        assert await settled(lambda: sockets() == before), sockets() - before
        assert timers(steps) == []
        return steps

    def _check_ended(self, steps: Steps) -> None:
        assert [task for task in steps.tasks if not task.done()] == []
        assert not is_open(self.path)
        assert foreign_threads() == set()
        assert list(self.scratch.iterdir()) == []
        assert self.complaints == []


Ending = Callable[[Steps, Awaitable[object]], Awaitable[None]]


async def not_at_all(steps: Steps, call: Awaitable[object]) -> None:
    """Let a call end by itself."""
    await steps.watch(_whole(call))


async def _whole(call: Awaitable[object]) -> object:
    return await call


async def by_cancel(steps: Steps, call: Awaitable[object]) -> None:
    """Cancel the call's task."""
    task = steps.watch(_whole(call))
    steps.stop = task.cancel
    await asyncio.wait({task})
    assert task.cancelled() == steps.reached()


async def by_two_cancels(steps: Steps, call: Awaitable[object]) -> None:
    """Cancel the call's task, and again while it ends."""
    task = steps.watch(_whole(call))

    def cancel() -> None:
        task.cancel()
        asyncio.get_running_loop().call_soon(task.cancel)

    steps.stop = cancel
    await asyncio.wait({task})
    assert task.cancelled() == steps.reached()


async def by_timeout(steps: Steps, call: Awaitable[object]) -> None:
    """Let the time of an ``asyncio.timeout`` around the call be over."""

    async def bounded() -> None:
        async with asyncio.timeout(None) as scope:
            steps.stop = lambda: scope.reschedule(asyncio.get_running_loop().time())
            await call

    task = steps.watch(bounded())
    await asyncio.wait({task})
    assert isinstance(task.exception(), TimeoutError) == steps.reached()


async def by_anyio(steps: Steps, call: Awaitable[object]) -> None:
    """Cancel a scope of anyio around the call, which cancels it at every await from then on."""
    scope = anyio.CancelScope()

    async def scoped() -> None:
        with scope:
            steps.stop = scope.cancel
            await call

    task = steps.watch(scoped())
    await asyncio.wait({task})
    assert task.exception() is None
    if steps.reached() and not scope.cancelled_caught:  # anyio lets a call return that is about to
        assert steps.seen == cast("int", steps.stop_at) + 1, "it went on as if nothing had been"
    else:
        assert scope.cancelled_caught == steps.reached()


async def by_sibling(steps: Steps, call: Awaitable[object]) -> None:
    """Let another task of the same ``TaskGroup`` fail."""
    trouble = asyncio.get_running_loop().create_future()
    failure = LookupError("the sibling's")

    def fail() -> None:
        trouble.set_exception(failure)

    async def sibling() -> None:
        await trouble

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            beside = group.create_task(sibling())
            await call
            steps.stop_at = None  # what the group does now is no await of the call
            beside.cancel()

    steps.stop = fail
    task = steps.watch(grouped())
    await asyncio.wait({task})
    trouble.cancel()
    error = task.exception()
    if steps.reached():
        assert isinstance(error, ExceptionGroup)
        assert cast("ExceptionGroup[LookupError]", error).exceptions == (failure,)
    else:
        assert error is None


@pytest.fixture
async def playground(
    make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Playground]:
    """Yield an emulator, and a file of twenty chunks."""
    async with Emulator(chunk_size=CHUNK, now=utcnow) as emulator:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        ground = Playground(emulator, make_file(CHUNKS * CHUNK), scratch)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: ground.complaints.append(str(context)))
        yield ground
        gc.collect()  # so that what nobody has waited for complains now
        await asyncio.sleep(0)
        assert ground.complaints == []


def chosen(awaits: int, how: Ending) -> range:
    """Return which suspensions to try: each, or some, evenly spread, other ones for each ending."""
    step = 1 if EVERY else max(1, awaits // SAMPLES)
    return range(ENDINGS.index(how) % step, awaits, step)


ENDINGS: list[Ending] = [by_cancel, by_two_cancels, by_timeout, by_anyio, by_sibling]


async def sweep(playground: Playground, call: Call, how: Ending) -> None:
    """End a call at one await after another, each time in a run of its own."""
    awaits = (await playground.run(call, None, not_at_all)).seen
    tried = [await playground.run(call, k, how) for k in chosen(awaits, how)]
    reached = sum(steps.reached() for steps in tried)
    print(f"{call.__name__} {how.__name__}: ended at {reached} of {awaits} awaits")  # noqa: T201
    assert reached > 0.8 * len(tried)  # how many awaits a run has depends on the kernel a little


@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.parametrize("name", CALLS)
async def test_a_call_that_is_ended_at_any_await_leaves_nothing(
    name: str, how: Ending, playground: Playground
) -> None:
    """No task, timer, slot, socket, thread, descriptor or temporary file; and the client works."""
    await sweep(playground, CALLS[name], how)


@pytest.mark.parametrize("how", ENDINGS)
async def test_it_leaves_nothing_either_where_the_way_is_rough(
    how: Ending, playground: Playground
) -> None:
    """Ended in a pause, in a retry, in the repetition of a report, too."""
    playground.rough = True
    await sweep(playground, in_chunks, how)
