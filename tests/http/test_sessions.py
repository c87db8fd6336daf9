"""What reaches the object store: nothing of the user's session, and everything through proxies."""

import asyncio
import gzip
import warnings
from pathlib import Path

import aiohttp
import pytest
from support.calls import ask, assert_ours_alone, headers_of, now, tls
from support.files import MakeFile
from support.proxy import ForwardProxy, basic, forward_proxy
from support.server import unused_url
from support.virtual_time import utcnow
from yarl import URL

from twelvelabs_async import ApiConnectionError, AsyncTwelveLabs, ConfigurationError
from twelvelabs_async._http.connector import HANDSHAKE_GAP
from twelvelabs_async.emulator import Answer, Emulator, Fault, Stall
from twelvelabs_async.models.results import UploadResult


def assert_clean(emulator: Emulator, result: UploadResult) -> None:
    """Fail unless every PUT had Host, Content-Length and the upload headers, and nothing else."""
    signed = emulator.platform.uploads[result.upload_id].upload_headers
    puts = [each for each in emulator.requests if each.route == "put"]
    assert len(puts) == result.total_chunks
    for put in puts:
        expected = {name.lower(): value for name, value in signed.items()}
        expected["host"] = URL(emulator.store_url).authority
        expected["content-length"] = str(put.received)
        assert headers_of(put) == expected


def control_headers(emulator: Emulator) -> list[dict[str, str]]:
    return [headers_of(each) for each in emulator.requests if each.origin == "api"]


def netrc(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have credentials for the emulator's host where HTTP clients look for them."""
    path = folder / "netrc"
    path.write_text("machine 127.0.0.1 login user password hunter2\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


async def upload(
    emulator: Emulator, make_file: MakeFile, session: aiohttp.ClientSession | None = None
) -> UploadResult:
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, session=session) as client:
        return await client.multipart_upload.upload_file(make_file(2500))


async def test_a_client_of_its_own_sends_the_store_what_was_signed(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Not even ``Accept``, ``Accept-Encoding`` or ``User-Agent``."""
    assert_clean(emulator, await upload(emulator, make_file))


async def test_headers_of_the_users_session_do_not_reach_the_store(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """They go to the platform, which the session was made for."""
    theirs = {"Authorization": "Bearer hunter2", "X-Api-Key": "theirs", "Content-Type": "a/b"}
    async with aiohttp.ClientSession(headers=theirs) as session:
        result = await upload(emulator, make_file, session)
    assert_clean(emulator, result)
    for headers in control_headers(emulator):
        assert headers["authorization"] == "Bearer hunter2"
        assert headers["x-api-key"] == emulator.api_key
        assert headers["content-type"] == "application/json"


async def test_cookies_of_the_users_session_do_not_reach_the_store(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Nor does one that the platform or the store sets meanwhile."""
    emulator.faults.add(
        Fault(route="create", action=Answer(503, {"Set-Cookie": "balancer=7; Path=/"}))
    )
    emulator.faults.add(Fault(route="put", action=Answer(503, {"Set-Cookie": "store=8; Path=/"})))
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookies={"session": "hunter2"}, cookie_jar=jar) as session:
        result = await upload(emulator, make_file, session)
    puts = [headers_of(each) for each in emulator.requests if each.route == "put"]
    assert len(puts) == result.total_chunks + 1
    assert not [headers for headers in puts if "cookie" in headers]
    asked = [headers.get("cookie", "") for headers in control_headers(emulator)]
    assert all("session=hunter2" in cookie for cookie in asked)
    assert "balancer=7" in asked[1]
    assert not [cookie for cookie in asked if "store=8" in cookie]


async def test_credentials_of_the_users_session_do_not_reach_the_store(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """``auth=`` is for the platform, or a gateway in front of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # auth= is on its way out of aiohttp
        session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "hunter2"))
    async with session:
        result = await upload(emulator, make_file, session)
    assert_clean(emulator, result)
    wanted = basic("user", "hunter2")
    assert all(headers["authorization"] == wanted for headers in control_headers(emulator))


async def test_netrc_credentials_do_not_reach_the_store(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session with ``trust_env`` reads them for every host that they name."""
    netrc(tmp_path, monkeypatch)
    async with aiohttp.ClientSession(trust_env=True) as session:
        result = await upload(emulator, make_file, session)
    assert_clean(emulator, result)
    wanted = basic("user", "hunter2")
    assert all(headers["authorization"] == wanted for headers in control_headers(emulator))


async def test_trust_env_of_a_client_is_about_proxies_alone(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API key is the one credential of the platform: netrc adds none to it."""
    netrc(tmp_path, monkeypatch)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
        result = await client.multipart_upload.upload_file(make_file(2500))
    assert_clean(emulator, result)
    assert not [headers for headers in control_headers(emulator) if "authorization" in headers]


async def test_habits_of_the_users_session_do_not_break_anything(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """``raise_for_status``, a tiny total timeout and no decompression are for its own requests."""
    emulator.faults.add(Fault(route="create", action=Answer(503, {"Retry-After": "20"})))
    emulator.faults.add(Fault(route="put", action=Answer(503)))
    async with aiohttp.ClientSession(
        raise_for_status=True,
        timeout=aiohttp.ClientTimeout(total=1e-9, sock_read=1e-9),
        auto_decompress=False,
        base_url="http://elsewhere.invalid/",
    ) as session:
        result = await upload(emulator, make_file, session)
    assert emulator.count("create") == 2
    assert emulator.count("put") == result.total_chunks + 1


async def test_a_raise_for_status_of_the_users_own_is_not_called(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """It would let its own exceptions out, and see answers of the store."""
    called: list[int] = []

    async def raise_for_status(response: aiohttp.ClientResponse) -> None:
        called.append(response.status)

    async with aiohttp.ClientSession(raise_for_status=raise_for_status) as session:
        assert_clean(emulator, await upload(emulator, make_file, session))
    assert called == []


async def test_a_cookie_that_the_store_sets_is_not_sent_back(make_file: MakeFile) -> None:
    """Cookie jars take cookies of host names only, so the store has one here."""
    async with Emulator(chunk_size=1000, host="localhost", now=utcnow) as emulator:
        emulator.faults.add(Fault(route="put", action=Answer(503, {"Set-Cookie": "a=b; Path=/"})))
        await upload(emulator, make_file)
        puts = [headers_of(each) for each in emulator.requests if each.route == "put"]
    assert len(puts) == 4
    assert not [headers for headers in puts if "cookie" in headers]


async def test_a_put_may_take_longer_than_any_total_timeout(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """A slow line is no failure: only ``stall_timeout`` ends a PUT, whatever a session has."""
    fault = emulator.faults.add(Fault(route="put", action=Stall("after")))
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session,
        AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, session=session, stall_timeout=4000
        ) as client,
    ):
        await client.multipart_upload.upload_file(make_file(500))
    assert fault.hits == 1
    assert now() >= 4000


async def test_an_answer_is_unpacked_though_the_users_session_does_not(emulator: Emulator) -> None:
    """It offers gzip all the same."""
    body = gzip.compress(b'{"data": [], "page_info": {"total_results": 3}}')
    emulator.faults.add(Fault(route="list", action=Answer(200, {"Content-Encoding": "gzip"}, body)))
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, session=session) as client,
    ):
        assert (await ask(client)).page_info.total_results == 3


# Proxies


def assert_through(proxy: ForwardProxy, emulator: Emulator) -> None:
    """Fail unless every request of both origins came through the proxy."""
    origins = {URL(emulator.base_url).authority, URL(emulator.store_url).authority}
    assert proxy.authorities() == origins
    assert len(proxy.seen) == len(emulator.requests)


async def test_a_proxy_is_used_for_the_platform_and_for_the_store(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Each request goes through it, none past it."""
    async with (
        forward_proxy() as proxy,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, proxy=str(proxy.url)) as client,
    ):
        result = await client.multipart_upload.upload_file(make_file(2500))
    assert_through(proxy, emulator)
    assert emulator.count("put") == result.total_chunks
    assert set(proxy.authorizations) == {None}


async def test_credentials_of_a_proxy_reach_the_proxy_alone(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """``user:password`` in its URL, with characters that a URL must quote."""
    async with forward_proxy() as proxy:
        url = proxy.url_with("user", "p@ss:w/rd")
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, proxy=url) as client:
            await client.multipart_upload.upload_file(make_file(2500))
            assert "p%40ss" not in repr(client._runtime.sessions)
    assert_through(proxy, emulator)
    assert set(proxy.authorizations) == {basic("user", "p@ss:w/rd")}
    for exchange in emulator.requests:
        names = headers_of(exchange)
        assert "proxy-authorization" not in names
        assert "authorization" not in names


async def test_a_proxy_of_the_environment_is_used_when_it_is_trusted(
    emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``trust_env`` of the client; credentials in the variable included."""
    async with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url_with("user", "hunter2"))
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
            await client.multipart_upload.upload_file(make_file(2500))
    assert_through(proxy, emulator)
    assert set(proxy.authorizations) == {basic("user", "hunter2")}


async def test_a_proxy_of_the_environment_may_lack_its_scheme(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``HTTP_PROXY=proxy:3128``, as curl and others have it."""
    async with forward_proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.authority)
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
            await ask(client)
    assert len(proxy.seen) == 1


async def test_no_proxy_is_obeyed(
    emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that ``NO_PROXY`` names is reached directly."""
    async with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", str(proxy.url))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
            await client.multipart_upload.upload_file(make_file(2500))
    assert proxy.seen == []
    assert emulator.count("put") == 3


async def test_the_environment_is_not_trusted_unless_asked_to(
    emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with aiohttp itself."""
    monkeypatch.setenv("HTTP_PROXY", await unused_url())
    assert_clean(emulator, await upload(emulator, make_file))


@pytest.mark.parametrize("value", ["socks5://proxy:1080", "http://user:hunter2@proxy:port"])
async def test_a_proxy_of_the_environment_that_is_none_is_told_without_its_password(
    value: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name of the variable to look at."""
    monkeypatch.setenv("HTTP_PROXY", value)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
        with pytest.raises(ConfigurationError, match="HTTP_PROXY") as caught:
            await ask(client)
    assert "hunter2" not in str(caught.value)
    assert emulator.requests == []


async def test_the_proxy_of_the_users_session_serves_the_store_as_well(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Whoever needs a proxy to get out needs it for both."""
    async with forward_proxy() as proxy:
        url = proxy.url_with("user", "hunter2")
        async with aiohttp.ClientSession(proxy=url) as session:
            await upload(emulator, make_file, session)
    assert_through(proxy, emulator)
    assert set(proxy.authorizations) == {basic("user", "hunter2")}


async def test_the_proxy_of_the_users_session_may_have_its_credentials_apart(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """``proxy_auth=`` of the session is taken along."""
    async with forward_proxy() as proxy:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # on its way out of aiohttp
            session = aiohttp.ClientSession(
                proxy=proxy.url, proxy_auth=aiohttp.BasicAuth("user", "hun/ter2")
            )
        async with session:
            await upload(emulator, make_file, session)
    assert_through(proxy, emulator)
    assert set(proxy.authorizations) == {basic("user", "hun/ter2")}


async def test_a_trusting_session_of_the_user_has_the_store_behind_its_proxy_too(
    emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``trust_env`` of the session counts as the client's."""
    async with forward_proxy() as proxy, aiohttp.ClientSession(trust_env=True) as session:
        monkeypatch.setenv("HTTP_PROXY", str(proxy.url))
        await upload(emulator, make_file, session)
    assert_through(proxy, emulator)


async def test_the_clients_proxy_goes_before_the_sessions(emulator: Emulator) -> None:
    """What is said nearer counts."""
    async with (
        forward_proxy() as proxy,
        aiohttp.ClientSession(proxy=await unused_url()) as session,
        AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, session=session, proxy=str(proxy.url)
        ) as client,
    ):
        await ask(client)
    assert len(proxy.seen) == 1


async def test_a_store_over_tls_is_reached_through_a_tunnel(make_file: MakeFile) -> None:
    """The proxy sees host and port, and neither path, headers nor bytes."""
    theirs, ours = tls()
    async with (
        Emulator(chunk_size=1000, ssl=theirs, now=utcnow) as emulator,
        forward_proxy() as proxy,
    ):
        url = proxy.url_with("user", "hunter2")
        async with AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, ssl=ours, proxy=url
        ) as client:
            result = await client.multipart_upload.upload_file(make_file(2500))
        assert_clean(emulator, result)
    tunnels = [head for head in proxy.heads if head.startswith("CONNECT ")]
    assert tunnels
    assert not [head for head in tunnels if "Signature" in head or emulator.api_key in head]
    assert set(proxy.authorizations) == {basic("user", "hunter2")}


async def test_a_proxy_that_refuses_is_told_as_one() -> None:
    """A 407 of a proxy is no answer of the platform."""
    async with (
        forward_proxy(refusal=407) as proxy,
        AsyncTwelveLabs("key", "https://127.0.0.1:9/v1.3", proxy=str(proxy.url)) as client,
    ):
        with pytest.raises(
            ApiConnectionError, match=r"the proxy refused the connection \(407\)"
        ) as caught:
            await ask(client)
    assert len(proxy.seen) == 4
    assert_ours_alone(caught.value)


async def test_a_proxy_that_is_not_there_is_named_without_its_password(emulator: Emulator) -> None:
    """Host and port, to find the typing error."""
    url = URL(await unused_url())
    secret = str(url.with_user("user").with_password("hunter2"))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, proxy=secret) as client:
        with pytest.raises(
            ApiConnectionError, match=f"cannot connect to {url.authority}"
        ) as caught:
            await ask(client)
    assert "hunter2" not in str(caught.value)
    assert emulator.requests == []
    assert_ours_alone(caught.value)


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
async def test_tls_connections_begin_apart(make_file: MakeFile, secure: bool) -> None:
    """So that their handshakes do not arrive together; without TLS there is nothing to space."""
    theirs, ours = tls() if secure else (None, True)
    async with (
        Emulator(chunk_size=1000, ssl=theirs, now=utcnow) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, ssl=ours) as client,
    ):
        await client.multipart_upload.upload_file(make_file(5000), max_workers=5)
        connections = emulator.connections("store")  # the emulator's other origin is plain
        assert connections > 2
        assert now() == pytest.approx(HANDSHAKE_GAP * (connections - 1) if secure else 0)


async def test_who_gives_up_before_connecting_delays_nobody(make_file: MakeFile) -> None:
    """A connection that is never begun has no place among those that are."""
    theirs, ours = tls()
    async with (
        Emulator(chunk_size=1000, ssl=theirs, now=utcnow) as emulator,
        AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, ssl=ours, max_concurrency=50
        ) as client,
    ):
        path = make_file(1000)
        upload_file = client.multipart_upload.upload_file
        uploads = [asyncio.create_task(upload_file(path)) for _ in range(50)]
        while emulator.count("create") < len(uploads):
            await asyncio.sleep(0)
        for _ in range(1000):  # the clock stands still: nearly all come to wait for a connection
            await asyncio.sleep(0)
        opened = client._runtime.sessions._opened
        assert opened is not None
        assert opened.connectors is not None
        assert opened.connectors.storage.spacing._next.locked()
        for each in uploads:
            each.cancel()
        await asyncio.wait(uploads)
        begun = now()
        await upload_file(make_file(5000), max_workers=5)  # one may have an idle connection
        assert now() - begun <= 5 * HANDSHAKE_GAP


async def test_waiting_to_connect_is_no_stall(make_file: MakeFile) -> None:
    """The store has not even been asked."""
    theirs, ours = tls()
    many = 60
    async with (
        Emulator(chunk_size=1000, ssl=theirs, now=utcnow) as emulator,
        AsyncTwelveLabs(
            emulator.api_key,
            emulator.base_url,
            ssl=ours,
            max_concurrency=many,
            stall_timeout=many * HANDSHAKE_GAP / 4,
        ) as client,
    ):
        path = make_file(1000)
        uploads = [client.multipart_upload.upload_file(path, max_retries=0) for _ in range(many)]
        await asyncio.gather(*uploads)
        assert emulator.count("put") == many
        assert now() > many * HANDSHAKE_GAP / 2
