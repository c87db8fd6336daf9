"""``AsyncTwelveLabs``: settings, sessions and their lifetimes."""

import os
from collections.abc import Mapping
from ssl import SSLContext
from types import TracebackType
from typing import NoReturn, Self

import aiohttp
from yarl import URL

from twelvelabs_async._core.admission import Admission
from twelvelabs_async._core.call_options import takes
from twelvelabs_async._core.slots import Slots
from twelvelabs_async._core.tasks import cancelled_once
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import check_flag, check_kind, check_seconds, check_whole
from twelvelabs_async._core.version import __version__
from twelvelabs_async._http.network_errors import without_frames
from twelvelabs_async._http.request import checked_headers
from twelvelabs_async._http.sessions import HttpSessions
from twelvelabs_async._http.settings import ConnectionSettings
from twelvelabs_async._http.transport import Transport
from twelvelabs_async._upload.option_checks import check_has_acquire
from twelvelabs_async._upload.options import UploadCall
from twelvelabs_async._upload.router import UploadRouter
from twelvelabs_async._upload.runtime import ClientStatistics, UploadRuntime
from twelvelabs_async._upload.send.body import BodyResources
from twelvelabs_async._upload.send.storage import Storage
from twelvelabs_async._upload.source.stream_memory import StreamMemory
from twelvelabs_async.errors import ClientUseError, ConfigurationError
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.results import UploadedAsset
from twelvelabs_async.resources.assets import AssetsClient
from twelvelabs_async.resources.multipart_upload import MultipartUploadClient
from twelvelabs_async.resources.raw_assets import RawAssetsClient
from twelvelabs_async.resources.raw_multipart_upload import RawMultipartUploadClient
from twelvelabs_async.resources.upload_platform import HttpPlatform

DEFAULT_BASE_URL = "https://api.twelvelabs.io/v1.3"
API_KEY_VARIABLES = ("TWELVE_LABS_API_KEY", "TWELVELABS_API_KEY")
BASE_URL_VARIABLE = "TWELVELABS_BASE_URL"
UPLOADS_A_SLOT = 2
"""Uploads admitted for each PUT that may be under way: some of them are in a control call."""


class AsyncTwelveLabs(Unpicklable):
    """A client of the TwelveLabs platform; one for a whole application.

    Use it in ``async with``, or call ``close()``. It opens its connections when first needed, on
    the event loop that runs then, and belongs to that loop from then on. It cannot be pickled or
    copied: make one in each process.
    """

    assets: AssetsClient
    """What the platform holds."""

    multipart_upload: MultipartUploadClient
    """Large files, in chunks."""

    @without_frames
    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | URL | None = None,
        *,
        timeout: float = 60.0,
        stall_timeout: float | None = 60.0,
        outage_timeout: float = 120.0,
        max_retries: int = 3,
        max_concurrency: int = 16,
        max_buffer_bytes: int = 512 * 2**20,
        early_slots: bool = False,
        journal: Journal | None = None,
        headers: Mapping[str, str] | None = None,
        session: aiohttp.ClientSession | None = None,
        connector: aiohttp.BaseConnector | None = None,
        ssl: SSLContext | aiohttp.Fingerprint | bool = True,
        proxy: str | None = None,
        trust_env: bool = False,
    ) -> None:
        """Check the settings; nothing is opened yet.

        Args:
            api_key: Taken without white space around it, such as the newline of a file; None: from
                ``TWELVE_LABS_API_KEY``, or ``TWELVELABS_API_KEY``.
            base_url: None: from ``TWELVELABS_BASE_URL``, or the platform's own.
            timeout: Seconds for each attempt of a control call.
            stall_timeout: Seconds without a byte taken or an answer that end a PUT; None: never.
            outage_timeout: Seconds for which an upload that was going well waits for a network, or
                a store, that has fallen silent.
            max_retries: Further attempts of a control call; 0: none.
            max_concurrency: PUTs under way at once, of all uploads together. Twice as many uploads
                are admitted, as many control calls made, and as many streams read to their end
                before they are sent, at once; more of them wait their turn.
            max_buffer_bytes: Memory, in bytes, for chunks of streams and of range sources, of all
                uploads together. It is taken for a chunk before the chunk is read, and given back
                once the store has it. While none is free, streams are not read; a slow sender keeps
                what its chunk has taken. A larger chunk is read while no other is in memory.
            early_slots: Whether the next chunk may be sent as soon as one is sent, while its answer
                is awaited: faster where answers take long, for up to twice the connections.
            journal: Where uploads in chunks are written down, so that another call, or another
                process, can go on where one ended, such as ``FileJournal()``; None: nowhere.
            headers: Sent with every control call, and never to the object store.
            session: Your own session, for control calls; its connector serves the object store as
                well, but none of its headers, cookies, credentials or timeouts does. Never closed.
            connector: Your own connector; never closed. None: one of our own.
            ssl: Your own TLS settings, or the fingerprint of a certificate, for our own connector;
                True: the usual ones.
            proxy: A proxy for everything, such as ``http://user:password@host:3128``; None: none,
                or the session's own.
            trust_env: Whether to take proxies from ``HTTP_PROXY`` and ``HTTPS_PROXY``, but for the
                hosts, ports and networks that ``NO_PROXY`` names.

        Raises:
            ConfigurationError: There is no API key, the base URL is not an http(s) URL, or a
                setting can never be right.
        """
        check_seconds("timeout", timeout, refusal=ConfigurationError)
        check_seconds("outage_timeout", outage_timeout, refusal=ConfigurationError)
        if stall_timeout is not None:
            check_seconds("stall_timeout", stall_timeout, refusal=ConfigurationError)
        check_whole("max_retries", max_retries, 0, ConfigurationError)
        check_whole("max_concurrency", max_concurrency, 1, ConfigurationError)
        check_whole("max_buffer_bytes", max_buffer_bytes, 1, ConfigurationError)
        check_flag("early_slots", early_slots, ConfigurationError)
        if journal is not None:
            check_has_acquire("journal", journal, ConfigurationError)
        sessions = HttpSessions(ConnectionSettings(session, connector, ssl, proxy, trust_env))
        bodies = BodyResources()
        transport = Transport.of(
            sessions=sessions,
            base_url=_chosen_base_url(base_url),
            api_key=_chosen_api_key(api_key),
            timeout=timeout,
            max_retries=max_retries,
            headers=_chosen_headers({} if headers is None else headers),
            slots=Slots(UPLOADS_A_SLOT * max_concurrency),
            lane=bodies.threads.lane(),
        )
        self._runtime = UploadRuntime(
            sessions=sessions,
            transport=transport,
            storage=Storage(sessions, stall_timeout, bodies),
            bodies=bodies,
            admission=Admission(UPLOADS_A_SLOT * max_concurrency),
            puts=Slots(max_concurrency, early=early_slots),
            stream_memory=StreamMemory(max_buffer_bytes),
            spools=Slots(UPLOADS_A_SLOT * max_concurrency),
            outage_timeout=outage_timeout,
        )
        assets = RawAssetsClient(transport, self._runtime)
        self.assets = AssetsClient(assets, sessions.pause)
        raw = RawMultipartUploadClient(transport)
        platform = HttpPlatform(transport.base_url, raw, self.assets)
        self._router = UploadRouter(self._runtime, platform, journal)
        self.multipart_upload = MultipartUploadClient(raw, self._router, sessions.pause)

    @property
    def base_url(self) -> str:
        """Where control calls go."""
        return self._runtime.transport.base_url

    def statistics(self) -> ClientStatistics:
        """Return what this client is doing now, such as uploads that wait and bytes a second.

        It waits for nothing and may be called as often as wanted, on the client's event loop or
        where no event loop runs.
        """
        return self._runtime.statistics()

    @takes(UploadCall)
    async def upload(self, call: UploadCall) -> UploadedAsset:
        """Upload whatever has bytes: in one request, or in chunks where it is large.

        Example::

            asset = await client.upload("holiday.mp4", wait_until_ready=True)
            print(asset.id, asset.duration)

        In one request, nothing is written to a journal, and options of chunks, from ``batch_size``
        to ``digest`` but for ``progress_callback``, have no effect. Cancelled, it leaves no task,
        connection or open file; for what is then on the platform see ``assets.create`` and
        ``multipart_upload.upload_file``.

        Returns:
            The asset: ready, if it was waited for; else as far as it is known, as a rule still
            processing, or with ``status`` None where the platform was not asked. Its ``result`` is
            what ``upload_file`` returns; None where it went in one request.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            UploadError: It did not arrive, or (its cause is an ``OutcomeUnknownError``) perhaps.
            AssetFailedError: The platform could not process it.
            AssetNotReadyError: It arrived, and was not seen ready: ``ready_timeout`` ran out or, as
                the cause says, the platform could not be asked to the end.
        """
        return await self._router.upload(call)

    def __repr__(self) -> str:
        made = hasattr(self, "_runtime")  # not where a setting was refused
        return f"<AsyncTwelveLabs {self.base_url if made else '(invalid settings)'}>"

    def __enter__(self) -> NoReturn:
        """Refuse.

        Raises:
            ClientUseError: Always; a client is closed with ``await``.
        """
        raise ClientUseError(
            "use 'async with AsyncTwelveLabs()', not 'with': closing it takes await"
        )

    def __exit__(self, *_: object) -> None:
        """Do nothing; Python looks for it before it enters."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what is under way, wait until it has ended, and close what the client opened.

        Calls under way raise ``ClientClosedError``, or an ``UploadError`` with that cause, at once:
        also those that pause, or wait for their turn or for another upload. An upload that is
        complete, and still asks for the URL of its asset, returns its result without it. It may be
        called again, and by several tasks at once. Called by a callback of an upload, or by other
        code of yours that a call of this client is running, it does not wait for calls to end.

        Cancelled, it does not wait either, and closes everything.
        """
        with cancelled_once():
            await self._runtime.sessions.close()
        self._runtime.threads.close()


def _chosen_api_key(api_key: object) -> str:
    if not (api_key is None or isinstance(api_key, str)):
        raise ConfigurationError(f"api_key= must be text, not {type(api_key).__name__}")
    places = {"api_key=": api_key, **{name: os.environ.get(name) for name in API_KEY_VARIABLES}}
    for place, value in places.items():
        if key := (value or "").strip():
            _check_api_key(key, place)
            return key
    raise ConfigurationError(
        f"there is no API key: pass api_key=, or set {' or '.join(API_KEY_VARIABLES)}"
    )


def _check_api_key(key: str, place: str) -> None:
    """Refuse a key that cannot be sent; the error does not quote it."""
    if len(key.splitlines()) > 1:
        raise ConfigurationError(f"the API key in {place} has a newline in it: is it one key?")
    if not (key.isascii() and key.isprintable()):
        raise ConfigurationError(f"the API key in {place} has characters that no header can carry")


def _chosen_base_url(base_url: str | URL | None) -> str:
    if base_url is not None and not isinstance(base_url, URL):
        check_kind("base_url", base_url, str, ConfigurationError)
    chosen = str(base_url or "") or os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    try:
        url = URL(chosen)
        (url.raw_host or "").encode("idna")  # as looking up the name will do
    except ValueError:
        url = URL()
    extra = url.user or url.password or url.query_string or url.fragment
    if url.scheme not in {"http", "https"} or not url.host or extra:
        raise ConfigurationError("the base URL must be http(s)://host/path and nothing more")
    return str(url).rstrip("/")


def _chosen_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    checked = checked_headers("headers", headers, ConfigurationError)
    return {"User-Agent": f"twelvelabs-async/{__version__}", **checked}
