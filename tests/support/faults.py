"""One upload under one or several faults of the catalogue, and everything that was seen of it."""

import asyncio
import hashlib
import random
from collections.abc import Collection, Sequence
from pathlib import Path

from attrs import define, frozen

from support.virtual_time import utcnow
from twelvelabs_async import AsyncTwelveLabs, UploadError
from twelvelabs_async.emulator import CATALOGUE, Emulator, Fault, NamedFault

CHUNK = 1000
CHUNKS = 7
FILE_SIZE = CHUNK * CHUNKS - 1
"""Bytes: seven chunks, of which three get their URLs at first, in reports of two."""

PATIENCE = 3600.0
"""Seconds of the virtual clock after which an upload is taken to hang."""

ASSET = ""
"""What stands for the name of a cause where there is none: the asset has arrived."""


@frozen
class Case:
    """A named fault at one of its routes."""

    named: NamedFault
    route: str

    def __str__(self) -> str:
        one = len(self.named.routes) == 1
        return self.named.name if one else f"{self.named.name}@{self.route}"

    @property
    def endings(self) -> set[str]:
        """Return how it may end."""
        return set(self.named.causes) or {ASSET}

    @property
    def asks_elsewhere(self) -> bool:
        """Whether it is about questions that are asked only where reports tell no URL."""
        return self.route in {"status", "asset"}


CASES = [Case(named, route) for named in CATALOGUE.values() for route in named.routes]


@define
class Ending:
    """How an upload ended.

    Attributes:
        cause: The name of the exception that ended it; ``ASSET`` if none did.
        error: What was raised; None if nothing was.
        faults: What was scripted, a fault for each case.
        identical: Whether the asset's bytes are the file's.
        seconds: What it took, on the virtual clock.
        requests: How many requests there were, answered or not.
        tasks: What was still running when client and emulator were closed.
    """

    faults: list[Fault]
    cause: str = ASSET
    error: UploadError | None = None
    identical: bool = False
    seconds: float = 0.0
    requests: int = 0
    tasks: Collection[object] = ()

    @property
    def unused(self) -> list[Fault]:
        """Return the faults that never happened."""
        return [fault for fault in self.faults if not fault.hits]


async def play(path: Path, cases: Sequence[Case], *, chunk_size: int = CHUNK) -> Ending:
    """Upload a file while ``cases`` happen."""
    random.seed(" ".join(map(str, cases)))  # the jitter of pauses
    before = asyncio.all_tasks()
    ending = Ending([case.named.fault(route=case.route) for case in cases])
    emulator = Emulator(
        chunk_size=chunk_size,
        initial_urls=3,
        now=utcnow,
        name_url="asset" if any(case.asks_elsewhere for case in cases) else "report",
    )
    async with emulator, AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        emulator.faults.script.extend(ending.faults)
        async with asyncio.timeout(PATIENCE):
            await _upload(path, emulator, client, ending)
    ending.requests = len(emulator.requests)
    ending.tasks = asyncio.all_tasks() - before
    return ending


async def _upload(path: Path, emulator: Emulator, client: AsyncTwelveLabs, ending: Ending) -> None:
    began = asyncio.get_running_loop().time()
    try:
        result = await client.multipart_upload.upload_file(path, batch_size=2, max_workers=2)
    except UploadError as error:
        ending.cause, ending.error = type(error.__cause__).__name__, error
    else:
        content = await asyncio.to_thread(path.read_bytes)
        digest = hashlib.sha256(content).hexdigest()
        ending.identical = await emulator.sha256(result.asset_id) == digest
        assert result.asset_url is None or result.asset_url.startswith(emulator.store_url)
    ending.seconds = asyncio.get_running_loop().time() - began
