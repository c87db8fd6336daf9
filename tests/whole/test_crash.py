"""An upload goes on from whatever a crash left of its journal; and what is on the disk when."""

import asyncio
import copy
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from attrs import Factory, define, field
from support.assets import read_asset
from support.crash import DiskCall, after_power_loss
from support.files import CHUNK_SIZE, MakeFile
from support.victims import NEVER, WatchingFaults
from support.virtual_time import utcnow

from twelvelabs_async import AsyncTwelveLabs, FileJournal, UploadError
from twelvelabs_async._upload.resume.records import parse_records
from twelvelabs_async.emulator import Emulator, Fault, api_error, store_error
from twelvelabs_async.emulator.faults import Action, Faults
from twelvelabs_async.emulator.records import StoredAsset, Upload
from twelvelabs_async.journal._disk import Disk
from twelvelabs_async.journal._frames import whole_records
from twelvelabs_async.journal._log_file import SUFFIX, read_records

CHUNKS = 3
REFUSAL = store_error(400, "InvalidRequest", "No.")
FINAL = api_error(400, "parameter_invalid", "No.")
TURNS = 100


def at_once(descriptor: int) -> None:
    """Sync nothing, where no power will be lost."""


def entry_of(directory: Path) -> Path:
    (entry,) = directory.glob(f"*{SUFFIX}")
    return entry


@define(eq=False)
class EmulatorRewind:
    """Takes an emulator back to where it was, so that it can be resumed from there again."""

    emulator: Emulator
    _uploads: dict[str, Upload] = field(init=False)
    _assets: dict[str, StoredAsset] = field(init=False)
    _files: set[Path] = field(init=False)

    def __attrs_post_init__(self) -> None:
        platform = self.emulator.platform
        self._uploads = copy.deepcopy(platform.uploads)
        self._assets = copy.deepcopy(platform.assets)
        self._files = self._chunks()

    def __call__(self) -> None:
        """Forget all that came since."""
        platform = self.emulator.platform
        platform.uploads.clear()
        platform.uploads.update(copy.deepcopy(self._uploads))
        platform.assets.clear()
        platform.assets.update(copy.deepcopy(self._assets))
        for chunk in self._chunks() - self._files:
            chunk.unlink()
        for directory in self.emulator.data_dir.iterdir():
            with suppress(OSError):  # it is not empty
                directory.rmdir()

    def _chunks(self) -> set[Path]:
        return set(self.emulator.data_dir.glob("*/*"))


@asynccontextmanager
async def watched_emulator() -> AsyncGenerator[tuple[Emulator, WatchingFaults]]:
    emulator, arrivals = Emulator(chunk_size=CHUNK_SIZE, now=utcnow), WatchingFaults()
    emulator.faults = arrivals
    async with emulator:
        yield emulator, arrivals


async def interrupted(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> None:
    """Upload all chunks but the last; only the journal knows their ETags."""
    emulator.faults.add(Fault(route="put", chunk_index=CHUNKS, action=REFUSAL))
    emulator.faults.add(Fault(route="report", action=FINAL))
    with pytest.raises(UploadError):
        await client.multipart_upload.upload_file(path, max_workers=1)


async def test_an_upload_whose_journal_was_cut_at_any_byte_goes_on(
    make_file: MakeFile, tmp_path: Path
) -> None:
    """The same bytes each time, and sent is exactly what no whole record tells of."""
    path, directory = make_file(CHUNKS * CHUNK_SIZE), tmp_path / "journal"
    journal = FileJournal(directory, disk=Disk(sync=at_once, sync_directory=at_once))
    async with (
        watched_emulator() as (emulator, arrivals),
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client,
    ):
        await interrupted(emulator, client, path)
        entry, rewind = entry_of(directory), EmulatorRewind(emulator)
        whole = entry.read_bytes()
        assert len(read_records(entry)) == CHUNKS
        for cut in range(len(whole) + 1):
            rewind()
            entry.write_bytes(whole[:cut])
            records = len(whole_records(whole[:cut])[0])
            arrivals.begin(NEVER)
            result = await client.multipart_upload.upload_file(path)
            sent = (arrivals.count("create"), arrivals.count("put"))
            assert sent == ((0, CHUNKS + 1 - records) if records else (1, CHUNKS)), cut
            assert await read_asset(emulator, result.asset_id) == path.read_bytes(), cut


# What is on the disk, and when


@define(eq=False)
class SlowSyncDisk:
    """A disk whose syncs take so long that whatever does not wait for them is done before.

    Attributes:
        directory: The journal's.
        loop: Where others go on meanwhile.
        kept: What is in the file for good; None: the directory does not name it for good.
    """

    directory: Path
    loop: asyncio.AbstractEventLoop
    kept: bytes | None = None
    _synced: bytes = b""
    _named: bool = False

    def journal(self) -> FileJournal:
        """Return a journal on this disk."""
        return FileJournal(
            self.directory, disk=Disk(sync=self._sync, sync_directory=self._sync_directory)
        )

    def _sync(self, descriptor: int) -> None:
        content = entry_of(self.directory).read_bytes()
        asyncio.run_coroutine_threadsafe(self._others(), self.loop).result()
        self._synced = content
        self._keep()

    def _sync_directory(self, descriptor: int) -> None:
        asyncio.run_coroutine_threadsafe(self._others(), self.loop).result()
        self._named = self._named or any(self.directory.glob(f"*{SUFFIX}"))
        self._keep()

    def _keep(self) -> None:
        self.kept = self._synced if self._named else None

    async def _others(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)


@define(eq=False)
class DiskWatchingFaults(Faults):
    """No faults, but a look at the disk whenever a request arrives."""

    disk: SlowSyncDisk | None = None
    seen: list[tuple[str, int]] = Factory(list[tuple[str, int]])

    def take(
        self, route: str, upload_id: str | None = None, chunk_index: int | None = None
    ) -> Action | None:
        """Note which route it is, and how many records are kept."""
        assert self.disk is not None
        self.seen.append((route, len(whole_records(self.disk.kept or b"")[0])))
        return super().take(route, upload_id, chunk_index)


@asynccontextmanager
async def looking(
    directory: Path,
) -> AsyncGenerator[tuple[Emulator, DiskWatchingFaults, FileJournal]]:
    disk = SlowSyncDisk(directory, asyncio.get_running_loop())
    emulator, script = Emulator(chunk_size=CHUNK_SIZE, now=utcnow), DiskWatchingFaults(disk=disk)
    emulator.faults = script
    async with emulator:
        yield emulator, script, disk.journal()


@pytest.mark.parametrize("workers", [1, 3])
async def test_what_is_sent_is_on_the_disk_before(
    workers: int, make_file: MakeFile, tmp_path: Path
) -> None:
    """The session before its first chunk, and an ETag before its worker sends another chunk."""
    directory = tmp_path / "journal"
    async with (
        looking(directory) as (emulator, script, journal),
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client,
    ):
        path = make_file(12 * CHUNK_SIZE)
        await client.multipart_upload.upload_file(path, batch_size=1, max_workers=workers)
    kept_at = [kept for route, kept in script.seen if route == "put"]
    assert len(kept_at) == 12
    assert all(kept >= 1 + max(0, n - workers) for n, kept in enumerate(kept_at, 1))
    past = parse_records(read_records(entry_of(directory)))
    assert past is not None
    assert past.done_at is not None


# The model of a disk that loses its power

WRITE = DiskCall("write", 2, b"cd".hex())
SYNC, SYNC_DIRECTORY = DiskCall("sync"), DiskCall("sync directory")


def possible(before: bytes | None, *trace: DiskCall) -> set[bytes | None]:
    """Return all that a power cut may leave."""
    return {after_power_loss(before, trace, random.Random(seed)) for seed in range(300)}


def test_what_was_synced_is_there() -> None:
    """Whole, and nothing else."""
    assert possible(b"ab", WRITE, SYNC) == {b"abcd"}
    assert possible(b"abcdef", DiskCall("truncate", 3), SYNC) == {b"abc"}


def test_of_what_was_not_synced_any_part_may_be_there() -> None:
    """None, all, or some of it; with zeros where something else is missing."""
    assert possible(b"ab", WRITE) == {b"ab", b"abc", b"abcd"}
    gap = possible(b"", DiskCall("write", 0, b"ab".hex()), WRITE)
    assert gap >= {b"", b"ab", b"a\0cd", b"\0\0cd", b"abcd"}


def test_a_new_file_may_be_gone_until_its_directory_was_synced() -> None:
    """Though its content was synced."""
    new = DiskCall("write", 0, b"ab".hex())
    assert possible(None, new, SYNC) == {None, b"ab"}
    assert possible(None, new, SYNC, SYNC_DIRECTORY) == {b"ab"}
