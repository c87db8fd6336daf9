"""The files that tests upload."""

from collections.abc import Callable
from pathlib import Path

CHUNK_SIZE = 1000
"""Bytes of a chunk in most tests."""

MakeFile = Callable[..., Path]
"""The fixture ``make_file``: makes a file of so many random bytes, the same each time."""

SUPPORT = Path(__file__).parent
"""This folder, with the scripts that tests run in processes of their own."""

TESTS = SUPPORT.parent
ROOT = TESTS.parent
"""The checkout."""
