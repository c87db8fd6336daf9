"""What users can import is what ``public_api.txt`` says: no change of it goes unseen.

Write the file anew with ``RENEW_PUBLIC_API=1 pytest -n 0 tests/whole/test_public_api.py``, look at
the difference, and say in the changelog what it means to users.
"""

import os
from difflib import unified_diff
from pathlib import Path

from support.public_api import classes, describe

import twelvelabs_async

NOT_AT_THE_TOP = {"OpenEnum"}
"""What only other classes are made from."""

SNAPSHOT = Path(__file__).with_name("public_api.txt")
RENEW = "RENEW_PUBLIC_API"


def test_the_public_api_is_the_one_that_was_written_down() -> None:
    """Every name, signature, field and member; the difference is shown line by line."""
    found = describe()
    if os.environ.get(RENEW):
        SNAPSHOT.write_text(found, encoding="utf-8")
    known = SNAPSHOT.read_text(encoding="utf-8")
    changes = unified_diff(known.splitlines(), found.splitlines(), "public_api.txt", "now", n=0)
    assert "\n".join(changes) == "", f"renew it with {RENEW}=1, if this is meant"


def test_every_error_and_every_model_is_exported_from_the_top() -> None:
    """Users name them in annotations, and in ``except``."""
    found = {name for room in ("errors", "models.") for name in classes(room)}
    assert found - set(dir(twelvelabs_async)) == NOT_AT_THE_TOP
