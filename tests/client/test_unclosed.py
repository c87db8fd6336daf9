"""What Python and aiohttp say of things that were left open names no secret; ours are closed.

aiohttp complains of unclosed connections and responses in warnings, and in asyncio's debug mode to
the loop's exception handler, with their ``repr``.
"""

import asyncio
import gc
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.calls import tls
from support.files import CHUNK_SIZE, TESTS, MakeFile
from support.proxy import basic, forward_proxy
from support.virtual_time import utcnow
from yarl import URL

from twelvelabs_async import AsyncTwelveLabs, UploadError
from twelvelabs_async._http.proxies import Proxy
from twelvelabs_async.emulator import Emulator, Fault, Stall


def stopped(scenario: str, out: Path) -> str:
    """Play a scenario in a process of its own, in debug mode, and return all that it said."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "always", "-m", "support.stopped_loop", scenario, out],
        cwd=TESTS,
        env={**os.environ, "PYTHONASYNCIODEBUG": "1", "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert out.exists(), done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "scenario", ["plain", "plain-closed", "tls-closed", "answered-closed", "answered", "session"]
)
def test_a_loop_that_ends_in_the_middle_tells_no_secret(scenario: str, tmp_path: Path) -> None:
    """Whatever complains: neither a proxy's password, nor a signature, nor the key is told."""
    out = tmp_path.parent / f"{scenario}.secrets"
    said = stopped(scenario, out)
    assert "Unclosed connection" in said or "Unclosed client session" in said
    secrets = out.read_text().splitlines()
    assert len(secrets) >= 3
    assert [secret for secret in secrets if secret in said] == []


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
async def test_nothing_of_ours_is_left_unclosed(secure: bool, make_file: MakeFile) -> None:
    """In debug mode: uploads that are cancelled sooner or later, and a handshake that fails."""
    theirs, ours = tls() if secure else (None, True)
    loop = asyncio.get_running_loop()
    loop.set_debug(enabled=True)
    said = list[str]()
    loop.set_exception_handler(lambda _, context: said.append(repr(context)))
    path = make_file(5 * CHUNK_SIZE)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        async with (
            Emulator(chunk_size=CHUNK_SIZE, ssl=theirs, now=utcnow) as emulator,
            forward_proxy() as proxy,
        ):
            emulator.faults.add(Fault(route="put", action=Stall("middle"), times=None))
            url = proxy.url_with("user", "a-password")
            async with AsyncTwelveLabs(
                emulator.api_key, emulator.base_url, ssl=ours, proxy=url
            ) as client:
                for turns in range(0, 200, 8):
                    upload = asyncio.create_task(client.multipart_upload.upload_file(path))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    upload.cancel()
                    await asyncio.wait({upload})
            if secure:
                async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, proxy=url) as other:
                    with pytest.raises(UploadError, match="certificate"):
                        await other.multipart_upload.upload_file(path, max_retries=0)
        gc.collect()
        await asyncio.sleep(0)
    said += [str(each.message) for each in told]
    assert [each for each in said if "Unclosed" in each or "a-password" in each] == []


@pytest.mark.parametrize("theirs", [True, False], ids=["their session", "our own"])
async def test_a_connection_knows_its_proxy_without_the_password(
    theirs: bool, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a connection, which its ``repr`` shows, holds no credentials."""
    keys = list[str]()
    connect = aiohttp.TCPConnector.connect

    async def connecting(
        connector: aiohttp.TCPConnector, *args: object, **given: object
    ) -> aiohttp.connector.Connection:
        connection = await connect(connector, *args, **given)  # type: ignore[arg-type]
        keys.append(repr(connection))
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connecting)
    async with forward_proxy() as proxy:
        url = proxy.url_with("user", "a-password")
        async with aiohttp.ClientSession(proxy=url) as session:
            settings: dict[str, Any] = {"session": session} if theirs else {"proxy": url}
            async with AsyncTwelveLabs(
                emulator.api_key,
                emulator.base_url,
                **settings,
            ) as client:
                await client.upload(("a.mp4", b"bytes" * 500), multipart_above=0)
    assert keys
    assert all(str(proxy.url) in key.replace("')", "/") for key in keys)
    assert not [key for key in keys if "a-password" in key]
    assert set(proxy.authorizations) == {basic("user", "a-password")}


async def test_a_proxys_credentials_go_before_an_authorization_of_the_users_session(
    emulator: Emulator,
) -> None:
    """Aiohttp would hand the session's own to the proxy."""
    async with forward_proxy() as proxy:
        url = proxy.url_with("user", "a-password")
        headers = {"Authorization": "Bearer of the gateway"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            AsyncTwelveLabs(
                emulator.api_key, emulator.base_url, session=session, proxy=url
            ) as client,
        ):
            await client.assets.list()
    assert proxy.authorizations == [basic("user", "a-password")]
    (exchange,) = emulator.requests
    assert dict(exchange.headers)["Authorization"] == "Bearer of the gateway"


@pytest.mark.parametrize(
    ("url", "user", "password"),
    [
        ("http://user:pass@proxy:3128", "user", "pass"),
        ("http://user@proxy:3128", "user", ""),
        ("http://us%C3%A9r:p%40ss@proxy:3128", "us\xe9r", "p@ss"),
    ],
)
def test_credentials_leave_the_url_of_a_proxy(url: str, user: str, password: str) -> None:
    """They are sent as a header, quoted no longer."""
    proxy = Proxy.of(URL(url))
    assert proxy.url == URL("http://proxy:3128")
    assert proxy.headers is not None
    assert proxy.headers["Authorization"] == basic(user, password, "latin-1")
    assert "pass" not in repr(proxy)


def test_a_password_beyond_latin_1_is_sent_in_utf_8() -> None:
    """Rather than refused with the password in the exception."""
    proxy = Proxy.of(URL("http://user@proxy:3128").with_password("p\u20ac"))
    assert proxy.headers is not None
    assert proxy.headers["Authorization"] == basic("user", "p\u20ac")


def test_a_proxy_without_credentials_gets_no_header() -> None:
    """And no proxy is none."""
    assert Proxy.of(URL("http://proxy:3128")) == Proxy(URL("http://proxy:3128"))
    assert Proxy.of(None) == Proxy()
