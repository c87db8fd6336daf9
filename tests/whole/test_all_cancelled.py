"""All tasks of the event loop cancelled, again and again, as some frameworks do at shutdown.

That hits the tasks which an upload has started for its own ending, too, even before they begin. The
awaits are found by counting, as in ``test_cancellation``.
"""

import asyncio
import os
from pathlib import Path

import pytest
from support.descriptors import is_free
from support.files import CHUNK_SIZE, MakeFile
from support.leaks import is_open
from support.steps import Steps

from twelvelabs_async import AsyncTwelveLabs, FileJournal
from twelvelabs_async.emulator import Emulator

CHUNKS = 4
SAMPLES = 60

EVERY = "EVERY_AWAIT" in os.environ


async def upload(emulator: Emulator, path: Path, directory: Path) -> None:
    journal = FileJournal(directory)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        await client.multipart_upload.upload_file(path, batch_size=2, max_workers=2)


async def cancelled(
    emulator: Emulator, path: Path, directory: Path, stop_at: int | None, times: int
) -> Steps:
    """Upload, and cancel all tasks of it at one await, and in the turns after it."""
    steps = Steps(stop_at)
    loop = asyncio.get_running_loop()

    def cancel_all(left: int = times) -> None:
        for task in steps.tasks:
            task.cancel()
        if left > 1:
            loop.call_soon(cancel_all, left - 1)

    steps.stop = cancel_all
    steps.install(loop)
    await asyncio.wait({steps.watch(upload(emulator, path, directory))})
    while going := [task for task in steps.tasks if not task.done()]:
        await asyncio.wait(going)
    loop.set_task_factory(None)
    return steps


@pytest.mark.parametrize("times", [2, 3])
async def test_when_all_tasks_are_cancelled_the_journals_entry_is_free(
    times: int, emulator: Emulator, make_file: MakeFile, tmp_path: Path
) -> None:
    """Nobody else could ever have it again; and no descriptor stays open."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    awaits = (await cancelled(emulator, path, tmp_path / "whole", None, 1)).seen
    held, reached = list[int](), 0
    for stop_at in range(0, awaits, 1 if EVERY else max(1, awaits // SAMPLES)):
        directory = tmp_path / f"{stop_at}"
        steps = await cancelled(emulator, path, directory, stop_at, times)
        reached += steps.reached()
        entries = list(directory.glob("*.journal"))
        if not all(is_free(entry) and not is_open(entry) for entry in entries):
            held.append(stop_at)
        assert not is_open(path)
    assert held == []
    assert reached > SAMPLES // 2
