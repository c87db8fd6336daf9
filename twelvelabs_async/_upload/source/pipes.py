"""Pipes, and other files that cannot be sought in: read so that a cancelled upload loses no byte.

A read of a silent pipe cannot be interrupted. So, where the pipe has a descriptor that the event
loop can watch, a read begins only when there is something to read; a wait for it is cancelled
without a trace. Any other object, such as a decompressor, is read in a thread, which is left behind
when the upload is cancelled. There is never more than one of them for an object: what it reads is
the first that the next upload of the same object gets.
"""

import asyncio
import inspect
import io
import os
import selectors
import socket
import weakref
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import IO, Any, Protocol, cast

from attrs import define

from twelvelabs_async._core.new_thread import NoThreadError, can_start
from twelvelabs_async._upload.source.foreign import bytes_read, caller_code, discard

READ = 2**20
"""Bytes that are asked for at once."""


class _Watch(Protocol):
    """A selector that has a descriptor of its own, as those of Linux, BSD and macOS have."""

    def fileno(self) -> int: ...

    def close(self) -> None: ...


_NOTHING = object()
"""What a look into a buffer finds that is empty; no bytes would mean the end of the pipe."""

_left = dict[int, tuple[object, Future[object]]]()
"""Reads that cancelled uploads have left behind, by the ``id`` of the object that they read.

The first value keeps the object alive, or is a weak reference that removes the entry with it.
"""


def has_read_under_way(pipe: object) -> bool:
    """Whether a cancelled upload has left a read behind, whose bytes nobody has got so far."""
    return id(pipe) in _left


def take_read_under_way(pipe: object) -> Future[object] | None:
    """Return the read that a cancelled upload has left behind, and leave it to the caller."""
    return _left.pop(id(pipe), (None, None))[1]


async def pipe_pieces(name: str, pipe: IO[bytes], owner: object = None) -> AsyncGenerator[bytes]:
    """Yield what a pipe gives, from what an earlier upload of it has left on.

    Args:
        name: What to call it to a person.
        pipe: What is read.
        owner: The caller's object, where ``pipe`` is one of ours; None: it is the caller's.

    Raises:
        SourceError: It cannot be read.
    """
    owner = pipe if owner is None else owner
    reads = _Reads(take_read_under_way(owner))
    watch = _watch(pipe)
    look = watch is not None and type(pipe) is io.BufferedReader
    try:
        while True:
            if reads.under_way is not None:
                read = partial(_read, pipe)
            elif look:
                look, read = False, partial(_take_buffered, cast("io.BufferedReader", pipe))
            elif watch is not None:
                await _readable(watch.fileno())
                read = partial(_read_some, pipe)
            else:
                read = partial(_read, pipe)
            with caller_code(f"cannot read {name}"):
                piece = await reads.take(partial(_guarded, name, read))
                piece = await piece if inspect.isawaitable(piece) else piece
            if piece is _NOTHING:
                continue
            if not (data := bytes_read(name, piece)):
                return
            yield data
    finally:
        if watch is not None:
            watch.close()
        if reads.under_way is not None:
            _leave(owner, reads.under_way)


def _guarded(name: str, read: Callable[[], object]) -> object:
    with caller_code(f"cannot read {name}"):
        return read()


def _read(pipe: IO[bytes]) -> object:
    return pipe.read(READ)


def _read_some(pipe: Any) -> object:
    """Read what is there; ``read`` of a buffered file would wait for as much as was asked for."""
    return pipe.read1(READ) if isinstance(pipe, io.BufferedReader) else pipe.read(READ)


def _take_buffered(pipe: io.BufferedReader) -> object:
    """Return what a file has read ahead, which its descriptor does not show.

    Only ``peek`` shows it, and it reads where there is nothing; so its descriptor is made to have
    nothing meanwhile, as one that does not block. In a thread, as the file may be locked.
    """
    raw: Any = pipe.raw
    raw.readinto = _no_bytes
    try:
        held = len(pipe.peek(1))
    finally:
        del raw.readinto
    return pipe.read1(held) if held else _NOTHING


def _no_bytes(_: object) -> None:
    """Read nothing, as of a descriptor that does not block."""


def _watch(pipe: IO[bytes]) -> _Watch | None:
    """Return a selector that shows when a read of the pipe will not wait; None: there is none.

    The event loop watches this instead of the pipe: uvloop would make the pipe non-blocking, for
    whoever shares it, and asyncio knows one watcher of a descriptor, which may be the caller.

    Only of Python's own files is it known that they read what the descriptor has, and no more.
    """
    raw: object = pipe.raw if type(pipe) is io.BufferedReader else pipe
    with suppress(Exception):  # of some devices, and of some systems, nothing says so
        if _is_plain(raw):
            selector: Any = selectors.DefaultSelector()
            try:
                selector.fileno()
                selector.register(raw, selectors.EVENT_READ)
            except BaseException:
                selector.close()
                raise
            return cast("_Watch", selector)
    return None


def _is_plain(raw: object) -> bool:
    """Whether reads of a file wait for its descriptor only, and without a bound."""
    if type(raw) is socket.SocketIO:
        connection: object = getattr(raw, "_sock", None)
        return type(connection) is socket.socket and connection.gettimeout() is None
    return type(raw) is io.FileIO and os.get_blocking(raw.fileno())


async def _readable(descriptor: int) -> None:
    """Wait until a descriptor can be read."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


@define
class _Reads:
    """The reads of one pipe, one after the other, each in a thread of its own.

    Attributes:
        under_way: A read whose bytes nobody has got.
    """

    under_way: Future[object] | None

    async def take(self, read: Callable[[], object]) -> object:
        """Return what the read under way gives, or, if there is none, what ``read`` does.

        Cancelled, the read goes on, and is the one under way.
        """
        reading = self.under_way = self.under_way or begin_in_thread(read)
        try:
            piece = await asyncio.wrap_future(reading)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self.under_way = None
            raise
        self.under_way = None
        return piece


def begin_in_thread(read: Callable[[], object]) -> Future[object]:
    """Make a call in a thread of its own, and return the future of its result.

    Raises:
        NoThreadError: The system gives no thread.
    """
    reading = Future[object]()
    reading.set_running_or_notify_cancel()

    def run() -> None:
        try:
            reading.set_result(read())
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            reading.set_exception(error)

    if not can_start(run, "twelvelabs-async pipe"):
        raise NoThreadError
    return reading


def _leave(pipe: object, reading: Future[object]) -> None:
    """Keep a read for the next upload of the object, as long as there is the object."""
    key = id(pipe)

    def forget(_: object) -> None:
        _left.pop(key, None)
        reading.add_done_callback(_discard)

    keeper: object = pipe
    with suppress(TypeError):  # it knows no weak references
        keeper = weakref.ref(pipe, forget)
    _left[key] = (keeper, reading)


def _discard(reading: Future[object]) -> None:
    if reading.exception() is None:
        discard(reading.result())
