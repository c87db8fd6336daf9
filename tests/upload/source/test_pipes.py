"""A silent pipe, cancelled again and again: no thread, descriptor or byte is lost."""

import asyncio
import gc
import io
import os
import pty
import socket
import subprocess
import sys
import threading
import tty
import weakref
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from attrs import define
from support.assets import read_asset
from support.descriptors import descriptors
from support.open_files import OnlyRead

from twelvelabs_async import AsyncTwelveLabs, SourceError
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.handles import only_one, open_handle
from twelvelabs_async._upload.source.pipes import has_read_under_way
from twelvelabs_async.emulator import Emulator

pytestmark = [pytest.mark.every_loop, pytest.mark.real_time]

DATA = os.urandom(300_000)


@define
class Line:
    """Two ends: what is written to one can be read from the other."""

    file: Any
    write: Callable[[bytes], object]
    end: Callable[[], object]


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, however little the other end takes at once."""
    while data:
        data = data[os.write(descriptor, data) :]


def a_pipe(stack: ExitStack, *, buffering: int) -> Line:
    reading, writing = os.pipe()
    file = stack.enter_context(open(reading, "rb", buffering=buffering))  # noqa: PTH123, SIM115
    return Line(file, lambda data: write_all(writing, data), lambda: os.close(writing))


def a_fifo(stack: ExitStack) -> Line:
    path = f"/tmp/twelvelabs-async-{os.getpid()}.fifo"  # noqa: S108
    os.mkfifo(path)
    stack.callback(os.unlink, path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writing = os.open(path, os.O_WRONLY)
    os.set_blocking(reading, True)
    file = stack.enter_context(open(reading, "rb"))  # noqa: PTH123, SIM115
    return Line(file, lambda data: write_all(writing, data), lambda: os.close(writing))


def a_process(stack: ExitStack) -> Line:
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S607
    stack.enter_context(process)
    assert process.stdin is not None
    stack.callback(process.stdin.close)
    descriptor = process.stdin.fileno()
    return Line(process.stdout, lambda data: write_all(descriptor, data), process.stdin.close)


def a_socket(stack: ExitStack, *, buffering: int | None, timeout: float | None = None) -> Line:
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    ours.settimeout(timeout)
    file = stack.enter_context(ours.makefile("rb", buffering=buffering))
    return Line(file, theirs.sendall, theirs.close)


def a_terminal(stack: ExitStack) -> Line:
    master, slave = pty.openpty()
    tty.setraw(slave)
    tty.setraw(master)
    file = stack.enter_context(open(master, "rb", buffering=0))  # noqa: PTH123, SIM115

    def flush_and_close() -> None:
        os.close(slave)

    return Line(file, lambda data: write_all(slave, data), flush_and_close)


def only_read(stack: ExitStack) -> Line:
    line = a_pipe(stack, buffering=0)
    line.file = OnlyRead(line.file)
    return line


class SlottedPipe:
    """As ``OnlyRead``, and weak references to it cannot be made."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: io.FileIO) -> None:
        self.pipe = pipe

    def read(self, size: int) -> bytes:
        return self.pipe.read(size)


def slotted(stack: ExitStack) -> Line:
    line = a_pipe(stack, buffering=0)
    line.file = SlottedPipe(line.file)
    return line


def both_ways(stack: ExitStack) -> Line:
    ours, theirs = socket.socketpair()
    file = stack.enter_context(ours.makefile("rwb"))
    stack.enter_context(ours)
    return Line(file, theirs.sendall, theirs.close)


WATCHED: dict[str, Callable[[ExitStack], Line]] = {
    "a pipe": lambda stack: a_pipe(stack, buffering=0),
    "a buffered pipe": lambda stack: a_pipe(stack, buffering=-1),
    "a FIFO": a_fifo,
    "the output of a process": a_process,
    "a socket": lambda stack: a_socket(stack, buffering=0),
    "a buffered socket": lambda stack: a_socket(stack, buffering=None),
}
"""What the event loop can watch."""

THREADED: dict[str, Callable[[ExitStack], Line]] = {
    "an object that reads": only_read,
    "an object without weak references": slotted,
    "a socket for both ways": both_ways,
}


@contextmanager
def opened_line(make: Callable[[ExitStack], Line]) -> Generator[Line]:
    with ExitStack() as stack:
        yield make(stack)


def pipe_threads() -> int:
    return sum("pipe" in thread.name for thread in threading.enumerate())


async def read_all(file: IO[bytes]) -> bytes:
    """Read a file to its end, as an upload does."""
    data = bytearray()
    with only_one("a.mp4", file):
        async with open_handle("a.mp4", file, Threads()) as source:
            view = memoryview(bytearray(2**18))
            while count := await source.read_into(view, len(data)):
                data += view[:count]
    return bytes(data)


async def cancel_waiting(file: IO[bytes], waits: Callable[[], bool]) -> None:
    """Begin to read, and give up when the read waits."""
    reading = asyncio.create_task(read_all(file))
    for _ in range(20_000):
        if waits() or reading.done():
            break
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def written_and_read(line: Line, data: bytes) -> bytes:
    """Return what is read while ``data`` is written."""
    reading = asyncio.create_task(read_all(line.file))
    await asyncio.to_thread(line.write, data)
    await asyncio.to_thread(line.end)
    return await reading


@pytest.mark.parametrize("kind", WATCHED)
async def test_a_cancelled_read_of_a_pipe_leaves_nothing_behind(kind: str) -> None:
    """Neither a thread nor a descriptor; and all that comes later is read."""
    with opened_line(WATCHED[kind]) as line:
        before = descriptors()
        for _ in range(20):
            await cancel_waiting(line.file, lambda: descriptors() > before)
            assert descriptors() == before
        while pipe_threads():
            await asyncio.sleep(0)
        assert not has_read_under_way(line.file)
        assert await written_and_read(line, DATA) == DATA


@pytest.mark.parametrize("kind", WATCHED)
async def test_the_caller_reads_what_comes_after_a_cancelled_upload(kind: str) -> None:
    """From the first byte on."""
    with opened_line(WATCHED[kind]) as line:
        before = descriptors()
        await cancel_waiting(line.file, lambda: descriptors() > before)
        line.write(b"hello")
        line.end()
        assert line.file.read(5) == b"hello"


async def test_a_terminal_is_watched_too() -> None:
    """What is typed after a cancelled upload is the next reader's."""
    with opened_line(a_terminal) as line:
        before = descriptors()
        for _ in range(3):
            await cancel_waiting(line.file, lambda: descriptors() > before)
        assert pipe_threads() == 0
        line.write(b"hello")
        assert await asyncio.to_thread(line.file.read, 5) == b"hello"
        line.end()


@pytest.mark.parametrize("kind", THREADED)
async def test_a_read_that_was_left_behind_is_the_next_ones(kind: str) -> None:
    """One thread for an object, however often it is tried; what it reads is not lost."""
    with opened_line(THREADED[kind]) as line:
        for _ in range(20):
            await cancel_waiting(line.file, lambda: pipe_threads() == 1)
            assert pipe_threads() == 1
            assert has_read_under_way(line.file)
        assert await written_and_read(line, DATA) == DATA
        assert not has_read_under_way(line.file)


async def test_a_socket_with_a_timeout_keeps_it() -> None:
    """It is read in a thread, where the timeout counts."""
    with (
        opened_line(lambda stack: a_socket(stack, buffering=0, timeout=0.01)) as line,
        pytest.raises(SourceError, match="timed out"),
    ):
        await read_all(line.file)
    line.end()


async def test_what_a_file_has_read_ahead_is_not_waited_for() -> None:
    """A caller reads the first line; the second one is in the file's buffer, not in the pipe."""
    with opened_line(WATCHED["a buffered pipe"]) as line:
        line.write(b"first\nsecond\n")
        assert line.file.readline() == b"first\n"
        async with open_handle("a.mp4", line.file, Threads()) as source:
            view = memoryview(bytearray(7))
            assert await source.read_into(view, 0) == 7
            assert bytes(view) == b"second\n"
        line.end()


class Piece(bytearray):
    """Bytes of which it can be seen whether anybody has them."""


async def test_what_was_read_goes_with_its_pipe() -> None:
    """Nothing is kept for an object that nobody has any more."""
    begin, pieces = threading.Event(), list[weakref.ref[Piece]]()

    class Pipe:
        def read(self, _: int) -> Piece:
            begin.wait()
            piece = Piece(b"x")
            pieces.append(weakref.ref(piece))
            return piece

    pipe: Any = Pipe()
    reading = asyncio.create_task(read_all(pipe))
    while not pipe_threads():
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait({reading})
    begin.set()
    while pipe_threads():
        await asyncio.sleep(0)
    assert has_read_under_way(pipe)
    assert pieces[0]() is not None
    del pipe, reading
    await asyncio.sleep(0)  # the loop holds what the thread has told it
    gc.collect()
    assert pieces[0]() is None


async def test_a_closed_pipe_is_refused_while_a_read_of_it_waits() -> None:
    """It is not waited for."""

    class Closable(OnlyRead):
        closed = False

    with opened_line(WATCHED["a pipe"]) as line:
        file: Any = Closable(line.file)
        await cancel_waiting(file, lambda: pipe_threads() == 1)
        file.closed = True
        with pytest.raises(SourceError, match="it is closed"):
            await read_all(file)
        line.end()
        while pipe_threads():
            await asyncio.sleep(0)


@pytest.mark.parametrize("kind", ["a buffered pipe", "an object that reads"])
async def test_a_cancelled_upload_of_a_pipe_is_made_again(kind: str) -> None:
    """The asset has every byte."""
    async with (
        Emulator() as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        with opened_line({**WATCHED, **THREADED}[kind]) as line:
            for turns in range(0, 100, 10):
                upload = asyncio.create_task(client.upload(("a.mp4", line.file)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                upload.cancel()
                await asyncio.wait({upload})
            upload = asyncio.create_task(client.upload(("a.mp4", line.file)))
            await asyncio.to_thread(line.write, DATA)
            line.end()
            assert await read_asset(emulator, (await upload).id) == DATA


async def test_a_program_ends_after_a_cancelled_upload_of_its_input(tmp_path: Path) -> None:
    """Python dies of a thread that still reads the standard input when it ends."""
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, sys\n"
        "from twelvelabs_async._core.threads import Threads\n"
        "from twelvelabs_async._upload.source.handles import open_handle\n"
        "async def main():\n"
        "    async with open_handle('a.mp4', sys.stdin.buffer, Threads()) as source:\n"
        "        print('reading', flush=True)\n"
        "        await asyncio.wait_for(source.read_into(memoryview(bytearray(9)), 0), 0.2)\n"
        "asyncio.run(main())\n"
    )
    program = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert program.stderr is not None
    said = await program.stderr.read()
    assert await program.wait() == 1
    assert said.decode().rstrip().endswith("TimeoutError")
