"""Run the benchmarks: ``python -m benchmarks --quick``, or ``--full``; see README.md."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.about import about
from benchmarks.charts import draw
from benchmarks.files import Files
from benchmarks.report import dump, load, markdown
from benchmarks.rounds import Results, run_rounds
from benchmarks.scenarios import FULL, QUICK, SCENARIOS, Scale
from benchmarks.sinks.native import NoCompilerError
from benchmarks.sinks.server import running_sink
from benchmarks.trials import Bench

TO_COMPILE = "it needs cc and OpenSSL's headers (apt-get install gcc libssl-dev)"
RESULTS = Path(__file__).parent / "results"


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="which; all, if none")
    scale = made.add_mutually_exclusive_group()
    scale.add_argument("--quick", action="store_true", help="see that it works (the default)")
    scale.add_argument("--full", action="store_true", help="the figures that count")
    scale.add_argument("--render", action="store_true", help="only write tables and charts anew")
    made.add_argument("--list", action="store_true", help="list the scenarios, and end")
    made.add_argument("--rounds", type=int, help="how often each client is run")
    made.add_argument("--results", type=Path, default=RESULTS, help="where results are written")
    made.add_argument("--directory", type=Path, help="where the files to upload are made")
    return made


def measure(
    names: Sequence[str], scale: Scale, rounds: int, directory: Path | None, results: Path
) -> None:
    """Run scenarios and write what they gave; after each, so that nothing is lost."""
    with running_sink() as sink, tempfile.TemporaryDirectory(dir=directory) as scratch:
        bench = Bench(sink, Files(Path(scratch).resolve()))
        found = Results(about(f"{scale.name}, {rounds} rounds"))
        for name in names:
            run_rounds(name, SCENARIOS[name](scale), rounds, bench, found, print_now)
            write(found, results)


def print_now(text: str) -> None:
    """Print a line at once, though it may go to a file."""
    print(text, flush=True)


def write(found: Results, directory: Path) -> None:
    """Write ``latest.json``, ``latest.md`` and the charts."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "latest.json").write_text(dump(found))
    (directory / "latest.md").write_text(markdown(found))
    try:
        draw(found, directory)
    except ImportError as error:
        print_now(f"no charts: {error}")


def list_scenarios() -> None:
    """Print the scenarios."""
    for name, scenario in SCENARIOS.items():
        print(f"{name:13} {scenario.__doc__}")


def main() -> None:
    """Do what the command line asks for."""
    chosen = parser().parse_args()
    unknown = set(chosen.scenarios) - set(SCENARIOS)
    if unknown:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}; see --list")
    if chosen.list:
        list_scenarios()
    elif chosen.render:
        write(load((chosen.results / "latest.json").read_text()), chosen.results)
    else:
        scale = FULL if chosen.full else QUICK
        names = chosen.scenarios or list(SCENARIOS)
        rounds = chosen.rounds or scale.rounds
        try:
            measure(names, scale, rounds, chosen.directory, chosen.results)
        except NoCompilerError as error:
            sys.exit(f"the sink is a C program that cannot be compiled here: {error}; {TO_COMPILE}")


if __name__ == "__main__":
    main()
