"""The row of the table of sources that is large: 300 MB, in chunks of 16 MiB."""

from pathlib import Path

import pytest
from support.source_table import KINDS, Cell, KindOfSource, content, hand_over
from support.streams import Giver

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

SIZE, CHUNK = 300_000_000, 16 * 2**20

pytestmark = pytest.mark.chunk_size(CHUNK)


@pytest.fixture(scope="module")
def large() -> bytes:
    return content(SIZE)


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_300_mb_arrive_whole(
    kind: KindOfSource,
    large: bytes,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    shared_directory: Path,
) -> None:
    """In chunks of 16 MiB, of which few are in memory."""
    cell = Cell(kind, client, emulator, workers=3)
    giver = Giver(large, SIZE, piece=2**20)
    asset = await cell.start(hand_over(kind, giver, shared_directory), SIZE)
    await cell.check_arrived(asset.id, large, CHUNK)
    assert emulator.count("put") == -(-SIZE // CHUNK)
    cell.check_ended(CHUNK)
