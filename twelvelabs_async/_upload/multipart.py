"""The upload of one file in chunks, from the outside: admitted, begun, carried, told of."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from attrs import define, evolve

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._upload.assembly import assemble
from twelvelabs_async._upload.job import ResumePolicy, UploadJob, checked_type
from twelvelabs_async._upload.opening import Opening, ResumeById, SessionOpener, StartOrResume
from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.retry_policy import RetryPolicy
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.platform import Platform
from twelvelabs_async._upload.progress import ProgressCallback, ProgressReporter
from twelvelabs_async._upload.resume.checkpoint import Checkpoint, JournalCheckpoint, NoCheckpoint
from twelvelabs_async._upload.resume.claim import Asking, Encounters, claimed
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async._upload.resume.lease import Waiting
from twelvelabs_async._upload.resume.records import ContentIdentity
from twelvelabs_async._upload.resume.sample import sample_of
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.source.content import Content, opened, size_of
from twelvelabs_async._upload.source.digest import FileDigest, file_digest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async._upload.upload_error import upload_failure
from twelvelabs_async._upload.uploader import Uploader
from twelvelabs_async.errors import (
    InvalidArgumentError,
    SessionCorruptedError,
    SourceError,
    TwelveLabsError,
    UploadError,
    UploadInProgressError,
)
from twelvelabs_async.models.results import (
    UploadResult,
)
from twelvelabs_async.models.uploads import (
    CreateAssetUploadRequestType,
)

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")


@define(eq=False, repr=False)
class FileUpload:
    """Carries one job; used once. What it has come to is there for the error that may end it."""

    _runtime: UploadRuntime
    _platform: Platform
    _job: UploadJob
    _beginning: StartOrResume | ResumeById
    _resuming: ResumePolicy
    _options: RequestOptions | None
    _callback: ProgressCallback | None
    _mark: ContentIdentity | None = None
    _session: UploadSession | None = None
    _uploader: Uploader | None = None

    async def run(self) -> UploadResult:
        """Upload the file and return its asset.

        Raises:
            UploadError: It did not arrive; the cause is chained.
        """
        number = self._runtime.completions.begin()
        waiting = Waiting(self._job.content.label, self._resuming.patience)
        encounters = Encounters(waiting, partial(self._runtime.completions.since, number))
        try:
            result = await self._waited(encounters)
        except TwelveLabsError as error:
            raise self._failure(error) from error
        finally:
            self._runtime.completions.end(number)
        logger.info("upload %s arrived as asset %s", result.upload_id, result.asset_id)
        return result

    async def _waited(self, encounters: Encounters) -> UploadResult:
        """Upload, as soon as nobody else is at it; meanwhile nothing is held, no file either.

        An upload that is admitted never waits for another one, and so ends. The others wait outside
        without what those need, and then queue again: there is no order of waits that hangs.
        """
        runtime, journal = self._runtime, id(self._resuming.journal)
        attempt, first_in = partial(self._attempt, encounters), None
        async with AsyncExitStack() as line:
            while True:
                try:
                    return await runtime.run(attempt, lambda: self._session is None)
                except UploadInProgressError as error:
                    pause, entry = encounters.pause(error), error.key
                if encounters.clear and first_in != entry:
                    await line.aclose()
                    await line.enter_async_context(runtime.first_in_line((journal, entry)))
                    first_in = entry
                else:
                    await runtime.sessions.pause(pause)

    async def _attempt(self, encounters: Encounters) -> UploadResult:
        async with self._opened() as source:
            if isinstance(source, Stream):
                raise SourceError(f"{source.name} can be read only once, which chunks cannot")
            async with self._entry(source, encounters) as entry:
                return await self._carried(source, entry)

    async def _marked(self, source: Source) -> ContentIdentity:
        """Return what tells the file from others; it is read again only if it was changed."""
        known = self._mark
        if known is None or known.identity is None or known.identity != source.identity:
            sample = await self._until_closed(
                lambda: sample_of(source, self._runtime.threads), "the file was read"
            )
            known = self._mark = ContentIdentity(sample, source.identity)
        return known

    async def _until_closed(
        self,
        work: Callable[[], Awaitable[T]],
        done: str,
        *,
        spared: Callable[[], bool] | None = None,
    ) -> T:
        return await self._runtime.sessions.until_closed(work, done, spared=spared)

    @asynccontextmanager
    async def _entry(self, source: Source, encounters: Encounters) -> AsyncGenerator[Checkpoint]:
        """Have the upload's entry in the journal to ourselves, if there is a journal."""
        journal = self._resuming.journal
        if journal is None:
            yield NoCheckpoint()
            return
        mark = await self._marked(source)
        name = self._resuming.key or self._beginning.key(mark)
        asking = Asking(
            journal=journal,
            name=f"{self._platform.base_url} {name}",
            path=self._path(),
            mark=mark,
            resume=self._resuming.resume,
            keep_result=self._resuming.keep_result,
            encounters=encounters,
            threads=self._runtime.threads,
        )
        async with claimed(asking) as claim:
            answered = claim.answered or self._resuming.key is not None
            keep_result = self._resuming.keep_result
            yield JournalCheckpoint(claim.lease, mark, source, answered, keep_result, asking.path)

    def _path(self) -> str | None:
        """Return where the file is, where that matters: what has a name is found by it alone."""
        data = self._job.content.data
        named = self._resuming.key is not None or isinstance(self._beginning, ResumeById)
        return None if named or not isinstance(data, Path) else str(data)

    def _opened(self) -> AbstractAsyncContextManager[Source | Stream]:
        return opened(self._job.content, self._runtime.threads)

    def _digest(self, source: Source) -> AbstractAsyncContextManager[FileDigest]:
        return file_digest(
            source, wanted=self._job.digest is not None, threads=self._runtime.threads
        )

    async def _carried(self, source: Source, entry: Checkpoint) -> UploadResult:
        batch_size, threads = self._job.batch_size, self._runtime.threads
        opener = SessionOpener(self._platform, self._options, batch_size, threads)
        opening = await self._until_closed(
            lambda: self._beginning.open(opener, source, entry), "the upload was begun"
        )
        self._session = opening.session
        async with self._digest(source) as digest:
            uploader = self._uploader = self._made(opener, opening, source, entry, digest)
            async with ProgressReporter(self._callback, uploader.progress):
                try:
                    result = await self._until_closed(
                        uploader.run,
                        "the upload was complete",
                        spared=lambda: uploader.ledger.complete,
                    )
                except SessionCorruptedError:
                    await entry.forget()
                    raise
        await entry.done()
        if entry.key is None:
            return result
        self._runtime.completions.note(entry.key)
        return evolve(result, journal_key=entry.key)

    def _made(
        self,
        opener: SessionOpener,
        opening: Opening,
        source: Source,
        entry: Checkpoint,
        digest: FileDigest,
    ) -> Uploader:
        runtime, job = self._runtime, self._job
        return assemble(
            session=opening.session,
            source=source,
            ledger=opening.ledger,
            urls=opening.urls,
            platform=opener.calls(opening.session.upload_id),
            storage=runtime.storage,
            pause=runtime.sessions.pause,
            retry_policy=RetryPolicy(
                max_retries=job.max_retries,
                retry_delay=job.retry_delay,
                outage_timeout=runtime.outage_timeout,
                most_dead=runtime.storage.most_dead,
            ),
            slots=runtime.puts,
            max_workers=job.max_workers,
            checkpoint=entry,
            check=EtagCheck.after(opening.refuted, wanted=job.verify is not None),
            comparison=Comparison(source, opening.ledger.slices, opening.imprints, runtime.threads),
            digest=digest,
            others_have_descriptors=lambda: runtime.admission.under_way > 1,
        )

    def _failure(self, error: TwelveLabsError) -> UploadError:
        ledger = self._uploader.ledger if self._uploader is not None else None
        journaled = self._resuming.journal is not None
        return upload_failure(
            self._job.content.label, error, self._session, ledger, journaled=journaled
        )


async def usable_type(
    content: Content, name: str, file_type: str | None, threads: Threads
) -> CreateAssetUploadRequestType:
    """Return the platform's type of a file.

    Raises:
        InvalidArgumentError: The platform has no such type, or the name tells none.
        UploadError: The name tells none because there is no such file, or it is no regular one.
    """
    try:
        return checked_type(name, file_type)
    except InvalidArgumentError:
        await refuse_unusable(
            content, threads
        )  # only now: opening it will look, and a look takes a thread
        raise


async def refuse_unusable(content: Content, threads: Threads) -> None:
    """Refuse what can never be uploaded, before it is asked what it is.

    Raises:
        UploadError: There is no file, or it is no regular file, or empty, or cannot be seen.
    """
    try:
        await size_of(content, threads)
    except SourceError as error:
        raise upload_failure(content.label, error) from error
