"""The real command, in a process of its own: run to its end, beside a test, or on a terminal."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from attrs import define, frozen

from twelvelabs_async.emulator import Emulator

if sys.platform != "win32":
    import pty
    import termios

PATIENCE = 60
"""Seconds after which a process that should have ended is given up."""

ESCAPE = "\x1b"
RUN = "\nimport runpy; runpy.run_module('twelvelabs_async', run_name='__main__', alter_sys=True)"
COMMAND = (sys.executable, "-W", "error", "-m", "twelvelabs_async")

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX")


@frozen
class Ended:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Every line of standard output, as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


@define
class Shell:
    """Where commands run: a directory, and an environment with nothing of ours."""

    directory: Path

    @property
    def temporary(self) -> Path:
        """Where commands keep what they must remove."""
        return self.directory / "temporary"

    @property
    def state(self) -> Path:
        """Where commands keep what shall outlive them."""
        return self.directory / "state"

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a command."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        ours = {"TMPDIR": str(self.temporary), "XDG_STATE_HOME": str(self.state)}
        return {**kept, **ours, "PYTHONUTF8": "1", **extra}

    def run(self, *arguments: str | Path, **variables: str) -> Ended:
        """Run a command to its end."""
        return self.run_python([*COMMAND[1:], *map(str, arguments)], **variables)

    def run_python(self, arguments: Sequence[str], **variables: str) -> Ended:
        """Run Python to its end."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, *arguments],
            cwd=self.directory,
            env=self.environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=PATIENCE,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def start(
        self, *arguments: str | Path, stdout: int | IO[str] = subprocess.PIPE, **variables: str
    ) -> Generator["subprocess.Popen[str]", None, None]:
        """Run a command beside the test; it is gone when the block ends."""
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*COMMAND, *map(str, arguments)],
            cwd=self.directory,
            env=self.environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    async def run_beside(
        self, emulator: Emulator, *arguments: str | Path, before: str = "", **extra: str
    ) -> Ended:
        """Run a command to its end while the test's own emulator serves it."""
        process = await self.start_beside(
            emulator, *arguments, before=before, stdin=subprocess.DEVNULL, **extra
        )
        return await ended(process)

    async def start_beside(
        self,
        emulator: Emulator,
        *arguments: str | Path,
        before: str = "",
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        **extra: str,
    ) -> asyncio.subprocess.Process:
        """Start a command that uses the test's own emulator.

        Args:
            emulator: The platform.
            arguments: Of the command.
            before: Python that runs first in its process, such as what breaks the system for it.
            stdin: Its standard input.
            extra: Variables of its environment.
        """
        return await asyncio.create_subprocess_exec(
            *([sys.executable, "-W", "error", "-c", before + RUN] if before else COMMAND),
            *map(str, arguments),
            cwd=self.directory,
            env=self.environment({**place(emulator), **extra}),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def place(emulator: Emulator) -> dict[str, str]:
    """Return the variables that tell a command of the test's own emulator."""
    return {"TWELVELABS_BASE_URL": emulator.base_url, "TWELVE_LABS_API_KEY": emulator.api_key}


async def ended(process: asyncio.subprocess.Process) -> Ended:
    """Wait for the end of a process that the test's own emulator serves."""
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def run_shell(shell: Shell, emulator: Emulator, line: str) -> Ended:
    """Have a shell run a line of ours, as after it was pasted."""
    process = await asyncio.create_subprocess_exec(
        "/bin/bash",
        "-c",
        f'twelvelabs-async() {{ {shlex.join(COMMAND)} "$@"; }}; {line}',
        cwd=shell.directory,
        env=shell.environment(place(emulator)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return await ended(process)


def end(process: "subprocess.Popen[str]", number: int) -> Ended:
    """Send a signal and wait for the end."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def first_line(process: "subprocess.Popen[str]") -> str:
    """Wait until a command has written a line, and return it."""
    assert process.stdout is not None
    impatience = threading.Timer(PATIENCE / 4, process.kill)
    impatience.start()
    try:
        return process.stdout.readline()
    finally:
        impatience.cancel()


def wait_for_screen(master: int) -> str:
    """Return everything that was written to a terminal."""
    seen = b""
    while True:
        try:
            piece = os.read(master, 2**16)
        except OSError:  # Linux: all have closed it
            break
        if not piece:
            break
        seen += piece
    os.close(master)
    return seen.decode()


def run_on_terminal(shell: Shell, *arguments: str | Path, **variables: str) -> Ended:
    """Run a command whose standard error is a terminal."""
    return _run_on_terminal(shell, arguments, variables, both=False)


def run_wholly_on_terminal(shell: Shell, *arguments: str | Path, **variables: str) -> Ended:
    """Run a command both of whose streams are a terminal; ``err`` has what it shows."""
    return _run_on_terminal(shell, arguments, variables, both=True)


def _run_on_terminal(
    shell: Shell, arguments: Sequence[str | Path], variables: Mapping[str, str], *, both: bool
) -> Ended:
    master, terminal = pty.openpty()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*COMMAND, *map(str, arguments)],
            cwd=shell.directory,
            env=shell.environment({"TERM": "xterm-256color", "COLUMNS": "120", **variables}),
            stdin=subprocess.DEVNULL,
            stdout=terminal if both else subprocess.PIPE,
            stderr=terminal,
            encoding="utf-8",
        )
    finally:
        os.close(terminal)
    with process:
        screen = wait_for_screen(master)
        out = "" if process.stdout is None else process.stdout.read()
        return Ended(process.wait(PATIENCE), out, screen)


def wait_for_rows(master: int, right: Callable[[Sequence[str]], bool]) -> None:
    """Read a terminal until the rows of one look at it, without colours, are right."""
    seen = ""
    while True:
        seen += os.read(master, 2**16).decode(errors="replace")
        looks = re.sub(rf"{ESCAPE}\[[\d;?]*[A-Za-z]", "", seen).split("\r")
        if any(right(look.splitlines()) for look in looks[:-1]):
            return


def ends_at(width: int) -> Callable[[Sequence[str]], bool]:
    """Return whether any row is so wide."""
    return lambda rows: any(len(row) == width for row in rows)


@contextmanager
def on_terminal(
    shell: Shell, *arguments: str | Path, **variables: str
) -> Generator[tuple[Any, int], None, None]:
    """Run a command beside the test, whose standard error is a terminal of 100 columns."""
    master, terminal = pty.openpty()
    termios.tcsetwinsize(master, (24, 100))
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *map(str, arguments)],
        cwd=shell.directory,
        env=shell.environment({"TERM": "xterm-256color", **variables}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        try:
            yield process, master
        finally:
            process.kill()
