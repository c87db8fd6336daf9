"""How a source is sent in chunks: read anywhere, read whole chunk by chunk, or read once in order.

Each way has its own feed of chunks, digest, identity in the journal and comparison with what an
earlier attempt has stored.
"""

import hashlib
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
)
from typing import Protocol

from attrs import evolve, frozen

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.opening import INCOMPARABLE, OpenedSession, SessionOpener
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.md5 import is_md5
from twelvelabs_async._upload.plan.slices import Slices
from twelvelabs_async._upload.resume.checkpoint import Checkpoint, another_file
from twelvelabs_async._upload.resume.proof import compare
from twelvelabs_async._upload.resume.records import ContentIdentity, PreviousAttempt
from twelvelabs_async._upload.resume.sample import sample_of
from twelvelabs_async._upload.source.digest import WholeDigest, file_digest
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.ranges import RangeChunks, RangeReader
from twelvelabs_async._upload.source.stream_chunks import ChunkRoom, StreamChunks, StreamDigest
from twelvelabs_async._upload.source.stream_hashes import StreamHashes
from twelvelabs_async._upload.source.stream_memory import StreamMemory
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async._upload.steps.chunk_feed import ChunkFeed, FileFeed, RangeFeed, StreamFeed
from twelvelabs_async.errors import SessionEndedError, SourceError


@frozen(eq=False, repr=False)
class Earlier:
    """An earlier attempt at an upload, and what is needed to go on with it.

    Attributes:
        opener: Opens sessions.
        attempt: What the journal knows of it.
        checkpoint: Its entry in the journal.
        verify: Whether to compare the ETags of a file that is known by its identity, too.
        known_only: Whether to refuse a session of another file, or of a changed one, if the
            platform counts chunks that the journal does not know.
    """

    opener: SessionOpener
    attempt: PreviousAttempt
    checkpoint: Checkpoint
    verify: bool
    known_only: bool

    async def go_on(self, *, known_only: bool) -> OpenedSession:
        """Open its session, and note which of its ETags are of no use any more.

        Raises:
            SessionEndedError: The session cannot go on.
        """
        opened = await self.opener.resume(
            self.attempt.session,
            self.attempt.stored.values(),
            known_only=known_only,
            done=self.attempt.done_at is not None,
        )
        if opened.void:
            await self.checkpoint.void(opened.void)
        return opened


class SourceInChunks(Protocol):
    """A source, and what its upload in chunks does in another way than that of other sources."""

    @property
    def source(self) -> Source:
        """The source itself."""
        ...

    @property
    def has_content_key(self) -> bool:
        """Whether its content identifies the upload; else only a name of the caller's does."""
        ...

    async def identify(self) -> ContentIdentity:
        """Return what identifies it in the journal.

        Raises:
            SourceError: It cannot be read.
        """
        ...

    def digest(self, slices: Slices) -> AbstractAsyncContextManager[WholeDigest]:
        """Make its SHA-256, if it is wanted, during the ``async with`` block."""
        ...

    def feed(self, ledger: Ledger) -> ChunkFeed:
        """Return what hands out its chunks."""
        ...

    def md5_of(self, index: int) -> str | None:
        """Return what to note in the journal as the MD5 of a chunk, from 1; None: nothing."""
        ...

    async def resume(self, earlier: Earlier) -> OpenedSession:
        """Go on where an earlier attempt ended, if what it stored is of this source.

        Raises:
            SourceChangedError: It is not.
            SessionEndedError: The session cannot go on, or its chunks cannot be compared.
        """
        ...


@frozen(eq=False, repr=False)
class FileInChunks:
    """What can be read anywhere, as often as wanted.

    Attributes:
        source: The file.
        has_content_key: Whether its content identifies the upload.
    """

    source: Source
    _threads: Threads
    _with_digest: bool
    _feed: Callable[[Ledger], ChunkFeed] = FileFeed
    has_content_key = True

    async def identify(self) -> ContentIdentity:
        """Read a sample of it; see ``SourceInChunks``."""
        return ContentIdentity(await sample_of(self.source, self._threads), self.source.identity)

    def digest(self, slices: Slices) -> AbstractAsyncContextManager[WholeDigest]:  # noqa: ARG002
        """Read all of it beside the upload; see ``SourceInChunks``."""
        return file_digest(self.source, wanted=self._with_digest, threads=self._threads)

    def feed(self, ledger: Ledger) -> ChunkFeed:
        """Return what hands out its chunks; see ``SourceInChunks``."""
        return self._feed(ledger)

    def md5_of(self, index: int) -> None:
        """Return None: it is read again to be compared."""

    async def resume(self, earlier: Earlier) -> OpenedSession:
        """Go on with a session, at once if the file is the same; see ``SourceInChunks``.

        The same file, unchanged, is known by its identity; any other is compared with the ETags.
        """
        attempt, session = earlier.attempt, earlier.attempt.session
        sure = earlier.checkpoint.is_surely_of(attempt)
        if sure and not earlier.verify:
            return await earlier.go_on(known_only=False)
        slices = Slices(session.total_size, session.chunk_size)
        proof = await compare(self.source, slices, tuple(attempt.stored.values()), self._threads)
        if proof.proven and proof.refuted:
            if not sure:
                why = f"chunk {min(proof.refuted)} is stored with another content"
                raise another_file(self.source.name, session.upload_id, why)
            raise SessionEndedError(session.upload_id, "holds chunks that are corrupt")
        if proof.refuted and not sure:
            raise SessionEndedError(session.upload_id, INCOMPARABLE)
        opened = await earlier.go_on(known_only=earlier.known_only and not sure)
        return evolve(opened, refuted=proof.refuted)


@frozen(eq=False, repr=False)
class StreamInChunks:
    """What is read once, in order.

    Attributes:
        source: The chunks of it that are in memory.
        has_content_key: Whether its content identifies the upload: it is not known before.
    """

    source: StreamChunks
    has_content_key = False

    async def identify(self) -> ContentIdentity:
        """Return its size, which is all that is known of it."""
        return ContentIdentity(f"a stream of {self.source.size} bytes")

    @asynccontextmanager
    async def digest(self, slices: Slices) -> AsyncGenerator[WholeDigest]:
        """Return the digest that is made as it is read; see ``SourceInChunks``."""
        yield StreamDigest(self.source, slices)

    def feed(self, ledger: Ledger) -> ChunkFeed:
        """Return a feed that reads it in order."""
        return StreamFeed(ledger, self.source)

    def md5_of(self, index: int) -> str | None:
        """Return the MD5 of a chunk that was read; see ``SourceInChunks``."""
        return self.source.hashes.md5_of(index)

    async def resume(self, earlier: Earlier) -> OpenedSession:
        """Go on with a session whose chunks are compared as it is read; see ``SourceInChunks``."""
        attempt = earlier.attempt
        expected = _md5s_of(attempt)
        if len(expected) < len(attempt.stored):
            raise SessionEndedError(attempt.session.upload_id, INCOMPARABLE)
        opened = await earlier.go_on(known_only=True)
        if not opened.ledger.complete or self.source.hashes.whole:  # it is read
            self.source.hashes.expected = {
                index: md5 for index, md5 in expected.items() if index not in opened.void
            }
        return opened


def _md5s_of(attempt: PreviousAttempt) -> Mapping[int, str]:
    """Return the MD5s of the stored chunks whose MD5s are known, in hexadecimal."""
    etags = {index: chunk.proof.lower() for index, chunk in attempt.stored.items()}
    return {index: etag for index, etag in etags.items() if is_md5(etag)} | dict(attempt.md5s)


@frozen(eq=False, repr=False)
class InChunks:
    """Opens sources to be sent in chunks.

    Attributes:
        most_held: Chunks of a stream in memory at once, at most.
        with_digest: Whether the SHA-256 of the whole is wanted.
        with_md5s: Whether the MD5s of a stream's chunks are noted.
    """

    _threads: Threads
    _memory: StreamMemory
    most_held: int
    with_digest: bool
    with_md5s: bool

    @contextmanager
    def open(self, source: Source | Stream) -> Generator[SourceInChunks]:
        """Return how ``source`` is sent; nothing of it is in memory any more after the block.

        Raises:
            SourceError: It is a stream of unknown size.
        """
        if isinstance(source, Stream):
            with closing(self._cut(source)) as chunks:
                yield StreamInChunks(chunks)
        elif isinstance(source, RangeReader):
            with closing(RangeChunks(source, self._memory)) as ranges:
                yield FileInChunks(
                    ranges,
                    self._threads,
                    self.with_digest,
                    lambda ledger: RangeFeed(ledger, ranges),
                )
        else:
            yield FileInChunks(source, self._threads, self.with_digest)

    def _cut(self, stream: Stream) -> StreamChunks:
        if stream.size is None:
            raise SourceError(f"{stream.name} cannot be sent in chunks: its size is not known")
        whole = hashlib.sha256() if self.with_digest else None
        return StreamChunks(
            stream,
            stream.size,
            ChunkRoom(self._memory, self.most_held),
            StreamHashes(self._threads, whole, self.with_md5s),
        )
