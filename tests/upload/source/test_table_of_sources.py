"""The table of sources: every kind, in each size, with each fault; see ``support.source_table``."""

from pathlib import Path

import pytest
from support.source_table import STORE_FAULTS, Cell, KindOfSource, SizeOfSource, cells

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator


@pytest.fixture
def cell(
    kind: KindOfSource,
    size: SizeOfSource,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    shared_directory: Path,
) -> Cell:
    return Cell(kind=kind, size=size, client=client, emulator=emulator, directory=shared_directory)


@cells(*STORE_FAULTS)
async def test_what_is_handed_over_arrives_whole(cell: Cell, fault: str) -> None:
    """One asset, byte for byte."""
    await cell.arrives(fault)


@cells("too short", "too long", "raises")
async def test_what_is_not_as_it_says_makes_no_asset(cell: Cell, fault: str) -> None:
    """The caller gets the reason."""
    await cell.breaks_off(fault)


@cells("cancelled")
async def test_a_cancelled_reader_leaves_nothing(cell: Cell, fault: str) -> None:
    """Where it stood in the middle."""
    await cell.is_cancelled()
