"""What the progress callback hears, and that it can hold up and harm nothing."""

import asyncio
import logging

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, UploadError, UploadProgress
from twelvelabs_async.emulator import Emulator, Fault, Stall, store_error


async def test_the_first_call_names_the_session_and_the_last_one_is_complete(
    client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A worker can persist ``upload_id`` at once; the last call says that everything arrived."""
    heard: list[UploadProgress] = []
    result = await client.multipart_upload.upload_file(
        make_file(20 * CHUNK_SIZE), progress_callback=heard.append
    )
    first, last = heard[0], heard[-1]
    assert (first.upload_id, first.asset_id) == (result.upload_id, result.asset_id)
    assert (first.completed_chunks, first.uploaded_bytes, first.status) == (0, 0, "uploading")
    assert (last.completed_chunks, last.total_chunks, last.status) == (20, 20, "completed")
    assert last.uploaded_bytes == last.total_bytes == 20 * CHUNK_SIZE
    assert last.percentage == 100


async def test_the_first_call_comes_before_any_byte(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """An upload that dies at its first chunk has told its session."""
    heard: list[UploadProgress] = []
    emulator.faults.add(Fault(route="put", action=store_error(403, "AccessDenied", "no")))
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(make_file(1), progress_callback=heard.append)
    assert heard[0].upload_id == caught.value.upload_id
    assert heard[-1].status == "failed"


async def test_calls_come_while_bytes_trickle(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Between the first and the last call there are others, in the order of what happened."""
    heard: list[UploadProgress] = []
    emulator.faults.add(Fault(route="put", chunk_index=3, action=Stall("after")))
    await client.multipart_upload.upload_file(
        make_file(5 * CHUNK_SIZE), progress_callback=heard.append, max_workers=1
    )
    stored = [progress.stored_chunks for progress in heard]
    assert stored == sorted(stored)
    assert 2 in stored[1:-1]


async def test_a_slow_callback_holds_up_nothing(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Chunks go on while a callback takes its time; what it missed is told once."""
    heard: list[UploadProgress] = []

    async def slow(progress: UploadProgress) -> None:
        if not heard:
            heard.append(progress)
            await asyncio.sleep(50)
            assert emulator.count("put") == 30
        else:
            heard.append(progress)

    await client.multipart_upload.upload_file(make_file(30 * CHUNK_SIZE), progress_callback=slow)
    assert [progress.status for progress in heard] == ["uploading", "completed"]


@pytest.mark.parametrize("kind", [RuntimeError, asyncio.CancelledError])
async def test_a_callback_that_raises_harms_nothing(
    kind: type[BaseException],
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged with its traceback, and the file arrives."""

    async def broken(_: UploadProgress) -> None:
        raise kind("oops")

    with caplog.at_level(logging.ERROR):
        result = await client.multipart_upload.upload_file(make_file(1), progress_callback=broken)
    assert result.asset_url
    assert "the progress callback of upload" in caplog.text
    assert "oops" in caplog.text


async def test_a_cancelled_upload_does_not_wait_for_its_callback(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A callback under way is cancelled together with the upload."""
    ended = asyncio.Event()

    async def endless(_: UploadProgress) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    emulator.faults.add(Fault(route="put", action=Stall("after")))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await client.multipart_upload.upload_file(make_file(1), progress_callback=endless)
    assert ended.is_set()


@pytest.mark.parametrize(("fails", "longest"), [(False, 62), (True, 20)])
async def test_a_callback_that_never_ends_cannot_hold_up_an_upload_for_ever(
    fails: bool, longest: float, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """After a minute, or seconds where the upload failed, it is cancelled, and left behind."""
    cancelled = 0

    async def endless(_: UploadProgress) -> None:
        nonlocal cancelled
        while True:
            try:
                await asyncio.sleep(100_000)
            except asyncio.CancelledError:
                cancelled += 1
                if cancelled > 1:
                    raise

    loop = asyncio.get_running_loop()
    if fails:
        emulator.faults.add(Fault(route="put", action=store_error(403, "AccessDenied", "no")))
    upload = client.multipart_upload.upload_file(make_file(1), progress_callback=endless)
    outcome = await asyncio.gather(upload, return_exceptions=True)
    assert isinstance(outcome[0], UploadError) is fails
    assert loop.time() <= longest
    assert cancelled == 1
    (left,) = (t for t in asyncio.all_tasks() if "ProgressReporter._watch" in repr(t))
    left.cancel()
    await asyncio.wait({left})
