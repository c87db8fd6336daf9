"""Recognise a file on another day or machine: by its size and a sample of what is in it.

Names and times differ between machines, so the content decides. To read all of 10 GB would take as
long as to send them: sixteen places are read, spread evenly from the first byte to the last.
"""

import hashlib
from collections.abc import Iterator

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.source.protocol import Source

PLACES = 16
PLACE_BYTES = 64 * 1024


def places(size: int) -> Iterator[range]:
    """Yield the bytes that are looked at, of a file of ``size`` bytes; of a small file, all."""
    if size <= PLACES * PLACE_BYTES:
        yield range(size)
        return
    last = size - PLACE_BYTES
    for number in range(PLACES):
        start = last * number // (PLACES - 1)
        yield range(start, start + PLACE_BYTES)


async def sample_of(source: Source, threads: Threads) -> str:
    """Return a digest of the size and the sample, in hexadecimal.

    Raises:
        SourceError: The file cannot be read.
    """
    digest = hashlib.blake2b(str(source.size).encode(), digest_size=20)
    for place in places(source.size):
        await threads.run(digest.update, await _read(source, place))
    return digest.hexdigest()


async def _read(source: Source, place: range) -> bytearray:
    content = bytearray(len(place))
    done = 0
    while done < len(place):
        done += await source.read_into(memoryview(content)[done:], place.start + done)
    return content
