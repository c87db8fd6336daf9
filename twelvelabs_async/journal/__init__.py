"""Where uploads are recorded, so that they can be resumed after a crash.

``FileJournal`` and ``check_journal`` are imported when they are first asked for, so that a client
without a journal in files does not pay for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from twelvelabs_async.journal.memory import MemoryJournal
from twelvelabs_async.journal.protocol import Journal

if TYPE_CHECKING:
    from twelvelabs_async.journal.conformance import check_journal
    from twelvelabs_async.journal.files import FileJournal

__all__ = ["FileJournal", "Journal", "MemoryJournal", "check_journal"]

_LAZY = {"FileJournal": "files", "check_journal": "conformance"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for."""
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
