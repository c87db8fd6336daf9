"""Progress bars on a terminal's standard error, one for each file under way, and spinners below.

What is written elsewhere goes ``aside``: the bars leave the screen for that moment, because
standard output is often the same terminal. Where nobody looks (a file, a pipe, a terminal that
cannot move its cursor) nothing at all is written.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from attrs import define
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column

from twelvelabs_async._cli.output import STANDARD_ERROR

LOOKS_PER_SECOND = 10
SPARE_COLUMNS = 8
"""At the end of each line, for the ``^C`` that a terminal echoes: a line that wraps would stay."""


@define(eq=False)
class Bar:
    """One file's bar."""

    _progress: Progress
    _id: TaskID

    def move(self, done: int, total: int | None) -> None:
        """Show ``done`` of ``total`` bytes; None: nobody knows of how many."""
        self._progress.update(self._id, completed=done, total=total, visible=True)

    def begin_again(self, name: str) -> None:
        """Go back to nothing done, under another name."""
        self._progress.reset(self._id, description=name)

    def advance(self, count: int) -> None:
        """Show ``count`` bytes more."""
        self._progress.advance(self._id, count)


class Bars:
    """All bars, while the ``with`` block runs."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._seen = os.isatty(STANDARD_ERROR) and not self._console.is_dumb_terminal
        self._progress = bars_of(self._console)
        self._spinners = _spinners_of(self._console)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._show()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hide()

    @contextmanager
    def bar(self, name: str) -> Generator[Bar, None, None]:
        """Give a file a bar for the ``with`` block; it is seen from its first move on."""
        task = self._progress.add_task(name, total=None, visible=False)
        try:
            yield Bar(self._progress, task)
        finally:
            if self._live is not None:
                self._live.refresh()  # where it ended
            self._progress.remove_task(task)

    @contextmanager
    def spinner(self, text: str) -> Generator[None, None, None]:
        """Show that something takes its time, and how long already, for the ``with`` block."""
        task = self._spinners.add_task(text, total=None)
        try:
            yield
        finally:
            self._spinners.remove_task(task)

    @contextmanager
    def aside(self) -> Generator[None, None, None]:
        """Have the screen free for the ``with`` block."""
        self._hide()
        try:
            yield
        finally:
            self._show()

    def _show(self) -> None:
        # A Live of its own each time: one that is started again would wipe what was written since.
        if not self._seen:
            return
        self._live = Live(
            console=self._console,
            get_renderable=lambda: _Narrowed(self._all()),
            refresh_per_second=LOOKS_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def _all(self) -> RenderableType:
        return Group(self._progress.get_renderable(), self._spinners.get_renderable())

    def _hide(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


@define(eq=False)
class _Narrowed:
    """What is shown, less the last columns of a terminal, however wide it is by now."""

    _shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(1, options.max_width - SPARE_COLUMNS)
        yield from console.render(self._shown, options.update(width=width))


class _TimeRemaining(TimeRemainingColumn):
    """Shows what is true now, even of a bar that has begun again."""

    max_refresh = 0.0


def bars_of(console: Console) -> Progress:
    """Return the display of all bars."""
    return Progress(
        _name(),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TransferSpeedColumn(),
        _TimeRemaining(),
        console=console,
        expand=True,
    )


def _spinners_of(console: Console) -> Progress:
    return Progress(SpinnerColumn(), _name(), TimeElapsedColumn(), console=console, expand=True)


def _name() -> TextColumn:
    column = Column(ratio=1, no_wrap=True, overflow="ellipsis", min_width=8)
    return TextColumn("{task.description}", markup=False, table_column=column)
