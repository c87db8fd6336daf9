"""The border around objects of the caller's: whatever they raise leaves as an error of ours.

An open file may be anything that has ``read``: a member of an archive, a body of a web framework, a
proxy. Each of its methods and properties is code of somebody else's, and may raise anything.
"""

import asyncio
import inspect
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from twelvelabs_async.errors import SourceError, TwelveLabsError


@contextmanager
def caller_code(what: str, refusal: type[TwelveLabsError] = SourceError) -> Generator[None]:
    """Run code of the caller's in the ``with`` block, on the event loop or in a thread.

    In a thread, this must be entered in that thread: no future can carry a ``StopIteration``.

    Args:
        what: What has failed if it raises, such as ``cannot read clip.mp4``.
        refusal: The error to raise then.

    Raises:
        TwelveLabsError: ``refusal``, with what the code raised as its cause.
        asyncio.CancelledError: This task was cancelled; one that the code raised by itself, or
            raised in a thread, is a failure like any other.
    """
    try:
        yield
    except (TwelveLabsError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise refusal(f"{what}: it was cancelled from within") from error
    except BaseException as error:  # a framework's timeout may be no Exception
        raise refusal(f"{what}: {_words(error)}") from error


def _is_cancelled() -> bool:
    """Whether somebody has cancelled the task that runs here."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # a thread without an event loop
        return False
    return task is not None and task.cancelling() > 0


def _words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the exception is the caller's, too
        text = ""
    kind = type(error).__name__
    if isinstance(error, OSError):
        return text or kind
    return f"{kind}: {text}" if text else kind


def open_as_text(name: str) -> SourceError:
    """Return the error of a file that gives text."""
    return SourceError(f"{name} is open as text; open it with 'rb'")


def as_bytes(name: str, piece: object) -> bytes:
    """Return a piece that may be a buffer as bytes, since the caller may use a buffer again.

    Raises:
        SourceError: It is neither.
    """
    if not isinstance(piece, bytes | bytearray | memoryview):
        discard(piece)
        raise SourceError(f"{name} gives {type(piece).__name__}, not bytes")
    with caller_code(f"cannot read {name}"):
        return bytes(cast("bytes", piece))


def bytes_read(name: str, piece: object) -> bytes:
    """Return what a ``read`` has given as bytes.

    Raises:
        SourceError: It is not bytes.
    """
    if piece is None:
        raise SourceError(f"{name} does not wait for its bytes: make it blocking")
    if isinstance(piece, str):
        raise open_as_text(name)
    return as_bytes(name, piece)


def discard(outcome: object) -> None:
    """Let go of an outcome that nobody will await, without Python's warning about it."""
    if inspect.iscoroutine(outcome):
        outcome.close()
