"""Neither the API key nor a presigned signature is ever in a log, a repr or an exception."""

import asyncio
import logging
import pickle
import re
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, UploadError
from twelvelabs_async.emulator import Cut, Emulator, Fault, Rewrite, Stall, store_error

ECHO = store_error(403, "SignatureDoesNotMatch", "The request signature does not match.")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and everything that it is chained to."""
    seen = list[BaseException]()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and current not in seen:
            seen.append(current)
            yield current
            waiting += [current.__cause__, current.__context__]


def signatures(emulator: Emulator) -> set[str]:
    """Return the signature of every presigned URL that was used."""
    targets = [exchange.path for exchange in emulator.requests if exchange.route == "put"]
    return {found for target in targets for found in re.findall(r"Signature=([0-9a-f]+)", target)}


def everything_said(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    said = [caplog.text, "".join(traceback.format_exception(error))]
    for link in chain(error):
        said += [str(link), repr(link), repr(vars(link)), repr(pickle.dumps(link))]
    return "\n".join(said)


def echo_the_url(payload: dict[str, Any]) -> dict[str, Any]:
    """Break an answer right beside the presigned URLs that it holds."""
    return {**payload, "chunk_size": payload["upload_urls"][0]["url"]}


@pytest.mark.parametrize(
    ("route", "action"),
    [
        ("put", ECHO),
        ("put", Cut("middle")),
        ("put", Stall("after")),
        ("report", Cut()),
        ("create", Rewrite(echo_the_url)),
    ],
    ids=["signature echoed", "reset", "stall", "no report", "broken answer"],
)
async def test_a_failure_tells_no_secret(
    route: str,
    action: Any,
    emulator: Emulator,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever breaks: what is logged at DEBUG, raised, chained or pickled holds neither."""
    emulator.faults.add(Fault(route=route, action=action, times=None))
    asyncio.get_running_loop().set_debug(enabled=True)
    with caplog.at_level(logging.DEBUG):
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
            with pytest.raises(UploadError) as caught:
                await client.multipart_upload.upload_file(make_file(2 * CHUNK_SIZE), max_retries=1)
            said = everything_said(caught.value, caplog) + repr(client) + repr(vars(client))
    assert emulator.api_key not in said
    assert route == "create" or signatures(emulator)
    for signature in signatures(emulator):
        assert signature not in said


async def test_a_success_tells_no_secret(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Logs and reprs of what the platform sent hold neither."""
    with caplog.at_level(logging.DEBUG):
        result = await client.multipart_upload.upload_file(make_file(2 * CHUNK_SIZE))
        session = await client.multipart_upload.create(filename="a.mp4", type="video", total_size=5)
        urls = await client.multipart_upload.get_additional_presigned_urls(
            session.upload_id, start=1, count=1
        )
    said = "\n".join([caplog.text, repr(result), repr(session), repr(urls), repr(vars(client))])
    assert emulator.api_key not in said
    assert "Signature=" in session.upload_urls[0].url
    assert "Signature" not in said


async def test_the_store_gets_exactly_what_was_signed(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Host, length and the platform's own headers: no key, and nothing that a library adds."""
    await client.multipart_upload.upload_file(make_file(2 * CHUNK_SIZE))
    (upload_id,) = emulator.platform.uploads
    for exchange in (e for e in emulator.requests if e.route == "put"):
        assert dict(exchange.headers) == {
            "Host": emulator.store_url.removeprefix("http://"),
            "Content-Length": str(CHUNK_SIZE),
            "Content-Type": "application/octet-stream",
            "x-amz-meta-upload-id": upload_id,
        }
