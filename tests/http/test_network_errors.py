"""What a foreign network exception is called."""

import asyncio
import errno
import ssl

import aiohttp
import pytest
from support.calls import ask, tls
from support.server import listening

from twelvelabs_async import ApiConnectionError, AsyncTwelveLabs
from twelvelabs_async._http.network_errors import reason


async def _handshake(
    secured: ssl.SSLObject,
    there: ssl.MemoryBIO,
    back: ssl.MemoryBIO,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    while True:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            writer.write(back.read())
            there.write(await reader.read(2**16))
        else:
            writer.write(back.read())
            return


async def test_garbage_inside_tls_is_told_as_such() -> None:
    """OpenSSL's numbers are none of the system's: its first is no 'operation not permitted'."""
    theirs, ours = tls()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = theirs.wrap_bio(there, back, server_side=True)
        await _handshake(secured, there, back, reader, writer)
        if not there.pending:  # else the request came with the end of the handshake
            await reader.read(2**16)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read()

    async with (
        listening(serve) as where,
        AsyncTwelveLabs("key", f"https://{where}", ssl=ours, max_retries=0) as client,
    ):
        with pytest.raises(ApiConnectionError, match=r": TLS: [A-Z_]+$"):
            await ask(client)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiohttp.ClientOSError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)"),
         "TLS: WRONG_VERSION_NUMBER"),
        (aiohttp.ClientOSError(1, "[X509: KEY_VALUES_MISMATCH] no (_ssl.c:1)"),
         "TLS: KEY_VALUES_MISMATCH"),
        (aiohttp.ClientOSError(8, "EOF occurred in violation of protocol (_ssl.c:1)"),
         "TLS: the other side closed the connection"),
        (aiohttp.ClientOSError(errno.EPERM, "Operation not permitted"), "operation not permitted"),
        (aiohttp.ClientOSError(errno.EPIPE, "Can not write request body for http://x/?[SSL: A]"),
         "broken pipe"),
        (aiohttp.ClientOSError(errno.ECONNRESET, None), "connection reset by peer"),
        (OSError(), "the connection was lost (OSError)"),
    ],
)  # fmt: skip
def test_an_error_s_number_is_read_where_it_is_the_system_s(error: OSError, words: str) -> None:
    """And no text is passed on that may hold a URL."""
    assert reason(error) == words
