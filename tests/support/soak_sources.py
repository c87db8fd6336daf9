"""The sources of the soak: the same bytes in every form that an upload takes."""

import asyncio
import io
import os
import random
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

from attrs import define

from support.soak_plan import Change, SourceKind

PREFIX = b"what was read before the upload"
LONG_AGO_NS = 10**18
"""The modification time of every file, so that any write shows, however coarse the clock is."""

PIECES = (0, 1, 100, 5_000, 70_000, 2**20)


def write(path: Path, content: bytes) -> None:
    """Write a file whose next change can be seen."""
    path.write_bytes(content)
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))


def change(path: Path, how: Change, chance: random.Random) -> bytes | None:
    """Change a file, and return what it holds now; None: it is gone."""
    size = path.stat().st_size
    other = chance.randbytes(size)
    match how:
        case "append":
            with path.open("ab") as file:
                file.write(b"more")
        case "truncate":
            os.truncate(path, size // 2)
        case "rewrite":
            with path.open("r+b") as file:
                file.write(other)
        case "replace":
            beside = path.with_suffix(".new")
            beside.write_bytes(other)
            beside.replace(path)
        case "touch":
            path.touch()
        case "remove":
            path.unlink()
            return None
    return path.read_bytes()


@define
class AsyncReader:
    """A file of a web framework: its read is awaited."""

    content: io.BytesIO

    async def read(self, size: int = -1) -> bytes:
        """Read at most 10,000 bytes, in a later turn of the loop."""
        await asyncio.sleep(0)
        return self.content.read(min(size, 10_000))


async def pieces_of(content: bytes, chance: random.Random) -> AsyncGenerator[bytes]:
    """Yield the bytes in pieces of all sizes, empty ones among them."""
    at = 0
    while at < len(content):
        size = chance.choice(PIECES)
        yield content[at : at + size]
        at += size
        await asyncio.sleep(0)


@asynccontextmanager
async def given(
    kind: SourceKind, path: Path, content: bytes, chance: random.Random
) -> AsyncGenerator[Any]:
    """Yield what a call hands over; an open file must stand where it stood when the call ends."""
    match kind:
        case "path":
            yield path
        case "text path":
            yield str(path)
        case "bytes":
            yield content
        case "bytearray":
            yield bytearray(content)
        case "memoryview":
            yield memoryview(b"<" + content + b">")[1:-1]
        case "generator":
            yield pieces_of(content, chance)
        case "reader":
            yield AsyncReader(io.BytesIO(content))
        case "stream":
            stream = asyncio.StreamReader()
            stream.feed_data(content)
            stream.feed_eof()
            yield stream
        case "pipe":
            async with _pipe(content) as pipe:
                yield pipe
        case _:
            with _OPENING[kind](path) as file:
                file.write(PREFIX + content)
                file.flush()
                file.seek(len(PREFIX))
                yield file
                assert not file.closed, "an upload has closed the caller's file"
                assert file.tell() == len(PREFIX), "an upload has moved the caller's file"


_OPENING: dict[SourceKind, Callable[[Path], Any]] = {
    "open file": lambda path: path.with_suffix(".open").open("w+b"),
    "memory file": lambda _: io.BytesIO(),
    "temporary file": lambda _: tempfile.TemporaryFile(),  # noqa: SIM115 - the caller's "with"
    "spooled file": lambda _: tempfile.SpooledTemporaryFile(max_size=20_000),  # noqa: SIM115
}


@asynccontextmanager
async def _pipe(content: bytes) -> AsyncGenerator[IO[bytes]]:
    """Yield the reading end of a pipe that the loop fills."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    loop = asyncio.get_running_loop()
    rest = memoryview(content)
    end = ExitStack()
    end.callback(os.close, writing)
    end.callback(loop.remove_writer, writing)

    def fill() -> None:
        nonlocal rest
        with suppress(BlockingIOError):
            while rest:
                rest = rest[os.write(writing, rest) :]
        if not rest:
            end.close()

    loop.add_writer(writing, fill)
    with os.fdopen(reading, "rb", buffering=0) as file, end:
        yield file
