"""A soak: uploads of every kind under faults, chaos, cancellations and kills, for as long as told.

``SOAK_SECONDS=600 pytest -q -m soak -s tests/whole/test_soak.py`` soaks for ten minutes.
Otherwise a fixed number of steps is played, always the same. A step that fails is named with its
seed and number: ``SOAK_SEED=1 SOAK_STEP=57`` with the same command plays only that one.
"""

import gc
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from attrs import Factory, define
from support.leaks import DESCRIPTORS
from support.soak import play
from support.soak_books import SoakBooks
from support.soak_kills import play_kills
from support.soak_plan import is_deadly, plan
from support.soak_process import HungError
from support.watch import Watch

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not DESCRIPTORS.exists(), reason="open descriptors are counted there"),
]

SEED = int(os.environ.get("SOAK_SEED", "1"))
SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
ONLY = os.environ.get("SOAK_STEP")

STEPS = 40
"""Steps of an ordinary run."""

MOST_FAILURES = 20
"""Steps that may fail before the soak gives up."""


def chosen_steps() -> Iterator[int]:
    """Yield the numbers of the steps to play."""
    if ONLY is not None:
        yield int(ONLY)
        return
    until = time.monotonic() + SECONDS
    for step in count():
        if step >= STEPS and time.monotonic() >= until:
            return
        yield step


@define
class Soak:
    """Plays steps, and remembers those that failed."""

    directory: Path
    scratch: Path
    watch: Watch
    books: SoakBooks = Factory(SoakBooks)
    failures: list[str] = Factory(list[str])

    def play(self, step: int) -> None:
        """Play a step; if it fails, say how to play it again."""
        place = self.directory / str(step)
        try:
            if is_deadly(step):
                play_kills(SEED, step, place, self.books)
            else:
                play(plan(SEED, step), place, self.scratch, self.books)
            for entry in place.rglob("*.journal"):
                self.watch.look_at_file(entry)
            leaks = self.watch.next_test()
            assert not leaks, f"secrets were told: {leaks}"
        except (Exception, HungError):  # noqa: BLE001 - the soak goes on
            self.failures.append(f"SOAK_SEED={SEED} SOAK_STEP={step}")
            what = "processes are killed" if is_deadly(step) else plan(SEED, step)
            sys.stdout.write(f"\n{self.failures[-1]}: {what}\n{traceback.format_exc()}\n")
        finally:
            shutil.rmtree(place, ignore_errors=True)


def test_a_soak_loses_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    """Every asset is its file, none is made twice, every call ends, and nothing stays open."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    soak = Soak(tmp_path, scratch, watch)
    gc.collect()
    gc.freeze()  # each step collects, and shall look only at what is new
    try:
        for step in chosen_steps():
            soak.play(step)
            if len(soak.failures) == MOST_FAILURES:
                break
    finally:
        gc.unfreeze()
        sys.stdout.write(f"\nsoak with seed {SEED}: {soak.books.summary()}\n")
    assert not soak.failures, f"these steps failed, as is told above: {soak.failures}"
