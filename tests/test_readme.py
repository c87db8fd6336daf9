"""Everything that the README shows in Python runs, against the emulator, as it stands there."""

import asyncio
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twelvelabs_async.emulator import Emulator

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


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
