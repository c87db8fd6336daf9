"""Run trials in rounds, each client once a round, and keep every figure of every round.

A machine drifts: interleaved, clients share its good and bad minutes, and a ratio is taken within
a round before the median of all rounds is.
"""

from collections.abc import Callable, Iterable
from statistics import median

from attrs import Factory, define, field, frozen

from benchmarks.meter import Figures
from benchmarks.trials import Bench, FailedError, SkippedError, Trial

Say = Callable[[str], None]


@define
class Row:
    """What one client measured on one case, a dictionary of figures a round."""

    scenario: str
    case: str
    client: str
    rounds: list[Figures] = Factory(list[Figures])

    @property
    def name(self) -> str:
        """What to call it to a person."""
        return f"{self.client} ({self.scenario}, {self.case})"

    def has(self, figure: str) -> bool:
        """Whether the figure was measured, in every round."""
        return bool(self.rounds) and all(figure in r for r in self.rounds)

    def values(self, figure: str) -> list[float]:
        """Return the figure of each round."""
        return [r[figure] for r in self.rounds]

    def median(self, figure: str) -> float:
        """Return the figure's median over the rounds."""
        return median(self.values(figure))


@frozen
class Results:
    """Everything that was measured.

    Attributes:
        about: The machine, the versions, the date, the scale.
        skipped: Why a client, or a row, was not measured.
        rows: The figures.
    """

    about: dict[str, str]
    skipped: dict[str, str] = Factory(dict[str, str])
    rows: list[Row] = field(factory=list[Row])

    def row(self, scenario: str, case: str, client: str) -> Row | None:
        """Return one row; None if it was not measured."""
        for row in self.rows:
            if (row.scenario, row.case, row.client) == (scenario, case, client):
                return row
        return None

    def of(self, scenario: str) -> list[Row]:
        """Return the rows of a scenario, in the order of its trials."""
        return [row for row in self.rows if row.scenario == scenario]


def ratio(one: Row | None, other: Row | None, figure: str) -> float | None:
    """Return the median over the rounds of ``one / other``; None if one was not measured."""
    if one is None or other is None or not (one.has(figure) and other.has(figure)):
        return None
    pairs = zip(one.values(figure), other.values(figure), strict=False)
    return median(a / b if b else float("inf") for a, b in pairs)


def run_rounds(  # noqa: PLR0917 - said once, in one place
    scenario: str, trials: Iterable[Trial], count: int, bench: Bench, results: Results, say: Say
) -> None:
    """Run each trial ``count`` times, in turn, and add a row for each that could be measured."""
    pairs = [(Row(scenario, trial.case, trial.client), trial) for trial in trials]
    for number in range(1, count + 1):
        for row, trial in pairs:
            if not {row.client, row.name} & results.skipped.keys():
                say(f"{number}/{count} {row.name}: {_run(row, trial, bench, results)}")
    results.rows.extend(row for row, _ in pairs if row.name not in results.skipped and row.rounds)


def _run(row: Row, trial: Trial, bench: Bench, results: Results) -> str:
    """Run a trial once, note what came of it, and say it."""
    try:
        row.rounds.append(trial.run(bench))
    except SkippedError as why:
        results.skipped[row.client] = str(why)
        return f"skipped: {why}"
    except FailedError as why:
        results.skipped[row.name] = str(why)
        return f"failed: {why}"
    return f"{row.rounds[-1]['wall_s']:.3f} s"
