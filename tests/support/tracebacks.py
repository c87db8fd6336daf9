"""What tools that render tracebacks with local variables would show of an exception.

All of the client's side is looked at: frames of the package, of aiohttp, of asyncio. Frames of
tests and of the emulator are not: they hold every secret, and are the other side.
"""

import dataclasses
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType, MethodType
from typing import Any, cast

import attrs
from rich.traceback import Traceback

import twelvelabs_async
from support.files import TESTS

EMULATOR = str(Path(twelvelabs_async.__file__).parent / "emulator")

DEEPEST = 8
"""How many objects inside each other are looked into."""

MOST_BYTES = 100_000
"""Of bytes, how many are looked at: what is longer is the content of a file."""


def linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it is chained to, members of groups among them."""
    seen = set[int]()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [link.__cause__, link.__context__]
            if isinstance(link, BaseExceptionGroup):
                waiting += cast("BaseExceptionGroup[BaseException]", link).exceptions


def is_other_side(filename: str) -> bool:
    """Whether a frame of this file may hold secrets."""
    return filename.startswith((str(TESTS), EMULATOR))


def frames(error: BaseException) -> Iterator[FrameType]:
    """Yield each frame of the client's side in an exception and in what it is chained to."""
    for link in linked(error):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if not is_other_side(frame.f_code.co_filename):
                yield frame


def as_the_library_shows(error: BaseException) -> Iterator[str]:
    """Yield the locals that ``traceback`` shows, which is as pytest and error trackers do."""
    for link in linked(error):
        shown = traceback.TracebackException.from_exception(link, capture_locals=True)
        for entry in shown.stack:
            if not is_other_side(entry.filename):
                for name, value in (entry.locals or {}).items():
                    yield f"{entry.filename}:{entry.lineno} {name} = {value}"


def as_rich_shows(error: BaseException) -> Iterator[str]:
    """Yield the locals that ``rich`` shows; it looks into attrs objects, mappings and lists."""
    trace = Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=1_000,
        locals_max_string=10_000,
    )
    for stack in trace.stacks:
        for frame in stack.frames:
            if not is_other_side(frame.filename):
                for name, node in (frame.locals or {}).items():
                    yield f"{frame.filename}:{frame.lineno} {name} = {node}"


def as_deep_as_it_goes(error: BaseException) -> Iterator[str]:
    """Yield the locals, and what is inside them, bytes and arguments of partials included."""
    seen = dict[int, object]()
    for frame in frames(error):
        where = f"{frame.f_code.co_filename}:{frame.f_code.co_name}"
        for name, value in frame.f_locals.items():
            for text in inside(value, seen):
                yield f"{where} {name}: {text}"


def inside(value: object, seen: dict[int, object], depth: int = 0) -> Iterator[str]:
    """Yield what an object shows, and what its parts show, as long as it does not hide them."""
    if id(value) in seen:
        return
    seen[id(value)] = value
    with suppress(Exception):  # not made whole, or a test's own that fails at every look
        if isinstance(value, bytes | bytearray | memoryview):
            some = bytes(cast("bytes", value)[:MOST_BYTES])
            yield from (repr(some), some.decode("latin-1"))
            return
        yield repr(value)
        if depth < DEEPEST:
            for part in parts(value):
                yield from inside(part, seen, depth + 1)


def parts(value: Any) -> Iterator[object]:
    """Yield the parts of an object that it does not hide."""
    if isinstance(value, str | type):
        return
    if attrs.has(value.__class__):
        yield from _shown(value, attrs.fields(value.__class__))
    elif dataclasses.is_dataclass(value):
        yield from _shown(value, dataclasses.fields(value))
    elif isinstance(value, Mapping):
        yield from cast("Mapping[object, object]", value).items()
    elif isinstance(value, Collection):
        with suppress(ValueError):  # a view of memory that was given back
            yield from cast("Collection[object]", value)
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, MethodType):
        yield value.__self__


def _shown(value: object, fields: Collection[Any]) -> Iterator[object]:
    for field in fields:
        if callable(field.repr):
            yield from (field.repr(each) for each in _got(value, field.name))
        elif field.repr:
            yield from _got(value, field.name)


def _got(value: object, name: str) -> Iterator[object]:
    with suppress(AttributeError):  # not made whole
        yield getattr(value, name)


RENDERERS: tuple[Callable[[BaseException], Iterator[str]], ...] = (
    as_the_library_shows,
    as_rich_shows,
    as_deep_as_it_goes,
)
