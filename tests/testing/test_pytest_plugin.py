"""The pytest plugin, as it is met by a project that has this package installed."""

import re
from pathlib import Path

import pytest
from support.nested_pytest import run_pytest

UPLOADS = """
import asyncio
import pytest
from twelvelabs_async import AsyncTwelveLabs, StorageError, UploadError
from twelvelabs_async.emulator import Emulator

@pytest.mark.asyncio
async def test_a_fault_happens(emulated_twelvelabs, tmp_path):
    (tmp_path / "a.mp4").write_bytes(bytes(5000))
    async with emulated_twelvelabs(emulator=Emulator(chunk_size=1000)) as platform:
        fault = platform.inject("internal-error", chunk_index=2, times=2)
        upload = platform.client.multipart_upload.upload_file
        result = await upload(tmp_path / "a.mp4", retry_delay=0.01)
        assert (fault.hits, result.total_chunks, platform.emulator.count("put")) == (2, 5, 7)

@pytest.mark.asyncio
async def test_an_error_is_theirs_to_expect(emulated_twelvelabs, tmp_path):
    (tmp_path / "a.mp4").write_bytes(bytes(5000))
    async with emulated_twelvelabs(max_retries=1) as platform:
        platform.inject("refused")
        with pytest.raises(UploadError) as caught:
            await platform.client.multipart_upload.upload_file(tmp_path / "a.mp4")
        assert isinstance(caught.value.__cause__, StorageError)

@pytest.mark.asyncio
async def test_code_that_makes_its_own_client_finds_the_emulator(emulated_twelvelabs):
    async with emulated_twelvelabs() as platform, AsyncTwelveLabs() as client:
        assert [s async for s in await client.multipart_upload.list_incomplete_uploads()] == []
        assert platform.emulator.count("list") == 1
"""

WITHOUT_PLUGIN = """
import asyncio, os, sys

def test_nothing_is_imported_before_it_is_asked_for():
    ours = {name for name in sys.modules if name.startswith("twelvelabs_async")}
    assert ours == {"twelvelabs_async", "twelvelabs_async.pytest_plugin"}
    assert "aiohttp" not in sys.modules

def test_any_runner_will_do(emulated_twelvelabs):
    async def work():
        async with emulated_twelvelabs() as platform:
            platform.inject("server-error", route="list")
            await platform.client.multipart_upload.list_incomplete_uploads()
    asyncio.run(work())
    assert "TWELVELABS_BASE_URL" not in os.environ

def test_a_fault_never_happens(emulated_twelvelabs):
    async def work():
        async with emulated_twelvelabs() as platform:
            platform.inject("slow-down")
    asyncio.run(work())

def test_a_failure_of_the_test_itself_is_told_first(emulated_twelvelabs):
    async def work():
        async with emulated_twelvelabs() as platform:
            platform.inject("slow-down")
            raise LookupError("their own mistake")
    asyncio.run(work())
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_the_fixture_works_in_either_mode_of_pytest_asyncio(mode: str, tmp_path: Path) -> None:
    """Client and emulator live on the test's own loop, whoever made it; nothing is left open."""
    verdict = run_pytest(tmp_path, UPLOADS, "-o", f"asyncio_mode={mode}")
    assert verdict.counts == {"passed": 3}, verdict.output


def test_the_fixture_needs_no_other_plugin(tmp_path: Path) -> None:
    """Without pytest-asyncio it works as well; a fault that never happened fails the test."""
    verdict = run_pytest(tmp_path, WITHOUT_PLUGIN, "-p", "no:asyncio")
    assert verdict.counts == {"passed": 2, "failed": 2}, verdict.output
    assert "scripted, but it never happened" in verdict.output
    assert "LookupError: their own mistake" in verdict.output
    assert len(re.findall(r"^E +AssertionError: scripted", verdict.output, re.MULTILINE)) == 1
