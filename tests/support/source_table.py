"""The table of sources: what is handed over, how many bytes it has, and what goes wrong.

The kinds are in ``handed_over`` and ``streams``: a new one is added there. In each cell, the bytes
in the store, the requests and the memory are counted.
"""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from types import AsyncGeneratorType
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from support.assets import has_stored
from support.handed_over import FILES, BytesOnDisk
from support.steps import Steps
from support.streams import KEPT, STREAMS, Giver, OwnRanges
from twelvelabs_async import AsyncTwelveLabs, SourceError, UploadedAsset, UploadError
from twelvelabs_async.emulator import Answer, Emulator, Expire, Fault

_PRIME = random.Random(31).randbytes(999_983)


@frozen
class KindOfSource:
    """What is handed over, and how.

    Attributes:
        name: Its name in ``FILES`` or ``STREAMS``, or ``ranges``.
        size: Whether the call has ``size=``.
    """

    name: str
    size: bool = False

    def __str__(self) -> str:
        return f"{self.name}, {'size=' if self.size else 'kept'}" if self.is_stream else self.name

    @property
    def is_stream(self) -> bool:
        """Whether it is read once."""
        return self.name in STREAMS

    @property
    def in_memory(self) -> bool:
        """Whether its chunks are."""
        return self.size or self.name == "ranges"


KINDS = [
    *[KindOfSource(name) for name in (*FILES, "ranges", *KEPT)],
    *[KindOfSource(name, size=True) for name in STREAMS],
]


STORE_FAULTS = {
    "nothing": None,
    "a failed chunk": Fault(route="put", action=Answer(503)),
    "an expired URL": Fault(route="put", action=Expire()),
}
"""What the store does, to one request."""


def happens(kind: KindOfSource, fault: str) -> bool:
    """Whether there is such a cell: what is in our hands does not break off."""
    if fault in STORE_FAULTS:
        return True
    if kind.name in FILES:
        return False
    if fault in ("too short", "too long"):
        return kind.in_memory  # else it has not said how long it is
    return fault != "raises" or kind.name != "pipe"


@frozen
class SizeOfSource:
    """How many bytes it has, and how they are sent.

    Attributes:
        name: What to call it.
        size: Its bytes.
        chunk: Bytes of a chunk.
        piece: Bytes that it gives at once.
        workers: As for ``upload``; with one, three chunks in memory are too many.
    """

    name: str
    size: int
    chunk: int = 50_000
    piece: int = 7_000
    workers: int = 1


SIZES = [
    SizeOfSource("1 byte", 1),
    SizeOfSource("a chunk", 50_000),
    SizeOfSource("3 chunks", 150_000),
    SizeOfSource("1 more", 150_001),
    SizeOfSource("300 MB", 300_000_000, chunk=16 * 2**20, piece=2**20, workers=3),
]


def cells(*faults: str) -> pytest.MarkDecorator:
    """Return the cells of the table that have these faults."""
    table = [
        pytest.param(
            kind,
            size,
            fault,
            id=f"{kind}-{size.name}-{fault}",
            marks=pytest.mark.chunk_size(size.chunk),
        )
        for kind in KINDS
        for size in SIZES
        for fault in faults
        if happens(kind, fault)
    ]
    return pytest.mark.parametrize(("kind", "size", "fault"), table)


def content(size: int) -> bytes:
    """Return so many bytes; no two chunks are equal."""
    return (_PRIME * -(-size // len(_PRIME)))[:size]


@define(eq=False, kw_only=True)
class MemorySteps(Steps):
    """Looks at the memory of a client's streams wherever a call waits.

    Attributes:
        client: The client.
        most: Bytes that they took, at most.
    """

    client: AsyncTwelveLabs
    most: int = 0

    def suspended(self) -> None:
        """Look at a suspension."""
        self.most = max(self.most, self.client.statistics().stream_bytes)
        super().suspended()


@define(eq=False, kw_only=True)
class Cell:
    """One upload: what it is of, and what is left when it has ended.

    Attributes:
        kind: What is handed over.
        size: How many bytes it says that it has.
        client: Uploads it.
        emulator: The platform.
        directory: Where files of it are.
        steps: What the upload did.
    """

    kind: KindOfSource
    size: SizeOfSource
    client: AsyncTwelveLabs
    emulator: Emulator
    directory: Path
    steps: "MemorySteps" = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Look at the client's memory from now on."""
        self.steps = MemorySteps(client=self.client)

    async def arrives(self, fault: str) -> None:
        """It does, whole: each chunk is sent once, but for the one that failed."""
        giver, chunks = self._giver(content(self.size.size)), -(-self.size.size // self.size.chunk)
        handed_over = hand_over(self.kind, giver, self.directory)
        scripted = STORE_FAULTS[fault]
        if scripted is not None:
            self.emulator.faults.add(evolve(scripted, chunk_index=(chunks + 1) // 2))
        asset = await self._start(handed_over)
        await self._check_arrived(asset.id, giver.data)
        assert self.emulator.count("put") == chunks + (scripted is not None)
        self._check_ended(handed_over)

    async def breaks_off(self, fault: str) -> None:
        """It does, and the caller gets the reason: what was raised is in the chain."""
        size = self.size.size
        count = {"too short": size - 1, "too long": size + 1, "raises": size // 2}
        giver = self._giver(content(count[fault]))
        giver.ending = "raise" if fault == "raises" else "end"
        handed_over = hand_over(self.kind, giver, self.directory)
        with pytest.raises(UploadError) as caught:
            await self._start(handed_over)
        assert isinstance(caught.value.__cause__, SourceError)
        assert (giver.failure in chain(caught.value)) == (fault == "raises")
        self._check_no_asset()
        self._check_ended(handed_over)

    async def is_cancelled(self) -> None:
        """It is, where it stands in the middle, and what came before was sent."""
        giver = self._giver(content(self.size.size // 2))
        giver.ending = "wait"
        handed_over = hand_over(self.kind, giver, self.directory)
        upload = self._start(handed_over)
        sent = self.size.size // 2 // self.size.chunk if self.kind.in_memory else 0
        while not giver.waits.is_set() or self.emulator.count("put") < sent:
            await asyncio.sleep(0.01)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        self._check_no_asset()
        self._check_ended(handed_over)

    def _giver(self, data: bytes) -> Giver:
        return Giver(data, self.size.size, piece=self.size.piece)

    def _start(self, handed_over: Any) -> asyncio.Task[UploadedAsset]:
        self.steps.install(asyncio.get_running_loop())
        return self.steps.watch(
            self.client.upload(
                ("a.mp4", handed_over),
                size=self.size.size if self.kind.size else None,
                multipart_above=0,
                max_workers=self.size.workers,
            )
        )

    def _check_ended(self, handed_over: Any) -> None:
        """Nothing is left, and the memory kept its bound."""
        assert is_closed(handed_over)
        assert [task for task in self.steps.tasks if not task.done()] == []
        assert self.client.statistics().stream_bytes == 0
        assert self.steps.most <= (self.size.workers + 1) * self.size.chunk

    async def _check_arrived(self, asset_id: str, data: bytes) -> None:
        """There is one asset, with these bytes, and chunks were in memory if they had to be."""
        assert await has_stored(self.emulator, asset_id, data)
        assert list(self.emulator.platform.assets) == [asset_id]
        assert self.emulator.count("create") == 1
        least = min(len(data), self.size.chunk) if self.kind.in_memory else 0
        assert self.steps.most >= least

    def _check_no_asset(self) -> None:
        assets = self.emulator.platform.assets.values()
        assert [asset for asset in assets if asset.received_at is not None] == []


def hand_over(kind: KindOfSource, giver: Giver, directory: Path) -> Any:
    """Make what is handed over; files are written to the directory."""
    if kind.name in FILES:
        return FILES[kind.name](BytesOnDisk.of(giver.data, directory))
    return OwnRanges(giver) if kind.name == "ranges" else STREAMS[kind.name](giver)


def is_closed(handed_over: Any) -> bool:
    """Whether an async generator is; nobody else's object is ever closed."""
    if isinstance(handed_over, AsyncGeneratorType):
        return handed_over.ag_frame is None  # pyright: ignore[reportUnknownMemberType]
    return getattr(handed_over, "closed", False) is False


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes."""
    while error is not None:
        yield error
        error = error.__cause__
