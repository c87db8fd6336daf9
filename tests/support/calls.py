"""What tests of the control plane share: shorthand for calls, and a look behind an exception."""

import asyncio
import ssl
from collections.abc import Iterator

import aiohttp
import trustme
from yarl import URL

from twelvelabs_async import (
    AsyncTwelveLabs,
    CompletedChunk,
    CreateAssetUploadResponse,
    IncompleteUploadSummary,
    Page,
    RequestOptions,
)
from twelvelabs_async.emulator.exchanges import Exchange


async def ask(
    client: AsyncTwelveLabs, options: RequestOptions | None = None
) -> Page[IncompleteUploadSummary]:
    """Make a GET: list the sessions."""
    return await client.multipart_upload.list_incomplete_uploads(request_options=options)


async def create(
    client: AsyncTwelveLabs, total_size: int = 1500, options: RequestOptions | None = None
) -> CreateAssetUploadResponse:
    """Make a POST: open a session."""
    return await client.multipart_upload.create(
        filename="film.mp4", type="video", total_size=total_size, request_options=options
    )


async def store(session: CreateAssetUploadResponse, total_size: int) -> list[CompletedChunk]:
    """PUT zeros to every URL that came with a session, and return what is to be reported."""
    done: list[CompletedChunk] = []
    async with aiohttp.ClientSession() as http:
        for piece in session.upload_urls:
            size = min(
                session.chunk_size, total_size - (piece.chunk_index - 1) * session.chunk_size
            )
            url = URL(piece.url, encoded=True)
            async with http.put(url, data=bytes(size), headers=session.upload_headers) as answer:
                assert answer.status == 200
                proof = answer.headers["ETag"].strip('"')
                done.append(CompletedChunk(piece.chunk_index, proof, chunk_size=size))
    return done


def headers_of(exchange: Exchange) -> dict[str, str]:
    """Return the headers of a request under lower-case names; none of them came twice."""
    headers = {name.lower(): value for name, value in exchange.headers}
    assert len(headers) == len(exchange.headers)
    return headers


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and everything that it drags along as cause or context."""
    yield error
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield from chain(other)


def assert_ours_alone(error: BaseException) -> None:
    """Fail where a foreign exception, with URL and headers in its attributes, was dragged along."""
    foreign = [e for e in chain(error) if not type(e).__module__.startswith("twelvelabs_async.")]
    assert foreign == []


def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context for 127.0.0.1, and a client's that trusts its private authority."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.configure_cert(server)  # pyright: ignore[reportUnknownMemberType] - OpenSSL's, too
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]
    return server, client


def now() -> float:
    """Return the seconds that have passed on the virtual clock."""
    return asyncio.get_running_loop().time()
