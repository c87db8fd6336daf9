"""A server that answers garbage causes a value of the documented type, or an exception of ours.

No hang (the clock is virtual, and bounded), no foreign exception, no warning, no task whose
exception nobody saw. ``HYPOTHESIS_PROFILE=thorough`` tries 5,000 answers in each test.
"""

import asyncio
import gc
import inspect
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from typing import Any

import pytest
from attrs import Factory, define
from hypothesis import given, settings, strategies as st
from support.answers import documents, route_of
from support.memory_platform import choose_profile
from support.server import read_request
from support.virtual_time import VirtualTimeLoop
from support.wrong_answers import FakeReply, good, replies

from twelvelabs_async import (
    AssetDetail,
    AssetTranscriptionResponse,
    AsyncTwelveLabs,
    CompletedChunk,
    CreateAssetUploadResponse,
    Page,
    RawAssetsClient,
    RawMultipartUploadClient,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
    TwelveLabsError,
    UploadStatus,
    UploadStatusPage,
)

choose_profile()

THOROUGH = settings.get_profile("thorough").max_examples
MOST = settings().max_examples
UPLOADS = MOST if MOST >= THOROUGH else MOST // 3
"""Answers that are tried where each takes a whole upload."""

DAY = 24 * 3600.0
MOST_REQUESTS = 500
FILE = ("film.mp4", b"twelve bytes")

Ask = Callable[[AsyncTwelveLabs], Awaitable[Any]]


@define(eq=False)
class LyingServer:
    """A server whose answers are as told, a connection each.

    Attributes:
        url: Where it listens.
        truth: The valid answers, by route.
        route: Whose answers are not.
        lies: What is answered there, the last one again and again.
        count: How many requests came.
        talks: The connections, and who handles each.
    """

    url: str = ""
    truth: dict[str, Any] = Factory(dict[str, Any])
    route: str = ""
    lies: list[FakeReply] = Factory(list[FakeReply])
    count: int = 0
    talks: dict[asyncio.Task[None], asyncio.StreamWriter] = Factory(
        dict["asyncio.Task[None]", asyncio.StreamWriter]
    )

    async def start(self) -> asyncio.Server:
        listener = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        return listener

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.talks[task] = writer
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                reply = self._reply(await read_request(reader))
                writer.write(reply.raw())
                await writer.drain()
                while reply.silent and await reader.read(2**16):
                    pass
        finally:
            del self.talks[task]
            writer.close()

    def _reply(self, request: bytes) -> FakeReply:
        self.count += 1
        assert self.count < MOST_REQUESTS, "the client goes round in circles"
        method, target, _ = request.split(b" ", 2)
        route = route_of(method.decode(), target.decode())
        if route != self.route:
            return good(route, self.truth[route])
        return self.lies.pop(0) if len(self.lies) > 1 else self.lies[0]

    async def quiet(self) -> None:
        """End what still talks to a client that has gone."""
        for writer in self.talks.values():
            writer.transport.abort()
        await asyncio.gather(*self.talks)


@define(eq=False)
class LyingServerLoop:
    """A loop with a liar on it, kept for all examples of a module."""

    runner: asyncio.Runner
    liar: LyingServer
    complaints: list[str] = Factory(list[str])
    plays: int = 0

    def play(self, ask: Ask, kind: Any, route: str, lies: list[FakeReply], truth: Any) -> None:
        """Ask once, and hold what comes of it to the promise."""
        self.liar.route, self.liar.lies, self.liar.truth = route, list(lies), truth
        self.liar.count = 0
        self.runner.run(self._play(ask, kind))
        self.plays += 1
        if self.plays % 100 == 0:
            gc.collect()  # what nobody has waited for complains when it goes
        assert self.complaints == []

    async def _play(self, ask: Ask, kind: Any) -> None:
        before = asyncio.all_tasks()
        async with (
            asyncio.timeout(DAY),
            AsyncTwelveLabs("a-secret-key", f"{self.liar.url}/v1.3", max_retries=1) as client,
        ):
            with suppress(TwelveLabsError):
                await _held_to_the_promise(ask(client), kind)
        await self.liar.quiet()
        assert asyncio.all_tasks() - before - self.liar.talks.keys() == set()


async def _held_to_the_promise(call: Awaitable[object], kind: Any) -> None:
    try:
        value = await call
    except TwelveLabsError as error:
        said = str(error) + repr(error)
        said.encode()  # what cannot be printed helps nobody
        assert "a-secret-key" not in said
        raise
    assert isinstance(value, kind)
    repr(value).encode()


@pytest.fixture(scope="module")
def stage() -> Generator[LyingServerLoop]:
    """Yield a stage whose loop complains to us."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        liar = LyingServer()
        listener = runner.run(liar.start())
        made = LyingServerLoop(runner, liar)
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: made.complaints.append(str(context)))
        yield made
        listener.close()
        gc.collect()
        runner.run(asyncio.sleep(0))
        assert made.complaints == []


async def all_of(listing: Awaitable[Any]) -> object:
    """Walk a list, which may never end."""
    page = await listing
    pages = 0
    async for _ in page.iter_pages():
        pages += 1
        if pages == 5:
            break
    return page


REPORT = [CompletedChunk(1, "0123", chunk_size=4)]
CALLS: dict[str, tuple[str, Any, Ask]] = {
    "list": ("list", Page, lambda c: all_of(c.multipart_upload.list_incomplete_uploads())),
    "create": (
        "create",
        CreateAssetUploadResponse,
        lambda c: c.multipart_upload.create(filename="film.mp4", type="video", total_size=12),
    ),
    "status": ("status", UploadStatusPage, lambda c: all_of(c.multipart_upload.get_status("u1"))),
    "report": (
        "report",
        ReportChunkBatchResponse,
        lambda c: c.multipart_upload.report_chunk_batch("u1", completed_chunks=REPORT),
    ),
    "urls": (
        "presigned_urls",
        RequestAdditionalPresignedUrLsResponse,
        lambda c: c.multipart_upload.get_additional_presigned_urls("u1", start=2, count=2),
    ),
    "wait": (
        "status",
        UploadStatus,
        lambda c: c.multipart_upload.wait_for_upload_completion("u1", max_wait_time=60),
    ),
    "assets": ("list_assets", Page, lambda c: all_of(c.assets.list())),
    "asset": ("asset", AssetDetail, lambda c: c.assets.retrieve("a1")),
    "transcription": (
        "transcription",
        AssetTranscriptionResponse,
        lambda c: c.assets.retrieve_transcription("a1", include=["words", "utterances"]),
    ),
    "ready": (
        "asset",
        AssetDetail,
        lambda c: c.assets.wait_until_ready("a1", timeout=60, hls=True),
    ),
    "delete": ("order", type(None), lambda c: c.assets.delete("a1")),
    "metadata": (
        "order",
        type(None),
        lambda c: c.assets.update_user_metadata("a1", user_metadata={"a": 1}),
    ),
    "new metadata": (
        "order",
        type(None),
        lambda c: c.assets.replace_user_metadata("a1", user_metadata={"a": 1}),
    ),
    "no metadata": ("order", type(None), lambda c: c.assets.delete_user_metadata("a1")),
    "create_asset": (
        "create_asset",
        AssetDetail,
        lambda c: c.assets.create(method="direct", file=FILE),
    ),
    "fetch": (
        "create_asset",
        AssetDetail,
        lambda c: c.assets.create(method="url", url="https://x.example/film.mp4"),
    ),
}


@pytest.mark.parametrize("client", [RawAssetsClient, RawMultipartUploadClient])
def test_every_endpoint_is_among_the_calls(client: type) -> None:
    """An endpoint that is added is asked here, too."""
    asked = {name for _, _, ask in CALLS.values() for name in ask.__code__.co_names}
    methods = {name for name, each in vars(client).items() if inspect.iscoroutinefunction(each)}
    assert {name for name in methods if not name.startswith("_")} - asked == set()


@given(data=st.data(), name=st.sampled_from(sorted(CALLS)))
def test_garbage_from_the_platform_is_a_value_or_an_error(
    stage: LyingServerLoop, data: st.DataObject, name: str
) -> None:
    """Each call by itself."""
    route, kind, ask = CALLS[name]
    truth = documents(f"{stage.liar.url}/store")
    lies = data.draw(st.lists(replies(route, truth[route]), min_size=1, max_size=2))
    stage.play(ask, kind, route, lies, truth)


async def upload(client: AsyncTwelveLabs) -> object:
    return await client.upload(FILE, multipart_above=0, max_retries=1, retry_delay=0.01)


async def upload_and_wait(client: AsyncTwelveLabs) -> object:
    return await client.upload(
        FILE, multipart_above=0, max_retries=1, wait_until_ready=True, ready_timeout=60
    )


ON_THE_WAY = ["create", "put", "presigned_urls", "report", "status", "asset"]


@settings(max_examples=UPLOADS)
@given(data=st.data(), route=st.sampled_from(ON_THE_WAY), reticent=st.booleans())
def test_garbage_in_the_middle_of_an_upload_is_an_asset_or_an_error(
    stage: LyingServerLoop, data: st.DataObject, route: str, reticent: bool
) -> None:
    """One endpoint or the store lies, in the first answers or in all."""
    truth = documents(f"{stage.liar.url}/store")
    if reticent:  # so that the status and the asset are asked
        truth["report"] = {"total_completed": 1}
    lies = data.draw(st.lists(replies(route, truth[route]), min_size=1, max_size=3))
    if data.draw(st.booleans()):
        lies.append(good(route, truth[route]))
    stage.play(
        data.draw(st.sampled_from([upload, upload_and_wait])), AssetDetail, route, lies, truth
    )


@pytest.mark.parametrize("call", ["list", "upload"])
def test_half_a_character_in_an_answer_does_not_spoil_the_error(
    stage: LyingServerLoop, call: str
) -> None:
    """From a JSON escape or a header that is not UTF-8: the text can be printed all the same."""
    route, ask = ("put", upload) if call == "upload" else (call, CALLS[call][2])
    headers = ((b"X-Request-Id", b"\xff"), (b"x-amz-request-id", b"\xff"))
    lie = FakeReply(b"403 No", b'{"code": "no", "message": "\\ud800"}', headers)
    stage.play(ask, (), route, [lie], documents(f"{stage.liar.url}/store"))
