"""An error names each session that is known, also where the platform has not answered yet."""

from pathlib import Path
from typing import Any

import pytest
from support.cli import Shell
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    Journal,
    MemoryJournal,
    SessionEndedError,
    SourceChangedError,
    SourceError,
    TwelveLabsError,
    UnauthorizedError,
    UploadError,
    UploadInProgressError,
    UploadProgress,
)
from twelvelabs_async.emulator import Cut, Emulator, Fault, api_error, store_error
from twelvelabs_async.emulator.faults import Action

CHUNKS = 5
GOES_ON = "; the same call goes on from there"
NO_KEY = api_error(401, "api_key_invalid", "No.")


def client_of(emulator: Emulator, journal: Journal | None = None) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal, max_retries=0)


async def refused(client: AsyncTwelveLabs, path: Path, **options: Any) -> UploadError:
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(path, max_workers=1, **options)
    return caught.value


async def begun(
    emulator: Emulator, client: AsyncTwelveLabs, path: Path, **options: Any
) -> UploadError:
    """Upload a file until the store refuses a chunk."""
    refusal = store_error(400, "InvalidRequest", "No.")
    emulator.faults.add(Fault(route="put", chunk_index=3, action=refusal))
    return await refused(client, path, **options)


@pytest.mark.parametrize("action", [NO_KEY, api_error(500, "internal", "No."), Cut("before")])
async def test_a_session_that_the_journal_has_is_named_although_the_platform_refuses(
    emulator: Emulator, make_file: MakeFile, action: Action
) -> None:
    """With its asset and its headers; and the text says that the same call goes on."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, MemoryJournal()) as client:
        first = await begun(emulator, client, path)
        fault = emulator.faults.add(Fault(route="status", action=action, times=None))
        second = await refused(client, path)
        fault.times = fault.hits
        result = await client.multipart_upload.upload_file(path)
    assert second.upload_id == first.upload_id == result.upload_id
    assert second.asset_id == first.asset_id == result.asset_id
    assert second.upload_headers == first.upload_headers
    assert f"(upload {first.upload_id}: nothing was sent by this call)" in str(second)
    assert str(second).endswith(GOES_ON)
    assert emulator.count("create") == 1


async def test_a_session_that_has_ended_is_named(emulator: Emulator, make_file: MakeFile) -> None:
    """It cannot go on, and the text does not say so."""
    path = make_file(CHUNKS * CHUNK_SIZE)
    async with client_of(emulator, MemoryJournal()) as client:
        first = await begun(emulator, client, path)
        emulator.platform.uploads.clear()
        second = await refused(client, path, if_ended="raise")
        emulator.faults.add(Fault(route="create", action=NO_KEY))
        third = await refused(client, path)
    assert isinstance(second.original_error, SessionEndedError)
    assert second.upload_id == first.upload_id
    assert "goes on" not in str(second)
    assert third.upload_id is None  # it is given up, and no other one was opened
    assert "goes on" not in str(third)


async def test_the_session_of_another_file_is_named(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """The same name for another file is refused, whose session this is."""
    async with client_of(emulator, MemoryJournal()) as client:
        first = await begun(emulator, client, make_file(CHUNKS * CHUNK_SIZE), resume_key="job")
        second = await refused(client, make_file(1, name="other.mp4"), resume_key="job")
    assert isinstance(second.original_error, SourceChangedError)
    assert second.upload_id == first.upload_id
    assert "goes on" not in str(second)


@pytest.mark.parametrize("journal", [None, MemoryJournal()], ids=["no journal", "a journal"])
@pytest.mark.parametrize(
    ("fault", "cause", "said"),
    [
        (None, SessionEndedError, "is not there for this API key"),
        (Fault(route="list", action=NO_KEY), UnauthorizedError, "resume('nosuch', ...) goes on"),
        (
            Fault(route="status", action=NO_KEY),
            UnauthorizedError,
            "resume('nosuch', ...) goes on",
        ),
    ],
    ids=["unknown", "list", "status"],
)
async def test_a_session_that_the_caller_names_is_named(
    emulator: Emulator,
    make_file: MakeFile,
    journal: Journal | None,
    fault: Fault | None,
    cause: type[TwelveLabsError],
    said: str,
) -> None:
    """Whatever the platform answers, or whether there is such a session at all."""
    if fault is not None:
        emulator.faults.add(Fault(route=fault.route, action=fault.action))
    async with client_of(emulator, journal) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.resume(
                "nosuch", make_file(1), asset_id="asset", upload_headers={"x-a": "b"}
            )
    error = caught.value
    assert isinstance(error.original_error, cause)
    assert (error.upload_id, error.asset_id) == ("nosuch", "asset")
    assert error.upload_headers == {"x-a": "b"}
    assert said in str(error)


async def test_a_session_that_the_caller_names_is_named_before_anything_is_asked(
    emulator: Emulator, tmp_path: Path, make_file: MakeFile
) -> None:
    """There is no file; or somebody else is at work, and then the text has one advice only."""
    journal, path = MemoryJournal(), make_file(1)
    async with client_of(emulator, journal) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.resume("nosuch", tmp_path / "nowhere")
        assert isinstance(caught.value.original_error, SourceError)
        assert caught.value.upload_id == "nosuch"
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.resume("nosuch", path, journal=TakenJournal())
    assert isinstance(caught.value.original_error, UploadInProgressError)
    assert caught.value.upload_id == "nosuch"
    assert "goes on" not in str(caught.value)


async def test_progress_names_the_asset_as_soon_as_the_caller_does(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Resumed by its id alone, the session is named all the time, and its asset at the end."""
    path, seen = make_file(CHUNKS * CHUNK_SIZE), list[UploadProgress]()
    async with client_of(emulator) as client:
        for known in (False, True):
            first = await begun(emulator, client, path)
            result = await client.multipart_upload.resume(
                first.upload_id or "",
                path,
                asset_id=first.asset_id if known else None,
                upload_headers=first.upload_headers,
                progress_callback=seen.append,
            )
            assert result.asset_id == first.asset_id
            assert {each.upload_id for each in seen} == {first.upload_id}
            assert seen[0].asset_id == (first.asset_id if known else None)
            assert seen[-1].asset_id == first.asset_id
            seen.clear()


class TakenJournal(MemoryJournal):
    """A journal of which somebody else has every entry."""

    async def acquire(self, key: str, owner: str, seconds: float) -> str | None:
        del key, owner, seconds
        return "host:7#1"


@pytest.mark.real_time
async def test_the_command_names_it_too(shell: Shell, noise: Path) -> None:
    """A second run that the platform refuses knows the session of the first."""
    async with Emulator(chunk_size=50_000) as emulator:
        refusal = store_error(400, "InvalidRequest", "No.")
        emulator.faults.add(Fault(route="put", chunk_index=3, action=refusal))
        emulator.faults.add(Fault(route="status", action=NO_KEY))
        runs = [await shell.run_beside(emulator, "upload", "--json", noise) for _ in range(2)]
        (upload_id,) = emulator.platform.uploads
    for run in runs:
        (failed,) = run.objects
        assert run.code == 1
        assert failed["upload_id"] == upload_id
        assert failed["error"].endswith(GOES_ON)
