"""A file travels from disk to an asset URL over real sockets, in the fewest requests."""

import hashlib
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "size", [1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 10 * CHUNK_SIZE, 10 * CHUNK_SIZE + 1]
)
async def test_every_byte_arrives_whatever_the_size(
    size: int, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """What the asset URL serves is byte for byte the file."""
    path = make_file(size)
    result = await client.multipart_upload.upload_file(path)
    assert result.total_size == size
    assert result.total_chunks == -(-size // CHUNK_SIZE)
    assert result.asset_url is not None
    async with aiohttp.ClientSession() as session, session.get(result.asset_url) as response:
        assert hashlib.sha256(await response.read()).hexdigest() == sha256(path)
    assert emulator.count("put") == result.total_chunks


async def test_a_hundred_chunks_take_five_connections_and_no_needless_call(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """100 chunks at 5 workers: a PUT each, URLs by the fifty, reports by the ten, nothing else."""
    await client.multipart_upload.upload_file(make_file(100 * CHUNK_SIZE), max_workers=5)
    routes = Counter(exchange.route for exchange in emulator.requests)
    assert emulator.connections("store") <= 5
    assert routes.pop("put") == 100
    assert routes.pop("create") == 1
    assert routes.pop("presigned_urls") == 2  # ten URLs came with the session
    assert 10 <= routes.pop("report") <= 10 + 5
    assert not routes
