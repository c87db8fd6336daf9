"""A rate limit is the account's: a 429 to one control call holds back all those beside it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from support.calls import ask, create, now
from support.files import MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    ClientClosedError,
    TooManyRequestsError,
    UploadError,
)
from twelvelabs_async._http.rate_gate import RateGate
from twelvelabs_async._http.retries import FIRST_BACKOFF, LONGEST_OBEYED_PAUSE
from twelvelabs_async.emulator import Answer, Emulator, Fault, Rewrite, Stall, api_error

WORDS = "You have exceeded the rate limit of 8 requests."


def limited(seconds: float) -> Answer:
    """Return a refusal that asks for a pause."""
    return api_error(429, "too_many_requests", WORDS, {"Retry-After": str(seconds)})


def an_error(seconds: float | None) -> TooManyRequestsError:
    """Return the error that such a refusal is."""
    return TooManyRequestsError(status_code=429, message=WORDS, retry_after=seconds)


def note_times(emulator: Emulator, *routes: str) -> list[float]:
    """Have the times noted at which requests of some routes are handled."""
    times: list[float] = []

    def note(payload: dict[str, object]) -> dict[str, object]:
        times.append(now())
        return payload

    for route in routes:
        emulator.faults.add(Fault(route=route, action=Rewrite(note), times=None))
    return times


async def heard() -> None:
    """Let every answer that is under way arrive."""
    await asyncio.sleep(0.001)


# The gate itself.


def test_a_gate_is_open_until_the_platform_asks_for_a_pause() -> None:
    """And for exactly that long; of several pauses, the one that ends last counts."""
    gate = RateGate()
    assert gate.closed_for(5.0) == 0
    gate.note_refusal(an_error(None), 5.0)
    assert gate.closed_for(5.0) == 0
    gate.note_refusal(an_error(2.0), 5.0)
    gate.note_refusal(an_error(1.0), 5.5)
    assert gate.closed_for(6.0) == 1.0
    assert gate.closed_for(7.0) == 0
    gate.check(gate.refusals, 6.0)


def test_a_pause_that_nobody_waits_for_refuses_those_who_wait_and_no_later_call() -> None:
    """With the seconds that are left of it, and in the platform's words."""
    gate = RateGate()
    arrived = gate.refusals
    gate.note_refusal(an_error(LONGEST_OBEYED_PAUSE), 0.0)
    gate.check(arrived, 0.0)
    gate.note_refusal(an_error(3600.0), 10.0)
    with pytest.raises(TooManyRequestsError, match="rate limit of 8") as caught:
        gate.check(arrived, 40.0)
    assert caught.value.retry_after == 3570.0
    gate.check(gate.refusals, 40.0)
    gate.check(arrived, 3610.0)


# What passes it.


async def test_no_other_call_is_sent_while_the_platform_asks_for_a_pause(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Of whatever kind: not one request arrives earlier, and then not all at one moment."""
    asset = await client.assets.create(method="direct", file=("a.mp4", b"film"))
    session = await create(client)
    emulator.faults.add(Fault(route="list", action=limited(2)))
    times = note_times(
        emulator, "list", "create", "status", "presigned_urls", "asset", "list_assets",
        "create_asset", "update_metadata",
    )  # fmt: skip
    first = asyncio.create_task(ask(client))
    await heard()
    upload = client.multipart_upload
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: ask(client),
        lambda: create(client),
        lambda: upload.get_status(session.upload_id),
        lambda: upload.get_additional_presigned_urls(session.upload_id, start=1, count=1),
        lambda: client.assets.retrieve(asset.id),
        client.assets.list,
        lambda: client.assets.create(method="direct", file=("b.mp4", b"film")),
        lambda: client.assets.update_user_metadata(asset.id, user_metadata={"a": 1}),
        lambda: client.assets.wait_until_ready(asset.id, timeout=60),
    ]
    await asyncio.gather(first, *(call() for call in calls))
    assert len(times) == len(calls) + 1  # each was sent once
    assert min(times) >= 2
    assert max(times) <= 2.001 + FIRST_BACKOFF
    assert len(set(times)) > len(times) / 2


async def test_the_workers_of_all_uploads_wait_and_their_chunks_do_not(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """The limit is the platform's; the object store has nothing to do with it."""
    sent: list[float] = []
    emulator.faults.add(Fault(route="report", action=limited(2), after=2))
    times = note_times(emulator, "report")
    path = make_file(9_000)
    uploads = [
        client.multipart_upload.upload_file(
            path, batch_size=1, max_workers=3, progress_callback=lambda p: sent.append(now())
        )
        for _ in range(3)
    ]
    await asyncio.gather(*uploads)
    early = [moment for moment in times if moment < 2]
    late = [moment for moment in times if moment >= 2]
    assert len(late) >= 9
    assert all(moment == 0 for moment in early)  # under way when the limit was told
    assert emulator.count("report") == 3 * 9 + 1


async def test_whoever_waits_fails_at_once_when_the_pause_becomes_too_long(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """With the platform's own words and pause; a call that is made later is sent."""

    async def slowly() -> AsyncIterator[bytes]:
        yield b"film"
        await asyncio.sleep(5)

    emulator.faults.add(Fault(route="list_assets", action=limited(60)))
    emulator.faults.add(Fault(route="create_asset", action=limited(3600)))
    upload = client.assets.create
    waiting: list[asyncio.Task[object]] = [
        asyncio.create_task(upload(method="direct", file=("slow.mp4", slowly()))),
        asyncio.create_task(client.assets.list()),
    ]
    await heard()
    waiting += [asyncio.create_task(ask(client)) for _ in range(4)]
    waiting.append(asyncio.create_task(upload(method="direct", file=("a.mp4", b"film"))))
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert 5 <= now() < 5.1
    for outcome in outcomes:
        assert isinstance(outcome, TooManyRequestsError)
        assert outcome.retry_after == 3600
        assert WORDS in str(outcome)
    assert len({id(outcome) for outcome in outcomes}) == len(outcomes)
    assert (emulator.count("list"), emulator.count("create_asset")) == (0, 1)
    await ask(client)
    assert emulator.count("list") == 1


async def test_whoever_waits_for_a_slot_fails_as_well(emulator: Emulator) -> None:
    """It has been waiting, too, and would only hear the same."""
    emulator.faults.add(Fault(route="list", action=limited(3600), times=None))
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, max_concurrency=1, max_retries=0
    ) as client:
        outcomes = await asyncio.gather(*(ask(client) for _ in range(20)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TooManyRequestsError] * 20
    assert emulator.count("list") == 2  # the two that were under way


async def test_the_last_report_of_a_cancelled_upload_does_not_wait(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """It has five seconds, and nobody else knows the ETags."""
    emulator.faults.add(Fault(route="list", action=limited(100)))
    for index in (9, 10):
        emulator.faults.add(Fault(route="put", action=Stall(), chunk_index=index))
    upload = asyncio.create_task(
        client.multipart_upload.upload_file(make_file(20_000), batch_size=50, max_workers=2)
    )
    while emulator.count("put") < 8:
        await asyncio.sleep(0)
    limit = asyncio.create_task(ask(client))
    await heard()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert now() < 5
    (session,) = emulator.platform.uploads.values()
    assert emulator.count("report") == 1
    assert len(session.reported) == 8
    limit.cancel()


async def test_close_ends_whoever_waits(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """At once, control calls and direct uploads."""
    emulator.faults.add(Fault(route="list", action=limited(100)))
    waiting: list[asyncio.Task[object]] = [asyncio.create_task(ask(client))]
    await heard()
    waiting += [
        asyncio.create_task(ask(client)),
        asyncio.create_task(client.assets.create(method="direct", file=("a.mp4", b"film"))),
    ]
    await asyncio.sleep(1)
    await client.close()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError] * 3
    assert now() < 2


async def test_a_direct_upload_that_waits_takes_no_slot_from_chunks(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """There is one slot for bodies here, and the chunks get it."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=1) as client:
        path = make_file(5_000)
        upload = asyncio.create_task(client.multipart_upload.upload_file(path, batch_size=50))
        while not emulator.count("put"):
            await asyncio.sleep(0)
        emulator.faults.add(Fault(route="list", action=limited(60)))
        limit = asyncio.create_task(ask(client))
        await heard()
        direct = asyncio.create_task(client.assets.create(method="direct", file=("a.mp4", b"f")))
        await asyncio.sleep(1)
        assert emulator.count("put") == 5
        await asyncio.gather(upload, direct, limit)
        assert now() >= 60


async def test_an_upload_that_is_refused_for_long_says_when_to_come_back(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """As seconds, for whoever schedules the next attempt."""
    emulator.faults.add(Fault(route="report", action=limited(3600)))
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(make_file(3_000))
    assert caught.value.retry_after == 3600
    assert caught.value.retryable
