"""Open the session of an upload: create, resume or find it, and check what the platform says."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

from attrs import Factory, evolve, frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._http.request import FRAMING, RequestOptions
from twelvelabs_async._http.response import ApiResponse
from twelvelabs_async._http.retries import server_time
from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.session import UploadSession, check_session
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async._upload.plan.url_book import UrlBook
from twelvelabs_async._upload.platform import UploadPlatform
from twelvelabs_async._upload.resume.comparison import Imprints
from twelvelabs_async._upload.session_calls import SessionCalls, SessionStatus
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
    MultipartUploadStatusType,
)

logger = logging.getLogger("twelvelabs_async")

INCOMPARABLE = "holds chunks that nobody can compare with the file"

_ENDED = frozenset({MultipartUploadStatusType.FAILED, MultipartUploadStatusType.EXPIRED})


@frozen
class OpenedSession:
    """A session, and what is known of its chunks.

    Attributes:
        session: The session.
        ledger: Where each chunk is.
        urls: The presigned URLs that came with it.
        refuted: Chunks of an earlier attempt whose ETags are not the MD5s of the file's bytes.
        void: Chunks of an earlier attempt that the platform marks as failed: their ETags are of
            no use.
        imprints: What can be compared of the chunks of an earlier attempt.
    """

    session: UploadSession
    ledger: Ledger
    urls: UrlBook
    refuted: frozenset[int] = frozenset()
    void: frozenset[int] = frozenset()
    imprints: Imprints = Factory(Imprints)


@frozen(eq=False, repr=False)
class SessionOpener:
    """Opens sessions, new and old, of one account."""

    _platform: UploadPlatform
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
        later = RequestOptions(**self._options)
        later.pop("additional_body_parameters", None)
        later.pop("additional_query_parameters", None)
        return later

    async def create(self, spec: AssetSpec, size: int) -> OpenedSession:
        """Open a session for a file of ``size`` bytes of which nothing was sent.

        Raises:
            ApiError: The platform refused, or answered what makes no sense.
            ApiConnectionError: It gave no answer.
        """
        asked_at = clock.monotonic()
        answer = await self._platform.create_session(spec, size)
        session = _created_session(answer.data, size)
        slices = _check(session, answer, "POST /assets/multipart-uploads")
        urls = UrlBook()
        urls.add(answer.data.upload_urls, asked_at, clock.monotonic(), server_time(answer.headers))
        return OpenedSession(session, Ledger.fresh(slices, self._batch_size), urls)

    async def resume(
        self,
        session: UploadSession,
        stored: Collection[CompletedChunk],
        *,
        known_only: bool = False,
        done: bool = False,
    ) -> OpenedSession:
        """Go on with a session.

        Args:
            session: The session.
            stored: The chunks whose ETags are known, whether they were reported or not.
            known_only: Whether nothing but ``stored`` may be counted already.
            done: Whether the upload was complete: then the session may be gone, if its asset is
                there.

        Raises:
            SessionEndedError: It cannot go on.
            ApiError: The platform refused for another reason.
            ApiConnectionError: It gave no answer.
        """
        status = await self._status_or_done(session, done=done)
        slices = Slices(session.total_size, session.chunk_size)
        whole = status.status == MultipartUploadStatusType.COMPLETED
        chunks = range(1, len(slices) + 1)
        counted = chunks if whole else {index for index in status.completed if index in chunks}
        if known_only and not _all_known(counted, stored):
            raise SessionEndedError(session.upload_id, INCOMPARABLE)
        usable = [chunk for chunk in stored if chunk.chunk_index not in status.failed]
        if whole:
            ledger = Ledger.whole(slices, self._batch_size, usable)
        else:
            ledger = Ledger.resumed(slices, self._batch_size, counted, usable)
        text = "upload %s goes on: %d of %d chunks are stored"
        logger.info(text, session.upload_id, ledger.resumed_chunks, len(slices))
        return OpenedSession(
            session,
            ledger,
            UrlBook(),
            void=status.failed.intersection(chunk.chunk_index for chunk in stored),
            imprints=_imprints(usable, () if whole else counted),
        )

    async def _status_or_done(self, session: UploadSession, *, done: bool) -> SessionStatus:
        try:
            return await self._status(session.upload_id)
        except SessionEndedError:
            if not (done and await self._is_there(session.asset_id)):
                raise
            return SessionStatus(MultipartUploadStatusType.COMPLETED, frozenset(), frozenset())

    async def _is_there(self, asset_id: str | None) -> bool:
        if asset_id is None:
            return False
        try:
            await self._platform.asset(asset_id, self._later_options())
        except (NotFoundError, GoneError, ForbiddenError):
            return False
        return True

    async def _status(self, upload_id: str) -> SessionStatus:
        try:
            status = await self.calls(upload_id).chunks()
        except (NotFoundError, GoneError, ForbiddenError) as error:
            raise SessionEndedError(upload_id, f"is not there for this API key: {error}") from error
        if status.status in _ENDED:
            raise SessionEndedError(upload_id, f"has {status.status}")
        return status

    async def find(
        self, upload_id: str, size: int, asset_id: str | None, headers: Mapping[str, str]
    ) -> UploadSession:
        """Return a session of which only the id is known, as far as the platform describes it.

        Args:
            upload_id: The session.
            size: Bytes of the file.
            asset_id: The asset that it makes; None: not known.
            headers: What its PUTs carry.

        Raises:
            SourceChangedError: It is for a file of another size.
            SessionEndedError: It is over, or was never there.
            AssetUnknownError: It is complete, and ``asset_id`` is None.
        """
        listed = await self._find_incomplete(upload_id)
        if listed is None:
            return await self._find_complete(upload_id, size, asset_id, headers)
        _check_size(upload_id, size, listed.total_size)
        return evolve(listed, asset_id=asset_id, upload_headers=headers)

    async def _find_complete(
        self, upload_id: str, size: int, asset_id: str | None, headers: Mapping[str, str]
    ) -> UploadSession:
        status = await self._status(upload_id)
        if status.status != MultipartUploadStatusType.COMPLETED:
            raise SessionEndedError(upload_id, "is not among the incomplete ones")
        if asset_id is None:
            raise AssetUnknownError(upload_id)
        _check_size(upload_id, size, status.total_size)
        chunks = max(1, len(status.completed))
        return UploadSession(upload_id, -(-size // chunks), chunks, size, asset_id, headers)

    async def _find_incomplete(self, upload_id: str) -> UploadSession | None:
        async def fetch(number: int) -> Page[IncompleteUploadSummary]:
            answer = await self._platform.list_sessions(number, self._later_options())
            for each in answer.data.data:
                if each.upload_id == upload_id:
                    _check(_listed_session(each), answer, "GET /assets/multipart-uploads")
            return Page(answer.data.data, answer.data.page_info, number, fetch)

        async for each in await fetch(1):
            if each.upload_id == upload_id:
                return _listed_session(each)
        return None


def _imprints(stored: Collection[CompletedChunk], counted: Collection[int]) -> Imprints:
    """Return what can be compared of ``stored`` chunks, and of those that are only counted."""
    etags = {chunk.chunk_index: chunk.proof for chunk in stored}
    imprints = Imprints()
    for index in {*etags, *counted}:
        imprints.note(index, etags.get(index))
    return imprints


def _all_known(counted: Collection[int], stored: Collection[CompletedChunk]) -> bool:
    """Whether each chunk that the platform has counted is among those whose ETags are known."""
    known = {chunk.chunk_index for chunk in stored}
    return len(counted) <= len(known) and all(index in known for index in counted)


def _check_size(upload_id: str, size: int, expected: int | None) -> None:
    if expected is not None and expected != size:
        sizes = f"the file has {size} bytes, and upload {upload_id} is of {expected}"
        raise SourceChangedError(sizes)


def _created_session(answer: CreateAssetUploadResponse, size: int) -> UploadSession:
    return UploadSession(
        upload_id=answer.upload_id,
        chunk_size=answer.chunk_size,
        total_chunks=answer.total_chunks,
        total_size=size,
        asset_id=answer.asset_id,
        upload_headers={
            name: value
            for name, value in answer.upload_headers.items()
            if name.lower() not in FRAMING  # each body has its own
        },
        expires_at=answer.expires_at,
    )


def _listed_session(summary: IncompleteUploadSummary) -> UploadSession:
    sizes = (summary.chunk_size, summary.total_chunks, summary.total_size)
    return UploadSession(summary.upload_id, *sizes, expires_at=summary.expires_at)


def _check(session: UploadSession, answer: ApiResponse[Any], request: str) -> Slices:
    """Return the slices of a session whose figures fit together.

    Raises:
        InvalidResponseError: They do not.
    """
    try:
        return check_session(session)
    except ValueError as error:
        problem = str(error)
    raise InvalidResponseError(
        status_code=answer.status_code, headers=answer.headers, message=problem, request=request
    )
