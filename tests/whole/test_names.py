"""A name means one thing: no two classes share one, neither in the package nor in its tests."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from support.files import ROOT


@pytest.mark.parametrize("folders", [("twelvelabs_async",), ("tests", "benchmarks")], ids=str)
def test_every_class_has_a_name_of_its_own(folders: tuple[str, ...]) -> None:
    """Wherever it stands, so that it is found by its name, and never taken for another."""
    places = defaultdict[str, list[str]](list)
    for path in (each for folder in folders for each in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(_place(path, node))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def _place(path: Path, node: ast.ClassDef) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"
