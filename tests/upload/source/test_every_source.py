"""One suite for all that users hand over: what a ``Source`` promises, and what a ``Stream`` does.

A new kind of source is added to ``SOURCES``, or to ``STREAMS``.
"""

import io
import mmap
import random
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.descriptors import descriptors
from support.soak_sources import AsyncReader

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.content import open_content, parse_content, size_of
from twelvelabs_async._upload.source.protocol import Readable
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async.errors import SourceError

DATA = random.Random(5).randbytes(200_001)
EMPTY = b""


async def generated(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 70_000):
        yield data[start : start + 70_000]


def path_of(data: bytes, directory: Path) -> Path:
    path = directory / "film.mp4"
    path.write_bytes(data)
    return path


def map_view(data: bytes) -> memoryview:
    whole = mmap.mmap(-1, len(DATA))
    whole.write(data)
    return memoryview(whole)[: len(data)]


Make = Callable[[bytes, Path], Any]
SOURCES: dict[str, Make] = {
    "path": path_of,
    "text path": lambda data, directory: str(path_of(data, directory)),
    "bytes": lambda data, _: data,
    "bytearray": lambda data, _: bytearray(data),
    "memoryview": lambda data, _: memoryview(data),
    "view of a map": lambda data, _: map_view(data),
    "open file": lambda data, directory: path_of(data, directory).open("rb"),
    "BytesIO": lambda data, _: io.BytesIO(data),
}
"""What is read at any offset, as often as wanted."""

STREAMS: dict[str, Make] = {
    "async iterator": lambda data, _: generated(data),
    "async reader": lambda data, _: AsyncReader(io.BytesIO(data)),
}
"""What is read once, in order."""


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Yield the threads of a client."""
    running = Threads()
    yield running
    running.close()


@contextmanager
def content_of(make: Make, data: bytes, directory: Path) -> Generator[Any]:
    """Make what a caller hands over; afterwards it is still open, if it ever was."""
    made = make(data, directory)
    yield made
    if isinstance(made, io.IOBase):
        assert not made.closed
        made.close()


async def read_at(source: Readable, offset: int, size: int) -> bytes:
    """Read so many bytes, in as many calls as it takes; fewer at the end of a stream."""
    found = bytearray()
    while len(found) < size:
        view = memoryview(bytearray(size - len(found)))
        count = await source.read_into(view, offset + len(found))
        if not count:
            break
        found += view[:count]
    return bytes(found)


@pytest.mark.parametrize("name", SOURCES)
async def test_a_source_is_read_at_any_offset_as_often_as_wanted(
    name: str, tmp_path: Path, threads: Threads
) -> None:
    """Its size is known first; it is unchanged in the end, and nothing of ours stays open."""
    with content_of(SOURCES[name], DATA, tmp_path) as made:
        before = descriptors()
        async with open_content(parse_content(made), threads) as source:
            assert not isinstance(source, Stream)
            assert source.size == len(DATA)
            for offset, size in ((150_000, 50_001), (0, 10), (len(DATA) - 1, 1), (0, len(DATA))):
                assert await read_at(source, offset, size) == DATA[offset : offset + size]
            await source.look()
            await source.check_unchanged()
            assert source.version == 0
        assert descriptors() == before


@pytest.mark.parametrize("name", SOURCES)
async def test_what_a_source_gives_at_once_is_what_it_gives_later(
    name: str, tmp_path: Path, threads: Threads
) -> None:
    """``read_nowait`` gives the same bytes, or none where they are to be waited for."""
    with content_of(SOURCES[name], DATA, tmp_path) as made:
        async with open_content(parse_content(made), threads) as source:
            view = memoryview(bytearray(1000))
            assert not isinstance(source, Stream)
            count = source.read_nowait(view, 777)
            assert bytes(view[:count]) == DATA[777 : 777 + count]


@pytest.mark.parametrize("name", SOURCES)
async def test_the_size_of_a_source_is_known_without_opening_it_for_long(
    name: str, tmp_path: Path, threads: Threads
) -> None:
    """It is the size that the source will have."""
    with content_of(SOURCES[name], DATA, tmp_path) as made:
        assert await size_of(parse_content(made), threads) == len(DATA)


@pytest.mark.parametrize("name", SOURCES)
async def test_a_source_without_bytes_is_refused(
    name: str, tmp_path: Path, threads: Threads
) -> None:
    """The platform takes no empty files."""
    with (
        content_of(SOURCES[name], EMPTY, tmp_path) as made,
        pytest.raises(SourceError, match="is empty"),
    ):
        async with open_content(parse_content(made), threads):
            pass


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_gives_its_bytes_once_and_in_order(
    name: str, tmp_path: Path, threads: Threads
) -> None:
    """Its size is not known, and its end is a read without bytes."""
    with content_of(STREAMS[name], DATA, tmp_path) as made:
        assert await size_of(parse_content(made), threads) is None
        async with open_content(parse_content(made), threads) as stream:
            assert isinstance(stream, Stream)
            assert await read_at(stream, 0, len(DATA) + 1) == DATA
