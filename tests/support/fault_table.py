"""The README's table of faults, written from the emulator's catalogue: run this file to do so."""

import re
from collections.abc import Iterator

from support.files import ROOT
from twelvelabs_async.emulator import CATALOGUE, NamedFault

README = ROOT / "README.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


def table() -> str:
    """Return the table between its two marks."""
    return "\n".join([BEGIN, *_rows(), END])


def _rows() -> Iterator[str]:
    yield "| fault | what goes wrong | where | what happens | ends in |"
    yield "|---|---|---|---|---|"
    yield from (_row(named) for named in CATALOGUE.values())


def _row(named: NamedFault) -> str:
    where = ", ".join(f"`{route}`" for route in named.routes)
    end = " or ".join(f"`{cause}`" for cause in named.causes) or "the asset"
    return f"| `{named.name}` | {named.what} | {where} | {named.then} | {end} |"


def command() -> str:
    """Return the command that rewrites the README's table."""
    return "PYTHONPATH=tests .venv/bin/python -m support.fault_table"


def rewrite() -> None:
    """Put the table where the README has the old one."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: table(), README.read_text()))


if __name__ == "__main__":
    rewrite()
