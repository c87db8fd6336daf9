"""Which session an upload uses: a new one, that of an earlier attempt, or one that is named."""

import logging

from attrs import evolve, frozen

from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async._upload.known_session import KnownSession
from twelvelabs_async._upload.opening import INCOMPARABLE, OpenedSession, SessionOpener
from twelvelabs_async._upload.options import AssetOptions, ResumeCall
from twelvelabs_async._upload.plan.md5 import is_md5
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async._upload.resume.checkpoint import Checkpoint, another_file
from twelvelabs_async._upload.resume.proof import compare
from twelvelabs_async._upload.resume.records import ContentIdentity, PreviousAttempt
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.stream_chunks import StreamChunks
from twelvelabs_async.errors import SessionEndedError

logger = logging.getLogger("twelvelabs_async")


@frozen(eq=False, repr=False)
class StartOrResume:
    """Resume an earlier attempt, or else start with a new session."""

    _spec: AssetSpec
    _options: AssetOptions

    @property
    def resume(self) -> bool:
        """Whether an earlier attempt is resumed; otherwise it is forgotten."""
        return self._options.resume

    @property
    def keep_result(self) -> bool:
        """Whether the journal keeps the result."""
        return self._options.keep_result

    @property
    def has_name(self) -> bool:
        """Whether the caller has named the upload, so that a complete one answers the call."""
        return self._options.resume_key is not None

    @property
    def by_path(self) -> bool:
        """Whether the path distinguishes files that have the same content and spec."""
        return not self.has_name

    def key(self, identity: ContentIdentity) -> str:
        """Return the name in the journal: the caller's, or the same for the same file and spec."""
        return self._options.resume_key or f"{identity.sample} {self._spec.digest()}"

    def known(self) -> KnownSession:
        """Return what is known of the session before anything is asked: nothing."""
        return KnownSession()

    async def open(
        self, opener: SessionOpener, source: Source, checkpoint: Checkpoint, known: KnownSession
    ) -> OpenedSession:
        """Return the session, which ``checkpoint`` records; ``known`` notes what is known."""
        previous, verify = await checkpoint.previous(), self._options.verify is not None
        if previous is not None:
            known.found(previous.session)
            try:
                opened = await _resume_if_same(opener, previous, source, checkpoint, verify=verify)
            except SessionEndedError as error:
                if self._options.if_ended != "restart":
                    raise
                logger.warning("%s: it is uploaded from the beginning", error)
                known.forget()
            else:
                known.open(opened.session)
                return opened
        opened = await opener.create(self._spec, source.size)
        known.open(opened.session)
        known.recorded = await checkpoint.begin(opened.session)
        return opened


@frozen(eq=False, repr=False)
class ResumeById:
    """Resume a session that the caller names."""

    _call: ResumeCall
    resume = True
    keep_result = False
    has_name = False
    by_path = False

    def key(self, identity: ContentIdentity) -> str:
        """Return the name in the journal: the file's and the session's."""
        return f"{identity.sample} {self._call.upload_id}"

    def known(self) -> KnownSession:
        """Return what is known of the session before anything is asked: what the caller knows."""
        call = self._call
        return KnownSession(call.upload_id, call.asset_id, call.upload_headers or {})

    async def open(
        self, opener: SessionOpener, source: Source, checkpoint: Checkpoint, known: KnownSession
    ) -> OpenedSession:
        """Return the session, which ``checkpoint`` records; ``known`` notes what is known."""
        call, previous = self._call, await checkpoint.previous()
        if previous is not None and previous.session.upload_id == call.upload_id:
            known.found(previous.session)
            # The platform may have counted chunks before the journal knew of the session: whether
            # they are of this file, the caller answers for, as at the first call.
            opened = await _resume_if_same(
                opener,
                previous,
                source,
                checkpoint,
                verify=call.verify is not None,
                known_only=False,
            )
            known.open(opened.session)
            return opened
        logger.info("upload %s: of the file, only the size can be checked", call.upload_id)
        headers = call.upload_headers or {}
        session = await opener.find(call.upload_id, source.size, call.asset_id, headers)
        known.open(session)
        known.recorded = await checkpoint.begin(session)
        return await opener.resume(session, ())


async def _resume_if_same(
    opener: SessionOpener,
    previous: PreviousAttempt,
    source: Source,
    checkpoint: Checkpoint,
    *,
    verify: bool,
    known_only: bool = True,
) -> OpenedSession:
    """Go on where an earlier attempt ended, if what it stored is of this file.

    The same file, unchanged, is known by its identity; any other is compared with the ETags.

    Args:
        opener: Opens sessions.
        previous: The earlier attempt.
        source: The file.
        checkpoint: Its entry in the journal.
        verify: Whether to compare the ETags of a file that is known by its identity, too.
        known_only: Whether to refuse a session of another file, or of a changed one, if the
            platform counts chunks that the journal does not know.

    Raises:
        SourceChangedError: It is not.
        SessionEndedError: The session cannot go on, or its chunks cannot be compared.
    """
    if not checkpoint.may_be_of(previous):
        raise another_file(source.name, previous.session.upload_id, "its content is another")
    if isinstance(source, StreamChunks):
        return await _resume_stream(opener, previous, source, checkpoint)
    stored = tuple(previous.stored.values())
    sure = checkpoint.is_surely_of(previous)
    if sure and not verify:
        return await _resume(opener, previous, checkpoint)
    slices = Slices(previous.session.total_size, previous.session.chunk_size)
    proof = await compare(source, slices, stored, opener.threads)
    if proof.proven and proof.refuted:
        if not sure:
            why = f"chunk {min(proof.refuted)} is stored with another content"
            raise another_file(source.name, previous.session.upload_id, why)
        raise SessionEndedError(previous.session.upload_id, "holds chunks that are corrupt")
    if proof.refuted and not sure:
        raise SessionEndedError(previous.session.upload_id, INCOMPARABLE)
    opened = await _resume(opener, previous, checkpoint, known_only=known_only and not sure)
    return evolve(opened, refuted=proof.refuted)


async def _resume_stream(
    opener: SessionOpener, previous: PreviousAttempt, stream: StreamChunks, checkpoint: Checkpoint
) -> OpenedSession:
    """Go on with a session whose chunks are compared as the stream is read.

    Raises:
        SessionEndedError: The session cannot go on, or its chunks cannot be compared.
    """
    etags = {index: chunk.proof.lower() for index, chunk in previous.stored.items()}
    md5s = {index: etag for index, etag in etags.items() if is_md5(etag)}
    md5s.update(previous.md5s)
    if len(md5s) < len(etags):
        raise SessionEndedError(previous.session.upload_id, INCOMPARABLE)
    opened = await _resume(opener, previous, checkpoint, known_only=True)
    if not opened.ledger.complete:
        stream.hashes.expected = {
            index: md5 for index, md5 in md5s.items() if index not in opened.void
        }
    return opened


async def _resume(
    opener: SessionOpener,
    previous: PreviousAttempt,
    checkpoint: Checkpoint,
    *,
    known_only: bool = False,
) -> OpenedSession:
    """Go on with a noted session, and note which of its ETags are of no use any more."""
    opened = await opener.resume(
        previous.session,
        previous.stored.values(),
        known_only=known_only,
        done=previous.done_at is not None,
    )
    if opened.void:
        await checkpoint.void(opened.void)
    return opened
