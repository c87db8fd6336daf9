"""An upload's entry in the journal: what is read from it at the beginning, and added on the way."""

import logging
from typing import Protocol

from attrs import define

from twelvelabs_async.errors import JournalError, JournalLostError, SourceChangedError
from twelvelabs_async.models import CompletedChunk
from twelvelabs_async.upload.lease import Lease
from twelvelabs_async.upload.past import (
    Mark,
    Past,
    done_record,
    opened_record,
    recall,
    stored_record,
)
from twelvelabs_async.upload.session import Session

logger = logging.getLogger("twelvelabs_async")


class Entry(Protocol):
    """What an upload remembers of earlier attempts, and leaves to later ones."""

    async def past(self) -> Past | None:
        """Return what an earlier attempt left; None: nothing."""
        ...

    async def begin(self, session: Session) -> None:
        """Note a session, before anything is sent to it; what was noted before is forgotten."""
        ...

    async def stored(self, chunk: CompletedChunk) -> None:
        """Note that the store holds a chunk."""
        ...

    async def done(self) -> None:
        """Note that the upload is complete."""
        ...

    async def forget(self) -> None:
        """Leave nothing to later attempts: they must not go on from here."""
        ...


class NoEntry:
    """Nothing is remembered, and nothing is left."""

    async def past(self) -> Past | None:
        """Return None."""
        return None

    async def begin(self, session: Session) -> None:
        """Do nothing."""

    async def stored(self, chunk: CompletedChunk) -> None:
        """Do nothing."""

    async def done(self) -> None:
        """Do nothing."""

    async def forget(self) -> None:
        """Do nothing."""


@define(eq=False)
class JournalEntry:
    """An entry that is ours as long as the lease on it is.

    A journal that fails in the middle of an upload does not end it: the file arrives all the same,
    and only another attempt would know less. A lost lease does: somebody else is at it.
    """

    _lease: Lease
    _mark: Mark
    _name: str
    _named: bool
    _failed: bool = False

    async def past(self) -> Past | None:
        """Return what an earlier attempt left; None: nothing that is of use.

        What is complete counts for whoever has waited for it, and for a caller who has a name for
        the upload: the same name means the same asset. Otherwise, to ask again for the same file
        is to want another asset.

        Raises:
            SourceChangedError: It was the attempt to upload another file.
            JournalError: The journal cannot be read.
        """
        past = recall(await self._lease.read())
        if past is None or (past.done and not (self._named or self._lease.waited)):
            return None
        difference = past.mark.difference(self._mark)
        if difference is not None:
            raise SourceChangedError(
                f"{self._name} is not the file whose upload {past.session.upload_id} began: "
                f"{difference}; resume=False begins anew"
            )
        return past

    async def begin(self, session: Session) -> None:
        """Note a session; see ``Entry.begin``.

        Raises:
            JournalError: The journal cannot be written.
        """
        await self._lease.clear()
        await self._lease.append(opened_record(session, self._mark))

    async def stored(self, chunk: CompletedChunk) -> None:
        """Note that the store holds a chunk; see ``Entry.stored``."""
        await self._add(stored_record(chunk))

    async def done(self) -> None:
        """Note that the upload is complete; see ``Entry.done``."""
        await self._add(done_record())

    async def forget(self) -> None:
        """Leave nothing to later attempts; see ``Entry.forget``.

        Raises:
            JournalError: The journal cannot be written.
        """
        await self._lease.clear()

    async def _add(self, record: bytes) -> None:
        try:
            await self._lease.append(record)
        except JournalLostError:
            raise
        except JournalError as error:
            if not self._failed:
                self._failed = True
                logger.warning(
                    "%s is uploaded without a journal from here on: %s", self._name, error
                )
