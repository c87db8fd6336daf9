"""What one contract is held against: the emulator's rules, a running emulator, the platform.

Each is a ``ContractTarget``, which takes requests of the API and PUTs of the object store, and
differs from the others in nothing else that a scenario could see.
"""

import asyncio
import hashlib
import io
import json
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol

import aiohttp
from attrs import define, frozen
from yarl import URL

from support.clock import ManualClock
from twelvelabs_async.emulator import AssetRules, Emulator, Platform, Refusal, forms
from twelvelabs_async.emulator.endpoints import Endpoints, Outcome, RequestBody, refused
from twelvelabs_async.emulator.routing import API_VERSION, target as endpoint
from twelvelabs_async.emulator.signing import Signer
from twelvelabs_async.emulator.store import Denied, Store

Query = Sequence[tuple[str, str]]

API_KEY = "TWELVELABS_CONTRACT_API_KEY"
BASE_URL = "TWELVELABS_CONTRACT_BASE_URL"
NO_KEY = f"the platform itself is asked with a key only: {API_KEY}=... pytest tests/contract"
"""``BASE_URL``, too, where it is not the usual one; what a test makes there, it deletes."""
PLATFORM_URL = "https://api.twelvelabs.io/v1.3"
PROCESSING = timedelta(seconds=10)
CHUNK_SIZE = 1000
MIB = 2**20
PACE = 0.3
"""Seconds before each request to the platform, so as to be no burden."""
POLL_PAUSE = 3.0
"""Seconds between two questions for an asset that the platform is processing."""


@frozen
class Switches:
    """What only an emulator has: a clock to move, and rules to look into."""

    platform: Platform
    clock: ManualClock


@frozen
class Sizes:
    """Bytes of files: of one chunk, of at least two, and of more chunks than a page shows."""

    one: int
    several: int
    many: int


@frozen
class Attachment:
    """A file in a form."""

    filename: str
    content_type: str
    content: bytes


@frozen
class Form:
    """A form of ``multipart/form-data``."""

    fields: tuple[tuple[str, str], ...]
    file: Attachment | None = None


@frozen
class Request:
    """A request of the API; ``path`` is below the base URL. A form stands in for the content."""

    method: str
    path: str
    key: str
    query: Query = ()
    content_type: str = "application/octet-stream"
    content: bytes = b""
    form: Form | None = None


@frozen
class Reply:
    """An answer: its payload is JSON, or a string of raw text, or None where there is no body."""

    status: int
    payload: Any = None

    @property
    def error(self) -> tuple[int, str]:
        """Return status and code."""
        return self.status, self.payload["code"]


class ContractTarget(Protocol):
    """One side of the contract."""

    @property
    def key(self) -> str:
        """Return the key that is valid."""
        ...

    @property
    def sizes(self) -> Sizes:
        """Return how large files are here."""
        ...

    @property
    def switches(self) -> Switches | None:
        """Return what only an emulator has; None: this is none."""
        ...

    async def call(self, request: Request) -> Reply:
        """Ask the API."""
        ...

    async def put(self, url: str, headers: dict[str, str], content: bytes) -> tuple[int, str]:
        """PUT to the object store, and return status and ETag, as it stands in the header."""
        ...

    async def settle(self) -> None:
        """Give the target time to process assets."""


@define
class CoreTarget:
    """The emulator's rules, asked as functions."""

    endpoints: Endpoints
    store: Store
    switches: Switches
    sizes: Sizes
    made: int = 0

    @property
    def key(self) -> str:
        """Return the key that is valid."""
        return self.endpoints.api_key

    async def call(self, request: Request) -> Reply:
        """Ask the rules, as the application on sockets does."""
        try:
            outcome = self._answer(request)
        except Refusal as refusal:
            outcome = refused(refusal)
        return Reply(outcome.status, json.loads(json.dumps(outcome.payload)))

    async def put(self, url: str, headers: dict[str, str], content: bytes) -> tuple[int, str]:
        """Let the store's rules decide, and keep nothing but the ETag."""
        sent = {name.lower(): value for name, value in headers.items()}
        sent["content-length"] = str(len(content))
        try:
            raw = url.removeprefix(self.switches.platform.store_url)
            grant, size = self.store.accept(raw, sent)
        except Denied as denied:
            return denied.status, ""
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.switches.platform.keep_chunk(grant.upload_id, grant.chunk_index, etag, size)
        return 200, f'"{etag}"'

    async def settle(self) -> None:
        """Move the clock."""
        self.switches.clock.time += PROCESSING

    def _answer(self, request: Request) -> Outcome:
        path = f"/{API_VERSION}{request.path}"
        at = endpoint(request.method, path)
        self.endpoints.identify(request.key, at, path)
        if request.form is not None:
            return self._created(request.form)
        body = RequestBody(request.content_type, request.content)
        return self.endpoints.answer(at, request.query, body)

    def _created(self, form: Form) -> Outcome:
        file = None if form.file is None else _sent(form.file)
        order = forms.new_asset(forms.Form(form.fields, file))
        assert file is not None, "the rules alone fetch no URL"
        self.made += 1
        judged = self.endpoints.judged(order, file)
        return self.endpoints.created(f"asset{self.made}", order, judged, None)


def _sent(file: Attachment) -> forms.ReceivedFile:
    return forms.ReceivedFile(file.filename, file.content_type, len(file.content))


@define
class HttpTarget:
    """A server, asked with a bare HTTP client; ``pace`` is in seconds."""

    http: aiohttp.ClientSession
    base_url: str
    key: str
    sizes: Sizes
    switches: Switches | None = None
    pace: float = 0.0
    poll_pause: float = 0.0

    async def call(self, request: Request) -> Reply:
        """Send the request as it is."""
        await asyncio.sleep(self.pace)
        headers = {"x-api-key": request.key}
        data: bytes | aiohttp.MultipartWriter = request.content
        if request.form is not None:
            data = _written(request.form)
        else:
            headers["Content-Type"] = request.content_type
        async with self.http.request(
            request.method,
            self.base_url + request.path,
            params=list(request.query),
            headers=headers,
            data=data,
        ) as response:
            return await _read(response)

    async def put(self, url: str, headers: dict[str, str], content: bytes) -> tuple[int, str]:
        """PUT to exactly this URL."""
        at = URL(url, encoded=True)
        async with self.http.put(at, data=io.BytesIO(content), headers=headers) as response:
            return response.status, response.headers.get("ETag", "")

    async def settle(self) -> None:
        """Move the clock, or wait."""
        if self.switches is not None:
            self.switches.clock.time += PROCESSING
        await asyncio.sleep(self.poll_pause)


def _written(form: Form) -> aiohttp.MultipartWriter:
    writer = aiohttp.MultipartWriter("form-data")
    for name, value in form.fields:
        writer.append(value).set_content_disposition("form-data", name=name)
    if form.file is not None:
        part = writer.append(form.file.content, {"Content-Type": form.file.content_type})
        part.set_content_disposition("form-data", name="file", filename=form.file.filename)
    return writer


async def _read(response: aiohttp.ClientResponse) -> Reply:
    body = await response.read()
    if response.content_type == "application/json":
        return Reply(response.status, json.loads(body))
    return Reply(response.status, body.decode() or None)


@asynccontextmanager
async def core() -> AsyncGenerator[ContractTarget]:
    """Yield the emulator's rules."""
    clock, signer = ManualClock(), Signer(b"secret")
    platform = Platform(
        signer=signer,
        now=clock,
        store_url="http://127.0.0.1:9",
        chunk_size=CHUNK_SIZE,
        processing_time=PROCESSING,
    )
    endpoints = Endpoints("the key", AssetRules(platform))
    store = Store(platform, signer, clock)
    yield CoreTarget(endpoints, store, Switches(platform, clock), Sizes(500, 2500, 11_500))


@asynccontextmanager
async def http() -> AsyncGenerator[ContractTarget]:
    """Yield a running emulator."""
    clock = ManualClock()
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=clock, processing_time=PROCESSING) as emulator,
        aiohttp.ClientSession() as session,
    ):
        switches = Switches(emulator.platform, clock)
        sizes = Sizes(500, 2500, 11_500)
        yield HttpTarget(session, emulator.base_url, emulator.api_key, sizes, switches)


@asynccontextmanager
async def platform() -> AsyncGenerator[ContractTarget]:
    """Yield the platform, or whatever answers in its place at the base URL."""
    base_url = os.environ.get(BASE_URL, PLATFORM_URL).rstrip("/")
    pace, pause = (0.0, 0.0) if URL(base_url).host == "127.0.0.1" else (PACE, POLL_PAUSE)
    sizes = Sizes(16_044, 11 * MIB, 300 * MIB)  # chunks of 5 MiB are assumed; the last: not sent
    async with aiohttp.ClientSession() as session:
        yield HttpTarget(session, base_url, os.environ[API_KEY], sizes, pace=pace, poll_pause=pause)


TARGETS: dict[str, Callable[[], AbstractAsyncContextManager[ContractTarget]]] = {
    "core": core,
    "http": http,
    "platform": platform,
}
