"""Which module may know which: read off the imports themselves, without running anything."""

import ast
import sys
from pathlib import Path

import pytest
from support.layers import NAMES, ORDER, PACKAGE, imports, ours, room, tree

CORE_PACKAGES = {
    "aiohttp", "yarl", "multidict", "aiofiles", "attr", "attrs", "cattrs", PACKAGE,
}  # fmt: skip
CLI_PACKAGES = {"cyclopts", "rich"}

TIME = {
    "asyncio.sleep",
    "asyncio.timeout",
    "asyncio.timeout_at",
    "asyncio.wait_for",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
TIMERS = {"call_later", "call_at"}


MODULES = pytest.mark.parametrize("name", sorted(NAMES), ids=lambda name: name or PACKAGE)


@MODULES
def test_imports_point_one_way(name: str) -> None:
    """A room knows only those above it, so that no two can ever need each other."""
    place = ORDER.index(room(name))
    for imported in ours(NAMES[name]):
        assert ORDER.index(room(imported)) <= place, f"{name} imports {imported}"


def test_the_order_names_every_room() -> None:
    """And none that is gone."""
    assert {room(name) for name in NAMES} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Neither do the modules of one room among themselves."""
    waiting = {name: ours(path) - {name} for name, path in NAMES.items()}
    while waiting:
        ready = {name for name, needed in waiting.items() if not needed & waiting.keys()}
        assert ready, f"a circle among {sorted(waiting)}"
        waiting = {name: needed for name, needed in waiting.items() if name not in ready}


@MODULES
def test_the_emulator_stands_alone(name: str) -> None:
    """It shares no code with the client, so that it cannot share a mistake with it."""
    for imported in ours(NAMES[name]):
        if room(name) == "emulator":
            assert room(imported) == "emulator", f"{name} imports {imported}"
        elif room(imported) == "emulator":
            assert room(name) in {"testing", "_cli", "__main__"}, f"{name} imports {imported}"


@MODULES
def test_foreign_packages_are_few(name: str) -> None:
    """What comes with the package, and what comes with its command line only there."""
    allowed = CORE_PACKAGES | set(sys.stdlib_module_names)
    if room(name) == "_cli":
        allowed |= CLI_PACKAGES
    if room(name) == "pytest_plugin":
        allowed |= {"pytest"}
    foreign = {imported.split(".")[0] for imported in imports(NAMES[name])}
    assert foreign <= allowed


def uses_of_time(path: Path) -> set[str]:
    """Return the ways in which a module waits or looks at a clock by itself."""
    found = {module for module in imports(path) if module.split(".")[0] in {"time", "sched"}}
    found |= {module for module in imports(path) if module in TIME}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            whole = ast.unparse(node)
            found |= {whole for call in TIME if whole == call or whole.endswith(f".{call}")}
            found |= {whole} if node.attr in TIMERS and whole != f"clock.{node.attr}" else set()
    return found


@MODULES
def test_time_passes_through_one_seam(name: str) -> None:
    """Only ``clock`` waits and reads clocks; the emulator has one place for either."""
    used = uses_of_time(NAMES[name])
    if name == "_core.clock":
        assert used
    elif name == "emulator.platform":
        assert used == {"datetime.now"}
    elif name == "emulator.pacing":
        assert used == {"asyncio.sleep"}
    else:
        assert used == set()


def test_ways_around_the_seam_are_seen(tmp_path: Path) -> None:
    """The test above would notice each of them."""
    for text in (
        "import time",
        "from time import monotonic",
        "from asyncio import sleep",
        "import asyncio\nasyncio.wait_for(x, 3)",
        "import asyncio\nasyncio.get_running_loop().call_at(3, x)",
        "loop.call_later(3, x)",
        "import datetime\ndatetime.datetime.now()",
        "def f():\n    import time",
    ):
        path = tmp_path / "module.py"
        path.write_text(text)
        assert uses_of_time(path), text
    path.write_text("clock.call_later(3, x)\nclock.sleep(3)\nclock.timeout(3)")
    assert uses_of_time(path) == set()


def uses_of_the_loops_threads(path: Path) -> set[str]:
    """Return the calls of a module that go through the event loop's own threads."""
    found = set[str]()
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        first = ast.unparse(node.args[0]) if node.args else ""
        named = {keyword.arg for keyword in node.keywords}
        if called.endswith("to_thread") or (called.endswith("run_in_executor") and first == "None"):
            found.add(called)
        if (
            called.startswith("aiofiles.")
            and not called.endswith("wrap")
            and "executor" not in named
        ):
            found.add(called)
    return found


@MODULES
def test_nobody_takes_the_event_loops_own_threads(name: str) -> None:
    """They are the host's, and its DNS': a disk that hangs must not fill them.

    The emulator is a server, with files of its own.
    """
    if room(name) != "emulator":
        assert uses_of_the_loops_threads(NAMES[name]) == set()


def test_ways_to_the_loops_threads_are_seen(tmp_path: Path) -> None:
    """The test above would notice each of them."""
    path = tmp_path / "module.py"
    for text in (
        "asyncio.to_thread(f)",
        "loop.run_in_executor(None, f)",
        "aiofiles.open(path)",
        "aiofiles.os.stat(path)",
    ):
        path.write_text(text)
        assert uses_of_the_loops_threads(path), text
    path.write_text("loop.run_in_executor(lane, f)\naiofiles.open(path, executor=lane)")
    assert uses_of_the_loops_threads(path) == set()
