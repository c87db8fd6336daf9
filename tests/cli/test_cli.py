"""The real command, in a process of its own, over real sockets, with a real sound file."""

import asyncio
import hashlib
import io
import json
import logging
import os
import re
import shlex
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.cli import (
    ESCAPE,
    PATIENCE,
    Ended,
    Shell,
    end,
    ended,
    ends_at,
    first_line,
    on_terminal,
    posix,
    run_on_terminal,
    wait_for_rows,
    wait_for_screen,
)

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._cli.bars import SPARE_COLUMNS, Bar, Bars, bars_of
from twelvelabs_async._cli.emulate import parse_size
from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.log_display import notices
from twelvelabs_async._cli.output import plain
from twelvelabs_async._cli.upload import FILES_AT_ONCE
from twelvelabs_async._cli.verify_served import CheckFailedError, check_served
from twelvelabs_async._core.threads import Threads
from twelvelabs_async.emulator import Cut, Emulator, Fault, Rewrite, Stall

if sys.platform != "win32":
    import termios

SECRET = "tlk_0SECRET0SECRET0"
SIGNALS = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    SIGNALS.append(signal.SIGHUP)
SPARSE = 2**33
"""Bytes of a file that takes no room, and too long to upload for any test to see the end."""


def take(console: Console) -> str:
    """Return what was written to a console of the test's own, and forget it."""
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    console.file.truncate(0)
    console.file.seek(0)
    return text


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def change_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.fixture(autouse=True)
def hangups() -> Generator[None, None, None]:
    """Let commands hear SIGHUP even where the tests run under nohup: what is handled is reset."""
    if sys.platform == "win32":
        yield
        return

    def handle(*_: object) -> None:
        """Stay."""

    before = signal.signal(signal.SIGHUP, handle)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """Return a file that no test sees the end of."""
    path = tmp_path / "endless.wav"
    with path.open("wb") as file:
        file.truncate(SPARSE)
    return path


def test_a_file_goes_to_the_embedded_emulator_and_comes_back(shell: Shell, noise: Path) -> None:
    """People read what became of the file, its digest, and that nothing left the machine."""
    ended = shell.run("upload", "--emulator", noise.name)
    assert (ended.code, ended.err) == (0, "")
    pattern = rf"""
noise\.wav
  asset    [0-9a-f]{{24}}
  URL      http://127\.0\.0\.1:\d+/assets/[0-9a-f]{{24}}/noise\.wav
  sent     264\.6 kB in 5 chunks, \d+\.\d\d s, [\d.]+ [kM]B/s
  SHA-256  {sha256(noise)}
  checked  equal: the URL serves the file byte for byte
This was the embedded emulator: nothing left this machine, .*
"""
    assert re.fullmatch(pattern.lstrip(), ended.out)
    assert list(shell.temporary.iterdir()) == []


def test_json_is_one_object_a_file_and_nothing_else(
    shell: Shell, make_sound: Callable[[str, float], Path]
) -> None:
    """With --json, standard output is for machines and whatever people should know is elsewhere."""
    paths = [make_sound(f"{number}.wav", number) for number in (1, 2, 3)]
    ended = shell.run("upload", "--emulator", "--json", *paths)
    assert ended.code == 0
    assert "nothing left this machine" in ended.err
    told = {each["path"]: each for each in ended.objects}
    assert set(told) == {str(path) for path in paths}
    for path in paths:
        one = told[str(path)]
        assert list(one) == [
            "path", "asset_id", "asset_url", "upload_id", "total_size", "total_chunks",
            "resumed_chunks", "seconds", "sha256", "verified",
        ]  # fmt: skip
        assert one["sha256"] == sha256(path)
        assert one["verified"] is True
        assert (one["total_size"], one["total_chunks"]) == (
            path.stat().st_size,
            -(-path.stat().st_size // 65536),
        )
        assert one["seconds"] >= 0


@pytest.mark.parametrize("missing", ["missing.wav", "missing", "folder.wav", "folder"])
def test_a_missing_file_does_not_stop_the_others(shell: Shell, noise: Path, missing: str) -> None:
    """What is no file is a failed upload, whatever its name; the rest arrives; exit code 1."""
    if missing.startswith("folder"):
        (shell.directory / missing).mkdir()
    ended = shell.run("upload", "--emulator", "--json", missing, noise.name)
    assert ended.code == 1
    told = {each["path"]: each for each in ended.objects}
    assert told[noise.name]["verified"] is True
    assert set(told[missing]) == {"path", "error", "upload_id"}
    assert told[missing]["upload_id"] is None
    assert re.search(f"there is no file {missing}|{missing} is a directory", ended.err)


def test_every_failed_file_is_told_of(shell: Shell) -> None:
    """Each failure has its own line on standard error, and people's standard output stays clean."""
    ended = shell.run("upload", "--emulator", "a.wav", "b.wav")
    assert ended.code == 1
    assert sorted(ended.err.splitlines()) == [
        f"error: {name}.wav was not uploaded: there is no file {name}.wav" for name in "ab"
    ]
    assert ended.out == ""


@pytest.mark.parametrize("arguments", [["--emulator"], ["--emulator", "--json"]])
def test_an_empty_name_is_told_as_one(arguments: list[str], shell: Shell) -> None:
    """A variable that is not set: the message does not begin with a blank; exit code 2."""
    ended = shell.run("upload", *arguments, "")
    assert ended.code == 2
    assert ended.err == (
        "error: '' was not uploaded: FILE is an empty string (is the variable set?)\n"
    )


@posix
@pytest.mark.parametrize("bad", ["missing.wav", "noise", "empty.wav", "folder", ""])
def test_a_bad_file_is_told_of_before_others_have_had_their_turn(
    bad: str, shell: Shell, noise: Path, endless: Path
) -> None:
    """Every file is looked at first: a typo is not found out after hours."""
    noise.rename(shell.directory / "noise")
    (shell.directory / "empty.wav").touch()
    (shell.directory / "folder").mkdir()
    files = [endless] * (FILES_AT_ONCE + 1)
    with shell.start("upload", "--emulator", "--json", *files, bad) as process:
        told = json.loads(first_line(process))
        end(process, signal.SIGTERM)
    assert told["path"] == bad
    assert told["error"].startswith(f"{bad or repr(bad)} was not uploaded: ")


def test_a_file_whose_name_tells_no_type_needs_one(shell: Shell, noise: Path) -> None:
    """Without --type it is wrong usage, told in the command's own words; with it, it arrives."""
    noise.rename(shell.directory / "noise")
    without = shell.run("upload", "--emulator", "noise")
    assert (without.code, without.err.count("\n")) == (2, 1)
    assert "pass --type" in without.err
    given = shell.run("upload", "--emulator", "--type", "audio", "noise")
    assert (given.code, given.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["upload"], "FILE"),
        (["upload", "--emulator", "--type", "film", "noise.wav"], "film"),
        (["upload", "--emulator", "--concurrency", "0", "noise.wav"], "concurrency"),
        (["upload", "--emulator", "--concurrency", "many", "noise.wav"], "concurrency"),
        (["upload", "--emulator", "--speed", "9", "noise.wav"], "--speed"),
        (["upload", "--emulator", "--filename", "a.wav", "noise.wav", "noise.wav"], "--filename"),
        (["upload", "--emulator", "--base-url", "http://127.0.0.1:9", "noise.wav"], "--base-url"),
        (["upload", "noise.wav"], "set TWELVE_LABS_API_KEY, or try --emulator"),
        (["upload", "--api-key", "key", "noise.wav"], "--api-key"),
        (["emulator", "--chunk-size", "0"], "chunk-size"),
        (["emulator", "--chunk-size", "5 parsecs"], "chunk-size"),
        (["emulator", "--host", "192.0.2.1"], "--host"),
        (["emulator", "--host", "nowhere"], "--host"),
        (["emulator", "--port", "65536"], "port"),
        (["emulator", "--api-key", ""], "--api-key"),
        (["download"], "download"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], told: str, shell: Shell, noise: Path
) -> None:
    """Whatever is wrong with a command line: one line that names it, and nothing was done."""
    assert noise.exists()
    ended = shell.run(*arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("error: ")
    assert told in ended.err


@pytest.mark.parametrize("url", ["platform", "ftp://platform", "http://user:word@platform"])
def test_a_base_url_that_is_none_is_wrong_usage(url: str, shell: Shell, noise: Path) -> None:
    """The client cannot be made: exit code 2, and neither key nor password is shown."""
    ended = shell.run("upload", "--base-url", url, noise, TWELVE_LABS_API_KEY=SECRET)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "base URL" in ended.err
    assert not re.search(f"{SECRET}|word", ended.err)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_short_and_has_an_example(flag: str, shell: Shell) -> None:
    """A newcomer sees what to type, where the key comes from, and what exit codes mean."""
    ended = shell.run(flag)
    assert (ended.code, ended.err) == (0, "")
    keys = ("TWELVE_LABS_API_KEY", "TWELVELABS_API_KEY")
    for phrase in ("upload --emulator clip.mp4", *keys, "history", "130", "143"):
        assert phrase in ended.out
    assert all(key in shell.run("upload", flag).out for key in keys)
    for command in ("upload", "emulator"):
        told = shell.run(command, flag)
        assert told.code == 0
        assert f"\n    twelvelabs-async {command} --" in told.out
        assert len(told.out.splitlines()) < 48


def test_help_of_the_emulator_tells_what_a_client_must_send(shell: Shell) -> None:
    """Who points another client at it sees why a PUT may be refused; a size is called so."""
    told = shell.run("emulator", "--help")
    for phrase in ("upload_headers", "official SDK", "--no-upload-headers", "--chunk-size SIZE"):
        assert phrase in told.out


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["--emulator", "big film.mp4"], "upload --emulator 'big film.mp4'"),
        (["big.mp4"], "upload big.mp4"),
        (["notes.pdf"], "upload notes.pdf"),
        (["http://host/big.mp4"], "upload --url http://host/big.mp4"),
        (["noise.wav", "--json"], "upload noise.wav --json"),
        (["./noise"], "upload ./noise"),
        (["download"], None),
        (["download", "noise.wav"], None),
        (["--verison"], None),
    ],
)
def test_a_file_without_a_command_is_meant_to_be_uploaded(
    arguments: list[str], meant: str | None, shell: Shell, noise: Path
) -> None:
    """Where a FILE stands in a command's place, the line to type is suggested."""
    noise.rename(shell.directory / "noise")
    ended = shell.run(*arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ("did you mean: twelvelabs-async upload" in ended.err) == (meant is not None)
    assert meant is None or f"did you mean: twelvelabs-async {meant} (" in ended.err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["--json", "upload", "noise.wav"], "upload --json noise.wav"),
        (["--emulator", "--json", "upload", "a b.wav"], "upload --emulator --json 'a b.wav'"),
        (["--concurrency", "3", "upload", "noise.wav"], "upload --concurrency 3 noise.wav"),
        (["--", "upload", "noise.wav"], "upload -- noise.wav"),
        (["noise.wav", "upload"], "upload noise.wav"),
        (["upload noise.wav"], "upload noise.wav"),
        (["--json", "assets", "list"], "assets list --json"),
        (["assets", "--json", "list"], "assets list --json"),
        (["assets list", "--json"], "assets list --json"),
        (["--wait", "assets", "list", "noise.wav"], None),
        (["--wait", "upload", "--no-such-option", "noise.wav"], None),
        (["assets", "noise.wav"], None),
    ],
)
def test_a_suggestion_never_repeats_the_words_that_were_wrong(
    arguments: list[str], meant: str | None, shell: Shell
) -> None:
    """Only another line is suggested, one that can be parsed, and no command in it is a FILE."""
    ended = shell.run(*arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert (
        "did you mean: " not in ended.err
        if meant is None
        else (f"; did you mean: twelvelabs-async {meant} (see --help" in ended.err)
    )


def test_version_is_that_of_the_package(shell: Shell) -> None:
    """--version says what is installed."""
    ended = shell.run("--version")
    assert ended.code == 0
    assert re.fullmatch(r"twelvelabs-async \d+\.\d+\S*\n", ended.out)


@pytest.mark.parametrize("module", ["cyclopts", "rich"])
def test_without_the_extra_it_says_what_to_install(module: str, shell: Shell) -> None:
    """The library alone has no command line: one line says how to get it, and the code is 2."""
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from twelvelabs_async.__main__ import main; sys.exit(main())"
    )
    ended = shell.run_python(["-c", code])
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "pip install 'twelvelabs-async[cli]'" in ended.err


@pytest.mark.real_time
async def test_a_file_goes_to_the_platform_that_the_environment_names(
    shell: Shell, noise: Path
) -> None:
    """Without --emulator nothing is compared and no emulator is mentioned; options reach it."""
    async with Emulator(chunk_size=50_000) as emulator:
        arguments = ("--filename", "other.wav", "--type", "video", "--concurrency", "1")
        ended = await shell.run_beside(emulator, "upload", "--json", *arguments, noise)
        (told,) = ended.objects
        assert (ended.code, ended.err) == (0, "")
        assert list(told)[-1] == "seconds"
        assert told["total_chunks"] == 6
        assert await emulator.sha256(told["asset_id"]) == sha256(noise)
        upload = emulator.platform.uploads[told["upload_id"]]
        assert (upload.filename, upload.kind) == ("other.wav", "video")
        assert emulator.connections("store") == 1


@pytest.mark.real_time
async def test_a_key_that_is_refused_is_not_shown(shell: Shell, noise: Path) -> None:
    """An error of the platform is one line without a traceback and without the key: exit code 1."""
    async with Emulator() as emulator:
        ended = await shell.run_beside(
            emulator, "upload", "--json", noise, TWELVE_LABS_API_KEY=SECRET
        )
        assert (ended.code, ended.err.count("\n")) == (1, 1)
        assert "does not accept the API key" in ended.objects[0]["error"]
        assert SECRET not in ended.out + ended.err
        assert len(emulator.requests) == 1


@pytest.mark.real_time
async def test_with_emulator_nothing_goes_where_the_environment_says(
    shell: Shell, noise: Path
) -> None:
    """--emulator sends neither key nor file to the base URL or the proxy that are set."""
    async with Emulator() as elsewhere:
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), elsewhere.store_url)
        ended = await shell.run_beside(
            elsewhere, "upload", "--emulator", noise, TWELVE_LABS_API_KEY=SECRET, **proxies
        )
        assert (ended.code, ended.err) == (0, "")
        assert SECRET not in ended.out
        assert elsewhere.connections("api") == elsewhere.connections("store") == 0


@pytest.mark.real_time
async def test_without_emulator_proxies_of_the_environment_are_used(
    shell: Shell, noise: Path
) -> None:
    """Behind a proxy, the command works as others do."""
    async with Emulator() as proxy:
        ended = await shell.run_beside(
            proxy,
            "upload",
            noise,
            TWELVELABS_BASE_URL="http://platform.invalid",
            http_proxy=proxy.base_url,
        )
        assert ended.code == 1
        assert proxy.connections("api") == 1


@posix
def test_a_terminal_shows_a_bar_for_each_file(
    shell: Shell, make_sound: Callable[[str, float], Path]
) -> None:
    """Bars are on standard error, with name, bytes of total and speed; the cursor comes back."""
    for name in ("one.wav", "[red]two.wav"):
        make_sound(name, 2)
    ended = run_on_terminal(shell, "upload", "--emulator", "one.wav", "[red]two.wav")
    assert ended.code == 0
    assert "one.wav" in ended.err
    assert "[red]two.wav" in ended.err
    assert "━" in ended.err
    assert re.search(r"176\.4/176\.4 kB", ended.err)
    assert ESCAPE not in ended.out
    hide, show = f"{ESCAPE}[?25l", f"{ESCAPE}[?25h"
    assert ended.err.rindex(show) > ended.err.rindex(hide)


@posix
def test_bars_leave_room_for_what_the_terminal_echoes(shell: Shell, endless: Path) -> None:
    """A ``^C`` after a bar must not wrap, or the bar would stay; so also after a resize."""
    with on_terminal(shell, "upload", "--emulator", endless) as (process, master):
        for columns in (100, 70):
            termios.tcsetwinsize(master, (24, columns))
            wait_for_rows(master, ends_at(columns - SPARE_COLUMNS))
        process.send_signal(signal.SIGINT)
        screen = wait_for_screen(master)
        assert process.wait(PATIENCE) == 130
    assert "\rinterrupted: 0 of 1 file arrived\r\n" in screen


@posix
def test_no_row_of_a_bar_fills_the_screen(shell: Shell, noise: Path) -> None:
    """Not a single one, from the first to the last."""
    screen = run_on_terminal(shell, "upload", "--emulator", noise.name, COLUMNS="80").err
    rows = re.split(r"[\r\n]+", re.sub(rf"{ESCAPE}\[[\d;?]*[A-Za-z]", "", screen))
    assert max(map(len, rows)) == 80 - SPARE_COLUMNS


@posix
@pytest.mark.parametrize("command", ["upload", "emulator"])
def test_a_terminal_that_is_closed_leaves_nothing(
    command: str, shell: Shell, endless: Path
) -> None:
    """Its window is closed: nobody can be told, SIGHUP comes, and the copies are removed."""
    arguments = ["upload", "--emulator", endless] if command == "upload" else ["emulator"]
    with on_terminal(shell, *arguments) as (process, master):
        if command == "upload":
            wait_for_rows(master, lambda rows: any("endless" in row for row in rows))
        else:
            assert process.stdout.readline()
        assert list(shell.temporary.iterdir())
        os.close(master)
        process.stdout.close()
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE) == (129 if command == "upload" else 0)
    assert list(shell.temporary.iterdir()) == []


@posix
def test_a_command_under_nohup_lives_on(shell: Shell, noise: Path) -> None:
    """What was told to ignore SIGHUP goes on when the terminal is closed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which a process hands on to its children
    with shell.start("emulator", "--json") as process:
        place = json.loads(first_line(process))
        process.send_signal(signal.SIGHUP)
        names = {"TWELVELABS_BASE_URL": place["base_url"], "TWELVE_LABS_API_KEY": place["api_key"]}
        assert shell.run("upload", noise, **names).code == 0
        assert end(process, signal.SIGTERM).code == 0


@posix
def test_the_emulator_command_says_on_a_terminal_that_it_has_stopped(shell: Shell) -> None:
    """The prompt that follows stands on a line of its own, and not behind ``^C``."""
    with on_terminal(shell, "emulator") as (process, master):
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert wait_for_screen(master) == "\rstopped\r\n"
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_stream_that_was_closed_before_is_not_the_other_one(
    stream: str, shell: Shell, noise: Path
) -> None:
    """Standard output gets results only, and results that cannot be written are an error."""
    code = (
        "import os, runpy, sys\n"
        f"os.close({stream}); sys.{'stdout' if stream == '1' else 'stderr'} = None\n"
        f"sys.argv = ['x', 'upload', '--emulator', '--json', {noise.name!r}, 'missing.wav']\n"
        "runpy.run_module('twelvelabs_async', run_name='__main__')"
    )
    ended = shell.run_python(["-c", code])
    assert ended.code == 1
    if stream == "1":
        assert ended.err.endswith("error: cannot write the results: it is closed\n")
    else:
        assert len(ended.objects) == 2


def test_warnings_of_the_library_are_lines_of_their_own(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A bar that stands still has its reason above it; what is no warning is not shown."""
    logger = logging.getLogger("twelvelabs_async")
    caplog.set_level(logging.INFO, logger.name)
    with Bars() as bars, notices(bars):
        logger.warning("upload %s: waiting for the network\n", 7)
        logger.info("upload 7: retrying")
    assert capsys.readouterr() == ("", "upload 7: waiting for the network\\n\n")
    assert not logger.handlers


@pytest.mark.real_time
async def test_a_network_that_is_gone_and_comes_back_is_told_of(shell: Shell, noise: Path) -> None:
    """Whoever looks at a bar that stands still sees why, and when it goes on."""
    async with Emulator(chunk_size=100_000) as emulator:
        lost = Fault(
            route="put", action=Cut(), chunk_index=2, times=2
        )  # an old connection, and a new
        emulator.faults.add(lost)
        ended = await shell.run_beside(emulator, "upload", "--concurrency", "1", noise)
        (upload_id,) = emulator.platform.uploads
    waiting, back = ended.err.splitlines()
    assert ended.code == 0
    assert waiting.startswith(f"upload {upload_id}: waiting for the network")
    assert back == f"upload {upload_id}: the network is back"


def test_a_bar_that_begins_again_shows_no_time_of_before() -> None:
    """What was left of the upload says nothing of the check."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    progress = bars_of(console)
    bar = Bar(progress, progress.add_task("x", total=None))
    bar.move(5, 5)
    console.print(progress)
    assert "0:00:00" in take(console)
    bar.begin_again("checking x")
    console.print(progress)
    assert "0:00:00" not in take(console)


@posix
@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_that_cannot_move_its_cursor_shows_none(
    variables: dict[str, str], shell: Shell, noise: Path
) -> None:
    """Where a bar cannot be redrawn there is none."""
    ended = run_on_terminal(shell, "upload", "--emulator", noise.name, **variables)
    assert (ended.code, ended.err) == (0, "")


def test_off_the_terminal_there_is_no_bar(shell: Shell, noise: Path) -> None:
    """A log file gets no bars and no control characters, even where colours are forced."""
    ended = shell.run("upload", "--emulator", noise.name, FORCE_COLOR="1", TTY_COMPATIBLE="1")
    assert (ended.code, ended.err) == (0, "")
    assert ESCAPE not in ended.out


@posix
def test_names_cannot_write_on_the_terminal(shell: Shell, noise: Path) -> None:
    """Control characters of a name, and bytes that are no letters, are escaped."""
    noise.rename(shell.directory / f"a{ESCAPE}[31m.wav")
    ended = shell.run("upload", "--emulator", f"a{ESCAPE}[31m.wav")
    assert ended.code == 0
    assert ended.out.startswith("a\\x1b[31m.wav\n")
    assert plain("tab\there \udcff é") == "tab\\there \\udcff é"


@posix
@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupted_upload_to_the_emulator_leaves_nothing(
    number: int, shell: Shell, noise: Path, endless: Path
) -> None:
    """Any signal: its exit code, one line, no traceback, and the copies are removed."""
    with shell.start("upload", "--emulator", "--json", noise, endless) as process:
        arrived = json.loads(first_line(process))
        assert list(shell.temporary.iterdir())
        ended = end(process, number)
    assert arrived["path"] == str(noise)
    assert ended.code == 128 + number
    assert ended.err == (
        "interrupted: 1 of 2 files arrived\n"
        "the embedded emulator has stopped; its assets are deleted\n"
    )
    assert [each["error"] for each in ended.objects] == ["interrupted"]
    assert list(shell.temporary.iterdir()) == []


@posix
@pytest.mark.real_time
@pytest.mark.parametrize("number", SIGNALS)
async def test_an_interrupted_upload_names_the_session_that_is_left(
    number: int, shell: Shell, noise: Path
) -> None:
    """A line for each session that stays on the platform; machines read it from JSON."""
    asked = asyncio.Event()

    def notice(payload: dict[str, Any]) -> dict[str, Any]:
        asked.set()
        return payload

    async with Emulator(chunk_size=50_000, initial_urls=1) as emulator:
        emulator.faults.add(Fault(route="presigned_urls", action=Rewrite(notice)))
        emulator.faults.add(Fault(route="put", action=Stall(), chunk_index=2, times=None))
        process = await shell.start_beside(emulator, "upload", "--json", noise)
        await asked.wait()
        process.send_signal(number)
        done = await ended(process)
        (upload_id,) = emulator.platform.uploads
    assert done.code == 128 + number
    assert done.err == (
        "interrupted: 0 of 1 file arrived\n"
        "1 upload session is left on the platform, for 24 hours at most:\n"
        f"  {noise}  {upload_id}\n"
        "the same command goes on from there\n"
    )
    assert done.objects == [{"path": str(noise), "error": "interrupted", "upload_id": upload_id}]


@posix
@pytest.mark.real_time
async def test_the_same_command_goes_on_after_a_kill(shell: Shell, noise: Path) -> None:
    """What was stored is not sent again; with ``--restart`` or ``--no-journal``, it is."""
    async with Emulator(chunk_size=10_000) as emulator:
        for options, sessions in (((), 1), (("--restart",), 2), (("--no-journal",), 2)):
            emulator.faults.script.clear()
            before = len(emulator.platform.uploads)
            stall = emulator.faults.add(Fault(route="put", action=Stall(), chunk_index=5))
            command = ("upload", "--json", "--concurrency", "1", noise)
            process = await shell.start_beside(emulator, *command)
            while not stall.hits:
                await asyncio.sleep(0)
            process.kill()
            await process.communicate()
            done = await ended(await shell.start_beside(emulator, *command, *options))
            (result,) = done.objects
            assert done.code == 0
            assert result["resumed_chunks"] == (4 if sessions == 1 else 0)
            assert len(emulator.platform.uploads) - before == sessions
            assert await emulator.sha256(result["asset_id"]) == sha256(noise)


async def test_a_second_interruption_ends_what_the_first_one_began() -> None:
    """Work that takes its time to end is cancelled again; work that starts late is, at once."""
    ending, interrupts = asyncio.Event(), Interrupts()

    async def reluctant() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ending.set()
            await asyncio.Event().wait()

    started = interrupts.start(reluctant())
    asyncio.get_running_loop().call_soon(interrupts.interrupt)
    await interrupts.wait()
    await ending.wait()
    interrupts.interrupt()
    late = interrupts.start(reluctant())
    await asyncio.wait({started, late}, timeout=PATIENCE)
    assert started.cancelled()
    assert late.cancelled()


@posix
@pytest.mark.parametrize("number", SIGNALS)
def test_the_emulator_command_serves_an_upload(number: int, shell: Shell, noise: Path) -> None:
    """Its JSON is enough to use it from another process; a signal ends it, without a trace."""
    with shell.start("emulator", "--json", "--chunk-size", "64KiB") as process:
        place = json.loads(first_line(process))
        assert list(place) == ["base_url", "store_url", "api_key"]
        uploaded = shell.run(
            "upload",
            "--json",
            noise,
            TWELVELABS_BASE_URL=place["base_url"],
            TWELVE_LABS_API_KEY=place["api_key"],
        )
        (told,) = uploaded.objects
        assert (uploaded.code, uploaded.err, told["total_chunks"]) == (0, "", 5)
        assert told["asset_url"].startswith(place["store_url"])
        with urllib.request.urlopen(told["asset_url"]) as served:  # noqa: S310 - it is our own
            assert served.read() == noise.read_bytes()
        done = end(process, number)
    assert done == Ended(0, "", "stopped\n")
    assert list(shell.temporary.iterdir()) == []


@posix
def test_the_emulator_command_tells_people_what_to_export(shell: Shell, noise: Path) -> None:
    """The two lines can be pasted into another terminal, whatever the key."""
    key = "it's a 'key'"
    with shell.start("emulator", "--api-key", key) as process:
        assert process.stdout is not None
        exports: dict[str, str] = {}
        while len(exports) < 2:
            words = shlex.split(line) if "export" in (line := process.stdout.readline()) else []
            for word in words[1:]:
                name, _, value = word.partition("=")
                exports[name] = value
        assert exports["TWELVE_LABS_API_KEY"] == key
        assert shell.run("upload", noise, **exports).code == 0
        assert end(process, signal.SIGINT).code == 0


@posix
@pytest.mark.real_time
async def test_the_emulator_command_asks_for_no_headers_if_told_so(shell: Shell) -> None:
    """Clients that send none can use it."""
    for arguments, asked in (
        ([], {"Content-Type", "x-amz-meta-upload-id"}),
        (["--no-upload-headers"], set[str]()),
    ):
        with shell.start("emulator", "--json", *arguments) as process:
            place = json.loads(first_line(process))
            async with AsyncTwelveLabs(place["api_key"], place["base_url"]) as client:
                session = await client.multipart_upload.create(
                    filename="a.wav", type="audio", total_size=1
                )
            assert set(session.upload_headers) == asked
            assert end(process, signal.SIGTERM).code == 0


@posix
def test_the_emulator_command_keeps_what_it_is_told_to_keep(shell: Shell, noise: Path) -> None:
    """A directory that the user named is made, and is there afterwards with what was sent."""
    kept = shell.directory / "a" / "b"
    with shell.start("emulator", "--json", "--data-dir", kept) as process:
        place = json.loads(first_line(process))
        names = {"TWELVELABS_BASE_URL": place["base_url"], "TWELVE_LABS_API_KEY": place["api_key"]}
        (told,) = shell.run("upload", "--json", noise, **names).objects
        assert end(process, signal.SIGINT).code == 0
    assert (kept / told["upload_id"] / "1").read_bytes() == noise.read_bytes()


def test_a_port_in_use_is_one_line(shell: Shell) -> None:
    """The emulator cannot listen: exit code 1, and no temporary directory stays."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = shell.run("emulator", "--port", str(port))
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert f"cannot serve at 127.0.0.1:{port}: " in ended.err
    assert list(shell.temporary.iterdir()) == []


def test_a_data_directory_that_is_a_file_is_one_line(shell: Shell, noise: Path) -> None:
    """The emulator cannot keep anything: it says so at once, and not when the first chunk comes."""
    ended = shell.run("emulator", "--data-dir", noise)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("command", ["upload", "emulator"])
def test_a_reader_that_left_is_one_line(command: str, shell: Shell, noise: Path) -> None:
    """Results that cannot be written are an error, without a traceback, and nothing stays."""
    arguments = ["upload", "--emulator", noise] if command == "upload" else ["emulator"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with shell.start(*arguments, stdout=writing) as process:
            _, err = process.communicate(timeout=PATIENCE)
    finally:
        os.close(writing)
    assert (process.returncode, err.count("\n")) == (1, 1)
    assert "cannot write the results" in err
    assert list(shell.temporary.iterdir()) == []


async def test_an_asset_that_is_not_the_file_is_found_out(
    emulator: Emulator, client: AsyncTwelveLabs, noise: Path
) -> None:
    """The comparison compares: one byte makes a difference, and so does an asset that is gone."""
    result = await client.multipart_upload.upload_file(noise)
    assert result.asset_url is not None
    came, threads = list[int](), Threads()
    digest = await check_served(str(noise), result.asset_url, came.append, threads)
    assert digest == sha256(noise)
    assert sum(came) == result.total_size
    change_last_byte(noise)
    with pytest.raises(CheckFailedError, match="is not the file"):
        await check_served(str(noise), result.asset_url, came.append, threads)
    with pytest.raises(CheckFailedError, match="404"):
        await check_served(str(noise), f"{emulator.store_url}/assets/gone/x", came.append, threads)
    with pytest.raises(CheckFailedError, match="cannot be compared"):
        await check_served(f"{noise}.gone", result.asset_url, came.append, threads)


@posix
@pytest.mark.real_time
async def test_file_and_asset_are_read_side_by_side(
    tmp_path: Path, make_sound: Callable[[str, float], Path]
) -> None:
    """The first bytes are told of while the file's last ones have not been read."""
    sound, pipe, moved = make_sound("long.wav", 30), tmp_path / "pipe", asyncio.Event()
    os.mkfifo(pipe)
    async with (
        Emulator() as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        url = (await client.multipart_upload.upload_file(sound)).asset_url
        assert url is not None
        checking = asyncio.create_task(
            check_served(str(pipe), url, lambda _: moved.set(), Threads())
        )
        with await asyncio.to_thread(pipe.open, "wb", 0) as writer:
            content = await asyncio.to_thread(sound.read_bytes)
            await asyncio.to_thread(writer.write, content[:-1])
            try:
                async with asyncio.timeout(PATIENCE / 6):
                    await moved.wait()
            finally:
                writer.write(content[-1:])
        assert await checking == sha256(sound)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("5242880", 5 * 2**20), ("5MiB", 5 * 2**20), ("5 mb", 5_000_000), ("2GiB", 2**31)],
)
def test_sizes_are_bytes_or_have_a_unit(text: str, size: int) -> None:
    """Sizes are read as people write them."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5MiB", "MiB", "5 parsecs", "0x10", "\u0665"])
def test_other_sizes_are_refused(text: str) -> None:
    """What is no size is not guessed at."""
    with pytest.raises(ValueError, match="such as"):
        parse_size(text)
