"""Many uploads of one client at once: bounded, fair, and cheap for those that wait."""

import asyncio
import gc
from collections import Counter
from pathlib import Path

from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, UploadProgress
from twelvelabs_async._upload.admitted import AdmittedUpload
from twelvelabs_async._upload.multipart import MultipartUpload
from twelvelabs_async._upload.steps.chunk_sender import ChunkSender
from twelvelabs_async._upload.steps.uploader import Uploader
from twelvelabs_async.emulator import Emulator, Fault, Stall


async def test_the_client_bounds_puts_files_and_sessions(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """500 uploads started at once hold no more files and sessions than were admitted."""
    paths = [make_file(CHUNK_SIZE + i, f"{i}.mp4") for i in range(500)]
    known = {str(path) for path in paths}
    most_files = 0

    def look(_: UploadProgress) -> None:
        nonlocal most_files
        links = [entry for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        targets = [str(entry.readlink()) for entry in links if entry.exists()]
        most_files = max(most_files, sum(target in known for target in targets))

    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=3) as client:
        results = await asyncio.gather(
            *(client.multipart_upload.upload_file(p, progress_callback=look) for p in paths)
        )
    assert len({result.asset_id for result in results}) == 500
    assert 1 <= most_files <= 6
    assert emulator.connections("store") <= 3
    assert emulator.connections("api") <= 6
    assert _most_sessions_at_once(emulator) <= 6
    routes = Counter(exchange.route for exchange in emulator.requests)
    assert (routes["create"], routes["put"]) == (500, 2 * 500 - 1)


def _most_sessions_at_once(emulator: Emulator) -> int:
    """Return how many sessions were open at most, by the order of creations and last reports."""
    last_report = {e.upload_id: e.arrival for e in emulator.requests if e.route == "report"}
    events = [(arrival, -1) for arrival in last_report.values()]
    events += [(e.arrival, 1) for e in emulator.requests if e.route == "create"]
    level = most = 0
    for _, step in sorted(events):
        level += step
        most = max(most, level)
    return most


async def test_an_upload_that_has_ended_is_not_left_to_the_garbage_collector(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Nothing of it refers back to it; with many small files, collecting it would take time."""
    path = make_file(2 * CHUNK_SIZE)
    kinds = (MultipartUpload, AdmittedUpload, Uploader, ChunkSender)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        gc.collect()
        gc.disable()
        others = [each for each in gc.get_objects() if isinstance(each, kinds)]  # of other tests
        try:
            await client.multipart_upload.upload_file(path)
            left = [each for each in gc.get_objects() if isinstance(each, kinds)]
        finally:
            gc.enable()
    assert len(left) == len(others)


async def test_a_small_file_does_not_wait_for_a_large_one(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """A large file's chunks do not fill the queue: a slot that is free goes round."""
    large, small = make_file(400 * CHUNK_SIZE, "large.mp4"), make_file(2 * CHUNK_SIZE, "small.mp4")
    order: list[str] = []

    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=2) as client:

        async def upload(path: Path, workers: int) -> None:
            await client.multipart_upload.upload_file(path, max_workers=workers)
            order.append(path.name)

        large_one = asyncio.create_task(upload(large, 50))
        while emulator.count("put") < 20:
            await asyncio.sleep(0)
        await upload(small, 2)
        assert emulator.count("put") < 200
        await large_one
    assert order == ["small.mp4", "large.mp4"]


async def test_a_pause_gives_its_slot_to_others(emulator: Emulator, make_file: MakeFile) -> None:
    """An upload that waits before a retry does not hold the only slot meanwhile."""
    first, second = make_file(1, "first.mp4"), make_file(2, "second.mp4")
    emulator.faults.add(Fault(route="put", action=Stall("after")))
    loop = asyncio.get_running_loop()
    ended: dict[str, float] = {}

    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, max_concurrency=1, stall_timeout=10
    ) as client:

        async def upload(path: Path) -> None:
            await client.multipart_upload.upload_file(path, retry_delay=1e6)
            ended[path.name] = loop.time()

        task = asyncio.create_task(upload(first))
        while not emulator.platform.assets:
            await asyncio.sleep(0)
        await upload(second)
        await task
    assert ended["second.mp4"] < 30
    assert ended["second.mp4"] <= ended["first.mp4"]


async def test_a_cancelled_wait_for_admission_leaves_nothing(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Uploads that were never admitted have opened nothing, and admit those behind them."""
    emulator.faults.add(Fault(route="put", action=Stall("after"), times=2))
    paths = [make_file(size, f"{size}.mp4") for size in (1, 2, 3)]
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, max_concurrency=1, stall_timeout=100
    ) as client:
        uploads = [asyncio.create_task(client.multipart_upload.upload_file(path)) for path in paths]
        await asyncio.sleep(10)
        assert emulator.count("create") == 2
        uploads[2].cancel()
        await asyncio.gather(*uploads[:2])
        assert uploads[2].cancelled()
        result = await client.multipart_upload.upload_file(paths[2])
    assert result.asset_url
    assert emulator.count("create") == 3
