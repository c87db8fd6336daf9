"""Which bytes of the file each chunk is."""

import pytest
from hypothesis import given, strategies as st
from support.memory_platform import choose_profile

from twelvelabs_async._upload.plan.slices import Slice, Slices, agreed_slices

choose_profile()

SIZES = st.one_of(st.integers(1, 100), st.integers(1, 10**12))


@given(total_size=SIZES, chunks=st.integers(1, 300), shift=st.integers(-3, 3))
def test_slices_cover_the_file_exactly(total_size: int, chunks: int, shift: int) -> None:
    """Each begins where the one before ended; all are whole but the last; none is empty."""
    slices = Slices(total_size, max(1, total_size // chunks + shift))
    pieces = [slices[index] for index in range(1, min(len(slices), 1_000) + 1)]
    end = 0
    for number, piece in enumerate(pieces, start=1):
        assert piece.index == number
        assert piece.offset == end
        assert 1 <= piece.size <= slices.chunk_size
        assert piece.size == slices.chunk_size or number == len(slices)
        end += piece.size
    last = slices[len(slices)]
    assert last.offset + last.size == total_size
    if pieces[-1] == last:
        assert end == total_size


@given(total_size=SIZES, chunk_size=SIZES)
def test_a_chunk_that_the_file_does_not_have_is_an_error(total_size: int, chunk_size: int) -> None:
    """Chunks count from 1: there is no chunk 0, none from behind, and none after the last."""
    slices = Slices(total_size, chunk_size)
    for index in (-1, 0, len(slices) + 1):
        with pytest.raises(IndexError, match="no chunk"):
            slices[index]


@given(total_size=SIZES, chunk_size=SIZES)
def test_slices_are_agreed_when_both_figures_say_the_same(total_size: int, chunk_size: int) -> None:
    """The number of chunks is the file's size by the chunk's, rounded up."""
    count = (total_size + chunk_size - 1) // chunk_size
    assert agreed_slices(total_size, chunk_size, count) == Slices(total_size, chunk_size)


@given(total_size=SIZES, chunk_size=SIZES, off=st.integers(-5, 5).filter(bool))
def test_slices_are_refused_when_the_figures_disagree(
    total_size: int, chunk_size: int, off: int
) -> None:
    """The message names both counts: sent like that, the asset would be garbage."""
    count = (total_size + chunk_size - 1) // chunk_size
    with pytest.raises(ValueError, match=f"are {count} chunks, but the platform expects"):
        agreed_slices(total_size, chunk_size, count + off)


@pytest.mark.parametrize("chunk_size", [0, -1])
def test_chunks_without_bytes_are_refused(chunk_size: int) -> None:
    """A platform that asks for them is told so, and not divided by."""
    with pytest.raises(ValueError, match=f"chunks of {chunk_size} bytes"):
        agreed_slices(10, chunk_size, 1)


def test_the_largest_file_costs_no_memory() -> None:
    """Slices are computed when asked for."""
    slices = Slices(2**60, 5 * 2**20)
    assert slices[2] == Slice(2, 5 * 2**20, 5 * 2**20)
    assert len(slices) == 219_902_325_556
