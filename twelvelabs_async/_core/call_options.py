"""The parameters of a call, written once: as the fields of a class.

A class of options holds, for each of them, the name, the type, the default, the check and the
documentation. A method that ``takes`` a class gets its signature and the ``Args`` section of its
docstring from it, and one checked, frozen value as its argument. Type checkers read the signature
from the class, through a ``ParamSpec``: nothing is spelt a second time for them either.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import attrs
from attrs import field

T = TypeVar("T")
P = ParamSpec("P")
C = TypeVar("C")
S = TypeVar("S")
R = TypeVar("R")

Check = Callable[[str, Any], object]
"""``(name, value)``; raises ``InvalidArgumentError`` where the value can never be right."""

DOC: Final = "doc"
_WIDTH = 100
_SECTIONS = ("Returns:", "Raises:")


def option(
    default: T,
    doc: str,
    check: Check | None = None,
    *,
    copy: Callable[[Any], object] | None = None,
) -> T:
    """Define an option: a field with a default, a documentation and perhaps a check.

    Args:
        default: Its value where the caller gives none.
        doc: What it means; goes into the ``Args`` section of every method that takes it.
        check: Refuses a value that can never be right; None: the type says everything, or
            ``copy`` does.
        copy: Returns what to keep of a value that the caller may change while the call goes on,
            checked. Its parameter is annotated with the option's type.
    """
    validate = None if check is None else _validator(check)
    made: T = field(
        default=default, validator=validate, converter=cast("Any", copy), metadata={DOC: doc}
    )
    return made


def documented(doc: str) -> dict[str, str]:
    """Return the ``metadata`` of an argument that has no default."""
    return {DOC: doc}


def _validator(check: Check) -> Callable[[Any, "attrs.Attribute[Any]", Any], None]:
    def validate(_: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        check(attribute.name, value)

    return validate


def names(call: type[Any]) -> list[str]:
    """Return the names of everything that a class of options holds, in the order of a call."""
    return list(inspect.signature(call).parameters)


def default_of(call: type[Any], name: str) -> Any:
    """Return the default of an option."""
    return getattr(attrs.fields(call), name).default


def takes(
    call: Callable[P, C],
) -> Callable[[Callable[[S, C], R]], Callable[Concatenate[S, P], R]]:
    """Let an ``async`` method be called with the fields of ``call``.

    Args:
        call: A class of options, which belongs to this method alone.
    """

    def decorate(method: Callable[[S, C], R]) -> Callable[Concatenate[S, P], R]:
        @wraps(method)
        async def taking(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            return await cast("Any", method(self, call(*args, **kwargs)))

        described: Any = taking
        described.__signature__ = signature = _signature(call, method)
        described.__annotations__ = {
            parameter.name: parameter.annotation
            for parameter in signature.parameters.values()
            if parameter.annotation is not inspect.Parameter.empty
        } | {"return": signature.return_annotation}
        described.__doc__ = _with_arguments(inspect.getdoc(method) or "", call)
        # Python's own errors name it: "upload() got an unexpected keyword argument".
        cast("Any", call).__init__.__qualname__ = method.__qualname__
        # R stands for the whole coroutine: with its result alone, mypy 2.4 loses the types of
        # "a, _ = await asyncio.gather(...)".
        return cast("Callable[Concatenate[S, P], R]", taking)

    return decorate


def _signature(call: Any, method: Any) -> inspect.Signature:
    own = next(iter(inspect.signature(method).parameters.values()))
    returned = inspect.signature(method).return_annotation
    return inspect.Signature(
        [own, *inspect.signature(call).parameters.values()], return_annotation=returned
    )


def _with_arguments(doc: str, call: Any) -> str:
    """Return a docstring with an ``Args`` section before the sections that follow it."""
    lines = doc.splitlines()
    at = next((i for i, line in enumerate(lines) if line in _SECTIONS), len(lines))
    return "\n".join([*lines[:at], "Args:", *_arguments(call), "", *lines[at:]])


def _arguments(call: Any) -> Iterator[str]:
    found = attrs.fields_dict(call)
    for name in names(call):
        yield from textwrap.wrap(
            f"{name}: {found[name].metadata[DOC]}",
            _WIDTH - 4,
            initial_indent="    ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
