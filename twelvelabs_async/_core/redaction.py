"""Take secrets out of texts for people: reprs, logs and errors."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote

SHORTEST_SECRET = 8
"""Characters; a shorter query value is a part number or a flag, and is left in texts."""


def without_query(url: str | None) -> str | None:
    """Return ``url`` without its query, which holds the signature of a presigned URL."""
    if url is None:
        return None
    base, mark, _ = url.partition("?")
    return f"{base}?…" if mark else base


def repr_without_query(url: str | None) -> str:
    """Return the ``repr`` of a URL that may be presigned; for ``attrs.field(repr=...)``."""
    return repr(without_query(url))


def query_secrets(url: str) -> set[str]:
    """Return every value in the query of ``url`` that may be a secret, raw and decoded."""
    query = url.partition("?")[2]
    raw = {pair.partition("=")[2] for pair in query.split("&")}
    found = raw | {unquote(value) for value in raw} | {value for _, value in parse_qsl(query)}
    return {value for value in found if len(value) >= SHORTEST_SECRET}


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` with each of ``secrets`` replaced by ``[redacted]``, longest first."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[redacted]")
    return text


def printable(text: str) -> str:
    """Return ``text`` with ``?`` for each unpaired surrogate, which nobody can print or send.

    JSON can spell one as an escape, and aiohttp decodes bytes of headers that are not UTF-8 to it.
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
