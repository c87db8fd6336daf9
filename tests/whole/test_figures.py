"""``support.figures`` counts exactly, so that figures of two commits can be compared."""

from pathlib import Path

from support.figures import figures

SMALL = {
    "__init__.py": "",
    "client.py": "from twelvelabs_async._http.sessions import Session\nbatch_size = 1\n",
    "_http/__init__.py": "",
    "_http/sessions.py": """from twelvelabs_async._http import wire

class Session:
    a: int

    def __init__(self) -> None:
        self.b, self._c = 1, 2
        self.b = self.told = 3

class Wide:
"""
    + "".join(f"    field_{number}: int\n" for number in range(11)),
    "_http/wire.py": 'def long():\n    """Tell\n' + "\n" * 20 + '    """\n' + "    pass\n" * 10,
}


def test_a_small_package_is_counted(tmp_path: Path) -> None:
    """One import crosses rooms; a docstring makes a function long, and its code does not."""
    for name, text in SMALL.items():
        path = tmp_path / "twelvelabs_async" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = figures(tmp_path)
    assert {name: len(each) for name, each in found.items()} == {
        "modules in the package's root": 2,
        "imports that cross rooms": 1,
        "pairs of rooms, one of which imports the other": 1,
        "lines with the word batch_size": 1,
        "lines with the word enable_hls": 0,
        "functions over 30 lines": 1,
        "the same without their docstrings": 0,
        "classes over 10 fields": 1,
        "files over 300 lines": 0,
        "words tell and told": 2,
    }
    assert found["classes over 10 fields"] == ["_http/sessions.py:10 Wide: 11"]
