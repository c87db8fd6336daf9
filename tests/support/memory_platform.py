"""An object store and a platform in memory, driven by a script: strict, and kept to account.

They give ``Uploader`` everything it needs, without a socket. Each call takes the seconds that the
script says, and ends as the script says; once the script has run out, everything succeeds. Whatever
the protocol forbids is noted in ``violations``, and refused as well: a URL used twice, voided by a
newer one, or for another chunk; other bytes than the chunk's; a proof that is not the stored one's;
URLs for a chunk that is on its way; a chunk sent or reported again without a cause.
"""

import asyncio
import hashlib
import os
import selectors
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from itertools import cycle
from typing import TYPE_CHECKING, TypeVar, cast

from attrs import Factory, define, field, frozen
from hypothesis import HealthCheck, settings

from twelvelabs_async._core.slots import Slots
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._http.response import ApiResponse
from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async._upload.opening import SessionOpener
from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.md5 import ENOUGH_MISMATCHES
from twelvelabs_async._upload.plan.retry_policy import RetryPolicy
from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.plan.url_book import MARGIN
from twelvelabs_async._upload.resume.checkpoint import NoCheckpoint
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async._upload.send.body import do_nothing
from twelvelabs_async._upload.send.slice_body import SliceBody
from twelvelabs_async._upload.source.digest import FileDigest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.steps.assembly import assemble
from twelvelabs_async._upload.steps.chunk_feed import FileFeed
from twelvelabs_async._upload.steps.uploader import Uploader
from twelvelabs_async.errors import (
    ApiConnectionError,
    BadRequestError,
    InternalServerError,
    SourceChangedError,
    SourceError,
    StorageConnectionError,
    StorageError,
)
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.uploads import (
    ChunkInfo,
    ChunkInfoStatus,
    CompletedChunk,
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    IncompleteUploadSummary,
    ListIncompleteUploadsResponse,
    MultipartUploadStatusType,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)

T = TypeVar("T")

if TYPE_CHECKING:
    from twelvelabs_async._upload.send.storage import Storage

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,  # so that a build fails only when the code has changed
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    deadline=None,
    max_examples=5_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def choose_profile() -> None:
    """Load the profile that ``HYPOTHESIS_PROFILE`` names: ``default`` or ``thorough``."""
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


CHUNK = 8
"""Bytes of a chunk: two four-byte numbers, so that no two places of the file look alike."""

HEADERS = {"Content-Type": "application/octet-stream"}
SESSION = "upload"
ASSET_URL = "https://store.example/asset.mp4"
SERVER_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ENDLESS = 100_000
"""Calls after which an upload is taken to go round in circles."""


class _InstantSelector(selectors.DefaultSelector):
    """A selector for a loop without sockets: whenever nobody can run, the next timer is due."""

    loop: "InstantLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Jump to the next timer; where there is none, everybody waits for ever."""
        if timeout is None:
            raise RuntimeError("deadlock: every task waits, and no timer runs")
        self.loop.jump(max(0.0, timeout))
        return []


class InstantLoop(asyncio.SelectorEventLoop):
    """A loop with a virtual clock for code without sockets and threads; it keeps complaints."""

    def __init__(self) -> None:
        self._now = 0.0
        self.complaints: list[str] = []
        selector = _InstantSelector()
        selector.loop = self
        super().__init__(selector)
        self.set_exception_handler(lambda _, context: self.complaints.append(str(context)))

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


class PutFault(Enum):
    """How one attempt to PUT a chunk ends."""

    OK = auto()
    SLOW_DOWN = auto()  # 503: not stored
    INTERNAL = auto()  # 500: not stored
    NO_PROOF = auto()  # stored, but the answer has no ETag
    EXPIRED = auto()  # the store calls the URL too old
    CUT = auto()  # no answer, and not stored
    LOST = auto()  # no answer, though it is stored
    CORRUPT = auto()  # stored with another content
    FATAL = auto()  # 403: another attempt would end the same
    UNREADABLE = auto()  # the file cannot be read


class CallFault(Enum):
    """How one control call ends."""

    OK = auto()
    CUT = auto()  # no answer, and nothing happened
    LOST = auto()  # no answer, though it took effect
    REFUSED = auto()  # 400
    BROKEN = auto()  # 500, and the transport's retries are used up
    SHORT = auto()  # only the first half of the URLs
    HOLE = auto()  # all URLs but the first
    SHUFFLED = auto()  # all URLs, backwards
    EXTRA = auto()  # all URLs, and useless ones of chunks that were not asked for


ANSWERED = {PutFault.SLOW_DOWN, PutFault.INTERNAL, PutFault.NO_PROOF}
SILENT = {PutFault.CUT, PutFault.LOST}
ENDING = {PutFault.FATAL, PutFault.UNREADABLE}
REFUSALS = {
    PutFault.SLOW_DOWN: (503, "SlowDown"),
    PutFault.INTERNAL: (500, "InternalError"),
    PutFault.FATAL: (403, "SignatureDoesNotMatch"),
}
_STORE_SAYS = {"AccessDenied": "Request has expired", "SlowDown": "reduce your request rate"}


def _refusal(index: int, status: int, code: str) -> StorageError:
    text = _STORE_SAYS.get(code, "no")
    return StorageError(text, chunk_index=index, status_code=status, code=code)


@frozen(kw_only=True)
class FailureScript:
    """One upload and everything that happens to it.

    Attributes:
        chunks: How many chunks the file has.
        last: Bytes of the last one.
        batch_size: Chunks in a full report.
        workers: PUTs of the upload under way at once.
        slots: PUTs of the client under way at once.
        early: Whether a slot is free as soon as a body is sent.
        max_retries: Further attempts after an answered failure.
        retry_delay: Seconds; ceiling of the first pause.
        outage_timeout: Seconds after the last answer until which silence is waited out.
        first_urls: Chunks whose URL comes with the session.
        puts: How the attempts of a chunk end, one after another; then all is well.
        url_calls: How requests for URLs end.
        reports: How reports end.
        looks: How questions for the status or the asset end.
        pace: Seconds that calls take, in turn, over and over.
        lifetime: Seconds that a URL works.
        tells_time: Whether the platform says its own time.
        skew: Hours that the server's clock is off ours.
        lag: Answers about the status whose count lags; reports lag for good then.
        names_url: Where the asset's URL is told: ``report`` (the one that completes the asset),
            ``repeat`` (one sent again), ``status``, ``asset``, or ``never``.
        outage: After so many chunks, nobody answers for so many seconds; None: never.
        etags: What the store's ETags are: ``opaque``, ``md5``, or ``foreign`` (as long, and no
            MD5s); they are compared unless they are opaque, or ``plain``, which are MD5s as well.
        writes: When the file's times change, and the place where a chunk's worth of bytes does;
            None: none does.
        flaws: How often the platform marks a chunk as failed after it was reported.
        changes_at: Which check finds the file changed, and every later one; None: none does.
        cancel: The step at which the upload is cancelled, and how many turns of the loop later.
        cancel_again: Whether it is cancelled a second time, while it ends.
    """

    chunks: int
    last: int = CHUNK
    batch_size: int = 10
    workers: int = 5
    early: bool = False
    slots: int = 20
    max_retries: int = 3
    retry_delay: float = 1.0
    outage_timeout: float = 3_600.0
    first_urls: frozenset[int] = frozenset()
    puts: Mapping[int, tuple[PutFault, ...]] = Factory(dict[int, tuple[PutFault, ...]])
    url_calls: tuple[CallFault, ...] = ()
    reports: tuple[CallFault, ...] = ()
    looks: tuple[CallFault, ...] = ()
    pace: tuple[float, ...] = (1.0,)
    lifetime: float = 3_600.0
    tells_time: bool = True
    skew: int = 0
    lag: int = 0
    names_url: str = "report"
    outage: tuple[int, float] | None = None
    etags: str = "opaque"
    writes: tuple[tuple[float, int | None], ...] = ()
    flaws: Mapping[int, int] = Factory(dict[int, int])
    changes_at: int | None = None
    cancel: tuple[int, int] | None = None
    cancel_again: bool = False

    @property
    def total_size(self) -> int:
        """Bytes of the file."""
        return (self.chunks - 1) * CHUNK + self.last


@define(eq=False)
class Body:
    """What one attempt sends."""

    source: Source
    piece: Slice
    sent: int = 0
    md5: str | None = None
    when_sent: Callable[[], None] = do_nothing


@frozen
class Signed:
    """A URL that was given out: for which chunk, which of its URLs, and until when it works."""

    index: int
    serial: int
    until: float


async def _tell(sent: Body) -> None:
    """Let those go on who waited until a body is sent."""
    sent.when_sent()
    await asyncio.sleep(0)


@define(eq=False)
class MemoryPlatform:
    """The file, the store and the platform of one upload, and what was seen of it.

    Attributes:
        script: What happens.
        data: The bytes of the file.
        contents: What the file was, one after another.
        violations: What the uploader did against the protocol.
        seen: How many calls there were, and how many failed, by name.
        puts: Attempts to PUT, by chunk.
        failed_puts: Attempts that the uploader was told had failed, by chunk.
        answered: Failures that count against ``max_retries``, by chunk.
        delivered: ETags that the uploader has been given, and may rely on, by chunk.
        doubted: ETags that it has been given, and may not rely on yet.
        matched: Whether some ETag was the MD5 of what was sent.
        doubted_once: Chunks that ever were among them.
        settled: Whether so many were not that the store is taken not to speak MD5.
        delivered_at: When that was, in seconds of the loop's clock.
        told: Chunks that stood in some report, whatever became of it.
        reported: Chunks that the platform has counted.
        flawed: Chunks that are marked as failed.
        flaws: How often a chunk was marked so, and the uploader was told.
        acknowledged: How often the uploader was told that a chunk was counted.
        expiries: How often the store called a URL too old, by chunk.
        shortfall: URLs that were asked for and did not come.
        urls: What each URL is good for.
    """

    script: FailureScript
    data: bytes = b""
    contents: list[bytes] = Factory(list[bytes])
    violations: list[str] = Factory(list[str])
    seen: Counter[str] = Factory(Counter[str])
    puts: Counter[int] = Factory(Counter[int])
    failed_puts: Counter[int] = Factory(Counter[int])
    answered: Counter[int] = Factory(Counter[int])
    delivered: dict[int, str] = Factory(dict[int, str])
    doubted: dict[int, str] = Factory(dict[int, str])
    doubted_once: set[int] = Factory(set[int])
    matched: bool = False
    settled: bool = False
    delivered_at: dict[int, float] = Factory(dict[int, float])
    told: set[int] = Factory(set[int])
    reported: set[int] = Factory(set[int])
    flawed: set[int] = Factory(set[int])
    flaws: Counter[int] = Factory(Counter[int])
    acknowledged: Counter[int] = Factory(Counter[int])
    expiries: Counter[int] = Factory(Counter[int])
    shortfall: int = 0
    urls: dict[str, Signed] = Factory(dict[str, Signed])
    used: set[str] = Factory(set[str])
    stored: dict[int, tuple[str, bytes]] = Factory(dict[int, tuple[str, bytes]])
    sending: set[int] = Factory(set[int])
    unsent: set[int] = Factory(set[int])
    on_step: Callable[[int], None] | None = None
    ended_at: float | None = None
    down: tuple[float, float] = (0.0, 0.0)
    steps: int = 0
    checks: int = 0
    changed: bool = False
    lagging: int = 0
    name: str = "file.mp4"
    version: int = 0
    retry_policy: RetryPolicy = field(init=False)
    _written: int = 0
    _looked: int = 0
    _serials: Counter[int] = Factory(Counter[int])
    _pace: "cycle[float]" = field(init=False)

    def __attrs_post_init__(self) -> None:
        script = self.script
        self.retry_policy = RetryPolicy(
            script.max_retries, script.retry_delay, script.outage_timeout
        )
        words = -(-script.total_size // 4)
        self.data = b"".join(n.to_bytes(4, "big") for n in range(words))[: script.total_size]
        self.contents.append(self.data)
        self.lagging = script.lag
        self._pace = cycle(script.pace)

    # The file.

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    @property
    def path(self) -> None:
        """None: it is no file."""

    @property
    def identity(self) -> None:
        """None: it is no file on a disk."""

    async def read_into(self, view: memoryview, offset: int) -> int:
        """Read from memory."""
        self._write()
        found = self.data[offset : offset + len(view)]
        view[: len(found)] = found
        return len(found)

    def read_nowait(self, view: memoryview, offset: int) -> int:
        """Read nothing: no body is sent over a connection here."""
        return 0

    async def check_unchanged(self) -> None:
        """Find the file changed; see ``look``."""
        await self.look()

    async def look(self) -> None:
        """Find the file changed when the script says so."""
        self.checks += 1
        number = self.checks
        await asyncio.sleep(0)
        self._step()
        self._write()
        self.version += self._written > self._looked
        self._looked = self._written
        if self.script.changes_at is not None and number >= self.script.changes_at:
            self.changed = True
            raise SourceChangedError("it was written to")

    def _write(self) -> None:
        """Let those write to the file whose time has come."""
        for _, place in self.script.writes[self._written :]:
            if self.script.writes[self._written][0] > self._now():
                break
            self._written += 1
            if place is not None:
                end = place + CHUNK
                changed = bytes(byte ^ 255 for byte in self.data[place:end])
                self.data = self.data[:place] + changed + self.data[end:]
                self.contents.append(self.data)

    # The store.

    def body(
        self, source: Source, piece: Slice, *, when_sent: Callable[[], None], **_: object
    ) -> SliceBody:
        """Return the body of an attempt."""
        return cast("SliceBody", Body(source, piece, when_sent=when_sent))

    async def put(self, url: str, headers: Mapping[str, str], body: SliceBody) -> str:
        """Take a chunk as the script says, and as strictly as the real store."""
        sent = cast("Body", body)
        index = sent.piece.index
        self._admit(url, headers, index)
        self.sending.add(index)
        try:
            return await self._put(url, sent)
        except (StorageError, SourceError):
            self.failed_puts[index] += 1
            raise
        finally:
            self.sending.discard(index)

    def _admit(self, url: str, headers: Mapping[str, str], index: int) -> None:
        attempt = f"PUT {self.puts[index] + 1} of chunk {index}"
        self.seen["put"] += 1
        self.doubted.pop(index, None)
        self._forbid(url in self.used, f"{attempt}: its URL was used before")
        self._forbid(self.urls[url].index != index, f"{attempt}: to the URL of another chunk")
        self._forbid(
            self.urls[url].serial != self._serials[index], f"{attempt}: a newer URL voids this one"
        )
        self._forbid(dict(headers) != HEADERS, f"{attempt}: with other headers than signed")
        self._forbid(index in self.sending, f"{attempt}: another one is under way")
        self._forbid(index in self.delivered, f"{attempt}: it was stored before")
        self._forbid(
            self.puts[index] > self.failed_puts[index], f"{attempt}: the one before did not fail"
        )
        self._forbid(self._spent(index), f"{attempt}: max_retries was used up")
        self._forbid(self._over(), f"{attempt}: the upload had ended")
        most = min(self.script.slots, self.script.workers)
        self._forbid(len(self.unsent) >= most, f"{attempt}: {most} other bodies are under way")
        most = 2 * self.script.workers if self.script.early else most
        self._forbid(len(self.sending) >= most, f"{attempt}: {most} others are under way")
        self.used.add(url)
        self.puts[index] += 1

    async def _put(self, url: str, sent: Body) -> str:
        index = sent.piece.index
        faults = self.script.puts.get(index, ())
        number = self.puts[index] - 1
        fault = faults[number] if number < len(faults) else PutFault.OK
        too_old = self._now() >= self.urls[url].until
        content = bytearray(sent.piece.size)
        half = memoryview(content)[: sent.piece.size // 2]
        await self.read_into(half, sent.piece.offset)
        if not await self._get_there(sent) or fault is PutFault.CUT:
            raise StorageConnectionError("reset", chunk_index=index)
        await self.read_into(memoryview(content)[len(half) :], sent.piece.offset + len(half))
        await self.look()  # as a body does before its last bytes
        await _tell(sent)
        if too_old or fault is PutFault.EXPIRED:
            self._note_expiry(index, fault, url)
            raise _refusal(index, 403, "AccessDenied")
        if fault in ENDING:
            self.ended_at = self._now()
        if fault is PutFault.UNREADABLE:
            raise SourceError("cannot read", chunk_index=index)
        self.answered[index] += int(fault in ANSWERED)
        if fault in REFUSALS:
            raise _refusal(index, *REFUSALS[fault])
        etag = self._keep(sent, content, corrupt=fault is PutFault.CORRUPT)
        if fault is PutFault.LOST:
            raise StorageConnectionError("stalled", chunk_index=index)
        if fault is PutFault.NO_PROOF:
            raise StorageError("no ETag", chunk_index=index)
        if self._relied_on(index, etag, sent.md5):
            self.delivered[index] = etag
            self.delivered_at[index] = self._now()
        if self.script.outage is not None and len(self.delivered) == self.script.outage[0]:
            self.down = (self._now(), self._now() + self.script.outage[1])
        return etag

    async def _get_there(self, sent: Body) -> bool:
        self.unsent.add(sent.piece.index)
        try:
            return await self._travel()
        finally:
            self.unsent.discard(sent.piece.index)

    def _note_expiry(self, index: int, fault: PutFault, url: str) -> None:
        self.expiries[index] += 1
        self.answered[index] += int(self.expiries[index] > 1)
        foreseeable = self.script.tells_time and self.script.lifetime > MARGIN
        self._forbid(
            fault is not PutFault.EXPIRED and foreseeable,
            f"chunk {index}: its URL was known to be too old ({self.urls[url]})",
        )

    def _relied_on(self, index: int, etag: str, md5: str | None) -> bool:
        """Return whether the uploader may tell others of an ETag."""
        if md5 is None:
            return True
        if etag == md5:
            self.matched = True
            self.doubted.clear()
            return not self.settled
        if self.settled:
            return True
        if self.matched:
            self.failed_puts[index] += 1
            self.answered[index] += 1
            return False
        self.settled = index in self.doubted_once or len(self.doubted_once) + 1 == ENOUGH_MISMATCHES
        self.doubted_once.add(index)
        self.doubted[index] = etag
        if self.settled:
            self.delivered |= self.doubted
            self.doubted.clear()
        else:
            self.failed_puts[index] += 1
            self.answered[index] = 1  # the store took it: what was before is forgiven
        return self.settled

    def _keep(self, sent: Body, content: bytearray, *, corrupt: bool) -> str:
        piece = sent.piece
        sent.sent = len(content)
        start = (piece.index - 1) * CHUNK
        wanted = self.data[start : start + CHUNK]
        if self.script.etags not in {"opaque", "plain"}:
            sent.md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        mixed = bytes(content) != wanted and len(self.contents) == 1
        self._forbid(mixed, f"chunk {piece.index}: these are not its bytes")
        etag = f"etag-{piece.index}-{self.puts[piece.index]}"
        if corrupt:
            content[0] ^= 1
        if self.script.etags != "opaque":
            salt = etag.encode() if self.script.etags == "foreign" else b""
            etag = hashlib.md5(salt + content, usedforsecurity=False).hexdigest()
        self.stored[piece.index] = (etag, bytes(content))
        self.flawed.discard(piece.index)
        return etag

    # The platform.

    def sign(self, indexes: "list[int]") -> tuple[PresignedUrlChunk, ...]:
        """Make URLs; each voids the chunk's older ones."""
        return tuple(map(self._sign, indexes))

    def _sign(self, index: int) -> PresignedUrlChunk:
        self._serials[index] += 1
        until = self._now() + self.script.lifetime
        url = f"https://store.example/{index}?signature={self._serials[index]}"
        self.urls[url] = Signed(index, self._serials[index], until)
        return PresignedUrlChunk(index, url, self.server_time() + timedelta(0, until - self._now()))

    def server_time(self) -> datetime:
        """Return the time by the server's clock."""
        return SERVER_EPOCH + timedelta(hours=self.script.skew, seconds=self._now())

    @property
    def base_url(self) -> str:
        """Where it would be."""
        return "https://platform.example"

    async def create_session(
        self, spec: AssetSpec, total_size: int
    ) -> ApiResponse[CreateAssetUploadResponse]:
        """Open the one session, with the URLs that the script names."""
        self._forbid(total_size != self.script.total_size, f"a session of {total_size} bytes")
        urls = self.sign(sorted(self.script.first_urls))
        chunks = self.script.chunks
        return self._data(CreateAssetUploadResponse(SESSION, "asset", CHUNK, chunks, urls, HEADERS))

    async def list_sessions(
        self, page: int, options: RequestOptions | None
    ) -> ApiResponse[ListIncompleteUploadsResponse]:
        """List the one session."""
        size, chunks = self.script.total_size, self.script.chunks
        active = MultipartUploadStatusType.ACTIVE
        session = IncompleteUploadSummary(SESSION, active, size, CHUNK, chunks)
        return self._data(ListIncompleteUploadsResponse((session,)))

    async def wait_until_ready(
        self,
        asset_id: str,
        *,
        timeout: float | None,  # noqa: ASYNC109 - as platforms do
        hls: bool,
        thumbnail: bool,
    ) -> AssetDetail:
        """Return the asset: nothing is processed here."""
        return AssetDetail(asset_id)

    def _data(self, data: T) -> ApiResponse[T]:
        told = {"date": format_datetime(self.server_time(), usegmt=True)}
        return ApiResponse(data, 200, told if self.script.tells_time else {})

    async def presigned_urls(
        self, upload_id: str, start: int, count: int, options: RequestOptions | None
    ) -> ApiResponse[RequestAdditionalPresignedUrLsResponse]:
        """Make URLs of ``count`` chunks from ``start``."""
        asked = f"URLs of {count} from {start}"
        end = start + count - 1
        self._forbid(not (1 <= count <= 50 and 1 <= start <= end <= self.script.chunks), asked)
        self._forbid_urls(asked, range(start, end + 1))
        fault = await self._call("url_calls", self.script.url_calls)
        indexes = list(range(start, end + 1))
        match fault:
            case CallFault.SHORT:
                indexes = indexes[: len(indexes) // 2]
            case CallFault.HOLE:
                indexes = indexes[1:]
            case CallFault.SHUFFLED:
                indexes.reverse()
            case _:
                pass
        self._forbid_urls(asked, indexes)
        urls = self.sign(indexes)
        if fault is CallFault.EXTRA:
            urls += self._useless(range(1, start)) + self._useless(range(end + 1, end + 60))
        self._answer("url_calls", fault)
        self.shortfall += count - len(indexes)
        time = self.server_time() if self.script.tells_time else None
        return ApiResponse(
            RequestAdditionalPresignedUrLsResponse(urls, SESSION, generated_at=time), 200, {}
        )

    def _useless(self, indexes: range) -> tuple[PresignedUrlChunk, ...]:
        made = tuple(PresignedUrlChunk(i, f"https://store.example/{i}?useless") for i in indexes)
        for chunk in made:
            self.urls[chunk.url] = Signed(chunk.chunk_index, -1, 0.0)
        return made

    def _forbid_urls(self, asked: str, indexes: "range | list[int]") -> None:
        for index in indexes:
            self._forbid(index in self.sending, f"{asked}: chunk {index} is on its way")
            self._forbid(index in self.delivered, f"{asked}: chunk {index} is stored")

    async def report(
        self,
        upload_id: str,
        chunks: Sequence[CompletedChunk],
        options: RequestOptions | None,
        *,
        urgent: bool,
    ) -> ApiResponse[ReportChunkBatchResponse]:
        """Count chunks: all of a report or, when one of them is wrong, none."""
        indexes = {chunk.chunk_index for chunk in chunks}
        self._forbid(not chunks, "an empty report")
        whole = len(self.reported | indexes) == self.script.chunks
        self._forbid(self.changed and whole, "an asset of a file that was found changed")
        self._forbid(len(indexes) != len(chunks), f"a chunk twice in one report: {chunks}")
        for chunk in chunks:
            self._check_proof(chunk)
        again = {index for index in indexes if self.acknowledged[index]}
        repeat = len(self.reported) == self.script.chunks and again == indexes
        self._forbid(bool(again) and not repeat, f"reported again without a cause: {again}")
        self.seen["repeats"] += int(repeat)
        self.told |= indexes
        fault = await self._call("reports", self.script.reports)
        due = self.script.flaws.get
        self.flawed |= {i for i in indexes - self.reported if self.flaws[i] < due(i, 0)}
        fresh = indexes - self.reported - self.flawed
        self.reported |= fresh
        complete = len(self.reported) == self.script.chunks
        named = self._named("report" if fresh and not self.script.lag else "repeat")
        counted = len(self.reported) - int(bool(self.script.lag))
        self._answer("reports", fault)
        self.acknowledged.update(indexes)
        url = ASSET_URL if complete and named else None
        return self._data(ReportChunkBatchResponse(counted, url))

    def _named(self, place: str) -> bool:
        chosen = self.script.names_url
        return place == chosen or (place == "repeat" and chosen == "report")

    def _check_proof(self, chunk: CompletedChunk) -> None:
        index = chunk.chunk_index
        etag, content = self.stored.get(index, ("", b""))
        self._forbid(chunk.proof != etag, f"chunk {index}: {chunk.proof} is not its ETag {etag}")
        self._forbid(
            chunk.proof != self.delivered.get(index),
            f"chunk {index}: reported before its PUT ended",
        )
        self._forbid(
            chunk.chunk_size != len(content), f"chunk {index}: {chunk.chunk_size} are not its bytes"
        )

    async def session_status(
        self, upload_id: str, page: int | None, options: RequestOptions | None
    ) -> ApiResponse[GetUploadStatusResponse]:
        """Return the count, or the chunks that are marked as failed."""
        return self._data(await (self._status() if page is None else self._failed()))

    async def _status(self) -> GetUploadStatusResponse:
        """Return the count, which lags as often as the script says."""
        fault = await self._call("looks", self.script.looks)
        complete = len(self.reported) == self.script.chunks
        self._answer("looks", fault)
        lags = self.lagging > 0
        self.lagging -= int(lags)
        done = complete and not lags
        return GetUploadStatusResponse(
            MultipartUploadStatusType.COMPLETED if done else MultipartUploadStatusType.ACTIVE,
            chunks_completed=len(self.reported) - int(lags),
            chunks_failed=len(self.flawed),
            url=ASSET_URL if done and self._named("status") else None,
        )

    async def _failed(self) -> GetUploadStatusResponse:
        """Return which chunks are marked as failed; from then on they are to be sent again."""
        self._answer("pages", await self._call("pages", ()))
        for index in self.flawed:
            self.flaws[index] += 1
            self.failed_puts[index] += 1
            self.answered[index] = self.flaws[index]  # the store took it: the rest is forgiven
            del self.delivered[index], self.acknowledged[index]
        self.seen["rounds"] += bool(self.flawed)
        failed = ChunkInfoStatus.FAILED
        return GetUploadStatusResponse(
            MultipartUploadStatusType.ACTIVE,
            SESSION,
            tuple(ChunkInfo(index, failed, error="it is flawed") for index in self.flawed),
            chunks_failed=len(self.flawed),
        )

    async def asset(
        self, asset_id: str, options: RequestOptions | None
    ) -> ApiResponse[AssetDetail]:
        """Describe the asset."""
        fault = await self._call("looks", self.script.looks)
        self._answer("looks", fault)
        return self._data(AssetDetail("asset", url=ASSET_URL if self._named("asset") else None))

    async def _call(self, name: str, faults: tuple[CallFault, ...]) -> CallFault:
        number = self.seen[name]
        self.seen[name] += 1
        fault = faults[number] if number < len(faults) else CallFault.OK
        self.seen[f"{name} failed"] += 1  # until it is known better: it may be cancelled
        up = await self._travel()
        if not up or fault is CallFault.CUT:
            raise ApiConnectionError("no answer")
        if fault in {CallFault.REFUSED, CallFault.BROKEN}:
            kind = BadRequestError if fault is CallFault.REFUSED else InternalServerError
            raise kind(request=name)
        return fault

    def _answer(self, name: str, fault: CallFault) -> None:
        if fault is CallFault.LOST:
            raise ApiConnectionError("the answer was lost")
        self.seen[f"{name} failed"] -= 1

    # The way there, and the books.

    async def _travel(self) -> bool:
        """Let a request take its time; return whether the network was up."""
        began = self._now()
        self._step()
        await asyncio.sleep(next(self._pace))
        self._step()
        return not (began < self.down[1] and self.down[0] < self._now())

    def _step(self) -> None:
        self.steps += 1
        if self.steps > ENDLESS:
            raise RuntimeError("the upload goes round in circles")
        if self.on_step is not None:
            self.on_step(self.steps)

    def _spent(self, index: int) -> bool:
        return self.answered[index] > self.script.max_retries

    def _over(self) -> bool:
        return self.ended_at is not None and self._now() > self.ended_at

    def _forbid(self, wrong: bool, what: str) -> None:
        if wrong:
            self.violations.append(f"{self._now():.1f} s: {what}")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # The upload.

    async def uploader(self) -> Uploader:
        """Return the real uploader over this platform, with its session open."""
        script = self.script
        opener = SessionOpener(self, None, script.batch_size, Threads())
        opened = await opener.create(AssetSpec(self.name, "video"), script.total_size)
        return assemble(
            session=opened.session,
            source=self,
            feed=FileFeed(opened.ledger),
            ledger=opened.ledger,
            urls=opened.urls,
            platform=opener.calls(SESSION),
            storage=cast("Storage", self),
            pause=asyncio.sleep,
            retry_policy=self.retry_policy,
            slots=Slots(script.slots, early=script.early),
            max_workers=script.workers,
            checkpoint=NoCheckpoint(),
            check=EtagCheck(wanted=script.etags not in {"opaque", "plain"}),
            comparison=Comparison(self, opened.ledger.slices),
            digest=FileDigest(),
            others_have_descriptors=bool,
        )
