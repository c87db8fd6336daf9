"""The journal in files: what is on the disk and when, whatever happens to disk and process."""

import asyncio
import errno
import fcntl
import hashlib
import os
import signal
import stat
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from attrs import Factory, define
from hypothesis import given, strategies as st
from support.memory_platform import choose_profile

from twelvelabs_async._core import clock
from twelvelabs_async.errors import ConfigurationError, JournalError, JournalLostError
from twelvelabs_async.journal import FileJournal, _log_file, _safe_files
from twelvelabs_async.journal._disk import Disk
from twelvelabs_async.journal._frames import HEADER, frame, whole_records
from twelvelabs_async.journal._log_file import PURGE_LOOKS, SUFFIX
from twelvelabs_async.journal._state_directory import state_directory
from twelvelabs_async.journal.files import KEPT

choose_profile()

RECORDS = [b'{"upload_id": "u1"}', b"", b"a\nb", b'{"chunk": 1}']
SECONDS = 60.0


def entries(directory: Path) -> list[Path]:
    """Return the files of a journal."""
    return sorted(directory.glob(f"*{SUFFIX}"))


def open_journals() -> int:
    """Count this process's open descriptors of journals, removed ones included."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += SUFFIX in str(entry.readlink())
        except FileNotFoundError:  # the one that lists the directory
            continue
    return count


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Whatever a test does, when it is over no journal is open."""
    yield
    assert open_journals() == 0


@define(eq=False)
class RecordingDisk:
    """A disk that writes down what is asked of it, and fails where it is told to.

    Attributes:
        calls: What was asked for, in order.
        failing: How the calls of a name fail: an error of the system, or how many bytes are taken,
            as a negative number.
        threads: Those that asked.
    """

    calls: list[str] = Factory(list[str])
    failing: dict[str, list[int]] = Factory(dict[str, list[int]])
    threads: set[threading.Thread] = Factory(set[threading.Thread])
    before_sync: Callable[[], object] = bool

    def journal(self, directory: Path) -> FileJournal:
        """Return a journal on this disk."""
        return FileJournal(
            directory,
            disk=Disk(self._write, self._truncate, self._sync, self._sync_directory),
        )

    def _note(self, call: str) -> None:
        self.threads.add(threading.current_thread())
        self.calls.append(call)
        failures = self.failing.get(call, [])
        if failures and failures[0] > 0:
            code = failures.pop(0)
            raise OSError(code, os.strerror(code))

    def _write(self, descriptor: int, data: bytes) -> int:
        self._note("write")
        failures = self.failing.get("write")
        return os.write(descriptor, data[: -failures.pop(0)] if failures else data)

    def _truncate(self, descriptor: int, size: int) -> None:
        self._note("truncate")
        os.ftruncate(descriptor, size)

    def _sync(self, descriptor: int) -> None:
        assert stat.S_ISREG(os.fstat(descriptor).st_mode)
        self.before_sync()
        self._note("sync")

    def _sync_directory(self, descriptor: int) -> None:
        assert stat.S_ISDIR(os.fstat(descriptor).st_mode)
        self._note("sync directory")


def at_once(descriptor: int) -> None:
    """Sync nothing, where many files are written and none will see a power cut."""


async def fill(journal: FileJournal, records: list[bytes], key: str = "key") -> Path:
    """Append records, release, and return the file."""
    assert await journal.acquire(key, "one", SECONDS) is None
    for record in records:
        await journal.append(key, "one", record)
    await journal.release(key, "one")
    return journal.path(key)


async def check_goes_on(journal: FileJournal, wanted: list[bytes]) -> None:
    """Check what is read, and that the next owner can append to it."""
    assert list(await journal.read("key")) == wanted
    await fill(journal, [b"next", b"one"])
    assert list(await journal.read("key")) == [*wanted, b"next", b"one"]


# What is on the disk, and when


async def test_a_record_of_a_new_entry_is_on_the_disk_when_append_returns(tmp_path: Path) -> None:
    """First the record, then the file, then the directory that names it; never on the loop."""
    disk = RecordingDisk()
    journal = disk.journal(tmp_path / "new")
    assert await journal.acquire("key", "one", SECONDS) is None
    assert disk.calls == ["sync directory", "write"]
    disk.calls.clear()
    await journal.append("key", "one", b"1")
    assert disk.calls == ["truncate", "write", "sync", "sync directory"]
    disk.calls.clear()
    await journal.append("key", "one", b"2")
    assert disk.calls == ["write", "sync"]
    disk.calls.clear()
    await journal.clear("key", "one")
    assert disk.calls == ["truncate", "sync"]
    await journal.release("key", "one")
    assert threading.main_thread() not in disk.threads


async def test_an_entry_can_be_read_by_eye(tmp_path: Path) -> None:
    """A line tells who has it, and then there is a line for each record that is one."""
    journal = FileJournal(tmp_path)
    await journal.acquire("key", "host:1", SECONDS)
    await journal.append("key", "host:1", b'{"a": 1}')
    lines = journal.path("key").read_text().splitlines()
    assert [line.strip() for line in lines] == ["host:1", 'fba18e97 8 {"a": 1}']
    assert len(lines[0]) == HEADER - 1
    await journal.release("key", "host:1")
    assert journal.path("key").read_bytes()[:HEADER].strip() == b""


async def test_records_that_come_together_share_a_sync(tmp_path: Path) -> None:
    """While the disk is busy others wait, and then go in one write: 2 syncs for 51 records."""
    started, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        go_on.wait()

    disk = RecordingDisk(before_sync=wait)
    journal = disk.journal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    first = asyncio.create_task(journal.append("key", "one", b"first"))
    await asyncio.to_thread(started.wait)
    others = [asyncio.create_task(journal.append("key", "one", b"%d" % i)) for i in range(50)]
    await clock.sleep(0)
    disk.calls.clear()
    go_on.set()
    await asyncio.gather(first, *others)
    assert disk.calls == ["sync", "sync directory", "write", "sync"]
    assert len(await journal.read("key")) == 51
    await journal.release("key", "one")


async def test_two_entries_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A sync of one file holds up no other."""
    started, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        go_on.wait()

    disk = RecordingDisk(before_sync=wait)
    journal = disk.journal(tmp_path)
    for key in ("a", "b"):
        await journal.acquire(key, "one", SECONDS)
    first = asyncio.create_task(journal.append("a", "one", b"1"))
    await asyncio.to_thread(started.wait)
    disk.before_sync = bool
    await journal.append("b", "one", b"2")
    assert not first.done()
    go_on.set()
    await first
    for key in ("a", "b"):
        await journal.release(key, "one")


async def test_an_entry_without_records_leaves_no_file(tmp_path: Path) -> None:
    """Nobody has to tidy up after an upload that ended well."""
    journal = FileJournal(tmp_path)
    await fill(journal, [])
    assert entries(tmp_path) == []
    await journal.acquire("key", "one", SECONDS)
    await journal.append("key", "one", b"1")
    await journal.clear("key", "one")
    assert len(entries(tmp_path)) == 1
    await journal.release("key", "one")
    assert entries(tmp_path) == []


async def test_each_held_entry_is_one_open_file(tmp_path: Path) -> None:
    """Whatever is asked, and however often it is refused."""
    journal, other = FileJournal(tmp_path), FileJournal(tmp_path)
    for key in "abc":
        for _ in range(3):
            await journal.acquire(key, "one", SECONDS)
            assert await other.acquire(key, "two", SECONDS) == "one"
            assert await journal.acquire(key, "three", SECONDS) == "one"
            await journal.append(key, "one", b"1")
            await other.read(key)
            await journal.renew(key, "one", SECONDS)
    assert open_journals() == 3
    for key in "abc":
        await journal.release(key, "one")


async def test_files_are_for_their_user_alone(tmp_path: Path) -> None:
    """Whatever the umask, and the directories above it that had to be made as well."""
    before = os.umask(0)
    try:
        journal = FileJournal(tmp_path / "a" / "b")
        path = await fill(journal, RECORDS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for directory in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


# Damage


def damaged(whole: bytes) -> Iterator[bytes]:
    """Yield every cut of a file, and every file with one byte of it changed in some ways."""
    for at in range(len(whole)):
        yield whole[:at]
        for other in {0, 255, whole[at] ^ 1, whole[at] ^ 32, *b"\n 01a"} - {whole[at]}:
            yield whole[:at] + bytes([other]) + whole[at + 1 :]


def test_damage_to_any_byte_leaves_whole_records_from_the_start() -> None:
    """Nothing that was not written is ever read, and nothing before the damage is lost."""
    whole, starts = bytes(HEADER), list[int]()
    for record in RECORDS:
        starts.append(len(whole))
        whole += frame(record)
    assert whole_records(whole) == (RECORDS, len(whole))
    for data in damaged(whole):
        records, end = whole_records(data)
        changed = next(
            (at for at, pair in enumerate(zip(whole, data, strict=False)) if pair[0] != pair[1]),
            len(data),
        )
        safe = sum(
            start + len(frame(r)) <= changed for start, r in zip(starts, RECORDS, strict=True)
        )
        assert records == RECORDS[: len(RECORDS) if changed < HEADER <= len(data) else safe]
        assert end == HEADER + sum(len(frame(record)) for record in records)


async def test_a_journal_that_was_cut_at_any_byte_goes_on(tmp_path: Path) -> None:
    """The rest of a torn record is gone before the next one is written."""
    journal = FileJournal(tmp_path, disk=Disk(sync=at_once, sync_directory=at_once))
    path = await fill(journal, RECORDS)
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        await check_goes_on(journal, whole_records(whole[:size])[0])


@pytest.mark.parametrize("tail", [b"\0" * 5000, frame(b"x")[:-1], frame(b"x")[1:], b"fba18e97 8 "])
async def test_what_stands_behind_the_last_record_is_dropped(tmp_path: Path, tail: bytes) -> None:
    """Zeros, as a file system leaves them after a power cut, and all that is not whole."""
    journal = FileJournal(tmp_path)
    path = await fill(journal, RECORDS)
    path.write_bytes(path.read_bytes() + tail)
    await check_goes_on(journal, RECORDS)


# A disk that fails


FAILURES: dict[str, tuple[dict[str, list[int]], str]] = {
    "the disk is full": ({"write": [errno.ENOSPC]}, "no space left on device"),
    "it is full in the middle": ({"write": [-3, errno.ENOSPC]}, "no space left on device"),
    "it takes nothing": ({"write": [0]}, "the disk takes nothing"),
    "the file is not synced": ({"sync": [errno.EIO]}, "input/output error"),
    "the directory is not synced": ({"sync directory": [errno.EIO]}, "input/output error"),
    "nor is it mended": ({"sync": [errno.EIO], "truncate": [errno.EIO]}, "input/output error"),
}


@pytest.mark.parametrize("failing", FAILURES.values(), ids=list(FAILURES))
async def test_a_failing_disk_is_told_and_leaves_a_valid_journal(
    tmp_path: Path, failing: tuple[dict[str, list[int]], str]
) -> None:
    """The error names the file and the reason; the record is not there, and others can follow."""
    await fill(FileJournal(tmp_path), RECORDS)
    disk = RecordingDisk()
    journal = disk.journal(tmp_path)
    await journal.acquire("key", "two", SECONDS)
    await journal.append("key", "two", b"before")
    if "sync directory" in failing[0]:  # which is synced once
        await journal.release("key", "two")
        await journal.acquire("key", "two", SECONDS)
    disk.failing = {call: list(codes) for call, codes in failing[0].items()}
    with pytest.raises(JournalError, match=rf"cannot keep the journal {tmp_path}.*: {failing[1]}"):
        await journal.append("key", "two", b"lost")
    mended = "truncate" not in failing[0]
    found = list(await journal.read("key"))
    assert found == [*RECORDS, b"before", *([] if mended else [b"lost"])]
    disk.failing.clear()
    await journal.append("key", "two", b"after")
    assert list(await journal.read("key")) == [*RECORDS, b"before", b"after"]
    await journal.release("key", "two")
    await check_goes_on(FileJournal(tmp_path), [*RECORDS, b"before", b"after"])


async def test_a_write_in_pieces_is_one_record(tmp_path: Path) -> None:
    """A disk may take less than it was given."""
    disk = RecordingDisk()
    journal = disk.journal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    disk.failing = {"write": [-10, -4, -2]}
    await journal.append("key", "one", b"x" * 40)
    await journal.release("key", "one")
    await check_goes_on(journal, [b"x" * 40])


async def test_a_failure_is_told_to_all_that_shared_it(tmp_path: Path) -> None:
    """No record of a write that failed is taken for kept."""
    disk = RecordingDisk()
    journal = disk.journal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    disk.failing = {"sync": [errno.EIO, errno.EIO]}
    outcomes = await asyncio.gather(
        *(journal.append("key", "one", b"%d" % i) for i in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [JournalError] * 5
    assert len(set(map(id, outcomes))) == 5
    assert await journal.read("key") == []
    await journal.release("key", "one")


async def test_an_entry_that_cannot_be_forgotten_is_told(tmp_path: Path) -> None:
    """The lease stays, and so do the records if nothing was done."""
    disk = RecordingDisk()
    journal = disk.journal(tmp_path)
    await fill(journal, RECORDS)
    await journal.acquire("key", "one", SECONDS)
    disk.failing = {"truncate": [errno.EROFS]}
    with pytest.raises(JournalError, match="read-only file system"):
        await journal.clear("key", "one")
    await journal.append("key", "one", b"next")
    await journal.release("key", "one")
    await check_goes_on(journal, [*RECORDS, b"next"])


async def test_a_disk_that_fails_while_it_acquires_leaves_the_entry_free(tmp_path: Path) -> None:
    """Nobody has what was not given."""
    disk = RecordingDisk(failing={"write": [errno.ENOSPC]})
    with pytest.raises(JournalError, match="no space left on device"):
        await disk.journal(tmp_path).acquire("key", "one", SECONDS)
    await check_goes_on(FileJournal(tmp_path), [])


async def test_a_disk_that_fails_while_it_releases_frees_the_entry(tmp_path: Path) -> None:
    """The name of who had it stays behind, which is no harm."""
    disk = RecordingDisk()
    journal = disk.journal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    await journal.append("key", "one", b"1")
    disk.failing = {"write": [errno.EIO]}
    await journal.release("key", "one")
    await check_goes_on(journal, [b"1"])


async def test_a_directory_that_cannot_be_synced_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Some network file systems do not know how; other errors count."""
    disk = RecordingDisk(failing={"sync directory": [errno.EINVAL]})
    await fill(disk.journal(tmp_path), [b"1"])
    await check_goes_on(disk.journal(tmp_path), [b"1"])


@pytest.mark.parametrize(
    ("code", "call"),
    [
        (errno.EACCES, (os, "open")),
        (errno.EROFS, (os, "open")),
        (errno.ENOLCK, (fcntl, "flock")),
    ],
)
async def test_what_the_system_refuses_is_told_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: tuple[ModuleType, str]
) -> None:
    """Permission, a disk for reading only, and a file system without locks; then all is well."""

    def refuse(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    journal = FileJournal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(
            fcntl if code == errno.ENOLCK else os,
            "flock" if code == errno.ENOLCK else "open",
            refuse,
        )
        with pytest.raises(JournalError, match=os.strerror(code).lower()):
            await journal.acquire("key", "one", SECONDS)
    await check_goes_on(journal, [])


async def test_a_file_where_the_directory_should_be_is_told(tmp_path: Path) -> None:
    """For reading as well as for writing."""
    (tmp_path / "file").write_text("")
    journal = FileJournal(tmp_path / "file")
    with pytest.raises(JournalError, match=r"cannot keep the journal .*: file exists|not a dir"):
        await journal.acquire("key", "one", SECONDS)
    with pytest.raises(JournalError, match="not a directory"):
        await journal.read("key")


# Cancellation


@define(eq=False)
class HeldDisk:
    """A disk whose syncs last until they are let go."""

    started: threading.Event = Factory(threading.Event)
    go_on: threading.Event = Factory(threading.Event)

    def sync(self, descriptor: int) -> None:
        self.started.set()
        self.go_on.wait()
        os.fsync(descriptor)  # fails if it was closed meanwhile


async def turns(count: int) -> None:
    """Let others run for a while."""
    for _ in range(count):
        await clock.sleep(0)


async def test_a_cancelled_append_ends_when_its_thread_has(tmp_path: Path) -> None:
    """Its record is whole, and the file is not closed under the thread, though it is released."""
    disk = HeldDisk()
    journal = FileJournal(tmp_path, disk=Disk(sync=disk.sync))
    await journal.acquire("key", "one", SECONDS)
    append = asyncio.create_task(journal.append("key", "one", b"1"))
    await asyncio.to_thread(disk.started.wait)
    append.cancel()
    release = asyncio.create_task(journal.release("key", "one"))
    await turns(20)
    assert not append.done()
    assert not release.done()
    disk.go_on.set()
    await release
    with pytest.raises(asyncio.CancelledError):
        await append
    await check_goes_on(journal, [b"1"])


async def test_a_cancelled_clear_ends_when_its_thread_has(tmp_path: Path) -> None:
    """Whoever is next with the file waits for it."""
    disk = HeldDisk()
    journal = FileJournal(tmp_path, disk=Disk(sync=disk.sync))
    await journal.acquire("key", "one", SECONDS)
    clear = asyncio.create_task(journal.clear("key", "one"))
    await asyncio.to_thread(disk.started.wait)
    clear.cancel()
    release = asyncio.create_task(journal.release("key", "one"))
    await turns(20)
    assert not clear.done()
    assert open_journals() == 1
    disk.go_on.set()
    await release
    with pytest.raises(asyncio.CancelledError):
        await clear


async def test_a_release_that_is_cancelled_while_it_waits_is_carried_out(tmp_path: Path) -> None:
    """Or nobody could ever release it again."""
    disk = HeldDisk()
    journal = FileJournal(tmp_path, disk=Disk(sync=disk.sync))
    await journal.acquire("key", "one", SECONDS)
    append = asyncio.create_task(journal.append("key", "one", b"1"))
    await asyncio.to_thread(disk.started.wait)
    release = asyncio.create_task(journal.release("key", "one"))
    await turns(3)
    release.cancel()
    await turns(3)
    disk.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await release
    await append
    await check_goes_on(journal, [b"1"])


async def test_what_is_not_kept_yet_is_not_read(tmp_path: Path) -> None:
    """Its holder reads when the disk has answered: here, that it has lost the record."""
    started, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        go_on.wait()

    disk = RecordingDisk(before_sync=wait, failing={"sync": [errno.EIO]})
    journal = disk.journal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    append = asyncio.create_task(journal.append("key", "one", b"1"))
    await asyncio.to_thread(started.wait)
    read = asyncio.create_task(journal.read("key"))
    await asyncio.to_thread(list)  # a thread would have read by now
    go_on.set()
    assert await read == []
    with pytest.raises(JournalError):
        await append
    await journal.release("key", "one")


async def test_an_append_that_is_cancelled_while_it_waits_is_never_written(tmp_path: Path) -> None:
    """The others of its batch are."""
    disk = HeldDisk()
    journal = FileJournal(tmp_path, disk=Disk(sync=disk.sync))
    await journal.acquire("key", "one", SECONDS)
    appends = [asyncio.create_task(journal.append("key", "one", b"0"))]
    await asyncio.to_thread(disk.started.wait)
    appends += [asyncio.create_task(journal.append("key", "one", b"%d" % i)) for i in (1, 2, 3)]
    await turns(2)
    appends[1].cancel()
    await turns(2)
    assert appends[1].done()
    disk.go_on.set()
    await asyncio.wait(appends)
    assert list(await journal.read("key")) == [b"0", b"2", b"3"]
    await journal.release("key", "one")


async def test_a_batch_is_kept_though_the_one_that_writes_it_is_cancelled(tmp_path: Path) -> None:
    """Only who was cancelled hears of it."""
    disk = HeldDisk()
    disk.go_on.set()
    journal = FileJournal(tmp_path, disk=Disk(sync=disk.sync))
    await journal.acquire("key", "one", SECONDS)
    appends = [asyncio.create_task(journal.append("key", "one", b"%d" % i)) for i in range(3)]
    await turns(1)
    appends[0].cancel()
    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1:] == [None, None]
    assert list(await journal.read("key")) == [b"0", b"1", b"2"]
    await journal.release("key", "one")


METHODS: list[Callable[[FileJournal], Awaitable[object]]] = [
    lambda journal: journal.acquire("key", "one", SECONDS),
    lambda journal: journal.renew("key", "one", SECONDS),
    lambda journal: journal.append("key", "one", b"1"),
    lambda journal: journal.read("key"),
    lambda journal: journal.clear("key", "one"),
    lambda journal: journal.release("key", "one"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("held", [True, False])
async def test_a_method_may_be_cancelled_at_any_turn(
    tmp_path: Path, method: Callable[[FileJournal], Awaitable[object]], held: bool
) -> None:
    """Then whoever releases has released, and everything can be had again."""
    journal = FileJournal(tmp_path, disk=Disk(sync=at_once, sync_directory=at_once))
    for count in range(12):
        if held:
            await journal.acquire("key", "one", SECONDS)
        task = asyncio.ensure_future(method(journal))
        await turns(count)
        task.cancel()
        await asyncio.wait({task})
        await journal.release("key", "one")
        assert open_journals() == 0
        await fill(journal, [b"2"])
        assert (await journal.read("key"))[-1] == b"2"


# Leases: other objects, other processes, removed files


async def test_two_journals_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    """Even where both would call their owner the same."""
    one, two = FileJournal(tmp_path), FileJournal(tmp_path)
    assert await one.acquire("key", "me", SECONDS) is None
    assert await two.acquire("key", "me", SECONDS) == "me"
    await two.release("key", "me")
    assert await one.renew("key", "me", SECONDS)
    await one.release("key", "me")
    assert await two.acquire("key", "me", SECONDS) is None
    await two.release("key", "me")


@pytest.mark.parametrize("owner", ["häst:1", "two\nlines", "x" * 2000, "\udcff"])
async def test_any_owner_is_told_as_well_as_it_can_be(tmp_path: Path, owner: str) -> None:
    """A name that does not fit is shortened where it is told, and nowhere else."""
    journal, other = FileJournal(tmp_path), FileJournal(tmp_path)
    await journal.acquire("key", owner, SECONDS)
    await journal.append("key", owner, b"1")
    escaped = owner.replace("\n", "\\n").encode("utf-8", "backslashreplace")
    shown = escaped.decode()[: HEADER - 1]
    assert await other.acquire("key", "two", SECONDS) == shown
    assert await journal.renew("key", owner, SECONDS)
    await journal.release("key", owner)


async def test_a_file_that_was_removed_is_a_lost_lease(tmp_path: Path) -> None:
    """The late owner is told, and what it would write does not reach the next one."""
    journal, other = FileJournal(tmp_path), FileJournal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    await journal.append("key", "one", b"1")
    journal.path("key").unlink()
    assert not await journal.renew("key", "one", SECONDS)
    assert await other.acquire("key", "two", SECONDS) is None
    await other.append("key", "two", b"2")
    with pytest.raises(JournalLostError):
        await journal.append("key", "one", b"3")
    with pytest.raises(JournalLostError):
        await journal.clear("key", "one")
    assert await journal.acquire("key", "one", SECONDS) == "two"
    await journal.release("key", "one")
    assert await other.read("key") == [b"2"]
    await other.release("key", "two")


async def test_a_late_owner_without_records_removes_nothing_of_others(tmp_path: Path) -> None:
    """What it gives back is its own file, and no other of that name."""
    journal, other = FileJournal(tmp_path), FileJournal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    journal.path("key").unlink()
    await other.acquire("key", "two", SECONDS)
    await journal.release("key", "one")
    assert await other.renew("key", "two", SECONDS)
    await other.release("key", "two")


@pytest.mark.parametrize("owner", ["one", "two"])
async def test_an_entry_whose_file_was_removed_can_be_had_again(tmp_path: Path, owner: str) -> None:
    """By whoever had it, and by another; the old file is closed."""
    journal = FileJournal(tmp_path)
    await journal.acquire("key", "one", SECONDS)
    await journal.append("key", "one", b"1")
    journal.path("key").unlink()
    assert await journal.acquire("key", owner, SECONDS) is None
    assert open_journals() == 1
    assert await journal.read("key") == []
    await journal.release("key", "one")
    await journal.release("key", owner)


async def test_a_file_that_is_removed_before_it_is_locked_is_not_the_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who released it removed it, after we had opened it: the lock on it is worth nothing."""
    journal, removals = FileJournal(tmp_path), [1, 2, 3]
    real = fcntl.flock

    def late(file: int, how: int) -> None:
        if removals:
            removals.pop()
            journal.path("key").unlink()
        real(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    assert await journal.acquire("key", "one", SECONDS) is None
    assert removals == []
    assert await FileJournal(tmp_path).acquire("key", "two", SECONDS) == "one"
    await journal.release("key", "one")


async def test_a_file_that_is_replaced_again_and_again_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is tried without end."""
    journal = FileJournal(tmp_path)

    def replace(file: int, how: int) -> None:
        journal.path("key").unlink()

    monkeypatch.setattr(fcntl, "flock", replace)
    with pytest.raises(JournalError, match="replaced all the time"):
        await journal.acquire("key", "one", SECONDS)


HOLDER = """
import asyncio, sys
from twelvelabs_async.journal.files import FileJournal

async def main():
    journal = FileJournal(sys.argv[1])
    assert await journal.acquire("key", "the other", 60) is None
    for number in range(int(sys.argv[2])):
        await journal.append("key", "the other", b"%d" % number)
        print(number, flush=True)
    print("held", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def holder(directory: Path, records: int) -> asyncio.subprocess.Process:
    """Start a process that holds the entry, and prints what it has appended."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(directory), str(records), stdout=asyncio.subprocess.PIPE
    )


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@pytest.mark.real_time
async def test_a_lease_dies_with_its_process(tmp_path: Path) -> None:
    """Killed without a chance to tidy up, it leaves its records, and the entry at once."""
    process = await holder(tmp_path, 3)
    assert [await line(process) for _ in range(4)] == ["0", "1", "2", "held"]
    journal = FileJournal(tmp_path)
    assert await journal.acquire("key", "one", SECONDS) == "the other"
    assert await journal.read("key") == [b"0", b"1", b"2"]
    process.kill()
    await process.wait()
    assert await journal.acquire("key", "one", SECONDS) is None
    await journal.append("key", "one", b"3")
    await journal.release("key", "one")
    await check_goes_on(journal, [b"0", b"1", b"2", b"3"])


@pytest.mark.real_time
@pytest.mark.parametrize("after", [1, 7, 40])
async def test_whatever_was_appended_survives_a_kill(tmp_path: Path, after: int) -> None:
    """Killed while it appends as fast as it can, it has lost nothing that it was told is kept."""
    process = await holder(tmp_path, 1_000_000)
    told = [await line(process) for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    told += (await process.stdout.read()).decode().split()
    await process.wait()
    journal = FileJournal(tmp_path)
    found = [record.decode() for record in await journal.read("key")]
    assert found[: len(told)] == told
    assert len(found) <= len(told) + 1
    await check_goes_on(journal, [record.encode() for record in found])


CONTENDER = """
import asyncio, sys
from twelvelabs_async.journal.files import FileJournal

async def main(directory, owner):
    journal = FileJournal(directory)
    for _ in range(12):
        while await journal.acquire("key", owner, 60) is not None:
            await asyncio.sleep(0.005)
        count = len(await journal.read("key"))
        await asyncio.sleep(0)
        if count == 3:
            await journal.clear("key", owner)  # so that the file comes and goes
            count = -1
        else:
            await journal.append("key", owner, b"%d" % count)
        await journal.release("key", owner)
        print(count, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


@pytest.mark.real_time
async def test_processes_take_turns(tmp_path: Path) -> None:
    """Each record is the number of those before it, so two at once would have left a mark."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", CONTENDER, str(tmp_path), name, stdout=asyncio.subprocess.PIPE
        )
        for name in ("one", "two", "three")
    ]
    outputs = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    done = sorted(int(text) for output, _ in outputs for text in output.split())
    # 36 turns in rounds of four: three records, and then they are forgotten
    assert [done.count(step) for step in (-1, 0, 1, 2)] == [9, 9, 9, 9]
    assert entries(tmp_path) == []


# Old entries


def age(path: Path, days: float) -> None:
    """Have a file be as old as that."""
    written = clock.utcnow().timestamp() - days * 86400
    os.utime(path, (written, written))


async def test_old_entries_of_nobody_go(tmp_path: Path) -> None:
    """Those that are held stay, and the young, and what is no entry of a journal."""
    journal, other = FileJournal(tmp_path), FileJournal(tmp_path)
    old = await fill(journal, [b"1"], "old")
    young = await fill(journal, [b"1"], "young")
    await other.acquire("held", "two", SECONDS)
    foreign, folder = tmp_path / "notes.txt", tmp_path / f"folder{SUFFIX}"
    foreign.touch()
    folder.mkdir()
    for path in (old, other.path("held"), foreign, folder):
        age(path, KEPT.days + 0.1)
    age(young, KEPT.days - 0.1)
    await fill(journal, [], "new")
    left = {young, other.path("held"), foreign, folder}
    assert {path for path in [old, *left] if path.exists()} == left
    assert await other.renew("held", "two", SECONDS)
    await other.release("held", "two")


async def test_an_old_entry_that_is_acquired_is_not_purged(tmp_path: Path) -> None:
    """Whoever wants it still has it, however old."""
    journal = FileJournal(tmp_path)
    age(await fill(journal, RECORDS), 365)
    await check_goes_on(journal, RECORDS)


async def test_an_entry_that_is_taken_up_while_it_is_purged_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its age is looked at again under the lock."""
    journal = FileJournal(tmp_path)
    path = await fill(journal, RECORDS)
    age(path, 365)
    real = fcntl.flock

    def late(file: int, how: int) -> None:
        if os.fstat(getattr(file, "fileno", lambda: file)()).st_ino == path.stat().st_ino:
            path.touch()
        real(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    await fill(journal, [], "new")
    assert await journal.read("key") == RECORDS


async def test_a_purge_is_short_and_all_get_their_turn(tmp_path: Path) -> None:
    """However many there are, each time some go."""
    journal = FileJournal(tmp_path)
    for number in range(PURGE_LOOKS * 2):
        path = journal.path(f"key {number}")
        path.touch()
        age(path, 8)
    await fill(journal, [])
    assert PURGE_LOOKS <= len(entries(tmp_path)) <= PURGE_LOOKS + 1
    await fill(journal, [])
    await fill(journal, [])
    assert entries(tmp_path) == []


async def test_old_entries_behind_young_ones_get_their_turn(tmp_path: Path) -> None:
    """The system lists the same ones first each time, and these are all young."""
    journal = FileJournal(tmp_path)
    for number in range(5 * PURGE_LOOKS):
        journal.path(f"key {number}").touch()
    listed = [Path(entry) for entry in os.scandir(tmp_path)]
    for path in listed[2 * PURGE_LOOKS :]:
        age(path, 8)
    for _ in range(200):
        await fill(journal, [])
    assert set(entries(tmp_path)) == set(listed[: 2 * PURGE_LOOKS])


@pytest.mark.parametrize("seed", range(3))
def test_entries_beyond_what_most_purges_read_get_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Most purges read few names, but no name is out of reach."""
    monkeypatch.setattr(_log_file, "PURGE_NAMES", 50)
    journal, chance, now = FileJournal(tmp_path), Random(seed), clock.utcnow().timestamp()
    for number in range(400):
        journal.path(f"key {number}").touch()
    listed = [Path(entry) for entry in os.scandir(tmp_path)]
    for path in listed[300:]:
        age(path, 8)
    for _ in range(500):
        _log_file.purge(tmp_path, now - 7 * 86400, chance)
    assert set(entries(tmp_path)) == set(listed[:300])


# What others keep, or put, where the journal is

PRECIOUS = b"2023-01-01 opening balances\n    assets:cash  100 EUR\n" * 40


def is_untouched(path: Path, content: bytes = PRECIOUS) -> bool:
    """Whether a file of a user's is as it was."""
    return path.read_bytes() == content


def entry_name(text: str = "0") -> str:
    """Return a name as entries have them."""
    return hashlib.sha256(text.encode()).hexdigest() + SUFFIX


async def test_a_purge_removes_only_what_is_surely_an_entry(tmp_path: Path) -> None:
    """By its name, and by how it begins: others keep files that are called so, too."""
    journal, elsewhere = FileJournal(tmp_path / "state"), tmp_path / "elsewhere"
    old = await fill(journal, [b"1"], "old")
    header = b"somebody".ljust(HEADER - 1) + b"\n"
    keep = {
        "2023-ledger.journal": PRECIOUS,
        f"{'0' * 63}{SUFFIX}": old.read_bytes(),
        f"{'A' * 64}{SUFFIX}": old.read_bytes(),
        f"{'0' * 64}.JOURNAL": old.read_bytes(),
        f"{'0' * 65}{SUFFIX}": b"",
        entry_name("text"): PRECIOUS,
        entry_name("short"): b"a note",
        entry_name("binary"): bytes(range(256)) * 4,
        entry_name("zeros"): bytes(4096),
        entry_name("no frame"): header + b"and then something else",
        entry_name("torn header"): header[:100],
    }
    for name, content in keep.items():
        (journal.directory / name).write_bytes(content)
    elsewhere.write_bytes(PRECIOUS)
    copy = tmp_path / "copy"
    copy.write_bytes(old.read_bytes())
    (journal.directory / entry_name("link")).symlink_to(elsewhere)
    (journal.directory / entry_name("link to an entry")).symlink_to(copy)
    (journal.directory / entry_name("second name")).hardlink_to(copy)
    os.mkfifo(journal.directory / entry_name("pipe"))
    (journal.directory / entry_name("folder")).mkdir()
    before = {path.name for path in journal.directory.iterdir()} - {old.name}
    for path in journal.directory.iterdir():
        if not path.is_symlink():
            age(path, 365)
    age(copy, 365)
    await fill(journal, [], "new")
    assert {path.name for path in journal.directory.iterdir()} == before
    assert all(is_untouched(journal.directory / name, content) for name, content in keep.items())
    assert is_untouched(elsewhere)


def planted(path: Path, kind: str, precious: Path) -> None:
    """Put something in the place of an entry."""
    precious.write_bytes(PRECIOUS)
    match kind:
        case "link":
            path.symlink_to(precious)
        case "dangling link":
            path.symlink_to(precious.with_name("not there"))
        case "second name":
            path.hardlink_to(precious)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "text":
            path.write_bytes(PRECIOUS)
        case "open to others":
            path.touch()
            path.chmod(0o666)
        case _:
            path.touch()
            os.chown(path, 12345, -1)


PLANTED = {
    "link": "it is a symbolic link",
    "dangling link": "it is a symbolic link",
    "second name": "it has a second name",
    "pipe": "it is not a regular file",
    "folder": "directory",
    "text": "it is something else than a journal",
    "open to others": "others may write to it",
    "of another user": "it belongs to another user",
}


@pytest.mark.parametrize(("kind", "why"), PLANTED.items())
async def test_what_others_put_in_the_place_of_an_entry_is_refused(
    tmp_path: Path, kind: str, why: str
) -> None:
    """It is neither believed nor written to, and what it leads to is left alone."""
    if kind == "of another user" and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    journal, precious = FileJournal(tmp_path / "state"), tmp_path / "precious.txt"
    journal.directory.mkdir(mode=0o700)
    planted(journal.path("key"), kind, precious)
    with pytest.raises(JournalError, match=why):
        await journal.acquire("key", "one", SECONDS)
    with pytest.raises(JournalError, match=why):
        await journal.read("key")
    assert is_untouched(precious)
    assert [path.name for path in journal.directory.iterdir()] == [journal.path("key").name]
    assert not (tmp_path / "not there").exists()


@pytest.mark.parametrize(("mode", "why"), [(0o777, "others may write"), (0o775, "others may")])
async def test_a_directory_in_which_others_can_exchange_files_is_refused(
    tmp_path: Path, mode: int, why: str
) -> None:
    """With the sticky bit, as of /tmp, they cannot."""
    directory = tmp_path / "state"
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(JournalError, match=why):
        await FileJournal(directory).acquire("key", "one", SECONDS)
    assert list(directory.iterdir()) == []
    directory.chmod(0o1777)
    await check_goes_on(FileJournal(directory), [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
async def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its owner can exchange every file in it."""
    directory = tmp_path / "state"
    directory.mkdir()
    os.chown(directory, 12345, -1)
    with pytest.raises(JournalError, match="belongs to another user"):
        await FileJournal(directory).acquire("key", "one", SECONDS)
    assert list(directory.iterdir()) == []


async def test_the_directory_itself_may_be_a_link(tmp_path: Path) -> None:
    """Users keep their state where they want it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "disk")
    await check_goes_on(FileJournal(tmp_path / "state"), [])


# Where


def test_the_default_directory_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system wants it; what is no absolute path is to be ignored."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert state_directory("linux") == Path("/home/me/.local/state/twelvelabs_async")
    assert state_directory("darwin") == Path(
        "/home/me/Library/Application Support/twelvelabs_async"
    )
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert state_directory("linux") == Path("/home/me/.local/state/twelvelabs_async")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert state_directory("linux") == FileJournal().directory == Path("/state/twelvelabs_async")


async def test_a_directory_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the process's working directory becomes."""
    monkeypatch.chdir(tmp_path)
    journal = FileJournal("here")
    monkeypatch.chdir("/")
    assert (await fill(journal, [b"1"])).parent == tmp_path / "here"


def test_a_user_without_a_home_has_to_name_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to do."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(ConfigurationError, match="no home directory: name one"):
        FileJournal()


def test_a_system_without_locks_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that two could write to is worse than none."""
    monkeypatch.setattr(_safe_files, "CAN_LOCK", False)
    with pytest.raises(ConfigurationError, match="pass a journal of your own"):
        FileJournal(tmp_path)


# Whatever comes, in any order


@define(eq=False)
class Game:
    """Two journals over one directory, and what the entry that they share should be."""

    disk: RecordingDisk
    journals: list[FileJournal]
    owner: tuple[int, str] | None = None
    records: list[bytes] = Factory(list[bytes])

    async def step(self, step: str, number: int, owner: str, record: bytes) -> None:
        """Do one thing to a journal and to the model, and compare them."""
        work = getattr(self, step)
        await work(self.journals[number], (number, owner), record)
        for journal in self.journals:
            assert list(await journal.read("key")) == self.records

    async def acquire(self, journal: FileJournal, me: tuple[int, str], record: bytes) -> None:
        holder = await journal.acquire("key", me[1], SECONDS)
        if self.owner is None:
            self.owner = me
        assert holder == (None if self.owner == me else self.owner[1])

    async def renew(self, journal: FileJournal, me: tuple[int, str], record: bytes) -> None:
        assert await journal.renew("key", me[1], SECONDS) == (self.owner == me)

    async def release(self, journal: FileJournal, me: tuple[int, str], record: bytes) -> None:
        await journal.release("key", me[1])
        self.owner = None if self.owner == me else self.owner

    async def append(self, journal: FileJournal, me: tuple[int, str], record: bytes) -> None:
        if await self.allowed(journal.append("key", me[1], record), me):
            self.records.append(record)

    async def clear(self, journal: FileJournal, me: tuple[int, str], record: bytes) -> None:
        if await self.allowed(journal.clear("key", me[1]), me):
            self.records.clear()

    async def allowed(self, work: Awaitable[None], me: tuple[int, str]) -> bool:
        """Do what only the owner can."""
        if self.owner == me:
            await work
            return True
        with pytest.raises(JournalLostError):
            await work
        return False

    async def fail(self, journal: FileJournal, me: tuple[int, str], record: bytes) -> None:
        if self.owner == me:  # at once, in the middle, or when all was written
            self.disk.failing = {"write": [-len(record), errno.ENOSPC], "sync": [errno.EIO]}
            if len(record) % 2:
                del self.disk.failing["write"]
            with pytest.raises(JournalError):
                await journal.append("key", me[1], record)
            self.disk.failing.clear()

    async def tear(self, journal: FileJournal, me: tuple[int, str], record: bytes) -> None:
        if self.owner is None and journal.path("key").exists():
            with journal.path("key").open("ab") as file:
                file.write(frame(record)[:-1])


async def play(directory: Path, steps: list[tuple[str, int, str, bytes]]) -> None:
    """Play a game to its end, and leave nothing behind."""
    disk = RecordingDisk()
    game = Game(disk, [disk.journal(directory), disk.journal(directory)])
    for step in steps:
        await game.step(*step)
    if game.owner is not None:
        await game.journals[game.owner[0]].release("key", game.owner[1])
    assert len(entries(directory)) == bool(game.records)
    for path in entries(directory):
        path.unlink()


STEPS = st.tuples(
    st.sampled_from(["acquire", "renew", "release", "append", "clear", "fail", "tear"]),
    st.integers(0, 1),  # through which journal
    st.sampled_from(["one", "two"]),
    st.binary(max_size=20),
)


@given(steps=st.lists(STEPS, max_size=30))
def test_any_sequence_does_what_the_model_does(
    steps: list[tuple[str, int, str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever does what in which order, with torn tails and a disk that fails."""
    asyncio.run(play(tmp_path_factory.getbasetemp() / "any sequence", steps))
