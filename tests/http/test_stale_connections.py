"""Connections that died unnoticed between two requests: nobody but the pool has to care."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

import aiohttp
import pytest
from attrs import frozen
from support.calls import ask, create, now, store, tls
from support.files import MakeFile
from support.proxy import forward_proxy
from support.relay import LAST_WORDS, Relay, relay
from support.virtual_time import utcnow
from yarl import URL

from twelvelabs_async import (
    ApiConnectionError,
    ApiError,
    AsyncTwelveLabs,
    OutcomeUnknownError,
    RequestOptions,
)
from twelvelabs_async.emulator import Answer, Cut, Emulator, Fault
from twelvelabs_async.models.results import UploadResult

ONCE: RequestOptions = {"max_retries": 0}
CHUNKS = 5
FILE_SIZE = 1000 * CHUNKS


@frozen
class RelayedClient:
    """A client whose connections all go through one relay."""

    emulator: Emulator
    relay: Relay
    client: AsyncTwelveLabs
    path: str

    async def upload(self) -> UploadResult:
        """Upload a file in five chunks at once, with no retry of anything."""
        return await self.client.multipart_upload.upload_file(
            self.path, max_workers=CHUNKS, max_retries=0, request_options=ONCE, resume=False
        )

    async def fill(self) -> None:
        """Make four uploads at once, which leave many idle connections."""
        await asyncio.gather(*(self.upload() for _ in range(4)))


@asynccontextmanager
async def scene(
    make_file: MakeFile,
    *,
    ssl: tuple[SSLContext, SSLContext] | None = None,
    session: aiohttp.ClientSession | None = None,
    connector: aiohttp.BaseConnector | None = None,
    **settings: float,
) -> AsyncGenerator[RelayedClient]:
    """Put a relay before both origins of an emulator."""
    theirs, ours = ssl or (None, True)
    async with Emulator(chunk_size=1000, now=utcnow, ssl=theirs) as emulator, relay() as running:
        emulator.platform.store_url = await running.before(emulator.store_url)
        async with AsyncTwelveLabs(
            emulator.api_key,
            await running.before(emulator.base_url),
            ssl=ours,
            session=session,
            connector=connector,
            max_retries=0,
            **settings,  # type: ignore[arg-type] # seconds
        ) as client:
            yield RelayedClient(emulator, running, client, str(make_file(FILE_SIZE)))
        assert emulator.faults.unused() == []


Call = Callable[[RelayedClient], Awaitable[object]]


async def _report(scene: RelayedClient) -> None:
    session = await create(scene.client)
    chunks = await store(session, 1500)
    await scene.fill()
    scene.relay.die()
    upload = scene.client.multipart_upload
    await upload.report_chunk_batch(
        session.upload_id, completed_chunks=chunks, request_options=ONCE
    )


async def _urls(scene: RelayedClient) -> None:
    session = await create(scene.client)
    await scene.fill()
    scene.relay.die()
    await scene.client.multipart_upload.get_additional_presigned_urls(
        session.upload_id, start=1, count=2, request_options=ONCE
    )


async def _direct(scene: RelayedClient) -> None:
    await scene.fill()
    scene.relay.die()
    await scene.client.assets.create(method="direct", file=("a.mp4", b"film"), request_options=ONCE)


async def _ready(scene: RelayedClient) -> None:
    asset = await scene.client.assets.create(method="direct", file=("a.mp4", b"film"))
    await scene.fill()
    scene.relay.die()
    await scene.client.assets.wait_until_ready(asset.id, timeout=60)


async def _delete(scene: RelayedClient) -> None:
    asset = await scene.client.assets.create(method="direct", file=("a.mp4", b"film"))
    await scene.fill()
    scene.relay.die()
    await scene.client.assets.delete(asset.id, request_options=ONCE)


async def _change(scene: RelayedClient) -> None:
    asset = await scene.client.assets.create(method="direct", file=("a.mp4", b"film"))
    await scene.fill()
    scene.relay.die()
    await scene.client.assets.update_user_metadata(
        asset.id, user_metadata={"a": 1}, request_options=ONCE
    )


async def _list(scene: RelayedClient) -> None:
    await scene.fill()
    scene.relay.die()
    await ask(scene.client, ONCE)


async def _create(scene: RelayedClient) -> None:
    await scene.fill()
    scene.relay.die()
    await create(scene.client, options=ONCE)


async def _upload(scene: RelayedClient) -> None:
    await scene.fill()
    scene.relay.die()
    await scene.upload()


CALLS: list[Call] = [
    _list, _create, _report, _urls, _direct, _ready, _delete, _change, _upload,
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__.strip("_"))
async def test_no_call_is_lost_to_a_pool_of_dead_connections(
    call: Call, make_file: MakeFile
) -> None:
    """Without a single retry and without a pause."""
    async with scene(make_file) as here:
        await call(here)
        assert now() == 0


@pytest.mark.parametrize("words", LAST_WORDS)
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("origin", ["api", "store"])
async def test_a_dead_connection_may_answer_instead_of_being_reset(
    origin: str, own: bool, words: Any, make_file: MakeFile
) -> None:
    """A 408 of a load balancer, or what is no HTTP: no retry, no pause, and one asset each."""
    async with (
        aiohttp.TCPConnector(limit=0) as connector,
        scene(make_file, connector=None if own else connector) as here,
    ):
        await here.fill()
        store_port = URL(here.emulator.platform.store_url).port
        for link in here.relay.links:
            if (link.client.get_extra_info("sockname")[1] == store_port) == (origin == "store"):
                link.death = words
        sessions = here.emulator.count("create")
        await here.upload()
        await ask(here.client, ONCE)
        assert here.relay.lost
        assert here.emulator.count("create") == sessions + 1
        assert now() == 0


async def test_an_answer_that_is_wrong_further_on_is_an_answer(make_file: MakeFile) -> None:
    """Such as one whose head is too large: what was asked for may be done, and is asked once."""
    async with scene(make_file) as here:
        await here.upload()
        large = Answer(201, {"X-Large": "a" * 20_000})
        fault = here.emulator.faults.add(Fault(route="create", action=large, times=None))
        with pytest.raises(ApiConnectionError):
            await create(here.client, options=ONCE)
        assert fault.hits == 1


async def test_a_408_that_keeps_its_connection_or_comes_over_a_new_one_is_an_answer(
    make_file: MakeFile,
) -> None:
    """Only a connection that was idle too long is lost without its being counted."""
    async with scene(make_file) as here:
        here.emulator.faults.add(Fault(route="list", action=Answer(408), times=None))
        with pytest.raises(ApiError, match="408"):
            await ask(here.client, {"max_retries": 1})
        assert here.emulator.count("list") == 2


async def test_a_dead_pool_costs_a_connection_for_each_request_that_is_under_way(
    make_file: MakeFile,
) -> None:
    """Not one for each that is dead: after the first loss, connections as old are dropped."""
    async with scene(make_file) as here:
        await here.fill()
        dead = here.relay.die()
        assert dead > CHUNKS + 1
        stores, apis = here.emulator.connections("store"), here.emulator.connections("api")
        puts = here.emulator.count("put")
        await ask(here.client, ONCE)
        assert here.relay.lost == 1
        await here.upload()
        assert here.relay.lost <= 1 + CHUNKS
        assert here.emulator.connections("store") - stores <= CHUNKS
        assert here.emulator.connections("api") - apis <= CHUNKS + 1  # workers report at once
        assert here.emulator.count("put") - puts == CHUNKS
        urls = here.emulator.count("presigned_urls")
        assert 1 <= urls <= CHUNKS  # a URL works once, and the lost request may have used it


async def test_an_upload_goes_on_when_its_connections_die_in_the_middle(
    make_file: MakeFile,
) -> None:
    """Half of its chunks are stored, and no retry is left for the others."""
    async with scene(make_file) as here:
        await here.fill()
        upload = asyncio.create_task(
            here.client.multipart_upload.upload_file(
                make_file(30_000, "long.mp4"), max_workers=2, max_retries=0, batch_size=3
            )
        )
        before = here.emulator.count("put")
        while here.emulator.count("put") < before + 12:
            await asyncio.sleep(0)
        here.relay.die()
        await upload
        assert here.relay.lost


@pytest.mark.parametrize("death", ["reset", "closed"])
@pytest.mark.parametrize("every", [1, 2])
async def test_connections_may_be_closed_or_half_of_them_dead(
    death: str, every: int, make_file: MakeFile
) -> None:
    """A server that closes an idle connection says so, and may do it as a request comes."""
    async with scene(make_file) as here:
        await here.fill()
        here.relay.die("closed" if death == "closed" else "reset", every=every)
        await asyncio.gather(here.upload(), here.upload(), *(ask(here.client) for _ in range(9)))
        assert now() == 0


async def test_a_dead_connection_may_take_the_request_before_it_shows(
    make_file: MakeFile,
) -> None:
    """All of it: the reset comes where an answer should."""
    async with scene(make_file) as here:
        await here.fill()
        here.relay.die("late")
        await here.upload()
        assert here.relay.lost
        assert now() < 1


async def test_a_pool_over_tls_dies_as_well(make_file: MakeFile) -> None:
    """The store is behind TLS here, and a reset comes out of the TLS layer."""
    async with scene(make_file, ssl=tls()) as here:
        await here.fill()
        here.relay.die()
        await here.upload()
        assert here.relay.lost


async def test_tunnels_through_a_proxy_die_as_well(make_file: MakeFile) -> None:
    """A connection that is kept leads through the proxy to the store, and the proxy is gone."""
    theirs, ours = tls()
    async with (
        Emulator(chunk_size=1000, now=utcnow, ssl=theirs) as emulator,
        forward_proxy() as proxy,
        relay() as running,
    ):
        proxy_url = await running.before(str(proxy.url))
        async with AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, ssl=ours, proxy=proxy_url, max_retries=0
        ) as client:
            here = RelayedClient(emulator, running, client, str(make_file(FILE_SIZE)))
            await here.fill()
            running.die()
            await here.upload()
            assert running.lost


@pytest.mark.parametrize("whose", ["session", "connector"])
async def test_a_pool_of_the_user_s_own_costs_no_retry_either(
    whose: str, make_file: MakeFile
) -> None:
    """Each of its dead connections is used up, for nobody but its owner may close it."""
    async with (
        aiohttp.TCPConnector(limit=0) as connector,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        async with scene(
            make_file,
            session=session if whose == "session" else None,
            connector=connector if whose == "connector" else None,
        ) as here:
            await here.fill()
            dead = here.relay.die()
            await here.upload()
            await ask(here.client, ONCE)
            assert 0 < here.relay.lost <= dead
            assert now() == 0
        assert session.trace_configs == []
        assert not connector.closed


async def test_a_connection_that_the_user_s_session_had_used_counts_as_used(
    make_file: MakeFile,
) -> None:
    """Whoever used it: it is the pool's word that counts, not what this client has seen."""
    async with aiohttp.ClientSession() as session, scene(make_file, session=session) as here:
        async with session.get(here.client.base_url):
            pass
        assert here.relay.die() == 1
        await ask(here.client, ONCE)
        assert here.relay.lost == 1


async def test_a_new_connection_that_breaks_uses_up_a_retry(make_file: MakeFile) -> None:
    """A server that resets everything is asked as often as agreed, and once for the old one."""
    async with scene(make_file) as here:
        await ask(here.client)
        here.emulator.faults.add(Fault(route="list", action=Cut(), times=None))
        with pytest.raises(ApiConnectionError, match=r"tried 3 times"):
            await ask(here.client, {"max_retries": 2})
        assert here.emulator.count("list") == 1 + 1 + 3


async def test_a_server_that_resets_every_second_request_is_no_endless_loop(
    make_file: MakeFile,
) -> None:
    """Each connection serves one request; the next one over it is lost, and sent again."""
    async with scene(make_file) as here:
        for _ in range(10):
            await asyncio.gather(*(ask(here.client, ONCE) for _ in range(5)))
            here.relay.die()
        assert here.emulator.count("list") == 50
        assert here.relay.lost <= 45


async def test_a_silent_pool_costs_one_timeout(make_file: MakeFile) -> None:
    """Silence takes an attempt, for the server may be at work; the next connection is new."""
    async with scene(make_file, timeout=10) as here:
        await here.fill()
        here.relay.die("silent")
        await ask(here.client, {"max_retries": 1})
        assert 10 <= now() < 11


async def test_a_deletion_that_was_lost_with_its_connection_is_done(make_file: MakeFile) -> None:
    """It took effect, its answer was lost, and the repetition finds nothing: that is success."""
    async with scene(make_file) as here:
        asset = await here.client.assets.create(method="direct", file=("a.mp4", b"film"))
        await ask(here.client)
        here.emulator.faults.add(Fault(route="delete_asset", action=Cut("after")))
        await here.client.assets.delete(asset.id, request_options=ONCE)
        assert here.emulator.count("delete_asset") == 2


async def test_each_direct_upload_has_a_connection_of_its_own(make_file: MakeFile) -> None:
    """No idle one can lose it after its last byte, when nobody can know whether it was taken."""
    async with scene(make_file) as here:
        await ask(here.client)
        for _ in range(3):
            await here.client.assets.create(method="direct", file=("a.mp4", b"film"))
        assert here.relay.accepted == 1 + 3
        assert here.relay.most == 2
        await ask(here.client)
        assert here.relay.accepted == 1 + 3


async def test_over_a_user_s_connections_a_lost_direct_upload_is_told_as_it_is(
    make_file: MakeFile,
) -> None:
    """Before its last byte it was surely not taken; after it, nobody knows."""
    film = random.Random(1).randbytes(20_000_000)
    async with aiohttp.ClientSession() as session, scene(make_file, session=session) as here:
        await ask(here.client)
        here.relay.die()
        asset = await here.client.assets.create(
            method="direct", file=("a.mp4", film), request_options=ONCE
        )
        assert here.relay.lost == 1
        assert (await here.client.assets.retrieve(asset.id)).size == len(film)
        await ask(here.client)
        here.relay.die("late")
        with pytest.raises(OutcomeUnknownError) as caught:
            await here.client.assets.create(
                method="direct", file=("a.mp4", b"film"), request_options=ONCE
            )
        assert isinstance(caught.value.original_error, ApiConnectionError)
        assert here.emulator.count("create_asset") == 1
