"""A traceback that is rendered with local variables holds no secret, whatever was raised.

pytest's ``--showlocals``, rich and error trackers render them so. Tried are every fault of the
catalogue, a cancellation at the awaits of each call, constructors that refuse, proxies, and
mistakes in foreign code.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from io import BytesIO
from typing import Any, NoReturn, cast

import aiohttp
import anyio
import pytest
from support.calls import tls
from support.faults import CASES, FILE_SIZE, Case, play
from support.files import CHUNK_SIZE, MakeFile
from support.proxy import forward_proxy
from support.server import http, raw_server, unused_url
from support.steps import Steps
from support.tracebacks import RENDERERS, frames, linked
from support.virtual_time import utcnow
from support.watch import PASSWORD, WATCH

from twelvelabs_async import (
    AsyncTwelveLabs,
    ConfigurationError,
    InvalidArgumentError,
    SourceError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async._http.network_errors import without_frames
from twelvelabs_async.emulator import Answer, Cut, Emulator, Fault, Stall, store_error

KEY = "tlk_a-key-that-nobody-may-see"

SAMPLES = 25
"""How many of the awaits of a call are tried, evenly spread."""


def shown_secrets(error: BaseException) -> Iterator[str]:
    """Yield each place where a rendering of an exception with local variables shows a secret."""
    for render in RENDERERS:
        for text in render(error):
            if found := WATCH.found(text):
                yield f"{render.__name__}: {found[0]!r} in {text[:500]}"
    for link in linked(error):
        for note in getattr(link, "__notes__", []):
            if found := WATCH.found(note):
                yield f"note: {found[0]!r} in {note[:500]}"


def assert_shows_no_secret(error: BaseException | None) -> None:
    assert error is not None
    assert list(shown_secrets(error)) == []


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_no_fault_of_the_catalogue_shows_a_secret(case: Case, make_file: MakeFile) -> None:
    """Neither the key nor a signature is in a frame of what an upload raises."""
    ending = await play(make_file(FILE_SIZE), [case])
    if ending.error is not None:
        assert_shows_no_secret(ending.error)


Act = Callable[[AsyncTwelveLabs], Awaitable[object]]


async def create(client: AsyncTwelveLabs) -> object:
    return await client.multipart_upload.create(filename="a.mp4", type="video", total_size=2500)


async def list_assets(client: AsyncTwelveLabs) -> object:
    return await client.assets.list()


async def send(client: AsyncTwelveLabs) -> object:
    return await client.assets.create(method="direct", file=("a.mp4", b"bytes" * 500))


async def in_chunks(client: AsyncTwelveLabs) -> object:
    return await client.upload(("a.mp4", b"bytes" * 500), multipart_above=0)


ACTIONS: dict[str, Any] = {
    "unauthorized": Answer(401, body="who is {key}?"),
    "broken": Answer(500),
    "page": Answer(200, body="<html>not what you want</html>"),
    "reset before": Cut("before"),
    "reset after": Cut("after"),
    "stall": Stall("before"),
}
ACTS: dict[str, tuple[Act, str]] = {
    "create": (create, "create"),
    "list": (list_assets, "list_assets"),
    "direct": (send, "create_asset"),
}


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("action", ACTIONS)
async def test_no_failed_call_shows_a_secret(name: str, action: str, emulator: Emulator) -> None:
    """A control call, and a file in one request."""
    act, route = ACTS[name]
    emulator.faults.add(Fault(route=route, action=ACTIONS[action], times=None))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_retries=1) as client:
        with pytest.raises(TwelveLabsError) as caught:
            await act(client)
    assert_shows_no_secret(caught.value)


Way = Callable[[Steps, Awaitable[object]], Awaitable[object]]


async def by_cancel(steps: Steps, call: Awaitable[object]) -> object:
    steps.stop = cast("asyncio.Task[None]", asyncio.current_task()).cancel
    return await call


async def by_timeout(steps: Steps, call: Awaitable[object]) -> object:
    async with asyncio.timeout(None) as scope:
        steps.stop = lambda: scope.reschedule(asyncio.get_running_loop().time())
        return await call


async def by_wait_for(steps: Steps, call: Awaitable[object]) -> object:
    """Cancel what ``wait_for`` waits for: a task of its own before Python 3.12."""

    async def waiting() -> object:
        steps.stop = cast("asyncio.Task[object]", asyncio.current_task()).cancel
        return await call

    return await asyncio.wait_for(waiting(), 3600)


async def by_anyio(steps: Steps, call: Awaitable[object]) -> object:
    with anyio.fail_after(3600) as scope:
        steps.stop = lambda: setattr(scope, "deadline", anyio.current_time())
        return await call


@pytest.mark.parametrize("act", [create, send, in_chunks])
@pytest.mark.parametrize("way", [by_cancel, by_timeout, by_wait_for, by_anyio])
async def test_no_cancellation_shows_a_secret(act: Act, way: Way, emulator: Emulator) -> None:
    """Cut short at any of its awaits, whichever way."""

    async def run(stop_at: int | None) -> tuple[int, BaseException | None]:
        steps, raised = Steps(stop_at), list[BaseException]()
        steps.install(asyncio.get_running_loop())
        emulator.faults.script[:] = [
            Fault(route="put", chunk_index=2, action=store_error(503, "SlowDown", "Slow down.")),
            Fault(route="report", action=Cut("after")),
        ]

        async def ended(client: AsyncTwelveLabs) -> None:
            try:
                await way(steps, act(client))
            except BaseException as error:  # noqa: BLE001 - it is looked at
                raised.append(error)

        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
            await asyncio.wait({steps.watch(ended(client))})
        emulator.faults.script.clear()
        return steps.seen, raised[0] if raised else None

    awaits, ending = await run(None)
    assert ending is None
    chosen = range(0, awaits, max(1, awaits // SAMPLES))
    errors = [error for k in chosen if (error := (await run(k))[1]) is not None]
    assert len(errors) > 0.7 * len(chosen)
    for error in errors:
        assert_shows_no_secret(error)


@pytest.mark.parametrize("answer", [b"", http("200 OK", b"x" * 9)[:-4]], ids=["none", "half"])
async def test_a_timeout_around_a_call_shows_no_secret(answer: bytes) -> None:
    """Before the head of the answer, and in the middle of its body, of which some is in hand."""
    async with (
        raw_server(answer, silent=True) as server,
        AsyncTwelveLabs(KEY, server.url) as client,
    ):
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(5):
                await create(client)
    assert_shows_no_secret(caught.value)


async def test_a_timeout_in_the_middle_of_presigned_urls_shows_none(emulator: Emulator) -> None:
    """What was read of an answer so far is a secret, too."""
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        session = await client.multipart_upload.create(filename="a", type="video", total_size=5)
    body = f'{{"upload_urls": [{{"chunk_index": 1, "url": "{session.upload_urls[0].url}"'.encode()
    answer = http("200 OK", body + b"x" * 9)[:-9]
    async with (
        raw_server(answer, silent=True) as server,
        AsyncTwelveLabs(KEY, server.url) as client,
    ):
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(5):
                await create(client)
    assert_shows_no_secret(caught.value)


# A client that cannot be made


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": f"{KEY}\n{KEY}"},
        {"api_key": f"{KEY}\N{SNOWMAN}"},
        {"timeout": -1},
        {"max_concurrency": 0},
        {"base_url": f"http://user:{PASSWORD}@127.0.0.1/"},
        {"proxy": f"socks5://user:{PASSWORD}@127.0.0.1"},
        {"headers": {"authorization": f"Bearer\n{PASSWORD}"}},
        {"headers": {"authorization": PASSWORD, "content-length": "1"}},
        {"headers": {"authorization": PASSWORD}, "stall_timeout": "soon"},
        {"proxy": f"http://user:{PASSWORD}@127.0.0.1", "connector": object(), "ssl": False},
    ],
    ids="+".join,
)
def test_a_client_that_cannot_be_made_shows_no_secret(settings: dict[str, Any]) -> None:
    """Whichever argument is the wrong one."""
    WATCH.know(KEY)
    wrong: dict[str, Any] = {"api_key": KEY, **settings}
    with pytest.raises(ConfigurationError) as caught:
        AsyncTwelveLabs(**wrong)
    assert_shows_no_secret(caught.value)


def test_a_key_of_the_environment_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both variables."""
    WATCH.know(KEY)
    monkeypatch.setenv("TWELVELABS_API_KEY", f"{KEY}\n{KEY}")
    with pytest.raises(ConfigurationError) as caught:
        AsyncTwelveLabs()
    assert_shows_no_secret(caught.value)


async def test_a_header_of_the_client_is_not_shown_by_a_wrong_one_of_a_call(
    emulator: Emulator,
) -> None:
    """Both are in the same frame when the wrong one is found."""
    WATCH.know("a-token-of-a-gateway")
    headers = {"authorization": "a-token-of-a-gateway"}
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, headers=headers) as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await client.assets.list(request_options={"additional_headers": {"x y": "z"}})
    assert_shows_no_secret(caught.value)


# Proxies


@pytest.mark.parametrize("trusting", [True, False], ids=["environment", "argument"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("refusal", [None, 407, 0], ids=["silent", "refusing", "not there"])
async def test_no_failure_behind_a_proxy_shows_its_password(
    refusal: int | None, scheme: str, trusting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the platform and for a file in one request."""
    async with forward_proxy(refusal=refusal) as proxy, raw_server(b"", silent=True) as target:
        url = proxy.url_with("user", "a-password")
        if refusal == 0:
            url = f"http://user:a-password@{(await unused_url()).removeprefix('http://')}"
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", url)
        base = target.url.replace("http", scheme)
        settings: dict[str, Any] = {"trust_env": True} if trusting else {"proxy": url}
        async with AsyncTwelveLabs(KEY, base, max_retries=0, timeout=9, **settings) as client:
            for act in (create, send):
                with pytest.raises(TwelveLabsError) as caught:
                    await act(client)
                assert_shows_no_secret(caught.value)
                with pytest.raises((TimeoutError, TwelveLabsError)) as late:
                    async with asyncio.timeout(1):
                        await act(client)
                assert_shows_no_secret(late.value)


@pytest.mark.parametrize("value", [f"socks5://u:{PASSWORD}@proxy", f"http://u:{PASSWORD}@p:port"])
async def test_a_proxy_of_the_environment_that_is_none_is_not_shown(
    value: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked up in the frames of a request."""
    monkeypatch.setenv("HTTP_PROXY", value)
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, trust_env=True) as client:
        for act in (create, send):
            with pytest.raises(ConfigurationError) as caught:
                await act(client)
            assert_shows_no_secret(caught.value)


async def test_a_failed_put_through_a_tunnel_shows_no_secret(make_file: MakeFile) -> None:
    """Neither the signature nor the proxy's password."""
    theirs, ours = tls()
    async with (
        Emulator(chunk_size=CHUNK_SIZE, ssl=theirs, now=utcnow) as emulator,
        forward_proxy() as proxy,
    ):
        emulator.faults.add(Fault(route="put", action=Cut("middle"), times=None))
        url = proxy.url_with("user", "a-password")
        async with AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, ssl=ours, proxy=url, outage_timeout=1
        ) as client:
            with pytest.raises(UploadError) as caught:
                await client.multipart_upload.upload_file(make_file(2500), max_retries=0)
    assert_shows_no_secret(caught.value)


# Mistakes


class Broken(aiohttp.TCPConnector):
    """A connector with a mistake in it."""

    def __init__(self, mistake: BaseException) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - aiohttp's own
        self.mistake = mistake

    async def connect(self, *_: object, **__: object) -> NoReturn:
        try:
            raise KeyError("before")
        except KeyError:
            raise self.mistake  # noqa: B904 - an accident


@pytest.mark.parametrize("act", [create, send])
async def test_a_mistake_of_foreign_code_shows_no_secret_and_where_it_was_made(act: Act) -> None:
    """The very exception comes out, with a note in place of its frames."""
    mistake = ExceptionGroup("several", [RuntimeError("a mistake")])
    connector = Broken(mistake)
    async with connector, AsyncTwelveLabs(KEY, "http://127.0.0.1:9", connector=connector) as client:
        with pytest.raises(ExceptionGroup) as caught:
            await act(client)
    assert caught.value is mistake
    assert isinstance(mistake.__context__, KeyError)
    assert "in connect" in mistake.__notes__[0]
    assert_shows_no_secret(mistake)


def test_a_keyboard_interrupt_shows_no_secret() -> None:
    """Raised wherever the interpreter is, it passes through frames that hold some."""
    interrupt = KeyboardInterrupt()

    async def interrupted() -> None:
        connector = Broken(interrupt)
        async with (
            connector,
            AsyncTwelveLabs(KEY, "http://127.0.0.1:9", connector=connector) as client,
        ):
            await create(client)

    with pytest.raises(KeyboardInterrupt) as caught:
        asyncio.run(interrupted())
    assert caught.value is interrupt
    assert_shows_no_secret(interrupt)


class BadFile(BytesIO):
    """A file whose ``read`` fails."""

    def read(self, size: int | None = -1, /) -> bytes:
        what_went_wrong = "the tape is torn"
        raise LookupError(what_went_wrong)


@pytest.mark.parametrize("above", [0, 10**9], ids=["chunks", "one request"])
async def test_a_failure_of_the_users_own_file_keeps_its_traceback(
    above: int, client: AsyncTwelveLabs
) -> None:
    """It is the user's to find, and no secret is in it."""
    with pytest.raises(TwelveLabsError) as caught:
        await client.upload(("a.mp4", BadFile(b"bytes" * 500)), multipart_above=above)
    (own,) = [link for link in linked(caught.value) if isinstance(link, LookupError)]
    (last,) = traceback.extract_tb(own.__traceback__)[-1:]
    assert last.name == "read"
    assert any(isinstance(link, SourceError) for link in linked(caught.value))
    assert_shows_no_secret(caught.value)


async def test_what_the_caller_was_handling_is_left_as_it_was(client: AsyncTwelveLabs) -> None:
    """An error of ours is raised in the caller's ``except``: the caller's own keeps its frames."""
    own = LookupError("the caller's own")

    def fail() -> NoReturn:
        raise own

    try:
        fail()
    except LookupError:
        with pytest.raises(TwelveLabsError) as caught:
            await client.assets.retrieve("no such asset")
    assert caught.value.__context__ is own
    assert traceback.extract_tb(own.__traceback__)[-1].name == "fail"


async def test_no_frame_of_aiohttp_is_in_what_comes_out(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Its frames hold requests, connections and answers."""
    emulator.faults.add(Fault(route="put", action=Cut("middle"), times=None))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, outage_timeout=1) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(make_file(2500), max_retries=0)
        late = asyncio.create_task(client.assets.list())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await late
    for error in (caught.value, cancelled.value):
        names = [frame.f_code.co_filename for frame in frames(error)]
        assert not [name for name in names if "aiohttp" in name]


# The decorator


async def test_arguments_and_frames_are_forgotten() -> None:
    """Of functions and of coroutine functions; and what they return is what they return."""

    @without_frames
    def plain(secret: str) -> str:
        if secret == KEY:
            raise LookupError
        return secret

    @without_frames
    async def awaited(*, secret: str) -> str:
        await asyncio.sleep(0)
        return plain(secret)

    assert plain("a") + await awaited(secret="b") == "ab"
    WATCH.know(KEY)
    with pytest.raises(LookupError) as caught:
        plain(KEY)
    assert_shows_no_secret(caught.value)
    with pytest.raises(LookupError) as caught:
        await awaited(secret=KEY)
    assert_shows_no_secret(caught.value)
