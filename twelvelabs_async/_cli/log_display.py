"""What the library warns of while it works, such as a network that is gone: a line for each."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from twelvelabs_async._cli.bars import Bars
from twelvelabs_async._cli.output import print_error

logger = logging.getLogger("twelvelabs_async")

_ADVICE = {"if_busy": "Ctrl-C ends the wait; --no-journal does not wait, and makes another asset"}
"""What a user of the command can do, by the argument that a program can set instead."""


class _Notices(logging.Handler):
    def __init__(self, bars: Bars) -> None:
        super().__init__(logging.WARNING)
        self._bars = bars

    def emit(self, record: logging.LogRecord) -> None:
        with self._bars.aside():
            print_error(_text(record))


def _text(record: logging.LogRecord) -> str:
    """Return a warning, with the command's own advice in the place of the library's, its last."""
    advice = _ADVICE.get(getattr(record, "argument", ""))
    if advice is not None and isinstance(record.args, tuple):
        return str(record.msg) % (*record.args[:-1], advice)
    return record.getMessage()


@contextmanager
def notices(bars: Bars) -> Generator[None, None, None]:
    """Show the library's warnings on standard error, above the bars, for the ``with`` block."""
    handler = _Notices(bars)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
