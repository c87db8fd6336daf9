"""What every test has: a loop with a virtual clock, unless it asks for real time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from virtual_time import VirtualTimeLoop, utcnow

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

CHUNK_SIZE = 1000
"""Bytes of a chunk in most tests."""

MakeFile = Callable[..., Path]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, LoopFactory]:
    """Run each test on a virtual clock, or on every real loop where it is about transports."""
    if item.get_closest_marker("every_loop"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    if item.get_closest_marker("real_time"):
        return {"asyncio": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_time: waits for another process")
    config.addinivalue_line("markers", "every_loop: runs on asyncio's loop and on uvloop")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in (
        "TWELVE_LABS_API_KEY",
        "TWELVELABS_API_KEY",
        "TWELVELABS_BASE_URL",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """Yield a running emulator with small chunks; every fault that a test scripts must happen."""
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow) as running:
        yield running
    assert running.faults.unused() == []


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncTwelveLabs]:
    """Yield a client of the emulator."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as running:
        yield running


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Return a maker of files of random, repeatable bytes: ``make_file(size, name=...)``."""

    def make(size: int, name: str = "video.mp4") -> Path:
        path = tmp_path / name
        path.write_bytes(random.Random(size).randbytes(size))
        return path

    return make
