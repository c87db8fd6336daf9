"""Run pytest as our users do: in a process of its own, on a test file of theirs."""

import os
import re
import subprocess
import sys
from pathlib import Path

from attrs import frozen

SETTINGS = """\
[pytest]
filterwarnings =
    error::ResourceWarning
    error::pytest.PytestUnraisableExceptionWarning
"""


@frozen
class Verdict:
    """How a run of pytest ended.

    Attributes:
        counts: How many tests passed, failed and so on, by pytest's words.
        output: Everything that it said.
    """

    counts: dict[str, int]
    output: str


def run_pytest(directory: Path, content: str, *options: str) -> Verdict:
    """Write ``content`` as a test file and run it; what is left open is an error. Blocks."""
    (directory / "pytest.ini").write_text(SETTINGS)
    (directory / "test_theirs.py").write_text(content)
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=directory,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    counts = re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout.splitlines()[-1])
    return Verdict({word: int(number) for number, word in counts}, done.stdout + done.stderr)
