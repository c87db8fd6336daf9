"""What people and machines are told: results on standard output, all else on standard error.

Names of files and texts of servers are shown with their control characters escaped: they must not
reach the terminal, nor break a line in two.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TextIO

from rich.filesize import decimal

from twelvelabs_async.cli.outcomes import INTERRUPTED, Arrived, Failed, Outcome

MILLISECONDS = 3
LABEL = 8
"""Characters of a name in a block, at least."""

STANDARD_ERROR = 2


class OutputGoneError(Exception):
    """Nobody can be told: the pipe is closed, or the disk is full."""


def plain(text: str) -> str:
    """Return ``text`` with every character that does not print escaped, as Python would."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def tell(text: str) -> None:
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


def tell_error(text: str) -> None:
    """Write one line to standard error, if there is anybody to read it."""
    with suppress(OutputGoneError):
        _write(plain(text), sys.stderr)


def tell_end(text: str) -> None:
    """Write one line to standard error, over the ``^C`` that a terminal may have echoed."""
    with suppress(OutputGoneError):
        _write(("\r" if os.isatty(STANDARD_ERROR) else "") + plain(text), sys.stderr)


def tell_json(value: object) -> None:
    """Write one line of JSON, in ASCII, to standard output; raises as ``tell`` does."""
    tell(json.dumps(value))


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


def tell_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Tell what became of a file; raises as ``tell`` does."""
    if isinstance(outcome, Failed) and outcome.exit_code != INTERRUPTED:
        tell_error(f"error: {outcome.error}")
    if as_json:
        tell_json(_arrived_json(outcome) if isinstance(outcome, Arrived) else _failed_json(outcome))
    elif isinstance(outcome, Arrived):
        tell(_block(outcome))


def _arrived_json(arrived: Arrived) -> dict[str, object]:
    result = arrived.result
    told: dict[str, object] = {
        "path": arrived.path,
        "asset_id": result.asset_id,
        "asset_url": result.asset_url,
        "upload_id": result.upload_id,
        "total_size": result.total_size,
        "total_chunks": result.total_chunks,
        "seconds": round(arrived.seconds, MILLISECONDS),
    }
    checked = arrived.sha256 is not None
    return {**told, "sha256": arrived.sha256, "verified": True} if checked else told


def _failed_json(failed: Failed) -> dict[str, object]:
    return {"path": failed.path, "error": failed.error, "upload_id": failed.upload_id}


def _block(arrived: Arrived) -> str:
    result = arrived.result
    rows = [("asset", result.asset_id), ("URL", result.asset_url), ("sent", _sent(arrived))]
    if arrived.sha256 is not None:
        rows.append(("SHA-256", arrived.sha256))
        rows.append(("checked", "equal: the URL serves the file byte for byte"))
    return block(arrived.path, rows)


def _sent(arrived: Arrived) -> str:
    size, chunks = arrived.result.total_size, arrived.result.total_chunks
    rate = decimal(round(size / max(arrived.seconds, 10**-MILLISECONDS)))
    pieces = "1 chunk" if chunks == 1 else f"{chunks:,} chunks"
    return f"{decimal(size)} in {pieces}, {arrived.seconds:.2f} s, {rate}/s"


def tell_interruption(outcomes: Sequence[Outcome], *, emulated: bool) -> None:
    """Say how far the command came, and what it leaves behind: each session on its own line."""
    arrived = sum(isinstance(outcome, Arrived) for outcome in outcomes)
    files = "file" if len(outcomes) == 1 else "files"
    tell_end(f"interrupted: {arrived} of {len(outcomes)} {files} arrived")
    if emulated:
        tell_error("the emulator is gone, with all it had")
        return
    left = [each for each in outcomes if isinstance(each, Failed) and each.upload_id]
    if not left:
        tell_error("no upload session is known to be left on the platform")
        return
    sessions = "1 upload session is" if len(left) == 1 else f"{len(left)} upload sessions are"
    tell_error(f"{sessions} left on the platform, for 24 hours at most:")
    for each in left:
        tell_error(f"  {each.path}  {each.upload_id}")


def tell_emulated(*, as_json: bool) -> None:
    """Say that no platform was involved; raises as ``tell`` does."""
    text = "This was the embedded emulator: nothing left this machine, and its URLs are gone now."
    if as_json:
        tell_error(text)
    else:
        tell(text)
