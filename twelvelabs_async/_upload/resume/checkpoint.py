"""An upload's entry in the journal: what is read from it at the beginning, and added on the way."""

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol

from attrs import define

from twelvelabs_async._core import clock
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.resume.lease import Lease
from twelvelabs_async._upload.resume.records import (
    ContentIdentity,
    PreviousAttempt,
    dead_record,
    done_record,
    opened_record,
    parse_records_in_turns,
    stored_record,
    void_record,
)
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async.errors import (
    JournalLostError,
    SourceChangedError,
)
from twelvelabs_async.models.uploads import CompletedChunk

logger = logging.getLogger("twelvelabs_async")


class Checkpoint(Protocol):
    """What an upload reads of earlier attempts, and records for later ones."""

    @property
    def key(self) -> str | None:
        """The entry's name in the journal; None: there is no journal."""
        ...

    async def previous(self) -> PreviousAttempt | None:
        """Return what an earlier attempt left; None: nothing."""
        ...

    def may_be_of(self, previous: PreviousAttempt) -> bool:
        """Whether what an earlier attempt sent may be this file, by its size and its sample."""
        ...

    def is_surely_of(self, previous: PreviousAttempt) -> bool:
        """Whether what an earlier attempt sent is this very file, unchanged."""
        ...

    async def begin(self, session: UploadSession) -> bool:
        """Note a session, before anything is sent to it; what was noted before is forgotten.

        Returns:
            Whether it is noted, so that a later attempt can go on with it. The session is there on
            the platform all the same, and this attempt goes on with it.

        Raises:
            JournalLostError: Another process has taken the entry over.
        """
        ...

    async def stored(self, chunk: CompletedChunk) -> None:
        """Record that the store holds a chunk; until then, only this process knows its ETag.

        Raises:
            JournalLostError: Another process has taken the entry over.
        """
        ...

    async def void(self, indexes: Collection[int]) -> None:
        """Record that the ETags of chunks are of no use: the platform refuses them.

        Args:
            indexes: The chunks, from 1.

        Raises:
            JournalLostError: Another process has taken the entry over.
        """
        ...

    async def done(self) -> None:
        """Note that the upload is complete."""
        ...

    async def forget(self) -> None:
        """Leave nothing to later attempts: they must not go on from here."""
        ...


class NoCheckpoint:
    """Nothing is remembered, and nothing is left."""

    @property
    def key(self) -> None:
        """None: there is no journal."""

    async def previous(self) -> PreviousAttempt | None:
        """Return None."""
        return None

    def may_be_of(self, previous: PreviousAttempt) -> bool:
        """Return False: nothing is known."""
        del previous
        return False

    def is_surely_of(self, previous: PreviousAttempt) -> bool:
        """Return False: nothing is known."""
        del previous
        return False

    async def begin(self, session: UploadSession) -> bool:
        """Return False: nothing is noted."""
        del session
        return False

    async def stored(self, chunk: CompletedChunk) -> None:
        """Do nothing."""

    async def void(self, indexes: Collection[int]) -> None:
        """Do nothing."""

    async def done(self) -> None:
        """Do nothing."""

    async def forget(self) -> None:
        """Do nothing."""


def no_md5(index: int) -> None:
    """Return None: a file is read again, and its chunks are compared with their ETags."""
    del index


@define(eq=False, repr=False)
class JournalCheckpoint:
    """An entry that is ours as long as the lease on it is.

    A journal that fails once there is a session does not end the upload: the file arrives all the
    same, and only another attempt would know less. A lost lease does: somebody else is at it.

    One that has not taken the session is left alone from then on: what is recorded of its chunks
    could be read as if it were of an earlier session. After a later failure the rest is recorded
    all the same, for each record is true without the others.

    Attributes:
        _answered: Whether this call is answered by an upload that is complete: it waited for that,
            or has a name for it. Otherwise only a result that was kept answers.
        _keep_result: Whether the result is kept, and one that was kept is an answer.
        _path: The absolute path of the file; None: it has none that counts.
        _md5_of: Gives the MD5 of a chunk that was sent, if another attempt needs it.
        _empty: Whether the entry has no records.
        _given_up: Whether it has not taken the session, so that nothing is recorded any more.
        _warned: Whether it was said that a later record is missing.
        _told: Whether the last record says that the upload is complete, and that its result is
            kept if this call wants that.
    """

    _lease: Lease
    _identity: ContentIdentity
    _source: Source
    _answered: bool
    _keep_result: bool = False
    _path: str | None = None
    _md5_of: Callable[[int], str | None] = no_md5
    _empty: bool = False
    _given_up: bool = False
    _warned: bool = False
    _told: bool = False

    @property
    def key(self) -> str:
        """The entry's name in the journal."""
        return self._lease.key

    async def previous(self) -> PreviousAttempt | None:
        """Return what an earlier attempt left; None: nothing that is of use.

        What is complete, and does not answer this call, is forgotten at once: whoever waits for
        this call must not take it for what this call has made.

        Raises:
            JournalError: The journal cannot be read.
        """
        records = await self._lease.read()
        self._empty = not records
        previous = await parse_records_in_turns(records)
        if previous is None:
            return None
        if previous.done_at and not (self._answered or (previous.kept and self._keep_result)):
            await self._clear()
            return None
        self._told = previous.done_at is not None and (previous.kept or not self._keep_result)
        return previous

    def may_be_of(self, previous: PreviousAttempt) -> bool:
        """Whether size and sample are equal; see ``Checkpoint.may_be_of``."""
        return (
            previous.identity.sample == self._identity.sample
            and previous.session.total_size == self._source.size
        )

    def is_surely_of(self, previous: PreviousAttempt) -> bool:
        """Whether it is one file, unchanged; see ``Checkpoint.is_surely_of``."""
        return previous.identity.surely(self._identity)

    async def begin(self, session: UploadSession) -> bool:
        """Note a session; see ``Checkpoint.begin``."""
        record = opened_record(session, self._identity, self._path, self._lease.owner)
        try:
            if not self._empty:
                await self._clear()
            await self._lease.append(record)
        except JournalLostError:
            raise
        except Exception as error:  # noqa: BLE001 - a journal of others may fail in its own ways
            self._given_up = True
            text = "%s is uploaded without a journal, so that another attempt begins anew: %s"
            logger.warning(text, self._source.name, error)
            return False
        self._empty = False
        return True

    async def _clear(self) -> None:
        await self._lease.clear()
        self._empty, self._told = True, False

    async def stored(self, chunk: CompletedChunk) -> None:
        """Note that the store holds a chunk; see ``Checkpoint.stored``."""
        await self._add(stored_record(chunk, self._md5_of(chunk.chunk_index)))

    async def done(self) -> None:
        """Note that the upload is complete; see ``Checkpoint.done``.

        What an earlier call keeps stays kept: it is that call's to forget.
        """
        if self._told:
            return
        with suppress(JournalLostError):  # the asset is there, whoever has the entry now
            await self._add(done_record(clock.utcnow(), kept=self._keep_result))

    async def forget(self) -> None:
        """Leave nothing to later attempts; see ``Checkpoint.forget``."""
        await self._add(dead_record())

    async def void(self, indexes: Collection[int]) -> None:
        """Note that the ETags of chunks are of no use; see ``Checkpoint.void``."""
        await self._add(void_record(indexes))

    async def _add(self, record: bytes) -> None:
        if self._given_up:
            return
        self._told = False
        try:
            await self._lease.append(record)
        except JournalLostError:
            raise
        except Exception as error:  # noqa: BLE001 - a journal of others may fail in its own ways
            if not self._warned:
                self._warned = True
                text = (
                    "the journal misses a record of %s, so that another attempt may know less: %s"
                )
                logger.warning(text, self._source.name, error)


def another_file(name: str, upload_id: str, why: str) -> SourceChangedError:
    """Return the refusal of a file that is not the one whose upload was begun."""
    error = SourceChangedError(f"{name} is not the file whose upload {upload_id} began: {why}")
    return error.advised("resume=False begins anew", remedy="resume")
