"""A child that is forked, as by a process pool, neither keeps nor harms what its parent has."""

import asyncio
import io
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from weakref import WeakSet

import pytest
from support.calls import tls
from support.files import CHUNK_SIZE, SUPPORT, MakeFile
from support.forking import forked
from support.virtual_time import utcnow

from twelvelabs_async import (
    AsyncTwelveLabs,
    ClientClosedError,
    FileJournal,
    JournalLostError,
    MemoryJournal,
)
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.journal import _safe_files
from twelvelabs_async.journal._disk import Disk

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

CHUNKS = 6
SECONDS = 60.0
SCRIPT = SUPPORT / "forking.py"


# The journal's lock.


async def test_a_lease_that_is_given_back_is_free_although_a_child_lives(tmp_path: Path) -> None:
    """The child has a copy of the descriptor, or had."""
    journal, other = FileJournal(tmp_path), FileJournal(tmp_path)
    assert await journal.acquire("key", "one", SECONDS) is None
    await journal.append("key", "one", b"1")
    with forked():
        await journal.release("key", "one")
        assert await other.acquire("key", "two", SECONDS) is None
        await other.release("key", "two")


async def test_an_upload_that_waits_is_not_kept_waiting_by_a_child(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path
) -> None:
    """Of the other's process pool, for instance."""
    path, directory = make_file(CHUNKS * CHUNK_SIZE), tmp_path / "journal"
    address = (emulator.api_key, emulator.base_url)
    journal = FileJournal(directory)
    async with AsyncTwelveLabs(*address, journal=journal) as client:
        first = asyncio.create_task(client.multipart_upload.upload_file(path))
        while not emulator.count("create"):
            await asyncio.sleep(0)
        with forked():
            result = await first
            async with AsyncTwelveLabs(*address, journal=FileJournal(directory)) as other:
                again = await other.multipart_upload.upload_file(path)
    assert again.asset_id != result.asset_id


@pytest.mark.real_time
async def test_a_lease_is_free_once_its_process_is_killed_although_a_child_lives(
    tmp_path: Path,
) -> None:
    """The child of a killed parent has nobody who could tell it to let go."""
    command = [sys.executable, "-W", "error", str(SCRIPT), str(tmp_path), "key"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220, S603 - our own
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        journal = FileJournal(tmp_path)
        assert await journal.acquire("key", "two", SECONDS) == "parent"
        process.kill()
        process.wait()
        os.kill(child, 0)
        assert await journal.acquire("key", "two", SECONDS) is None
        assert tuple(await journal.read("key")) == (b"1",)
        await journal.release("key", "two")
    finally:
        process.kill()
        process.stdout.close()
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("records", [0, 1])
async def test_a_child_cannot_give_its_parents_lease_back(tmp_path: Path, records: int) -> None:
    """Nor write under it; it may read, and is told who has it, as everybody is."""
    journal, other = FileJournal(tmp_path), FileJournal(tmp_path)
    assert await journal.acquire("key", "one", SECONDS) is None
    for _ in range(records):
        await journal.append("key", "one", b"1")

    async def meddle() -> None:
        assert len(await journal.read("key")) == records
        assert not await journal.renew("key", "one", SECONDS)
        assert await journal.acquire("key", "two", SECONDS) == "one"
        for work in (journal.append("key", "one", b"2"), journal.clear("key", "one")):
            with pytest.raises(JournalLostError):
                await work
        await journal.release("key", "one")

    with forked(lambda: asyncio.run(meddle())):
        assert await journal.renew("key", "one", SECONDS)
        assert await other.acquire("key", "two", SECONDS) == "one"
        await journal.append("key", "one", b"3")
    assert await other.acquire("key", "two", SECONDS) == "one"
    assert (await other.read("key"))[-1] == b"3"
    await journal.release("key", "one")


async def test_a_child_is_not_kept_waiting_by_what_its_parent_was_writing(tmp_path: Path) -> None:
    """The turn at the file was its parent's."""
    syncing, go_on = threading.Event(), threading.Event()

    def sync(descriptor: int) -> None:
        syncing.set()
        go_on.wait()
        os.fsync(descriptor)

    journal = FileJournal(tmp_path, disk=Disk(sync=sync))
    assert await journal.acquire("key", "one", SECONDS) is None
    writing = asyncio.create_task(journal.append("key", "one", b"1"))
    while not syncing.is_set():
        await asyncio.sleep(0)

    async def look() -> None:
        assert await journal.acquire("key", "two", SECONDS) == "one"

    with forked(lambda: asyncio.run(look())):
        go_on.set()
        await writing
    await journal.release("key", "one")


def test_a_file_that_was_opened_during_a_fork_is_not_locked(tmp_path: Path) -> None:
    """A child may have a copy that nobody noted: that file is closed, and another one is opened."""

    class ForkedFiles(WeakSet[io.FileIO]):
        """Sees a fork between the first opening and the note on it."""

        def add(self, item: io.FileIO) -> None:
            opened.append(item)
            if len(opened) == 1:
                shared.about_to_fork()
            super().add(item)

    shared, opened = _safe_files._Shared(ForkedFiles()), list[io.FileIO]()
    with shared.open(tmp_path / "file", os.O_CREAT) as file:
        assert opened[0].closed
        assert opened[1:] == [file]


# Connections.


@pytest.fixture(params=["plain", "tls"])
async def place(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[Emulator, ssl.SSLContext | bool]]:
    """Yield an emulator whose store speaks TLS or does not, and what trusts it."""
    server, trusting = tls() if request.param == "tls" else (None, True)
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow, ssl=server) as emulator:
        yield emulator, trusting


@pytest.mark.parametrize("how", ["closed", "collected", "used"])
async def test_what_a_child_does_with_a_client_does_not_touch_its_parents_connections(
    place: tuple[Emulator, ssl.SSLContext | bool], make_file: MakeFile, how: str
) -> None:
    """No goodbye is sent over them, and the loop goes on to watch them."""
    emulator, trusting = place
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, ssl=trusting) as client:

        async def meddle() -> None:
            if how == "closed":
                await client.close()
            elif how == "used":
                with pytest.raises(ClientClosedError, match="has forked this one"):
                    await client.assets.list()
            else:
                opened = client._runtime.sessions._opened
                assert opened is not None
                assert opened.connectors is not None
                opened.connectors.platform.__del__()

        async def go() -> None:
            await client.multipart_upload.upload_file(path, max_workers=1)
            await client.assets.list()

        await go()
        before = emulator.connections("store")
        with forked(lambda: asyncio.run(meddle())):
            listed = emulator.connections("api")
            await client.assets.list()
            assert emulator.connections("api") == listed
            await go()
            assert emulator.connections("store") == before
            assert asyncio.get_running_loop().time() < 5


async def test_a_child_makes_a_client_of_its_own(emulator: Emulator) -> None:
    """The journal and the settings of the parent are no hindrance."""
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=MemoryJournal()
    ) as client:
        await client.assets.list()

        async def begin() -> None:
            async with AsyncTwelveLabs("another", client.base_url) as own:
                assert own.base_url == client.base_url

        with forked(lambda: asyncio.run(begin())):
            await client.assets.list()
