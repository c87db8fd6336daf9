"""Results as SVG charts; matplotlib only where it is installed."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rounds import Results, Row

WIDTH, HEIGHT = 8, 4.5
CURVES = {"scale_chunks": "chunks", "scale_files": "files", "core": "chunks"}
BARS = {"single": "One file: 16 MiB chunks, 5 workers, TLS", "latency": "50 ms before each answer"}


def draw(results: Results, directory: Path) -> list[Path]:
    """Draw what was measured into ``directory`` and return the files.

    Raises:
        ImportError: matplotlib is not installed.
    """
    library: Any = importlib.import_module("matplotlib")
    library.use("svg")
    # Text stays text, and the same figures make the same file.
    library.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "1"})
    plot = importlib.import_module("matplotlib.pyplot")
    made: list[Path] = []
    for scenario, title in BARS.items():
        if rows := results.of(scenario):
            made.append(_save(plot, _bars(plot, rows, title), directory / f"{scenario}.svg"))
    for scenario, unit in CURVES.items():
        if rows := results.of(scenario):
            made.append(_save(plot, _curve(plot, rows, unit), directory / f"{scenario}.svg"))
    return made


def _bars(plot: Any, rows: Sequence[Row], title: str) -> Any:
    """Draw wall and CPU seconds of each client, the quickest on top."""
    ordered = sorted(rows, key=lambda row: row.median("wall_s"), reverse=True)
    figure, axes = plot.subplots(figsize=(WIDTH, HEIGHT), layout="constrained")
    for shift, name, label in ((0.2, "wall_s", "wall"), (-0.2, "cpu_s", "CPU")):
        places = [place + shift for place in range(len(ordered))]
        axes.barh(places, [row.median(name) for row in ordered], height=0.38, label=label)
    axes.set_yticks(range(len(ordered)), [row.client for row in ordered])
    axes.set(xlabel="seconds", title=title)
    axes.legend()
    return figure


def _curve(plot: Any, rows: Sequence[Row], unit: str) -> Any:
    """Draw what one unit costs against how many there are; flat is what it should be."""
    counts = [int(row.case.split()[0]) for row in rows]
    figure, axes = plot.subplots(figsize=(WIDTH, HEIGHT), layout="constrained")
    for name, label in (("wall_s", "wall"), ("cpu_s", "CPU")):
        costs = [1e6 * row.median(name) / n for row, n in zip(rows, counts, strict=True)]
        axes.plot(counts, costs, marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel=unit, ylabel=f"microseconds for each of the {unit}")
    axes.legend()
    return figure


def _save(plot: Any, figure: Any, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None})
    plot.close(figure)
    return path
