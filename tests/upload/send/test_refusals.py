"""A PUT that somebody else answers in the object store's place: who, and in which words."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from support.calls import now, tls
from support.files import MakeFile
from support.proxy import forward_proxy
from support.virtual_time import utcnow
from yarl import URL

from twelvelabs_async import AsyncTwelveLabs, StorageError, UploadError
from twelvelabs_async._upload.send.refusals import StoreAnswer
from twelvelabs_async.emulator import Answer, Emulator, Fault

SIGNATURE = "5ecret/5ignature+of=bytes"
CREDENTIAL = "AKIA5ECRET/20260101/eu/s3/aws4_request"
SIGNED = URL(
    "https://bucket.store.example/chunk/1?X-Amz-Credential=AKIA5ECRET%2F20260101%2Feu%2Fs3%2F"
    "aws4_request&X-Amz-Signature=5ecret%2F5ignature%2Bof%3Dbytes&partNumber=1",
    encoded=True,
)
DOUBT = "this does not look like the object store, perhaps a proxy on the way"
PAGE = """<!DOCTYPE html><html><head><style>b {color: red}</style>
<title>
  Access to this site is blocked &amp; logged &eacute; Example Corp
</title></head><body><script>var a = "b<c";</script><h1>Sorry</h1></body></html>"""


def said(
    body: bytes | str, content_type: str = "text/html", status: int = 407, **headers: str
) -> str:
    """Return the text of the error that an answer is."""
    sent = {"content-type": content_type}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = body.encode() if isinstance(body, str) else body
    return str(StoreAnswer(status, sent, data, SIGNED).refusal(1))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (PAGE, "Access to this site is blocked & logged é Example Corp"),
        ("<TITLE lang='en'>ERROR</TITLE>", "ERROR"),
        ("<html><title></title><body><h1>Too</h1><p>large</p>", "Too large"),
        ("<html><body><!-- <b>secret</b> --><center>413 Request</center>", "413 Request"),
        ("<html><script>var a = 1;</script><p>Log in &lt;here&gt;", "Log in <here>"),
        ("upstream connect error\nor\tdisconnect", "upstream connect error or disconnect"),
        ('{"message": "Forbidden", "code": 7}', '{"message": "Forbidden", "code": 7}'),
        ("word " * 1000, ("word " * 40).rstrip() + " …"),
        ("\x1b[31mthis is red and goes on\x07 \u202eright", "[31mthis is red and goes on right"),
        ("", "it gave no reason"),
        ("<html><body></body></html>", "it gave no reason"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it gave no reason"),
        (gzip.compress(PAGE.encode()), "it gave no reason"),
    ],
)
def test_a_stranger_is_quoted_in_its_own_words(body: bytes | str, words: str) -> None:
    """The title of its page, or the first words; nothing that is garbled or cannot be shown."""
    told = said(body)
    assert told.startswith("bucket.store.example answered 407: ")
    assert " ".join(told.split()) == f"bucket.store.example answered 407: {DOUBT}: {words}"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<title>Zugriff gesperrt: Größe</title>".encode("latin-1"), "text/html; charset=latin-1"),
        ("<title>Größe</title>".encode("utf-16"), 'text/html; charset="UTF-16"'),
        (
            '<meta charset="windows-1252"><title>Größe</title>'.encode("cp1252"),
            "text/html",
        ),
        ("<title>Größe</title>".encode(), "text/html; charset=klingon"),
        ("<title>Größe</title>".encode(), "text/html; charset=hex"),
        ("<title>Größe</title>".encode(), ""),
    ],
)
def test_a_page_may_be_in_any_charset(body: bytes, content_type: str) -> None:
    """The one that the header names, or the page; else UTF-8."""
    assert "Größe" in said(body, content_type)


def cut_gzip(data: bytes) -> bytes:
    return gzip.compress(data)[:-12]


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("pack", "encoding"),
    [
        (gzip.compress, "gzip"),
        (gzip.compress, " GZIP "),
        (cut_gzip, "x-gzip"),
        (zlib.compress, "deflate"),
        (raw_deflate, "deflate"),
    ],
)
def test_a_packed_page_is_unpacked(pack: Callable[[bytes], bytes], encoding: str) -> None:
    """Its beginning: a page of the size of a film is not, and the store's own words as well."""
    packed = pack(PAGE.encode() + b"word " * 10**7)
    tracemalloc.start()
    assert "blocked & logged" in said(packed, content_encoding=encoding)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()
    words = pack(b"<Error><Code>SlowDown</Code><Message>Less, please.</Message></Error>" * 50)
    assert "SlowDown: Less, please." in said(words, content_encoding=encoding)


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=latin-1", ""])
def test_a_byte_order_mark_tells_the_charset(charset: str, content_type: str) -> None:
    """Before the header, which may be somebody's default."""
    assert "Größe" in said("<title>Größe</title>".encode(charset), content_type)
    error = "<Error><Code>SlowDown</Code><Message>Größe</Message></Error>"
    assert "SlowDown: Größe" in said(error.encode(charset), content_type)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_a_compressed_page_is_not_quoted(encoding: str) -> None:
    """Where it cannot be unpacked: its bytes say nothing."""
    told = said("<title>x</title>", content_encoding=encoding)
    assert told.endswith(f"{DOUBT}: it gave no reason")


@pytest.mark.parametrize(
    "echo",
    [
        str(SIGNED),
        str(SIGNED).replace("&", "&amp;"),
        SIGNED.raw_path_qs,
        str(SIGNED).lower(),
        f"signature {SIGNATURE} of {CREDENTIAL}",
        f"{SIGNED.raw_query_string}",
        str(SIGNED)[:-40],
    ],
)
@pytest.mark.parametrize("form", ["<title>blocked: {}</title>", "blocked: {}", '{{"url": "{}"}}'])
def test_what_a_stranger_echoes_of_the_signature_is_not_told(echo: str, form: str) -> None:
    """Proxies like to say which URL they have blocked."""
    told = said(form.format(echo))
    for secret in ("5ecret", "5ignature", "5ECRET"):
        assert secret not in told
    assert DOUBT in told


def test_an_answer_of_the_store_is_told_as_one() -> None:
    """Its XML says who it is; so does its request id where it gives no reason at all."""
    xml = "<Error><Code>AccessDenied</Code><Message>not &lt;you&gt;</Message></Error>"
    assert said(xml, "application/xml", 403) == (
        "the object store answered 403 AccessDenied: not <you>"
    )
    assert said("", "", 503, x_amz_request_id="r1") == (
        "the object store answered 503: it gave no reason (request id r1)"
    )
    assert "407: this does not" in said("", "", 407, x_amz_request_id="r1")


def test_the_store_s_own_pause_is_told() -> None:
    """Seconds, for whoever tries again later."""
    answer = StoreAnswer(503, {"retry-after": "30"}, b"", SIGNED)
    assert answer.refusal(1).retry_after == 30
    assert StoreAnswer(503, {}, b"", SIGNED).refusal(1).retry_after is None


@pytest.mark.parametrize(
    ("status", "puts"), [(407, 1), (413, 1), (511, 1), (403, 1), (502, 3), (503, 3), (504, 3)]
)
async def test_whether_a_stranger_is_asked_again_depends_on_the_status(
    status: int, puts: int, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A gateway that fails may do better next time; a refusal stays one."""
    page = Answer(status, body=PAGE, content_type="text/html")
    emulator.faults.add(Fault(route="put", action=page, times=None))
    with pytest.raises(UploadError) as caught:
        await client.multipart_upload.upload_file(make_file(1), max_retries=2)
    assert emulator.count("put") == puts
    assert caught.value.retryable == (puts > 1)
    host = URL(emulator.store_url).authority
    words = f"chunk 1: {host} answered {status}: {DOUBT}: Access to this site is blocked & logged"
    assert words in str(caught.value)
    assert isinstance(caught.value.__cause__, StorageError)
    assert caught.value.__cause__.answered_by == host


async def test_a_page_with_status_200_is_told_as_a_stranger_s(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A hotel's network: it has no ETag, and did not store anything."""
    page = Answer(200, body=PAGE, content_type="text/html")
    emulator.faults.add(Fault(route="put", action=page, times=None))
    with pytest.raises(UploadError, match="answered 200 without an ETag: this does not look like"):
        await client.multipart_upload.upload_file(make_file(1), max_retries=1)
    assert emulator.count("put") == 2


@pytest.mark.parametrize(("status", "tunnels"), [(407, 1), (403, 1), (502, 3)])
async def test_a_proxy_that_opens_no_tunnel_to_the_store_is_told_as_one(
    status: int, tunnels: int, make_file: MakeFile
) -> None:
    """It is an answer, and no outage: what it refuses for good is not asked for again."""
    theirs, ours = tls()
    async with (
        Emulator(chunk_size=1000, ssl=theirs, now=utcnow) as emulator,
        forward_proxy() as proxy,
        AsyncTwelveLabs(
            emulator.api_key, emulator.base_url, ssl=ours, proxy=str(proxy.url)
        ) as client,
    ):
        proxy.tunnel_refusal = status
        with pytest.raises(UploadError, match=rf"the proxy on the way to .* answered {status}: No"):
            await client.multipart_upload.upload_file(make_file(1), max_retries=2)
        assert [method for method, _ in proxy.seen].count("CONNECT") == tunnels
        assert now() < 10
