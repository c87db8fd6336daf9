"""Make an error of an answer to a PUT that is no success.

The store explains itself in XML, of which four fields are taken. Proxies, gateways and captive
portals may answer instead, with a page or a line of text. Any of them may echo the request, so
that every text loses the values of the URL's query, and whatever else looks like a query.
"""

import codecs
import html
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

from attrs import field, frozen
from yarl import URL

from twelvelabs_async._core import clock
from twelvelabs_async._core.redaction import printable, query_secrets, scrub
from twelvelabs_async._http.retries import retry_after
from twelvelabs_async.errors import StorageError

_ERROR_FIELD = re.compile(r"<(Code|Message|RequestId|HostId)>([^<]*)</\1>")
_TITLE = re.compile(r"<title\b[^>]*>([^<]*)<", re.IGNORECASE)
_UNSEEN = re.compile(r"<!--.*?-->|<(script|style|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_QUERY = re.compile(r"\?[^\s\"'<>]*=[^\s\"'<>]*")

_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
"""How zlib unpacks a coding (its ``wbits``); some servers leave out the head of ``deflate``."""

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # it begins as UTF-16's does
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LONGEST_PAGE = 8 * 1024
_LONGEST_QUOTE = 200
_MOSTLY = 0.9
_PROXIES_ALONE = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED,
}
_NO_REASON = "it gave no reason"


@frozen
class StoreAnswer:
    """An answer to a PUT, or its beginning.

    Attributes:
        status: The HTTP status.
        headers: Its headers, lower-case names.
        body: How its body begins.
        url: The presigned URL that was asked, whose query is secret.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: URL = field(repr=False)

    @property
    def host(self) -> str:
        """Who was asked, with the port where it is not the usual one."""
        return self.url.host_port_subcomponent or ""

    def refusal(self, index: int) -> StorageError:
        """Return the error that an answer to the PUT of chunk ``index`` is."""
        text = self._text(self._plain() or b"")
        fields = {
            name: self._scrubbed(html.unescape(said)) for name, said in _ERROR_FIELD.findall(text)
        }
        reason = fields.get("Message") or self._elsewhere() or _NO_REASON
        stranger = None
        if not fields and not self._is_mute_store():
            reason, stranger = f"{self._doubt()}: {self.words() or _NO_REASON}", self.host
        return StorageError(
            reason,
            chunk_index=index,
            status_code=self.status,
            code=fields.get("Code"),
            request_id=fields.get("RequestId") or self._request_id,
            host_id=fields.get("HostId"),
            retry_after=retry_after(self.status, self.headers, clock.utcnow()),
            answered_by=stranger,
        )

    def without_etag(self, index: int) -> StorageError:
        """Return the error that a success without an ETag is."""
        words = self.words()
        if words is None:
            problem = "the store took the chunk but sent no ETag"
        else:
            problem = (
                f"{self.host} answered {self.status} without an ETag: {self._doubt()}: {words}"
            )
        return StorageError(problem, chunk_index=index)

    def words(self) -> str | None:
        """Return the title of a page, or its first words; None where there are none to be read."""
        plain = self._plain()
        if plain is None:
            return None
        text = self._text(plain[:_LONGEST_PAGE])
        if _readable(text) < _MOSTLY:
            return None
        if "<" in text:
            title = _TITLE.search(text)
            shown = (
                title[1] if title and title[1].strip() else _TAG.sub(" ", _UNSEEN.sub(" ", text))
            )
            text = html.unescape(shown)
        text = " ".join(self._scrubbed(text).split())
        if len(text) > _LONGEST_QUOTE:
            text = f"{text[:_LONGEST_QUOTE]}…"
        return text or self._elsewhere()

    def _doubt(self) -> str:
        return "this does not look like the object store, perhaps a proxy on the way"

    def _is_mute_store(self) -> bool:
        """Whether it may be the store that gives no reason."""
        return not self.body and self._request_id is not None and self.status not in _PROXIES_ALONE

    @property
    def _request_id(self) -> str | None:
        return printable(self.headers.get("x-amz-request-id", "")) or None

    def _elsewhere(self) -> str | None:
        return "a redirect, which is not followed" if "location" in self.headers else None

    def _plain(self) -> bytes | None:
        """Return the body unpacked, as far as its beginning goes; None: it cannot be."""
        coding = self.headers.get("content-encoding", "").strip().lower() or "identity"
        if coding == "identity":
            return self.body
        if coding not in _WINDOWS:
            return None
        for window in _WINDOWS[coding]:
            with suppress(zlib.error):
                return zlib.decompressobj(window).decompress(self.body, _LONGEST_PAGE)
        return None

    def _text(self, page: bytes) -> str:
        for mark, charset in _BYTE_ORDER_MARKS.items():
            if page.startswith(mark):
                return page.decode(charset, "replace")
        declared = _CHARSET.search(self.headers.get("content-type", ""))
        declared = declared or _CHARSET.search(page.decode("latin-1"))
        try:
            return page.decode(declared[1] if declared else "utf-8", "replace")
        except (LookupError, ValueError):  # an unknown charset
            return page.decode("utf-8", "replace")

    def _scrubbed(self, text: str) -> str:
        """Return ``text`` without secrets, and without what is no character to be shown."""
        shown = "".join(each if each.isprintable() else " " for each in text)
        return scrub(_QUERY.sub("?…", shown), query_secrets(str(self.url)))


def _readable(text: str) -> float:
    """Return which part of ``text`` people can read, 0 to 1."""
    odd = sum(not (each.isprintable() or each.isspace()) or each == "\ufffd" for each in text)
    return 1 - odd / max(1, len(text))
