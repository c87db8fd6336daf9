"""Processes that upload, the moments at which they die, and an emulator's eye on what they sent."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from attrs import Factory, asdict, define, frozen

from support.uploader import ChildOrder
from twelvelabs_async.emulator import Cut, Rewrite
from twelvelabs_async.emulator.faults import Action, Faults
from twelvelabs_async.emulator.routing import API_ROUTES

SCRIPT = Path(__file__).with_name("uploader.py")


Kind = Literal["time", "disk", "request", "power"]
KINDS: tuple[Kind, ...] = ("time", "disk", "request", "power")


@frozen
class MomentOfDeath:
    """When a process dies.

    Attributes:
        kind: At a ``time``, at a call to the ``disk``, when a ``request`` arrives, or at a call to
            the disk together with the machine: what was not synced may be lost (``power``).
        at: Seconds, or a count from 1; 0: it does not die.
        when: ``before``, ``torn`` or ``after`` the call; a request may be ``lost``, ``arrived``,
            and, if it is one to the API, ``answered``: it took effect, and nobody heard of it.
    """

    kind: Kind
    at: float
    when: Any = "before"


NEVER = MomentOfDeath("time", 0)
WHEN = {
    "time": ("before",),
    "disk": ("before", "torn", "after"),
    "power": ("before", "torn", "after"),
    "request": ("lost", "arrived", "answered"),
}


@frozen
class ArrivedRequest:
    """A request that was let in."""

    route: str
    upload_id: str | None
    chunk_index: int | None


@define(eq=False)
class WatchingFaults(Faults):
    """A script of faults that writes down what arrives, and is deadly at one request."""

    seen: list[ArrivedRequest] = Factory(list[ArrivedRequest])
    moment: MomentOfDeath = NEVER
    kill: Callable[[], object] = bool

    def begin(self, moment: MomentOfDeath) -> None:
        """Begin an attempt."""
        self.seen, self.moment = [], moment

    def take(
        self, route: str, upload_id: str | None = None, chunk_index: int | None = None
    ) -> Action | None:
        """Write a request down, and kill who sent it if its time has come."""
        self.seen.append(ArrivedRequest(route, upload_id, chunk_index))
        if self.moment.kind == "request" and len(self.seen) == self.moment.at:
            return self._deadly(route)
        return super().take(route, upload_id, chunk_index)

    def _deadly(self, route: str) -> Action | None:
        if self.moment.when == "answered" and route in API_ROUTES:
            return Rewrite(self._deadly_answer)
        self.kill()
        return Cut("before") if self.moment.when == "lost" else None

    def _deadly_answer(self, payload: dict[str, Any]) -> dict[str, Any]:
        self.kill()
        return payload

    def chunks(self) -> list[int]:
        """Return the chunks that arrived at the store."""
        return [seen.chunk_index for seen in self.seen if seen.chunk_index is not None]

    def count(self, route: str) -> int:
        """Return how many requests of a route arrived."""
        return sum(seen.route == route for seen in self.seen)


@define(eq=False)
class Victims:
    """Processes that upload, one at a time, all forked off one parent.

    Attributes:
        pid: The one that is there, alive or dead; 0: none.
        doomed: Whether it is to die as soon as its process id is known.
    """

    _process: asyncio.subprocess.Process
    pid: int = 0
    doomed: bool = False

    async def begin(self, order: ChildOrder) -> None:
        """Have a process that does what is ordered."""
        self.doomed = False
        self._write(json.dumps(asdict(order)).encode() + b"\n")
        self.pid = (await self.told())["pid"]
        if self.doomed:
            self.kill()

    def kill(self) -> None:
        """Kill it; it may be dead."""
        self.doomed = True
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)

    async def told(self) -> dict[str, Any]:
        """Return the next thing that it tells."""
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return told

    async def end(self) -> dict[str, Any]:
        """Wait until it is dead, and return all that it told."""
        told: dict[str, Any] = {}
        while "ended" not in told:
            told |= await self.told()
        self.pid = 0
        self._write(b"!")
        return told

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)


@asynccontextmanager
async def victims() -> AsyncGenerator[Victims]:
    """Run a parent of victims; nothing of it is left."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), stdin=pipe, stdout=pipe
    )
    made = Victims(process)
    try:
        yield made
    finally:
        made.kill()
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
