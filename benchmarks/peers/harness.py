"""Run a client on one job and print what it cost its process, as JSON."""

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from types import ModuleType

from benchmarks.job import Job
from benchmarks.meter import Figures, Meter

FILES_AT_ONCE = 16
"""Files that a client uploads side by side, unless it bounds them itself."""

ALL_AT_ONCE = 100_000
"""More files than there are in any scenario."""

API_KEY = "benchmark"

Send = Callable[[Path], None]
AsyncSend = Callable[[Path], Awaitable[object]]
Client = Callable[[Job], AbstractContextManager[Send]]
AsyncClient = Callable[[Job], AbstractAsyncContextManager[AsyncSend]]


class CannotMeasureError(Exception):
    """This client cannot be measured here; the text says why."""


def load(name: str) -> ModuleType:
    """Import what only this client needs.

    Raises:
        CannotMeasureError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CannotMeasureError(str(error)) from error


def print_figures(measure: Callable[[Job], Figures]) -> None:
    """Measure the job in the file that the command line names, and print the figures."""
    try:
        printed: dict[str, object] = {**measure(Job.load(Path(sys.argv[1]).read_text()))}
    except CannotMeasureError as skipped:
        printed = {"skipped": str(skipped)}
    print(json.dumps(printed))


def run(client: Client) -> None:
    """Measure a client that blocks."""

    def measure(job: Job) -> Figures:
        meter = Meter()
        with client(job) as send, ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            meter.start()
            for done in pool.map(send, job.paths):
                assert done is None
            return meter.figures()

    print_figures(measure)


def run_async(client: AsyncClient, files_at_once: int = FILES_AT_ONCE) -> None:
    """Measure a client for asyncio, on the loop, and with as many files, as the variant names."""

    def measure(job: Job) -> Figures:
        factory = load("uvloop").new_event_loop if job.variant == "uvloop" else None
        with asyncio.Runner(loop_factory=factory) as runner:
            most = ALL_AT_ONCE if job.variant == "all" else files_at_once
            return runner.run(_measure_async(client, job, asyncio.Semaphore(most)))

    print_figures(measure)


async def _measure_async(client: AsyncClient, job: Job, slots: asyncio.Semaphore) -> Figures:
    meter = Meter()

    async def one(path: Path) -> None:
        async with slots:
            await send(path)

    async with client(job) as send, meter.beating():
        meter.start()
        async with asyncio.TaskGroup() as group:
            for path in job.paths:
                group.create_task(one(path))
        return meter.figures()
