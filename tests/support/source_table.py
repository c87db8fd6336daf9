"""A cell of the table of sources: what is handed over, its upload, and what is left of it."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from types import AsyncGeneratorType
from typing import Any

from attrs import define, field, frozen

from support.assets import has_stored
from support.handed_over import FILES, BytesOnDisk
from support.steps import Steps
from support.streams import KEPT, STREAMS, Giver, OwnRanges
from twelvelabs_async import AsyncTwelveLabs, UploadedAsset
from twelvelabs_async.emulator import Emulator

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


@define(eq=False)
class Cell:
    """One upload: what it is of, and what is left when it has ended.

    Attributes:
        kind: What is handed over.
        client: Uploads it.
        emulator: The platform.
        workers: As for ``upload``; with one, three chunks in memory are too many.
        steps: What the upload did.
    """

    kind: KindOfSource
    client: AsyncTwelveLabs
    emulator: Emulator
    workers: int = 1
    steps: "MemorySteps" = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Look at the client's memory from now on."""
        self.steps = MemorySteps(client=self.client)

    def start(self, handed_over: Any, size: int) -> asyncio.Task[UploadedAsset]:
        """Start the upload."""
        self.steps.install(asyncio.get_running_loop())
        return self.steps.watch(
            self.client.upload(
                ("a.mp4", handed_over),
                size=size if self.kind.size else None,
                multipart_above=0,
                max_workers=self.workers,
            )
        )

    def check_ended(self, chunk: int) -> None:
        """Nothing is left, and the memory kept its bound."""
        assert [task for task in self.steps.tasks if not task.done()] == []
        assert self.client.statistics().stream_bytes == 0
        assert self.steps.most <= (self.workers + 1) * chunk

    async def check_arrived(self, asset_id: str, data: bytes, chunk: int) -> None:
        """There is one asset, with these bytes, and chunks were in memory if they had to be."""
        assert await has_stored(self.emulator, asset_id, data)
        assert list(self.emulator.platform.assets) == [asset_id]
        assert self.emulator.count("create") == 1
        least = min(len(data), chunk) if self.kind.in_memory else 0
        assert self.steps.most >= least

    def check_no_asset(self) -> None:
        """No asset was made."""
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
