"""``upload -``: standard input, from real pipes and files, with ``--size`` and without."""

import asyncio
import random
import subprocess
from pathlib import Path

import pytest
from support.assets import read_asset
from support.cli import COMMAND, Ended, Shell, ended, posix

from twelvelabs_async.emulator import Emulator

CHUNK = 50_000
DATA = random.Random(8).randbytes(5 * CHUNK + 1)

pytestmark = [posix, pytest.mark.real_time]


async def upload(
    shell: Shell, emulator: Emulator, *options: str, data: bytes = DATA, name: str = "a.mp4"
) -> Ended:
    """Upload what comes through a pipe."""
    process = await shell.start_beside(
        emulator, "upload", "--json", "--filename", name, *options, "-", stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.close()
    return await ended(process)


async def test_a_pipe_of_known_size_goes_in_chunks_while_it_comes(shell: Shell) -> None:
    """The first chunk has arrived before the last bytes are written; nothing is recorded."""
    async with Emulator(chunk_size=CHUNK) as emulator:
        options = ("--json", "--filename", "a.mp4", "--size", str(len(DATA)))
        process = await shell.start_beside(emulator, "upload", *options, "-", stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(DATA[: 2 * CHUNK])
        while not emulator.count("put"):
            await asyncio.sleep(0.01)
        process.stdin.write(DATA[2 * CHUNK :])
        process.stdin.close()
        done = await ended(process)
        (told,) = done.objects
        assert await read_asset(emulator, told["asset_id"]) == DATA
        assert (emulator.count("create"), emulator.count("put")) == (1, 6)
    assert (done.code, done.err) == (0, "")
    assert (told["path"], told["total_size"], told["total_chunks"]) == ("-", len(DATA), 6)
    assert [path for path in shell.state.rglob("*") if "lease" in path.name] == []


@pytest.mark.parametrize(("name", "chunks"), [("a.mp4", 6), ("notes.txt", 0)])
async def test_a_pipe_of_unknown_size_is_read_to_its_end_first(
    name: str, chunks: int, shell: Shell
) -> None:
    async with Emulator(chunk_size=CHUNK) as emulator:
        data = DATA if chunks else b"notes"
        done = await upload(shell, emulator, data=data, name=name)
        (told,) = done.objects
        assert (done.code, done.err, emulator.count("put")) == (0, "", chunks)
        assert await read_asset(emulator, told["asset_id"]) == data


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (len(DATA) + 1, f"a.mp4 ended after {len(DATA)} of {len(DATA) + 1} bytes, the given size"),
        (len(DATA) - 1, f"a.mp4 has more than {len(DATA) - 1} bytes, the given size"),
    ],
)
async def test_a_pipe_of_another_size_makes_no_asset(size: int, reason: str, shell: Shell) -> None:
    """Exit code 1, and one line that says why."""
    async with Emulator(chunk_size=CHUNK) as emulator:
        done = await upload(shell, emulator, "--size", str(size))
        assert all(asset.received_at is None for asset in emulator.platform.assets.values())
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert reason in done.err
    assert reason in done.objects[0]["error"]


@pytest.mark.parametrize("redirected", [True, False])
async def test_a_file_of_another_size_is_wrong_usage(
    shell: Shell, noise: Path, *, redirected: bool
) -> None:
    """Whether it is named or redirected; of its own size it is uploaded."""
    size = len(await asyncio.to_thread(noise.read_bytes))
    async with Emulator() as emulator:
        for given, code in ((size - 1, 2), (size, 0)):
            with noise.open("rb") as file:
                process = await shell.start_beside(
                    emulator,
                    *("upload", "--filename", "a.wav", "--size", str(given)),
                    "-" if redirected else noise,
                    stdin=file,
                )
                done = await ended(process)
            assert done.code == code, done.err
            assert emulator.count("create") == (code == 0)
            if code:
                assert f"--size is {given}, and " in done.err
                assert f" has {size} bytes" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "5", "a.mp4", "b.mp4"], "--size is for one FILE"),
        (["--size", "5", "--url", "http://a/b.mp4"], "--size is for one FILE"),
        (["--size", "0", "a.mp4"], "--size"),
        (["--size", "-1", "a.mp4"], "--size"),
        (["--size", "1.5", "a.mp4"], "--size"),
        (["--size", "much", "a.mp4"], "--size"),
        (["-"], "- is standard input, which has no name: pass --filename"),
        (["-", "-"], "- is standard input, which has no name: pass --filename"),
    ],
)
def test_what_can_never_be_right_is_wrong_usage(
    arguments: list[str], said: str, shell: Shell
) -> None:
    done = shell.run("upload", "--emulator", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


async def test_what_is_closed_or_empty_is_refused(shell: Shell) -> None:
    async with Emulator() as emulator:
        empty = await upload(shell, emulator, data=b"")
        closed = await shell.run_beside(
            emulator, "upload", "--filename", "a.mp4", "-", before="import sys; sys.stdin = None"
        )
        assert emulator.requests == []
    assert (empty.code, "a.mp4 is empty" in empty.err) == (1, True)
    assert (closed.code, "FILE is standard input, which is closed" in closed.err) == (2, True)


def test_the_embedded_emulator_takes_it_without_comparing(shell: Shell) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, "upload", "--emulator", "--filename", "a.mp4", "-"],
        cwd=shell.directory,
        env=shell.environment({}),
        input=DATA,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"asset" in done.stdout
    assert b"SHA-256" not in done.stdout
