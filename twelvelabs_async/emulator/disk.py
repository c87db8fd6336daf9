"""Chunks on disk: streamed in, hashed on the way, streamed out again.

All work on files is done in the event loop's default executor, about 1 MiB a call, each call
opening and closing its file; so nothing is held open between calls, and a cancelled transfer has
nothing to clean up but one file. A chunk is written under a temporary name and renamed when it is
complete.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from attrs import Factory, define, field, frozen

from twelvelabs_async.emulator.records import StoredAsset

WRITE_SIZE = 2**20


class Digest(Protocol):
    """A hash under way."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""

    def hexdigest(self) -> str:
        """Return the digest so far."""
        ...


@define(eq=False)
class Incoming:
    """A chunk on its way to ``path``: what has arrived, in a temporary file beside it."""

    path: Path
    serial: int
    received: int = 0
    _md5: Digest = field(factory=lambda: hashlib.md5(usedforsecurity=False), init=False)
    _pieces: list[bytes] = Factory(list[bytes])
    _job: asyncio.Future[None] | None = None

    @property
    def temporary(self) -> Path:
        """Return the name that the file has until it is complete."""
        return self.path.with_name(f"{self.path.name}.{self.serial}.part")

    @property
    def etag(self) -> str:
        """Return the MD5 of what was written, in hex, without quotes."""
        return self._md5.hexdigest()

    async def receive(self, content: AsyncIterable[bytes]) -> None:
        """Write the body as it comes; the next pieces arrive while the last ones are written."""
        waiting = 0
        async for piece in content:
            self.received += len(piece)
            self._pieces.append(piece)
            waiting += len(piece)
            if waiting >= WRITE_SIZE:
                await self._flush()
                waiting = 0
        await self._flush()
        await self._settle()

    def commit(self) -> None:
        """Give the file its name; an older one of the same chunk is replaced."""
        self.temporary.replace(self.path)

    async def discard(self) -> None:
        """Remove what was written, once no thread writes to it any more."""
        try:
            if self._job is not None:
                await asyncio.wait([self._job])
        finally:
            self.temporary.unlink(missing_ok=True)

    async def _flush(self) -> None:
        await self._settle()
        pieces, self._pieces = self._pieces, []
        self._job = asyncio.get_running_loop().run_in_executor(None, self._write, pieces)

    async def _settle(self) -> None:
        if self._job is not None:
            await asyncio.shield(self._job)

    def _write(self, pieces: Iterable[bytes]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.temporary.open("ab", buffering=0) as file:
            for piece in pieces:
                self._md5.update(piece)
                _write_whole(file.fileno(), piece)


def _write_whole(fd: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(WRITE_SIZE)


async def outgoing(paths: Iterable[Path]) -> AsyncIterator[bytes]:
    """Yield the bytes of the files, one after the other, in pieces of at most 1 MiB."""
    loop = asyncio.get_running_loop()
    for path in paths:
        offset = 0
        while piece := await loop.run_in_executor(None, _read, path, offset):
            yield piece
            offset += len(piece)


@frozen
class Files:
    """The directory of all files: ``<upload_id>/<index>``, and ``<asset_id>/1``."""

    directory: Path

    def chunk(self, folder: str, index: int) -> Path:
        """Return where a piece of a file is; pieces count from 1."""
        return self.directory / folder / str(index)

    def paths(self, asset: StoredAsset) -> list[Path]:
        """Return the pieces of an asset's file, in asked."""
        return [self.chunk(asset.folder, index) for index in range(1, asset.pieces + 1)]

    @asynccontextmanager
    async def receiving(self, folder: str) -> AsyncGenerator[Incoming]:
        """Yield a place for a file in one piece; unless it is committed, nothing remains."""
        incoming = Incoming(self.chunk(folder, 1), 0)
        try:
            yield incoming
        except BaseException:
            await incoming.discard()
            _remove_empty(incoming.path.parent)
            raise

    async def remove(self, asset: StoredAsset) -> None:
        """Remove an asset's files, and what is still arriving of them."""
        await asyncio.to_thread(shutil.rmtree, self.directory / asset.folder, ignore_errors=True)


def _remove_empty(directory: Path) -> None:
    with suppress(OSError):
        directory.rmdir()
