"""``upload`` beyond files in chunks: URLs, documents, metadata, and waiting."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cli import Shell, ended, posix
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

from twelvelabs_async import AsyncTwelveLabs, InvalidArgumentError
from twelvelabs_async._cli.arguments import UploadArguments, chosen_wait, parse_metadata
from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.outcomes import WrongUsageError
from twelvelabs_async._cli.readiness import Wait
from twelvelabs_async._cli.upload import FILES_AT_ONCE, upload
from twelvelabs_async.emulator import Cut, Emulator, Fault, Stall

MINUTE = timedelta(minutes=1)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def order(*files: Path, **more: Any) -> UploadArguments:
    """Return what a command line for machines, without options but ``more``, asks for."""
    plain: dict[str, Any] = {
        "files": [str(path) for path in files], "urls": [], "file_type": None, "filename": None,
        "concurrency": 5, "hls": False, "thumbnail": False, "metadata": None, "wait": None,
        "base_url": None, "emulated": False, "as_json": True,
    }  # fmt: skip
    return UploadArguments(**{**plain, **more})


def wait(timeout: float | None = None, **more: bool) -> Wait:
    return Wait(**{"hls": False, "thumbnail": False, **more}, timeout=timeout)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Emulator], None]:
    """Return what points commands inside the test's process at an emulator."""

    def point(emulator: Emulator) -> None:
        monkeypatch.setenv("TWELVE_LABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)

    return point


Use = Callable[[Emulator], None]
Captured = pytest.CaptureFixture[str]


def objects(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.real_time
async def test_a_url_is_fetched_by_the_platform(shell: Shell, noise: Path) -> None:
    """Nothing is sent in chunks; options reach the asset; people and machines are told of it."""
    async with (
        Emulator() as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        url = (await client.multipart_upload.upload_file(noise)).asset_url
        assert url is not None
        options = ("--filename", "b.wav", "--metadata", "n=5", "--hls", "--wait")
        told = await shell.run_beside(emulator, "upload", "--json", "--url", url, *options)
        for_people = await shell.run_beside(emulator, "upload", "--url", url, "--url", url)
        assert emulator.count("create") == 1
        (one,) = told.objects
        assert await emulator.sha256(one["asset_id"]) == sha256(noise)
    assert (told.code, told.err) == (0, "")
    assert list(one) == ["url", "asset_id", "seconds", "asset"]
    asset = one["asset"]
    assert (one["url"], asset["method"], asset["status"]) == (url, "url", "ready")
    assert (asset["filename"], asset["user_metadata"]) == ("b.wav", {"n": 5})
    assert asset["hls"]["status"] == "ready"
    assert (for_people.code, for_people.err) == (0, "")
    assert for_people.out.count(f"{url}\n  asset    ") == 2
    assert "  status   processing\n" in for_people.out


@pytest.mark.parametrize("as_json", [True, False])
async def test_an_asset_without_a_url_is_told_without_one(
    as_json: bool, use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """The command succeeds: null for machines, and no row for people."""
    async with Emulator(now=utcnow, name_url="never") as emulator:
        use(emulator)
        command = order(make_file(1000), as_json=as_json, journaled=False)
        assert await upload(command, Interrupts()) == 0
        (asset_id,) = emulator.platform.assets
    told = capsys.readouterr()
    assert asset_id in told.out
    assert "names no URL" in told.err
    if as_json:
        assert json.loads(told.out)["asset_url"] is None
    else:
        assert "URL" not in told.out


def test_the_embedded_emulator_fetches_from_this_machine_only(shell: Shell) -> None:
    """Its refusal reaches the user, and nothing was contacted."""
    ended = shell.run("upload", "--emulator", "--json", "--url", "http://192.0.2.1/a.mp4")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "this machine only" in ended.err
    (told,) = ended.objects
    assert list(told) == ["url", "error", "upload_id"]
    assert told["error"].startswith("http://192.0.2.1/a.mp4 was not uploaded: ")


async def test_waiting_ends_when_everything_is_ready(
    use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """The stream and the thumbnail that were asked for as well; machines get the whole asset."""
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        waiting = wait(hls=True, thumbnail=True)
        task = order(make_file(1500), hls=True, thumbnail=True, metadata={"a": "b"}, wait=waiting)
        assert await upload(task, Interrupts()) == 0
    (told,) = objects(capsys)
    asset = told["asset"]
    assert (told["total_chunks"], asset["id"], asset["status"]) == (2, told["asset_id"], "ready")
    assert asset["hls"]["status"] == asset["thumbnail"]["status"] == "ready"
    assert asset["user_metadata"] == {"a": "b"}
    assert asyncio.get_running_loop().time() >= 120


async def test_people_see_what_was_waited_for(
    emulator: Emulator, use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """Status and stream stand below the asset; without --wait, nobody asks for the asset."""
    use(emulator)
    task = order(make_file(10), hls=True, wait=wait(hls=True), as_json=False)
    assert await upload(task, Interrupts()) == 0
    shown = capsys.readouterr().out
    assert "\n  status   ready\n  HLS      ready http://" in shown
    asked = emulator.count("asset")
    assert await upload(order(make_file(10), hls=True), Interrupts()) == 0
    assert emulator.count("asset") == asked


async def test_waiting_keeps_no_other_file_from_being_sent(
    use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """All files are there within the minute that the first ones take to be processed."""
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        files = [make_file(10, f"{number}.mp4") for number in range(FILES_AT_ONCE + 1)]
        assert await upload(order(*files, wait=wait()), Interrupts()) == 0
        arrived = [asset.received_at for asset in emulator.platform.assets.values()]
    assert len(objects(capsys)) == len(files)
    assert max(filter(None, arrived)) < utcnow() - MINUTE


async def test_an_asset_that_fails_is_told_in_the_platforms_words(
    use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """Exit code 1; the file has arrived, and machines read as what; others are not held up."""
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        emulator.fail_asset("bad.mp4", "The codec is unknown.")
        bad, good = make_file(10, "bad.mp4"), make_file(11, "good.mp4")
        assert await upload(order(bad, good, wait=wait()), Interrupts()) == 1
    told = capsys.readouterr()
    by_path = {each["path"]: each for each in map(json.loads, told.out.splitlines())}
    failed = by_path[str(bad)]
    assert list(failed) == ["path", "error", "upload_id", "asset_id"]
    assert failed["error"] == (
        f"{bad} was uploaded, but asset {failed['asset_id']} failed: The codec is unknown."
    )
    assert told.err == f"error: {failed['error']}\n"
    assert by_path[str(good)]["asset"]["status"] == "ready"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"wait": wait(timeout=5)}, "is not ready after 5 s (last seen processing)"),
        ({"wait": wait(hls=True)}, "no HLS stream of it was asked for, or can be made"),
    ],
)
async def test_what_does_not_get_ready_is_told(
    options: dict[str, Any], told: str, use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """Time that runs out, and a stream of a picture: waiting for it would never end."""
    async with Emulator(chunk_size=CHUNK_SIZE, now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        picture = make_file(10, "a.png")
        assert await upload(order(picture, hls=True, **options), Interrupts()) == 1
    assert told in capsys.readouterr().err


@posix
@pytest.mark.real_time
async def test_an_interruption_names_what_was_not_waited_for(shell: Shell, noise: Path) -> None:
    """The file has arrived; its asset is named, and no session is said to be left."""
    async with Emulator(processing_time=timedelta(hours=1)) as emulator:
        process = await shell.start_beside(emulator, "upload", "--json", "--wait", noise)
        while not emulator.count("asset"):
            await asyncio.sleep(0)
        process.terminate()
        done = await ended(process)
        (asset_id,) = emulator.platform.assets
    assert done.code == 143
    assert done.err == (
        f"interrupted: 1 of 1 file arrived\nnot waited for to the end:\n  {noise}  {asset_id}\n"
        "no upload session is left on the platform by this command\n"
        f"to go on waiting: twelvelabs-async assets wait --json {asset_id}\n"
    )
    assert [each["asset_id"] for each in done.objects] == [asset_id]


def test_a_document_goes_to_the_embedded_emulator_and_comes_back(shell: Shell) -> None:
    """In one piece, beside a file in chunks; compared as every file is."""
    for name in ("a.pdf", "b.md", "c.mp4"):
        (shell.directory / name).write_bytes(name.encode() * 9)
    ended = shell.run("upload", "--emulator", "--json", "--wait", "a.pdf", "b.md", "c.mp4")
    told = {each["path"]: each for each in ended.objects}
    assert ended.code == 0
    assert "upload_id" in told["c.mp4"]
    for name, mime in (("a.pdf", "application/pdf"), ("b.md", "text/markdown")):
        assert list(told[name]) == [
            "path", "asset_id", "seconds", "sha256", "verified", "asset",
        ]  # fmt: skip
        assert told[name]["sha256"] == hashlib.sha256(name.encode() * 9).hexdigest()
        asset = told[name]["asset"]
        assert (asset["method"], asset["file_type"]) == ("direct", mime)
        assert (asset["filename"], asset["status"]) == (name, "ready")


async def test_a_document_is_one_request(
    emulator: Emulator, use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """Nobody is asked anything else; the name on the platform decides, and so does --type."""
    use(emulator)
    named = order(make_file(10, "notes"), filename="Notes.TXT", metadata={"n": 1})
    assert await upload(named, Interrupts()) == 0
    assert [each.route for each in emulator.requests] == ["create_asset"]
    (told,) = objects(capsys)
    assert told["asset"]["filename"] == "Notes.TXT"
    assert told["asset"]["user_metadata"] == {"n": 1}
    assert await upload(order(make_file(10, "odd.txt"), file_type="video"), Interrupts()) == 0
    assert (emulator.count("create_asset"), emulator.count("create")) == (1, 1)


async def test_an_answer_that_is_lost_does_not_claim_a_failure(
    emulator: Emulator, use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """The asset may be there: it is not said that the file was not uploaded."""
    use(emulator)
    emulator.faults.add(Fault(route="create_asset", action=Cut("after")))
    path = make_file(10, "a.pdf")
    assert await upload(order(path), Interrupts()) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"error: {path} may or may not have been uploaded: no answer")
    assert told.endswith("look: twelvelabs-async assets list --filename a.pdf\n")
    assert emulator.count("create_asset") == 1


async def test_an_interruption_says_what_may_have_arrived(
    emulator: Emulator, use: Use, make_file: MakeFile, capsys: Captured
) -> None:
    """The answer was on its way: nobody claims that nothing is left."""
    use(emulator)
    fault = emulator.faults.add(Fault(route="create_asset", action=Stall("after")))
    interrupts = Interrupts()
    uploading = asyncio.create_task(upload(order(make_file(10, "a.pdf")), interrupts))
    while not fault.hits:
        await asyncio.sleep(0.01)
    interrupts.interrupt()
    assert await uploading == 130
    told = capsys.readouterr().err
    assert "may have arrived all the same (see twelvelabs-async assets list):\n  " in told


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("-1.5", -1.5), ("1e3", 1000.0), ("true", True), ("false", False),
        ("null", None), ("5 stars", "5 stars"), ("", ""), ("True", "True"), ("NaN", "NaN"),
        ("Infinity", "Infinity"), ("1e999", "1e999"), ("007", "007"), ('"5"', "5"),
        ('"half', '"half'), ('["a"]', '["a"]'), ('{"a": 1}', '{"a": 1}'), ("a=b", "a=b"),
        ("[" * 10_000, "[" * 10_000),
    ],
)  # fmt: skip
def test_metadata_is_what_it_reads_as(text: str, value: object) -> None:
    """Numbers, true, false and null as in JSON; text in quotes, or else as it stands."""
    found = dict(parse_metadata([f"key={text}", "other=x"]) or {})
    assert found == {"key": value, "other": "x"}
    assert isinstance(found["key"], type(value))


@pytest.mark.parametrize(
    ("pairs", "told"),
    [(["a"], "KEY=VALUE"), (["=a"], "KEY=VALUE"), (["a=1", "b=2", "a=1"], "'a' twice")],
)
def test_metadata_that_is_none_is_wrong_usage(pairs: list[str], told: str) -> None:
    """No pair, no key, or a key that would hide another."""
    with pytest.raises(WrongUsageError, match=told):
        parse_metadata(pairs)


def test_without_pairs_there_is_no_metadata() -> None:
    """Nothing is sent then."""
    assert parse_metadata([]) is None


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_that_can_never_be_right_is_refused(timeout: float) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError, match="--timeout must be"):
        chosen_wait(wait=True, hls=False, thumbnail=False, timeout=timeout)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--emulator"], "a FILE, or a --url"),
        (["--emulator", "--url", "http://127.0.0.1/a.mp4", "noise.wav"], "instead of FILE"),
        (["--emulator", "--url", "http://127.0.0.1/a", "--type", "video"], "--type"),
        (["--emulator", "--url", "a", "--url", "b", "--filename", "c"], "--filename"),
        (["--emulator", "http://host/a.mp4"], "pass it with --url"),
        (["--emulator", "--url", ""], "--url is an empty string"),
        (["--emulator", "--url", "ftp://host/a.mp4"], "--url must be http(s)"),
        (["--emulator", "--timeout", "5", "noise.wav"], "--timeout is for --wait"),
        (["--emulator", "--wait", "--timeout", "0", "noise.wav"], "--timeout"),
        (["--emulator", "--metadata", "a", "noise.wav"], "KEY=VALUE"),
        (["--emulator", "--metadata", "n=9007199254740992", "noise.wav"], "53 bits"),
    ],
)
def test_wrong_usage_of_the_options_is_one_line_and_exit_code_2(
    arguments: list[str], told: str, shell: Shell, noise: Path
) -> None:
    """One line that names what is wrong; nothing was uploaded."""
    assert noise.exists()
    ended = shell.run("upload", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert told in ended.err
