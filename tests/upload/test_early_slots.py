"""``early_slots``: the next chunk does not wait for an answer that is under way."""

import asyncio

import pytest
from support.assets import read_asset
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Fault, Stall

CHUNKS = 12


@pytest.mark.parametrize("early", [True, False])
async def test_a_slot_is_free_once_its_body_is_sent(
    emulator: Emulator, make_file: MakeFile, early: bool
) -> None:
    """One worker: while the first answer stalls, the others go on, or wait."""
    stall = emulator.faults.add(Fault(route="put", chunk_index=1, action=Stall("after")))
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, stall_timeout=60, early_slots=early
    ) as client:
        upload = asyncio.create_task(client.multipart_upload.upload_file(path, max_workers=1))
        while not stall.hits:
            await asyncio.sleep(0.01)
        await asyncio.sleep(10)
        assert emulator.count("put") == (CHUNKS - 1 if early else 0)
        result = await upload
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    assert emulator.count("put") == CHUNKS + 1
    assert emulator.connections("store") <= (3 if early else 2)  # the stalled one is not used again


async def test_early_slots_are_still_slots(emulator: Emulator, make_file: MakeFile) -> None:
    """At most twice the connections, however many chunks and uploads there are."""
    paths = [make_file(CHUNKS * CHUNK_SIZE, f"{number}.mp4") for number in range(8)]
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, max_concurrency=3, early_slots=True
    ) as client:
        await asyncio.gather(*(client.multipart_upload.upload_file(path) for path in paths))
    assert emulator.count("put") == 8 * CHUNKS
    assert emulator.count("create") == 8
