"""Interrupted from the keyboard, or left behind by a loop that ends: nothing of an upload stays.

The emulator has a loop and a thread of its own, so that what is left is the client's; every run has
a loop of its own, in real time. The awaits are found by counting, as in ``test_cancellation``.
"""

import asyncio
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from support.files import CHUNK_SIZE, MakeFile
from support.leaks import foreign_threads, is_open, sockets_to
from support.steps import Steps
from yarl import URL

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

CHUNKS = 20
SAMPLES = 10
FIRST = 10
"""How many awaits are tried in any case: there the file is opened."""

EVERY = "EVERY_AWAIT" in os.environ


@define(eq=False)
class Elsewhere:
    """An emulator in another thread.

    Attributes:
        emulator: The platform.
        started: Set when it listens.
        loop: Its loop.
        over: Set when it shall end.
    """

    emulator: Emulator
    started: threading.Event
    loop: asyncio.AbstractEventLoop
    over: asyncio.Event

    async def serve(self) -> None:
        async with self.emulator:
            self.started.set()
            await self.over.wait()

    def ports(self) -> set[int]:
        origins = (self.emulator.base_url, self.emulator.store_url)
        return {port for origin in origins if (port := URL(origin).port)}


@contextmanager
def emulator_elsewhere() -> Generator[Elsewhere]:
    """Run an emulator in a thread of its own."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        there = Elsewhere(Emulator(chunk_size=CHUNK_SIZE), threading.Event(), loop, asyncio.Event())
        thread = threading.Thread(target=loop.run_until_complete, args=(there.serve(),))
        thread.start()
        there.started.wait()
        try:
            yield there
        finally:
            loop.call_soon_threadsafe(there.over.set)
            thread.join()


async def upload(emulator: Emulator, path: Path) -> object:
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        return await client.multipart_upload.upload_file(path, batch_size=3)


async def upload_a_handle(emulator: Emulator, path: Path) -> object:
    """Upload what is read in threads."""
    with path.open("rb") as file:
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
            return await client.upload(file, multipart_above=0, batch_size=3)


Call = Callable[[], Coroutine[Any, Any, object]]
Way = Callable[[asyncio.Runner, Steps, Call], None]


def to_its_end(runner: asyncio.Runner, steps: Steps, call: Call) -> None:
    """Let it end by itself."""

    async def main() -> None:
        steps.install(asyncio.get_running_loop())
        await steps.watch(call())

    runner.run(main())


def by_an_interrupt(runner: asyncio.Runner, steps: Steps, call: Call) -> None:
    """Press Ctrl-C: the runner cancels the main task, then tells of the interrupt."""
    steps.stop = lambda: signal.raise_signal(signal.SIGINT)
    _expect_interrupt(runner, steps, call)


def by_two_interrupts(runner: asyncio.Runner, steps: Steps, call: Call) -> None:
    """Press it again at once: the loop is torn out of its work, and cleans up when it is closed."""

    def press() -> None:
        signal.raise_signal(signal.SIGINT)
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)

    steps.stop = press
    _expect_interrupt(runner, steps, call)


def _expect_interrupt(runner: asyncio.Runner, steps: Steps, call: Call) -> None:
    try:
        to_its_end(runner, steps, call)
    except KeyboardInterrupt:
        assert steps.reached()
    else:
        assert not steps.reached()


def by_the_loops_end(runner: asyncio.Runner, steps: Steps, call: Call) -> None:
    """Return from the main task while the upload is still at work."""

    async def main() -> asyncio.Task[object]:
        loop = asyncio.get_running_loop()
        steps.install(loop)
        stopped = loop.create_future()
        steps.stop = stopped.cancel
        task = steps.watch(call())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task

    task = runner.run(main())
    runner.close()
    assert task.cancelled() or task.result()


def play(call: Call, stop_at: int | None, way: Way) -> Steps:
    """Upload on a loop of its own, end it somewhere, and check what is left."""
    steps = Steps(stop_at)
    complaints = list[str]()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
        way(runner, steps, call)
    assert [task for task in steps.tasks if not task.done()] == []
    assert complaints == []
    return steps


@pytest.mark.parametrize("what", [upload, upload_a_handle])
@pytest.mark.parametrize("way", [by_an_interrupt, by_two_interrupts, by_the_loops_end])
def test_an_upload_that_is_torn_down_at_any_await_leaves_nothing(
    way: Way,
    what: Callable[[Emulator, Path], Coroutine[Any, Any, object]],
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No task, socket, thread, descriptor or temporary file; and the next upload works."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with emulator_elsewhere() as there:
        call = partial(what, there.emulator, path)
        threads = foreign_threads()
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        awaits = play(call, None, to_its_end).seen
        reached = 0
        step = 1 if EVERY else max(1, awaits // SAMPLES)
        tried = sorted({*range(FIRST), *range(0, awaits, step)})
        for stop_at in tried:
            reached += play(call, stop_at, way).reached()
            assert sockets_to(there.ports()) == []
            assert not is_open(path)
            assert list(scratch.iterdir()) == []
        play(call, None, to_its_end)
        assert foreign_threads() == threads
    print(f"{what.__name__} {way.__name__}: ended at {reached} of {awaits} awaits")  # noqa: T201
    assert reached > 0.8 * len(tried)
