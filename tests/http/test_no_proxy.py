"""``NO_PROXY``, as people write it for curl and requests."""

import pytest
from hypothesis import given, strategies as st
from support.files import MakeFile
from support.memory_platform import choose_profile
from support.proxy import forward_proxy
from yarl import URL

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._http.no_proxy import bypasses
from twelvelabs_async.emulator import Emulator

choose_profile()

API = "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        (API, "*"),
        (API, "a.b, *"),
        (API, "api.example.com"),
        (API, "API.Example.COM"),
        ("https://API.example.com", "api.example.com"),
        (API, "example.com"),
        (API, ".example.com"),
        (API, "*.example.com"),
        (API, "com"),
        ("https://example.com/", ".example.com"),
        (API, "example.com."),
        ("https://api.example.com./", "example.com"),
        (API, "api.example.com:443"),
        (API, ".example.com:443"),
        ("http://localhost:8080/", "localhost:8080"),
        ("http://localhost:8080/", "localhost"),
        (API, "first.org,example.com,last.org"),
        (API, "first.org example.com\tlast.org"),
        (API, " , first.org ,, example.com , "),
        ("http://10.1.2.3/", "10.1.2.3"),
        ("http://10.1.2.3/", "10.0.0.0/8"),
        ("http://10.1.2.3/", "10.1.2.3/8"),
        ("http://10.1.2.3/", "10.0.0.0/255.0.0.0"),
        ("http://10.1.2.3/", "0.0.0.0/0"),
        ("http://10.1.2.3:99/", "10.1.2.3:99"),
        ("http://10.1.2.3:99/", "10.0.0.0/8"),
        ("http://[::1]/", "::1"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://[::1]/", "0:0:0:0:0:0:0:1"),
        ("http://[fd00:1::5]/", "fd00::/8"),
        ("http://[2001:DB8::5]/", "2001:db8::/32"),
        ("https://müller.example/", "müller.example"),
        ("https://xn--mller-kva.example/", "müller.example"),
    ],
)
def test_a_host_that_is_named_is_reached_directly(url: str, no_proxy: str) -> None:
    """By its name, its domain, its address, its network, its port."""
    assert bypasses(URL(url), no_proxy)


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        (API, ""),
        (API, " , ,"),
        (API, "."),
        (API, ":443"),
        (API, "example.org"),
        ("https://notexample.com/", "example.com"),
        ("https://notexample.com/", ".example.com"),
        ("https://example.com.evil.org/", "example.com"),
        ("https://example.com/", "api.example.com"),
        (API, "api.example.com:80"),
        (API, "api.example.com:https"),
        (API, "api.example.com:443x"),
        (API, f"api.example.com:{'4' * 5000}"),
        ("http://localhost:8080/", "localhost:80"),
        ("http://10.1.2.3/", "11.0.0.0/8"),
        ("http://10.1.2.3/", "10.1.2.3:99"),
        ("http://10.1.2.3/", "2.3"),
        ("http://10.1.2.3/", "10.1.2"),
        ("http://10.1.2.3/", "10.0.0.0/33"),
        ("http://10.1.2.3/", "10.0.0.0/eight"),
        ("http://10.1.2.3/", "fd00::/8"),
        ("http://10.1.2.3/", "/8"),
        ("http://[fe80::1]/", "fd00::/8"),
        ("http://[::1]:8080/", "[::1]:80"),
        ("http://api.example.com/", "10.0.0.0/8"),
        (API, "https://api.example.com"),
    ],
)
def test_another_host_is_not(url: str, no_proxy: str) -> None:
    """Nor one whose name only looks alike; an entry that is none matches nothing."""
    assert not bypasses(URL(url), no_proxy)


@given(st.text(max_size=60), st.sampled_from([API, "http://10.1.2.3:80/", "http://[::1]:1/"]))
def test_no_text_in_the_variable_is_an_error(no_proxy: str, url: str) -> None:
    """Whoever set it was not us."""
    assert bypasses(URL(url), no_proxy) in {True, False}


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    "entry", ["127.0.0.0/8", "api, {api}, {store}", "  127.0.0.1 ", "::1,127.0.0.0/24", "*"]
)
async def test_what_is_named_is_reached_past_the_proxy(
    entry: str,
    variable: str,
    emulator: Emulator,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The platform and the store, under either name of the variable."""
    api, stored = URL(emulator.base_url).authority, URL(emulator.store_url).authority
    async with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", str(proxy.url))
        monkeypatch.setenv(variable, entry.format(api=api, store=stored))
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
            await client.multipart_upload.upload_file(make_file(2500))
    assert proxy.seen == []


async def test_a_port_that_is_named_is_the_only_one(
    emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has the platform's address, and another port: it is behind the proxy."""
    async with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", str(proxy.url))
        monkeypatch.setenv("NO_PROXY", URL(emulator.base_url).authority)
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
            await client.multipart_upload.upload_file(make_file(2500))
    assert proxy.authorities() == {URL(emulator.store_url).authority}
    assert len(proxy.seen) == emulator.count("put") == 3
