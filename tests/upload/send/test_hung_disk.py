"""A disk that hangs holds up its own uploads and nothing else, and no cancellation for long.

On a real file system that hangs (FUSE), where this system has it, and by reads that hang. All in
real time: a thread that hangs stops a virtual clock.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import Factory, define
from support.cli import Shell, ended, posix
from support.descriptors import is_free
from support.files import CHUNK_SIZE, MakeFile
from support.fuse import LOOKUP, OPEN, READ, FuseDisk, fuse_disk
from support.leaks import is_open

from twelvelabs_async import AsyncTwelveLabs, FileJournal, SourceError
from twelvelabs_async._core.threads import NAME, SHARED_THREADS
from twelvelabs_async._upload.source.handles import only_one
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.journal._disk import Disk

pytestmark = [pytest.mark.real_time, posix]

GRACE = 0.2
PATIENCE = 20.0
"""Seconds that a busy machine may take for what is done at once."""

HUNG = 2 * SHARED_THREADS
"""Uploads that hang: more than there are threads for all, and than the event loop has of its own
on a small machine."""

HANG = """
import os, threading
real = os.preadv
def hang(fd, views, offset, flags=0):
    if flags:
        raise BlockingIOError
    print("hangs", flush=True)
    threading.Event().wait()
os.preadv = hang
"""


@define(eq=False)
class HangingReads:
    """Reads of some files hang, beneath everything else; others go on."""

    names: set[str] = Factory(set[str])
    begun: threading.Semaphore = Factory(lambda: threading.Semaphore(0))
    go_on: threading.Event = Factory(threading.Event)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the package and the system."""
        real = os.preadv

        def preadv(fd: int, views: list[memoryview], offset: int, flags: int = 0) -> int:
            if Path(f"/proc/self/fd/{fd}").readlink().name in self.names:
                if flags:
                    raise BlockingIOError
                self.begun.release()
                self.go_on.wait()
            return real(fd, views, offset, flags)

        monkeypatch.setattr(os, "preadv", preadv)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what is waited for in real time short."""
    monkeypatch.setattr("twelvelabs_async._core.lanes.GRACE", GRACE)
    monkeypatch.setattr("twelvelabs_async._upload.steps.rescue.RESCUE_SECONDS", GRACE)
    monkeypatch.setattr("twelvelabs_async._upload.send.body.STUCK_SECONDS", GRACE)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingReads]:
    """Yield reads that can hang, and go on in the end."""
    reads = HangingReads()
    reads.install(monkeypatch)
    yield reads
    reads.go_on.set()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FuseDisk]:
    """Yield a file system that can hang."""
    directory = tmp_path / "disk"
    directory.mkdir()
    with fuse_disk(directory, bytes(range(250)) * CHUNK_SIZE) as disk:
        yield disk


def working() -> int:
    return sum(thread.name == NAME for thread in threading.enumerate())


async def until(done: Callable[[], bool]) -> None:
    """Wait for what threads do at once."""
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.01)


async def begun(hanging: HangingReads, times: int) -> None:
    """Wait until so many reads more hang."""
    found = 0
    async with asyncio.timeout(PATIENCE):
        while found < times:
            found += hanging.begun.acquire(blocking=False)
            await asyncio.sleep(0.001)


async def cancelled(task: "asyncio.Task[object]", seconds: float) -> None:
    """Cancel a task, which must end within so many seconds."""
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=seconds)
    assert done, f"it goes on after {seconds} s"
    assert task.cancelled()


async def check_host_is_free() -> None:
    """Check that each of the event loop's own threads can be had."""
    most = min(32, (os.cpu_count() or 1) + 4)
    barrier = threading.Barrier(most)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(asyncio.to_thread(barrier.wait, PATIENCE) for _ in range(most)))


def start(client: AsyncTwelveLabs, path: Path) -> "asyncio.Task[object]":
    return asyncio.create_task(client.multipart_upload.upload_file(path))


async def test_disks_that_hang_hold_up_nobody_else(
    hanging: HangingReads, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The host has its threads, a healthy file arrives, and all hung uploads can be cancelled."""
    paths = [make_file(3 * CHUNK_SIZE, f"hung{number}.mp4") for number in range(HUNG)]
    hanging.names.update(path.name for path in paths)
    uploads = [start(client, path) for path in paths]
    await begun(hanging, HUNG)
    await check_host_is_free()
    healthy = make_file(30 * CHUNK_SIZE, "healthy.mp4")
    async with asyncio.timeout(PATIENCE):
        await start(client, healthy)
    await asyncio.gather(*(cancelled(upload, 3 * GRACE + 2) for upload in uploads))
    assert all(is_open(path) for path in paths)  # the threads own what they use
    async with asyncio.timeout(PATIENCE):
        await client.close()
    hanging.go_on.set()
    await until(lambda: not working())
    assert not any(is_open(path) for path in paths)


async def test_cancelled_uploads_from_a_hung_disk_admit_others(
    hanging: HangingReads, emulator: Emulator, make_file: MakeFile
) -> None:
    """However many of them there were."""
    hung, healthy = make_file(CHUNK_SIZE, "hung.mp4"), make_file(CHUNK_SIZE, "healthy.mp4")
    hanging.names.add(hung.name)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=1) as client:
        for _ in range(3):
            uploads = [start(client, hung) for _ in range(2)]
            await begun(hanging, 1)
            await asyncio.gather(*(cancelled(upload, 3 * GRACE + 2) for upload in uploads))
        async with asyncio.timeout(PATIENCE):
            await start(client, healthy)
        hanging.go_on.set()
        await until(lambda: not is_open(hung))


@pytest.mark.parametrize("step", ["sync", "truncate", "write"])
async def test_a_journal_on_a_hung_disk_is_left_behind(
    step: str, emulator: Emulator, make_file: MakeFile, tmp_path: Path
) -> None:
    """Its lock is given back when the disk is back: nobody else writes to the file before."""
    entered, go_on = threading.Event(), threading.Event()
    real = {"sync": os.fsync, "truncate": os.ftruncate, "write": os.write}[step]

    def hang(*given: object) -> object:
        if step != "write" or len(given[1]) != 512:  # type: ignore[arg-type] # not the header
            entered.set()
            go_on.wait()
        return real(*given)  # type: ignore[operator]

    journal = FileJournal(tmp_path / "journal", disk=Disk(**{step: hang}))  # type: ignore[arg-type]
    path = make_file(3 * CHUNK_SIZE)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        upload = start(client, path)
        await until(entered.is_set)
        await check_host_is_free()
        await cancelled(upload, 4 * GRACE + 2)
        (entry,) = (tmp_path / "journal").iterdir()
        assert not is_free(entry)
        go_on.set()
        await until(lambda: not entry.exists() or is_free(entry))
        await start(client, path)
    assert not is_open(path)


def is_in_use(file: object) -> bool:
    """Whether an upload, or a thread that one has left behind, still uses an open file."""
    try:
        with only_one("it", file):
            return False
    except SourceError:
        return True


async def test_an_open_file_whose_read_hangs_is_left_to_its_thread(
    client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """No second upload gets it before the thread has left it where it stood; the path is free."""
    entered, go_on = threading.Event(), threading.Event()

    class HangingFile:
        """An open file whose reads hang."""

        def __init__(self, path: Path) -> None:
            self.file = path.open("rb")

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

        def read(self, size: int = -1) -> bytes:
            if size:
                entered.set()
                go_on.wait()
            return self.file.read(size)

    path = make_file(CHUNK_SIZE)
    file = HangingFile(path)
    with file.file, path.open("rb") as opened_again:
        file.file.seek(7)
        upload = asyncio.create_task(client.upload(file, filename="video.mp4"))
        await until(entered.is_set)
        await client.upload(opened_again)
        await cancelled(upload, 2 * GRACE + 2)
        await client.upload(opened_again)
        with pytest.raises(Exception, match="being uploaded already"):
            await client.upload(file, filename="video.mp4")
        go_on.set()
        await until(lambda: file.file.tell() == 7 and not is_in_use(file))
        await client.upload(file, filename="video.mp4")


@pytest.mark.parametrize("after", [LOOKUP, OPEN, READ], ids=["look", "open", "read"])
async def test_a_real_disk_that_hangs_is_left_behind(
    after: int, disk: FuseDisk, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Whatever it hangs at: the upload can be cancelled, and others go on."""
    disk.hang(after=after)
    upload = start(client, disk.path)
    await until(disk.hanging.is_set)
    await check_host_is_free()
    async with asyncio.timeout(PATIENCE):
        await start(client, make_file(3 * CHUNK_SIZE, "healthy.mp4"))
    await cancelled(upload, 3 * GRACE + 2)
    disk.come_back()
    await until(lambda: not is_open(disk.path))
    await start(client, disk.path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_command_ends_though_its_disk_never_comes_back(
    number: int, emulator: Emulator, shell: Shell, noise: Path
) -> None:
    """On the second signal at the latest, and cleanly."""
    process = await shell.start_beside(emulator, "upload", noise, before=HANG)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"hangs\n"
    process.send_signal(number)
    process.send_signal(number)
    done = await ended(process)
    assert done.code == 128 + number
    assert "Traceback" not in done.err


async def test_a_signal_that_another_thread_takes_ends_a_command(
    emulator: Emulator, shell: Shell, noise: Path
) -> None:
    """The system may give it to any; the event loop would sleep on."""
    itself = "import signal; signal.pthread_kill(threading.get_ident(), signal.SIGTERM)"
    before = HANG.replace('print("hangs", flush=True)', itself)
    done = await shell.run_beside(emulator, "upload", noise, before=before)
    assert done.code == 128 + signal.SIGTERM


async def test_a_command_ends_though_a_real_disk_never_comes_back(
    disk: FuseDisk, emulator: Emulator, shell: Shell
) -> None:
    """The process is gone, not only its loop."""
    await asyncio.to_thread(disk.path.read_bytes)  # the kernel learns that a close is not answered
    disk.hang(after=READ)
    process = await shell.start_beside(emulator, "upload", disk.path)
    await until(disk.hanging.is_set)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert (await ended(process)).code == 130


def test_a_loop_that_is_closed_while_a_disk_hangs_complains_of_nothing(
    shell: Shell, noise: Path
) -> None:
    """A read that returns later finds nobody to tell, and the process ends as it likes."""
    script = f"""
import asyncio, os, threading, time
from pathlib import Path
go_on, began = threading.Event(), threading.Event()
def hang(fd, views, offset, flags=0, real=os.preadv):
    if flags:
        raise BlockingIOError
    began.set()
    go_on.wait()
    return real(fd, views, offset)
os.preadv = hang
from twelvelabs_async._upload.source.file import open_source
async def read():
    async with open_source(Path({str(noise)!r})) as source:
        await source.read_into(memoryview(bytearray(10)), 0)
async def main():
    task = asyncio.create_task(read())
    while not began.is_set():
        await asyncio.sleep(0.01)
asyncio.run(main())
go_on.set()
while any(thread.name.startswith("twelvelabs") for thread in threading.enumerate()):
    time.sleep(0.01)
    break
print("done")
"""
    done = shell.run_python(["-W", "error", "-X", "dev", "-c", script])
    assert (done.code, done.out, done.err) == (0, "done\n", "")
