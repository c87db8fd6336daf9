"""Results as JSON and as Markdown."""

import json
from collections.abc import Callable, Iterable

from attrs import asdict

from benchmarks.rounds import Results, Row
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import TARGETS, added_memory

Cell = Callable[[Row], str]


def dump(results: Results) -> str:
    """Return results as JSON."""
    return json.dumps(asdict(results), indent=1) + "\n"


def load(text: str) -> Results:
    """Read results from JSON."""
    values = json.loads(text)
    return Results(values["about"], values["skipped"], [Row(**row) for row in values["rows"]])


def spread(row: Row, figure: str) -> str:
    """Return the median, and the least and the most of all rounds."""
    values = row.values(figure)
    return f"{row.median(figure):.2f} ({min(values):.2f} to {max(values):.2f})"


def cpu_per_gib(row: Row) -> str:
    """Return CPU seconds a GiB."""
    return f"{row.median('cpu_s') / row.median('gib'):.2f}"


def number(figure: str, digits: int = 1) -> Cell:
    """Return what writes one figure's median."""
    return lambda row: f"{row.median(figure):.{digits}f}"


COLUMNS: tuple[tuple[str, tuple[str, ...], Cell], ...] = (
    ("wall s (least to most)", ("wall_s",), lambda row: spread(row, "wall_s")),
    ("CPU s", ("cpu_s",), number("cpu_s", 2)),
    ("CPU s/GiB", ("cpu_s", "gib"), cpu_per_gib),
    ("chunks/s", ("chunks_per_s",), number("chunks_per_s", 0)),
    ("peak MB", ("peak_rss_mb",), number("peak_rss_mb")),
    (
        "MB over imports",
        ("peak_rss_mb", "rss_before_mb"),
        lambda row: f"{added_memory(row):.1f}",
    ),
    ("delay p50 ms", ("delay_p50_ms",), number("delay_p50_ms")),
    ("p99 ms", ("delay_p99_ms",), number("delay_p99_ms")),
    ("most ms", ("delay_max_ms",), number("delay_max_ms")),
    ("disk MB", ("disk_mb",), number("disk_mb", 0)),
    ("connections", ("connections",), number("connections", 0)),
    ("requests", ("requests",), number("requests", 0)),
)
"""Heading, the figures that it needs, and what writes the cell."""


def markdown(results: Results) -> str:
    """Return the whole report."""
    parts = [
        "# Results\n\n",
        "".join(f"* {name}: {text}\n" for name, text in results.about.items()),
        *(f"* not measured: {name} ({why})\n" for name, why in results.skipped.items()),
        "\n## Targets\n\n",
        targets(results),
        *(section(results, scenario) for scenario in SCENARIOS),
    ]
    return "".join(parts)


def targets(results: Results) -> str:
    """Return the table of targets."""
    rows = [(target.name, *target.verdict(results)) for target in TARGETS]
    return table(("what", "target", "measured", "met"), rows)


def section(results: Results, scenario: str) -> str:
    """Return the table of one scenario; nothing if it was not measured."""
    rows = results.of(scenario)
    if not rows:
        return ""
    columns = [c for c in COLUMNS if any(all(map(row.has, c[1])) for row in rows)]
    lines = [(row.case, row.client, *(cell(row, c) for c in columns)) for row in rows]
    title = (SCENARIOS[scenario].__doc__ or "").splitlines()[0]
    headings = ("case", "client", *(heading for heading, _, _ in columns))
    return f"\n## {scenario}\n\n{title}\n\n{table(headings, lines)}"


def cell(row: Row, column: tuple[str, tuple[str, ...], Cell]) -> str:
    """Write one cell, ``-`` where a figure was not measured."""
    _, needs, write = column
    return write(row) if all(map(row.has, needs)) else "-"


def table(headings: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    every = [headings, ("---",) * len(headings), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in every)
