"""``client.multipart_upload``: the five endpoints, and whole files through them.

Names and parameters are the official SDK's.
"""

import inspect
import math
import os
from collections.abc import Iterable, Mapping

from attrs import define

from twelvelabs_async._core import clock
from twelvelabs_async._core.validation import check_seconds
from twelvelabs_async._http.request import RequestOptions, checked_headers, path_segment
from twelvelabs_async._upload.job import (
    AssetSpec,
    Digest,
    IfBusy,
    IfEnded,
    ResumePolicy,
    UploadJob,
    Verify,
    checked_name,
    checked_path,
)
from twelvelabs_async._upload.multipart import FileUpload, usable_type
from twelvelabs_async._upload.opening import ResumeById, StartOrResume
from twelvelabs_async._upload.platform import Platform
from twelvelabs_async._upload.progress import ProgressCallback, check_callback
from twelvelabs_async._upload.resume.checkpoint import forget_result
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async.errors import UploadError
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.pages import Page
from twelvelabs_async.models.results import (
    UploadResult,
    UploadStatus,
)
from twelvelabs_async.models.upload_status import StatusCallback, UploadStatusPage
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    CreateAssetUploadRequestType,
    CreateAssetUploadResponse,
    IncompleteUploadSummary,
    MultipartUploadStatusType,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
    UserMetadata,
)
from twelvelabs_async.resources.raw_multipart_upload import RawMultipartUploadClient


@define(eq=False, repr=False)
class MultipartUploadClient:
    """Large files, in chunks, over presigned URLs."""

    _raw: RawMultipartUploadClient
    _platform: Platform
    _runtime: UploadRuntime
    _journal: Journal | None

    @property
    def with_raw_response(self) -> RawMultipartUploadClient:
        """The same endpoints, each answer with its ``data``, ``status_code`` and ``headers``."""
        return self._raw

    async def upload_file(
        self,
        file_path: str | os.PathLike[str],
        *,
        filename: str | None = None,
        file_type: CreateAssetUploadRequestType | None = None,
        batch_size: int = 10,
        max_workers: int = 5,
        progress_callback: ProgressCallback | None = None,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        user_metadata: UserMetadata | None = None,
        journal: Journal | None = None,
        resume_key: str | None = None,
        resume: bool = True,
        if_busy: IfBusy = "raise",
        if_ended: IfEnded = "restart",
        keep_result: bool = False,
        verify: Verify | None = None,
        digest: Digest | None = None,
        request_options: RequestOptions | None = None,
    ) -> UploadResult:
        """Upload a file: read in place, sent in chunks, done when the platform has all of them.

        Example::

            result = await client.multipart_upload.upload_file("holiday.mp4")
            print(result.asset_id, result.asset_url)

        Cancelled, it ends its requests, tries for 5 seconds at most to report what is stored, and
        leaves no task, connection or open file. The session stays on the platform for 24 hours and
        then ends by itself. With a journal, another call goes on where this one ended, also after
        a crash, and in another process; without one, it starts anew.

        Args:
            file_path: The file. Its bytes must not change while it is uploaded; where its times do,
                what is stored is read again and compared. A relative path is of the working
                directory when the call begins.
            filename: The name to upload it under; None: the file's own.
            file_type: ``video``, ``audio`` or ``image``; None: guessed from the name's extension.
            batch_size: Chunks in one report to the platform; 1 or more.
            max_workers: Chunks under way at once; 1 or more. The client's ``max_concurrency``
                bounds all uploads together.
            progress_callback: Called with ``UploadProgress``, sync or async: first when the session
                exists, then at most ten times a second, last when the upload has ended.
            max_retries: Further attempts for a chunk that the store answered with a failure.
            retry_delay: Seconds; the longest first pause before another attempt, doubled each time.
            enable_hls: Whether to make an HLS stream; None: the platform's choice.
            enable_thumbnail: Whether to make thumbnails; None: the platform's choice.
            user_metadata: Your own keys and values, kept with the asset.
            journal: Where the attempt is written down, so that another can go on; None: the
                client's, if it has one.
            resume_key: Your own name for this upload in the journal, such as a job's id: who calls
                again with it gets the asset that it has made, for a day, as it was asked for first:
                name, metadata and the like are not compared. None: it is found by the file's
                content and what is asked for here (values that are equal for the platform are
                equal), until it is complete.
            resume: Whether to go on where an earlier attempt ended; otherwise it is forgotten.
            if_busy: ``raise`` an error where somebody else is at the same upload, or ``wait`` for
                them, as long as it takes, and return what they have made; a warning is logged that
                says for whom.
            if_ended: ``restart`` where the session of the earlier attempt has expired or failed,
                or ``raise`` an error.
            keep_result: Whether the journal keeps the result until ``forget(result)``, for seven
                days at most: the same call gives the same asset again, also where the process was
                killed before it could tell anybody of it. Otherwise, once a file is uploaded, the
                same call makes another asset. Without a journal nothing is kept.
            verify: ``etag``: compare the MD5 of what was sent with the store's ETag, wherever the
                store's ETags are MD5s, which is learned on the way. A chunk that differs is sent
                again, which counts as an attempt; in the end the upload fails. Of a store that has
                ETags of its own nothing can be verified: ``verified_chunks`` is 0 then, and a
                warning is logged. The MD5s also tell whether a file that is touched meanwhile is
                still the same. None: nothing is computed.
            digest: ``sha256``: compute that of the whole file as well, beside the upload; it reads
                the file once more, and again where its times change. None: nothing is computed.
            request_options: For the calls to the platform, not for those to the object store;
                additional parameters for the first one only, which opens the session.

        Returns:
            The asset; its URL is None where the platform names none within 30 seconds.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            UploadError: The file did not arrive. Its cause is a ``SourceError`` (the file), a
                ``StorageError`` (the object store), an ``ApiError`` (the platform refused), an
                ``ApiConnectionError`` (it did not answer), a ``JournalError``, or one of their
                subclasses.
        """
        check_callback(progress_callback)
        content = checked_path(file_path)
        name = checked_name(content, filename)
        wish = AssetSpec(
            filename=name,
            file_type=await usable_type(content, name, file_type, self._runtime.threads),
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=user_metadata,
            options=request_options,
        )
        chosen = self._chosen(journal)
        resuming = ResumePolicy(chosen, resume_key, resume, if_busy, if_ended, keep_result)
        return await FileUpload(
            self._runtime,
            self._platform,
            UploadJob(
                content=content,
                batch_size=batch_size,
                max_workers=max_workers,
                max_retries=max_retries,
                retry_delay=retry_delay,
                verify=verify,
                digest=digest,
            ),
            StartOrResume(wish, restart=if_ended == "restart", verify=verify is not None),
            resuming,
            request_options,
            progress_callback,
        ).run()

    async def resume(
        self,
        upload_id: str,
        file_path: str | os.PathLike[str],
        *,
        asset_id: str | None = None,
        upload_headers: Mapping[str, str] | None = None,
        batch_size: int = 10,
        max_workers: int = 5,
        progress_callback: ProgressCallback | None = None,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        journal: Journal | None = None,
        if_busy: IfBusy = "raise",
        verify: Verify | None = None,
        digest: Digest | None = None,
        request_options: RequestOptions | None = None,
    ) -> UploadResult:
        """Go on with a session of which only the id is known; no journal is needed for it.

        Chunks that the platform has counted are not sent again. It tells neither their ETags nor
        what is in them: of the file, only the size can be checked.

        Args:
            upload_id: The session, as an ``UploadError`` names it.
            file_path: The file whose upload began the session.
            asset_id: The asset, as it was told then; None: a report will tell it.
            upload_headers: What the platform asked to send with each PUT; None: nothing.
            batch_size: As for ``upload_file``, like the rest.
            max_workers: Chunks under way at once.
            progress_callback: Called with ``UploadProgress``.
            max_retries: Further attempts for a chunk.
            retry_delay: Seconds; the longest first pause.
            journal: Where this attempt is written down; None: the client's.
            if_busy: What to do where another attempt at this is under way.
            verify: As for ``upload_file``; of the chunks that this call sends.
            digest: As for ``upload_file``; of the whole file.
            request_options: For the calls to the platform.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            UploadError: The file did not arrive; as for ``upload_file``. Its cause is a
                ``SessionEndedError`` where the session cannot go on, and an ``AssetUnknownError``
                where it is complete and nobody knows its asset.
        """
        check_callback(progress_callback)
        content = checked_path(file_path)
        path_segment(upload_id, "upload_id")
        headers = checked_headers("upload_headers", upload_headers or {})
        return await FileUpload(
            self._runtime,
            self._platform,
            UploadJob(
                content=content,
                batch_size=batch_size,
                max_workers=max_workers,
                max_retries=max_retries,
                retry_delay=retry_delay,
                verify=verify,
                digest=digest,
            ),
            ResumeById(upload_id, asset_id, headers, verify=verify is not None),
            ResumePolicy(self._chosen(journal), if_busy=if_busy),
            request_options,
            progress_callback,
        ).run()

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
        chosen = self._chosen(journal)
        if chosen is not None and result.journal_key is not None:
            pause = self._runtime.sessions.pause
            await forget_result(chosen, result.journal_key, result.upload_id, pause)

    def _chosen(self, journal: Journal | None) -> Journal | None:
        return self._journal if journal is None else journal

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

        async def fetch(number: int) -> UploadStatusPage:
            answer = await self._raw.get_status(
                upload_id, page=number, page_limit=page_limit, request_options=request_options
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

        async def fetch(number: int) -> Page[IncompleteUploadSummary]:
            answer = await self._raw.list_incomplete_uploads(
                page=number, page_limit=page_limit, request_options=request_options
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
        """Tell the platform which chunks the object store holds; telling it twice is harmless.

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
            max_wait_time: Seconds to wait in all; None: as long as it takes.
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
        began = clock.monotonic()
        while True:
            page = await self.get_status(upload_id, page_limit=1, request_options=request_options)
            status = page.summary()
            if callback is not None:
                outcome = callback(status)
                if inspect.isawaitable(outcome):
                    await outcome
            if page.status == MultipartUploadStatusType.COMPLETED:
                return status
            page.refuse_dead_end(upload_id)
            left = math.inf if max_wait_time is None else began + max_wait_time - clock.monotonic()
            if left <= 0:
                raise UploadError(
                    f"upload {upload_id} is not complete after {max_wait_time:g} s: "
                    f"{status.completed_chunks} of {status.total_chunks} chunks",
                    upload_id=upload_id,
                )
            await self._runtime.sessions.pause(min(sleep_interval, left))
