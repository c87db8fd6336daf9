"""The rooms of the package, in the order in which they may know each other, and their imports.

Imports are read off the source, without running anything.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from support import files

PACKAGE = "twelvelabs_async"
ROOT = files.ROOT / PACKAGE

ORDER = [
    "errors",
    "_core",
    "models",
    "_http",
    "journal",
    "_upload.plan",
    "_upload.source",
    "_upload.resume",
    "_upload.send",
    "_upload",
    "resources",
    "client",
    "emulator",
    "testing",
    "",  # the public names
    "pytest_plugin",
    "_cli",
    "__main__",
]
"""The rooms: a module imports only from its own and from those that stand above it."""


def paths() -> list[Path]:
    """Return every module of the package."""
    return sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's name below the package, as ``_upload.plan``; empty: the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path): path for path in paths()}


def tree(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Yield the absolute name of everything that a module imports, wherever it stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            for alias in node.names:
                yield f"{module}.{alias.name}"


def ours(path: Path) -> set[str]:
    """Return the names of our own modules that a module imports."""
    found: set[str] = set()
    for imported in imports(path):
        if imported.partition(".")[0] == PACKAGE:
            name = imported.removeprefix(PACKAGE).removeprefix(".")
            while name not in NAMES:  # what is imported is a name in that module
                name = name.rpartition(".")[0]
            found.add(name)
    return found


def room(name: str) -> str:
    """Return the entry of ``ORDER`` that a module belongs to."""
    while name not in ORDER:
        name = name.rpartition(".")[0]
    return name
