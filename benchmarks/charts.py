"""Results as SVG charts; matplotlib only where it is installed."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.rounds import Results, Row
from benchmarks.targets import added_memory

WIDTH, HEIGHT = 8, 4.5
CURVES = {"scale_chunks": "chunks", "scale_files": "files", "core": "chunks"}
BARS = {"single": "One file: 16 MiB chunks, 5 workers, TLS", "latency": "50 ms before each answer"}


@frozen
class Panel:
    """One of the drawings beside each other.

    Attributes:
        label: What is drawn.
        scale: ``log``, where what grows in proportion is a straight line, or ``linear``.
        needs: The figure that has to be measured.
        lines: What each line shows.
    """

    label: str
    scale: str
    needs: str
    lines: Mapping[str, Callable[[Row], float]]


PANELS = (
    Panel(
        "seconds",
        "log",
        "wall_s",
        {"wall": lambda row: row.median("wall_s"), "CPU": lambda row: row.median("cpu_s")},
    ),
    Panel(
        "requests",
        "log",
        "requests",
        {
            "requests": lambda row: row.median("requests"),
            "connections": lambda row: row.median("connections"),
        },
    ),
    Panel("MB over imports", "linear", "peak_rss_mb", {"memory": added_memory}),
)


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
    """Draw how time, requests and memory grow with a number, each as far as it was measured."""
    panels = [panel for panel in PANELS if all(row.has(panel.needs) for row in rows)]
    size = (WIDTH * len(panels) / 2, HEIGHT)
    figure, places = plot.subplots(1, len(panels), figsize=size, layout="constrained")
    counts = [int(row.case.split()[0]) for row in rows]
    for axes, panel in zip(places, panels, strict=True):
        for label, value in panel.lines.items():
            axes.plot(counts, [value(row) for row in rows], marker="o", label=label)
        axes.set(xscale="log", yscale=panel.scale, xlabel=unit, ylabel=panel.label)
        if panel.scale == "linear":
            axes.set_ylim(bottom=0)
        axes.legend()
    return figure


def _save(plot: Any, figure: Any, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None})
    plot.close(figure)
    return path
