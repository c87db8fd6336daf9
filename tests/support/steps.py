"""Stops at every await: each suspension of a call, and of every task that it starts, is counted.

``Steps`` is a task factory. A call that runs under ``watch`` marks its context; a task that is
made in a marked context is one of the call's, whoever makes it (our code, aiohttp, asyncio), and
its coroutine is stepped by ``_Stepped``, which counts each time that it gives up the loop. At the
suspension that a test has chosen, the test does what it likes, such as cancelling the call.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, cast

from attrs import Factory, define

_OURS: ContextVar[object] = ContextVar("_OURS")


@define(eq=False)
class Steps:
    """Counts the suspensions of one call and of its tasks.

    Attributes:
        stop_at: At which suspension to stop, from 0; None: at none.
        stop: What happens there.
        seen: How many there were so far.
        tasks: The tasks that the call has started, itself among them.
    """

    stop_at: int | None = None
    stop: Callable[[], object] = lambda: None
    seen: int = 0
    tasks: list[asyncio.Task[Any]] = Factory(list[asyncio.Task[Any]])

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the loop make its tasks here."""
        loop.set_task_factory(cast("Any", self._make_task))

    def watch(self, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a call whose suspensions count."""
        context = copy_context()
        context.run(_OURS.set, self)
        loop = asyncio.get_running_loop()
        return context.run(loop.create_task, call)

    def suspended(self) -> None:
        """Count a suspension, and stop there if it is the chosen one."""
        self.seen += 1
        if self.seen - 1 == self.stop_at:
            self.stop()

    def reached(self) -> bool:
        """Whether the call got as far as the chosen suspension."""
        return self.stop_at is not None and self.seen > self.stop_at

    def is_ours(self, context: Context | None) -> bool:
        """Whether something was made by the call, judged by the context it was made in."""
        return context is not None and context.get(_OURS) is self

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **given: Any
    ) -> asyncio.Task[Any]:
        if not self.is_ours(given.get("context") or copy_context()):
            return asyncio.Task(work, loop=loop, **given)
        task = asyncio.Task(_Stepped(work, self), loop=loop, **given)
        self.tasks.append(task)
        return task


@define(eq=False)
class _Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that says when it gives up the loop."""

    _inner: Coroutine[Any, Any, Any]
    _steps: Steps

    def send(self, value: Any) -> Any:
        waited_for = self._inner.send(value)
        self._steps.suspended()
        return waited_for

    def throw(self, *error: Any) -> Any:
        waited_for = self._inner.throw(*error)
        self._steps.suspended()
        return waited_for

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # cr_frame and its like, for the repr of a task
