"""Decide what the store's answer to a PUT means for the chunk, and for others before it."""

from attrs import define

from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.resume.comparison import Comparison
from twelvelabs_async.models.uploads import CompletedChunk


@define(eq=False, repr=False)
class Acceptance:
    """Moves chunks in the ledger as their ETags come in.

    Attributes:
        check: What is known of the store's ETags.
    """

    _ledger: Ledger
    check: EtagCheck
    _comparison: Comparison

    def take(
        self, piece: Slice, etag: str, md5: str | None, began: int
    ) -> tuple[CompletedChunk, ...]:
        """Note that the store has answered, and return the chunks that can be relied on since.

        These are none where the ETag proves nothing yet, and several where it settles what was
        open for chunks before.

        Args:
            piece: The chunk.
            etag: Its ETag, bare.
            md5: Of what was sent, in hexadecimal; None: it was not computed.
            began: The source's version when the first byte of the chunk was read.

        Raises:
            ChunkCorruptedError: The store holds something else than was sent.
            SessionCorruptedError: Something that was relied on is corrupt.
        """
        verified = self.check.judge(piece.index, etag, md5)
        self._comparison.note(piece.index, etag, md5, began)
        if not verified:
            self._ledger.hold_back(piece, etag)
            return ()
        if self.check.proven:
            self._ledger.requeue_unverified()
        accepted = self._ledger.accept_unverified() if self.check.given_up else ()
        return *accepted, self._ledger.store(piece, etag)
