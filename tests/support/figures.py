"""Count what makes a package hard to enter, in any checkout of it.

    python tests/support/figures.py [--names] [CHECKOUT]

It needs nothing but Python, so that it also counts in checkouts of old commits:
``git worktree add ../before e54635f && python tests/support/figures.py ../before``.
A room is a folder of the package, or a module beside the folders.
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "twelvelabs_async"
MOST_FUNCTION_LINES = 30
MOST_FIELDS = 10
MOST_FILE_LINES = 300
OPTIONS = ("batch_size", "enable_hls")
RIDDLES = re.compile(r"(?<![a-z])(tell|tells|telling|told)(?![a-z])", re.IGNORECASE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def figures(checkout: Path) -> dict[str, list[str]]:
    """Return what was found, by figure; the figure is how many there are."""
    root = checkout / PACKAGE
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    crossing = sorted(_crossing(root, trees))
    nodes = [(path, each) for path, tree in trees.items() for each in ast.walk(tree)]
    functions = [(path, each) for path, each in nodes if isinstance(each, Function)]
    classes = [(path, each) for path, each in nodes if isinstance(each, ast.ClassDef)]
    return {
        "modules in the package's root": [path.name for path in texts if path.parent == root],
        "imports that cross rooms": [f"{module} imports {other}" for module, other in crossing],
        "pairs of rooms, one of which imports the other": sorted(
            {f"{_room(module)} imports {_room(other)}" for module, other in crossing}
        ),
        **{
            f"lines with the word {word}": _lines(root, texts, re.compile(rf"\b{word}\b"))
            for word in OPTIONS
        },
        f"functions over {MOST_FUNCTION_LINES} lines": [
            f"{_at(root, path, each)} {each.name}"
            for path, each in functions
            if _length(each) > MOST_FUNCTION_LINES
        ],
        "the same without their docstrings": [
            f"{_at(root, path, each)} {each.name}"
            for path, each in functions
            if _length(each) - _docstring_length(each) > MOST_FUNCTION_LINES
        ],
        f"classes over {MOST_FIELDS} fields": [
            f"{_at(root, path, each)} {each.name}: {len(_fields(each))}"
            for path, each in classes
            if len(_fields(each)) > MOST_FIELDS
        ],
        f"files over {MOST_FILE_LINES} lines": [
            f"{path.relative_to(root)}: {text.count(chr(10))}"
            for path, text in texts.items()
            if text.count("\n") > MOST_FILE_LINES
        ],
        "words tell and told": [
            f"{path.relative_to(root)}:{number}: {line.strip()}"
            for path, text in texts.items()
            for number, line in enumerate(text.splitlines(), 1)
            for _ in RIDDLES.findall(line)
        ],
    }


def _crossing(root: Path, trees: dict[Path, ast.Module]) -> Iterator[tuple[str, str]]:
    """Yield each pair of modules, of two rooms, the first of which imports the second."""
    known = {_module(root, path) for path in trees}
    for path, tree in trees.items():
        module = _module(root, path)
        for imported in {_known(name, known) for name in _imports(tree)}:
            if imported and _room(imported) != _room(module):
                yield module, imported


def _module(root: Path, path: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of all of our own that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] == PACKAGE)


def _known(name: str, modules: set[str]) -> str:
    """Return the module that a full name stands in, or is."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _at(root: Path, path: Path, node: Function | ast.ClassDef) -> str:
    return f"{path.relative_to(root)}:{node.lineno}"


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_length(node: Function) -> int:
    return _length(node.body[0]) if ast.get_docstring(node) is not None else 0


def _fields(node: ast.ClassDef) -> set[str]:
    """Return the names of what each object of a class holds: annotated, or set by ``__init__``."""
    annotated = {
        each.target.id
        for each in node.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and "ClassVar" not in ast.unparse(each.annotation)
    }
    made = [each for each in node.body if isinstance(each, Function) and each.name == "__init__"]
    stored = (each for one in made for each in ast.walk(one) if isinstance(each, ast.Attribute))
    return annotated | {
        each.attr
        for each in stored
        if isinstance(each.ctx, ast.Store) and ast.unparse(each.value) == "self"
    }


def _lines(root: Path, texts: dict[Path, str], word: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(root)}:{number}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if word.search(line)
    ]


def main() -> None:
    """Print the figures of one checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", nargs="?", type=Path, default=Path())
    parser.add_argument("--names", action="store_true", help="print what was counted, too")
    chosen = parser.parse_args()
    for figure, found in figures(chosen.checkout).items():
        print(f"{len(found):5}  {figure}")  # noqa: T201 - what it is for
        if chosen.names:
            print("".join(f"         {each}\n" for each in found), end="")  # noqa: T201


if __name__ == "__main__":
    main()
