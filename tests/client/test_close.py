"""``close()``: everything that is under way ends at once, and has ended when it returns."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.calls import ask, now
from support.files import CHUNK_SIZE, MakeFile
from support.leaks import is_open, sockets

from twelvelabs_async import (
    AsyncTwelveLabs,
    ClientClosedError,
    FileJournal,
    MemoryJournal,
    OutcomeUnknownError,
    UploadError,
    UploadProgress,
)
from twelvelabs_async._http import sessions
from twelvelabs_async.emulator import (
    Answer,
    Emulator,
    Fault,
    Rewrite,
    Stall,
    api_error,
    store_error,
)

SLOW_DOWN = store_error(503, "SlowDown", "Please reduce your request rate.")
PROCESSING = Answer(200, {}, b'{"_id": "a", "status": "processing"}', "application/json")
UNAVAILABLE = api_error(503, "unavailable", "Later.")


def client_of(emulator: Emulator, **settings: Any) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, **settings)


MOMENT = 0.001
"""Seconds after which a pause of seconds has begun, and has not ended."""

Doing = Callable[[Emulator, AsyncTwelveLabs, Path], Awaitable[object]]


def ready(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> Awaitable[object]:
    async def wait() -> object:
        emulator.faults.add(Fault(route="asset", action=PROCESSING, times=None))
        return await client.assets.wait_until_ready("x" * 24, poll_interval=30)

    return wait()


def completion(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> Awaitable[object]:
    async def wait() -> object:
        uploads = client.multipart_upload
        made = await uploads.create(filename="a.mp4", type="video", total_size=CHUNK_SIZE)
        return await uploads.wait_for_upload_completion(made.upload_id, sleep_interval=600)

    return wait()


def settling(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> Awaitable[object]:
    def less(told: Any) -> Any:
        return {**told, "total_completed": 0, "url": None}

    emulator.faults.add(Fault(route="report", action=Rewrite(less), times=None))
    return client.multipart_upload.upload_file(path, retry_delay=1e6)


def retrying(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> Awaitable[object]:
    emulator.faults.add(Fault(route="put", action=SLOW_DOWN, times=None))
    return client.multipart_upload.upload_file(path, retry_delay=1e6, max_retries=99)


def asking(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> Awaitable[object]:
    emulator.faults.add(Fault(route="list", action=UNAVAILABLE, times=None))
    return client.multipart_upload.list_incomplete_uploads(request_options={"max_retries": 999})


def storing(emulator: Emulator, client: AsyncTwelveLabs, path: Path) -> Awaitable[object]:
    emulator.faults.add(Fault(route="put", chunk_index=3, action=Stall("after")))
    return client.multipart_upload.upload_file(path, max_workers=1)


@pytest.mark.parametrize("closes", [1, 5])
@pytest.mark.parametrize(
    ("doing", "route"),
    [
        (ready, "asset"),
        (completion, "status"),
        (settling, "report"),
        (retrying, "put"),
        (asking, "list"),
        (storing, "put"),
    ],
)
async def test_whatever_a_client_does_ends_at_once(
    emulator: Emulator,
    make_file: MakeFile,
    tmp_path: Path,
    doing: Doing,
    route: str,
    closes: int,
) -> None:
    """No pause is waited for; nothing is left when ``close`` returns, of several calls, too."""
    path, before, tasks = make_file(3 * CHUNK_SIZE), sockets(), asyncio.all_tasks()
    client = client_of(emulator, journal=FileJournal(tmp_path / "journal"), stall_timeout=None)
    call = asyncio.ensure_future(doing(emulator, client, path))
    while not emulator.count(route):
        await asyncio.sleep(MOMENT)
    await asyncio.sleep(MOMENT)
    assert not call.done()
    began = now()
    closing = [asyncio.create_task(client.close()) for _ in range(closes)]
    for each in closing:
        await each
        assert call.done()
        assert not is_open(path)
    assert now() - began < 0.5
    (error,) = await asyncio.gather(call, return_exceptions=True)
    assert isinstance(error, ClientClosedError | UploadError)
    cause = error.__cause__ if isinstance(error, UploadError) else error
    assert isinstance(cause, ClientClosedError)
    await emulator.close()
    assert sockets() <= before
    assert {t for t in asyncio.all_tasks() - tasks if "Emulator" not in repr(t)} == set()


@pytest.mark.parametrize("turns", range(12))
async def test_a_second_call_may_come_at_any_moment(
    emulator: Emulator, make_file: MakeFile, turns: int
) -> None:
    """Also while what the first one has ended is ending; both return when all has ended."""
    emulator.faults.add(Fault(route="put", action=Stall("after"), times=None))
    client = client_of(emulator)
    calls: list[asyncio.Task[Any]] = [
        asyncio.create_task(client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE))),
        asyncio.create_task(client.upload(b"film", filename="a.mp4")),
        asyncio.create_task(client.assets.wait_until_ready("a")),
    ]
    emulator.faults.add(Fault(route="asset", action=PROCESSING, times=None))
    emulator.faults.add(Fault(route="create_asset", action=Stall("before"), times=None))
    await asyncio.sleep(10)
    first = asyncio.create_task(client.close())
    for _ in range(turns):
        await asyncio.sleep(0)
    await client.close()
    assert all(call.done() for call in calls)
    await first
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UploadError, UploadError, ClientClosedError]


async def test_the_lease_is_given_back(emulator: Emulator, make_file: MakeFile) -> None:
    """Another client goes on at once, with what was stored."""
    path, journal = make_file(3 * CHUNK_SIZE), MemoryJournal()
    stall = emulator.faults.add(Fault(route="put", chunk_index=3, action=Stall("before")))
    client = client_of(emulator, journal=journal)
    call = asyncio.create_task(client.multipart_upload.upload_file(path, max_workers=1))
    while not stall.hits:
        await asyncio.sleep(0.001)
    await client.close()
    async with client_of(emulator, journal=journal) as other:
        result = await other.multipart_upload.upload_file(path)
    assert result.resumed_chunks == 2
    with pytest.raises(UploadError, match="the client was closed before"):
        await call


async def test_a_complete_upload_gives_its_result(make_file: MakeFile) -> None:
    """It only asks for a URL that the platform does not name yet; that ends."""
    async with Emulator(chunk_size=CHUNK_SIZE, name_url="never") as emulator:
        client = client_of(emulator)
        call = asyncio.create_task(client.multipart_upload.upload_file(make_file(CHUNK_SIZE)))
        while not emulator.platform.assets:
            await asyncio.sleep(0.001)
        await asyncio.sleep(2)
        began = now()
        await client.close()
        assert call.done()
        assert now() - began < 0.5
        result = await call
        assert (result.asset_id in emulator.platform.assets, result.asset_url) == (True, None)


async def test_a_direct_upload_whose_answer_is_lost_says_so(emulator: Emulator) -> None:
    """Closing does not make an asset unmade: whether there is one is not known."""
    emulator.faults.add(Fault(route="create_asset", action=Stall("after")))
    client = client_of(emulator)
    call = asyncio.create_task(
        client.assets.create(method="direct", file=b"film", filename="a.mp4")
    )
    await asyncio.sleep(10)
    await client.close()
    assert call.done()
    with pytest.raises(OutcomeUnknownError):
        await call


@pytest.mark.parametrize("spawned", [False, True])
async def test_a_callback_may_close_the_client(
    emulator: Emulator, make_file: MakeFile, spawned: bool
) -> None:
    """Two of them, which would wait for each other's uploads: it hangs neither."""
    closed = list[float]()
    client = client_of(emulator, stall_timeout=None)
    emulator.faults.add(Fault(route="put", action=Stall("after"), times=None))

    async def close(progress: UploadProgress) -> None:
        if progress.status == "uploading":
            await asyncio.sleep(10)
            await (asyncio.create_task(client.close()) if spawned else client.close())
            closed.append(now())

    paths = [make_file(3 * CHUNK_SIZE, f"{number}.mp4") for number in range(2)]
    upload_file = client.multipart_upload.upload_file
    outcomes = await asyncio.gather(
        *(upload_file(path, progress_callback=close) for path in paths), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [UploadError] * 2
    assert len(closed) == 2
    assert now() < 12
    with pytest.raises(ClientClosedError):
        await ask(client)


async def test_what_is_uploaded_may_close_the_client(emulator: Emulator) -> None:
    """An async iterator is read in the middle of a request."""
    client = client_of(emulator)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"film"
        await client.close()
        yield b"film"

    with pytest.raises(UploadError):
        async with asyncio.timeout(30):
            await client.upload(pieces(), filename="a.mp4")
    opened: Any = client._runtime.sessions._opened
    assert opened.connectors.platform.closed


async def test_a_callback_may_close_the_client_while_connections_are_made(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any number of turns of the loop, none of them is left for the garbage collector."""
    complaints = list[str]()

    def note(unraisable: "sys.UnraisableHookArgs") -> None:
        complaints.append(repr(unraisable.exc_value))

    monkeypatch.setattr(sys, "unraisablehook", note)
    first, second = make_file(CHUNK_SIZE, "first.mp4"), make_file(5 * CHUNK_SIZE, "second.mp4")

    async def close_after(turns: int) -> None:
        others = list[asyncio.Task[object]]()
        async with Emulator(chunk_size=CHUNK_SIZE) as emulator, client_of(emulator) as client:
            upload_file = client.multipart_upload.upload_file

            async def close(progress: UploadProgress) -> None:
                others.append(asyncio.create_task(upload_file(second)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await client.close()

            await asyncio.gather(
                upload_file(first, progress_callback=close), return_exceptions=True
            )
            await asyncio.gather(*others, return_exceptions=True)

    for turns in range(30):
        await close_after(turns)
        gc.collect()
        assert complaints == [], f"after {turns} turns"


async def test_a_callback_and_a_journal_that_hang_hold_close_up_for_seconds(
    emulator: Emulator, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names both: something of theirs was left behind."""

    class Hung(MemoryJournal):
        async def release(self, key: str, owner: str) -> None:
            await asyncio.Event().wait()

    async def hang(_: UploadProgress) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.sleep(60)

    client = client_of(emulator, journal=Hung())
    emulator.faults.add(Fault(route="put", action=Stall("after"), times=None))
    call = asyncio.create_task(
        client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE), progress_callback=hang)
    )
    await asyncio.sleep(10)
    with caplog.at_level(logging.WARNING, "twelvelabs_async"):
        await client.close()
    assert now() < 10 + sessions.ENDING_SECONDS
    assert "a progress callback does not end, and was left behind" in caplog.text
    assert "was not given back: TimeoutError()" in caplog.text
    with pytest.raises(UploadError):
        await call
    await asyncio.sleep(60)  # the callback ends


async def test_what_cannot_be_ended_holds_close_up_for_a_bounded_time(
    emulator: Emulator, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as a journal that goes on although it is cancelled; the log counts what is left."""
    ends = asyncio.Event()

    class Stubborn(MemoryJournal):
        async def append(self, key: str, owner: str, record: bytes) -> None:
            with suppress(asyncio.CancelledError):
                await ends.wait()
            await ends.wait()

    client = client_of(emulator, journal=Stubborn())
    call = asyncio.create_task(client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE)))
    await asyncio.sleep(10)
    with caplog.at_level(logging.WARNING, "twelvelabs_async"):
        await client.close()
    assert now() == pytest.approx(10 + sessions.ENDING_SECONDS)
    assert "1 of its calls have not ended yet" in caplog.text
    ends.set()
    with pytest.raises(UploadError):
        await call


@pytest.mark.parametrize("turns", range(1, 9))
async def test_a_close_that_is_cancelled_closes_everything(
    emulator: Emulator, make_file: MakeFile, turns: int
) -> None:
    """It passes the cancellation on; what was under way ends all the same."""
    emulator.faults.add(Fault(route="put", action=Stall("after"), times=None))
    before, client = sockets(), client_of(emulator)
    call = asyncio.create_task(client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE)))
    await asyncio.sleep(10)
    closing = asyncio.create_task(client.close())
    for _ in range(turns):
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    (error,) = await asyncio.gather(call, return_exceptions=True)
    assert isinstance(error, UploadError)
    assert now() < 11
    opened: Any = client._runtime.sessions._opened
    assert opened.connectors.platform.closed
    await emulator.close()
    assert sockets() <= before


async def test_a_client_is_left_by_many_tasks_at_once(emulator: Emulator) -> None:
    """Each in ``async with``, which closes it, and in a scope of anyio that is over."""
    client = client_of(emulator)
    emulator.faults.add(Fault(route="list", action=Stall("before"), times=None))
    calls = [asyncio.create_task(ask(client)) for _ in range(3)]

    async def leave() -> None:
        async with client:
            await asyncio.sleep(10)

    async def over() -> None:
        with anyio.move_on_after(10):
            async with client:
                await asyncio.sleep(60)

    await asyncio.gather(*(leave() for _ in range(3)), *(over() for _ in range(3)))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError] * 3
    assert now() < 11
