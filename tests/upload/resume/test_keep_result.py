"""A result that the journal keeps is given again until it is forgotten, also after a kill."""

import asyncio
import fcntl
import json
import logging
import os
import random
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cli import COMMAND, Shell, ended, place, posix
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import (
    AsyncTwelveLabs,
    Journal,
    MemoryJournal,
    UploadInProgressError,
    UploadResult,
)
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.resume.checkpoint import JournalCheckpoint
from twelvelabs_async._upload.resume.lease import hold_lease
from twelvelabs_async._upload.resume.records import ContentIdentity
from twelvelabs_async._upload.source.file import open_source
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.journal._log_file import SUFFIX, read_records

CHUNKS = 5


@pytest.fixture
async def client(emulator: Emulator, journal: Journal) -> AsyncIterator[AsyncTwelveLabs]:
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as running:
        yield running


async def kept(client: AsyncTwelveLabs, path: Path, **options: Any) -> UploadResult:
    return await client.multipart_upload.upload_file(path, keep_result=True, **options)


def puts(emulator: Emulator) -> int:
    return emulator.count("put")


async def test_the_same_call_gives_the_same_asset_until_it_is_forgotten(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Not a byte is sent for it; afterwards the same call makes another asset."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    first = await kept(client, path)
    again = await kept(client, path)
    assert (again.asset_id, again.asset_url) == (first.asset_id, first.asset_url)
    assert (again.journal_key, again.total_chunks) == (first.journal_key, CHUNKS)
    assert (puts(emulator), emulator.count("create")) == (CHUNKS, 1)
    await client.multipart_upload.forget(again)
    other = await kept(client, path)
    assert other.asset_id != first.asset_id
    assert puts(emulator) == 2 * CHUNKS


async def test_the_digest_is_computed_again(client: AsyncTwelveLabs, make_file: MakeFile) -> None:
    """What was asked for is in the result, although nothing is sent."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    first = await kept(client, path, digest="sha256")
    assert (await kept(client, path, digest="sha256")).sha256 == first.sha256 is not None


async def test_a_result_is_kept_by_the_call_that_asks_for_it(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Neither one that was not kept is given, nor one to a call that does not ask for it."""
    path, upload = make_file(CHUNKS * CHUNK_SIZE), client.multipart_upload.upload_file
    results = [await upload(path), await kept(client, path), await upload(path)]
    assert len({result.asset_id for result in results}) == 3


async def test_forgetting_is_harmless(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A second time, of an entry that another upload has taken, and without a journal."""
    path, forget = make_file(CHUNKS * CHUNK_SIZE), client.multipart_upload.forget
    first = await kept(client, path)
    await forget(first)
    await forget(first)
    second = await kept(client, path)
    await forget(first)
    assert (await kept(client, path)).asset_id == second.asset_id
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as bare:
        result = await kept(bare, path)
        assert result.journal_key is None
        await bare.multipart_upload.forget(result)


async def test_forgetting_waits_for_a_call_that_has_the_entry(
    client: AsyncTwelveLabs,
    journal: Journal,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For a minute; then it says who has it. It advises nothing that only uploads can do."""
    caplog.set_level(logging.INFO)
    path = make_file(CHUNKS * CHUNK_SIZE)
    first = await kept(client, path)
    assert first.journal_key is not None
    async with hold_lease(journal, first.journal_key):
        with pytest.raises(UploadInProgressError, match=r"upload \(forget\(\) waits") as caught:
            await client.multipart_upload.forget(first)
        waits = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
        (text,) = [wait for wait in waits if "cannot be forgotten yet" in wait]
        for said in (text, str(caught.value)):
            assert "if_busy" not in said
            assert f":{os.getpid()}" in said
        assert f"upload {first.upload_id} cannot" in text
        assert first.journal_key not in text
        forgetting = asyncio.create_task(client.multipart_upload.forget(first))
        await asyncio.sleep(1)
    await forgetting
    assert (await kept(client, path)).asset_id != first.asset_id


async def test_a_name_can_be_used_anew_once_its_result_is_forgotten(
    client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A ``resume_key`` keeps its result, too."""
    path, upload = make_file(CHUNKS * CHUNK_SIZE), client.multipart_upload.upload_file
    first = await upload(path, resume_key="job 7")
    assert (await upload(path, resume_key="job 7")).asset_id == first.asset_id
    await client.multipart_upload.forget(first)
    assert (await upload(path, resume_key="job 7")).asset_id != first.asset_id


async def records_of(journal: Journal, result: UploadResult) -> list[dict[str, Any]]:
    assert result.journal_key is not None
    return [json.loads(record) for record in await journal.read(result.journal_key)]


@pytest.mark.parametrize("options", [{"keep_result": True}, {"resume_key": "job 7"}])
async def test_a_call_that_the_journal_answers_adds_nothing_to_it(
    client: AsyncTwelveLabs, journal: Journal, make_file: MakeFile, options: dict[str, Any]
) -> None:
    """However often it is asked; the entry does not grow."""
    path, upload = make_file(CHUNKS * CHUNK_SIZE), client.multipart_upload.upload_file
    first = await upload(path, **options)
    before = await records_of(journal, first)
    for _ in range(3):
        assert (await upload(path, **options)).asset_id == first.asset_id
    assert await records_of(journal, first) == before


async def test_a_result_that_is_answered_can_be_kept_later_and_stays_kept(
    client: AsyncTwelveLabs, journal: Journal, make_file: MakeFile
) -> None:
    """Who wants it kept gets that recorded; who does not care does not undo it."""
    path, upload = make_file(CHUNKS * CHUNK_SIZE), client.multipart_upload.upload_file
    first = await upload(path, resume_key="job 7")
    for keep_result in (False, True, False, True):
        await upload(path, resume_key="job 7", keep_result=keep_result)
    ends = [each for each in await records_of(journal, first) if "done_at" in each]
    assert [each["kept"] for each in ends] == [False, True]


async def test_an_end_that_is_not_the_last_record_is_recorded_again(
    client: AsyncTwelveLabs, journal: Journal, make_file: MakeFile
) -> None:
    """As where the platform missed a chunk of a complete upload, which was sent again."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    first = await kept(client, path)
    assert first.journal_key is not None
    async with open_source(path, threads=Threads()) as source:
        identity = ContentIdentity("a sample", source.identity)
        answered = keep_result = True
        async with hold_lease(journal, first.journal_key) as lease:
            checkpoint = JournalCheckpoint(lease, identity, source, answered, keep_result)
            previous = await checkpoint.previous()
            assert previous is not None
            await checkpoint.done()
            assert "done_at" not in (await records_of(journal, first))[-2]
            await checkpoint.stored(previous.stored[1])
            await checkpoint.done()
    ends = ["done_at" in record for record in await records_of(journal, first)]
    assert ends[-3:] == [True, False, True]


@pytest.mark.parametrize("gone", ["session", "asset"])
async def test_a_session_that_is_gone_is_no_matter_as_long_as_its_asset_is_there(
    make_file: MakeFile, gone: str
) -> None:
    """The platform need not know the session for ever; without the asset, there is no result."""
    path, journal = make_file(CHUNKS * CHUNK_SIZE), MemoryJournal()
    async with Emulator(chunk_size=CHUNK_SIZE, name_url="asset", now=utcnow) as emulator:
        address = (emulator.api_key, emulator.base_url)
        async with AsyncTwelveLabs(*address, journal=journal) as client:
            first = await kept(client, path)
            del emulator.platform.uploads[first.upload_id]
            if gone == "asset":
                del emulator.platform.assets[first.asset_id]
            again = await kept(client, path)
    assert (again.asset_id == first.asset_id) == (gone == "session")


# The command, killed between the end of its upload and its output.


@contextmanager
def a_full_pipe() -> Generator[int]:
    """Yield an output to which nobody can write any more."""
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, bytes(4096))
        fcntl.fcntl(writing, fcntl.F_SETFL, 0)
        yield writing
    finally:
        os.close(writing)
        os.close(reading)


async def killed(shell: Shell, emulator: Emulator, seconds: float, *command: str | Path) -> None:
    """Run a command whose output nobody takes, and kill it so long after the end of its upload."""
    with a_full_pipe() as output:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *map(str, command),
            cwd=shell.directory,
            env=shell.environment(place(emulator)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.DEVNULL,
        )
        while not all(upload.completed for upload in emulator.platform.uploads.values()) or (
            not emulator.platform.uploads
        ):
            assert process.returncode is None
            await asyncio.sleep(0)
        await asyncio.sleep(seconds)
        process.kill()
        await process.wait()


async def result_of(shell: Shell, emulator: Emulator, *command: str | Path) -> dict[str, Any]:
    done = await ended(await shell.start_beside(emulator, *command))
    assert (done.code, done.err) == (0, "")
    (result,) = done.objects
    return result


@posix
@pytest.mark.real_time
@pytest.mark.parametrize("seed", range(10))
async def test_a_command_that_was_killed_before_its_output_gives_the_same_asset(
    shell: Shell, noise: Path, seed: int
) -> None:
    """Whenever that was; and once its output was written, the same command makes another one."""
    seconds = random.Random(seed).uniform(0, 0.06)
    command = ("upload", "--json", noise)
    async with Emulator(chunk_size=50_000) as emulator:
        await killed(shell, emulator, seconds, *command)
        (made,) = emulator.platform.assets
        sent = puts(emulator)
        result = await result_of(shell, emulator, *command)
        assert (result["asset_id"], puts(emulator)) == (made, sent)
        assert list(emulator.platform.assets) == [made]
        if not seed:
            another = await result_of(shell, emulator, *command)
            assert another["asset_id"] != made


@posix
@pytest.mark.real_time
async def test_a_command_that_was_killed_while_it_waited_waits_for_the_same_asset(
    shell: Shell, noise: Path
) -> None:
    """With ``--wait`` the output comes later, and the result is kept until then."""
    command = ("upload", "--json", "--wait", noise)
    async with Emulator(chunk_size=50_000, processing_time=timedelta(hours=1)) as emulator:
        await killed(shell, emulator, 0.3, *command)
        (made,) = emulator.platform.assets
        emulator.platform.processing_time = timedelta(0)
        result = await result_of(shell, emulator, *command)
        assert (result["asset_id"], result["asset"]["status"]) == (made, "ready")
        (entry,) = (shell.state / "twelvelabs_async").glob(f"*{SUFFIX}")
        assert [json.loads(record) for record in read_records(entry)] == [
            {"version": 1, "dead": True}
        ]
