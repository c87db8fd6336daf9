"""The client: what it is told, where it lives, and what it leaves behind."""

import asyncio
import copy
import gc
import logging
import pickle
import ssl
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.calls import ask, assert_ours_alone, create, headers_of, tls
from support.files import MakeFile
from support.virtual_time import utcnow
from yarl import URL

import twelvelabs_async
from twelvelabs_async import (
    AsyncTwelveLabs,
    ClientClosedError,
    ClientUseError,
    ConfigurationError,
    FileJournal,
    InvalidArgumentError,
    StorageConnectionError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async.client import DEFAULT_BASE_URL
from twelvelabs_async.emulator import Answer, Cut, Emulator, Fault, Stall

Call = Callable[[AsyncTwelveLabs], Any]


# Settings


def test_a_client_can_be_made_without_a_running_loop() -> None:
    """At the top of a module, as people do; nothing is opened, so nothing has to be closed."""
    client = AsyncTwelveLabs("a-key")
    assert client.base_url == DEFAULT_BASE_URL == "https://api.twelvelabs.io/v1.3"
    assert repr(client) == "<AsyncTwelveLabs https://api.twelvelabs.io/v1.3>"


async def test_a_client_made_without_a_loop_works_on_one(emulator: Emulator) -> None:
    """It belongs to the loop that it is first used on."""
    made = await asyncio.to_thread(AsyncTwelveLabs, emulator.api_key, emulator.base_url)
    async with made as client:
        await ask(client)
    assert emulator.count("list") == 1


@pytest.mark.parametrize(
    ("passed", "first", "second", "used"),
    [
        ("passed", "first", "second", "passed"),
        (None, "first", "second", "first"),
        (None, None, "second", "second"),
        (None, "", "second", "second"),
        ("", "first", None, "first"),
    ],
)
async def test_the_api_key_is_passed_or_found_in_the_environment(
    passed: str | None,
    first: str | None,
    second: str | None,
    used: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The argument, then the official SDK's variable, then the one that people guess."""
    for name, value in (("TWELVE_LABS_API_KEY", first), ("TWELVELABS_API_KEY", second)):
        if value is not None:
            monkeypatch.setenv(name, value)
    async with Emulator(api_key=used) as emulator, AsyncTwelveLabs(passed, emulator.base_url) as it:
        await ask(it)
    assert emulator.requests[0].status == 200


def test_no_api_key_is_told_with_the_variables_that_could_hold_it() -> None:
    """At construction, before anything is sent."""
    with pytest.raises(ConfigurationError, match="TWELVE_LABS_API_KEY or TWELVELABS_API_KEY"):
        AsyncTwelveLabs()


@pytest.mark.parametrize("key", ["a\nb", "key\r\nX-Evil: 1", "a\rb", "one\n\ntwo\n"])
def test_a_key_with_a_newline_inside_is_told_as_such(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the place that it came from, and without a part of it."""
    with pytest.raises(ConfigurationError, match="the API key in api_key= has a newline") as caught:
        AsyncTwelveLabs(key)
    assert "Evil" not in str(caught.value)
    monkeypatch.setenv("TWELVELABS_API_KEY", key)
    with pytest.raises(ConfigurationError, match="the API key in TWELVELABS_API_KEY has a newline"):
        AsyncTwelveLabs()


@pytest.mark.parametrize("key", ["kéy", "a\0b", "a\tb\x7f", "\ufeffkey"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the place that it came from."""
    with pytest.raises(ConfigurationError, match=r"in api_key= has characters that no header"):
        AsyncTwelveLabs(key)
    if "\0" not in key:
        monkeypatch.setenv("TWELVE_LABS_API_KEY", key)
        with pytest.raises(ConfigurationError, match="in TWELVE_LABS_API_KEY has") as caught:
            AsyncTwelveLabs()
        assert str(caught.value).isascii()


@pytest.mark.parametrize("blank", [" ", "\n", "\r\n", "\t \n"])
def test_a_key_of_white_space_is_none(blank: str) -> None:
    """Such as an empty file with a newline."""
    with pytest.raises(ConfigurationError, match="there is no API key"):
        AsyncTwelveLabs(blank)


def test_a_key_that_is_no_text_is_refused() -> None:
    """Such as the bytes of a file."""
    with pytest.raises(ConfigurationError, match="api_key= must be text, not bytes"):
        AsyncTwelveLabs(b"key\n")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}", "\t{} \n\n"])
@pytest.mark.parametrize("place", ["argument", "environment"])
async def test_white_space_around_a_key_does_not_matter(
    around: str, place: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that was mounted as a file often ends in a newline."""
    key = around.format(emulator.api_key)
    if place == "environment":
        monkeypatch.setenv("TWELVE_LABS_API_KEY", key)
    async with AsyncTwelveLabs(key if place == "argument" else None, emulator.base_url) as client:
        await ask(client)
    assert emulator.requests[0].status == 200


PICKLERS: dict[str, Callable[[object], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", PICKLERS)
@pytest.mark.parametrize("used", [True, False])
async def test_a_client_is_not_pickled_and_not_copied(
    way: str, used: bool, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """It holds the API key, and connections of one loop: the error says what to do instead."""
    if used:
        await ask(client)
    with pytest.raises(ClientUseError, match="make one in each process") as caught:
        PICKLERS[way](client)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, TwelveLabsError)
    assert emulator.api_key not in str(caught.value)


@pytest.mark.parametrize("way", PICKLERS)
async def test_what_asks_through_a_client_is_not_pickled_and_not_copied_either(
    way: str, client: AsyncTwelveLabs
) -> None:
    """One rule for the client, its endpoints and its pages; the items of a page are free."""
    asset = await client.upload(("a.mp4", b"bytes"))
    session = await create(client)
    pages = (
        await client.assets.list(),
        await client.multipart_upload.list_incomplete_uploads(),
        await client.multipart_upload.get_status(session.upload_id),
    )
    for part in (
        client.assets,
        client.assets.with_raw_response,
        client.multipart_upload,
        client.multipart_upload.with_raw_response,
        *pages,
    ):
        with pytest.raises(ClientUseError, match="make one in each process"):
            PICKLERS[way](part)
    for page in pages:
        PICKLERS[way](page.items)
    PICKLERS[way](asset)


async def test_no_pickle_of_what_a_client_gives_out_holds_the_key(
    emulator: Emulator, make_file: MakeFile, tmp_path: Path
) -> None:
    """Its parts refuse; answers, pages' items, models, errors and journals have none of it."""
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, journal=FileJournal(tmp_path / "journal")
    ) as client:
        for part in (
            client.assets,
            client.assets.with_raw_response,
            client.multipart_upload,
            client.multipart_upload.with_raw_response,
            client.upload,
            client._runtime.transport,
            client._runtime.transport.parser,
            client._runtime.transport.builder.request("GET", "/assets"),
            client._runtime.sessions,
            client._router,
        ):
            with pytest.raises(ClientUseError, match="make one in each process"):
                pickle.dumps(part)
        given: list[object] = [
            await client.multipart_upload.upload_file(make_file(2500)),
            await client.multipart_upload.with_raw_response.list_incomplete_uploads(),
            await create(client),
            client._router._journal,
        ]
        for action in (Answer(500, body=emulator.api_key), Cut()):
            fault = emulator.faults.add(Fault(route="list", action=action, times=None))
            with pytest.raises(TwelveLabsError) as caught:
                await ask(client, {"max_retries": 0})
            given.append(caught.value)
            fault.times = 0
    for each in given:
        assert emulator.api_key.encode() not in pickle.dumps(each), each


def test_a_client_in_a_plain_with_says_what_to_write() -> None:
    """Instead of Python's words on a missing ``__enter__``."""
    with (
        pytest.raises(ClientUseError, match="use 'async with AsyncTwelveLabs"),
        AsyncTwelveLabs("k"),
    ):
        pass


def test_the_base_url_is_passed_or_found_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The argument, then the official SDK's variable, then the platform's own."""
    monkeypatch.setenv("TWELVELABS_BASE_URL", "https://env.example/v1.3")
    assert AsyncTwelveLabs("k").base_url == "https://env.example/v1.3"
    assert AsyncTwelveLabs("k", "https://arg.example").base_url == "https://arg.example"
    assert AsyncTwelveLabs("k", URL("https://arg.example/a")).base_url == "https://arg.example/a"
    monkeypatch.setenv("TWELVELABS_BASE_URL", "")
    assert AsyncTwelveLabs("k").base_url == DEFAULT_BASE_URL


@pytest.mark.parametrize("tail", ["", "/", "//"])
async def test_a_slash_at_the_end_of_the_base_url_makes_no_difference(
    tail: str, emulator: Emulator
) -> None:
    """Nobody remembers whether it belongs there."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url + tail) as client:
        await ask(client)
    assert emulator.requests[0].path.startswith("/v1.3/assets/multipart-uploads")


@pytest.mark.parametrize(
    "url",
    [
        "api.twelvelabs.io/v1.3",
        "//api.twelvelabs.io",
        "ftp://api.twelvelabs.io",
        "http://",
        "http:///v1.3",
        "https://user:hunter2@api.twelvelabs.io",
        "https://api.twelvelabs.io/v1.3?key=hunter2",
        "https://api.twelvelabs.io/#hunter2",
        "https://api.twelvelabs.io:port",
        "https://api.twelvelabs.io:99999",
        "https://[::1",
        "https://api..twelvelabs.io",
        f"https://{'a' * 64}.io",
        " ",
    ],
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    """At construction, and without showing what may be a password in it."""
    with pytest.raises(ConfigurationError, match="the base URL must be") as caught:
        AsyncTwelveLabs("k", url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"stall_timeout": 0},
        {"outage_timeout": -1},
        {"max_retries": -1},
        {"max_concurrency": 0},
        {"proxy": "proxy.example:3128"},
        {"proxy": "http://user:hunter2@proxy:port"},
        {"proxy": "socks5://user:hunter2@proxy.example"},
        {"proxy": "http://"},
        {"headers": {"X-Trace": "hunter2\r\nX-Evil: 1"}},
        {"headers": {"X-Trace": None}},
    ],
)
def test_a_setting_that_can_never_be_right_is_refused(settings: dict[str, Any]) -> None:
    """By name, at construction, without a secret."""
    with pytest.raises(ConfigurationError) as caught:
        AsyncTwelveLabs("k", **settings)
    name = next(iter(settings))
    assert (name if name != "headers" else "header") in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_settings_that_exclude_each_other_are_refused() -> None:
    """A session has its own connector, and a connector its own TLS settings."""
    context = ssl.create_default_context()
    async with aiohttp.ClientSession() as session, aiohttp.TCPConnector() as connector:
        with pytest.raises(ConfigurationError, match="not both"):
            AsyncTwelveLabs("k", session=session, connector=connector)
        with pytest.raises(ConfigurationError, match="ssl is for our own connector"):
            AsyncTwelveLabs("k", session=session, ssl=context)
        with pytest.raises(ConfigurationError, match="ssl is for our own connector"):
            AsyncTwelveLabs("k", connector=connector, ssl=False)


async def test_own_headers_go_to_the_platform_and_nowhere_else(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """A presigned URL is signed for exactly the headers that the platform names."""
    async with AsyncTwelveLabs(
        emulator.api_key, emulator.base_url, headers={"X-Trace": "t", "user-agent": "mine/1"}
    ) as client:
        await client.multipart_upload.upload_file(make_file(3000))
    for exchange in emulator.requests:
        headers = headers_of(exchange)
        assert ("x-trace" in headers) == (exchange.origin == "api")
        assert ("x-api-key" in headers) == (exchange.origin == "api")
        assert headers.get("user-agent") == ("mine/1" if exchange.origin == "api" else None)


async def test_a_client_tells_its_name_and_version(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """So that the platform can tell us apart."""
    await create(client)
    headers = headers_of(emulator.requests[0])
    assert headers["user-agent"] == f"twelvelabs-async/{version('twelvelabs-async')}"
    assert headers["content-type"] == "application/json"


# Lifetime


async def test_a_client_can_be_closed_twice_and_not_used_afterwards(emulator: Emulator) -> None:
    """``async with`` closes it, too; whatever is called then says so, and sends nothing."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        await ask(client)
        await client.close()
    await client.close()
    for call in (ask, create):
        with pytest.raises(ClientClosedError, match="the client is closed; make a new one"):
            await call(client)
    assert len(emulator.requests) == 1


async def test_a_client_that_was_never_used_can_be_closed(emulator: Emulator) -> None:
    """There is nothing to close, and afterwards nothing is opened."""
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    await client.close()
    with pytest.raises(ClientClosedError):
        await ask(client)
    assert emulator.requests == []


async def test_an_upload_through_a_closed_client_fails_as_every_upload_does(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """One kind of error for whoever uploads; the cause is chained."""
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    await client.close()
    with pytest.raises(UploadError, match="the client is closed") as caught:
        await client.multipart_upload.upload_file(make_file(10))
    assert isinstance(caught.value.__cause__, ClientClosedError)
    assert emulator.requests == []


@pytest.mark.parametrize("call", [ask, create])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_closing_a_client_ends_the_calls_that_wait_for_an_answer(
    call: Call, when: Any, emulator: Emulator
) -> None:
    """At once, with an error that says why, and not a retry."""
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    fault = emulator.faults.add(
        Fault(route="list" if call is ask else "create", action=Stall(when), times=None)
    )
    waiting = asyncio.create_task(call(client))
    loop = asyncio.get_running_loop()
    loop.call_later(10, lambda: closing.append(loop.create_task(client.close())))
    closing: list[asyncio.Task[None]] = []
    with pytest.raises(ClientClosedError, match="the client was closed before") as caught:
        await waiting
    await asyncio.gather(*closing)
    assert fault.hits == 1
    assert 10 <= loop.time() < 11
    assert_ours_alone(caught.value)


def test_a_header_name_that_is_none_is_refused() -> None:
    """A name with a space would be refused by the platform, at the first call."""
    with pytest.raises(ConfigurationError, match=r"headers\['a b'\]"):
        AsyncTwelveLabs("key", headers={"a b": "c"})


@pytest.mark.parametrize("setting", ["timeout", "max_retries", "max_concurrency", "stall_timeout"])
def test_a_setting_of_another_type_is_named(setting: str) -> None:
    """A text from an environment variable is not silently taken for a number."""
    with pytest.raises(ConfigurationError, match=f"{setting} must be a .*, not '5'"):
        AsyncTwelveLabs("key", **{setting: "5"})  # type: ignore[arg-type] # it is the point


def test_a_client_belongs_to_the_loop_that_it_was_first_used_on() -> None:
    """A second ``asyncio.run()`` needs a second client; the first one is told so."""
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    emulator = Emulator()
    try:
        first.run_until_complete(emulator.start())
        client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
        first.run_until_complete(ask(client))
        with pytest.raises(ClientClosedError, match="belongs to another event loop"):
            second.run_until_complete(ask(client))
        first.run_until_complete(ask(client))  # unharmed
        first.run_until_complete(client.close())
        assert len(emulator.requests) == 2
    finally:
        first.run_until_complete(emulator.close())
        first.close()
        second.close()


def test_a_client_whose_loop_is_gone_can_be_closed_on_another_one() -> None:
    """``asyncio.run(client.close())``, after ``asyncio.run(main())``, raises nothing."""
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    emulator = Emulator()
    first.run_until_complete(emulator.start())
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    first.run_until_complete(ask(client))
    first.run_until_complete(emulator.close())
    first.close()
    with warnings.catch_warnings(record=True):  # of a socket that the dead loop cannot close
        warnings.simplefilter("always")
        second.run_until_complete(client.close())
        second.close()
        gc.collect()
    with pytest.raises(ClientClosedError):
        asyncio.run(ask(client))


async def test_a_forgotten_client_warns(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """``ResourceWarning``, as of a forgotten file; shown with ``-X dev``."""
    caplog.set_level(logging.CRITICAL)
    client = AsyncTwelveLabs(emulator.api_key, emulator.base_url)
    await ask(client)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del client
        gc.collect()
    told = [str(w.message) for w in caught if issubclass(w.category, ResourceWarning)]
    assert "unclosed AsyncTwelveLabs client: use 'async with', or await client.close()" in told


async def test_a_client_that_opened_nothing_is_forgotten_in_silence() -> None:
    """A module that makes a client and never needs it warns nobody."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        AsyncTwelveLabs("k")
        gc.collect()
    assert caught == []


# What the user hands in


async def test_the_users_session_is_used_and_never_closed(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """It serves the user as before."""
    async with aiohttp.ClientSession() as session:
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, session=session) as client:
            await client.multipart_upload.upload_file(make_file(3000))
        assert not session.closed
        assert session.connector is not None
        assert not session.connector.closed
        async with session.get(emulator.base_url) as answer:
            assert answer.status == 401
    assert emulator.count("put") == 3


async def test_the_users_connector_is_used_and_never_closed(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """By two clients at once, too: one may be closed while the other works on."""
    async with aiohttp.TCPConnector(limit=2) as connector:
        clients = [
            AsyncTwelveLabs(emulator.api_key, emulator.base_url, connector=connector)
            for _ in range(2)
        ]
        await clients[0].multipart_upload.upload_file(make_file(3000))
        await clients[0].close()
        assert not connector.closed
        await clients[1].multipart_upload.upload_file(make_file(4000))
        await clients[1].close()
        assert not connector.closed
    assert emulator.count("put") == 7


async def test_a_session_that_is_closed_already_is_told_each_time(emulator: Emulator) -> None:
    """It is the caller's to fix."""
    session = aiohttp.ClientSession()
    await session.close()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, session=session) as client:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="session is closed"):
                await ask(client)


async def test_a_session_that_the_user_closes_meanwhile_is_told(emulator: Emulator) -> None:
    """As the closed client that it amounts to."""
    async with aiohttp.ClientSession() as session:
        client = AsyncTwelveLabs(emulator.api_key, emulator.base_url, session=session)
        await ask(client)
    with pytest.raises(ClientClosedError):
        await ask(client)
    await client.close()


def test_a_session_or_connector_of_another_loop_is_told() -> None:
    """Instead of aiohttp's riddle about a timeout outside of a task."""
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def make() -> tuple[aiohttp.ClientSession, aiohttp.TCPConnector]:
        return aiohttp.ClientSession(), aiohttp.TCPConnector()

    session, connector = first.run_until_complete(make())
    for theirs in (
        AsyncTwelveLabs("k", session=session),
        AsyncTwelveLabs("k", connector=connector),
    ):
        with pytest.raises(ConfigurationError, match="belongs to another event loop"):
            second.run_until_complete(ask(theirs))
        second.run_until_complete(theirs.close())
    first.run_until_complete(session.close())
    first.run_until_complete(connector.close())
    first.close()
    second.close()


async def test_credentials_in_two_places_are_refused_in_our_words(emulator: Emulator) -> None:
    """A session with netrc or ``auth=`` and an ``Authorization`` header cannot send anything."""
    base = emulator.base_url.replace("127.0.0.1", "localhost")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # auth= is on its way out of aiohttp
        session = aiohttp.ClientSession(
            headers={"Authorization": "hunter2"}, auth=aiohttp.BasicAuth("user", "hunter2")
        )
    async with session, AsyncTwelveLabs(emulator.api_key, base, session=session) as client:
        with pytest.raises(InvalidArgumentError, match="cannot be sent") as caught:
            await ask(client)
    assert "hunter2" not in str(caught.value)
    assert_ours_alone(caught.value)


async def test_the_users_tls_settings_are_used(make_file: MakeFile) -> None:
    """A private authority is accepted with ``ssl=``, and only then."""
    theirs, ours = tls()
    async with Emulator(chunk_size=1000, ssl=theirs, now=utcnow) as emulator:
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, ssl=ours) as client:
            await client.multipart_upload.upload_file(make_file(3000))
        assert emulator.count("put") == 3
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
            with pytest.raises(UploadError, match=r"TLS certificate of 127\.0\.0\.1") as caught:
                await client.multipart_upload.upload_file(make_file(3000))
        assert isinstance(caught.value.__cause__, StorageConnectionError)
        assert_ours_alone(caught.value)
        assert emulator.count("put") == 3


def test_everything_that_is_promised_can_be_imported() -> None:
    """``__all__`` holds what exists, each name once."""
    names = vars(twelvelabs_async)["__all__"]
    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if not hasattr(twelvelabs_async, name)] == []


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": ""},
        {"timeout": -1},
        {"base_url": "no"},
        {"headers": {"a": "\n"}},
        {"proxy": "x"},
        {"max_concurrency": 0},
    ],
)
def test_a_client_that_was_refused_has_a_repr(settings: dict[str, Any]) -> None:
    """Whoever shows the variables of a traceback asks for it."""
    client = AsyncTwelveLabs.__new__(AsyncTwelveLabs)
    with pytest.raises(ConfigurationError):
        client.__init__(**{"api_key": "key", **settings})  # type: ignore[misc]
    assert repr(client) == "<AsyncTwelveLabs (invalid settings)>"
