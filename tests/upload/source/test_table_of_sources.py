"""One table: what is handed over, how many bytes it has, and what goes wrong.

``cells`` says which of them there are. The kinds are in ``support.handed_over`` and
``support.streams``: a new one is added there. In each cell, the bytes in the store, the requests
and the memory are counted. The row of 300 MB is ``test_large_sources.py``.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from support.handed_over import FILES
from support.source_table import KINDS, Cell, KindOfSource, chain, content, hand_over, is_closed
from support.streams import Giver

from twelvelabs_async import AsyncTwelveLabs, SourceError, UploadError
from twelvelabs_async.emulator import Answer, Emulator, Expire, Fault

CHUNK = 50_000
SIZES = {"1 byte": 1, "a chunk": CHUNK, "3 chunks": 3 * CHUNK, "1 more": 3 * CHUNK + 1}

pytestmark = pytest.mark.chunk_size(CHUNK)

STORE_FAULTS = {
    "nothing": None,
    "a failed chunk": Fault(route="put", action=Answer(503)),
    "an expired URL": Fault(route="put", action=Expire()),
}
"""What the store does, to one request."""


def happens(kind: KindOfSource, fault: str) -> bool:
    """Whether there is such a cell: what is in our hands does not break off."""
    if fault in STORE_FAULTS:
        return True
    if kind.name in FILES:
        return False
    if fault in ("too short", "too long"):
        return kind.in_memory  # else it has not said how long it is
    return fault != "raises" or kind.name != "pipe"


def cells(*faults: str) -> pytest.MarkDecorator:
    """Return the cells of the table that have these faults."""
    table = [
        pytest.param(kind, size, fault, id=f"{kind}-{what}-{fault}")
        for kind in KINDS
        for what, size in SIZES.items()
        for fault in faults
        if happens(kind, fault)
    ]
    return pytest.mark.parametrize(("kind", "size", "fault"), table)


@cells(*STORE_FAULTS)
async def test_what_is_handed_over_arrives_whole(
    kind: KindOfSource,
    size: int,
    fault: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    shared_directory: Path,
) -> None:
    """One asset, byte for byte, and each chunk is sent once, but for the one that failed."""
    cell = Cell(kind, client, emulator)
    giver = Giver(content(size), size)
    handed_over, chunks = hand_over(kind, giver, shared_directory), -(-size // CHUNK)
    scripted = STORE_FAULTS[fault]
    if scripted is not None:
        emulator.faults.add(evolve(scripted, chunk_index=(chunks + 1) // 2))
    asset = await cell.start(handed_over, size)
    await cell.check_arrived(asset.id, giver.data, CHUNK)
    assert emulator.count("put") == chunks + (scripted is not None)
    assert is_closed(handed_over)
    cell.check_ended(CHUNK)


@cells("too short", "too long", "raises")
async def test_what_is_not_as_it_says_makes_no_asset(
    kind: KindOfSource,
    size: int,
    fault: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    shared_directory: Path,
) -> None:
    """The caller gets the reason: what was raised is in the chain."""
    cell = Cell(kind, client, emulator)
    count = {"too short": size - 1, "too long": size + 1, "raises": size // 2}[fault]
    ending: Any = "raise" if fault == "raises" else "end"
    giver = Giver(content(count), size, ending)
    handed_over = hand_over(kind, giver, shared_directory)
    with pytest.raises(UploadError) as caught:
        await cell.start(handed_over, size)
    assert isinstance(caught.value.__cause__, SourceError)
    assert (giver.failure in chain(caught.value)) == (fault == "raises")
    cell.check_no_asset()
    assert is_closed(handed_over)
    cell.check_ended(CHUNK)


@cells("cancelled")
async def test_a_cancelled_reader_leaves_nothing(
    kind: KindOfSource,
    size: int,
    fault: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    shared_directory: Path,
) -> None:
    """Where it stood in the middle, and what came before was sent."""
    cell = Cell(kind, client, emulator)
    giver = Giver(content(size // 2), size, "wait")
    handed_over = hand_over(kind, giver, shared_directory)
    upload = cell.start(handed_over, size)
    sent = size // 2 // CHUNK if kind.in_memory else 0
    while not giver.waits.is_set() or emulator.count("put") < sent:
        await asyncio.sleep(0.01)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    cell.check_no_asset()
    assert is_closed(handed_over)
    cell.check_ended(CHUNK)
