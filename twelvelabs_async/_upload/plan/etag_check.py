"""Find out whether the ETags of a store are the MD5s of what was sent. Pure.

S3's ETag of a chunk is its MD5 only under some encryption settings, and a client cannot see which a
bucket has (S3 API reference, "Object", read 2026-11). One match proves that ETags are MD5s: by
chance it happens once in 2**128 times. Before the first match, a mismatch is either a corrupted
chunk, or normal for a store that makes its ETags otherwise. Such a chunk is held back until others
decide:

* After a match, chunks that were held back are sent again, and each later mismatch is a corrupted
  chunk.
* After ``ENOUGH_MISMATCHES`` chunks without a match or, where there are fewer, one chunk that was
  sent twice without one, the store's ETags are taken to be no MD5s, and what was held back is
  accepted.

The second is a guess. A match that comes later proves it wrong and ends the upload. So an asset is
made only if every ETag that could be an MD5 was the right one, or if none was. **A path that
corrupts every single chunk looks like a store whose ETags are no MD5s.**
"""

from collections import Counter
from collections.abc import Collection

from attrs import Factory, define

from twelvelabs_async._upload.plan.md5 import ENOUGH_MISMATCHES, is_md5
from twelvelabs_async.errors import ChunkCorruptedError, SessionCorruptedError


@define
class EtagCheck:
    """What one upload knows of its store's ETags.

    Attributes:
        wanted: Whether MD5s are compared at all.
        matched: Chunks whose ETag is the MD5 of what was sent, by index.
        given_up: Whether the store's ETags are taken to be no MD5s.
        mismatches: How often a chunk was sent whose ETag was another one, before anything was
            known.
    """

    wanted: bool = False
    matched: set[int] = Factory(set[int])
    given_up: bool = False
    mismatches: Counter[int] = Factory(Counter[int])

    @classmethod
    def after(cls, refuted: Collection[int], *, wanted: bool) -> "EtagCheck":
        """Return the check of an upload that goes on where an earlier attempt ended.

        Args:
            refuted: Chunks, by index, whose ETags are not the MD5s of the file's bytes.
            wanted: Whether MD5s are compared at all.
        """
        return cls(wanted, given_up=bool(refuted), mismatches=Counter(refuted))

    @property
    def verified(self) -> int:
        """How many chunks have an ETag that is the MD5 of what was sent."""
        return len(self.matched)

    @property
    def proven(self) -> bool:
        """Whether the store's ETags are MD5s."""
        return bool(self.matched)

    def judge(self, index: int, etag: str, md5: str | None) -> bool:
        """Return whether the ETag of a chunk can be relied on; if not, hold the chunk back.

        Args:
            index: The chunk, from 1.
            etag: The store's ETag of it, bare.
            md5: Of what was sent, in lower-case hexadecimal; None: it was not computed.

        Raises:
            ChunkCorruptedError: The store holds something else than was sent.
            SessionCorruptedError: Something that was relied on is corrupt.
        """
        if md5 is None or not is_md5(etag.lower()):
            return True
        if etag.lower() == md5:
            self._match(index)
            return True
        if self.proven:
            raise ChunkCorruptedError(index, etag, md5)
        return self.given_up or self._mismatch(index)

    def _match(self, index: int) -> None:
        if self.given_up:
            raise SessionCorruptedError(min(self.mismatches))
        self.matched.add(index)

    def _mismatch(self, index: int) -> bool:
        self.mismatches[index] += 1
        self.given_up = len(self.mismatches) == ENOUGH_MISMATCHES or self.mismatches[index] > 1
        return self.given_up
