"""The commands of ``assets``: what they ask of the platform, and what they tell."""

import asyncio
import json
import re
import signal
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import define
from support.cli import (
    ESCAPE,
    Ended,
    Shell,
    ended,
    place,
    posix,
    run_on_terminal,
    run_wholly_on_terminal,
)
from support.virtual_time import utcnow

from twelvelabs_async._cli.assets import Filters, Subject, list_assets, wait_for_assets
from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.jobs import run_jobs
from twelvelabs_async._cli.output import OutputGoneError
from twelvelabs_async._cli.readiness import Wait
from twelvelabs_async._cli.transcription import Segmentation, show_transcription
from twelvelabs_async.emulator import Emulator, Fault, Segment, Stall, Transcript, api_error

Use = Callable[[Emulator], None]
NOWHERE = {"TWELVE_LABS_API_KEY": "key", "TWELVELABS_BASE_URL": "http://127.0.0.1:9"}
MINUTE = timedelta(minutes=1)


def made(emulator: Emulator, name: str = "a.mp4", **more: Any) -> str:
    """Make an asset whose file has arrived, and return its id."""
    platform = emulator.platform
    session = platform.create({"filename": name, "type": "video", "total_size": 1500, **more})
    asset_id: str = session["asset_id"]
    platform.assets[asset_id].received_at = platform.now()
    return asset_id


def subject(*asset_ids: str, as_json: bool = True) -> Subject:
    return Subject(asset_ids=asset_ids, base_url=None, as_json=as_json)


def filters(limit: int | None = None) -> Filters:
    return Filters(filename=None, types=None, limit=limit)


def waited(*, hls: bool = False, thumbnail: bool = False, timeout: float | None = None) -> Wait:
    return Wait(hls=hls, thumbnail=thumbnail, timeout=timeout)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Return what points commands inside the test's process at an emulator."""

    def point(emulator: Emulator) -> None:
        monkeypatch.setenv("TWELVE_LABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)

    return point


@pytest.mark.real_time
async def test_a_list_for_people_is_a_table_in_which_nothing_is_cut(shell: Shell) -> None:
    """Off a terminal: a header, then aligned rows, newest first, without an escape or a frame."""
    async with Emulator() as emulator:
        first = made(emulator, f"[red]:smile: {'x' * 200} 漢字{ESCAPE}.mp4")
        second = made(emulator, "b.mp4")
        emulator.platform.assets[second].received_at = None
        told = await shell.run_beside(emulator, "assets", "list", COLUMNS="40", FORCE_COLOR="1")
    header, *rows = told.out.splitlines()
    assert (told.code, told.err) == (0, "")
    assert header.split() == ["ID", "STATUS", "TYPE", "SIZE", "CREATED", "NAME"]
    today = r"\d{4}-\d\d-\d\d"
    assert re.fullmatch(rf"{second}  processing  video  -         {today}  b\.mp4", rows[0])
    name = re.escape(f"[red]:smile: {'x' * 200} 漢字\\x1b.mp4")
    assert re.fullmatch(rf"{first}  ready       video    1\.5 kB  {today}  {name}", rows[1])
    assert header.index("NAME") == rows[0].index("b.mp4")


@posix
@pytest.mark.real_time
async def test_on_a_narrow_terminal_names_are_folded_and_ids_are_whole(shell: Shell) -> None:
    """Whoever wants to copy an id can."""
    async with Emulator() as emulator:
        asset_id = made(emulator, f"{'x' * 30}.mp4")
        variables = {**place(emulator), "COLUMNS": "20"}
        screen = await asyncio.to_thread(
            run_wholly_on_terminal, shell, "assets", "list", **variables
        )
    _, row, *folded = screen.err.splitlines()
    assert row.startswith(f"{asset_id}  ready ")
    assert row.endswith("  " + "x" * 12)
    assert [line.strip() for line in folded] == ["x" * 12, "xxxxxx.mp4"]
    assert ESCAPE not in screen.err


@pytest.mark.real_time
async def test_filters_reach_the_platform(shell: Shell) -> None:
    """Each of them, the repeated ones as often as they stand there; an empty list is no error."""
    async with Emulator() as emulator:
        ids = [made(emulator, f"{number}.mp4") for number in range(3)]
        chosen = ("--id", ids[0], "--id", ids[2], "--type", "video", "--type", "audio")
        told = await shell.run_beside(emulator, "assets", "list", "--json", *chosen)
        none = await shell.run_beside(emulator, "assets", "list", "--filename", "none")
        bare = await shell.run_beside(emulator, "assets", "list", "--json", "--filename", "none")
        wrong = await shell.run_beside(emulator, "assets", "list", "--type", "film")
    assert [each["id"] for each in told.objects] == [ids[2], ids[0]]
    assert none == bare == Ended(0, "", "no assets were found\n")
    assert (wrong.code, wrong.out, wrong.err.count("\n")) == (1, "", 1)
    assert '"film"' in wrong.err


async def test_a_list_streams_all_pages(
    emulator: Emulator, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """120 assets are 3 requests, 50 a page."""
    use(emulator)
    ids = [made(emulator, f"{number}.mp4") for number in range(120)]
    assert await list_assets(subject(), filters(), Interrupts()) == 0
    assert [each["id"] for each in lines(capsys)] == ids[::-1]
    assert emulator.count("list_assets") == 3


@pytest.mark.parametrize(
    ("limit", "requests"), [(1, 1), (49, 1), (50, 1), (51, 2), (100, 2), (120, 3), (500, 3)]
)
async def test_a_limit_ends_a_list_without_a_request_too_many(
    limit: int,
    requests: int,
    emulator: Emulator,
    use: Use,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Fewer than 50 are asked for where fewer are wanted."""
    use(emulator)
    ids = [made(emulator, f"{number}.mp4") for number in range(120)]
    assert await list_assets(subject(), filters(limit), Interrupts()) == 0
    assert [each["id"] for each in lines(capsys)] == ids[::-1][:limit]
    assert emulator.count("list_assets") == requests
    assert all(f"page_limit={min(limit, 50)}" in each.path for each in emulator.requests)


async def test_a_table_has_one_header_for_all_pages_and_stays_in_line(
    emulator: Emulator, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page with an asset in processing has the columns of one without."""
    use(emulator)
    made(emulator, "last.mp4")
    for number in range(60):
        made(emulator, f"{number}.mp4")
    last = next(iter(emulator.platform.assets.values()))
    last.received_at = None
    assert await list_assets(subject(as_json=False), filters(), Interrupts()) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 62
    assert {row.index(" 2026-") for row in rows[1:]} == {rows[0].index(" CREATED")}


async def test_a_word_that_is_longer_than_its_column_is_whole(
    emulator: Emulator, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """A type that nobody thought of widens its column, and cuts neither itself nor an id."""
    use(emulator)
    asset = emulator.platform.assets[made(emulator)]
    asset.file_type = "application/x-unthought-of"
    assert await list_assets(subject(as_json=False), filters(), Interrupts()) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert f"{asset.asset_id}  ready       x-unthought-of    1.5 kB  " in row
    assert header.index("NAME") == row.index("a.mp4")


async def test_errands_end_when_nobody_can_be_told() -> None:
    """What is under way is ended and waited for, before the failure goes on."""
    ends: list[str] = []

    @define(eq=False)
    class Once:
        name: str
        hold: bool

        async def run(self) -> str:
            try:
                if self.hold:
                    await asyncio.Event().wait()
            finally:
                ends.append(self.name)
            return self.name

        def interrupted(self) -> str:
            return "interrupted"

    async def told(outcome: str) -> None:
        raise OutputGoneError(outcome)

    with pytest.raises(OutputGoneError, match="quick"):
        await run_jobs([Once("endless", True), Once("quick", False)], Interrupts(), told)
    assert ends == ["quick", "endless"]


async def test_json_has_the_names_of_the_model_and_times_as_of_rfc_3339(
    emulator: Emulator, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every key is there on every line, whatever the platform said."""
    use(emulator)
    made(emulator, user_metadata={"album": "2026", "n": 5}, enable_hls=True)
    assert await list_assets(subject(), filters(), Interrupts()) == 0
    (told,) = lines(capsys)
    assert list(told) == [
        "id", "method", "status", "filename", "file_type", "created_at", "user_metadata", "source",
        "hls", "thumbnail", "technical_metadata", "size", "duration", "error", "url",
    ]  # fmt: skip
    assert told["created_at"] == "2026-01-01T00:00:00Z"
    assert datetime.fromisoformat(told["created_at"]) == utcnow()
    assert told["user_metadata"] == {"album": "2026", "n": 5}
    assert told["hls"]["manifest_url"].startswith("http://")
    assert told["technical_metadata"]["file_size_bytes"] == 1500


@pytest.mark.real_time
async def test_show_tells_all_of_one_asset(shell: Shell) -> None:
    """Also why it failed, in the platform's words; a value with control characters stays a line."""
    async with Emulator() as emulator:
        asset_id = made(emulator, "b.mp4", user_metadata={"note": "a\nb"}, enable_thumbnail=True)
        told = await shell.run_beside(emulator, "assets", "show", asset_id)
        (one,) = (await shell.run_beside(emulator, "assets", "show", "--json", asset_id)).objects
        emulator.fail_asset(asset_id, "The codec is unknown.")
        failed = await shell.run_beside(emulator, "assets", "show", asset_id)
        gone = await shell.run_beside(emulator, "assets", "show", "gone")
    assert (told.code, told.err, one["id"]) == (0, "", asset_id)
    first, *rows = told.out.splitlines()
    known = [tuple(row.split(maxsplit=1)) for row in rows]
    url = one["thumbnail"]["representative_url"]
    for row in (
        ("name", "b.mp4"), ("status", "ready"), ("size", "1.5 kB (1,500 bytes)"),
        ("created", one["created_at"]), ("thumbnail", f"ready {url}"),
        ("metadata", 'note = "a\\nb"'), ("file_mime_type", "video/mp4"),
    ):  # fmt: skip
        assert row in known
    assert first == asset_id
    assert not re.search(r"null|None|\[\]", told.out)
    assert "The codec is unknown." in failed.out
    assert (gone.code, gone.out, gone.err.count("\n")) == (1, "", 1)
    assert "resource_not_exist" in gone.err


SAID = Transcript(
    words=(Segment(0, 0.5, "Hello."), Segment(3599.9996, 3661.25, "Bye\nnow")),
    utterances=(Segment(0, 1, "Hello.", speaker="A"), Segment(1, 2, "Bye.")),
)


@pytest.mark.real_time
async def test_a_transcription_for_people_is_a_line_for_each_entry(shell: Shell) -> None:
    """Times to the millisecond; who speaks; a title for each of several; a value stays a line."""
    async with Emulator() as emulator:
        asset_id = made(emulator)
        emulator.transcribe(asset_id, SAID)
        words = await shell.run_beside(emulator, "assets", "transcription", asset_id)
        both = ("--include", "utterances", "--include", "words", "--include", "utterances")
        told = await shell.run_beside(emulator, "assets", "transcription", asset_id, *both)
        paths = [each.path.partition("?")[2] for each in emulator.requests]
    lines = [
        "0:00:00.000 - 0:00:00.500  Hello.",
        r"1:00:00.000 - 1:01:01.250  Bye\nnow",
    ]
    assert (words.code, words.out.splitlines(), words.err) == (0, lines, "")
    turns = ["0:00:00.000 - 0:00:01.000  A: Hello.", "0:00:01.000 - 0:00:02.000  Bye."]
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines() == ["utterances:", *turns, "words:", *lines]
    assert paths == ["include=words", "include=utterances&include=words"]


@pytest.mark.real_time
async def test_a_transcription_for_machines_is_one_object(shell: Shell) -> None:
    """Under the model's names; what is not there is null; nothing on standard error."""
    async with Emulator() as emulator:
        asset_id = made(emulator)
        emulator.transcribe(asset_id, SAID)
        chosen = ("--json", "--include", "utterances", "--include", "sentences")
        told = await shell.run_beside(emulator, "assets", "transcription", asset_id, *chosen)
    assert (told.code, told.err) == (0, "")
    assert told.objects == [
        {
            "id": asset_id,
            "status": "ready",
            "words": None,
            "sentences": None,
            "utterances": [
                {"start": 0.0, "end": 1.0, "value": "Hello.", "speaker": "A"},
                {"start": 1.0, "end": 2.0, "value": "Bye.", "speaker": None},
            ],
            "error": None,
        }
    ]


@pytest.mark.parametrize(
    ("transcript", "include", "code", "told"),
    [
        (SAID, ["sentences"], 1, "error: the transcription does not support sentences\n"),
        (SAID, ["words", "sentences"], 0, "the transcription does not support sentences\n"),
        (
            Transcript(words=()),
            ["words"],
            0,
            "the transcription has no words: no speech was recognized\n",
        ),
        (
            Transcript(error="The language\nis unknown."),
            ["words"],
            1,
            "error: the transcription failed: The language\\nis unknown.\n",
        ),
    ],
)
async def test_a_transcription_that_lacks_something_says_what(
    transcript: Transcript,
    include: Sequence[Segmentation],
    code: int,
    told: str,
    emulator: Emulator,
    use: Use,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On standard error; it is a failure where nothing of what was asked for is there."""
    use(emulator)
    asset_id = made(emulator)
    emulator.transcribe(asset_id, transcript)
    about = subject(asset_id, as_json=False)
    assert await show_transcription(about, include, Interrupts()) == code
    shown = capsys.readouterr()
    assert shown.err == told
    assert (shown.out == "") == (not transcript.words or include == ["sentences"])
    assert await show_transcription(subject(asset_id), include, Interrupts()) == code
    shown = capsys.readouterr()
    assert shown.err == (told if code else "")
    assert shown.out.count("\n") == 1


async def test_a_transcription_that_is_not_ready_says_its_status(
    use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1; machines read the status in the object."""
    async with Emulator(now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        asset_id = made(emulator)
        for status in ("pending", "processing"):
            told = f"error: the transcription is not ready ({status}); try again later\n"
            about = subject(asset_id, as_json=False)
            assert await show_transcription(about, ["words"], Interrupts()) == 1
            assert capsys.readouterr() == ("", told)
            assert await show_transcription(subject(asset_id), ["words"], Interrupts()) == 1
            shown = capsys.readouterr()
            assert (json.loads(shown.out)["status"], shown.err) == (status, told)
            await asyncio.sleep(60)
        assert await show_transcription(subject(asset_id), ["words"], Interrupts()) == 0


async def test_an_asset_without_a_transcription_is_one_line(
    emulator: Emulator, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """The platform's words on standard error; exit code 1, and nothing on standard output."""
    use(emulator)
    asset_id = made(emulator)
    emulator.transcribe(asset_id, None)
    for each in (asset_id, "gone"):
        assert await show_transcription(subject(each), ["words"], Interrupts()) == 1
        shown = capsys.readouterr()
        assert (shown.out, shown.err.count("\n")) == ("", 1)
        assert f"404 resource_not_exist: The asset {each}" in shown.err


@pytest.mark.real_time
async def test_delete_asks_nobody_and_says_what_it_deleted(shell: Shell) -> None:
    """Each asset once; what cannot be deleted does not stop the others; exit code 1."""
    async with Emulator() as emulator:
        ids = [made(emulator) for _ in range(3)]
        told = await shell.run_beside(emulator, "assets", "delete", ids[0], ids[0])
        rest = await shell.run_beside(emulator, "assets", "delete", "--json", ids[0], *ids[1:])
        assert emulator.platform.assets == {}
        assert emulator.count("delete_asset") == 4
    assert told == Ended(0, f"deleted {ids[0]}\n", "")
    assert (rest.code, rest.err.count("\n")) == (1, 1)
    by_id = {each["id"]: each for each in rest.objects}
    assert by_id[ids[1]] == {"id": ids[1], "deleted": True}
    assert set(by_id[ids[0]]) == {"id", "error"}
    assert by_id[ids[0]]["error"] in rest.err


@pytest.mark.real_time
async def test_what_others_refer_to_is_deleted_only_by_force(shell: Shell) -> None:
    """The conflict is told whole, and tells of --force."""
    async with Emulator() as emulator:
        asset_id = made(emulator)
        emulator.reference(asset_id)
        told = await shell.run_beside(emulator, "assets", "delete", asset_id)
        assert asset_id in emulator.platform.assets
        forced = await shell.run_beside(emulator, "assets", "delete", "--force", asset_id)
    assert (told.code, told.out, told.err.count("\n")) == (1, "", 1)
    assert "because 1 indexed asset(s) reference it" in told.err
    assert told.err.endswith("; --force deletes it all the same\n")
    assert (forced.code, forced.err) == (0, "")


async def test_waiting_tells_of_each_asset_when_it_is_ready(
    use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever their order; one that fails is told in the platform's words: exit code 1."""
    async with Emulator(now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        late, early, bad = (made(emulator, f"{name}.mp4") for name in ("late", "early", "bad"))
        emulator.platform.assets[late].received_at = utcnow() + MINUTE
        emulator.fail_asset(bad, "The codec is unknown.")
        assert await wait_for_assets(subject(late, early, bad), waited(), Interrupts()) == 1
    told = capsys.readouterr()
    ready = {each["id"]: each for each in map(json.loads, told.out.splitlines())}
    assert list(ready)[-1] == late
    assert ready[early]["status"] == ready[late]["status"] == "ready"
    assert ready[bad] == {"id": bad, "error": f"asset {bad} failed: The codec is unknown."}
    assert told.err == f"error: asset {bad} failed: The codec is unknown.\n"


async def test_waiting_for_a_stream_ends_when_it_is_there(
    use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is later than the asset; time that runs out is told as what was given."""
    async with Emulator(now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        asset_id = made(emulator, enable_hls=True, enable_thumbnail=True)
        assert await wait_for_assets(subject(asset_id), waited(hls=True, timeout=90), Interrupts())
        assert f"asset {asset_id} is not ready after 90 s" in capsys.readouterr().err
        everything = waited(hls=True, thumbnail=True)
        assert await wait_for_assets(subject(asset_id), everything, Interrupts()) == 0
    (told,) = lines(capsys)
    assert told["hls"]["status"] == told["thumbnail"]["status"] == "ready"


@pytest.mark.parametrize(
    ("wait", "what"), [(waited(hls=True), "HLS stream"), (waited(thumbnail=True), "thumbnail")]
)
async def test_what_nobody_makes_is_not_waited_for(
    wait: Wait, what: str, emulator: Emulator, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ready asset without a stream in its description never has one: one question, no more."""
    use(emulator)
    assert await wait_for_assets(subject(made(emulator)), wait, Interrupts()) == 1
    assert f"no {what} of it was asked for" in capsys.readouterr().err
    assert emulator.count("asset") == 1


async def test_time_that_runs_out_is_told_with_what_was_last_seen(
    use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1."""
    async with Emulator(now=utcnow, processing_time=MINUTE) as emulator:
        use(emulator)
        asset_id = made(emulator)
        assert await wait_for_assets(subject(asset_id), waited(timeout=5), Interrupts()) == 1
    assert capsys.readouterr().err == (
        f"error: asset {asset_id} is not ready after 5 s (last seen processing)\n"
    )


@posix
@pytest.mark.real_time
async def test_a_terminal_shows_what_is_waited_for(shell: Shell) -> None:
    """A spinner on standard error, and how long it has been; it is gone at the end."""
    async with Emulator() as emulator:
        asset_id = made(emulator)
        busy = api_error(503, "too_many_requests", "Busy.", {"Retry-After": "1"})
        emulator.faults.add(Fault(route="asset", action=busy))
        screen = await asyncio.to_thread(
            run_on_terminal, shell, "assets", "wait", asset_id, **place(emulator)
        )
    assert (screen.code, screen.out.split()[-1]) == (0, "a.mp4")
    assert f"waiting for {asset_id}" in screen.err
    assert "0:00:00" in screen.err


@posix
@pytest.mark.real_time
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("arguments", "route", "told"),
    [
        (["list"], "list_assets", "interrupted\n"),
        (["show", "x"], "asset", "interrupted\n"),
        (["transcription", "x"], "transcription", "interrupted\n"),
        (["delete", "x", "y"], "delete_asset", "interrupted: 0 of 2 assets deleted\n"),
        (["wait", "x"], "asset", "interrupted: 0 of 1 asset ready\n"),
    ],
)
async def test_an_interruption_is_one_line_and_the_signals_exit_code(
    arguments: list[str], route: str, told: str, number: int, shell: Shell
) -> None:
    """No traceback; machines read of each asset that it was interrupted."""
    async with Emulator() as emulator:
        fault = emulator.faults.add(Fault(route=route, action=Stall(), times=None))
        process = await shell.start_beside(emulator, "assets", *arguments, "--json")
        while not fault.hits:
            await asyncio.sleep(0)
        process.send_signal(number)
        done = await ended(process)
    assert (done.code, done.err) == (128 + number, told)
    if "of" in told:
        assert {each["error"] for each in done.objects} == {"interrupted"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show"], "ID"),
        (["transcription"], "ID"),
        (["transcription", "a", "b"], "b"),
        (["transcription", "a/b"], "slash"),
        (["transcription", "a", "--include", "letters"], "letters"),
        (["transcription", "a", "--include", ""], "--include"),
        (["transcription", "a", "--include"], "--include"),
        (["delete"], "ID"),
        (["wait"], "ID"),
        (["show", "a", "b"], "b"),
        (["show", ""], "empty string"),
        (["delete", "a", ""], "empty string"),
        (["delete", "a", "b/c"], "slash"),
        (["list", "--id", ""], "empty string"),
        (["list", "--limit", "0"], "--limit"),
        (["wait", "--timeout", "0", "a"], "--timeout"),
        (["wait", "--timeout", "nan", "a"], "--timeout"),
        (["wait", "--timeout", "soon", "a"], "--timeout"),
        (["list", "--base-url", "platform"], "base URL"),
        (["remove", "a"], "remove"),
        (["list", "a.mp4"], "a.mp4"),
    ],
)
def test_wrong_usage_of_assets_is_one_line_and_exit_code_2(
    arguments: list[str], told: str, shell: Shell
) -> None:
    """One line that names what is wrong, and nothing was asked of anybody."""
    ended = shell.run("assets", *arguments, **NOWHERE)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert told in ended.err
    assert "did you mean: twelvelabs-async upload" not in ended.err


@pytest.mark.parametrize("command", ["list", "show", "transcription", "delete", "wait"])
def test_without_a_key_nothing_is_asked(command: str, shell: Shell) -> None:
    """Wrong usage; and each command's help has an example."""
    ended = shell.run("assets", command, *([] if command == "list" else ["a"]))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: there is no API key: set TWELVE_LABS_API_KEY (")
    told = shell.run("assets", command, "--help")
    assert told.code == 0
    assert f"\n    twelvelabs-async assets {command} --" in told.out


def test_a_platform_that_does_not_answer_is_one_line(shell: Shell) -> None:
    """Exit code 1."""
    ended = shell.run("assets", "list", **NOWHERE)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert "no answer" in ended.err
