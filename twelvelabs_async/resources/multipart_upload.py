"""``client.multipart_upload``: the five endpoints, and whole files through them.

Names and parameters are the official SDK's.
"""

from collections.abc import Awaitable, Callable, Iterable

from attrs import define

from twelvelabs_async._core.call_options import takes
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import check_kind, check_seconds
from twelvelabs_async._http.request import RequestOptions, checked_options
from twelvelabs_async._upload.option_checks import check_has_acquire
from twelvelabs_async._upload.options import ResumeCall, UploadFileCall
from twelvelabs_async._upload.progress import check_callback
from twelvelabs_async._upload.router import UploadRouter
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.pages import Page
from twelvelabs_async.models.results import UploadResult, UploadStatus
from twelvelabs_async.models.upload_status import StatusCallback, UploadStatusPage
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    CreateAssetUploadRequestType,
    CreateAssetUploadResponse,
    IncompleteUploadSummary,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
    UserMetadata,
)
from twelvelabs_async.resources.completion import CompletionPoll
from twelvelabs_async.resources.raw_multipart_upload import RawMultipartUploadClient


@define(eq=False, repr=False)
class MultipartUploadClient(Unpicklable):
    """Large files, in chunks, over presigned URLs."""

    _raw: RawMultipartUploadClient
    _router: UploadRouter
    _pause: Callable[[float], Awaitable[None]]

    @property
    def with_raw_response(self) -> RawMultipartUploadClient:
        """The same endpoints, each answer with its ``data``, ``status_code`` and ``headers``."""
        return self._raw

    @takes(UploadFileCall)
    async def upload_file(self, call: UploadFileCall) -> UploadResult:
        """Upload a file: read in place, sent in chunks, done when the platform has all of them.

        Example::

            result = await client.multipart_upload.upload_file("holiday.mp4")
            print(result.asset_id, result.asset_url)

        Cancelled, it ends its requests, tries for 5 seconds at most to report what is stored, and
        leaves no task, connection or open file. The session stays on the platform for 24 hours and
        then ends by itself. With a journal, another call resumes it, also after a crash, and in
        another process; without one, another call starts anew.

        Returns:
            The asset; its URL is None where the platform names none, which is asked for
                30 seconds at most.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            UploadError: The file did not arrive. Its cause is a ``SourceError`` (the file), a
                ``StorageError`` (the object store), an ``ApiError`` (the platform refused), an
                ``ApiConnectionError`` (it did not answer), a ``JournalError``, or one of their
                subclasses.
        """
        return await self._router.upload_file(call)

    @takes(ResumeCall)
    async def resume(self, call: ResumeCall) -> UploadResult:
        """Resume a session of which only the id is known; no journal is needed for it.

        Chunks that the platform has counted are not sent again. It names neither their ETags nor
        what is in them: of the file, only the size can be checked.

        Returns:
            The asset, as of ``upload_file``.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            UploadError: The file did not arrive; as for ``upload_file``. Its cause is a
                ``SessionEndedError`` where the session cannot go on, and an ``AssetUnknownError``
                where it is complete and its asset is not known.
        """
        return await self._router.resume(call)

    async def forget(self, result: UploadResult, *, journal: Journal | None = None) -> None:
        """Let the journal forget a result that was kept: the same call makes another asset again.

        For results of ``keep_result=True``, once they are noted elsewhere, and of a ``resume_key``
        that is to be used anew. Nothing happens where there is nothing to forget: forgotten
        already, replaced by another upload, or never in a journal. The asset is left as it is.

        Args:
            result: What ``upload_file`` has returned.
            journal: The journal of that call; None: the client's.

        Raises:
            UploadInProgressError: Another call has had the entry for a minute, and has it still.
            JournalError: The journal cannot be read or written.
        """
        check_kind("result", result, UploadResult)
        if journal is not None:
            check_has_acquire("journal", journal)
        await self._router.forget(result, journal)

    async def create(
        self,
        *,
        filename: str,
        type: CreateAssetUploadRequestType,  # noqa: A002 - the platform's name for it
        total_size: int,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        user_metadata: UserMetadata | None = None,
        request_options: RequestOptions | None = None,
    ) -> CreateAssetUploadResponse:
        """Open an upload session of 24 hours.

        An answer that is lost is asked for again, which opens a second session; the first ends by
        itself.

        Args:
            filename: The name of the file; not empty.
            type: ``video``, ``audio`` or ``image``.
            total_size: Bytes of the file; 1 or more.
            enable_hls: Whether to make an HLS stream; None: the platform's choice.
            enable_thumbnail: Whether to make thumbnails; None: the platform's choice.
            user_metadata: Your own keys and values, kept with the asset.
            request_options: For this call.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        answer = await self._raw.create(
            filename=filename,
            type=type,
            total_size=total_size,
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=user_metadata,
            request_options=request_options,
        )
        return answer.data

    async def get_status(
        self,
        upload_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = None,
        request_options: RequestOptions | None = None,
    ) -> UploadStatusPage:
        """Ask where a session stands: its own fields, and a page of its chunks.

        Args:
            upload_id: The session.
            page: Which page, from 1; None: the first.
            page_limit: Chunks on a page, 1 to 50; None: 10.
            request_options: For each call, those for later pages too.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            NotFoundError: There is no such session.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        options = checked_options(request_options)  # of one's own, for later pages

        async def fetch(number: int) -> UploadStatusPage:
            answer = await self._raw.get_status(
                upload_id, page=number, page_limit=page_limit, request_options=options
            )
            return UploadStatusPage.of(answer.data, number, fetch)

        return await fetch(1 if page is None else page)

    async def list_incomplete_uploads(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = None,
        request_options: RequestOptions | None = None,
    ) -> Page[IncompleteUploadSummary]:
        """List the account's sessions that are not complete.

        Args:
            page: Which page, from 1; None: the first.
            page_limit: Sessions on a page, 1 to 50; None: 10.
            request_options: For each call, those for later pages too.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        options = checked_options(request_options)  # of one's own, for later pages

        async def fetch(number: int) -> Page[IncompleteUploadSummary]:
            answer = await self._raw.list_incomplete_uploads(
                page=number, page_limit=page_limit, request_options=options
            )
            return Page(answer.data.data, answer.data.page_info, number, fetch)

        return await fetch(1 if page is None else page)

    async def report_chunk_batch(
        self,
        upload_id: str,
        *,
        completed_chunks: Iterable[CompletedChunk],
        request_options: RequestOptions | None = None,
    ) -> ReportChunkBatchResponse:
        """Report the chunks that the object store holds; to report one twice is harmless.

        Args:
            upload_id: The session.
            completed_chunks: One or more, in any order.
            request_options: For this call.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        answer = await self._raw.report_chunk_batch(
            upload_id, completed_chunks=completed_chunks, request_options=request_options
        )
        return answer.data

    async def get_additional_presigned_urls(
        self,
        upload_id: str,
        *,
        start: int,
        count: int,
        request_options: RequestOptions | None = None,
    ) -> RequestAdditionalPresignedUrLsResponse:
        """Get fresh URLs of ``count`` chunks; each works once and for an hour.

        Args:
            upload_id: The session.
            start: The first chunk, from 1.
            count: How many chunks, 1 to 50.
            request_options: For this call.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        answer = await self._raw.get_additional_presigned_urls(
            upload_id, start=start, count=count, request_options=request_options
        )
        return answer.data

    async def wait_for_upload_completion(
        self,
        upload_id: str,
        *,
        sleep_interval: float = 5.0,
        max_wait_time: float | None = None,
        callback: StatusCallback | None = None,
        request_options: RequestOptions | None = None,
    ) -> UploadStatus:
        """Ask for a session's status until it is complete.

        Args:
            upload_id: The session.
            sleep_interval: Seconds between two questions; more than 0.
            max_wait_time: Seconds to wait; a question that is under way then gets 5 more. None: as
                long as it takes.
            callback: Called after each question, sync or async.
            request_options: For each question.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            UploadError: The session failed or expired, a chunk failed, or time ran out.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
            ClientClosedError: The client was closed meanwhile.
        """
        check_seconds("sleep_interval", sleep_interval)
        if max_wait_time is not None:
            check_seconds("max_wait_time", max_wait_time, zero=True)
        check_callback("callback", callback)
        options = checked_options(request_options)
        poll = CompletionPoll(max_wait_time, sleep_interval, callback, self._pause)
        return await poll.run(
            upload_id,
            lambda: self.get_status(upload_id, page_limit=1, request_options=options),
        )
