"""Whether chunks that are stored are still those of a file whose times have changed.

A file that is touched, renamed, restored, or rounded by its file system has other times and the
same bytes; one that was written to in place may have had its modification time set back. So where
only times differ the bytes decide: each stored chunk is read again and compared with its ETag, if
that is an MD5, or with the hash that was made while it was sent. Nothing is reported before that.
"""

import asyncio
import logging
from enum import IntEnum

from attrs import Factory, define

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.plan.md5 import ENOUGH_MISMATCHES, is_md5
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async._upload.resume.proof import md5_of
from twelvelabs_async._upload.source.protocol import Source, only_times_changed
from twelvelabs_async.errors import SourceChangedError

logger = logging.getLogger("twelvelabs_async")

MOST_CHANGES = 3
"""How often a file may be found changed again while it is compared; each costs a pass of it."""

MD5_BYTES = 16
IMPRINT_BYTES = 1 + MD5_BYTES
BLOCK_CHUNKS = 256


class Imprint(IntEnum):
    """What is known of the bytes that were sent as a chunk."""

    UNSENT = 0  # nothing is stored
    NONE = 1  # stored, and nothing can be compared
    ETAG = 2  # the ETag, which may be their MD5, or something else of that length
    MD5 = 3  # their MD5


_INCOMPARABLE = bytes([Imprint.NONE]) + bytes(MD5_BYTES)
_OF_ETAG = bytes([Imprint.ETAG])
_OF_MD5 = bytes([Imprint.MD5])


@define(eq=False, repr=False)
class Imprints:
    """What can be compared of each stored chunk: 17 bytes a chunk, in blocks of neighbours."""

    _blocks: dict[int, bytearray] = Factory(dict[int, bytearray])

    def note(self, index: int, etag: str | None, md5: str | None = None) -> None:
        """Note a chunk that is stored.

        Args:
            index: The chunk, from 1.
            etag: Its ETag, bare; None: not known.
            md5: Of what was sent, in hexadecimal; None: it was not computed.
        """
        text = (md5 or etag or "").lower()
        imprint = _INCOMPARABLE
        if is_md5(text):
            imprint = (_OF_MD5 if md5 else _OF_ETAG) + bytes.fromhex(text)
        number, at = _place(index)
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = bytearray(BLOCK_CHUNKS * IMPRINT_BYTES)
        block[at : at + IMPRINT_BYTES] = imprint

    def kind(self, index: int) -> Imprint:
        """Return what is known of a chunk."""
        number, at = _place(index)
        block = self._blocks.get(number)
        return Imprint.UNSENT if block is None else Imprint(block[at])

    def digest(self, index: int) -> str:
        """Return the MD5, or what may be one, of a chunk that has it, in hexadecimal."""
        number, at = _place(index)
        return self._blocks[number][at + 1 : at + IMPRINT_BYTES].hex()

    def stored(self) -> list[int]:
        """Return the chunks that are stored, in order."""
        return [
            number * BLOCK_CHUNKS + at
            for number, block in sorted(self._blocks.items())
            for at, kind in enumerate(block[::IMPRINT_BYTES])
            if kind != Imprint.UNSENT
        ]


def _place(index: int) -> tuple[int, int]:
    """Return the number of a chunk's block, and where its imprint begins there."""
    number, at = divmod(index, BLOCK_CHUNKS)
    return number, at * IMPRINT_BYTES


@define(eq=False, repr=False)
class Comparison:
    """Watches over the chunks of one upload; costs nothing while the file's times stay as they are.

    Attributes:
        version: The version of the source that all stored chunks were found to be of; those in
            ``unsure`` may be of another one, or of two.
    """

    _source: Source
    _slices: Slices
    _imprints: Imprints = Factory(Imprints)
    _threads: Threads = Factory(Threads)
    _speaks_md5: bool = False
    version: int = 0
    unsure: set[int] = Factory(set[int])
    _turn: asyncio.Lock = Factory(asyncio.Lock)

    def note(self, index: int, etag: str, md5: str | None, began: int) -> None:
        """Note a chunk that was just stored.

        Args:
            index: The chunk, from 1.
            etag: Its ETag, bare.
            md5: Of what was sent, in hexadecimal; None: it was not computed.
            began: The source's version when the first byte of it was read.
        """
        self._imprints.note(index, etag, md5)
        if began == self._source.version:
            self.unsure.discard(index)
        else:
            self.unsure.add(index)

    @property
    def due(self) -> bool:
        """Whether some stored chunk may be of another version than the source is now."""
        return bool(self.unsure) or self.version != self._source.version

    async def settle(self) -> None:
        """Make sure that all stored chunks are of the file as it is now.

        Whoever asks meanwhile waits for the same comparison. The file is read once for each time
        that it was found changed, as far as it is stored.

        Raises:
            SourceChangedError: A chunk is not, or it cannot be compared, which is ``retryable``.
            SourceError: The file cannot be read.
        """
        if not self.due:
            return
        async with self._turn:
            changes = 0
            while self.due:
                changes += not await self._compared()
                if changes == MOST_CHANGES:
                    raise only_times_changed(self._source.name, "it goes on changing")

    async def _compared(self) -> bool:
        """Compare what is not sure; return False where the file changed meanwhile."""
        version = self._source.version
        chunks = sorted(self.unsure)
        if self.version != version:
            chunks = self._imprints.stored()
        await self._compare(chunks)
        await self._source.look()
        if self._source.version != version:
            return False
        self.version = version
        self.unsure.difference_update(chunks)
        text = "%s has other times, and the same bytes: %d chunks were read again"
        logger.info(text, self._source.name, len(chunks))
        return True

    async def _compare(self, chunks: list[int]) -> None:
        if any(self._imprints.kind(index) is Imprint.NONE for index in chunks):
            raise self._incomparable()
        mismatches = list[int]()
        for index in chunks:
            md5 = await md5_of(self._source, self._slices[index], self._threads)
            if md5 == self._imprints.digest(index):
                self._speaks_md5 = True
            else:
                mismatches.append(index)
            if self._imprints.kind(index) is Imprint.MD5 and index in mismatches:
                raise self._changed(index)
            if mismatches and self._speaks_md5:
                raise self._changed(mismatches[0])
            if len(mismatches) == ENOUGH_MISMATCHES:
                break
        if mismatches:
            raise self._incomparable()

    def _changed(self, index: int) -> SourceChangedError:
        return SourceChangedError(
            f"{self._source.name} was changed while it was uploaded: it was written to, and what "
            "is stored of it are other bytes",
            chunk_index=index,
        )

    def _incomparable(self) -> SourceChangedError:
        why = "what is stored has no MD5 to compare with (verify='etag' makes them)"
        return only_times_changed(self._source.name, why)
