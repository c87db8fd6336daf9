"""Files of web frameworks and of aiofiles: read anywhere, so they go in chunks."""

import asyncio
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiofiles
import pytest
from aiohttp import web
from fastapi import UploadFile as FastApiFile
from starlette.datastructures import UploadFile as StarletteFile
from support.assets import read_asset
from support.forms import posted
from support.open_files import kept

from twelvelabs_async import AsyncTwelveLabs, UploadError
from twelvelabs_async.emulator import Answer, Emulator, Fault

CHUNK = 50_000
DATA = bytes(range(250)) * 1000

pytestmark = pytest.mark.chunk_size(CHUNK)


def spooled(limit: int) -> Any:
    file = kept(tempfile.SpooledTemporaryFile(limit))  # noqa: SIM115
    file.write(DATA)
    file.seek(0)
    return file


FILES: dict[str, Callable[[], Any]] = {
    "Starlette, in memory": lambda: StarletteFile(spooled(10**9), filename="a.mp4"),
    "Starlette, on a disk": lambda: StarletteFile(spooled(10), filename="a.mp4"),
    "FastAPI": lambda: FastApiFile(spooled(10), filename="a.mp4"),
}


@pytest.mark.parametrize("what", FILES)
async def test_a_file_of_a_form_goes_in_chunks(
    what: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A chunk that is refused is read again, and the file is left where it stood."""
    refused = emulator.faults.add(Fault(route="put", chunk_index=2, action=Answer(503)))
    file = FILES[what]()
    asset = await client.upload(file, multipart_above=0, size=len(DATA))
    assert refused.hits == 1
    assert (asset.filename, emulator.count("put")) == ("a.mp4", 6)
    assert await read_asset(emulator, asset.id) == DATA
    assert await file.read() == DATA


async def test_a_file_of_aiofiles_goes_in_chunks(
    emulator: Emulator, client: AsyncTwelveLabs, tmp_path: Path
) -> None:
    """From where it stands, and it is left there."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"head" + DATA)
    async with aiofiles.open(path, "rb") as file:
        await file.seek(4)
        asset = await client.upload(file, multipart_above=0)
        assert await file.tell() == 4
    assert (asset.filename, emulator.count("put")) == ("a.mp4", 5)
    assert await read_asset(emulator, asset.id) == DATA


async def test_a_text_file_of_aiofiles_is_refused(client: AsyncTwelveLabs, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("text")
    async with aiofiles.open(path) as file:
        with pytest.raises(UploadError, match="open as text"):
            await client.upload(file)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.real_time
async def test_a_file_of_an_aiohttp_form_goes_in_chunks(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The field that ``request.post()`` gives, as it is."""

    async def handle(request: web.Request) -> web.Response:
        field = (await request.post())["file"]
        assert isinstance(field, web.FileField)
        asset = await client.upload(field, multipart_above=0)
        return web.json_response([asset.id, asset.filename])

    asset_id, filename = await posted(handle, DATA)
    assert filename == "clip.mp4"
    assert emulator.count("create") == 1
    assert await read_asset(emulator, asset_id) == DATA


async def test_a_class_that_reads_otherwise_is_read_as_it_wants(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Its open file may hold other bytes than it gives."""

    class Decrypting(StarletteFile):
        async def read(self, size: int = -1) -> bytes:
            return bytes(255 - byte for byte in await super().read(size))

    wanted = bytes(255 - byte for byte in DATA)
    asset = await client.upload(Decrypting(io.BytesIO(DATA), filename="a.mp4"))
    assert await read_asset(emulator, asset.id) == wanted
    patched: Any = StarletteFile(io.BytesIO(DATA), filename="a.mp4")
    patched.read = Decrypting(io.BytesIO(DATA)).read
    asset = await client.upload(patched)
    assert await read_asset(emulator, asset.id) == wanted


async def test_a_file_is_in_one_upload_at_a_time(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Whether it comes as the framework's or as the open one."""
    file = StarletteFile(spooled(10), filename="a.mp4")
    outcomes = await asyncio.gather(
        client.upload(file), client.upload(("b.mp4", file.file)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, UploadError)]
    assert len(refused) == 1
    assert "open it a second time" in str(refused[0])
