"""What a process costs: wall time, CPU, memory, bytes to disk, and delay of its event loop."""

import asyncio
import resource
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from attrs import Factory, define

HEARTBEAT = 0.005
"""Seconds between two beats; what a beat is late by is what others on the loop wait."""

WARM_UP = 0.1
"""Seconds of beats that do not count."""

Figures = dict[str, float]


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, kinds))


def proc_number(file: str, key: str) -> int:
    """Return a number from a file of ``/proc/self``; 0 where there is none (not on Linux)."""
    with suppress(OSError):
        for line in Path("/proc/self", file).read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1])
    return 0


def peak_mb() -> float:
    """Return the most resident memory of this process so far, in MB.

    The most, also for what it was before an upload: what is resident just now may be less, where a
    system takes back the pages of code that nobody runs, and would count them as the upload's.
    """
    return proc_number("status", "VmHWM") * 1024 / 1e6


@define(eq=False)
class Meter:
    """Measures from ``start`` to ``figures``.

    Attributes:
        late: Seconds that each beat was late by.
    """

    late: list[float] = Factory(list[float])
    _rss: float = 0.0
    _cpu: float = 0.0
    _disk: int = 0
    _started: float = 0.0

    def start(self) -> None:
        """Begin: the imports are done, nothing was uploaded."""
        self._rss = peak_mb()
        self._disk = proc_number("io", "write_bytes")
        self._cpu, self._started = cpu_seconds(), time.perf_counter()

    def figures(self) -> Figures:
        """Return what was spent since ``start``; delays only if a heart was beating."""
        spent = {
            "wall_s": time.perf_counter() - self._started,
            "cpu_s": cpu_seconds() - self._cpu,
            "rss_before_mb": self._rss,
            "peak_rss_mb": peak_mb(),
            "disk_mb": (proc_number("io", "write_bytes") - self._disk) / 1e6,
        }
        return spent | delays(self.late)

    @asynccontextmanager
    async def beating(self) -> AsyncGenerator[None]:
        """Keep a heart beating on the running loop, warm when the block begins."""
        heart = asyncio.create_task(self._beat())
        try:
            await asyncio.sleep(WARM_UP)
            self.late.clear()
            yield
        finally:
            heart.cancel()

    async def _beat(self) -> None:
        while True:
            due = time.perf_counter() + HEARTBEAT
            await asyncio.sleep(HEARTBEAT)
            self.late.append(time.perf_counter() - due)


def delays(late: list[float]) -> Figures:
    """Return the median, the 99th percentile and the most of some delays, in milliseconds."""
    if not late:
        return {}
    ordered = sorted(1e3 * max(0.0, delay) for delay in late)
    return {
        "delay_p50_ms": ordered[len(ordered) // 2],
        "delay_p99_ms": ordered[int(len(ordered) * 0.99)],
        "delay_max_ms": ordered[-1],
    }
