"""Answers that are wrong somewhere: valid ones of every endpoint, and how hypothesis damages them.

An answer goes wrong in its JSON (a value of another type, a missing key, a number without end), in
its text (cut, not UTF-8, HTML), in its status, in its headers, or as HTTP: lengths that lie, chunks
that break off, encodings that are not there, a connection that closes early or falls silent.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from attrs import field, frozen
from hypothesis import strategies as st

Path = tuple[str | int, ...]


@frozen
class FakeReply:
    """An answer on its way to being bytes.

    Attributes:
        status: What stands after the version in the first line.
        headers: Names and values, but for those that say how long the body is.
        body: The body.
        framing: How the end of the body is told; see ``_framed``.
        silent: Whether the connection stays open after the last byte.
        cut: After how many bytes the answer ends; None: it is whole.
    """

    status: bytes
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    framing: str = "length"
    silent: bool = False
    cut: int | None = field(default=None)

    def raw(self) -> bytes:
        """Return what is sent."""
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in self.headers)
        framing, body = _framed(self.body, self.framing)
        return (b"HTTP/1.1 " + self.status + b"\r\n" + lines + framing + b"\r\n" + body)[: self.cut]


def good(route: str, document: Any) -> FakeReply:
    """Return a valid answer of a route."""
    headers = [(b"Date", b"Thu, 01 Jan 2026 23:00:00 GMT"), (b"Content-Type", b"application/json")]
    if route == "put":
        return FakeReply(b"200 OK", b"", (*headers, (b"ETag", b'"0123456789abcdef"')))
    return FakeReply(
        b"200 OK", b"" if route == "order" else json.dumps(document).encode(), (*headers,)
    )


FRAMINGS = (
    "length", "none", "chunked", "short", "long", "negative", "word", "huge", "twice", "both",
    "bad chunk size", "endless chunk", "no last chunk", "huge chunk", "trailer", "gzip", "deflate",
    "br", "zstd", "unknown encoding", "gzip of nothing", "no blank line",
)  # fmt: skip


def _framed(body: bytes, framing: str) -> tuple[bytes, bytes]:
    """Return the headers that tell how long a body is, and the body as it is sent."""
    size = len(body)
    length = b"Content-Length: %d\r\n"
    chunked, chunk = b"Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n" % (size, body)
    encodings = {"gzip": b"gzip", "deflate": b"deflate", "br": b"br", "zstd": b"zstd"}
    encodings["unknown encoding"] = b"rot13"
    lies: Mapping[str, tuple[bytes, bytes]] = {
        "none": (b"", body),
        "chunked": (chunked, chunk + b"0\r\n\r\n"),
        "short": (length % (size // 2), body),
        "long": (length % (size + 100), body),
        "negative": (length % -5, body),
        "word": (b"Content-Length: many\r\n", body),
        "huge": (b"Content-Length: " + b"9" * 30 + b"\r\n", body),
        "twice": (length % size + length % (size + 1), body),
        "both": (length % size + chunked, chunk + b"0\r\n\r\n"),
        "bad chunk size": (chunked, b"xyz\r\n" + body + b"\r\n0\r\n\r\n"),
        "endless chunk": (chunked, b"%x\r\n%b" % (size + 9, body)),
        "no last chunk": (chunked, chunk),
        "huge chunk": (chunked, b"f" * 40 + b"\r\n" + body),
        "trailer": (chunked, chunk + b"0\r\nETag: \xff\r\nbroken\r\n\r\n"),
        "gzip of nothing": (b"Content-Encoding: gzip\r\n" + length % 0, b""),
        "no blank line": (length % size + b"X", body),
    }
    if framing in encodings:
        return b"Content-Encoding: " + encodings[framing] + b"\r\n" + length % size, body
    return lies.get(framing, (length % size, body))


# How an answer is damaged.

RAW = {
    "@nan@": b"NaN",
    "@inf@": b"-Infinity",
    "@huge@": b"1e999",
    "@digits@": b"9" * 5_000,
    "@deep@": b"[" * 50_000,
    "@deep object@": b'{"a":' * 50_000,
    "@closed deep@": b"[" * 2_000 + b"]" * 2_000,
    "@half@": b'"\\ud800"',
    "@escape@": b'"\\x"',
    "@control@": b'"\x00\x01"',
    "@minus@": b"-",
    "@latin@": b'"caf\xe9"',
}
WEIRD: tuple[Any, ...] = (
    *RAW, None, True, False, 0, -1, 1, 2, 3, 4, 12, 51, 2**31, 2**53, 2**63 - 1, 2**63, 2**64,
    10**30, 0.5, -0.0, 1e308, 5e-324, "", " ", "0", "null", "../x", "a/b", "\u0000",
    "\u2028", "x" * 70_000,
    "ready", "failed", "processing", "completed", "expired", "active", "http://", "http://[::1",
    "https://x.example:99999/", "ftp://x.example/", "http://\u00e4\u200b/", "http://127.0.0.1:1/x",
    "http://127.0.0.1:0/", "//x", "\r\nHost: evil", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "2026-01-01", "24:00", "-1",
    [], {}, [[]], [None], {"": ""}, {"a": {"b": [1]}}, ["x"] * 1_000,
)  # fmt: skip
STATUSES = (
    b"200 OK", b"201 Created", b"204 No Content", b"206 Partial", b"299 Odd", b"301 Moved",
    b"304 Not Modified", b"307 There", b"400 Bad", b"401 Who", b"403 No", b"404 Where", b"408 Late",
    b"409 Busy", b"411 L", b"412 P", b"413 Big", b"418 Tea", b"422 What", b"429 Slow", b"500 Oops",
    b"502 Bad", b"503 Out", b"504 Late", b"599 Odd", b"100 Continue", b"101 Switch", b"103 Hints",
    b"0 None", b"999 Odd", b"-1", b"", b"abc", b"20", b"2000 OK", b"200", b"200 \xff\xfe",
)  # fmt: skip
HEADERS = (
    b"Retry-After", b"Date", b"ETag", b"X-Ratelimit-Reset", b"X-Ratelimit-Limit", b"Location",
    b"Content-Type", b"Content-Encoding", b"Content-Length", b"Transfer-Encoding", b"Connection",
    b"Set-Cookie", b"X-Request-Id", b"x-amz-request-id", b"X-Api-Version", b"Upgrade", b"Trailer",
    b"", b"X y", b"\xff", b"X" * 9_000,
)  # fmt: skip
VALUES = (
    b"", b" ", b"0", b"-1", b"1", b"60", b"119.9", b"1e400", b"nan", b"inf", b"-inf", b"1_0",
    b"9" * 400, b"\xd9\xa1", b"Thu, 01 Jan 2026 23:00:00 GMT", b"Fri, 31 Dec 9999 23:59:59 -2359",
    b"Mon, 01 Jan 0001 00:00:00 +2359", b"Thu, 99 Foo 2026 99:99:99 GMT", b"Thu, 01 Jan 2026",
    b"1 Jan 26 0:0 +9999999999", b"(((((", b"()()(", b",,,,", b'""', b'"', b'W/"x"', b"W/",
    b"\xff\xfe", b"\x00", b"a\rb", b"a\nb", b"\r\n folded", b"x" * 9_000, b"gzip, br", b"identity",
    b"chunked, gzip", b"close", b"upgrade", b"a=b; expires=never; domain=\xff", b"=;=;", b"http://[",
    b"//", b"\t",
    b"text/html; charset=nonsense", b"application/json; charset=utf-16", b"multipart/mixed",
)  # fmt: skip


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the way to each part of a JSON value."""
    yield path
    if isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from places(item, (*path, index))


def replaced(value: Any, path: Path, new: Any) -> Any:
    """Return a JSON value with another part in a place; ``...`` takes the part away."""
    if not path:
        return None if new is ... else new
    copy = value.copy()
    if new is ... and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def dumped(document: Any) -> bytes:
    """Return JSON, with what no JSON library writes where its name stands."""
    text = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"'.encode(), raw)
    return text


@st.composite
def bodies(draw: st.DrawFn, document: Any) -> bytes:
    """Draw JSON that is wrong in one place or two, as a rule in a value."""
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(list(places(document))))
        document = replaced(document, place, draw(st.sampled_from([..., *WEIRD]) | _values()))
    return draw(st.just(dumped(document)) | _mangled(dumped(document)))


def _values() -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    return st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
    )


def _mangled(text: bytes) -> st.SearchStrategy[bytes]:
    """Draw a text that is damaged as text."""
    half = text.decode("utf-8", "replace")
    return st.one_of(
        st.integers(0, len(text)).map(lambda end: text[:end]),
        st.binary(max_size=40),
        st.binary(max_size=5).map(lambda tail: text + tail),
        st.tuples(st.integers(0, len(text)), st.binary(max_size=5)).map(
            lambda spot: text[: spot[0]] + spot[1] + text[spot[0] :]
        ),
        st.sampled_from([
            b"", b" \n", b"<html>502</html>", b"\xef\xbb\xbf" + text, text + text, b"null",
            half.encode("utf-16", "replace"), half.encode("latin-1", "replace"), b"\x1f\x8b" + text,
            b"<Error><Code>SlowDown</Code><Message>&#0;&#xD800;</Message></Error>",
        ]),
    )  # fmt: skip


@st.composite
def replies(draw: st.DrawFn, route: str, document: Any) -> FakeReply:
    """Draw an answer of a route that is damaged in one way or in several."""
    reply = good(route, document)
    ways = draw(st.sets(st.sampled_from(["body", "status", "headers", "http"]), min_size=1))
    body = draw(bodies(document)) if "body" in ways else reply.body
    status = draw(st.sampled_from(STATUSES)) if "status" in ways else reply.status
    extra = st.tuples(st.sampled_from(HEADERS), st.sampled_from(VALUES) | st.binary(max_size=30))
    added = draw(st.lists(extra, min_size=1, max_size=3)) if "headers" in ways else []
    kept = [pair for pair in reply.headers if pair[0] not in {name for name, _ in added}]
    headers = (*kept, *added)
    if "http" not in ways:
        return FakeReply(status, body, headers)
    framing, silent = draw(st.sampled_from(FRAMINGS)), draw(st.booleans())
    whole = FakeReply(status, body, headers, framing, silent)
    cut = draw(st.none() | st.integers(0, min(len(whole.raw()), 2_000)))
    return FakeReply(status, body, headers, framing, silent, cut)
