"""Everything that the README shows in Python runs, against the emulator, as it stands there."""

import asyncio
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.assets import read_asset
from support.files import ROOT
from support.nested_pytest import run_pytest

from twelvelabs_async.emulator import Emulator

README = ROOT / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)

EXAMPLES = [block for block in BLOCKS if "asyncio.run(" in block]
(TESTS,) = (block for block in BLOCKS if "async def test_" in block)
(WEB,) = (block for block in BLOCKS if "web.run_app(" in block)
(RANGES,) = (block for block in BLOCKS if "read_range" in block)

NESTED = (
    b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n"
)
"""A form in a form."""


def test_every_block_is_an_example_that_runs() -> None:
    """Nothing is shown that no test executes, and no figure is left open."""
    assert len(BLOCKS) == len(EXAMPLES) + 3
    assert "to be measured" not in README.read_text()


@pytest.mark.real_time
async def test_the_web_application_takes_a_file(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A video becomes an asset, as a form or a body; an empty one is the caller's fault."""
    monkeypatch.setenv("TWELVE_LABS_API_KEY", emulator.api_key)
    monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
    module: dict[str, Any] = {"__name__": "readme"}
    exec(compile(WEB, README, "exec"), module)  # noqa: S102 - it is our own
    async with TestClient(TestServer(module["app"])) as browser:
        statuses = [
            (await browser.post("/videos", data=_form(name, content))).status
            for name, content in [("a.mp4", b"x" * 2500), ("b.mp4", b""), ("c.xyz", b"x")]
        ]
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        others = [
            (await browser.post("/videos", data=data, headers=headers)).status
            for data, headers in [
                (b"--b--\r\n", form),  # an empty form
                (b"", form),
                (b"x", {"Content-Type": "multipart/form-data"}),
                (b"x", {"Content-Type": "video/mp4"}),
                (NESTED, form),
            ]
        ]
        bodies = [
            (await browser.put(f"/videos/{name}", data=content)).status
            for name, content in [("a.mp4", b"x" * 2500), ("b.mp4", b"")]
        ]
    assert statuses == [200, 400, 400]
    assert bodies == [200, 400]
    assert others == [400, 400, 400, 415, 400]
    arrived = [asset for asset in emulator.platform.assets.values() if asset.received_at]
    assert [asset.size for asset in arrived] == [2500, 2500]


@pytest.mark.real_time
async def test_the_source_copies_a_file_behind_a_url(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Range by range, from a server that gives them, also where the file was moved to."""
    monkeypatch.setenv("TWELVE_LABS_API_KEY", emulator.api_key)
    monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
    module: dict[str, Any] = {}
    exec(compile(RANGES, README, "exec"), module)  # noqa: S102 - it is our own
    (tmp_path / "a.mp4").write_bytes(b"film" * 1000)
    app = web.Application()
    app.router.add_get("/moved.mp4", _moved)
    app.router.add_static("/", tmp_path)
    async with TestServer(app) as server:
        asset_id = await module["copy"](str(server.make_url("/moved.mp4")), "a.mp4")
    assert await read_asset(emulator, asset_id) == b"film" * 1000
    assert emulator.count("put") == 4


def test_the_tests_that_are_shown_pass(tmp_path: Path) -> None:
    """In a project that has pytest-asyncio as it comes."""
    verdict = run_pytest(tmp_path, TESTS)
    assert verdict.counts == {"passed": 2}, verdict.output


async def _moved(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/a.mp4", text="elsewhere")


def _form(name: str, content: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name)
    return form


@pytest.mark.real_time
@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
async def test_an_example_runs_as_it_stands(
    example: str, emulator: Emulator, tmp_path: Path
) -> None:
    """It ends well, says what it promises, and warns of nothing."""
    for name in ("holiday.mp4", "song.mp3"):
        (tmp_path / name).write_bytes(random.Random(name).randbytes(5000))
    settings = {
        **os.environ,
        "TWELVE_LABS_API_KEY": emulator.api_key,
        "TWELVELABS_BASE_URL": emulator.base_url,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", example),
        cwd=tmp_path,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert errors == b""
    assert output
    assert b"Error" not in output
