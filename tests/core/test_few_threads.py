"""A process that may have few threads: many files share them, and without any, errors say so."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import RUN, Shell
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    ApiConnectionError,
    AsyncTwelveLabs,
    FileJournal,
    JournalError,
    SourceError,
    StorageConnectionError,
    UploadError,
)
from twelvelabs_async._core.new_thread import NO_MORE_THREADS
from twelvelabs_async._core.threads import NAME, SHARED_THREADS, Threads
from twelvelabs_async._http import request_builder
from twelvelabs_async.emulator import Emulator, Fault, Rewrite

FILES = 300

COUNT = """
import atexit, sys, threading
start, most = threading.Thread.start, 0
def counted(thread):
    global most
    start(thread)
    most = max(most, threading.active_count())
threading.Thread.start = counted
atexit.register(lambda: print(most, file=sys.stderr))
"""

REFUSE = """
import threading
start = threading.Thread.start
def refuse(thread):
    if thread.name == "twelvelabs-async disk":
        raise RuntimeError("can't start new thread")
    start(thread)
threading.Thread.start = refuse
"""


class ThreadLimit:
    """The system's limit of threads, for those of this package.

    Attributes:
        reached: Whether no more thread can be started now.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, reached: Callable[[], bool]) -> None:
        """Stand between the package and the system."""
        start = threading.Thread.start

        def limited(thread: threading.Thread) -> None:
            if "twelvelabs-async" in thread.name and self.reached():
                raise RuntimeError("can't start new thread")
            start(thread)

        self.reached = reached
        monkeypatch.setattr(threading.Thread, "start", limited)


def alive() -> int:
    """Return how many threads for disks there are."""
    return sum(thread.name == NAME for thread in threading.enumerate())


def test_a_command_with_many_files_has_few_threads(shell: Shell) -> None:
    """All of them are looked at, at once, and compared with what came back."""
    names = [f"{number}.mp4" for number in range(FILES)]
    for name in names:
        (shell.directory / name).write_bytes(b"0" * 100)
    done = shell.run_python(["-c", COUNT + RUN, "upload", "--json", "--emulator", *names])
    assert done.code == 0
    assert len(done.objects) == FILES
    assert int(done.err.splitlines()[-1]) < 50  # Python has up to 32 of its own


def test_a_command_without_threads_says_so_for_each_file(shell: Shell) -> None:
    """There is no traceback."""
    names = [f"{number}.mp4" for number in range(3)]
    for name in names:
        (shell.directory / name).write_bytes(b"0" * 100)
    done = shell.run_python(["-c", REFUSE + RUN, "upload", "--emulator", *names])
    assert (done.code, done.out) == (1, "")
    assert len(done.err.splitlines()) == len(names)
    assert done.err.count(f"was not uploaded: {NO_MORE_THREADS}") == len(names)


async def test_calls_share_the_threads_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is enough for all of them."""
    ThreadLimit(monkeypatch, lambda: alive() >= 1)
    threads = Threads()
    calls = [threads.lane().submit(max, 1, number) for number in range(100)]
    assert [call.result(10) for call in calls] == [max(1, number) for number in range(100)]
    threads.close()


async def test_without_any_thread_an_upload_ends_in_our_error(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Later there may be one again."""
    ThreadLimit(monkeypatch, lambda: True)
    path = make_file(3 * CHUNK_SIZE, "film.mp4")
    for upload in (client.upload, client.multipart_upload.upload_file):
        with pytest.raises(UploadError, match=NO_MORE_THREADS) as caught:
            await upload(path)
        assert caught.value.file == str(path)
        assert caught.value.retryable
    assert not emulator.platform.uploads


async def test_where_threads_run_out_midway_the_error_names_the_session(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was open is closed without one."""
    monkeypatch.setattr("twelvelabs_async._core.threads.IDLE_SECONDS", 0.0)
    ThreadLimit(monkeypatch, lambda: bool(emulator.platform.uploads))
    path = make_file(3 * CHUNK_SIZE, "film.mp4")
    with pytest.raises(UploadError, match=NO_MORE_THREADS) as caught:
        await client.multipart_upload.upload_file(path, verify="etag")
    assert caught.value.file == str(path)
    assert caught.value.upload_id in emulator.platform.uploads
    assert caught.value.retryable


async def test_a_journal_without_threads_ends_in_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it has no room."""
    monkeypatch.setattr("twelvelabs_async.journal.files._THREADS", Threads())
    ThreadLimit(monkeypatch, lambda: True)
    journal = FileJournal(tmp_path / "journal")
    with pytest.raises(JournalError, match=NO_MORE_THREADS) as caught:
        await journal.acquire("key", "owner", 60)
    assert caught.value.retryable


async def test_many_journals_share_threads(tmp_path: Path) -> None:
    """A program may make one for each upload."""
    for number in range(100):
        journal = FileJournal(tmp_path / "journal")
        await journal.acquire(f"{number}", "owner", 60)
        await journal.release(f"{number}", "owner")
    assert alive() <= SHARED_THREADS + 1


async def test_a_pipe_without_threads_ends_in_our_error(
    client: AsyncTwelveLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another object that can be read only once, likewise."""

    class EndlessObject:
        """Gives its bytes once."""

        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    ThreadLimit(monkeypatch, lambda: True)
    with pytest.raises(UploadError, match=NO_MORE_THREADS) as caught:
        await client.upload(("clip.mp4", EndlessObject()))
    assert isinstance(caught.value.__cause__, SourceError)


async def test_a_large_request_is_written_without_threads(
    emulator: Emulator, client: AsyncTwelveLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in it waits for a disk."""
    monkeypatch.setattr(request_builder, "LARGE_LIST", 0)
    ThreadLimit(monkeypatch, lambda: True)
    asset = await client.assets.create(method="direct", file=("clip.mp4", b"0" * 100))
    await client.assets.update_user_metadata(asset.id, user_metadata={"a": 1})
    assert emulator.platform.assets[asset.id].user_metadata == {"a": 1}


async def test_a_host_name_that_no_thread_resolves_is_no_answer(
    emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the platform's nor the store's: Python resolves names in threads of its own."""
    resolve = asyncio.get_running_loop().getaddrinfo

    async def refuse(host: str, *more: Any, **options: Any) -> object:
        if host == "127.0.0.1":  # uvloop asks for addresses, too
            return await resolve(host, *more, **options)
        raise RuntimeError("can't start new thread")

    chunk = {"chunk_index": 1, "url": "http://store.test/chunk"}
    answer = Rewrite(lambda payload: {**payload, "upload_urls": [chunk]})
    emulator.faults.add(Fault(route="create", action=answer))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", refuse)
        with pytest.raises(UploadError, match=NO_MORE_THREADS) as caught:
            await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), max_retries=0)
    assert isinstance(caught.value.__cause__, StorageConnectionError)
    assert caught.value.upload_id in emulator.platform.uploads
    assert caught.value.retryable
    url = "http://platform.test/v1.3"
    async with AsyncTwelveLabs(emulator.api_key, url, max_retries=0) as client:
        with pytest.raises(ApiConnectionError, match=f"host name: {NO_MORE_THREADS}"):
            await client.assets.retrieve("0" * 24)
