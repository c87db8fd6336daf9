"""What it costs a web application to pass the body of a request on to the platform.

    python -m benchmarks.web FRAMEWORK MIB

The application (``aiohttp`` or ``fastapi``) is a process of its own; this one is the browser and,
with the emulator, the platform. Prints JSON: the memory that the application took at most over
what it had before the request, the most that its chunks may take, and the bytes that it wrote.
"""

import asyncio
import hashlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.meter import Figures, Meter
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

MIB = 2**20
CHUNK_SIZE = 16 * MIB
WORKERS = 5


async def pass_on(body: Any, size: int) -> Figures:
    """Upload the body of a request, and return what it cost, with the asset's URL and digest."""
    meter = Meter()
    async with AsyncTwelveLabs() as client:
        meter.start()
        asset = await client.upload(
            ("a.mp4", body), size=size, multipart_above=0, max_workers=WORKERS, digest="sha256"
        )
        assert asset.result is not None
        known: Any = {"url": asset.result.asset_url, "sha256": asset.result.sha256}
        figures: Figures = {**meter.figures(), **known}
        return figures


async def serve_aiohttp(listening: socket.socket) -> None:
    """Serve until the process is killed."""

    async def upload(request: web.Request) -> web.Response:
        return web.json_response(await pass_on(request.content, request.content_length or 0))

    app = web.Application()
    app.router.add_put("/", upload)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    await asyncio.Event().wait()


async def serve_fastapi(listening: socket.socket) -> None:
    """Serve until the process is killed."""
    import uvicorn  # noqa: PLC0415 - the other framework does without
    from fastapi import FastAPI, Request  # noqa: PLC0415

    app = FastAPI()

    async def upload(request: Request) -> Figures:
        return await pass_on(request.stream(), int(request.headers["content-length"]))

    app.add_api_route("/", upload, methods=["PUT"], response_model=None)
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
    await uvicorn.Server(config).serve([listening])


SERVERS = {"aiohttp": serve_aiohttp, "fastapi": serve_fastapi}


async def measure(framework: str, size: int) -> Figures:
    """Send so many bytes through an application, and make sure that they arrived."""
    sent = hashlib.sha256()

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, size, MIB):
            piece = os.urandom(min(MIB, size - start))
            sent.update(piece)
            yield piece

    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        async with Emulator(chunk_size=CHUNK_SIZE) as emulator:
            application = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "benchmarks.web",
                "serve",
                framework,
                str(listening.fileno()),
                pass_fds=[listening.fileno()],
                env={
                    **os.environ,
                    "TWELVE_LABS_API_KEY": emulator.api_key,
                    "TWELVELABS_BASE_URL": emulator.base_url,
                },
            )
            try:
                timeout = aiohttp.ClientTimeout(total=None)
                async with (
                    aiohttp.ClientSession(timeout=timeout) as browser,
                    browser.put(url, data=body(), headers={"Content-Length": str(size)}) as answer,
                ):
                    figures = await answer.json()
                    stored = hashlib.sha256()
                    async with browser.get(figures["url"]) as asset:
                        async for piece in asset.content.iter_any():
                            stored.update(piece)
            finally:
                application.kill()
                await application.wait()
    assert figures.pop("sha256") == stored.hexdigest() == sent.hexdigest()
    del figures["url"]
    return {
        **figures,
        "taken_mb": figures["peak_rss_mb"] - figures["rss_before_mb"],
        "chunks_mb": (WORKERS + 1) * CHUNK_SIZE / 1e6,
    }


def main() -> None:
    """Measure, or be the application."""
    if sys.argv[1] == "serve":
        with socket.socket(fileno=int(sys.argv[3])) as listening:
            asyncio.run(SERVERS[sys.argv[2]](listening))
    else:
        print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2]) * MIB))))


if __name__ == "__main__":
    main()
