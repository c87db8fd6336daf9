"""Whether chunks that were stored before are chunks of this file: its bytes against their ETags.

A file that was moved, replaced or written to may differ where no sample was taken. To read the
stored chunks again is far cheaper than to send them, and where ETags are MD5s it proves them.
"""

import hashlib
from collections.abc import Iterable

from attrs import frozen

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.plan.md5 import is_md5
from twelvelabs_async._upload.plan.slices import Slice, Slices
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async.models.uploads import CompletedChunk

READ = 2**20

WORTH_A_THREAD = 16 * 1024
"""Bytes; to hash fewer takes less time than to wake a thread for it."""


@frozen
class Proof:
    """What the comparison showed, by index.

    Attributes:
        proven: Chunks whose ETag is the MD5 of the file's bytes.
        refuted: Chunks whose ETag is another one; it may be no MD5 at all.
    """

    proven: frozenset[int]
    refuted: frozenset[int]


async def compare(
    source: Source, slices: Slices, stored: Iterable[CompletedChunk], threads: Threads
) -> Proof:
    """Compare each stored chunk with the file.

    Raises:
        SourceError: The file cannot be read.
    """
    proven, refuted = set[int](), set[int]()
    for chunk in stored:
        etag = chunk.proof.lower()
        comparable = is_md5(etag)
        same = comparable and etag == await md5_of(source, slices[chunk.chunk_index], threads)
        (proven if same else refuted).add(chunk.chunk_index)
    return Proof(frozenset(proven), frozenset(refuted))


async def md5_of(source: Source, piece: Slice, threads: Threads) -> str:
    """Read a slice of the file, and return its MD5 in hexadecimal.

    Raises:
        SourceError: The file cannot be read.
    """
    digest = hashlib.md5(usedforsecurity=False)
    done = 0
    while done < piece.size:
        view = memoryview(bytearray(min(READ, piece.size - done)))
        count = await source.read_into(view, piece.offset + done)
        if count < WORTH_A_THREAD:
            digest.update(view[:count])
        else:
            await threads.run(digest.update, view[:count])
        done += count
    return digest.hexdigest()
