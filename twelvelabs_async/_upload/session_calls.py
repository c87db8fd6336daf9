"""The control calls of one upload session; the platform as an upload sees it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, frozen

from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._http.retries import server_time
from twelvelabs_async._upload.platform import UploadPlatform
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.upload_status import UploadStatusPage
from twelvelabs_async.models.uploads import (
    ChunkInfo,
    ChunkInfoStatus,
    CompletedChunk,
    GetUploadStatusResponse,
    MultipartUploadStatusType,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
)


@frozen
class SessionStatus:
    """Where a session stands, by the platform's books.

    Attributes:
        status: Its state.
        completed: The chunks that the platform has counted, by index.
        failed: Those that have to be sent again, whatever is known of them.
        total_size: Bytes of its file; None: it did not say.
    """

    status: MultipartUploadStatusType
    completed: frozenset[int]
    failed: frozenset[int]
    total_size: int | None = None


@frozen(eq=False, repr=False)
class SessionCalls:
    """The control calls of one upload session, over ``Platform``; raises what that raises."""

    _platform: UploadPlatform
    _upload_id: str
    _options: RequestOptions | None

    async def presigned_urls(
        self, start: int, count: int
    ) -> tuple[tuple[PresignedUrlChunk, ...], datetime | None]:
        """Return fresh URLs of ``count`` chunks from ``start``, and the server's own time."""
        answer = await self._platform.presigned_urls(self._upload_id, start, count, self._options)
        made = answer.data
        urls = tuple(
            evolve(u, expires_at=u.expires_at or made.expires_at) for u in made.upload_urls
        )
        return urls, made.generated_at or server_time(answer.headers)

    async def report(
        self, chunks: tuple[CompletedChunk, ...], *, urgent: bool = False
    ) -> ReportChunkBatchResponse:
        """Report that the store holds ``chunks``."""
        answer = await self._platform.report(self._upload_id, chunks, self._options, urgent=urgent)
        return answer.data

    async def status(self) -> GetUploadStatusResponse:
        """Ask where the session stands."""
        answer = await self._platform.session_status(self._upload_id, None, self._options)
        return answer.data

    async def asset(self, asset_id: str) -> AssetDetail:
        """Ask for the asset that the session makes."""
        answer = await self._platform.asset(asset_id, self._options)
        return answer.data

    async def failed(self, total_chunks: int) -> Mapping[int, str]:
        """Return the chunks that the platform marks as failed, by index, with its reasons.

        Pages are fetched until all of these chunks are found.

        Args:
            total_chunks: The chunks of the session.
        """
        failed = dict[int, str]()
        seen = 0
        async for page in (await self._page(1)).iter_pages():
            failed |= _failed(page.data, total_chunks)
            seen += len(page.data)
            if seen >= total_chunks or len(failed) == page.chunks_failed:
                break
        return failed

    async def chunks(self) -> SessionStatus:
        """Ask where every chunk stands; one page is enough where none is completed or failed."""
        first = await self._page(1)
        completed, failed = set[int](), set[int]()
        async for page in first.iter_pages():
            completed |= {c.index for c in page.data if c.status == ChunkInfoStatus.COMPLETED}
            failed |= {c.index for c in page.data if c.status == ChunkInfoStatus.FAILED}
            if first.chunks_completed == first.chunks_failed == 0:  # None: pages may have some
                break
        return SessionStatus(
            first.status, frozenset(completed), frozenset(failed), first.total_size
        )

    async def _page(self, number: int) -> UploadStatusPage:
        answer = await self._platform.session_status(self._upload_id, number, self._options)
        return UploadStatusPage.of(answer.data, number, self._page)


def _failed(chunks: Iterable[ChunkInfo], total_chunks: int) -> dict[int, str]:
    return {
        chunk.index: chunk.error or ""
        for chunk in chunks
        if chunk.status == ChunkInfoStatus.FAILED and 1 <= chunk.index <= total_chunks
    }
