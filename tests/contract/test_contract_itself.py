"""The contract suite itself: it notices what is wrong, runs anywhere, and leaves nothing."""

import asyncio
import os
import sys
from typing import Any

import aiohttp
import pytest
from support.account import ANSWERS, Account
from support.contract import API_KEY, BASE_URL, NO_KEY, HttpTarget, Sizes
from support.files import ROOT
from support.models import kept, told
from support.shapes import SESSION, SUMMARY, misfits

from twelvelabs_async import AssetDetail, IncompleteUploadSummary
from twelvelabs_async._http.structure import ShapeError
from twelvelabs_async.emulator import Emulator, Fault, Rewrite
from twelvelabs_async.emulator.routing import API_ROUTES

Json = dict[str, Any]
SUMMARY_OF_ONE: Json = {
    "upload_id": "u",
    "status": "active",
    "total_size": 5,
    "chunk_size": 5,
    "total_chunks": 1,
    "created_at": "2026-11-22T05:00:00Z",
    "expires_at": "2026-11-23T05:00:00Z",
}


@pytest.mark.skipif(API_KEY not in os.environ, reason=NO_KEY)
def test_the_platform_itself_is_held_to_the_contract() -> None:
    """With a key, every scenario that it can play is there a third time."""


@pytest.mark.real_time
async def test_every_answer_fits_our_models_without_loss(account: Account) -> None:
    """A tour of all endpoints; no scenario's answer says a thing that its model does not keep."""
    upload = await account.upload(account.target.sizes.several, user_metadata={"a": ["b"]})
    await account.get("/assets/multipart-uploads")
    asset_id = (await account.direct(enable_hls="true", enable_thumbnail="true"))["_id"]
    session = await account.open(account.target.sizes.one)
    await account.get(session.path)
    for each in (asset_id, upload["asset_id"]):
        await account.processed(each)
    await account.get("/assets", filename=account.token)
    if await account.transcribed(asset_id) is None:  # the platform may hear nothing in noise
        account.answered.add("transcription")
    path = f"/assets/{asset_id}/user-metadata"
    await account.ask("PATCH", path, body={"user_metadata": {"a": 1}})
    await account.ask("PUT", path, body={"user_metadata": {"b": 1}})
    await account.ask("DELETE", path)
    await account.ask("DELETE", f"/assets/{asset_id}")
    missed = set(API_ROUTES) - account.answered
    assert not missed, f"endpoints that this tour does not ask: {missed}"
    assert account.answered == set(ANSWERS) == set(API_ROUTES)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"upload_id": None}, "$.upload_id: None is not"),
        ({"total_size": "5"}, "$.total_size: '5' is not"),
        ({"total_size": True}, "$.total_size: True is not"),
        ({"expires_at": "tomorrow"}, "$.expires_at: 'tomorrow' is not"),
        ({"status": "done"}, "$.status: 'done' is not"),
        ({"more": 1}, "$.more: not documented"),
    ],
)
def test_a_misfit_is_found(change: Json, expected: str) -> None:
    """A wrong type, a wrong word, a key too many, with the path to it."""
    assert misfits(SUMMARY_OF_ONE, SUMMARY) == []
    (found,) = misfits({**SUMMARY_OF_ONE, **change}, SUMMARY)
    assert found.startswith(expected)


def test_misfits_are_found_at_any_depth() -> None:
    """In lists of objects, and where a key is missing."""
    session = {"upload_urls": [{"chunk_index": 1, "url": "x"}], "upload_headers": []}
    found = misfits(session, SESSION)
    assert "$.asset_id: missing" in found
    assert "$.upload_urls[0].expires_at: missing" in found
    assert any(each.startswith("$.upload_urls[0].url: 'x'") for each in found)
    assert any(each.startswith("$.upload_headers: []") for each in found)
    assert misfits([], SESSION) == ["$: [] is not an object"]
    assert misfits({}, [SESSION]) == ["$: {} is not a list"]


def test_a_loss_is_found() -> None:
    """A key that a model does not have; null and empty are no loss."""
    assert kept(SUMMARY_OF_ONE, IncompleteUploadSummary) == told(SUMMARY_OF_ONE)
    more = {**SUMMARY_OF_ONE, "colour": "red"}
    assert kept(more, IncompleteUploadSummary) != told(more)
    asset: Json = {"_id": "a", "hls": None, "user_metadata": {}, "size": 0}
    assert kept(asset, AssetDetail) == told(asset) == {"_id": "a", "size": 0}
    with pytest.raises(ShapeError):
        kept({"_id": 1}, AssetDetail)


async def test_an_undocumented_answer_fails_a_scenario(emulator: Emulator) -> None:
    """The suite would notice a target that says more, or something else."""
    more = Rewrite(lambda answer: {**answer, "colour": "red"})
    emulator.faults.add(Fault(route="list_assets", action=more))
    async with aiohttp.ClientSession() as http:
        target = HttpTarget(http, emulator.base_url, emulator.api_key, Sizes(1, 1, 1))
        with pytest.raises(AssertionError, match="colour"):
            await Account(target).get("/assets")


async def test_what_a_failing_scenario_made_is_deleted(emulator: Emulator) -> None:
    """Also where the answer that told of it was not as documented."""
    more = Rewrite(lambda answer: {**answer, "colour": "red"})
    emulator.faults.add(Fault(route="create", action=more))
    async with aiohttp.ClientSession() as http:
        account = Account(HttpTarget(http, emulator.base_url, emulator.api_key, Sizes(1, 1, 1)))
        with pytest.raises(AssertionError, match="colour"):
            await account.open(5, sent=False)
        assert len(emulator.platform.assets) == 1
        await account.leave()
    assert emulator.platform.assets == {}


@pytest.mark.real_time
async def test_the_suite_runs_against_any_base_url_and_leaves_nothing() -> None:
    """As against the platform: another process that knows a key and a URL, and nothing else.

    Every scenario is played but those that need an emulator's switches; what was there before is
    there afterwards, and nothing else is.
    """
    async with Emulator() as emulator:
        theirs = {"filename": "theirs.mp4", "type": "video", "total_size": 5}
        asset_id = emulator.platform.create(theirs)["asset_id"]
        given = {API_KEY: emulator.api_key, BASE_URL: emulator.base_url}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "platform"),
            *("tests/contract/test_contract_uploads.py", "tests/contract/test_contract_assets.py"),
            cwd=ROOT,
            env={**os.environ, **given},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        assert set(emulator.platform.assets) == {asset_id}
        assert len(emulator.platform.uploads) == 1
        assert {emulator.count(route) > 0 for route in ANSWERS} == {True}
