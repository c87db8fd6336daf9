"""Generators are closed however their upload ends, in a thread, and that hides nothing."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from twelvelabs_async import AsyncTwelveLabs, InvalidArgumentError, SourceError, UploadError
from twelvelabs_async.emulator import Emulator, Fault, api_error

CHUNK = 50_000
DATA = bytes(10 * CHUNK)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(chunk_size=CHUNK) as running:
        yield running


class WatchedGenerator:
    """What became of a generator.

    Attributes:
        reads: Set once its third piece is asked for.
        go_on: What it waits for before it gives that one.
        closed_in: The thread in which it was closed.
    """

    def __init__(self, *, waits: bool = False) -> None:
        self.reads, self.go_on = threading.Event(), threading.Event()
        self.closed_in: threading.Thread | None = None
        if not waits:
            self.go_on.set()

    def generator(self, spoil: Callable[[], Any] = bytes, count: int = 10) -> Iterator[Any]:
        """Yield so many pieces; ``spoil`` is called for an extra one between them."""
        try:
            for number in range(count):
                if number == 2:
                    self.reads.set()
                    self.go_on.wait()
                    yield spoil()
                yield bytes(CHUNK)
        finally:
            self.closed_in = threading.current_thread()

    async def closed(self) -> bool:
        """Wait until the generator is closed; return whether the event loop was left alone."""
        while self.closed_in is None:
            await asyncio.sleep(0.001)
        return self.closed_in is not threading.current_thread()


async def send(client: AsyncTwelveLabs, stream: Any, **options: Any) -> Any:
    given: dict[str, Any] = {"multipart_above": 0, "max_workers": 2, **options}
    return await client.upload(("a.mp4", stream), **given)


def boom() -> bytes:
    raise KeyError("boom")


ENDS: dict[str, tuple[dict[str, Any], Callable[[], Any], str]] = {
    "it goes on": ({"size": 4 * CHUNK}, bytes, "has more than"),
    "it goes on in a piece": ({"size": 4 * CHUNK + 1}, bytes, "has more than"),
    "it ends early": ({"size": 11 * CHUNK}, bytes, "ended after"),
    "it raises": ({"size": len(DATA)}, boom, "KeyError: 'boom'"),
    "it gives text": ({"size": len(DATA)}, lambda: "text", "is open as text"),
    "it gives a number": ({"size": len(DATA)}, lambda: 5, "gives int"),
    "it raises and is kept": ({}, boom, "KeyError: 'boom'"),
    "it gives a number and is kept": ({}, lambda: 5, "gives int"),
    "it is too long for one request": (
        {"spool": False, "multipart_above": CHUNK},
        bytes,
        "do not go in one request",
    ),
}


@pytest.mark.parametrize("how", ENDS)
async def test_a_generator_is_closed_when_its_upload_fails(
    how: str, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The reason is told; the generator has cleaned up, in a thread, when the call returns."""
    options, spoil, reason = ENDS[how]
    watch = WatchedGenerator()
    generator = watch.generator(spoil)
    with pytest.raises((UploadError, InvalidArgumentError), match=reason):
        await send(client, generator, **options)
    assert await watch.closed()
    assert next(generator, None) is None


@pytest.mark.parametrize("size", [len(DATA), None])
async def test_a_generator_is_closed_when_the_platform_refuses_midway(
    size: int | None, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """What it has left is of no use to anybody."""
    emulator.faults.add(Fault(route="put", action=api_error(403, "x", "No."), times=None))
    watch = WatchedGenerator()
    with pytest.raises(UploadError):
        await send(client, watch.generator(), size=size)
    assert await watch.closed()


async def test_a_cancelled_upload_closes_a_generator_once_its_read_has_ended(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """It cannot be closed before; nobody waits for a read that hangs."""
    watch = WatchedGenerator(waits=True)
    upload = asyncio.create_task(send(client, watch.generator(), size=len(DATA)))
    while not watch.reads.is_set():
        await asyncio.sleep(0.001)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert watch.closed_in is None
    watch.go_on.set()
    assert await watch.closed()


class BadCleanup:
    """Generators that fail when they are closed."""

    @staticmethod
    def raising() -> Iterator[bytes]:
        """Raise."""
        try:
            while True:
                yield bytes(CHUNK)
        finally:
            raise ValueError("cleanup")

    @staticmethod
    def going_on() -> Iterator[bytes]:
        """Yield yet another piece."""
        try:
            while True:
                yield bytes(CHUNK)
        finally:
            yield b"more"

    @staticmethod
    def exiting() -> Iterator[bytes]:
        """Raise what is no ``Exception``."""
        try:
            while True:
                yield bytes(CHUNK)
        finally:
            raise SystemExit

    @staticmethod
    async def awaited() -> AsyncIterator[bytes]:
        """Raise, as an async generator."""
        try:
            while True:
                yield bytes(CHUNK)
        finally:
            raise ValueError("cleanup")


@pytest.mark.parametrize("kind", ["raising", "going_on", "exiting", "awaited"])
async def test_a_generator_that_fails_to_clean_up_replaces_no_reason(
    kind: str, emulator: Emulator, client: AsyncTwelveLabs, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, with its traceback."""
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(UploadError, match="has more than") as caught,
    ):
        await send(client, getattr(BadCleanup, kind)(), size=4 * CHUNK)
    assert isinstance(caught.value.__cause__, SourceError)
    while "failed to clean up" not in caplog.text:
        await asyncio.sleep(0.001)
    (logged,) = [one for one in caplog.records if "failed to clean up" in one.message]
    assert logged.exc_info is not None


async def test_a_generator_that_hangs_in_its_cleanup_is_left_to_its_thread(
    emulator: Emulator, client: AsyncTwelveLabs, caplog: pytest.LogCaptureFixture
) -> None:
    """The upload ends some seconds later, with its own reason."""
    go_on, over = threading.Event(), threading.Event()

    def hanging() -> Iterator[bytes]:
        try:
            while True:
                yield bytes(CHUNK)
        finally:
            go_on.wait()
            over.set()

    began = asyncio.get_running_loop().time()
    with pytest.raises(UploadError, match="has more than"):
        await send(client, hanging(), size=4 * CHUNK)
    assert 4 <= asyncio.get_running_loop().time() - began < 10
    assert "was not closed so far: it is left to its thread" in caplog.text
    go_on.set()
    while not over.is_set():
        await asyncio.sleep(0.001)


class Cursor:
    """An iterator of the caller's, with a ``close`` that is not for us to call."""

    def __init__(self) -> None:
        self.closed, self.given = False, 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.given += 1
        return bytes(CHUNK)

    def close(self) -> None:
        """Note that somebody has closed it."""
        self.closed = True


async def test_what_is_no_generator_is_left_as_it_is(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A cursor, or an iterator without any ``close``: the caller goes on with it."""
    cursor, plain = Cursor(), iter([bytes(CHUNK)] * 10)
    for iterator in (cursor, plain):
        with pytest.raises(UploadError, match="has more than"):
            await send(client, iterator, size=4 * CHUNK)
    assert not cursor.closed
    assert cursor.given == 5
    assert len(list(plain)) == 5


async def test_a_generator_that_was_never_begun_is_left_as_it_is(
    client: AsyncTwelveLabs,
) -> None:
    """Another attempt may begin with it."""
    watch = WatchedGenerator()
    generator = watch.generator()
    async with AsyncTwelveLabs("key", "http://127.0.0.1:9") as nobody:
        with pytest.raises(UploadError):
            await send(nobody, generator, size=len(DATA))
    asset = await send(client, generator, size=len(DATA))
    assert asset.id
