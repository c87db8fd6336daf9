"""A path means the file that it meant when the call began, wherever the process goes meanwhile."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from support.assets import read_asset

from twelvelabs_async import (
    AsyncTwelveLabs,
    ConfigurationError,
    FileJournal,
    MemoryJournal,
    SourceError,
    UploadError,
)
from twelvelabs_async.emulator import Cut, Emulator, Fault

FILES = 60
SIZE = 2500
"""Bytes of each file: three chunks."""


def name(number: int) -> str:
    return f"{number}.mp4"


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return two directories with files of the same names; the first is where we are."""
    here, there = tmp_path / "here", tmp_path / "there"
    for directory in (here, there):
        directory.mkdir()
        for number in range(FILES):
            (directory / name(number)).write_bytes(
                bytes([number]) * (SIZE - 1) + b"%c" % directory.name[0].encode()
            )
    monkeypatch.chdir(here)
    return here, there


Way = Callable[[AsyncTwelveLabs, str], Coroutine[Any, Any, str]]


async def upload_file(client: AsyncTwelveLabs, path: str) -> str:
    return (await client.multipart_upload.upload_file(path)).asset_id


async def upload(client: AsyncTwelveLabs, path: str) -> str:
    return (await client.upload(path)).id


async def upload_in_chunks(client: AsyncTwelveLabs, path: str) -> str:
    return (await client.upload(path, multipart_above=0)).id


async def a_tuple(client: AsyncTwelveLabs, path: str) -> str:
    return (await client.upload(("clip.mp4", path))).id


async def create(client: AsyncTwelveLabs, path: str) -> str:
    return (await client.assets.create(method="direct", file=path)).id


async def raw(client: AsyncTwelveLabs, path: str) -> str:
    create = client.assets.with_raw_response.create
    return (await create(method="direct", file=("clip.mp4", path))).data.id


WAYS: list[Way] = [upload_file, upload, upload_in_chunks, a_tuple, create, raw]


@pytest.mark.parametrize("way", WAYS)
async def test_a_path_is_of_the_directory_in_which_the_call_began(
    way: Way, two: tuple[Path, Path], emulator: Emulator
) -> None:
    """Sixty files, of which a few are under way when the process changes its directory."""
    here, there = two
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=2) as client:
        uploads = [asyncio.create_task(way(client, name(number))) for number in range(FILES)]
        while not emulator.platform.assets:
            await asyncio.sleep(0)
        os.chdir(there)
        for number, asset_id in enumerate(await asyncio.gather(*uploads)):
            assert await read_asset(emulator, asset_id) == (here / name(number)).read_bytes()


async def test_a_session_is_gone_on_with_from_there_too(
    two: tuple[Path, Path], emulator: Emulator
) -> None:
    """``resume`` looks at its file when its turn has come."""
    here, there = two
    emulator.faults.add(Fault(route="put", chunk_index=3, action=Cut("before"), times=None))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, outage_timeout=0.1) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(name(1), max_retries=0)
        emulator.faults.script.clear()
        error = caught.value
        assert error.upload_id is not None
        resume = client.multipart_upload.resume(
            error.upload_id,
            name(1),
            asset_id=error.asset_id,
            upload_headers=error.upload_headers,
        )
        resumed = asyncio.create_task(resume)
        await asyncio.sleep(0)
        os.chdir(there)
        asset_id = (await resumed).asset_id
    assert await read_asset(emulator, asset_id) == (here / name(1)).read_bytes()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", ["./nothing.mp4", "nowhere/../nothing.mp4"])
async def test_an_error_has_the_path_as_it_was_given(
    way: Way, path: str, two: tuple[Path, Path], client: AsyncTwelveLabs
) -> None:
    """What the caller wrote is what the caller knows."""
    with pytest.raises((SourceError, UploadError)) as caught:
        await way(client, path)
    assert f"there is no file {path}" in str(caught.value)
    if isinstance(caught.value, UploadError):
        assert caught.value.file == path


@pytest.mark.parametrize("journal", [None, MemoryJournal])
@pytest.mark.parametrize("way", WAYS)
async def test_a_directory_that_was_removed_is_told_as_such(
    way: Way, journal: Any, tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path names nothing then; an absolute one still does."""
    gone = tmp_path / "gone"
    gone.mkdir()
    (tmp_path / "a.mp4").write_bytes(bytes(SIZE))
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=journal and journal()
    ) as client:
        for path in ("a.mp4", "../a.mp4"):
            with pytest.raises(
                (SourceError, UploadError), match="the working directory was removed"
            ):
                await way(client, path)
        await way(client, str(tmp_path / "a.mp4"))
    with pytest.raises(ConfigurationError, match="the working directory was removed"):
        FileJournal("journal")


async def test_what_is_kept_stays_where_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal, also where HOME is relative, and the files of an emulator."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", "home")
    monkeypatch.delenv("XDG_STATE_HOME")
    given, default = FileJournal("journal"), FileJournal()
    emulator = Emulator(data_dir="data")
    os.chdir(there)
    assert given.directory == here / "journal"
    assert default.directory.is_relative_to(here)
    async with emulator:
        assert emulator.data_dir == here / "data"
