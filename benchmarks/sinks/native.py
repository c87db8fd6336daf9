"""Compile the C programs of this folder, once for each state of their sources."""

import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path

SOURCES = Path(__file__).parent
BUILD = SOURCES / "build"

PROGRAMS = {
    "sink": ("sink.c", "platform.c", "http.c", "wire.c"),
    "limit": ("limit.c", "wire.c"),
}
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")
LIBRARIES = ("-lssl", "-lcrypto", "-lpthread")


class NoCompilerError(Exception):
    """There is no C compiler, or no OpenSSL to compile against; the text says which."""


@cache
def program(name: str) -> Path:
    """Return the path of a compiled program.

    Raises:
        NoCompilerError: It cannot be compiled here.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoCompilerError("there is no C compiler (cc)")
    path = BUILD / f"{name}-{_fingerprint()}"
    if not path.exists():
        _compile(compiler, name, path)
    return path


def _fingerprint() -> str:
    texts = (path.read_bytes() for path in sorted(SOURCES.glob("*.[ch]")))
    return sha256(b"\0".join(texts)).hexdigest()[:12]


def _compile(compiler: str, name: str, path: Path) -> None:
    """Compile beside ``path`` and move there, so that two at once do not meet half a program."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
        made = Path(scratch) / name
        sources = [str(SOURCES / source) for source in PROGRAMS[name]]
        command = [compiler, *FLAGS, "-o", str(made), *sources, *LIBRARIES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoCompilerError(f"cannot compile {name}: {done.stderr.strip()[:300]}")
        made.replace(path)
