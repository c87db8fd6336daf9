"""How a presigned URL goes out: byte for byte, but for what no request can carry."""

import pytest
from support.files import CHUNK_SIZE, MakeFile
from support.server import http, raw_server
from support.virtual_time import utcnow
from yarl import URL

from twelvelabs_async import AsyncTwelveLabs, StorageError, UploadError
from twelvelabs_async.emulator import Emulator, Fault, Rewrite

STORED = http("200 OK", ETag='"e"')


async def sent(url: str, make_file: MakeFile) -> bytes:
    """Upload a chunk to ``url``, in which ``{}`` is the store's host and port.

    Returns:
        The first line and the ``Host`` of the PUT; without the host and port, which is ``{}``.
    """
    async with (
        raw_server(STORED) as server,
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow) as emulator,
    ):
        where = URL(server.url).authority
        chunk = {"chunk_index": 1, "url": url.replace("{}", where)}
        answer = Rewrite(lambda payload: {**payload, "upload_urls": [chunk]})
        emulator.faults.add(Fault(route="create", action=answer))
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
            with pytest.raises(UploadError) as caught:  # it is not the emulator's own store
                await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), max_retries=0)
        if isinstance(caught.value.__cause__, StorageError):
            raise caught.value.__cause__
        assert len(server.requests) == 1
        first, *headers = server.requests[0].split(b"\r\n")
        assert b"Host: " + where.encode() in headers
        return first


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://{}/a?x=1", b"/a?x=1"),
        ("HTTP://{}/A?X=1", b"/A?X=1"),
        ("http://{}/a?x=%2F%2f+%20&&=&y", b"/a?x=%2F%2f+%20&&=&y"),
        ("http://{}/a%zz?x=%&y=%4", b"/a%zz?x=%&y=%4"),
        ("http://{}/a/../b//c/./d?x=1", b"/a/../b//c/./d?x=1"),
        ('http://{}/"<>|^`?x="<>|^`', b'/"<>|^`?x="<>|^`'),
        ("http://{}/a?x=1#part", b"/a?x=1"),
        ("http://{}?x=1", b"/?x=1"),
        ("http://{}", b"/"),
    ],
)
async def test_a_url_is_sent_as_it_was_signed(url: str, target: bytes, make_file: MakeFile) -> None:
    """Nothing is quoted, unquoted or put in order."""
    assert await sent(url, make_file) == b"PUT " + target + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://{}/a b?x=c d", b"/a%20b?x=c%20d"),
        ("http://{}/a\tb?x=\t", b"/a%09b?x="),
        ("http://{}/a?x=\tb", b"/a?x=%09b"),
        (" \thttp://{}/a?x=1\r\n ", b"/a?x=1"),
        ("http://{}/ü?x=%C3%BC\u20ac", b"/%C3%BC?x=%C3%BC%E2%82%AC"),
        ("http://{}/a?x=\x00\x7f-", b"/a?x=%00%7F-"),
        ("http://{}/a?x=1 HTTP/1.1\r\nb", b"/a?x=1%20HTTP/1.1%0D%0Ab"),
    ],
)
async def test_what_no_request_can_carry_is_quoted(
    url: str, target: bytes, make_file: MakeFile
) -> None:
    """As browsers do; white space around a URL is no part of it."""
    assert await sent(url, make_file) == b"PUT " + target + b" HTTP/1.1"


@pytest.mark.parametrize(
    "url",
    ["", " ", "a", "/a?x=1", "ftp://{}/a", "http://", "http:///a", "http:/{}/a", "http://a b/c",
     "http://a\tb/c", "http://{}x/a", "http://[::1/a", "http://\u00e4\u200b\u0000/", "http://a:0/"],
)  # fmt: skip
async def test_what_is_no_url_is_refused(url: str, make_file: MakeFile) -> None:
    """With our own words, and without the text, which may hold a signature."""
    with pytest.raises(StorageError, match=r"is not an http\(s\) URL as presigned URL") as why:
        await sent(url, make_file)
    assert why.value.chunk_index == 1


async def test_a_host_s_name_may_be_written_in_its_own_letters(make_file: MakeFile) -> None:
    """It is looked up as DNS has it."""
    with pytest.raises(
        StorageError, match=r"cannot resolve the host name 'xn--mller-kva\.invalid'"
    ):
        await sent("http://müller.invalid/a?x=1", make_file)
