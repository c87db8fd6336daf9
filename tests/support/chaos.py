"""A TCP relay that harms connections at random, by seed: what a bad network does to an upload.

Each connection draws its trouble when it is accepted: a direction, a number of bytes after which
the trouble begins, and what happens then. Delays and fragments are free; what breaks a connection
counts against a budget, so that an upload which retries does arrive in the end.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, get_args

from attrs import Factory, define, evolve, frozen
from yarl import URL

Direction = Literal["up", "down"]
Harm = Literal["reset", "half-close", "stall", "pause", "swallow", "fragment", "delay", "none"]

BREAKS: frozenset[Harm] = frozenset({"reset", "half-close", "stall", "swallow"})
"""What a request does not survive."""

WAITS: frozenset[Harm] = frozenset({"stall", "swallow", "pause", "delay", "half-close"})
"""What takes seconds of the clock until somebody notices."""

OFFSETS = (0, 1, 40, 400, 4_000, 70_000, 700_000)
"""Bytes of a connection after which trouble begins: in a head, a small body, a large one."""

PAUSE_SECONDS = 2.0
DELAY_SECONDS = 0.4
FRAGMENT_BYTES = 700
MOST_FRAGMENTS = 60


@frozen
class ConnectionTrouble:
    """What happens to one connection.

    Attributes:
        harm: What it is.
        direction: ``up`` is from the client to the server.
        after: Bytes in that direction that pass first.
    """

    harm: Harm
    direction: Direction
    after: int


@define(eq=False)
class ChaosRelay:
    """Passes TCP connections on to ``target``, and harms some of them.

    Attributes:
        target: The origin behind the relay.
        chance: The source of every choice.
        budget: How many more connections may be broken.
        patient: Whether harms that take seconds are allowed; on a real clock they are not.
        url: The relay's own origin.
        calm: Whether connections pass unharmed from now on.
        acts: How often each harm has happened.
    """

    target: URL
    chance: random.Random
    budget: int
    patient: bool = True
    url: URL = Factory(URL)
    calm: bool = False
    acts: Counter[str] = Factory(Counter[str])
    _tasks: set[asyncio.Task[None]] = Factory(set["asyncio.Task[None]"])

    @property
    def broken(self) -> int:
        """Return how many connections were broken so far."""
        return sum(self.acts[harm] for harm in BREAKS)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection until both directions have ended, or the relay is closed.

        A task that is cancelled before its first step closes its connection, too.
        """
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trouble = self._drawn()
        writers = [writer]
        try:
            with suppress(OSError, RuntimeError):  # uvloop's word for a transport that is closed
                there, back = await asyncio.open_connection(self.target.host, self.target.port)
                writers.append(back)
                up = evolve(trouble, harm="none") if trouble.direction == "down" else trouble
                down = evolve(trouble, harm="none") if trouble.direction == "up" else trouble
                await self._both(
                    self._pass(reader, back, up, writers), self._pass(there, writer, down, writers)
                )
        finally:
            for each in writers:
                each.transport.abort()

    def _drawn(self) -> ConnectionTrouble:
        harms: list[Harm] = list(get_args(Harm))
        if not self.patient:
            harms = [harm for harm in harms if harm not in WAITS]
        directions: tuple[Direction, ...] = ("up", "down")
        return ConnectionTrouble(
            self.chance.choice(harms), self.chance.choice(directions), self.chance.choice(OFFSETS)
        )

    async def _both(self, *passing: Coroutine[Any, Any, None]) -> None:
        """Run both directions; an error in one ends the other."""
        tasks = [asyncio.ensure_future(each) for each in passing]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        trouble: ConnectionTrouble,
        writers: list[asyncio.StreamWriter],
    ) -> None:
        """Pass one direction on, up to its end or its trouble."""
        left = trouble.after
        while piece := await reader.read(2**16):
            if self._begins(trouble, len(piece) > left):
                writer.write(piece[:left])
                rest = await self._harmed(trouble.harm, piece[left:], reader, writer, writers)
                if rest is None:
                    return
                piece, trouble = rest, evolve(trouble, harm="none")
            left -= len(piece)
            writer.write(piece)
            await writer.drain()
        writer.write_eof()

    def _begins(self, trouble: ConnectionTrouble, reached: bool) -> bool:
        affordable = trouble.harm not in BREAKS or self.broken < self.budget
        if self.calm or not reached or trouble.harm == "none" or not affordable:
            return False
        self.acts[trouble.harm] += 1
        return True

    async def _harmed(
        self,
        harm: Harm,
        piece: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        writers: list[asyncio.StreamWriter],
    ) -> bytes | None:
        """Do the harm, and return the bytes that still pass; None: nothing passes any more."""
        match harm:
            case "reset":
                for each in writers:
                    each.transport.abort()
            case "half-close":
                writer.write_eof()
                await _drained(reader)
            case "swallow":
                await _drained(reader)
            case "stall":
                await asyncio.get_running_loop().create_future()
            case "pause":
                await asyncio.sleep(PAUSE_SECONDS)
                return piece
            case "delay":
                await asyncio.sleep(self.chance.uniform(0, DELAY_SECONDS))
                return piece
            case _:
                return await _fragmented(piece, writer)
        return None

    async def become_calm(self) -> None:
        """Harm nobody from now on, and end every connection: some wait in harm's way."""
        self.calm = True
        await self.close()

    async def close(self) -> None:
        """End every connection."""
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _drained(reader: asyncio.StreamReader) -> None:
    """Read to the end, and drop what comes."""
    while await reader.read(2**16):
        pass


async def _fragmented(piece: bytes, writer: asyncio.StreamWriter) -> bytes:
    """Write the beginning of ``piece`` in small parts, and return its rest."""
    for _ in range(MOST_FRAGMENTS):
        if not piece:
            break
        writer.write(piece[:FRAGMENT_BYTES])
        await writer.drain()
        await asyncio.sleep(0)
        piece = piece[FRAGMENT_BYTES:]
    return piece


@asynccontextmanager
async def chaos_relay(
    target: str, chance: random.Random, budget: int, *, patient: bool = True
) -> AsyncGenerator[ChaosRelay]:
    """Run a ``ChaosRelay`` in front of the origin ``target``."""
    relay = ChaosRelay(URL(target).origin(), chance, budget, patient)
    listener = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.url = URL(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    try:
        yield relay
    finally:
        listener.close()
        await relay.close()
