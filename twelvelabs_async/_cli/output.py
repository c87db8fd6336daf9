"""The output for people and machines: results on standard output, all else on standard error.

Names of files and texts of servers are shown with their control characters escaped: they must not
reach the terminal, nor break a line in two.
"""

import json
import os
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

LABEL = 8
"""Characters of a name in a block, at least."""

STANDARD_ERROR = 2

_PRINTABLE = frozenset(range(ord(" "), ord("~") + 1)) - frozenset(b"'\\")
"""The bytes that stand for themselves between ``$'`` and ``'``."""


class OutputGoneError(Exception):
    """The output cannot be written: the pipe is closed, or the disk is full."""


def plain(text: str) -> str:
    """Return ``text`` with every character that does not print escaped, as Python would."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def command_line(words: Iterable[str]) -> str:
    """Return a command of ours that can be pasted into a shell, even after ``plain``."""
    quoted = (shlex.quote(word) if word.isprintable() else _escaped(word) for word in words)
    return " ".join(["twelvelabs-async", *quoted])


def _escaped(word: str) -> str:
    """Return a word with control characters, or bytes that are no letters, as ``$'...'``."""
    letters = (chr(byte) if byte in _PRINTABLE else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{''.join(letters)}'"


def print_text(text: str) -> None:
    """Write lines to standard output, at once.

    Raises:
        OutputGoneError: They cannot be written.
    """
    _write(text, sys.stdout)


def block(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return lines: a title, and below it what is known of it, each with its name."""
    lines = [(plain(name), plain(value)) for name, value in rows]
    width = max([LABEL, *(len(name) for name, _ in lines)])
    return "\n".join([plain(title), *(f"  {name:<{width}} {value}" for name, value in lines)])


def print_error(text: str) -> None:
    """Write one line to standard error, if there is anybody to read it."""
    with suppress(OutputGoneError):
        _write(plain(text), sys.stderr)


def print_end(text: str) -> None:
    """Write one line to standard error, over the ``^C`` that a terminal may have echoed."""
    with suppress(OutputGoneError):
        _write(("\r" if os.isatty(STANDARD_ERROR) else "") + plain(text), sys.stderr)


def print_json(value: object) -> None:
    """Write one line of JSON, in ASCII, to standard output; raises as ``print_text`` does."""
    print_text(json.dumps(value))


def never_fail_on_letters() -> None:
    """Let standard output escape letters that its encoding lacks, as standard error does."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # else it was replaced, or is closed
        reconfigure(errors="backslashreplace")


def _write(text: str, stream: TextIO | None) -> None:
    if stream is None:  # it was closed before we began
        raise OutputGoneError("it is closed")
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        _silence(stream)
        raise OutputGoneError(error.strerror or type(error).__name__) from error


def _silence(stream: TextIO) -> None:
    """Give what is still buffered a way to go, or the interpreter's end would fail as well."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
