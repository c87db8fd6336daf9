"""A process with few file descriptors: fewer uploads at once, and all of them arrive."""

import asyncio
from asyncio import CancelledError, create_task, gather, sleep
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from support.cli import Ended, Shell
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import SourceError
from twelvelabs_async._core.admission import Admission
from twelvelabs_async.emulator import Emulator

FILES = 100

UPLOAD = """
import asyncio, os, resource
from pathlib import Path
from twelvelabs_async import AsyncTwelveLabs, FileJournal
async def main():
    paths = sorted(Path("files").iterdir())
    journal = FileJournal("journal") if {journal} else None
    async with AsyncTwelveLabs(journal=journal) as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        if {full}:
            while True:
                try:
                    os.dup(0)
                except OSError:
                    break
        upload = client.upload if {direct} else client.multipart_upload.upload_file
        found = await asyncio.gather(*map(upload, paths), return_exceptions=True)
    for error in found:
        if isinstance(error, Exception):
            print(error.retryable, error.lacks_descriptors, error)
asyncio.run(main())
"""


async def uploaded(
    emulator: Emulator, shell: Shell, *, journal: bool, direct: bool, full: bool = False
) -> Ended:
    """Upload all files at once, in a process that can have 64 files open."""
    return await asyncio.to_thread(
        shell.run_python,
        ["-W", "error", "-c", UPLOAD.format(journal=journal, direct=direct, full=full)],
        TWELVELABS_BASE_URL=emulator.base_url,
        TWELVE_LABS_API_KEY=emulator.api_key,
    )


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("journal", "direct"),
    [(True, False), (False, False), (False, True)],
    ids=["in chunks, with a journal", "in chunks", "in one request"],
)
async def test_uploads_that_get_no_descriptor_wait_for_others(
    emulator: Emulator, shell: Shell, make_file: MakeFile, *, journal: bool, direct: bool
) -> None:
    """Of a hundred uploads at once all arrive, each once."""
    (shell.directory / "files").mkdir()
    for number in range(FILES):
        make_file(2 * CHUNK_SIZE + number, f"files/{number}.mp4")
    done = await uploaded(emulator, shell, journal=journal, direct=direct)
    assert done == Ended(0, "", "")
    assert len(emulator.platform.assets) == FILES


@pytest.mark.real_time
@pytest.mark.parametrize("direct", [False, True])
async def test_where_nobody_will_give_one_back_that_is_told(
    emulator: Emulator, shell: Shell, make_file: MakeFile, *, direct: bool
) -> None:
    """All are in other hands: each upload fails, at once, with the system's reason."""
    (shell.directory / "files").mkdir()
    for number in range(3):
        make_file(CHUNK_SIZE, f"files/{number}.mp4")
    done = await uploaded(emulator, shell, journal=True, direct=direct, full=True)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("True True ") for line in lines)
    assert all("too many open files" in line for line in lines)


# How many are admitted.


async def run(
    admission: Admission, work: Callable[[], Awaitable[None]], may_repeat: Callable[[], bool]
) -> None:
    """Carry out an upload that is admitted and nothing more."""

    @asynccontextmanager
    async def admitted() -> AsyncGenerator[None]:
        await admission.acquire()
        try:
            yield
        finally:
            admission.release()

    await admission.run(work, may_repeat, admitted)


def refused() -> SourceError:
    error = SourceError("cannot open it: too many open files")
    error.lacks_descriptors = True
    return error


async def test_an_upload_that_is_alone_is_told_what_it_lacks() -> None:
    """There is nobody to wait for."""
    admission = Admission(3)
    tries = list[int]()

    async def work() -> None:
        tries.append(1)
        raise refused()

    with pytest.raises(SourceError, match="too many open files"):
        await run(admission, work, lambda: True)
    assert len(tries) == 1
    outcomes = await gather(
        *(run(admission, work, lambda: True) for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(outcome, SourceError) for outcome in outcomes)
    assert admission.under_way == 0


async def test_fewer_are_admitted_while_descriptors_are_few_and_then_more() -> None:
    """No more than there is room for, but for one that tries."""
    admission = Admission(10)
    room, most = 3, 0
    under_way = 0

    async def work() -> None:
        nonlocal under_way, most
        if under_way >= room:
            raise refused()
        under_way += 1
        most = max(most, under_way)
        await sleep(1)
        under_way -= 1

    await gather(*(run(admission, work, lambda: True) for _ in range(30)))
    assert most == room
    room = 10
    await gather(*(run(admission, work, lambda: True) for _ in range(60)))
    assert most == 10
    assert (admission.under_way, admission.free) == (0, 10)


async def test_an_upload_that_has_had_an_effect_is_not_begun_again() -> None:
    """A second session, or asset, is worse than an error."""
    admission = Admission(2)
    other = create_task(run(admission, lambda: sleep(1), lambda: True))
    await sleep(0)

    async def work() -> None:
        raise refused()

    with pytest.raises(SourceError):
        await run(admission, work, lambda: False)
    await other


async def test_who_is_cancelled_while_waiting_takes_nobodys_place() -> None:
    """Neither before nor in the moment of its admission."""
    admission = Admission(1)
    for turns in range(4):
        first = create_task(run(admission, lambda: sleep(0), lambda: True))
        second = create_task(run(admission, lambda: sleep(0), lambda: True))
        for _ in range(turns):
            await sleep(0)
        second.cancel()
        third = create_task(run(admission, lambda: sleep(0), lambda: True))
        await gather(first, third)
        with pytest.raises(CancelledError):
            await second
        assert (admission.under_way, admission.free) == (0, 1)
