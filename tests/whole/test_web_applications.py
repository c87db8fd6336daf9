"""Bodies of requests go through web applications in chunks, in memory, to the platform."""

import asyncio
import io
import logging
import random
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI, Request
from support.assets import read_asset

from twelvelabs_async import AsyncTwelveLabs, UploadedAsset, UploadError
from twelvelabs_async.emulator import Emulator

CHUNK = 1_000_000
WORKERS = 3
SIZE = 16 * CHUNK + 1
DATA = random.Random(7).randbytes(SIZE)

pytestmark = [pytest.mark.real_time, pytest.mark.chunk_size(CHUNK)]

Pass = Callable[[Any, int], Awaitable[UploadedAsset]]
"""Uploads the body of a request, which has so many bytes."""


@asynccontextmanager
async def aiohttp_server(pass_on: Pass) -> AsyncGenerator[str]:
    async def upload(request: web.Request) -> web.Response:
        asset = await pass_on(request.content, request.content_length or 0)
        return web.json_response(asset.id)

    app = web.Application()
    app.router.add_put("/", upload)
    runner = web.AppRunner(app)  # as ``web.run_app`` does, and not as a test server
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        try:
            await web.SockSite(runner, listening).start()
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            await runner.cleanup()


@asynccontextmanager
async def fastapi_server(pass_on: Pass) -> AsyncGenerator[str]:
    app = FastAPI()

    @app.put("/")
    async def upload(request: Request) -> str:  # pyright: ignore[reportUnusedFunction]
        size = int(request.headers["content-length"])
        return (await pass_on(request.stream(), size)).id

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            await serving


SERVERS: dict[str, Callable[[Pass], AbstractAsyncContextManager[str]]] = {
    "aiohttp": aiohttp_server,
    "FastAPI": fastapi_server,
}


def files_on_disks() -> set[str]:
    """Return the files that this process has open, deleted or not."""
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {link for link in links if link.startswith("/") and not link.startswith("/dev/")}


@pytest.mark.parametrize("framework", SERVERS)
async def test_a_body_goes_through_memory_in_chunks(
    framework: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Byte for byte, and no file is written but by the emulator."""
    most, files = 0, set[str]()

    async def look() -> None:
        nonlocal most
        while True:
            most = max(most, client.statistics().stream_bytes)
            files.update(files_on_disks())
            await asyncio.sleep(0.001)

    async def pass_on(body: Any, size: int) -> UploadedAsset:
        looking = asyncio.create_task(look())
        try:
            return await client.upload(
                ("a.mp4", body), size=size, multipart_above=0, max_workers=WORKERS
            )
        finally:
            looking.cancel()

    before = files_on_disks()
    async with (
        SERVERS[framework](pass_on) as url,
        aiohttp.ClientSession() as browser,
        browser.put(url, data=io.BytesIO(DATA)) as answer,
    ):
        asset_id = await answer.json()
    assert await read_asset(emulator, asset_id) == DATA
    assert emulator.count("put") == 17
    assert 0 < most <= (WORKERS + 1) * CHUNK
    assert not [name for name in files - before if "(deleted)" in name]
    assert client.statistics().stream_bytes == 0


@pytest.mark.parametrize("framework", SERVERS)
async def test_a_browser_that_goes_away_leaves_nothing(
    framework: str, emulator: Emulator, client: AsyncTwelveLabs, caplog: pytest.LogCaptureFixture
) -> None:
    """No task, no memory, no asset; the handler gets the reason, and so does the log."""
    failures, over = list[UploadError](), asyncio.Event()

    async def pass_on(body: Any, size: int) -> UploadedAsset:
        try:
            return await client.upload(("a.mp4", body), size=size, multipart_above=0)
        except UploadError as error:
            failures.append(error)
            raise
        finally:
            over.set()

    async def half() -> AsyncIterator[bytes]:
        yield DATA[: SIZE // 2]
        while not emulator.count("put"):
            await asyncio.sleep(0.01)
        raise ConnectionAbortedError

    caplog.set_level(logging.WARNING)
    async with SERVERS[framework](pass_on) as url:
        tasks = asyncio.all_tasks()
        async with aiohttp.ClientSession() as browser:
            with pytest.raises((aiohttp.ClientError, OSError)):
                await browser.put(url, data=half(), headers={"Content-Length": str(SIZE)})
        await over.wait()
        assert client.statistics().stream_bytes == 0
        await asyncio.sleep(0)
        assert {task for task in asyncio.all_tasks() - tasks if "twelvelabs" in repr(task)} == set()
    assert len(failures) == 1
    assert "a.mp4 broke off" in caplog.text
    assert all(asset.received_at is None for asset in emulator.platform.assets.values())
