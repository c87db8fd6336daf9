"""A journal that an earlier version wrote is read by this one, and its uploads go on.

``support/write_journals.py`` made each fixture, and describes it.
"""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.files import CHUNK_SIZE, TESTS
from support.fixed_host import BASE_URL, connector_to
from support.write_journals import CHUNKS, FIRST_UNSTORED, INTERRUPTED, KEPT, OPTIONS, content

from twelvelabs_async import AsyncTwelveLabs, FileJournal
from twelvelabs_async.emulator import Emulator

FIXTURES = sorted(TESTS.joinpath("journal").glob("written_by_*"))


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name)
def fixture(request: pytest.FixtureRequest) -> Path:
    """Return the fixture of one version after the other."""
    directory: Path = request.param
    return directory


@pytest.fixture
async def uploads(
    fixture: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> dict[str, dict[str, Any]]:
    """Prepare the emulator as the platform was, and return what it knows, by file name."""
    states = json.loads((fixture / "platform.json").read_text(encoding="utf-8"))
    for state in states:
        _prepare(emulator, state, monkeypatch)
    return {state["filename"]: state for state in states}


def _prepare(emulator: Emulator, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an emulator one session, its stored chunks, and what was reported of them."""
    data, upload_id = content(state["filename"]), state["upload_id"]
    ids: list[str] = [upload_id, state["asset_id"]]
    wish = {"filename": state["filename"], "type": "video", "total_size": len(data)}

    def next_id(_bytes: int) -> str:
        return ids.pop(0)

    with monkeypatch.context() as patch:
        patch.setattr("secrets.token_hex", next_id)
        emulator.platform.create(wish)
    assert ids == []
    directory = emulator.data_dir / upload_id
    directory.mkdir(parents=True)
    reports: list[dict[str, Any]] = []
    for number, etag in state["etags"].items():
        index = int(number)
        piece = data[(index - 1) * CHUNK_SIZE : index * CHUNK_SIZE]
        (directory / number).write_bytes(piece)
        emulator.platform.keep_chunk(upload_id, index, etag, len(piece))
        if index in state["reported"]:
            proof = {"proof": etag, "proof_type": "etag", "chunk_size": len(piece)}
            reports.append({"chunk_index": index, **proof})
    emulator.platform.report(upload_id, {"completed_chunks": reports})


@pytest.fixture
def directory(fixture: Path, tmp_path: Path) -> Path:
    """Return a copy of the journal, closed to others as its writer had left it."""
    copy = shutil.copytree(fixture / "journal", tmp_path / "journal")
    for path in (copy, *copy.iterdir()):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return copy


@pytest.fixture
async def client(emulator: Emulator, directory: Path) -> AsyncIterator[AsyncTwelveLabs]:
    async with (
        connector_to(emulator) as connector,
        AsyncTwelveLabs(
            emulator.api_key, BASE_URL, connector=connector, journal=FileJournal(directory)
        ) as running,
    ):
        yield running


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Make the files that were uploaded, in another directory than then."""
    for name in CHUNKS:
        (tmp_path / name).write_bytes(content(name))
    return tmp_path


async def test_an_interrupted_upload_of_an_earlier_version_goes_on(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    uploads: dict[str, dict[str, Any]],
    videos: Path,
) -> None:
    """The same session; no chunk that is stored is sent again, reported or not."""
    path = videos / INTERRUPTED
    result = await client.multipart_upload.upload_file(path, **OPTIONS)
    assert result.upload_id == uploads[INTERRUPTED]["upload_id"]
    assert result.asset_id == uploads[INTERRUPTED]["asset_id"]
    assert result.resumed_chunks == FIRST_UNSTORED - 1
    puts = [request.chunk_index for request in emulator.requests if request.route == "put"]
    assert puts == list(range(FIRST_UNSTORED, CHUNKS[INTERRUPTED] + 1))
    assert emulator.count("create") == 0
    pieces = [piece async for piece in emulator.asset_bytes(result.asset_id)]
    assert b"".join(pieces) == path.read_bytes()


async def test_a_result_that_an_earlier_version_kept_is_given_again(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    uploads: dict[str, dict[str, Any]],
    videos: Path,
) -> None:
    """Nothing is sent, until the result is forgotten: then the file is uploaded again."""
    path, upload_file = videos / KEPT, client.multipart_upload.upload_file
    result = await upload_file(path, keep_result=True, **OPTIONS)
    assert result.asset_id == uploads[KEPT]["asset_id"]
    assert (emulator.count("create"), emulator.count("put")) == (0, 0)
    await client.multipart_upload.forget(result)
    other = await upload_file(path, keep_result=True, **OPTIONS)
    assert other.asset_id != result.asset_id
    assert emulator.count("put") == CHUNKS[KEPT]
