"""The bytes of a journal's file: a header, and records, of which a damaged one never counts.

A file has a header of ``HEADER`` bytes, which names its owner, and then records:
``crc32 length record newline``, readable as text where the record is text. A record counts only if
every byte of it is there as it was written, and if all records before it count. So a cut at any
byte, and damage to any byte, leave a shorter journal, and never a wrong one.

These bytes do not change: uploads of an earlier version are resumed by a later one.
"""

import re
import zlib

HEADER = 512
"""Bytes before the first record: a sector, so that no write of a header can tear a record."""

LONGEST_FRAME_START = 22
"""Bytes before a record in its frame, at most: checksum and length."""

_FRAME = re.compile(rb"[0-9a-f]{8} ([0-9]{1,12}) ")
_HEADER = re.compile(rb"[^\x00-\x1f\x7f]{%d}\n" % (HEADER - 1))
_TORN_HEADER = re.compile(rb"[^\x00-\x1f\x7f]*\x00*")
"""What a crash may leave of a header: its beginning, or zeros where the disk never got it."""


def header(owner: str) -> bytes:
    """Return the header of a file that ``owner`` has; empty: it has no owner."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in owner)
    return shown.encode()[: HEADER - 1].ljust(HEADER - 1) + b"\n"


def owner_of(head: bytes) -> str:
    """Return the owner that a header names; empty where it names none."""
    return head.rstrip(b" \n\0").decode("utf-8", "replace")


def frame(record: bytes) -> bytes:
    """Return the bytes that are written for ``record``."""
    return b"%08x %d %b\n" % (zlib.crc32(record), len(record), record)


def whole_records(data: bytes) -> tuple[list[bytes], int]:
    """Return the records in a file's bytes, and where the last whole one ends, in bytes from 0."""
    records, at = list[bytes](), HEADER
    while match := _FRAME.match(data, at):
        record = data[match.end() : match.end() + int(match[1])]
        framed = frame(record)
        if not data.startswith(framed, at):
            break
        records.append(record)
        at += len(framed)
    return records, at


def may_be_journal(head: bytes) -> bool:
    """Whether a file that begins with ``head`` may be a journal, perhaps with a torn header."""
    return bool(_HEADER.fullmatch(head) or _TORN_HEADER.fullmatch(head))


def is_surely_journal(head: bytes) -> bool:
    """Whether a file that has the name of an entry, and begins so, can be nothing else.

    Args:
        head: The first ``HEADER + LONGEST_FRAME_START`` bytes.
    """
    if not head:  # its process ended between making the file and writing its header
        return True
    records = _FRAME.match(head, HEADER) is not None or len(head) == HEADER
    return _HEADER.match(head) is not None and records
