"""``Emulator``: its settings and its lifetime.

Two origins on loopback, as in reality: the API and the object store, each on a port of its own.
Everything that the rules need to know of time comes through ``now`` and ``store_now``; there is no
background task, and no timer but that of a slow link (``pacing.py``).
"""

import asyncio
import hashlib
import ipaddress
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from twelvelabs_async.emulator import disk
from twelvelabs_async.emulator.app import ApiOrigin
from twelvelabs_async.emulator.asset_rules import AssetRules
from twelvelabs_async.emulator.disk import Files
from twelvelabs_async.emulator.endpoints import Endpoints
from twelvelabs_async.emulator.exchanges import Exchange, ExchangeLog, OriginName
from twelvelabs_async.emulator.faults import Faults
from twelvelabs_async.emulator.forms import Limits
from twelvelabs_async.emulator.origin import Origin
from twelvelabs_async.emulator.platform import NameUrl, Platform, utcnow
from twelvelabs_async.emulator.signing import Signer
from twelvelabs_async.emulator.store import Store
from twelvelabs_async.emulator.store_app import StoreOrigin
from twelvelabs_async.emulator.transcripts import Transcript

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)


class Emulator:
    """Play the platform on real sockets, for clients on this machine.

    Args:
        data_dir: Where chunks are kept; it stays. None: a temporary directory, removed at close.
        host: A loopback address.
        port: Of the API; 0: any free one.
        store_port: Of the object store; 0: any free one.
        api_key: The one key that is valid.
        chunk_size: Bytes; None: 5 MiB, doubled until a file has at most 2,000 chunks.
        initial_urls: How many URLs ``create`` hands out.
        now: The platform's clock, aware, UTC; None: the system's.
        store_now: The object store's clock; None: the same as ``now``.
        session_lifetime: How long an upload may take.
        url_lifetime: How long a presigned URL works, in whole seconds.
        upload_headers: What every PUT must carry; None: ``Content-Type`` and
            ``x-amz-meta-upload-id``.
        name_url: Which answers have the asset's URL: the last ``report`` and its repeats, only in a
            ``repeat`` after completion, in the ``asset`` only (key ``url``), or ``never``.
        processing_time: How long an asset is ``processing`` once the platform has the file, and
            its HLS stream, thumbnail and transcription thereafter.
        limits: The largest files that ``POST /assets`` takes; None: the platform's.
        ssl: Serve the object store over TLS; None: plain HTTP.

    ``faults`` is the script of what shall go wrong, ``requests`` the log of what happened.
    """

    def __init__(
        self,
        *,
        data_dir: Path | str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        store_port: int = 0,
        api_key: str = "emulator-key",
        chunk_size: int | None = None,
        initial_urls: int = 10,
        now: Callable[[], datetime] | None = None,
        store_now: Callable[[], datetime] | None = None,
        session_lifetime: timedelta = DAY,
        url_lifetime: timedelta = HOUR,
        upload_headers: Mapping[str, str] | None = None,
        name_url: NameUrl = "report",
        processing_time: timedelta = timedelta(0),
        limits: Limits | None = None,
        ssl: SSLContext | None = None,
    ) -> None:
        _check_loopback(host)
        signer = Signer(secrets.token_bytes(32))
        self.api_key = api_key
        self.base_url: str = ""
        self.store_url: str = ""
        self.faults: Faults = Faults()
        self.platform: Platform = Platform(
            signer=signer,
            now=now or utcnow,
            chunk_size=chunk_size,
            initial_urls=initial_urls,
            session_lifetime=session_lifetime,
            url_lifetime=url_lifetime,
            upload_headers=upload_headers,
            name_url=name_url,
            processing_time=processing_time,
        )
        asset_rules = AssetRules(self.platform, limits or Limits())
        self._endpoints = Endpoints(api_key, asset_rules)
        self._store = Store(self.platform, signer, store_now or self.platform.now)
        self._data_dir = None if data_dir is None else Path(data_dir).absolute()
        self._host, self._port, self._store_port = host, port, store_port
        self._ssl = ssl
        self._log = ExchangeLog()
        self._origin: StoreOrigin | None = None
        self._lifetime = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen on both ports.

        Raises:
            OSError: A port is taken, or the directory cannot be made; nothing is left behind.
        """
        async with AsyncExitStack() as stack:
            common: dict[str, Any] = {
                "files": Files(await self._directory(stack)),
                "platform": self.platform,
                "faults": self.faults,
                "log": self._log,
            }
            store_origin = StoreOrigin(store=self._store, **common)
            store_port = await _serve(stack, store_origin, self._host, self._store_port, self._ssl)
            api_origin = ApiOrigin(endpoints=self._endpoints, **common)
            port = await _serve(stack, api_origin, self._host, self._port, None)
            scheme = "http" if self._ssl is None else "https"
            self.store_url = self.platform.store_url = _url(scheme, self._host, store_port)
            self.base_url = _url("http", self._host, port) + "/v1.3"
            self._origin = store_origin
            self._lifetime = stack.pop_all()

    async def close(self) -> None:
        """Cut every connection, end every handler, remove the temporary directory."""
        await self._lifetime.aclose()

    @property
    def requests(self) -> list[Exchange]:
        """Return the requests that are over, in order of arrival; at most the newest 100,000."""
        return list(self._log.exchanges)

    @property
    def data_dir(self) -> Path:
        """Return where the files are: ``<upload_id>/<index>``, and ``<asset_id>/1``."""
        return self._started.files.directory

    def count(self, route: str) -> int:
        """Return how many requests of a route are over, whatever became of them."""
        return sum(exchange.route == route for exchange in self._log.exchanges)

    def connections(self, origin: OriginName) -> int:
        """Return how many TCP connections carried a request so far."""
        return self._log.connections.get(origin, 0)

    def asset_bytes(self, asset_id: str) -> AsyncIterator[bytes]:
        """Return the bytes of an asset whose file is there whole, in pieces of at most 1 MiB.

        Raises:
            KeyError: No such asset.
            FileNotFoundError: While iterating: a chunk is missing.
        """
        return disk.outgoing(self._started.files.paths(self.platform.assets[asset_id]))

    async def sha256(self, asset_id: str) -> str:
        """Return the hex SHA-256 of an asset's file; errors are those of ``asset_bytes``."""
        digest = hashlib.sha256()
        async for piece in self.asset_bytes(asset_id):
            await asyncio.to_thread(digest.update, piece)
        return digest.hexdigest()

    def fail_asset(self, filename_or_id: str, message: str) -> None:
        """Let an asset, or every asset of a name, end ``failed`` when it has been processed.

        It may be said before the asset is made, and of one that is ready: it fails at once.
        """
        self.platform.failures[filename_or_id] = message

    def transcribe(self, filename_or_id: str, transcript: Transcript | None) -> None:
        """Set the transcription of an asset, or of every asset of a name.

        It can be set before the asset is made, and shows when the transcription is ready. Without
        it, a video or audio asset has a transcription that is made up from its name.

        Args:
            filename_or_id: The asset, or the name of the assets.
            transcript: The transcription; None: there is none, and the endpoint answers 404.
        """
        self.platform.transcripts[filename_or_id] = transcript

    def reference(self, asset_id: str) -> None:
        """Let one more indexed asset refer to an asset, so that only ``force`` deletes it.

        Raises:
            KeyError: No such asset.
        """
        self.platform.assets[asset_id].references += 1

    @property
    def _started(self) -> StoreOrigin:
        if self._origin is None:
            raise RuntimeError("the emulator was not started")
        return self._origin

    async def _directory(self, stack: AsyncExitStack) -> Path:
        if self._data_dir is not None:
            return self._data_dir
        made = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="twelvelabs-emulator-"))
        stack.push_async_callback(asyncio.to_thread, shutil.rmtree, made)
        return made


async def _serve(
    stack: AsyncExitStack, origin: Origin, host: str, port: int, ssl: SSLContext | None
) -> int:
    """Serve an origin until the stack closes, and return its port."""
    runner = web.AppRunner(
        origin.application(),
        access_log=None,
        auto_decompress=False,
        handler_cancellation=True,
        read_bufsize=origin.read_buffer,
    )
    await runner.setup()
    stack.push_async_callback(_stop, runner, origin)
    await web.TCPSite(runner, host, port, ssl_context=ssl).start()
    bound: int = runner.addresses[0][1]
    return bound


async def _stop(runner: web.AppRunner, origin: Origin) -> None:
    """Stop listening, cut the connections, and wait until nothing of them is left."""
    for site in runner.sites:
        await site.stop()
    handlers = [] if runner.server is None else runner.server.connections
    for handler in handlers:
        if handler.transport is not None:
            handler.transport.abort()
    await origin.ended()
    await runner.cleanup()


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _check_loopback(host: str) -> None:
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"the emulator serves this machine only, not {host}")
