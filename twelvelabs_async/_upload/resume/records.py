"""What an upload writes into the journal, and what a later attempt reads out of it.

An entry is a session, then the chunks that the store holds, then perhaps a note that all is done.
There is neither a key nor a signed URL in it. What another version wrote, and this one does not
understand, is as good as nothing: the upload begins anew.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import attrs
from attrs import Factory, frozen

from twelvelabs_async._core import clock
from twelvelabs_async._http import json_text
from twelvelabs_async._http.structure import structure
from twelvelabs_async._upload.plan.session import UploadSession, check_session
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async.models.uploads import CompletedChunk

VERSION = 1

_STORED = json_text.dump({"version": VERSION, "stored": {}})[:-2]
"""How the record of a stored chunk begins."""

RECORDS_A_TURN = 200
"""Records that are read in one turn of the event loop: some 2 milliseconds of it."""


@frozen
class ContentIdentity:
    """What identifies the file of an upload.

    Attributes:
        sample: A digest of its size and of places in it.
        identity: Which file on this machine it is, and when it was written to last; None where it
            is no file on a disk. The same identity is the same content.
    """

    sample: str
    identity: tuple[int, ...] | None = None

    def surely(self, other: "ContentIdentity") -> bool:
        """Whether it is one file, unchanged; a sample alone does not say so."""
        return self == other and self.identity is not None


@frozen
class PreviousAttempt:
    """What an earlier attempt left behind.

    Attributes:
        session: The session that it opened.
        identity: What identifies the file that it sent.
        stored: The chunks that the store holds, by index, with their ETags.
        md5s: The MD5s of what was sent of them, in hexadecimal, as far as they were computed.
        done_at: When the upload was completed; None: it was not.
        kept: Whether the result is kept until the caller forgets it.
    """

    session: UploadSession
    identity: ContentIdentity
    stored: Mapping[int, CompletedChunk]
    done_at: datetime | None
    kept: bool = False
    md5s: Mapping[int, str] = Factory(dict[int, str])


@frozen
class Outline:
    """What an entry says, but for its chunks: enough to know whose it is.

    Attributes:
        there: Whether it has any records.
        path: The absolute path of its file, as it was noted last; None: none was.
        owner: Who noted that before it did anything else; None: nobody did.
        maker: Who opened its session, or, without one, its owner; None: that is not noted.
        identity: As in ``ContentIdentity``; None where there is no session, either.
        size: Bytes of its file; None: there is no session.
        is_open: Whether it has a session that is not complete.
        is_done: Whether it has one that is.
        kept: Whether its result is kept.
    """

    there: bool
    path: str | None = None
    owner: str | None = None
    maker: str | None = None
    identity: tuple[int, ...] | None = None
    size: int | None = None
    is_open: bool = False
    is_done: bool = False
    kept: bool = False

    def is_about(self, holder: str) -> bool:
        """Whether what is noted was noted by, or before, whoever has the entry now.

        Nobody takes an entry with an open session, or a kept result, but for the same file.
        """
        return self.is_open or (self.is_done and self.kept) or self.owner == holder


@frozen
class _Record:
    version: int
    path: str | None = None
    owner: str | None = None
    session: UploadSession | None = None
    mark: ContentIdentity | None = None
    stored: CompletedChunk | None = None
    md5: str | None = None
    void: tuple[int, ...] = ()
    done_at: datetime | None = None
    kept: bool = False
    dead: bool = False


def path_record(path: str | None, owner: str) -> bytes:
    """Return the record of where the file is, for whoever else comes with the same content."""
    return _dumped(path=None if path is None else _written(path), owner=owner)


def opened_record(
    session: UploadSession,
    identity: ContentIdentity,
    path: str | None = None,
    owner: str | None = None,
) -> bytes:
    """Return the record of a session that was opened for a file, and by whom."""
    where = {} if path is None else {"path": _written(path)}
    return _dumped(session=attrs.asdict(session), mark=attrs.asdict(identity), owner=owner, **where)


def _written(path: str) -> str:
    """Return a path as text that JSON can carry: its bytes, percent-encoded where need be."""
    return quote_from_bytes(os.fsencode(path))


def stored_record(chunk: CompletedChunk, md5: str | None = None) -> bytes:
    """Return the record of a chunk that the store holds, perhaps with the MD5 of what was sent."""
    return _dumped(stored=attrs.asdict(chunk), **({} if md5 is None else {"md5": md5}))


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
    return json_text.dump({"version": VERSION, **values})


def outline(records: Sequence[bytes]) -> Outline:
    """Return what ``records`` say without their chunks, of which there may be thousands."""
    try:
        read = [_read(record) for record in records if not record.startswith(_STORED)]
    except ValueError:
        return Outline(there=True)
    if not read or any(record.version != VERSION or record.dead for record in read):
        return Outline(there=bool(records))
    path = next((record.path for record in reversed(read) if record.path is not None), None)
    session, mark, last = read[0].session, read[0].mark, read[-1]
    is_done = last.done_at is not None
    return Outline(
        there=True,
        path=None if path is None else os.fsdecode(unquote_to_bytes(path)),
        owner=last.owner,
        maker=read[0].owner,
        identity=None if mark is None else mark.identity,
        size=None if session is None else session.total_size,
        is_open=session is not None and not is_done,
        is_done=session is not None and is_done,
        kept=last.kept,
    )


def parse_records(records: Iterable[bytes]) -> PreviousAttempt | None:
    """Return the attempt that ``records`` describe; None: they describe none that can be used."""
    try:
        return _attempt_of([_read(record) for record in records])
    except ValueError:
        return None


async def parse_records_in_turns(records: Sequence[bytes]) -> PreviousAttempt | None:
    """Do as ``parse_records``, with a turn of the event loop every ``RECORDS_A_TURN`` records."""
    read = list[_Record]()
    for start in range(0, len(records), RECORDS_A_TURN):
        if start:
            await clock.sleep(0)
        try:
            read += [_read(record) for record in records[start : start + RECORDS_A_TURN]]
        except ValueError:
            return None
    return _attempt_of(read)


def _read(record: bytes) -> _Record:
    return structure(json_text.parse(record), _Record)


def _attempt_of(read: Sequence[_Record]) -> PreviousAttempt | None:
    if not read or any(record.version != VERSION for record in read):
        return None
    session, mark = read[0].session, read[0].mark
    if session is None or mark is None or any(record.dead for record in read):
        return None
    try:
        slices = check_session(session)
    except ValueError:
        return None
    stored = _stored(read, slices)
    chunks = {index: record.stored for index, record in stored.items() if record.stored}
    md5s = {index: record.md5 for index, record in stored.items() if record.md5}
    return PreviousAttempt(session, mark, chunks, read[-1].done_at, read[-1].kept, md5s)


def _stored(records: Iterable[_Record], slices: Slices) -> dict[int, _Record]:
    stored = dict[int, _Record]()
    for record in records:
        for index in record.void:
            stored.pop(index, None)
        chunk = record.stored
        if chunk is not None and 1 <= chunk.chunk_index <= len(slices) and _is_proof(chunk.proof):
            stored[chunk.chunk_index] = record
    return stored


def _is_proof(text: str) -> bool:
    return bool(text) and text.isprintable()
