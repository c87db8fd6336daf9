"""What an upload writes into the journal, and what a later attempt reads out of it. Pure.

An entry is a session, then the chunks that the store holds, then perhaps a note that all is done.
There is neither a key nor a signed URL in it. What another version wrote, and this one does not
understand, is as good as nothing: the upload begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
from attrs import frozen

from twelvelabs_async import codec
from twelvelabs_async.models import CompletedChunk
from twelvelabs_async.upload.session import Session, check_session
from twelvelabs_async.upload.slices import Slices

VERSION = 1


@frozen
class Mark:
    """What tells the file of an upload from others.

    Attributes:
        sample: A digest of its size and of places in it.
        identity: Which file on this machine it is, and when it was written to last; None where it
            is no file on a disk. The same identity is the same content.
    """

    sample: str
    identity: tuple[int, ...] | None = None

    def surely(self, other: "Mark") -> bool:
        """Whether it is one file, unchanged; a sample alone does not say so."""
        return self == other and self.identity is not None


@frozen
class Past:
    """What an earlier attempt left behind.

    Attributes:
        session: The session that it opened.
        mark: The file that it sent.
        stored: The chunks that the store holds, by index, with their ETags.
        done_at: When the upload was completed; None: it was not.
        kept: Whether the result is kept until the caller forgets it.
    """

    session: Session
    mark: Mark
    stored: Mapping[int, CompletedChunk]
    done_at: datetime | None
    kept: bool = False


@frozen
class _Record:
    version: int
    session: Session | None = None
    mark: Mark | None = None
    stored: CompletedChunk | None = None
    void: tuple[int, ...] = ()
    done_at: datetime | None = None
    kept: bool = False
    dead: bool = False


def opened_record(session: Session, mark: Mark) -> bytes:
    """Return the record of a session that was opened for a file."""
    return _dumped(session=attrs.asdict(session), mark=attrs.asdict(mark))


def stored_record(chunk: CompletedChunk) -> bytes:
    """Return the record of a chunk that the store holds."""
    return _dumped(stored=attrs.asdict(chunk))


def void_record(indexes: Iterable[int]) -> bytes:
    """Return the record of chunks whose ETags are of no use: the platform refused them."""
    return _dumped(void=list(indexes))


def done_record(at: datetime, *, kept: bool) -> bytes:
    """Return the record of an upload that is complete."""
    return _dumped(done_at=at.isoformat(), kept=kept)


def dead_record() -> bytes:
    """Return the record that makes all before it as good as nothing."""
    return _dumped(dead=True)


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
    if session is None or mark is None or any(record.dead for record in read):
        return None
    try:
        slices = check_session(session)
    except ValueError:
        return None
    return Past(session, mark, _stored(read, slices), read[-1].done_at, read[-1].kept)


def _stored(records: Iterable[_Record], slices: Slices) -> dict[int, CompletedChunk]:
    stored = dict[int, CompletedChunk]()
    for record in records:
        for index in record.void:
            stored.pop(index, None)
        chunk = record.stored
        if chunk is not None and 1 <= chunk.chunk_index <= len(slices) and _is_proof(chunk.proof):
            stored[chunk.chunk_index] = chunk
    return stored


def _is_proof(text: str) -> bool:
    return bool(text) and text.isprintable()
