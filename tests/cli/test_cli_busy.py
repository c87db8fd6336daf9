"""Another process has the file: the command says so at once, and how to go on without waiting."""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.cli import (
    ESCAPE,
    PATIENCE,
    Shell,
    ended,
    on_terminal,
    place,
    posix,
    wait_for_screen,
)

from twelvelabs_async.emulator import Emulator, Fault, Stall

MakeSound = Callable[[str, float], Path]

pytestmark = [posix, pytest.mark.real_time]


def told(path: Path, pid: int) -> str:
    """Return what stands on standard error while a command waits for another process."""
    return (
        f"{path} is already being uploaded by {socket.gethostname()}:{pid}: waiting for that to "
        "end (Ctrl-C ends the wait; --no-journal does not wait, and makes another asset)"
    )


@asynccontextmanager
async def at_work(
    shell: Shell, emulator: Emulator, path: Path, *, stopped: bool
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Have another process in the middle of a file, and perhaps stopped there."""
    stall = emulator.faults.add(Fault(route="put", action=Stall(), chunk_index=2))
    process = await shell.start_beside(emulator, "upload", "--concurrency", "1", path)
    try:
        while not stall.hits:
            await asyncio.sleep(0)
        if stopped:
            process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    """Return the next line of a command's standard error."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE / 2):
        return (await process.stderr.readline()).decode().removesuffix("\n")


@pytest.mark.parametrize(
    ("options", "stopped"), [((), True), ((), False), (("--json",), True), (("--restart",), True)]
)
async def test_who_waits_says_for_whom_and_how_not_to(
    options: tuple[str, ...], stopped: bool, shell: Shell, noise: Path
) -> None:
    """In one line; when the other process is gone, the file arrives."""
    async with Emulator(chunk_size=50_000) as emulator:
        async with at_work(shell, emulator, noise, stopped=stopped) as other:
            waiting = await shell.start_beside(emulator, "upload", *options, noise)
            assert await line(waiting) == told(noise, other.pid)
            assert len(emulator.platform.uploads) == 1
        done = await ended(waiting)
    assert (done.code, done.err) == (0, "")


async def test_who_does_not_want_to_wait_need_not(shell: Shell, noise: Path) -> None:
    """What the warning advises is true: without a journal, the file arrives as another asset."""
    async with (
        Emulator(chunk_size=50_000) as emulator,
        at_work(shell, emulator, noise, stopped=True),
    ):
        done = await shell.run_beside(emulator, "upload", "--json", "--no-journal", noise)
        assert (done.code, done.err) == (0, "")
        assert len(emulator.platform.uploads) == 2


async def test_a_terminal_is_not_left_blank(shell: Shell, noise: Path) -> None:
    """The line stands there while the command waits, and Ctrl-C ends the wait."""
    async with (
        Emulator(chunk_size=50_000) as emulator,
        at_work(shell, emulator, noise, stopped=True) as other,
    ):
        with on_terminal(shell, "upload", noise, **place(emulator)) as (waiting, master):
            seen = await asyncio.to_thread(_read_until, master, "another asset)")
            waiting.send_signal(signal.SIGINT)
            rest = await asyncio.to_thread(wait_for_screen, master)
            assert await asyncio.to_thread(waiting.wait, PATIENCE) == 130
    assert told(noise, other.pid) in seen
    assert "waiting for that to end" not in rest
    assert "interrupted: 0 of 1 file arrived" in rest


def _read_until(master: int, text: str) -> str:
    seen = ""
    while text not in seen:
        seen += os.read(master, 2**16).decode(errors="replace")
    return re.sub(rf"{ESCAPE}\[[\d;?]*[A-Za-z]", "", seen)


async def test_one_file_that_is_taken_keeps_no_other_waiting(
    shell: Shell, noise: Path, make_sound: MakeSound
) -> None:
    """The others arrive; only the one that is taken is warned of."""
    other_file = make_sound("other.wav", 1)
    async with Emulator(chunk_size=50_000) as emulator:
        async with at_work(shell, emulator, noise, stopped=True) as other:
            waiting = await shell.start_beside(emulator, "upload", "--json", noise, other_file)
            assert await line(waiting) == told(noise, other.pid)
            assert waiting.stdout is not None
            async with asyncio.timeout(PATIENCE / 2):
                arrived = json.loads(await waiting.stdout.readline())
            assert arrived["path"] == str(other_file)
        done = await ended(waiting)
    assert (done.code, done.err) == (0, "")
