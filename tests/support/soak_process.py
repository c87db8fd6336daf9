"""The process around a step of the soak: what it has open, and how long a step may take."""

import asyncio
import gc
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvloop

from support.leaks import descriptors, foreign_threads
from support.soak_plan import LoopKind
from support.virtual_time import VirtualTimeLoop

REAL_DEADLINE = 120.0
"""Real seconds after which a step is taken to hang."""

SETTLING = 3.0
"""Real seconds in which descriptors and threads that are on their way out must be gone."""

LOOPS: dict[LoopKind, Callable[[], asyncio.AbstractEventLoop]] = {
    "virtual": VirtualTimeLoop,
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}

Work = Callable[[], Coroutine[Any, Any, None]]


class HungError(BaseException):
    """A step did not end in real time; raised wherever the main thread stands."""


def in_a_loop(kind: LoopKind, work: Work) -> None:
    """Run ``work`` in an event loop of its own, and compare the process before and after.

    Raises:
        AssertionError: A task, a descriptor or a thread is left, or somebody complained.
        HungError: It did not end.
    """
    uvloop.new_event_loop().close()  # the first one opens a pipe that stays
    complaints = list[str]()
    with _nothing_left(complaints), asyncio.Runner(loop_factory=LOOPS[kind]) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(repr(context)))
        runner.run(_to_the_end(work))


async def _to_the_end(work: Work) -> None:
    await work()
    gc.collect()  # what nobody has waited for complains now
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks are left: {left}"


@contextmanager
def _nothing_left(complaints: list[str]) -> Generator[None]:
    before = descriptors(), Counter(foreign_threads())
    hook = sys.unraisablehook
    sys.unraisablehook = lambda it: complaints.append(f"{it.exc_value!r} in {it.object!r}")
    try:
        with _deadline():
            yield
            gc.collect()
    finally:
        sys.unraisablehook = hook
    assert not complaints, complaints
    until = time.monotonic() + SETTLING
    while (left := _more_than(before)) and time.monotonic() < until:
        time.sleep(0.01)  # there is no event to wait for: threads end on their own
    assert not left, f"left behind: {left}"


def _more_than(before: tuple[Counter[str], Counter[str]]) -> list[str]:
    now = descriptors(), Counter(foreign_threads())
    return [name for kind, old in zip(now, before, strict=True) for name in kind - old]


@contextmanager
def _deadline() -> Generator[None]:
    handler = signal.signal(signal.SIGALRM, _hung)
    signal.setitimer(signal.ITIMER_REAL, REAL_DEADLINE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def _hung(number: int, frame: FrameType | None) -> None:
    raise HungError(f"the step takes more than {REAL_DEADLINE:g} s")
