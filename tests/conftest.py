"""What every test has: a loop with a virtual clock, unless it asks for real time."""

import asyncio
import os
import random
import signal
import warnings
import wave
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop
from support.account import Account
from support.cli import Shell
from support.contract import API_KEY, TARGETS, ContractTarget, Switches
from support.files import CHUNK_SIZE, MakeFile
from support.open_files import left_open
from support.virtual_time import VirtualTimeLoop, utcnow
from support.virtual_uvloop import ON_UVLOOP, VirtualUvloop
from support.watch import WATCH, Watch, last_look, listen

from twelvelabs_async import AsyncTwelveLabs, FileJournal, Journal, MemoryJournal
from twelvelabs_async.emulator import Emulator

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, LoopFactory]:
    """Run each test on a virtual clock, or on every real loop where it is about transports."""
    if ON_UVLOOP:
        real = item.get_closest_marker("every_loop") or item.get_closest_marker("real_time")
        return {"uvloop": uvloop.new_event_loop if real else VirtualUvloop}
    if item.get_closest_marker("every_loop"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    if item.get_closest_marker("real_time"):
        return {"asyncio": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}


def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    WATCH.look("warning", str(warning_message.message))


@pytest.fixture(scope="session", autouse=True)
def listening() -> Iterator[None]:
    """Look for secrets in everything that is said, even after the last test."""
    with pytest.MonkeyPatch.context() as patch:
        listen(WATCH, patch)
        yield
        leaks = last_look(WATCH)
    print(f"searched for secrets: {dict(WATCH.looked)}")  # noqa: T201 - shown with -s
    assert leaks == []


@pytest.fixture(autouse=True)
def no_secret_is_shown(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a key, a signature or a password is shown, or written to a file."""
    yield
    directory = request.node.funcargs.get("tmp_path")
    if WATCH.at_work and isinstance(directory, Path):
        WATCH.look_into(directory)
    assert WATCH.next_test() == []


@pytest.fixture
def watch() -> Watch:
    """Return what searches: a journal may show it each of its bytes."""
    return WATCH


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in a shell's background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "real_time: waits for another process")
    config.addinivalue_line("markers", "soak: runs for SOAK_SECONDS; otherwise a few steps")
    config.addinivalue_line("markers", "every_loop: runs on asyncio's loop and on uvloop")
    config.addinivalue_line("markers", "chunk_size(bytes): of the fixture ``emulator``")
    config.addinivalue_line("markers", "not_on(*targets, why): a scenario that these cannot play")


@pytest.fixture(autouse=True)
def closed_in_the_end() -> Iterator[None]:
    """Close what a test has opened with ``kept``."""
    yield
    left_open.close()


@pytest.fixture(autouse=True)
def no_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the settings of whoever runs the tests out of them, and out of their directories."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
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
async def emulator(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    """Yield a running emulator with small chunks; every fault that a test scripts must happen."""
    mark = request.node.get_closest_marker("chunk_size")
    chunk_size = CHUNK_SIZE if mark is None else mark.args[0]
    async with Emulator(chunk_size=chunk_size, now=utcnow) as running:
        yield running
    assert running.faults.unused() == []


@pytest.fixture(params=["memory", "files"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    """Return one kind of journal after the other."""
    return MemoryJournal() if request.param == "memory" else FileJournal(tmp_path / "journal")


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncTwelveLabs]:
    """Yield a client of the emulator."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as running:
        yield running


@pytest.fixture(params=["core", "http", "platform"] if API_KEY in os.environ else ["core", "http"])
def target_name(request: pytest.FixtureRequest) -> str:
    """Return one side of the contract after the other; the platform itself only with a key."""
    name: str = request.param
    for mark in request.node.iter_markers("not_on"):
        if name in mark.args:
            pytest.skip(f"not on {name}: {mark.kwargs['why']}")
    if name == "platform" and "switches" in request.fixturenames:
        pytest.skip("not on platform: nobody can move its clock")
    return name


@pytest.fixture
async def target(target_name: str) -> AsyncIterator[ContractTarget]:
    """Yield a running target."""
    async with TARGETS[target_name]() as running:
        yield running


@pytest.fixture
async def account(target: ContractTarget) -> AsyncIterator[Account]:
    """Yield a user of the target, who leaves nothing behind."""
    user = Account(target)
    try:
        yield user
    finally:
        await user.leave()


@pytest.fixture
def switches(target: ContractTarget) -> Switches:
    """Return what only an emulator has; the platform is skipped."""
    assert target.switches is not None
    return target.switches


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Return a maker of files of random, repeatable bytes: ``make_file(size, name=...)``."""

    def make(size: int, name: str = "video.mp4") -> Path:
        path = tmp_path / name
        path.write_bytes(random.Random(size).randbytes(size))
        return path

    return make


@pytest.fixture(scope="module")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for files that the tests of a module write once."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a place to run commands in, which must leave nothing behind."""
    shell = Shell(tmp_path)
    shell.temporary.mkdir()
    return shell


@pytest.fixture
def make_sound(tmp_path: Path) -> Callable[[str, float], Path]:
    """Return a maker of sound files: so many seconds of noise."""

    def make(name: str, seconds: float) -> Path:
        path = tmp_path / name
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(44_100)
            sound.writeframes(random.Random(name).randbytes(int(seconds * 44_100) * 2))
        return path

    return make


@pytest.fixture
def noise(make_sound: Callable[[str, float], Path]) -> Path:
    """Return three seconds of noise, 265 kB."""
    return make_sound("noise.wav", 3)
