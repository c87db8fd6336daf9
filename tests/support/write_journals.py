"""Write the journals that ``tests/journal/test_written_before.py`` reads; run once a version.

    PYTHONPATH=tests .venv/bin/python -m support.write_journals tests/journal/written_by_0_1_0

Run it with the version whose journals are to be kept, and commit what it has written. It makes:

* ``journal/``: the files of a ``FileJournal`` after two uploads. One was ended by a refusal of the
  store, and the platform was not told of all chunks that were stored. The other was completed, and
  its result is kept.
* ``platform.json``: what the platform knows of both, so that an emulator can be prepared alike.

The bytes of the files that were uploaded are not kept: ``content`` makes them again.
"""

import asyncio
import json
import random
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from support.files import CHUNK_SIZE
from support.fixed_host import BASE_URL, connector_to
from twelvelabs_async import AsyncTwelveLabs, FileJournal, UploadError
from twelvelabs_async.emulator import Emulator, Fault, api_error, store_error

INTERRUPTED = "interrupted.mp4"
KEPT = "kept.mp4"
CHUNKS = {INTERRUPTED: 8, KEPT: 3}
"""How many chunks each file has; the last one is half as large as the others."""

FIRST_UNSTORED = 5
"""The chunk of ``INTERRUPTED`` that the store refused, counted from 1; those before it are stored.

The platform was told of the first three only.
"""

OPTIONS: dict[str, Any] = {
    "max_workers": 1,
    "batch_size": 3,
    "enable_hls": True,
    "user_metadata": {"shelf": "B", "year": 2026},
}


def content(name: str) -> bytes:
    """Return the bytes of the file called ``name``, the same each time."""
    size = CHUNKS[name] * CHUNK_SIZE - CHUNK_SIZE // 2
    return random.Random(name).randbytes(size)


async def write(directory: Path) -> None:
    """Write ``journal/`` and ``platform.json`` into ``directory``."""
    journal = FileJournal(directory / "journal")
    with tempfile.TemporaryDirectory(prefix="videos-") as videos:
        async with Emulator(chunk_size=CHUNK_SIZE) as emulator:
            connector = connector_to(emulator)
            async with (
                connector,
                AsyncTwelveLabs(
                    emulator.api_key, BASE_URL, connector=connector, journal=journal, max_retries=0
                ) as client,
            ):
                await _upload_all(emulator, client, Path(videos))
            assert emulator.faults.unused() == []
            state = [_state(emulator, upload_id) for upload_id in emulator.platform.uploads]
    text = json.dumps(state, indent=2, sort_keys=True)
    (directory / "platform.json").write_text(f"{text}\n", encoding="utf-8")


async def _upload_all(emulator: Emulator, client: AsyncTwelveLabs, videos: Path) -> None:
    for name in CHUNKS:
        (videos / name).write_bytes(content(name))
    upload_file = client.multipart_upload.upload_file
    await upload_file(videos / KEPT, keep_result=True, **OPTIONS)
    refusal = store_error(400, "InvalidRequest", "No.")
    emulator.faults.add(Fault(route="put", chunk_index=FIRST_UNSTORED, action=refusal))
    unavailable = api_error(403, "unauthorized", "No.")
    emulator.faults.add(Fault(route="report", action=unavailable, after=1, times=None))
    with suppress(UploadError):
        await upload_file(videos / INTERRUPTED, **OPTIONS)


def _state(emulator: Emulator, upload_id: str) -> dict[str, Any]:
    """Return what the platform and the store know of an upload."""
    upload = emulator.platform.uploads[upload_id]
    chunks = sorted(upload.chunks.items())
    return {
        "upload_id": upload.upload_id,
        "asset_id": upload.asset_id,
        "filename": upload.filename,
        "etags": {index: chunk.stored.etag for index, chunk in chunks if chunk.stored},
        "reported": sorted(upload.reported),
    }


if __name__ == "__main__":
    socket.gethostname = lambda: "host"  # which the records name, and is no part of a fixture
    asyncio.run(write(Path(sys.argv[1])))
