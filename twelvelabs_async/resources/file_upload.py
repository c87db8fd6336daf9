"""The upload of one file in chunks, from the outside: admitted, opened, carried, told of."""

import logging
from datetime import datetime
from pathlib import Path

from attrs import define, evolve, frozen

from twelvelabs_async import clock
from twelvelabs_async.asset_models import AssetDetail
from twelvelabs_async.calls import RequestOptions, path_segment
from twelvelabs_async.errors import (
    InvalidArgumentError,
    InvalidResponseError,
    OutcomeUnknownError,
    SourceError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async.models import (
    CompletedChunk,
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
    UploadResult,
)
from twelvelabs_async.resources.raw_assets import RawAssetsClient
from twelvelabs_async.resources.raw_multipart_upload import RawMultipartUploadClient
from twelvelabs_async.retries import server_time
from twelvelabs_async.upload.content import Stream, opened
from twelvelabs_async.upload.job import UploadJob
from twelvelabs_async.upload.ledger import Ledger
from twelvelabs_async.upload.limits import UploadLimits
from twelvelabs_async.upload.progress import ProgressCallback, ProgressTeller
from twelvelabs_async.upload.reading import Source
from twelvelabs_async.upload.slices import agreed_slices
from twelvelabs_async.upload.source import check_path
from twelvelabs_async.upload.storage import Storage, check_headers
from twelvelabs_async.upload.uploader import Uploader
from twelvelabs_async.upload.url_book import UrlBook
from twelvelabs_async.upload.verdicts import Patience

logger = logging.getLogger("twelvelabs_async")


@frozen
class SessionCalls:
    """The control calls of one upload session; what ``Uploader`` knows of the platform."""

    _raw: RawMultipartUploadClient
    _assets: RawAssetsClient
    _session: CreateAssetUploadResponse
    _options: RequestOptions | None

    async def presigned_urls(
        self, start: int, count: int
    ) -> tuple[tuple[PresignedUrlChunk, ...], datetime | None]:
        """Return fresh URLs of ``count`` chunks from ``start``, and the server's own time."""
        answer = await self._raw.get_additional_presigned_urls(
            self._session.upload_id, start=start, count=count, request_options=self._options
        )
        told = answer.data
        urls = tuple(
            evolve(u, expires_at=u.expires_at or told.expires_at) for u in told.upload_urls
        )
        return urls, told.generated_at or server_time(answer.headers)

    async def report(self, chunks: tuple[CompletedChunk, ...]) -> ReportChunkBatchResponse:
        """Tell the platform that the store holds ``chunks``."""
        answer = await self._raw.report_chunk_batch(
            self._session.upload_id, completed_chunks=chunks, request_options=self._options
        )
        return answer.data

    async def status(self) -> GetUploadStatusResponse:
        """Ask where the session stands."""
        answer = await self._raw.get_status(
            self._session.upload_id, page_limit=1, request_options=self._options
        )
        return answer.data

    async def asset(self) -> AssetDetail:
        """Ask for the asset that the session makes."""
        answer = await self._assets.retrieve(self._session.asset_id, request_options=self._options)
        return answer.data


@define(eq=False)
class FileUpload:
    """Carries one job; used once. What it has come to is there for the error that may end it."""

    _job: UploadJob
    _raw: RawMultipartUploadClient
    _assets: RawAssetsClient
    _storage: Storage
    _limits: UploadLimits
    _options: RequestOptions | None
    _callback: ProgressCallback | None
    _session: CreateAssetUploadResponse | None = None
    _uploader: Uploader | None = None

    async def run(self) -> UploadResult:
        """Upload the file and return its asset.

        Raises:
            UploadError: It did not arrive; the cause is chained.
        """
        try:
            async with self._limits.uploads, opened(self._job.content) as source:
                if isinstance(source, Stream):
                    raise SourceError(f"{source.name} can be read only once, which chunks cannot")
                uploader = self._uploader = await self._open(source)
                async with ProgressTeller(self._callback, uploader.progress):
                    result = await uploader.run()
        except TwelveLabsError as error:
            ledger = self._uploader.ledger if self._uploader is not None else None
            raise upload_failure(self._job.content.label, error, self._session, ledger) from error
        logger.info("upload %s arrived as asset %s", result.upload_id, result.asset_id)
        return result

    def _later_options(self) -> RequestOptions | None:
        """Return the caller's options without what is meant for the session's creation only."""
        if self._options is None:
            return None
        later = self._options.copy()
        later.pop("additional_body_parameters", None)
        later.pop("additional_query_parameters", None)
        return later

    async def _open(self, source: Source) -> Uploader:
        """Open the session, and everything that depends on what the platform answers."""
        asked_at = clock.monotonic()
        answer = await self._raw.create(
            filename=self._job.filename,
            type=self._job.file_type,
            total_size=source.size,
            enable_hls=self._job.enable_hls,
            enable_thumbnail=self._job.enable_thumbnail,
            user_metadata=self._job.user_metadata,
            request_options=self._options,
        )
        session = self._session = evolve(answer.data, upload_headers=_sendable(answer.data))
        try:
            check_id("upload_id", session.upload_id)
            check_id("asset_id", session.asset_id)
            check_headers(session.upload_headers)
            slices = agreed_slices(source.size, session.chunk_size, session.total_chunks)
        except ValueError as error:
            problem = str(error)
        else:
            urls = UrlBook()
            told_at = server_time(answer.headers)
            urls.add(session.upload_urls, asked_at, clock.monotonic(), told_at)
            return Uploader(
                session=session,
                source=source,
                ledger=Ledger.fresh(slices, self._job.batch_size),
                urls=urls,
                platform=SessionCalls(self._raw, self._assets, session, self._later_options()),
                storage=self._storage,
                patience=Patience(
                    max_retries=self._job.max_retries,
                    retry_delay=self._job.retry_delay,
                    outage_timeout=self._limits.outage_timeout,
                ),
                slots=self._limits.puts,
                max_workers=self._job.max_workers,
            )
        raise InvalidResponseError(
            status_code=answer.status_code,
            headers=answer.headers,
            message=problem,
            request="POST /assets/multipart-uploads",
        )


def check_id(name: str, value: str) -> None:
    """Refuse an id that could reach another endpoint.

    Raises:
        ValueError: It is empty, or has a slash.
    """
    try:
        path_segment(value, name)
    except InvalidArgumentError as error:
        raise ValueError(f"$.{name}: {error}") from None


def _sendable(session: CreateAssetUploadResponse) -> dict[str, str]:
    """Return the session's headers but for those that say how long a body is: each has its own."""
    framing = {"content-length", "transfer-encoding"}
    headers = session.upload_headers.items()
    return {name: value for name, value in headers if name.lower() not in framing}


async def refuse_unusable(path: Path) -> None:
    """Refuse what can never be uploaded, before it is asked what it is.

    Raises:
        UploadError: There is no file, or it is no regular file, or empty, or cannot be seen.
    """
    try:
        await check_path(path)
    except SourceError as error:
        raise upload_failure(str(path), error) from error


def upload_failure(
    label: str,
    cause: TwelveLabsError,
    session: CreateAssetUploadResponse | None = None,
    ledger: Ledger | None = None,
) -> UploadError:
    """Return the one exception that the user sees."""
    chunk: int | None = getattr(cause, "chunk_index", None)
    return UploadError(
        _sentence(label, chunk, cause, session, ledger),
        chunk_index=chunk,
        original_error=cause,
        file=label,
        upload_id=session.upload_id if session else None,
        asset_id=session.asset_id if session else None,
        total_chunks=len(ledger.slices) if ledger else None,
        stored_chunks=ledger.stored_chunks if ledger else 0,
        reported_chunks=ledger.reported if ledger else 0,
    )


def _sentence(
    file: str,
    chunk: int | None,
    cause: TwelveLabsError,
    session: CreateAssetUploadResponse | None,
    ledger: Ledger | None,
) -> str:
    """Say what failed and why, what the store has, and what is left."""
    where = f"chunk {chunk}: " if chunk is not None else ""
    verb = "may not be" if isinstance(cause, OutcomeUnknownError) else "was not"
    said = f"{file} {verb} uploaded: {where}{cause}"
    if session is None:
        return f"{said} (no upload session was opened)"
    if ledger is None:
        return f"{said} (upload {session.upload_id}: nothing was sent)"
    total, stored = len(ledger.slices), ledger.stored_chunks
    return (
        f"{said} (upload {session.upload_id}: {stored} of {total} chunks are stored, "
        f"{ledger.reported} of them reported, {total - stored} left)"
    )
