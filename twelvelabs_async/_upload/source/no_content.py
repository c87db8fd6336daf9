"""The refusal of what has no bytes, with the way to make something of it that has some."""

import inspect
from array import array
from collections.abc import Iterable, Mapping

from twelvelabs_async.errors import InvalidArgumentError


def no_content(file: object, kind: str) -> InvalidArgumentError:
    """Return the error of an object that cannot be uploaded.

    Args:
        file: The object.
        kind: What to call it to a person.
    """
    problem = (
        "file must be a path, bytes, an open binary file, an iterator of bytes, sync or async, a "
        f"RangeSource, or a tuple (name, content, content_type), not {kind}"
    )
    error = InvalidArgumentError(problem)
    if inspect.isgeneratorfunction(file) or inspect.isasyncgenfunction(file):
        name = getattr(file, "__name__", None)  # a partial has none
        return error.advised(f"call it: {name}()" if name else "call it")
    if isinstance(file, array):
        return error.advised("pass memoryview(...) of it")
    if isinstance(file, Iterable) and not isinstance(file, Mapping | type):
        return error.advised("if it has bytes in pieces, pass iter(...) of it")
    return error
