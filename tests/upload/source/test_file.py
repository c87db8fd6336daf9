"""The file on disk: read in place both ways, watched for change, closed after its last read."""

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest
from support.files import MakeFile

from twelvelabs_async._upload.source.disk_reads import (
    AHEAD_BYTES,
    CAN_READ_CACHE,
    Descriptor,
    ReadInto,
    read_positioned,
    read_seeking,
)
from twelvelabs_async._upload.source.file import FileSource, open_source
from twelvelabs_async.errors import SourceChangedError, SourceError

WAYS = [
    pytest.param(read_positioned, CAN_READ_CACHE, id="page cache, else at an offset"),
    pytest.param(read_positioned, False, id="at an offset in a thread"),
    pytest.param(read_seeking, False, id="seek and read in a thread"),
]


async def read_all(source: FileSource, offset: int, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        view = memoryview(bytearray(min(777, size - len(found))))
        count = await source.read_into(view, offset + len(found))
        found += view[:count]
    return bytes(found)


def descriptors_of(path: Path) -> int:
    """Count this process's open descriptors of a file."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += entry.readlink() == path
        except FileNotFoundError:  # the one that lists the directory
            continue
    return count


@pytest.mark.parametrize(("read", "inline"), WAYS)
async def test_slices_are_read_in_place_by_many_at_once(
    read: ReadInto, inline: bool, make_file: MakeFile
) -> None:
    """Readers at different offsets do not disturb each other, whatever the way of reading."""
    path = make_file(10_000)
    async with open_source(path, read=read, inline=inline) as source:
        parts = await asyncio.gather(*(read_all(source, i * 1000, 1000) for i in range(10)))
    assert b"".join(parts) == path.read_bytes()
    assert descriptors_of(path) == 0


@pytest.mark.parametrize(("read", "inline"), WAYS)
async def test_a_file_that_shrank_is_told_as_such(
    read: ReadInto, inline: bool, make_file: MakeFile
) -> None:
    """No byte where there was one is a change of the file, not the end of a read."""
    path = make_file(1000)
    async with open_source(path, read=read, inline=inline) as source:
        os.truncate(path, 10)
        with pytest.raises(SourceChangedError, match="ends at 10 bytes"):
            await read_all(source, 0, 1000)


async def test_a_failing_disk_is_told_as_such(make_file: MakeFile) -> None:
    """An error of the disk names the file and what the system says."""

    def broken(file: Descriptor, view: memoryview, offset: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    path = make_file(1000)
    async with open_source(path, read=broken, inline=False) as source:
        with pytest.raises(SourceError, match=r"cannot read .*video\.mp4: input/output error"):
            await read_all(source, 0, 10)


async def test_a_system_without_nowait_reads_in_threads(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file system refuses reads that do not wait, a thread does, from then on."""
    path = make_file(1000)
    real, refused = os.preadv, list[int]()

    def without_nowait(
        descriptor: int, views: list[memoryview], offset: int, flags: int = 0
    ) -> int:
        if flags:
            refused.append(offset)
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(descriptor, views, offset)

    monkeypatch.setattr(os, "preadv", without_nowait)
    async with open_source(path, inline=True) as source:
        assert await read_all(source, 0, 1000) == path.read_bytes()
    assert refused == [0]


async def test_bytes_that_are_not_cached_are_read_in_a_thread(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that would have to wait for the disk leaves the event loop."""
    path = make_file(1000)
    real, threads = os.preadv, list[threading.Thread]()

    def cold(descriptor: int, views: list[memoryview], offset: int, flags: int = 0) -> int:
        if flags:
            raise BlockingIOError
        threads.append(threading.current_thread())
        return real(descriptor, views, offset)

    monkeypatch.setattr(os, "preadv", cold)
    async with open_source(path, inline=True) as source:
        assert await read_all(source, 0, 1000) == path.read_bytes()
    assert threads
    assert threading.main_thread() not in threads


@pytest.mark.skipif(not CAN_READ_CACHE, reason="only Linux reads its cache without waiting")
@pytest.mark.parametrize("refuses", [False, True])
async def test_a_cold_read_has_the_system_fetch_what_follows(
    refuses: bool, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its thread, for a read of the cache that misses begins to fetch on the event loop.

    A file system that knows no such advice is read all the same.
    """
    path = make_file(1000)
    real, advice = os.preadv, list[tuple[int, int, int]]()

    def cold(descriptor: int, views: list[memoryview], offset: int, flags: int = 0) -> int:
        if flags and not advice:
            raise BlockingIOError
        return real(descriptor, views, offset, flags)

    def advise(_: int, offset: int, size: int, what: int) -> None:
        assert threading.current_thread() is not threading.main_thread()
        advice.append((offset, size, what))
        if refuses:
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "preadv", cold)
    monkeypatch.setattr(os, "posix_fadvise", advise)
    async with open_source(path, inline=True) as source:
        assert await read_all(source, 0, 1000) == path.read_bytes()
    assert advice == [(0, AHEAD_BYTES, os.POSIX_FADV_WILLNEED)]


async def test_a_cancelled_read_keeps_the_file_open_until_its_thread_has_ended(
    make_file: MakeFile,
) -> None:
    """A thread cannot be cancelled; the descriptor stays its own for as long as it reads."""
    path = make_file(1000)
    reading, go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    def slow(file: Descriptor, view: memoryview, offset: int) -> int:
        reading.set()
        go_on.wait()
        count = read_positioned(file, view, offset)
        seen.append(count)
        return count

    async def use() -> None:
        async with open_source(path, read=slow, inline=False) as source:
            await read_all(source, 0, 1000)

    task = asyncio.create_task(use())
    await asyncio.to_thread(reading.wait)
    task.cancel()
    task.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    assert descriptors_of(path) == 1
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [777]
    assert descriptors_of(path) == 0


async def test_a_cancelled_opening_leaves_no_file_open(make_file: MakeFile) -> None:
    """Cancelled at any step of opening, the file is closed."""
    path = make_file(1000)

    async def use() -> None:
        async with open_source(path) as source:
            await read_all(source, 0, 1000)

    for steps in range(40):
        task = asyncio.create_task(use())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert descriptors_of(path) == 0


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 10)


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def rewrite(path: Path) -> None:
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


CHANGES = [
    pytest.param(grow, r"it grew from 1000 to 1004 bytes", id="grow"),
    pytest.param(shrink, r"it shrank from 1000 to 10 bytes", id="shrink"),
    pytest.param(replace, r"another file was put in its place", id="replace"),
    pytest.param(rewrite, r"it was written to", id="rewrite"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
async def test_a_change_of_the_file_is_noticed(
    change: object, said: str, make_file: MakeFile
) -> None:
    """Grown, shrunk, replaced or written to: the check says which."""
    assert callable(change)
    path = make_file(1000)
    async with open_source(path) as source:
        await source.check_unchanged()
        change(path)
        with pytest.raises(SourceChangedError, match=said):
            await source.check_unchanged()


async def test_a_file_that_is_only_removed_is_still_whole(make_file: MakeFile) -> None:
    """What is open can be read to its end after its name is gone."""
    path = make_file(1000)
    content = path.read_bytes()
    async with open_source(path) as source:
        path.unlink()
        assert await read_all(source, 0, 1000) == content
        await source.check_unchanged()


async def test_a_path_that_cannot_be_looked_at_again_is_told_as_such(tmp_path: Path) -> None:
    """Whatever the system says of the path is the file's trouble, and names the file."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "video.mp4"
    path.write_bytes(b"x")
    async with open_source(path) as source:
        path.unlink()
        folder.rmdir()
        folder.write_bytes(b"a file now")
        with pytest.raises(
            SourceError, match=r"cannot look at .*video\.mp4 again: not a directory"
        ):
            await source.check_unchanged()


async def test_a_read_that_ends_while_the_source_is_closed_harms_nothing(
    make_file: MakeFile,
) -> None:
    """Closing waits for the reads that there are, also when the last of them has just ended."""
    path = make_file(100_000)

    async def use() -> None:
        async with open_source(path, inline=False) as source:
            await read_all(source, 0, 100_000)

    for steps in range(60):
        task = asyncio.create_task(use())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() or task.exception() is None
