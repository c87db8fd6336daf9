"""Describe everything that users can import, a line for each name, alike on every CPython.

A name is described where it is defined, if users can import it from there, or else where they find
it first; in every other place its line says where to look. A class is described with what it
inherits from classes that users cannot import.
"""

import ast
import enum
import inspect
import pkgutil
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from functools import cache, cached_property
from importlib import import_module
from typing import Any, cast

import attrs
from attrs import define

PACKAGE = "twelvelabs_async"
MODULES = (PACKAGE, *(f"{PACKAGE}.{name}" for name in ("errors", "journal", "emulator", "testing")))
"""Modules that are described, beside those of ``FOLDERS``."""
FOLDERS = ("models", "journal")
"""Rooms each of whose modules is described, unless its name begins with an underscore."""

SPECIAL = {
    "__aenter__", "__aexit__", "__aiter__", "__anext__", "__await__", "__call__", "__contains__",
    "__enter__", "__exit__", "__getitem__", "__iter__", "__len__",
}  # fmt: skip
"""Methods with underscores that users call, by syntax."""
OWN = {"self", "cls"}
MADE_BY_A_CLIENT = f"{PACKAGE}.resources."
"""Where classes are defined that users name and never construct."""


def describe() -> str:
    """Return the description of the whole public API."""
    sections = [f"[{name}]\n{''.join(_section(name))}" for name in _modules()]
    return "\n".join(sections)


def classes(room: str) -> set[str]:
    """Return the names of the public classes in the modules whose names begin with ``room``."""
    modules = [each for each in _modules() if each.startswith(f"{PACKAGE}.{room}")]
    pairs = [(import_module(module), name) for module in modules for name in _names(module)]
    return {name for module, name in pairs if isinstance(getattr(module, name), type)}


def _modules() -> list[str]:
    """Return the names of the modules that users import from."""
    found = list(MODULES)
    for folder in FOLDERS:
        package = import_module(f"{PACKAGE}.{folder}")
        found += [
            f"{package.__name__}.{each.name}" for each in pkgutil.iter_modules(package.__path__)
        ]
    return [name for name in found if "._" not in name]


def _names(module: str) -> list[str]:
    """Return the public names of a module: ``__all__``, or what it defines."""
    loaded = import_module(module)
    if hasattr(loaded, "__all__"):
        return sorted(loaded.__all__)
    names = sorted(name for name in _defined(loaded) if not name.startswith("_"))
    return [name for name in names if not isinstance(getattr(loaded, name), typing.TypeVar)]


def _defined(module: types.ModuleType) -> Iterator[str]:
    """Yield the names that a module defines, or imports "as" themselves to hand them on."""
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.ClassDef(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                yield name
            case ast.AnnAssign(target=ast.Name(name)):
                yield name
            case ast.ImportFrom(names=imported):
                yield from (each.name for each in imported if each.asname == each.name)
            case ast.Assign(targets=targets):
                yield from (each.id for each in targets if isinstance(each, ast.Name))
            case _:
                pass


def _homes() -> dict[int, str]:
    """Return where each class and function is described, by its identity."""
    paths: dict[int, list[str]] = {}
    for module in _modules():
        for name in _names(module):
            value = getattr(import_module(module), name)
            if isinstance(value, type | types.FunctionType):
                paths.setdefault(id(value), []).append(f"{module}.{name}")
    homes = dict[int, str]()
    for module in _modules():
        for name in _names(module):
            value = getattr(import_module(module), name)
            if id(value) in paths:
                own = f"{value.__module__}.{value.__qualname__}"
                known = paths[id(value)]
                homes[id(value)] = own if own in known else known[0]
    return homes


def _section(module: str) -> Iterator[str]:
    """Yield the lines of one module."""
    homes = _homes()
    loaded = import_module(module)
    for name in _names(module):
        value = getattr(loaded, name)
        home = homes.get(id(value), f"{module}.{name}")
        if home != f"{module}.{name}":
            yield f"{name} -> {home.removeprefix(f'{PACKAGE}.')}\n"
        elif isinstance(value, type) and not isinstance(value, types.GenericAlias):
            yield from (f"{line}\n" for line in _Class(name, value, homes).lines())
        elif isinstance(value, types.FunctionType):
            yield f"{name}: {function(value)}\n"
        else:
            yield f"{name}: {_constant(loaded, name, value)}\n"


SHOWN = (int, float, str, bytes, frozenset, tuple)
"""Types of constants whose values are shown, unless they are long."""
LONGEST_CONSTANT = 60


def _constant(module: types.ModuleType, name: str, value: object) -> str:
    """Describe a value that is no class and no function: a type's other name, or a constant."""
    if typing.get_origin(value) is not None or isinstance(value, types.UnionType):
        return f"type = {_spelt_out(value)}"
    kind = annotation(inspect.get_annotations(module).get(name, type(value)))
    text = repr(value)
    if len(text) >= LONGEST_CONSTANT or name == "__version__":
        text = "..."
    return f"{kind} = {text}" if name.startswith("__") or isinstance(value, SHOWN) else kind


@define
class _Class:
    """A class that users can import."""

    name: str
    cls: type[object]
    homes: dict[int, str]

    def lines(self) -> list[str]:
        """Return a line for the class, one for its constructor, and one for each member."""
        bases = [base.__name__ for base in self.cls.__bases__ if self._is_known(base)]
        head = f"{self.name}: class({', '.join(bases)})"
        return [head, *self._constructor(), *sorted(self._members())]

    def _is_known(self, base: type) -> bool:
        ours = base.__module__.startswith(PACKAGE)
        return base is not object and (not ours or id(base) in self.homes)

    def _hidden(self) -> list[type]:
        """Return the class, and those of its bases that users cannot import, base first."""
        own = [base for base in self.cls.__mro__ if base.__module__.startswith(PACKAGE)]
        return [base for base in reversed(own) if base is self.cls or id(base) not in self.homes]

    def _constructor(self) -> Iterator[str]:
        if issubclass(self.cls, enum.Enum) or getattr(self.cls, "_is_protocol", False):
            return
        if typing.is_typeddict(self.cls) or self.cls.__module__.startswith(MADE_BY_A_CLIENT):
            return
        owner = next(base for base in self.cls.__mro__ if "__init__" in vars(base))
        if owner.__module__.startswith(PACKAGE) and owner in self._hidden():
            yield f"{self.name}.__init__: {function(vars(owner)['__init__'])}"

    def _members(self) -> list[str]:
        found = dict[str, str]()
        for base in self._hidden():
            fields = _fields(base)
            for name, kind in inspect.get_annotations(base).items():
                found[name] = fields.get(name, annotation(kind))
            found.update(dict.fromkeys(_assigned(base) - found.keys(), "attribute"))
            for name, value in vars(base).items():
                if described := _member(base, value):
                    found[name] = described
        public = ((n, d) for n, d in found.items() if not n.startswith("_") or n in SPECIAL)
        return [f"{self.name}.{name}: {described}" for name, described in public]


def _fields(cls: type) -> dict[str, str]:
    """Return the descriptions of a class's fields, by name, if it has any of attrs'."""
    if not attrs.has(cls):
        return {}
    return {
        each.name: annotation(each.type) + ("" if each.default is attrs.NOTHING else " = ...")
        for each in attrs.fields(cls)
    }


def _assigned(cls: type) -> set[str]:
    """Return the names of the attributes that a written constructor sets."""
    made = vars(cls).get("__init__")
    if not isinstance(made, types.FunctionType) or not _is_written(made):
        return set()
    nodes = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(made))))
    stored = [n for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    return {node.attr for node in stored if ast.unparse(node.value) == "self"}


def _member(cls: type, value: object) -> str:
    """Describe what stands in a class under a name; empty: a field, or nothing of a user's."""
    match value:
        case enum.Enum() if isinstance(value, cls):
            return repr(value.value)
        case property():
            return f"property -> {_returns(value.fget)}"
        case cached_property():
            return f"property -> {_returns(value.func)}"
        case staticmethod() | classmethod():
            kind = "static" if isinstance(value, staticmethod) else "class"
            return f"{kind} {function(cast('Any', value).__func__)}"
        case types.FunctionType() if _is_written(value):
            return function(value)
        case _:
            return ""


def _is_written(method: types.FunctionType) -> bool:
    """Whether a method stands in our source: attrs generates others."""
    return PACKAGE in inspect.unwrap(method).__code__.co_filename


def _returns(getter: Any) -> str:
    return annotation(inspect.signature(getter).return_annotation)


def function(value: Any) -> str:
    """Describe a function or a method: its parameters, their defaults, and what it returns."""
    signature = inspect.signature(value)
    parts, star = list[str](), False
    parameters = [each for each in signature.parameters.values() if each.name not in OWN]
    for number, each in enumerate(parameters):
        if each.kind is each.VAR_POSITIONAL:
            star = True
        if each.kind is each.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        parts.append(_parameter(each))
        following = parameters[number + 1].kind if number + 1 < len(parameters) else None
        if each.kind is each.POSITIONAL_ONLY and following is not each.POSITIONAL_ONLY:
            parts.append("/")
    start = "async " if inspect.iscoroutinefunction(value) else ""
    if signature.return_annotation is signature.empty:
        return f"{start}({', '.join(parts)})"
    return f"{start}({', '.join(parts)}) -> {annotation(signature.return_annotation)}"


def _parameter(parameter: inspect.Parameter) -> str:
    text = parameter.name
    if parameter.kind is parameter.VAR_POSITIONAL:
        text = f"*{text}"
    if parameter.kind is parameter.VAR_KEYWORD:
        text = f"**{text}"
    if parameter.annotation is not parameter.empty:
        text += f": {annotation(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        text += f" = {_default(parameter.default)}"
    return text


def _default(value: object) -> str:
    """Return a default's text; a value that attrs makes anew, and an address, are three dots."""
    if value is attrs.NOTHING:
        return "..."
    if value == sys.platform:
        return "sys.platform"
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
        return value.__name__
    text = repr(value)
    return "..." if " at 0x" in text else text


@cache
def _aliases() -> list[tuple[str, Any]]:
    """Return the types that users know by another name, those of most alternatives first."""
    package = import_module(PACKAGE)
    found = [(name, getattr(package, name)) for name in _names(PACKAGE)]
    named = [(name, value) for name, value in found if typing.get_args(value)]
    return sorted(named, key=lambda pair: -len(typing.get_args(pair[1])))


def annotation(value: Any) -> str:
    """Return a type's text, without modules, the same on every CPython.

    A type that users know by another name is called by that, also as one alternative of several.
    """
    arguments = typing.get_args(value)
    for name, known in _aliases():
        if value == known:
            return name
        alternatives = typing.get_args(known)
        if _is_union(known) and _is_union(value) and set(alternatives) < set(arguments):
            others = [annotation(each) for each in arguments if each not in alternatives]
            return " | ".join([name, *others])
    return _spelt_out(value)


def _is_union(value: Any) -> bool:
    return typing.get_origin(value) in {typing.Union, types.UnionType}


def _spelt_out(value: Any) -> str:  # noqa: PLR0911 - one line for each form of a type
    arguments = typing.get_args(value)
    origin = typing.get_origin(value)
    if isinstance(value, str):
        return value
    if isinstance(value, typing.ForwardRef):
        return value.__forward_arg__
    if value is None or value is type(None):
        return "None"
    if value is ...:
        return "..."
    if isinstance(value, list):
        return f"[{', '.join(map(annotation, cast('list[object]', value)))}]"
    if _is_union(value):
        return " | ".join(map(annotation, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is typing.Annotated:
        return annotation(arguments[0])
    if origin is not None:
        name = _plain(origin)
        return f"{name}[{', '.join(map(annotation, arguments))}]" if arguments else name
    return _plain(value)


def _plain(value: Any) -> str:
    """Return the name of a type that takes no arguments here."""
    if isinstance(value, typing.TypeVar | typing.ParamSpec):
        return value.__name__
    return getattr(value, "__qualname__", None) or getattr(value, "_name", None) or repr(value)
