"""A signal ends a command cleanly; it says what is left and how to go on, and claims nothing else.

What it advises is done, by a shell where it is a line to paste, and the result is looked at.
"""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import PATIENCE, Ended, Shell, ended, posix, run_shell

from twelvelabs_async._cli.app import app
from twelvelabs_async._cli.arguments import UploadArguments, chosen_wait, parse_metadata
from twelvelabs_async._cli.upload import FILES_AT_ONCE
from twelvelabs_async.emulator import Emulator, Fault, Stall, api_error

pytestmark = posix

MakeSound = Callable[[str, float], Path]
NOTHING_LEFT = "no upload session is left on the platform by this command\n"
MAY_BE_LEFT = "an upload session may be left on the platform, for 24 hours at most:\n"
GOES_ON = "the same command goes on from there\n"
ONE_LEFT = "1 upload session is left on the platform, for 24 hours at most:\n"
NONE_ARRIVED = "interrupted: 0 of 1 file arrived\n"


async def interrupted(
    shell: Shell,
    emulator: Emulator,
    fault: Fault,
    *arguments: str | Path,
) -> Ended:
    """Run ``upload``, end it by SIGTERM once a fault has happened, and wait for the end."""
    emulator.faults.add(fault)
    process = await shell.start_beside(emulator, "upload", *arguments)
    while not fault.hits:
        await asyncio.sleep(0)
    process.terminate()
    done = await ended(process)
    emulator.faults.script.clear()
    return done


def stalled(chunk: int = 2) -> Fault:
    """Return what lets the store fall silent at a chunk."""
    return Fault(route="put", action=Stall(), chunk_index=chunk, times=None)


def last_line(done: Ended) -> str:
    return done.err.splitlines()[-1]


@pytest.mark.parametrize("command", ["upload", "assets"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_comes_before_all_is_no_traceback(
    command: str, number: int, shell: Shell
) -> None:
    """While the command is still being imported: nothing is left to say, but the exit code."""
    early = f"""
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "cyclopts":
            os.kill(os.getpid(), {number})
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.meta_path.insert(0, Finder())
sys.argv = ["x", {command!r}]
import runpy
runpy.run_module("twelvelabs_async", run_name="__main__")
"""
    assert shell.run_python(["-W", "error", "-c", early]) == Ended(128 + number, "", "")


@pytest.mark.real_time
@pytest.mark.parametrize("options", [(), ("--no-journal",)])
async def test_a_session_that_is_being_opened_may_be_left(
    options: tuple[str, ...], shell: Shell, noise: Path
) -> None:
    """The platform has opened it, and its answer did not come: nothing else is claimed."""
    async with Emulator() as emulator:
        silence = Fault(route="create", action=Stall("after"))
        done = await interrupted(shell, emulator, silence, *options, noise)
        assert len(emulator.platform.uploads) == 1
    assert done == Ended(143, "", f"{NONE_ARRIVED}{MAY_BE_LEFT}  {noise}\n")


@pytest.mark.real_time
@pytest.mark.parametrize(("status", "may_be_left"), [(500, True), (400, False)])
async def test_a_file_that_failed_without_an_answer_may_have_left_a_session(
    status: int,
    may_be_left: bool,
    shell: Shell,
    noise: Path,
    make_sound: MakeSound,
) -> None:
    """A refusal leaves none. The exit code is the signal's, though a file failed before."""
    paths = (noise, make_sound("other.wav", 3))
    async with Emulator(chunk_size=100_000) as emulator:
        stall = emulator.faults.add(stalled())
        failure = api_error(status, "x", "No.")
        emulator.faults.add(Fault(route="create", action=failure, times=None, after=1))
        process = await shell.start_beside(emulator, "upload", "--json", *paths)
        assert process.stdout is not None
        assert b"No." in await process.stdout.readline()
        while not stall.hits:
            await asyncio.sleep(0)
        process.terminate()
        done = await ended(process)
    assert done.code == 143
    assert (MAY_BE_LEFT in done.err) == may_be_left
    assert ONE_LEFT in done.err


@pytest.mark.real_time
async def test_a_command_that_waited_for_another_process_has_left_nothing(
    shell: Shell, noise: Path
) -> None:
    """Of the other one's session, nothing is said."""
    async with Emulator(chunk_size=100_000) as emulator:
        stall = emulator.faults.add(stalled())
        other = await shell.start_beside(emulator, "upload", noise)
        while not stall.hits:
            await asyncio.sleep(0)
        waiting = await shell.start_beside(emulator, "upload", noise)
        assert waiting.stderr is not None
        async with asyncio.timeout(PATIENCE / 2):
            assert b"is already being uploaded by" in await waiting.stderr.readline()
        waiting.terminate()
        done = await ended(waiting)
        other.kill()
        await other.communicate()
    assert done == Ended(143, "", NONE_ARRIVED + NOTHING_LEFT)


@pytest.mark.real_time
async def test_without_a_journal_nobody_is_promised_to_go_on(shell: Shell, noise: Path) -> None:
    """Neither where it is not wanted, nor where it cannot be kept."""
    why = "  (the journal does not have it: another attempt begins anew)\n"
    async with Emulator(chunk_size=100_000) as emulator:
        unwanted = await interrupted(shell, emulator, stalled(), "--no-journal", noise)
        shell.state.touch()
        impossible = await interrupted(shell, emulator, stalled(), noise)
        first, second = emulator.platform.uploads
    assert unwanted == Ended(143, "", f"{NONE_ARRIVED}{ONE_LEFT}  {noise}  {first}{why}")
    assert impossible.err.startswith("warning: ")
    assert impossible.err.endswith(f"{NONE_ARRIVED}{ONE_LEFT}  {noise}  {second}{why}")


@pytest.mark.real_time
async def test_a_file_that_was_stored_whole_may_have_arrived(shell: Shell, noise: Path) -> None:
    """The report of all was taken, and its answer did not come; the same command gets the asset.

    A second signal ends the attempt to report it again.
    """
    async with Emulator(chunk_size=100_000) as emulator:
        silence = emulator.faults.add(Fault(route="report", action=Stall("after"), times=None))
        one = ("--concurrency", "1")  # at a time, so that there is one report
        process = await shell.start_beside(emulator, "upload", *one, noise)
        for hits, number in enumerate((signal.SIGTERM, signal.SIGINT), 1):
            while silence.hits < hits:
                await asyncio.sleep(0)
            process.send_signal(number)
        done = await ended(process)
        emulator.faults.script.clear()
        (upload_id,) = emulator.platform.uploads
        again = await shell.run_beside(emulator, "upload", "--json", noise)
        assert len(emulator.platform.assets) == 1
    assert done == Ended(
        143,
        "",
        f"{NONE_ARRIVED}may have arrived all the same (see twelvelabs-async assets list):\n"
        f"  {noise}  {upload_id}\n{GOES_ON}",
    )
    assert (again.code, again.err) == (0, "")
    assert again.objects[0]["upload_id"] == upload_id


@pytest.mark.real_time
async def test_the_command_for_the_rest_names_no_file_that_has_arrived(
    shell: Shell, make_sound: MakeSound
) -> None:
    """Pasted into a shell it goes on with the one, and does not send the other one again."""
    names = ("it's done.wav", "- half 'way'.wav")
    make_sound(names[0], 1)
    make_sound(names[1], 3)
    options = ("--concurrency", "1", "--metadata", "a=it's 5", "--metadata", 'b="5"', "--type")
    async with Emulator(chunk_size=100_000) as emulator:
        emulator.faults.add(fault := stalled(3))
        process = await shell.start_beside(emulator, "upload", *options, "audio", "--", *names)
        assert process.stdout is not None
        assert (await process.stdout.readline()).decode() == f"{names[0]}\n"
        while not fault.hits:
            await asyncio.sleep(0)
        process.terminate()
        done = await ended(process)
        emulator.faults.script.clear()
        assert done.code == 143
        assert f"  {names[1]}  " in done.err
        title, _, line = last_line(done).partition(": ")
        assert title == "to go on from there"
        again = await run_shell(shell, emulator, line.replace(" -- ", " --json -- "))
        assert (again.code, again.err) == (0, "")
        (told,) = again.objects
        assert (told["path"], told["resumed_chunks"]) == (names[1], 2)
        assert len(emulator.platform.uploads) == 2
        asset = emulator.platform.assets[told["asset_id"]]
        assert asset.user_metadata == {"a": "it's 5", "b": "5"}


@pytest.mark.real_time
async def test_who_restarts_is_told_not_to_restart_again(shell: Shell, noise: Path) -> None:
    """The same command would throw away what it has sent."""
    async with Emulator(chunk_size=100_000) as emulator:
        options = ("--restart", "--json", "--concurrency", "1")
        done = await interrupted(shell, emulator, stalled(), *options, noise)
        line = f"twelvelabs-async upload --json --concurrency 1 {noise}"
        assert last_line(done) == f"to go on from there: {line}"
        again = await run_shell(shell, emulator, line)
        assert len(emulator.platform.uploads) == 1
    assert again.objects[0]["resumed_chunks"] > 0


@pytest.mark.real_time
async def test_files_whose_turn_had_not_come_are_part_of_the_rest(
    shell: Shell, make_sound: MakeSound
) -> None:
    """One has arrived, as many as go at once are under way, and one has not been begun."""
    names = {make_sound(f"{number}.wav", 1).name for number in range(FILES_AT_ONCE + 2)}
    async with Emulator() as emulator:
        silence = Fault(route="create", action=Stall(), after=1, times=None)
        emulator.faults.add(silence)
        process = await shell.start_beside(emulator, "upload", *sorted(names))
        assert process.stdout is not None
        arrived = (await process.stdout.readline()).decode().strip()
        while silence.hits < FILES_AT_ONCE:
            await asyncio.sleep(0)
        process.terminate()
        done = await ended(process)
    assert done.err.startswith(f"interrupted: 1 of {len(names)} files arrived\n{MAY_BE_LEFT}")
    assert done.err.count("\n  ") == FILES_AT_ONCE
    rest = " ".join(sorted(names - {arrived}))
    assert last_line(done) == f"for the rest: twelvelabs-async upload {rest}"


LINES = [
    [],
    ["--wait", "--hls", "--thumbnail", "--timeout", "0.1", "--json"],
    ["--base-url", "http://127.0.0.1:9/a b", "--no-journal", "--concurrency", "7"],
    ["--metadata", "a=5", "--metadata", 'b="5"', "--metadata", "c=--x y", "--metadata", "d=null"],
    ["--metadata", 'e="a\\nb"', "--metadata=-f=ä", "--metadata", "g=", "--metadata", "h=1e3"],
]
FILES = [
    ["a.wav"],
    ["-a.wav", "--json"],
    ["a b.wav", "it's.wav"],
    ["\x1b[31m\n.wav", "\udcff'.wav"],
]


@pytest.mark.real_time
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("files", FILES)
async def test_the_command_to_go_on_with_means_the_same(
    line: list[str], files: list[str], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell makes the same words of it, whatever is in them, and they the same order."""
    monkeypatch.setenv("TWELVE_LABS_API_KEY", "key")
    before = parsed(["upload", *line, "--", *files])
    command = before.upload_command(before.sources)
    assert command.isprintable()
    words = bash(shell, command)
    assert words[0] == "twelvelabs-async"
    assert parsed(words[1:]) == before


def parsed(words: list[str]) -> UploadArguments:
    """Return the order that a command line gives."""
    _, bound, *_ = app.parse_args(words, exit_on_error=False, print_error=False)
    given = bound.arguments
    wait = {name: given.get(name, False) for name in ("wait", "hls", "thumbnail")}
    return UploadArguments(
        files=given.get("files", []),
        urls=given.get("urls") or [],
        file_type=given.get("type_"),
        filename=given.get("filename"),
        concurrency=given.get("concurrency", 5),
        hls=wait["hls"],
        thumbnail=wait["thumbnail"],
        metadata=parse_metadata(given.get("metadata") or []),
        wait=chosen_wait(**wait, timeout=given.get("timeout")),
        base_url=given.get("base_url"),
        emulated=False,
        journaled=not given.get("no_journal", False),
        as_json=given.get("json", False),
    )


def bash(shell: Shell, line: str) -> list[str]:
    """Return the words that a shell makes of a line."""
    code = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    command = f"{shlex.join([sys.executable, '-c', code])} {line}"
    done = subprocess.run(  # noqa: S603 - our own command
        ["/bin/bash", "-c", command], cwd=shell.directory, capture_output=True, check=True
    )
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")]
