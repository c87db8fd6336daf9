"""A process whose loop ends while requests are under way, so that everything is left unclosed.

Run as ``python -m support.stopped_loop SCENARIO FILE``; what is a secret is written to the file, a
line each. Scenarios: words of ``tls`` (through a tunnel), ``answered`` (the store's answer has
begun), ``closed`` (the loop is closed before what is left dies), ``session`` (the user's own).
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from support.calls import tls
from support.proxy import forward_proxy
from support.server import raw_server
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Fault, Rewrite, Stall

PASSWORD = "a-password-of-a-proxy"
BEGINNING = b"HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nno"


def main(scenario: str, out: Path) -> None:
    """Upload through a proxy, and stop."""
    loop = asyncio.new_event_loop()
    assert loop.get_debug()
    held = list[object]()
    asyncio.set_event_loop(loop)
    held.append(loop.create_task(until_stopped(scenario.split("-"), out, held)))
    loop.run_forever()
    if "closed" in scenario:
        loop.close()
    held.clear()
    gc.collect()
    if not loop.is_closed():
        loop.close()
    asyncio.set_event_loop(None)
    del loop
    gc.collect()


async def until_stopped(words: list[str], out: Path, held: list[object]) -> None:
    """Stop the loop while PUTs are under way."""
    loop = asyncio.get_running_loop()
    theirs, ours = tls() if "tls" in words else (None, True)
    async with (
        Emulator(chunk_size=1000, ssl=theirs) as emulator,
        forward_proxy() as proxy,
        raw_server(BEGINNING, silent=True) as store,
    ):
        urls = list[str]()
        elsewhere = store.url if "answered" in words else None
        emulator.faults.add(Fault(route="create", action=Rewrite(noting(urls, elsewhere))))
        stall = emulator.faults.add(Fault(route="put", action=Stall("middle"), times=None))
        url = str(proxy.url.with_user("user").with_password(PASSWORD))
        if "session" in words:
            client = AsyncTwelveLabs(
                emulator.api_key, emulator.base_url, session=aiohttp.ClientSession(proxy=url)
            )
        else:
            client = AsyncTwelveLabs(emulator.api_key, emulator.base_url, proxy=url, ssl=ours)
        upload = loop.create_task(client.upload(("a.mp4", b"bytes" * 600), multipart_above=0))
        held += [client, upload]
        while not (store.requests or stall.hits):
            await asyncio.sleep(0)
        for _ in range(100):  # the answer passes the proxy, all in this loop
            await asyncio.sleep(0)
        secrets = [PASSWORD, emulator.api_key, *(url[-64:] for url in urls)]
        await asyncio.to_thread(out.write_text, "\n".join(secrets))
        loop.stop()
        await loop.create_future()


def noting(urls: list[str], store: str | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what notes presigned URLs, and has them lead to another store, if there is one."""

    def note(payload: dict[str, Any]) -> dict[str, Any]:
        for chunk in payload["upload_urls"]:
            urls.append(chunk["url"])
            if store is not None:
                chunk["url"] = f"{store}/{chunk['url'].split('/', 3)[3]}"
        return payload

    return note


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
