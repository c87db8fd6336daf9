"""The command's own journal cannot be kept: a warning says so, and every file arrives."""

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from attrs import Factory, define
from support.assets import read_asset
from support.cli import Shell, ended, posix

from twelvelabs_async import Journal, JournalError, JournalLostError, MemoryJournal
from twelvelabs_async._cli.own_journal import OptionalJournal
from twelvelabs_async._core import clock
from twelvelabs_async._upload.resume.lease import LEASE_SECONDS, hold_lease
from twelvelabs_async.emulator import Emulator, Fault, Stall
from twelvelabs_async.journal import check_journal
from twelvelabs_async.journal._frames import HEADER

pytestmark = posix

WARNING = "warning: a later attempt may not go on where this one ends: "
MakeSound = Callable[[str, float], Path]


def a_file(state: Path) -> None:
    state.write_bytes(b"")


def a_dangling_link(state: Path) -> None:
    state.mkdir()
    (state / "twelvelabs_async").symlink_to("nowhere")


def a_link_to_itself(state: Path) -> None:
    state.mkdir()
    (state / "twelvelabs_async").symlink_to("twelvelabs_async")


async def uploaded(shell: Shell, paths: list[Path], before: str = "", **variables: str) -> str:
    """Upload files, and return why there is no journal, which is the one line that was shown."""
    async with Emulator(chunk_size=5_000) as emulator:
        done = await shell.run_beside(
            emulator, "upload", "--json", *paths, before=before, **variables
        )
        assert (done.code, done.err.count("\n")) == (0, 1), done.err
        told = {each["path"]: each["asset_id"] for each in done.objects}
        assert set(told) == set(map(str, paths))
        for path in paths:
            assert await read_asset(emulator, told[str(path)]) == path.read_bytes()
        assert len(emulator.platform.uploads) == len(paths)
    assert done.err.startswith(WARNING)
    return done.err.removeprefix(WARNING)


@pytest.fixture
def sounds(make_sound: MakeSound) -> list[Path]:
    """Return a few files."""
    return [make_sound(f"{number}.wav", 1) for number in range(3)]


@pytest.mark.real_time
@pytest.mark.parametrize("breaks", [a_file, a_dangling_link, a_link_to_itself])
async def test_a_directory_that_is_none_costs_the_journal_only(
    breaks: Callable[[Path], None], shell: Shell, sounds: list[Path]
) -> None:
    """The files arrive, and one warning for all of them names the place and the reason."""
    breaks(shell.state)
    problem = await uploaded(shell, sounds)
    assert problem.startswith(f"cannot keep the journal {shell.state}/twelvelabs_async/")


@pytest.mark.real_time
async def test_a_path_that_is_too_long_costs_the_journal_only(
    shell: Shell, sounds: list[Path]
) -> None:
    """The system's own reason stands there."""
    problem = await uploaded(shell, sounds, XDG_STATE_HOME=f"/{'x' * 300}")
    assert problem.endswith("file name too long\n")


BROKEN = """
import errno, os, fcntl
times = {times}
def broken(where, *rest, genuine={call}):
    global times
    if times > 0 and (isinstance(where, int) or hasattr(where, "fileno") or OURS in str(where)):
        times -= 1
        raise OSError(errno.{error}, os.strerror(errno.{error}))
    return genuine(where, *rest)
OURS = "twelvelabs_async" + os.sep if "{call}" == "os.open" else "twelvelabs_async"
{call} = broken
"""


def failing(call: str, error: str, times: int = 10**9) -> str:
    """Return Python that lets a system call on what is the journal's fail so often."""
    return BROKEN.format(call=call, error=error, times=times)


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("fcntl.flock", "ENOLCK"),
        ("fcntl.flock", "EOPNOTSUPP"),
        ("fcntl.flock", "ENOSYS"),
        ("os.open", "EACCES"),
        ("os.open", "EROFS"),
        ("os.mkdir", "EROFS"),
        ("os.write", "ENOSPC"),
        ("os.fdatasync", "EIO"),
    ],
)
async def test_a_system_that_refuses_costs_the_journal_only(
    call: str, error: str, shell: Shell, sounds: list[Path]
) -> None:
    """No locks, no permission, no room: the files arrive, with one warning for all of them."""
    problem = await uploaded(shell, sounds, failing(call, error))
    assert problem.endswith(f": {os.strerror(getattr(errno, error)).lower()}\n")


@pytest.mark.real_time
async def test_one_entry_of_another_user_leaves_the_others_their_journal(
    shell: Shell, sounds: list[Path]
) -> None:
    """Only the file whose entry cannot be opened is uploaded without one."""
    kept: list[int] = []
    async with Emulator(chunk_size=50_000) as emulator:
        stall = emulator.faults.add(Fault(route="put", action=Stall(), chunk_index=2, times=None))
        process = await shell.start_beside(
            emulator, "upload", *sounds, before=failing("os.open", "EACCES", times=1)
        )
        while stall.hits < len(sounds):
            await asyncio.sleep(0)
        process.kill()
        done = await ended(process)
        sizes = [each.stat().st_size for each in shell.state.rglob("*.journal")]
        kept = [size for size in sizes if size > HEADER]  # one may be made, then refused
    assert done.err.count(WARNING) == 1
    assert len(kept) == len(sounds) - 1


@pytest.mark.real_time
@pytest.mark.parametrize("room", [0, 600, 1500, 2000])
async def test_a_disk_that_is_full_costs_the_journal_only(
    room: int, shell: Shell, sounds: list[Path]
) -> None:
    """At the start, while the session is noted, and in the middle: one session for each file."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
    problem = await uploaded(shell, sounds, limit)
    assert problem.endswith(f": {os.strerror(errno.EFBIG).lower()}\n")


@pytest.mark.real_time
async def test_without_a_home_directory_there_is_no_journal(
    shell: Shell, sounds: list[Path]
) -> None:
    """As in a container whose user has no entry in the password file."""
    nobody = """
import os, pwd
def unknown(*_): raise KeyError
pwd.getpwuid = unknown
del os.environ["XDG_STATE_HOME"]
os.environ.pop("HOME", None)
"""
    problem = await uploaded(shell, sounds, nobody)
    assert problem.startswith("there is no home directory")


@pytest.mark.real_time
async def test_what_was_noted_before_the_disk_was_full_is_used(shell: Shell, noise: Path) -> None:
    """The journal is given up, not thrown away: the next attempt goes on from its last record."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))"
    async with Emulator(chunk_size=10_000) as emulator:
        stall = emulator.faults.add(Fault(route="put", action=Stall(), chunk_index=20))
        command = ("upload", "--json", "--concurrency", "1", noise)
        process = await shell.start_beside(emulator, *command, before=limit)
        while not stall.hits:
            await asyncio.sleep(0)
        process.kill()
        assert (await ended(process)).err.startswith(WARNING)
        done = await shell.run_beside(emulator, *command)
        (result,) = done.objects
        assert (done.code, done.err) == (0, "")
        assert result["resumed_chunks"] > 0
        assert len(emulator.platform.uploads) == 1


async def test_a_journal_that_does_not_fail_is_not_changed() -> None:
    """It keeps all promises of the one below it, and warns of nothing."""
    below, warned = MemoryJournal(), list[Exception]()
    await check_journal(lambda: OptionalJournal(below, warned.append))
    assert warned == []


@define
class Away(MemoryJournal):
    """A journal that fails from some call on, with an error of the test's choice."""

    error: JournalError = Factory(lambda: JournalError("away"))
    left: int = 0

    def _ask(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.error

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        self._ask()
        return await super().acquire(key, owner, seconds)

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        self._ask()
        return await super().renew(key, owner, seconds)

    async def release(self, key: str, owner: str) -> None:
        self._ask()
        await super().release(key, owner)

    async def read(self, key: str) -> Sequence[bytes]:
        self._ask()
        return await super().read(key)

    async def append(self, key: str, owner: str, record: bytes) -> None:
        self._ask()
        await super().append(key, owner, record)

    async def clear(self, key: str, owner: str) -> None:
        self._ask()
        await super().clear(key, owner)


async def use(journal: Journal) -> None:
    """Use a journal as an upload does."""
    async with hold_lease(journal, "key") as lease:
        await lease.read()
        await lease.clear()
        await lease.append(b"1")
        await clock.sleep(LEASE_SECONDS * 3)  # and so it is renewed
        await lease.append(b"2")


@pytest.mark.parametrize("left", range(16))
async def test_a_journal_that_fails_at_any_call_ends_nothing(left: int) -> None:
    """Whatever fails first, nothing is raised, and nothing is written behind a gap."""
    below, warned = Away(left=left), list[Exception]()
    await use(OptionalJournal(below, warned.append))
    assert warned
    below.left = 1
    assert tuple(await below.read("key")) in [(), (b"1",), (b"1", b"2")]


@pytest.mark.parametrize("left", [2, 3, 5])
async def test_a_lease_that_is_lost_ends_the_upload(left: int) -> None:
    """Nobody goes on then: another process may be at work on the same session."""
    below, warned = Away(left=left, error=JournalLostError("lost")), list[Exception]()
    with pytest.raises(JournalLostError):
        await use(OptionalJournal(below, warned.append))
    assert warned == []
