"""What importing the package brings along, each time in a fresh interpreter, and what it does not.

Nothing is timed here: what is not imported costs nothing. ``benchmarks.importing`` measures.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import twelvelabs_async

PACKAGE = "twelvelabs_async"
ROOT = Path(twelvelabs_async.__file__).parent

CLIENT = f"from {PACKAGE} import AsyncTwelveLabs; AsyncTwelveLabs('a key')"
NOT_OF_A_CLIENT = {"emulator", "_cli", "testing", "pytest_plugin", "__main__"}
JOURNAL_FILES = {
    "journal._disk",
    "journal._frames",
    "journal._log_file",
    "journal._safe_files",
    "journal._state_directory",
    "journal.conformance",
    "journal.files",
}


def modules_after(code: str) -> set[str]:
    """Return the names of all modules that an interpreter has after running ``code``."""
    ask = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-c", ask], check=True, capture_output=True, timeout=60
    )
    return set(json.loads(done.stdout))


def all_of_ours() -> set[str]:
    """Return the names of all modules that are there."""
    paths = (path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py"))
    return {".".join(parts).removesuffix(".__init__") for parts in paths} - {"__init__"}


def of_ours(modules: set[str]) -> set[str]:
    """Return the names of our modules below the package: ``upload.ledger``."""
    return {name.removeprefix(f"{PACKAGE}.") for name in modules if name.startswith(f"{PACKAGE}.")}


def imported_for_type_checkers() -> dict[str, str]:
    """Return the home of each name that the package's own module imports, as written there."""
    tree = ast.parse(Path(ROOT / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    homes: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        assert all(alias.asname == alias.name for alias in node.names)
        homes |= {alias.name: node.module for alias in node.names}
    return homes


def test_the_package_alone_brings_nothing() -> None:
    """Whoever imports it for one of its modules does not pay for the client."""
    found = modules_after(f"import {PACKAGE}")
    assert of_ours(found) == set()
    assert not {"aiohttp", "asyncio", "attr", "cattrs"} & found


def test_an_error_does_not_bring_the_client() -> None:
    """A name comes with what it needs itself."""
    found = modules_after(f"from {PACKAGE} import UploadError")
    assert "errors" in of_ours(found)
    assert not {"client", "_http.structure", "_http.transport"} & of_ours(found)
    assert "aiohttp" not in found


def test_a_client_brings_all_that_an_upload_takes() -> None:
    """Nothing is left to be imported on the event loop, where it would hold up everything."""
    wanted = {name for name in all_of_ours() if name.partition(".")[0] not in NOT_OF_A_CLIENT}
    assert of_ours(modules_after(CLIENT)) == wanted - JOURNAL_FILES


def test_a_client_brings_nothing_that_it_does_not_need() -> None:
    """No emulator, no command line, no test tools; beside aiohttp's own, few foreign packages."""
    found = modules_after(CLIENT) - modules_after("import aiohttp")
    foreign = {name.partition(".")[0] for name in found} - sys.stdlib_module_names
    assert foreign <= {PACKAGE, "aiofiles", "attr", "attrs", "cattrs", "typing_extensions"}
    heavy = {"argparse", "csv", "importlib.metadata", "pydoc", "sqlite3", "unittest", "zipfile"}
    assert not heavy & found
    assert not {"aiohttp.web", "aiohttp.test_utils"} & found


def test_the_first_answers_to_an_upload_compile_and_import_nothing() -> None:
    """The event loop is running by then."""
    url = {"chunk_index": 1, "url": "u", "expires_at": "2026-11-22T06:00:00Z"}
    sizes = {"chunk_size": 5, "total_chunks": 1}
    times = {"generated_at": "2026-11-22T06:00:00Z"}
    answers = {
        "CreateAssetUploadResponse": {
            "upload_id": "u",
            "asset_id": "a",
            **sizes,
            "upload_urls": [url],
        },
        "RequestAdditionalPresignedUrLsResponse": {**times, "upload_urls": [url]},
        "ReportChunkBatchResponse": {"total_completed": 1},
    }
    code = f"""
import sys
from {PACKAGE}._http import json_text, structure
from {PACKAGE}.models import uploads
seen = []
sys.addaudithook(lambda event, _: seen.append(event))
for kind, body in {[(kind, json.dumps(body).encode()) for kind, body in answers.items()]}:
    structure.structure(json_text.parse(body), getattr(uploads, kind))
assert not {{"compile", "exec", "import"}} & set(seen), seen
"""
    assert modules_after(f"{CLIENT}{code}")


def test_everything_at_once_is_the_same_as_one_by_one() -> None:
    """``import *`` gives every public name, and so does asking for them after it."""
    code = f"from {PACKAGE} import *\nimport {PACKAGE} as package"
    names = " and ".join(f"{name} is package.{name}" for name in vars(twelvelabs_async)["__all__"])
    assert JOURNAL_FILES - {"journal.conformance"} < of_ours(
        modules_after(f"{code}\nassert {names}")
    )


def test_type_checkers_and_interpreters_see_the_same_names() -> None:
    """Each from the same module, and all of them in ``__all__``; ``dir`` shows them before use."""
    homes = imported_for_type_checkers()
    assert sorted(homes) == sorted(vars(twelvelabs_async)["__all__"])
    found = twelvelabs_async._MODULES
    assert {name: f"{PACKAGE}.{home}" for name, home in found.items()} == homes
    assert modules_after(f"import {PACKAGE}\nassert set({PACKAGE}.__all__) <= set(dir({PACKAGE}))")


def test_a_module_is_there_without_being_imported_by_name() -> None:
    """As type checkers have it: they have seen the imports."""
    for home in sorted(twelvelabs_async._PUBLIC_MODULES):
        code = f"import {PACKAGE} as package; assert package.{home}.__name__ == '{PACKAGE}.{home}'"
        assert modules_after(code)


def test_a_name_that_is_not_there_is_told_as_ever() -> None:
    """Not with a KeyError, and not with a module of that name that nobody has imported."""
    name = "Nobody"
    with pytest.raises(AttributeError, match="module 'twelvelabs_async' has no attribute 'Nobody'"):
        getattr(twelvelabs_async, name)
    with pytest.raises(ImportError, match="cannot import name 'Nobody'"):
        exec(f"from {PACKAGE} import {name}")  # noqa: S102 - as a user writes it
