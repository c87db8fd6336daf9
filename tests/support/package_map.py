"""The lists in the package's README, written from the source: run this file to write them anew."""

import ast
import re

from support.files import ROOT as CHECKOUT
from support.layers import NAMES, ORDER, ROOT, ours, room, tree

README = ROOT / "README.md"
COMMAND = "PYTHONPATH=tests .venv/bin/python -m support.package_map"


def rooms() -> str:
    """Return the table of rooms: what each is for, and which others it imports."""
    lines = ["| room | what it is for | imports |", "|---|---|---|"]
    for name in ORDER:
        modules = [each for each in NAMES if room(each) == name]
        known = {room(other) for each in modules for other in ours(NAMES[each])} - {name}
        imported = ", ".join(f"`{_path(each)}`" for each in ORDER if each in known)
        lines.append(f"| `{_path(name)}` | {_purpose(name)} | {imported or '-'} |")
    return "\n".join(lines)


def modules() -> str:
    """Return the list of modules, by room, each with the first sentence of its docstring."""
    parts = list[str]()
    for name in ORDER:
        inside = sorted(each for each in NAMES if room(each) == name and each != name)
        if inside:
            lines = [f"| `{_path(each)}` | {_purpose(each)} |" for each in inside]
            parts.append("\n".join([f"| in `{_path(name)}` | |", "|---|---|", *lines]))
    return "\n\n".join(parts)


PARTS = {"rooms": rooms, "modules": modules}


def rewritten(text: str) -> str:
    """Return the README's text with its lists as they should be."""
    for name, written in PARTS.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
        block = f"{begin}\n{written()}\n{end}"
        assert pattern.search(text), f"{README.relative_to(CHECKOUT)} has no place for the {name}"
        text = pattern.sub(block.replace("\\", r"\\"), text)
    return text


def _path(name: str) -> str:
    """Return a module's path, or a folder's, from the package's folder."""
    path = NAMES[name].relative_to(ROOT)
    return f"{path.parent}/" if path.name == "__init__.py" and name else str(path)


def _purpose(name: str) -> str:
    """Return the first sentence of a module's docstring, without its full stop."""
    paragraph = (ast.get_docstring(tree(NAMES[name])) or "").partition("\n\n")[0]
    return re.split(r"\.(?:\s|$)", " ".join(paragraph.split()))[0].replace("``", "`")


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
