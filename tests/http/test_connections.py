"""Connecting has a bound, wherever it hangs; waiting for a place in a pool has none."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from attrs import define
from support.calls import ask, assert_ours_alone, now
from support.files import CHUNK_SIZE, MakeFile
from support.server import http, listening, raw_server, read_request
from yarl import URL

from twelvelabs_async import (
    ApiConnectionError,
    ApiTimeoutError,
    AsyncTwelveLabs,
    BadRequestError,
    RequestOptions,
    StorageConnectionError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async._http.attempt import CONNECT_TIMEOUT
from twelvelabs_async.emulator import Cut, Emulator, Fault

ONCE: RequestOptions = {"max_retries": 0}
HOURS = 5 * 3600.0
WHOSE = ["own", "session", "connector"]
PLACES = ["resolver", "proxy", "tls"]
SAID = {
    "resolver": r"the host name 'store\.test' was not resolved in 30 s",
    "proxy": r"the proxy 127\.0\.0\.1:\d+ made no connection to store\.test in 30 s",
    "tls": r"no connection to 127\.0\.0\.1:\d+, with its TLS handshake, was made in 30 s",
}


class HangingResolver(AbstractResolver):
    """A resolver that never answers."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.get_running_loop().create_future()
        raise AssertionError(host, port, family)

    async def close(self) -> None:
        """Do nothing."""


@define
class Lookups:
    """What the system's resolver is, on a loop: it hangs at first, and finds 127.0.0.1 then.

    Attributes:
        hanging: How many lookups hang; the later ones succeed.
        count: How many there were.
    """

    hanging: float = float("inf")
    count: int = 0

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        if host.endswith(".test"):  # uvloop asks for addresses, too
            self.count += 1
            if self.count <= self.hanging:
                await asyncio.get_running_loop().create_future()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    def replace(self, patch: pytest.MonkeyPatch) -> None:
        """Be the resolver of the running loop."""
        patch.setattr(asyncio.get_running_loop(), "getaddrinfo", self.getaddrinfo)


@asynccontextmanager
async def connections(whose: str, **settings: Any) -> AsyncGenerator[dict[str, Any]]:
    """Yield the settings of a client with connections of its own, or of the user's."""
    async with AsyncExitStack() as stack:
        if whose == "own":
            yield {"trust_env": True}
            return
        connector = aiohttp.TCPConnector(**settings)
        await stack.enter_async_context(connector)
        if whose == "connector":
            yield {"connector": connector, "trust_env": True}
            return
        session = aiohttp.ClientSession(connector=connector, trust_env=True)
        yield {"session": await stack.enter_async_context(session)}


@asynccontextmanager
async def hanging(
    place: str, whose: str, patch: pytest.MonkeyPatch, **settings: Any
) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
    """Yield an origin that cannot be connected to, and the settings of a client."""
    async with raw_server(b"", silent=True) as silent:
        port = URL(silent.url).port
        origin = {
            "resolver": f"http://store.test:{port}",
            "proxy": "https://store.test",
            "tls": f"https://127.0.0.1:{port}",
        }[place]
        if place == "proxy":
            patch.setenv("HTTPS_PROXY", silent.url)
        elif place == "resolver":
            Lookups().replace(patch)
        async with connections(
            whose, resolver=HangingResolver() if place == "resolver" else None
        ) as more:
            yield origin, {**more, **settings}


def assert_said(error: TwelveLabsError, place: str) -> None:
    with pytest.raises(type(error), match=SAID[place]):
        raise error


@pytest.mark.parametrize("stall_timeout", [None, 60.0])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("whose", WHOSE)
async def test_a_put_that_never_gets_a_connection_ends(
    whose: str,
    place: str,
    stall_timeout: float | None,
    emulator: Emulator,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After the bound, and the error says what hung."""
    async with hanging(place, whose, monkeypatch, stall_timeout=stall_timeout) as (origin, more):
        emulator.platform.store_url = origin
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, **more) as client:
            with pytest.raises(UploadError) as caught:
                await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), max_retries=0)
    assert isinstance(caught.value.__cause__, StorageConnectionError)
    assert_said(caught.value, place)
    assert caught.value.retryable
    assert now() == pytest.approx(CONNECT_TIMEOUT, abs=0.1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("whose", WHOSE)
async def test_a_direct_upload_that_never_gets_a_connection_ends(
    whose: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was surely not taken."""
    async with hanging(place, whose, monkeypatch, stall_timeout=None) as (origin, more):
        client = AsyncTwelveLabs("key", f"{origin}/v1.3", **more)
        async with client:
            with pytest.raises(ApiConnectionError) as caught:
                await client.assets.create(
                    method="direct", file=("a.mp4", b"film"), request_options=ONCE
                )
    assert_said(caught.value, place)
    assert_ours_alone(caught.value)
    assert now() == pytest.approx(CONNECT_TIMEOUT, abs=0.1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("whose", WHOSE)
async def test_a_control_call_that_never_gets_a_connection_says_what_hung(
    whose: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its whole time is over; where that is less, it ends as any other."""
    async with hanging(place, whose, monkeypatch, timeout=3600.0) as (origin, more):
        client = AsyncTwelveLabs("key", f"{origin}/v1.3", **more)
        async with client:
            with pytest.raises(ApiTimeoutError) as caught:
                await ask(client, ONCE)
            assert now() == pytest.approx(CONNECT_TIMEOUT, abs=0.1)
            await asyncio.sleep(1)  # until the lookup has ended that both would share
            with pytest.raises(ApiTimeoutError, match="in 5 s"):
                await ask(client, {"max_retries": 0, "timeout_in_seconds": 5})
            assert now() == pytest.approx(CONNECT_TIMEOUT + 6, abs=0.1)
    assert_said(caught.value, place)


@pytest.mark.parametrize("whose", WHOSE)
async def test_a_short_stall_timeout_is_about_connecting_too(
    whose: str, emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No byte is taken while nobody answers."""
    async with hanging("tls", whose, monkeypatch, stall_timeout=4.0) as (origin, more):
        emulator.platform.store_url = origin
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, **more) as client:
            with pytest.raises(UploadError, match="no byte was taken"):
                await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), max_retries=0)
    assert 4 <= now() <= 5.1


Call = Callable[[AsyncTwelveLabs, str], Any]


async def _direct(client: AsyncTwelveLabs, path: str) -> None:
    await client.assets.create(method="direct", file=path, request_options=ONCE)


async def _list(client: AsyncTwelveLabs, _: str) -> None:
    await ask(client, ONCE)


@pytest.mark.parametrize("call", [_direct, _list], ids=lambda call: call.__name__)
@pytest.mark.parametrize("whose", ["session", "connector"])
async def test_a_pool_that_is_in_use_for_hours_is_no_failure(
    whose: str, call: Call, emulator: Emulator, make_file: MakeFile
) -> None:
    """Somebody else has its only place; nobody is to blame, and then it goes on."""
    path = str(make_file(3 * CHUNK_SIZE))
    async with raw_server(b"", silent=True) as silent, connections(whose, limit=1) as more:
        connector = more.get("connector") or more["session"].connector
        theirs = aiohttp.ClientSession(
            connector=connector, connector_owner=False, timeout=aiohttp.ClientTimeout(total=None)
        )
        async with (
            theirs,
            AsyncTwelveLabs(
                emulator.api_key, emulator.base_url, stall_timeout=600.0, timeout=700.0, **more
            ) as client,
        ):
            holding = asyncio.create_task(theirs.get(silent.url)._coro)
            while not silent.requests:
                await asyncio.sleep(0)
            working = asyncio.create_task(call(client, path))
            await asyncio.sleep(HOURS)
            assert not working.done()
            holding.cancel()
            await asyncio.wait([holding])
            await working
            assert now() == pytest.approx(HOURS, abs=1)


@pytest.mark.parametrize("whose", ["session", "connector"])
async def test_a_put_waits_for_hours_for_a_place_in_a_pool(
    whose: str, emulator: Emulator, make_file: MakeFile
) -> None:
    """The platform can be reached meanwhile; the store's only place is taken by somebody else."""
    taken, puts = asyncio.Event(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal puts
        while request := await read_request(reader):
            if request.startswith(b"GET"):
                taken.set()
                await reader.read()
                break
            puts += 1
            writer.write(http("200 OK", ETag='"e"'))

    async with listening(serve) as where, connections(whose, limit_per_host=1) as more:
        store = f"http://{where}"
        emulator.platform.store_url = store
        connector = more.get("connector") or more["session"].connector
        async with (
            aiohttp.ClientSession(
                connector=connector,
                connector_owner=False,
                timeout=aiohttp.ClientTimeout(total=None),
            ) as theirs,
            AsyncTwelveLabs(
                emulator.api_key, emulator.base_url, stall_timeout=600.0, **more
            ) as client,
        ):
            holding = asyncio.create_task(theirs.get(store)._coro)
            await taken.wait()
            uploading = asyncio.create_task(
                client.multipart_upload.upload_file(make_file(3 * CHUNK_SIZE), max_retries=0)
            )
            await asyncio.sleep(HOURS)
            assert (emulator.count("create"), puts, uploading.done()) == (1, 0, False)
            holding.cancel()
            with pytest.raises(UploadError) as caught:
                await uploading
            assert isinstance(caught.value.__cause__, BadRequestError)  # it is not the real store
            assert puts


async def test_a_pool_with_one_place_carries_a_whole_upload(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Its PUTs and its control calls wait for each other."""
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        connector,
        AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, connector=connector, stall_timeout=1.0
        ) as client,
    ):
        await asyncio.gather(
            *(client.multipart_upload.upload_file(make_file(9000)) for _ in range(3))
        )
    assert emulator.count("put") == 27


async def test_a_lookup_that_hangs_does_not_hold_up_those_that_share_it(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes later shares it, and does not wait longer than the first: then it begins anew."""
    lookups = Lookups(hanging=1)
    lookups.replace(monkeypatch)
    base = str(URL(emulator.base_url).with_host("api.test"))
    async with AsyncTwelveLabs(emulator.api_key, base, max_retries=1) as client:
        first = asyncio.create_task(ask(client))
        await asyncio.sleep(CONNECT_TIMEOUT - 1)
        second = asyncio.create_task(ask(client))
        await asyncio.gather(first, second)
        assert now() < CONNECT_TIMEOUT + 1
    assert lookups.count == 2
    assert emulator.count("list") == 2


async def test_closing_a_client_does_not_wait_for_a_lookup(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does cancelling a call."""
    Lookups().replace(monkeypatch)
    base = str(URL(emulator.base_url).with_host("api.test"))
    before = asyncio.all_tasks()
    async with AsyncTwelveLabs(emulator.api_key, base) as client:
        asking = asyncio.create_task(ask(client))
        await asyncio.sleep(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert now() == 1
    assert asyncio.all_tasks() == before


async def test_a_put_that_got_no_connection_keeps_its_url(
    emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it was sent, so the URL is as good as before: no other one is asked for."""
    lookups = Lookups(hanging=2)
    lookups.replace(monkeypatch)
    store = URL(emulator.platform.store_url)
    emulator.platform.store_url = str(store.with_host("store.test").origin())
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        asset = await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), max_retries=2)
    assert asset.asset_url
    assert lookups.count == 3
    assert (emulator.count("put"), emulator.count("presigned_urls")) == (1, 0)


async def test_a_put_that_lost_its_connection_takes_another_url(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """A URL works once, and the store may have seen it."""
    emulator.faults.add(Fault(route="put", action=Cut("after")))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), max_retries=2)
    assert (emulator.count("put"), emulator.count("presigned_urls")) == (2, 1)
