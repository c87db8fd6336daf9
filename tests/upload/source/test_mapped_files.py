"""Mapped files: the bytes that are mapped, read in threads, and a file that is cut short."""

import asyncio
import mmap
import os
import random
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.assets import read_asset
from support.open_files import kept

from twelvelabs_async import AsyncTwelveLabs, SourceChangedError, SourceError, UploadError
from twelvelabs_async.emulator import Emulator, Fault, api_error

PAGE = mmap.ALLOCATIONGRANULARITY
DATA = random.Random(8).randbytes(200 * PAGE + 77)


def film(tmp: Path) -> Path:
    path = tmp / "film.mp4"
    path.write_bytes(DATA)
    return path


def mapped(tmp: Path, offset: int = 0) -> mmap.mmap:
    """Return a map of a file, whose own descriptor is closed."""
    with film(tmp).open("rb") as file:
        made: mmap.mmap = kept(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ, offset=offset))
    return made


def anonymous(_: Path) -> mmap.mmap:
    made: mmap.mmap = kept(mmap.mmap(-1, len(DATA)))
    made.write(DATA)
    made.seek(0)
    return made


def standing(tmp: Path) -> mmap.mmap:
    made = mapped(tmp)
    made.seek(1234)
    return made


class Untracked(mmap.mmap):
    """A map that keeps no file open, as ``trackfd=False`` makes one since Python 3.13."""

    def size(self) -> int:
        raise ValueError("can't get size with trackfd=False")


def untracked(tmp: Path) -> mmap.mmap:
    with film(tmp).open("rb") as file:
        options: dict[str, Any] = {"access": mmap.ACCESS_READ}
        if sys.version_info >= (3, 13):
            made = mmap.mmap(file.fileno(), 0, trackfd=False, **options)
        else:
            made = Untracked(file.fileno(), 0, **options)
    kept(made)
    return made


KINDS: dict[str, tuple[Callable[[Path], Any], bytes]] = {
    "a file": (mapped, DATA),
    "a file from an offset": (lambda tmp: mapped(tmp, PAGE), DATA[PAGE:]),
    "a file from where the map stands": (standing, DATA[1234:]),
    "no file": (anonymous, DATA),
    "a file that it does not keep open": (untracked, DATA),
    "a view": (lambda tmp: memoryview(mapped(tmp)), DATA),
    "a view of a part": (lambda tmp: memoryview(mapped(tmp))[5:-5], DATA[5:-5]),
    "a view of numbers": (lambda tmp: memoryview(mapped(tmp))[:8000].cast("d"), DATA[:8000]),
}


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(chunk_size=50_000) as running:
        yield running


def nothing_became_an_asset(emulator: Emulator) -> bool:
    return all(asset.received_at is None for asset in emulator.platform.assets.values())


async def send(client: AsyncTwelveLabs, source: Any, **options: Any) -> Any:
    given: dict[str, Any] = {"multipart_above": 0, **options}
    return await client.upload(("a.mp4", source), **given)


@pytest.mark.parametrize("above", [0, 10**9], ids=["in chunks", "in one request"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_map_arrives(
    kind: str, above: int, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Byte for byte; it stays where it stood, and nothing of ours keeps it from being closed."""
    make, data = KINDS[kind]
    source = make(tmp_path)
    stood = source.tell() if isinstance(source, mmap.mmap) else None
    asset = await send(client, source, multipart_above=above)
    assert await read_asset(emulator, asset.id) == data
    if isinstance(source, mmap.mmap):
        assert source.tell() == stood
        source.close()
    else:
        source.release()


async def test_one_map_is_in_two_uploads_at_a_time(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """As bytes may be: its position is not moved."""
    source = mapped(tmp_path)
    for asset in await asyncio.gather(send(client, source), send(client, source)):
        assert await read_asset(emulator, asset.id) == DATA


async def test_a_map_is_read_in_threads(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that has to be fetched from the disk holds up no event loop."""
    real, read = os.readv, dict[str, int]()

    def readv(descriptor: int, views: Sequence[Any]) -> int:
        count, name = real(descriptor, views), threading.current_thread().name
        read[name] = read.get(name, 0) + count
        return count

    monkeypatch.setattr(os, "readv", readv)
    asset = await send(client, mapped(tmp_path))
    assert await read_asset(emulator, asset.id) == DATA
    assert sum(read.values()) >= len(DATA)
    assert threading.current_thread().name not in read


# A file that was cut short.


@pytest.mark.parametrize("left", [0, PAGE, len(DATA) - 1])
@pytest.mark.parametrize("above", [0, 10**9], ids=["in chunks", "in one request"])
async def test_a_file_that_was_cut_short_before_is_refused(
    left: int, above: int, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Before anything is sent, for its last page would be filled up with zeros."""
    source = mapped(tmp_path)
    os.truncate(tmp_path / "film.mp4", left)
    with pytest.raises(UploadError, match=f"its file has {left} bytes, fewer than the") as caught:
        await send(client, source, multipart_above=above)
    assert isinstance(caught.value.__cause__, SourceError)
    assert emulator.requests == []


@pytest.mark.parametrize("left", [0, PAGE, len(DATA) - 1])
@pytest.mark.parametrize("above", [0, 10**9], ids=["in chunks", "in one request"])
async def test_a_file_that_is_cut_short_midway_ends_the_upload(
    left: int, above: int, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """And not the process, which a touch of a page that is gone would do."""
    source = mapped(tmp_path)
    route = "create_asset" if above else "create"
    fault = emulator.faults.add(Fault(route=route, action=api_error(429, "x", "")))

    async def cut() -> None:
        while not fault.hits:
            await asyncio.sleep(0.001)
        os.truncate(tmp_path / "film.mp4", left)

    with pytest.raises(UploadError, match=f"its file shrank from .* to {left} bytes") as caught:
        await asyncio.gather(send(client, source, multipart_above=above), cut())
    assert isinstance(caught.value.__cause__, SourceChangedError)
    assert nothing_became_an_asset(emulator)


async def test_a_page_that_was_cut_off_unseen_ends_the_upload(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """A map does not say where in its file it begins, so its size may look large enough."""
    source = mapped(tmp_path, 100 * PAGE)
    os.truncate(tmp_path / "film.mp4", 150 * PAGE)
    with pytest.raises(UploadError, match="a page of it is not there") as caught:
        await send(client, source, max_retries=0)
    assert isinstance(caught.value.__cause__, SourceError)
    assert nothing_became_an_asset(emulator)


# A map that is of no use any more.


async def test_a_map_that_is_closed_is_refused(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """With an error of ours, before anything is sent."""
    source = mapped(tmp_path)
    source.close()
    with pytest.raises(UploadError, match=r"cannot read a\.mp4: mmap closed") as caught:
        await send(client, source)
    assert isinstance(caught.value.__cause__, SourceError)
    assert emulator.requests == []


async def test_a_map_that_stands_at_its_end_is_empty(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """As an open file is that was read before."""
    source = mapped(tmp_path)
    source.seek(0, os.SEEK_END)
    with pytest.raises(UploadError, match=r"is empty from where it stands; seek\(0\) first"):
        await send(client, source)
    assert emulator.requests == []


USELESS: dict[str, tuple[Callable[[mmap.mmap], object], str]] = {
    "closed": (mmap.mmap.close, "mmap closed"),
    "made smaller": (lambda source: source.resize(PAGE), "the map was made smaller"),
}


@pytest.mark.parametrize("what", USELESS)
async def test_a_map_that_is_of_no_use_midway_ends_the_upload(
    what: str, emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """Nothing of ours keeps the caller from it while nothing is read."""
    spoil, problem = USELESS[what]
    source = anonymous(tmp_path)
    fault = emulator.faults.add(Fault(route="create", action=api_error(429, "x", "")))

    async def wait() -> None:
        while not fault.hits:
            await asyncio.sleep(0.001)
        spoil(source)

    with pytest.raises(UploadError, match=problem) as caught:
        await asyncio.gather(send(client, source), wait())
    assert isinstance(caught.value.__cause__, SourceError)
    assert nothing_became_an_asset(emulator)
