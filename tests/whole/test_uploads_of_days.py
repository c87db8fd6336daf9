"""Days of emulated time over real sockets: a slow link, URLs of an hour, a session of a day.

The way to the store is a proxy that hands on the head of each PUT at once, and its body after as
long as a slow link would take. The clock of the emulator is the client's, and virtual.
"""

import pytest
from attrs import define
from support.assets import read_asset
from support.calls import now
from support.files import CHUNK_SIZE, MakeFile
from support.proxy import ForwardProxy, forward_proxy

from twelvelabs_async import AsyncTwelveLabs, BadRequestError, UploadError, UploadResult
from twelvelabs_async.emulator import Emulator

HOUR = 3600.0
DAY = 24 * HOUR
NO_STALL = 3 * HOUR
"""Seconds; ``stall_timeout`` for a link on which a chunk takes more than an hour."""


@define(eq=False)
class SlowLink:
    """Uploads through a proxy that takes its time.

    Attributes:
        emulator: The platform.
        proxy: The way to it.
    """

    emulator: Emulator
    proxy: ForwardProxy

    async def upload(self, path: object, *, chunk_seconds: float, workers: int) -> UploadResult:
        """Upload a file whose chunks take ``chunk_seconds`` each."""
        self.proxy.seconds_a_put = chunk_seconds
        async with AsyncTwelveLabs(
            self.emulator.api_key,
            self.emulator.base_url,
            proxy=str(self.proxy.url),
            stall_timeout=NO_STALL,
        ) as client:
            return await client.multipart_upload.upload_file(
                str(path), max_workers=workers, batch_size=3
            )


async def test_an_upload_that_takes_most_of_a_day_finishes(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Its URLs live for an hour, and are asked for when they are needed: none is refused."""
    path = make_file(46 * CHUNK_SIZE)
    async with forward_proxy() as proxy:
        result = await SlowLink(emulator, proxy).upload(path, chunk_seconds=HOUR - 60, workers=2)
    assert 22 * HOUR < now() < DAY
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    puts = [e.status for e in emulator.requests if e.route == "put"]
    assert puts == [200] * 46
    assert emulator.count("presigned_urls") <= 46


async def test_a_chunk_may_take_longer_than_its_url_lives(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """A URL has to be good when its PUT begins; how long that takes is no matter of the URL."""
    path = make_file(10 * CHUNK_SIZE)
    async with forward_proxy() as proxy:
        result = await SlowLink(emulator, proxy).upload(path, chunk_seconds=2 * HOUR, workers=1)
    assert 20 * HOUR <= now() < DAY
    assert await read_asset(emulator, result.asset_id) == path.read_bytes()
    assert [e.status for e in emulator.requests if e.route == "put"] == [200] * 10


async def test_an_upload_that_outlives_its_session_says_so(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Three days of work: it ends with the first report or URL that is refused, and says why."""
    path = make_file(72 * CHUNK_SIZE)
    async with forward_proxy() as proxy:
        with pytest.raises(UploadError, match="has expired") as caught:
            await SlowLink(emulator, proxy).upload(path, chunk_seconds=HOUR - 60, workers=1)
    error = caught.value
    (upload_id,) = emulator.platform.uploads
    assert DAY <= now() < DAY + 3 * HOUR
    assert error.upload_id == upload_id
    assert isinstance(error.original_error, BadRequestError)
    assert error.total_chunks == 72
    assert 24 <= error.stored_chunks <= 27
    assert error.reported_chunks == len(emulator.platform.uploads[upload_id].reported)
    assert emulator.count("put") <= 27
