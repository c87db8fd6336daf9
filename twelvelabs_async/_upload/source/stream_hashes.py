"""The hashes of a stream, made chunk by chunk as it is read."""

import hashlib
from collections.abc import Mapping

from attrs import define, field

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.chunk_pieces import ChunkPieces, DigestObject
from twelvelabs_async.errors import SourceChangedError


@define(eq=False, repr=False)
class StreamHashes:
    """Hashes each chunk in a thread.

    Attributes:
        whole: The digest of the stream; None: it is not wanted.
        with_md5s: Whether the MD5 of each chunk is noted, for another attempt to compare.
        expected: The MD5s of chunks that an earlier attempt has stored, by index.
    """

    _threads: Threads
    whole: DigestObject | None
    with_md5s: bool
    expected: Mapping[int, str] = field(factory=dict[int, str], init=False)
    _md5s: dict[int, str] = field(factory=dict[int, str], init=False)

    async def add(self, name: str, index: int, pieces: ChunkPieces) -> None:
        """Hash the next chunk of the stream ``name``, and compare it with what is stored of it.

        Raises:
            SourceChangedError: The stored chunk has another MD5.
        """
        if self.whole is not None:
            await self._threads.run(pieces.hash_with, self.whole)
        expected = self.expected.get(index)
        if not (self.with_md5s or expected):
            return
        md5 = hashlib.md5(usedforsecurity=False)
        await self._threads.run(pieces.hash_with, md5)
        self._md5s[index] = md5.hexdigest()
        if expected not in {None, md5.hexdigest()}:
            raise SourceChangedError(
                f"{name} is another stream than before: chunk {index} is stored with other bytes; "
                "resume=False begins anew",
                chunk_index=index,
            )

    def md5_of(self, index: int) -> str | None:
        """Return the MD5 of a chunk that was read, in hexadecimal; None: it was not computed."""
        return self._md5s.get(index)
