"""The upload of one file in chunks: its session, its record in the journal, its error."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from attrs import Factory, define, evolve

from twelvelabs_async._upload.beginning import ResumeById, StartOrResume
from twelvelabs_async._upload.in_chunks import InChunks, SourceInChunks
from twelvelabs_async._upload.known_session import KnownSession
from twelvelabs_async._upload.opening import OpenedSession, SessionOpener
from twelvelabs_async._upload.options import SendOptions
from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.retry_policy import RetryPolicy
from twelvelabs_async._upload.platform import UploadPlatform
from twelvelabs_async._upload.progress import ProgressReporter
from twelvelabs_async._upload.resume.checkpoint import Checkpoint, JournalCheckpoint, NoCheckpoint
from twelvelabs_async._upload.resume.claim import BusyEntries, ClaimRequest, claimed
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async._upload.resume.records import ContentIdentity
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.source.content import Content
from twelvelabs_async._upload.source.digest import WholeDigest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async._upload.steps.assembly import assemble
from twelvelabs_async._upload.steps.uploader import Uploader
from twelvelabs_async._upload.upload_error import upload_error
from twelvelabs_async.errors import (
    SessionCorruptedError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.results import UploadResult

T = TypeVar("T")


@define(eq=False, repr=False)
class MultipartUpload:
    """Sends one file; used once. What it has come to is there for the error that may end it.

    Attributes:
        _beginning: Which session it uses.
        _journal: Where attempts are written down; None: nowhere.
        _identity: What identifies the file; None: not known yet.
        _session: What is known of its session.
    """

    _runtime: UploadRuntime
    _platform: UploadPlatform
    _content: Content
    _options: SendOptions
    _beginning: StartOrResume | ResumeById
    _journal: Journal | None
    _identity: ContentIdentity | None = None
    _session: KnownSession = Factory(lambda self: self._beginning.known(), takes_self=True)
    _uploader: Uploader | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether nothing has happened on the platform so far."""
        return not self._session.opened

    async def send(self, source: Source | Stream, busy_entries: BusyEntries | None) -> UploadResult:
        """Make an attempt with the opened file.

        Raises:
            UploadInProgressError: Another call does the same upload.
            TwelveLabsError: What ended the upload; ``error`` says what it means.
        """
        with self._in_chunks().open(source) as chunked:
            return await self._attempt(chunked, busy_entries)

    def _in_chunks(self) -> InChunks:
        return InChunks(
            self._runtime.threads,
            self._runtime.stream_memory,
            most_held=self._options.max_workers + 1,
            with_digest=self._options.digest is not None,
            with_md5s=self._journal is not None and self._beginning.has_name,
        )

    async def _attempt(
        self, chunked: SourceInChunks, busy_entries: BusyEntries | None
    ) -> UploadResult:
        self._session = self._beginning.known()
        async with self._take_checkpoint(chunked, busy_entries) as checkpoint:
            opener = SessionOpener(
                self._platform,
                self._options.request_options,
                self._options.batch_size,
                self._runtime.threads,
            )
            opened = await self._until_closed(
                lambda: self._beginning.open(opener, chunked, checkpoint, self._session),
                "the upload was begun",
            )
            return await self._send(chunked, opener, opened, checkpoint)

    def error(self, cause: TwelveLabsError) -> UploadError:
        """Return what ``cause`` means to the caller."""
        ledger = self._uploader.ledger if self._uploader is not None else None
        return upload_error(self._content.label, cause, self._session, ledger)

    async def _send(
        self,
        chunked: SourceInChunks,
        opener: SessionOpener,
        opened: OpenedSession,
        checkpoint: Checkpoint,
    ) -> UploadResult:
        async with chunked.digest(opened.ledger.slices) as digest:
            uploader = self._uploader = self._new_uploader(
                chunked, opener, opened, checkpoint, digest
            )
            async with ProgressReporter(self._options.progress_callback, uploader.progress):
                try:
                    result = await self._until_closed(
                        uploader.run,
                        "the upload was complete",
                        spared=lambda: uploader.ledger.complete,
                    )
                except SessionCorruptedError:
                    await checkpoint.forget()
                    raise
        return await self._note_done(result, checkpoint)

    async def _note_done(self, result: UploadResult, checkpoint: Checkpoint) -> UploadResult:
        await checkpoint.done()
        if checkpoint.key is None:
            return result
        self._runtime.completions.note(checkpoint.key)
        return evolve(result, journal_key=checkpoint.key)

    @asynccontextmanager
    async def _take_checkpoint(
        self, chunked: SourceInChunks, busy_entries: BusyEntries | None
    ) -> AsyncGenerator[Checkpoint]:
        """Have the upload's entry in the journal to ourselves, if there is a journal."""
        has_key = chunked.has_content_key or self._beginning.has_name
        if self._journal is None or busy_entries is None or not has_key:
            yield NoCheckpoint()
            return
        identity, begun = await self._identify(chunked), self._beginning
        request = ClaimRequest(
            journal=self._journal,
            name=f"{self._platform.base_url} {begun.key(identity)}",
            path=self._path(chunked.source),
            identity=identity,
            resume=begun.resume,
            keep_result=begun.keep_result,
            busy_entries=busy_entries,
            threads=self._runtime.threads,
        )
        async with claimed(request) as claim:
            answered = claim.answered or begun.has_name
            yield JournalCheckpoint(
                claim.lease,
                identity,
                chunked.source,
                answered,
                begun.keep_result,
                request.path,
                chunked.md5_of,
            )

    def _path(self, source: Source) -> str | None:
        """Return the path of the file; None: its entry in the journal is found by a name alone."""
        return str(source.path) if self._beginning.by_path and source.path is not None else None

    async def _identify(self, chunked: SourceInChunks) -> ContentIdentity:
        """Return what identifies the file; it is read again only if it was changed."""
        known = self._identity
        if known is None or known.identity is None or known.identity != chunked.source.identity:
            known = self._identity = await self._until_closed(chunked.identify, "the file was read")
        return known

    async def _until_closed(
        self,
        work: Callable[[], Awaitable[T]],
        done: str,
        *,
        spared: Callable[[], bool] | None = None,
    ) -> T:
        return await self._runtime.sessions.until_closed(work, done, spared=spared)

    def _new_uploader(
        self,
        chunked: SourceInChunks,
        opener: SessionOpener,
        opened: OpenedSession,
        checkpoint: Checkpoint,
        digest: WholeDigest,
    ) -> Uploader:
        runtime, options, source = self._runtime, self._options, chunked.source
        return assemble(
            session=opened.session,
            source=source,
            feed=chunked.feed(opened.ledger),
            ledger=opened.ledger,
            urls=opened.urls,
            platform=opener.calls(opened.session.upload_id),
            storage=runtime.storage,
            pause=runtime.sessions.pause,
            retry_policy=RetryPolicy(
                max_retries=options.max_retries,
                retry_delay=options.retry_delay,
                outage_timeout=runtime.outage_timeout,
                most_dead=runtime.storage.most_dead,
            ),
            slots=runtime.puts,
            max_workers=options.max_workers,
            checkpoint=checkpoint,
            check=EtagCheck.after(opened.refuted, wanted=options.verify is not None),
            digest=digest,
            comparison=Comparison(source, opened.ledger.slices, opened.imprints, runtime.threads),
            others_have_descriptors=runtime.has_several,
        )
