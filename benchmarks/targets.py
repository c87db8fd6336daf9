"""The targets: each a figure of one run, mostly a ratio, and what it should be."""

from collections.abc import Callable
from operator import ge, le

from attrs import frozen

from benchmarks.rounds import Results, Row, ratio

MAIN = "16 MiB x 5"
WIDE = "16 MiB x 16"
MB_BASE, MB_A_CONNECTION = 4, 0.75

Measure = Callable[[Results], float | None]


@frozen
class Target:
    """One promise.

    Attributes:
        name: What it is about.
        measure: Where its figure is; None is returned where it was not measured.
        most: Whether ``bound`` is the most that the figure may be, or the least.
        bound: What is promised.
        unit: What follows the figure.
    """

    name: str
    measure: Measure
    most: bool
    bound: float
    unit: str = "x"

    def verdict(self, results: Results) -> tuple[str, str, str]:
        """Return the target, the figure, and whether it is met, in words."""
        sign, figure = ("<=" if self.most else ">="), self.measure(results)
        promise = f"{sign} {self.bound:.3g} {self.unit}"
        if figure is None:
            return promise, "not measured", "-"
        met = (le if self.most else ge)(figure, self.bound)
        return promise, f"{figure:.3g} {self.unit}", "yes" if met else "**no**"


def at_most(name: str, bound: float, measure: Measure, unit: str = "x") -> Target:
    """Return a target that is better the less it is."""
    return Target(name, measure, True, bound, unit)


def at_least(name: str, bound: float, measure: Measure, unit: str = "x") -> Target:
    """Return a target that is better the more it is."""
    return Target(name, measure, False, bound, unit)


def compare(
    one: str, other: str, figure: str, scenario: str = "single", case: str = MAIN
) -> Measure:
    """Return a measure: ``one``'s figure over ``other``'s."""

    def measure(results: Results) -> float | None:
        mine, theirs = (results.row(scenario, case, client) for client in (one, other))
        return ratio(mine, theirs, figure)

    return measure


def ours(figure: str, scenario: str = "single", case: str = MAIN) -> Measure:
    """Return a measure: one figure of ours, its median."""

    def measure(results: Results) -> float | None:
        row = results.row(scenario, case, "ours")
        return row.median(figure) if row is not None and row.has(figure) else None

    return measure


def memory(case: str) -> Measure:
    """Return a measure: the memory that an upload of a huge file costs."""

    def measure(results: Results) -> float | None:
        row = results.row("memory", case, "ours")
        return None if row is None else added_memory(row)

    return measure


def added_memory(row: Row) -> float:
    """Return the most memory in MB over what importing costs, of all rounds."""
    return max(r["peak_rss_mb"] - r["rss_before_mb"] for r in row.rounds)


def bulk(results: Results) -> float | None:
    """Return how much faster many files go than with the official SDK, by the same program."""
    rows = {row.client: row for row in results.of("bulk")}
    return ratio(rows.get("official async, all at once"), rows.get("ours"), "wall_s")


def cost_of_more(results: Results) -> float | None:
    """Return what a file costs among 5,000 over what it costs among 1,000."""
    many, few = (results.row("scale_files", f"{n} files", "ours") for n in (5000, 1000))
    found = ratio(many, few, "wall_s")
    return None if found is None else found / 5


def memory_bound(connections: int) -> float:
    """Return the MB that so many connections may cost."""
    return MB_BASE + MB_A_CONNECTION * connections


TARGETS = (
    at_most("CPU against the C sender", 1.25, compare("ours", "limit", "cpu_s")),
    at_least("throughput against the C sender", 0.70, compare("limit", "ours", "wall_s")),
    at_least("wall against the official async SDK", 7, compare("official async", "ours", "wall_s")),
    at_least(
        "the same with 50 ms a request, early slots",
        5,
        compare("official async", "ours, early slots", "wall_s", "latency", "50 ms"),
    ),
    at_most(
        "CPU against the official async SDK", 1 / 7, compare("ours", "official async", "cpu_s")
    ),
    at_most("CPU against boto3 tuned", 0.75, compare("ours", "boto3 tuned", "cpu_s")),
    at_most("loop delay p99, 5 connections", 1.5, ours("delay_p99_ms"), "ms"),
    at_most("loop delay p99, 16 connections", 2.5, ours("delay_p99_ms", "grid", WIDE), "ms"),
    *(
        at_most(
            f"memory over what importing costs, {case}",
            memory_bound(int(case.split()[-1])),
            memory(case),
            "MB",
        )
        for case in (MAIN, "64 MiB x 5", WIDE)
    ),
    at_most("bytes written to disk", 0, ours("disk_mb"), "MB"),
    at_most(
        "capped links (40 MB/s) against the C sender's wall",
        1.01,
        compare("ours", "limit", "wall_s", "capped", "40 MB/s"),
    ),
    *(
        at_most(
            f"a file beside 20 slow streams against it alone, {case}",
            1.1,
            compare("ours, beside streams", "ours, alone", "wall_s", "beside", case),
        )
        for case in (MAIN, "40 MB/s")
    ),
    at_least("many files of 1 MiB, all started at once, against the official SDK", 20, bulk),
    at_most("cost a file from 1,000 to 5,000 files", 1.1, cost_of_more),
)
