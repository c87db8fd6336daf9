"""What a call may have left behind, as the system and the loop see it."""

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.steps import Steps
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._core.threads import NAME

DESCRIPTORS = Path("/proc/self/fd")


def _targets() -> Iterator[tuple[int, Path]]:
    for entry in DESCRIPTORS.iterdir():
        try:
            yield int(entry.name), entry.readlink()
        except FileNotFoundError:  # the one that listed the directory
            continue


def descriptors() -> Counter[str]:
    """Return what this process has open, and how often; sockets and pipes by their kind only."""
    return Counter(str(target).partition(":[")[0] for _, target in _targets())


def sockets() -> set[str]:
    """Return the sockets that this process has open."""
    return {target.name for _, target in _targets() if target.name.startswith("socket:")}


def sockets_to(ports: set[int]) -> list[int]:
    """Return the descriptors of this process that are connected to one of its ``ports``."""
    found = [fd for fd, target in _targets() if target.name.startswith("socket:")]
    return [fd for fd in found if _peer_port(fd) in ports]


def _peer_port(descriptor: int) -> int | None:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            return int(copy.getpeername()[1])
    except (OSError, IndexError):  # it listens, has no port, or the server has closed it meanwhile
        return None


def is_open(path: Path) -> bool:
    """Whether this process has a file open."""
    return path in {target for _, target in _targets()}


def foreign_threads() -> set[str]:
    """Return the threads that are neither the main one nor shared: a loop's, or a client's."""
    shared = ("Main", "asyncio_", NAME)
    return {t.name for t in threading.enumerate() if not t.name.startswith(shared)}


def under_way(client: AsyncTwelveLabs) -> tuple[int, ...]:
    """Return how many slots are taken or waited for: control calls, uploads, chunks."""
    now = client.statistics()
    return (
        *(now.calls_under_way, now.calls_waiting),
        *(now.uploads_admitted, now.uploads_waiting),
        *(now.puts_under_way, now.puts_waiting),
    )


def timers(steps: Steps) -> list[asyncio.TimerHandle]:
    """Return the timers that a call has set and nobody has cancelled."""
    loop: Any = asyncio.get_running_loop()
    return [h for h in loop._scheduled if not h.cancelled() and steps.is_ours(h._context)]
