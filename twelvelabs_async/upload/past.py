"""What an upload writes into the journal, and what a later attempt reads out of it. Pure.

An entry is a session, then the chunks that the store holds, then perhaps a note that all is done.
There is neither a key nor a signed URL in it. What another version wrote, and this one does not
understand, is as good as nothing: the upload begins anew.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from twelvelabs_async import codec
from twelvelabs_async.models import CompletedChunk
from twelvelabs_async.upload.session import Session
from twelvelabs_async.upload.slices import agreed_slices

VERSION = 1


@frozen
class Mark:
    """What tells the file of an upload from others.

    Attributes:
        sample: A digest of its size and of places in it.
        identity: Which file on this machine it is, and when it was written to last; None where it
            is no file on a disk.
    """

    sample: str
    identity: tuple[int, ...] | None = None

    def difference(self, now: "Mark") -> str | None:
        """Say why ``now`` is not the file of which this is the mark; None: it is.

        The content decides. A file that is still in the same place is not looked at in all of its
        places, so there the time of its last change counts as well.
        """
        if self.sample != now.sample:
            return "it has another content"
        here, there = self.identity, now.identity
        same_place = here is not None and there is not None and here[:2] == there[:2]
        return "it was written to since" if same_place and here != there else None


@frozen
class Past:
    """What an earlier attempt left behind.

    Attributes:
        session: The session that it opened.
        mark: The file that it sent.
        stored: The chunks that the store holds, by index, with their ETags.
        done: Whether the upload was completed.
    """

    session: Session
    mark: Mark
    stored: Mapping[int, CompletedChunk]
    done: bool


@frozen
class _Record:
    version: int
    session: Session | None = None
    mark: Mark | None = None
    stored: CompletedChunk | None = None
    done: bool = False


def opened_record(session: Session, mark: Mark) -> bytes:
    """Return the record of a session that was opened for a file."""
    return _dumped(session=attrs.asdict(session), mark=attrs.asdict(mark))


def stored_record(chunk: CompletedChunk) -> bytes:
    """Return the record of a chunk that the store holds."""
    return _dumped(stored=attrs.asdict(chunk))


def done_record() -> bytes:
    """Return the record of an upload that is complete."""
    return _dumped(done=True)


def _dumped(**values: Any) -> bytes:
    session = values.get("session")
    if session and session["expires_at"]:
        session["expires_at"] = session["expires_at"].isoformat()
    return codec.dump({"version": VERSION, **values})


def recall(records: Sequence[bytes]) -> Past | None:
    """Return what ``records`` tell; None: nothing that can be used."""
    try:
        read = [codec.structure(codec.parse(record), _Record) for record in records]
    except ValueError:
        return None
    if not read or any(record.version != VERSION for record in read):
        return None
    session, mark = read[0].session, read[0].mark
    if session is None or mark is None or not _sensible(session):
        return None
    chunks = [record.stored for record in read if record.stored is not None]
    stored = {c.chunk_index: c for c in chunks if 1 <= c.chunk_index <= session.total_chunks}
    return Past(session, mark, stored, done=read[-1].done)


def _sensible(session: Session) -> bool:
    try:
        agreed_slices(session.total_size, session.chunk_size, session.total_chunks)
    except ValueError:
        return False
    return True
