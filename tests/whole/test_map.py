"""The map of the package, ``twelvelabs_async/README.md``, is true: strangers go by it alone."""

import re
from pathlib import Path

import pytest
from support.files import ROOT as CHECKOUT
from support.layers import NAMES, ROOT
from support.package_map import COMMAND, README, rewritten

PAGES = {
    README: ROOT,
    ROOT / "emulator" / "README.md": ROOT / "emulator",
    CHECKOUT / "tests" / "README.md": CHECKOUT / "tests",
    CHECKOUT / "benchmarks" / "README.md": CHECKOUT / "benchmarks",
}
"""Pages that name files, and the folder from which each names them."""

TOP = ("tests/", "benchmarks/", "twelvelabs_async/", "README.md", "CHANGELOG.md", "pyproject.toml")
"""What begins a path that is of the whole checkout, on whichever page it stands."""

NAMED = re.compile(r"`([\w./*-]+(?:/|\.(?:py|md|txt|toml|c|h|json))(?:::\w+)?)`")
"""A path in backticks: it ends in a slash, or in the name of a file, or in ``::`` and a test."""


def paths_on(page: Path) -> list[str]:
    """Return every path, and every test, that a page names."""
    return sorted(set(NAMED.findall(page.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """From the page's own folder, or from the checkout's; ``*`` stands for some."""
    assert paths_on(page)
    for named in paths_on(page):
        path, _, test = named.partition("::")
        folder = CHECKOUT if path.startswith(TOP) else PAGES[page]
        found = list(folder.glob(path.rstrip("/")))
        assert found, f"{page.name} names {path}, which is not there"
        assert not test or f"def {test}(" in found[0].read_text(encoding="utf-8"), named


def test_every_module_is_on_the_map() -> None:
    """With what its docstring says of it."""
    text = README.read_text(encoding="utf-8")
    assert text == rewritten(text), f"write the lists anew: {COMMAND}"
    for path in NAMES.values():
        inside = str(path.relative_to(ROOT))
        assert f"`{inside.replace('__init__.py', '') or inside}`" in text


def test_the_walk_of_a_file_enters_each_module_once() -> None:
    """It is a walk, and no maze: no step goes back to a file that it has left."""
    section = README.read_text(encoding="utf-8").partition("## The walk of one file")[2]
    steps = section.partition("\n## ")[0]
    walked = [each for each in NAMED.findall(steps) if each.endswith(".py")]
    assert len(walked) > 10
    assert len(walked) == len(set(walked))
