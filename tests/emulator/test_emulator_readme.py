"""The emulator's README names everything that a test can script."""

from pathlib import Path
from typing import get_args

import pytest
from support.files import ROOT

from twelvelabs_async.emulator import faults, routing

README = (ROOT / "twelvelabs_async" / "emulator" / "README.md").read_text(encoding="utf-8")
FILES = sorted((ROOT / "twelvelabs_async" / "emulator").glob("[a-z]*.py"))


@pytest.mark.parametrize("route", [*routing.API_ROUTES, *faults.STORE_ROUTES])
def test_the_readme_has_every_endpoint(route: str) -> None:
    """By the name of its route."""
    assert f"| `{route}` |" in README


@pytest.mark.parametrize("action", get_args(faults.Action))
def test_the_readme_has_every_action(action: type) -> None:
    """With what happens, and where."""
    assert f"| `{action.__name__}` |" in README


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_readme_has_every_file(path: Path) -> None:
    """So that a reader finds the place of a change."""
    assert f"`{path.name}`" in README


@pytest.mark.parametrize("route", [*routing.API_ROUTES, *faults.STORE_ROUTES])
def test_a_fault_names_every_route(route: str) -> None:
    """In the documentation that users of ``Fault`` read."""
    assert f"``{route}``" in (faults.Fault.__doc__ or "")
