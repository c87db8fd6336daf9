"""Which session an upload uses: a new one, that of an earlier attempt, or one that is named."""

import logging

from attrs import frozen

from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async._upload.in_chunks import Earlier, SourceInChunks
from twelvelabs_async._upload.known_session import KnownSession
from twelvelabs_async._upload.opening import OpenedSession, SessionOpener
from twelvelabs_async._upload.options import AssetOptions, ResumeCall
from twelvelabs_async._upload.resume.checkpoint import Checkpoint, another_file
from twelvelabs_async._upload.resume.records import ContentIdentity
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
        self,
        opener: SessionOpener,
        chunked: SourceInChunks,
        checkpoint: Checkpoint,
        known: KnownSession,
    ) -> OpenedSession:
        """Return the session, which ``checkpoint`` records; ``known`` notes what is known."""
        previous, verify = await checkpoint.previous(), self._options.verify is not None
        if previous is not None:
            known.found(previous.session)
            try:
                earlier = Earlier(opener, previous, checkpoint, verify, known_only=True)
                opened = await _resume_if_same(chunked, earlier)
            except SessionEndedError as error:
                if self._options.if_ended != "restart":
                    raise
                logger.warning("%s: it is uploaded from the beginning", error)
                known.forget()
            else:
                known.open(opened.session)
                return opened
        opened = await opener.create(self._spec, chunked.source.size)
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
        self,
        opener: SessionOpener,
        chunked: SourceInChunks,
        checkpoint: Checkpoint,
        known: KnownSession,
    ) -> OpenedSession:
        """Return the session, which ``checkpoint`` records; ``known`` notes what is known."""
        call, previous = self._call, await checkpoint.previous()
        if previous is not None and previous.session.upload_id == call.upload_id:
            known.found(previous.session)
            # The platform may have counted chunks before the journal knew of the session: whether
            # they are of this file, the caller answers for, as at the first call.
            verify = call.verify is not None
            earlier = Earlier(opener, previous, checkpoint, verify, known_only=False)
            opened = await _resume_if_same(chunked, earlier)
            known.open(opened.session)
            return opened
        logger.info("upload %s: of the file, only the size can be checked", call.upload_id)
        headers = call.upload_headers or {}
        session = await opener.find(call.upload_id, chunked.source.size, call.asset_id, headers)
        known.open(session)
        known.recorded = await checkpoint.begin(session)
        return await opener.resume(session, ())


async def _resume_if_same(chunked: SourceInChunks, earlier: Earlier) -> OpenedSession:
    """Go on where an earlier attempt ended, if what it stored is of this source.

    Raises:
        SourceChangedError: It is not.
        SessionEndedError: The session cannot go on, or its chunks cannot be compared.
    """
    attempt = earlier.attempt
    if not earlier.checkpoint.may_be_of(attempt):
        why = "its content is another, or only one of the two was a stream with size="
        raise another_file(chunked.source.name, attempt.session.upload_id, why)
    return await chunked.resume(earlier)
