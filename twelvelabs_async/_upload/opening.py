"""How an upload begins: with a new session, or where an earlier attempt ended."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

from attrs import Factory, evolve, frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._http.request import FRAMING, RequestOptions
from twelvelabs_async._http.response import ApiResponse
from twelvelabs_async._http.retries import server_time
from twelvelabs_async._upload.job import AssetSpec
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.session import UploadSession, check_session
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async._upload.plan.url_book import UrlBook
from twelvelabs_async._upload.platform import Platform
from twelvelabs_async._upload.resume.checkpoint import Checkpoint, another_file
from twelvelabs_async._upload.resume.comparison import Imprints
from twelvelabs_async._upload.resume.proof import prove
from twelvelabs_async._upload.resume.records import ContentIdentity, PreviousAttempt
from twelvelabs_async._upload.session_calls import SessionCalls, SessionStatus
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async.errors import (
    AssetUnknownError,
    ForbiddenError,
    GoneError,
    InvalidResponseError,
    NotFoundError,
    SessionEndedError,
    SourceChangedError,
)
from twelvelabs_async.models.pages import Page
from twelvelabs_async.models.uploads import (
    CompletedChunk,
    CreateAssetUploadResponse,
    IncompleteUploadSummary,
    ListIncompleteUploadsResponse,
    MultipartUploadStatusType,
)

logger = logging.getLogger("twelvelabs_async")

INCOMPARABLE = "holds chunks that nobody can compare with the file"

_ENDED = frozenset({MultipartUploadStatusType.FAILED, MultipartUploadStatusType.EXPIRED})


@frozen
class Opening:
    """What an upload begins with."""

    session: UploadSession
    ledger: Ledger
    urls: UrlBook
    refuted: frozenset[int] = frozenset()
    """Chunks of an earlier attempt whose ETags are not the MD5s of the file's bytes."""
    void: frozenset[int] = frozenset()
    """Chunks of an earlier attempt that the platform marks as failed: their ETags are of no use."""
    imprints: Imprints = Factory(Imprints)
    """What can be compared of the chunks of an earlier attempt."""


@frozen(eq=False, repr=False)
class SessionOpener:
    """Opens sessions, new and old, of one account."""

    _platform: Platform
    _options: RequestOptions | None
    _batch_size: int
    threads: Threads

    def calls(self, upload_id: str) -> SessionCalls:
        """Return the control calls of a session."""
        return SessionCalls(self._platform, upload_id, self._later_options())

    def _later_options(self) -> RequestOptions | None:
        """Return the caller's options without what is meant for the session's creation only."""
        if self._options is None:
            return None
        later = self._options.copy()
        later.pop("additional_body_parameters", None)
        later.pop("additional_query_parameters", None)
        return later

    async def new(self, wish: AssetSpec, source: Source) -> Opening:
        """Open a session for a file of which nothing was sent.

        Raises:
            ApiError: The platform refused, or answered what makes no sense.
            ApiConnectionError: It gave no answer.
        """
        asked_at = clock.monotonic()
        answer = await self._platform.create_session(wish, source.size)
        session = _session(answer.data, source.size)
        slices = _checked(session, answer)
        urls = UrlBook()
        told_at = server_time(answer.headers)
        urls.add(answer.data.upload_urls, asked_at, clock.monotonic(), told_at)
        return Opening(session, Ledger.fresh(slices, self._batch_size), urls)

    async def again(
        self,
        session: UploadSession,
        stored: Collection[CompletedChunk],
        *,
        known_only: bool = False,
        done: bool = False,
    ) -> Opening:
        """Go on with a session.

        Args:
            session: The session.
            stored: The chunks whose ETags are known, whether they were reported or not.
            known_only: Whether nothing but ``stored`` may be counted already.
            done: Whether the upload was complete: then a session that is gone is no matter, as
                long as its asset is there.

        Raises:
            SessionEndedError: It cannot go on.
            ApiError: The platform refused for another reason.
            ApiConnectionError: It gave no answer.
        """
        try:
            standing = await self._standing(session.upload_id)
        except SessionEndedError:
            if not (done and await self._is_there(session.asset_id)):
                raise
            standing = SessionStatus(MultipartUploadStatusType.COMPLETED, frozenset(), frozenset())
        slices = Slices(session.total_size, session.chunk_size)
        counted: Collection[int] = range(1, len(slices) + 1)
        whole = standing.status == MultipartUploadStatusType.COMPLETED
        if not whole:
            counted = {index for index in standing.completed if index in counted}
        if known_only and not _all_known(counted, stored):
            raise SessionEndedError(session.upload_id, INCOMPARABLE)
        usable = [c for c in stored if c.chunk_index not in standing.failed]
        if whole:
            ledger = Ledger.whole(slices, self._batch_size, usable)
        else:
            ledger = Ledger.resumed(slices, self._batch_size, counted, usable)
        text = "upload %s goes on: %d of %d chunks are stored"
        logger.info(text, session.upload_id, ledger.resumed_chunks, len(slices))
        void = standing.failed.intersection(chunk.chunk_index for chunk in stored)
        etags = {c.chunk_index: c.proof for c in stored if c.chunk_index not in void}
        imprints = Imprints()
        for index in etags.keys() if whole else {*etags, *counted}:  # else nothing will be reported
            imprints.note(index, etags.get(index))
        return Opening(session, ledger, UrlBook(), void=void, imprints=imprints)

    async def _is_there(self, asset_id: str | None) -> bool:
        if asset_id is None:
            return False
        try:
            await self._platform.asset(asset_id, self._later_options())
        except (NotFoundError, GoneError, ForbiddenError):
            return False
        return True

    async def _standing(self, upload_id: str) -> SessionStatus:
        try:
            standing = await self.calls(upload_id).standing()
        except (NotFoundError, GoneError, ForbiddenError) as error:
            raise SessionEndedError(upload_id, f"is not there for this API key: {error}") from error
        if standing.status in _ENDED:
            raise SessionEndedError(upload_id, f"has {standing.status}")
        return standing

    async def known(
        self, upload_id: str, size: int, asset_id: str | None, headers: Mapping[str, str]
    ) -> UploadSession:
        """Return a session of which little is known: the platform tells the rest.

        Raises:
            SourceChangedError: It is for a file of another size.
            SessionEndedError: It is over, or was never there.
            AssetUnknownError: It is complete, and ``asset_id`` is None.
        """
        found = await self._listed(upload_id)
        if found is None:
            standing = await self._standing(upload_id)
            if asset_id is None and standing.status == MultipartUploadStatusType.COMPLETED:
                raise AssetUnknownError(upload_id)
            if standing.status != MultipartUploadStatusType.COMPLETED:
                raise SessionEndedError(upload_id, "is not among the incomplete ones")
            _check_size(upload_id, size, standing.total_size)
            chunks = max(1, len(standing.completed))
            return UploadSession(upload_id, -(-size // chunks), chunks, size, asset_id, headers)
        _check_size(upload_id, size, found.total_size)
        return evolve(found, asset_id=asset_id, upload_headers=headers)

    async def _listed(self, upload_id: str) -> UploadSession | None:
        async def ask(number: int) -> ApiResponse[ListIncompleteUploadsResponse]:
            return await self._platform.list_sessions(number, self._later_options())

        answer = await ask(1)

        async def fetch(number: int) -> Page[IncompleteUploadSummary]:
            nonlocal answer
            answer = await ask(number)
            return Page(answer.data.data, answer.data.page_info, number, fetch)

        async for one in Page(answer.data.data, answer.data.page_info, 1, fetch):
            if one.upload_id == upload_id:
                sizes = (one.chunk_size, one.total_chunks, one.total_size)
                session = UploadSession(upload_id, *sizes, expires_at=one.expires_at)
                _checked(session, answer, "GET /assets/multipart-uploads")
                return session
        return None


def _all_known(counted: Collection[int], stored: Collection[CompletedChunk]) -> bool:
    """Whether each chunk that the platform has counted is among those whose ETags are known."""
    known = {chunk.chunk_index for chunk in stored}
    return len(counted) <= len(known) and all(index in known for index in counted)


def _check_size(upload_id: str, size: int, told: int | None) -> None:
    if told is not None and told != size:
        raise SourceChangedError(f"the file has {size} bytes, and upload {upload_id} is of {told}")


def _session(told: CreateAssetUploadResponse, size: int) -> UploadSession:
    return UploadSession(
        upload_id=told.upload_id,
        chunk_size=told.chunk_size,
        total_chunks=told.total_chunks,
        total_size=size,
        asset_id=told.asset_id,
        upload_headers={
            name: value
            for name, value in told.upload_headers.items()
            if name.lower() not in FRAMING  # each body has its own
        },
        expires_at=told.expires_at,
    )


def _checked(
    session: UploadSession,
    answer: ApiResponse[Any],
    request: str = "POST /assets/multipart-uploads",
) -> Slices:
    """Return the slices of a session that makes sense.

    Raises:
        InvalidResponseError: It makes none.
    """
    try:
        return check_session(session)
    except ValueError as error:
        problem = str(error)
    raise InvalidResponseError(
        status_code=answer.status_code, headers=answer.headers, message=problem, request=request
    )


async def _go_on(
    opener: SessionOpener,
    past: PreviousAttempt,
    source: Source,
    entry: Checkpoint,
    *,
    verify: bool,
    known_only: bool = True,
) -> Opening:
    """Go on where an earlier attempt ended, if what it stored is of this file.

    The same file, unchanged, is known by its identity; any other is compared with the ETags.

    Args:
        opener: Opens sessions.
        past: The earlier attempt.
        source: The file.
        entry: Its entry in the journal.
        verify: Whether to compare the ETags of a file that is known by its identity, too.
        known_only: Whether to refuse a session of another file, or of a changed one, if the
            platform counts chunks that the journal does not know.

    Raises:
        SourceChangedError: It is not.
        SessionEndedError: The session cannot go on, or nobody can tell.
    """
    stored = tuple(past.stored.values())
    sure = entry.is_surely_of(past)
    if sure and not verify:
        return await _again(opener, past, entry)
    slices = Slices(past.session.total_size, past.session.chunk_size)
    proof = await prove(source, slices, stored, opener.threads)
    if proof.proven and proof.refuted:
        if not sure:
            why = f"chunk {min(proof.refuted)} is stored with another content"
            raise another_file(source.name, past.session.upload_id, why)
        raise SessionEndedError(past.session.upload_id, "holds chunks that are corrupt")
    if proof.refuted and not sure:
        raise SessionEndedError(past.session.upload_id, INCOMPARABLE)
    opening = await _again(opener, past, entry, known_only=known_only and not sure)
    return evolve(opening, refuted=proof.refuted)


async def _again(
    opener: SessionOpener, past: PreviousAttempt, entry: Checkpoint, *, known_only: bool = False
) -> Opening:
    """Go on with a noted session, and note which of its ETags are of no use any more."""
    opening = await opener.again(
        past.session,
        past.stored.values(),
        known_only=known_only,
        done=past.done_at is not None,
    )
    if opening.void:
        await entry.void(opening.void)
    return opening


@frozen(eq=False, repr=False)
class StartOrResume:
    """Begin where an earlier attempt ended, or else with a new session."""

    wish: AssetSpec
    restart: bool
    verify: bool = False

    def key(self, mark: ContentIdentity) -> str:
        """Return what is the same for the same file and wish, wherever the file is."""
        return f"{mark.sample} {self.wish.digest()}"

    async def open(self, opener: SessionOpener, source: Source, entry: Checkpoint) -> Opening:
        """Return what to begin with, noted in ``entry``."""
        past = await entry.past()
        if past is not None:
            try:
                return await _go_on(opener, past, source, entry, verify=self.verify)
            except SessionEndedError as error:
                if not self.restart:
                    raise
                logger.warning("%s: it is uploaded from the beginning", error)
        opening = await opener.new(self.wish, source)
        await entry.begin(opening.session)
        return opening


@frozen(eq=False, repr=False)
class ResumeById:
    """Begin with a session that the caller names."""

    upload_id: str
    asset_id: str | None
    upload_headers: Mapping[str, str]
    verify: bool = False

    def key(self, mark: ContentIdentity) -> str:
        """Return the session's name, and the file's."""
        return f"{mark.sample} {self.upload_id}"

    async def open(self, opener: SessionOpener, source: Source, entry: Checkpoint) -> Opening:
        """Return what to begin with, noted in ``entry``."""
        past = await entry.past()
        if past is not None and past.session.upload_id == self.upload_id:
            # Chunks may have been counted before the journal knew of the session: as for a first
            # call, they are the caller's affair.
            return await _go_on(opener, past, source, entry, verify=self.verify, known_only=False)
        logger.info("upload %s: of the file, only the size can be checked", self.upload_id)
        session = await opener.known(
            self.upload_id, source.size, self.asset_id, self.upload_headers
        )
        await entry.begin(session)
        return await opener.again(session, ())
