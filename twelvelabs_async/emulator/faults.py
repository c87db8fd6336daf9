"""Scripted faults, and the count of what they did.

Pure: this module decides which fault a request meets, and counts it; ``origin.py`` and the two apps
carry it out. A fault hits only a request that would have been let in: the API key is right, the
presigned URL and its headers are accepted. So a fault that was hit proves that the client had done
its part.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from attrs import Factory, define, frozen

from twelvelabs_async.emulator.answers import error_json, error_xml
from twelvelabs_async.emulator.records import Ending
from twelvelabs_async.emulator.routing import API_ROUTES

When = Literal["before", "middle", "after"]
Payload = dict[str, Any]


@frozen
class Answer:
    """Answer this instead of handling the request; nothing takes effect.

    A header whose value is a ``timedelta`` is written as the date that is so far from now.
    ``when`` says how much of the request's body is read before the answer: ``after`` all of it,
    ``middle`` half, ``before`` nothing; what still comes is dropped.
    """

    status: int
    headers: Mapping[str, str | timedelta] = Factory(dict[str, str | timedelta])
    body: bytes | str = b""
    content_type: str = "text/plain; charset=utf-8"
    when: When = "after"


@frozen
class Cut:
    """Abort the TCP connection, without an answer.

    ``before``: the body is not read. ``middle``: half of it is. ``after``: the request took full
    effect, so only the answer is lost.
    """

    when: When = "before"


@frozen
class Stall:
    """Fall silent until the client goes away or the emulator closes; ``when`` is as for ``Cut``.

    Reading stops, so the client can send only what buffers on the way take (here about 2 MiB at
    the store and 512 KiB at the API, more in the kernel). While more than that is unsent, TCP does
    not show the emulator that the client went away, and the stall ends with the emulator.
    """

    when: When = "before"


@frozen
class Rewrite:
    """Handle an API request, then alter its JSON answer, an error as well.

    ``fn`` gets the payload, empty where the answer is no JSON, and returns another one, or a text
    or bytes (sent as HTML).
    """

    fn: Callable[[Payload], Payload | str | bytes]


@frozen
class Etag:
    """Store the chunk, then answer with this ``ETag`` header, verbatim; None: with none.

    A function makes it of the right ETag, which it gets bare. ``kept``: it is the chunk's real
    ETag, which a report has to name, bare; as of a store whose ETags are no MD5s. Otherwise the
    header lies.
    """

    value: str | Callable[[str], str] | None
    kept: bool = False

    def header(self, bare: str) -> str | None:
        """Return the header's value for a chunk whose MD5 is ``bare``."""
        return self.value(bare) if callable(self.value) else self.value

    def to_report(self, bare: str) -> str:
        """Return what a report has to name for a chunk whose MD5 is ``bare``."""
        header = self.header(bare) if self.kept else None
        return bare if header is None else header.removeprefix("W/").strip('"')


@frozen
class Corrupt:
    """Store a chunk of which one bit was flipped on the way; its ETag is that of what is stored."""


@frozen
class Expire:
    """Answer a PUT as if its URL had expired."""


@frozen
class Slow:
    """Take the body of a PUT at ``rate`` bytes a second, as over a slow link.

    About 2 MiB, and more in the kernel, are buffered on the way: a chunk that is smaller is sent
    at once, and only its answer is late.
    """

    rate: int


@frozen
class Skew:
    """Set a server's clock wrong by ``by``; the same request may meet another fault as well.

    At the store (``put``), this clock decides whether the URL of a signed request has expired.
    Everywhere, the header ``Date`` has its time.
    """

    by: timedelta


@frozen
class EndSession:
    """End the upload session, then handle the request; ``gone`` deletes its asset as well."""

    how: Ending


@frozen
class FailChunk:
    """Store the chunk; once reported, it is marked as failed, until it is sent again."""

    error: str = "The chunk could not be verified."


STORE_ROUTES = ("put", "fetch")
SESSION_ROUTES = ("presigned_urls", "report", "status")
Action = (
    Answer | Cut | Stall | Rewrite | Etag | Corrupt | Expire | Slow | Skew | EndSession | FailChunk
)


def store_error(status: int, code: str, message: str, when: When = "after") -> Answer:
    """Build an ``Answer`` with an error body as S3 writes it."""
    body = error_xml(code, message)
    return Answer(status, body=body, content_type="application/xml", when=when)


def api_error(
    status: int, code: str, message: str, headers: Mapping[str, str | timedelta] | None = None
) -> Answer:
    """Build an ``Answer`` with an error body as the platform's API writes it."""
    body = error_json(code, message)
    return Answer(status, headers=headers or {}, body=body, content_type="application/json")


@define(eq=False, kw_only=True)
class Fault:
    """A fault in the script: which requests it hits, how often, and what happens to them.

    Args:
        route: Of multipart uploads: ``create``, ``presigned_urls``, ``report``, ``status`` or
            ``list``; of assets: ``create_asset``, ``list_assets``, ``asset``, ``delete_asset``,
            ``transcription``, ``update_metadata``, ``replace_metadata`` or ``delete_metadata``; of
            the store: ``put`` or ``fetch``.
        action: What happens.
        chunk_index: Only PUTs of this chunk, counted from 1; None: any request of the route.
        upload_id: Only requests of this session; None: any.
        after: How many matching requests pass before the first one is hit.
        times: How many requests are hit; None: all.

    ``seen`` counts the matching requests, and ``hits`` those that the fault has hit.
    """

    route: str
    action: Action
    chunk_index: int | None = None
    upload_id: str | None = None
    after: int = 0
    times: int | None = 1
    seen: int = 0
    hits: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse a fault that could not happen, for it would prove nothing."""
        routes = _routes(self.action)
        if self.route not in routes:
            raise ValueError(f"{self.action} cannot happen to {self.route!r}, only to {routes}")
        if self.chunk_index is not None and self.route != "put":
            raise ValueError(f"{self.route!r} is not about one chunk; only 'put' is")

    def matches(self, route: str, upload_id: str | None, chunk_index: int | None) -> bool:
        """Whether a request is one that this fault is about."""
        return (
            route == self.route
            and self.upload_id in (None, upload_id)
            and self.chunk_index in (None, chunk_index)
        )

    @property
    def due(self) -> bool:
        """Whether the request just seen is to be hit."""
        return self.seen > self.after and (self.times is None or self.hits < self.times)


def _routes(action: Action) -> tuple[str, ...]:
    """Return the routes at which an action can happen."""
    match action:
        case Rewrite():
            return API_ROUTES
        case Etag() | Corrupt() | Expire() | Slow() | FailChunk():
            return ("put",)
        case EndSession():
            return SESSION_ROUTES
        case Answer() | Cut() | Stall() | Skew():
            return (*API_ROUTES, *STORE_ROUTES)


@define(eq=False)
class Faults:
    """The script of faults; of several faults that are due, the one added first happens."""

    script: list[Fault] = Factory(list[Fault])

    def add(self, fault: Fault) -> Fault:
        """Append a fault and return it, to ask later how often it happened."""
        self.script.append(fault)
        return fault

    def unused(self) -> list[Fault]:
        """Return the faults that never happened."""
        return [fault for fault in self.script if not fault.hits]

    def take(
        self, route: str, upload_id: str | None = None, chunk_index: int | None = None
    ) -> Action | None:
        """Count a request and return what happens to it; None: it is handled as usual."""
        matching = [f for f in self.script if f.matches(route, upload_id, chunk_index)]
        return _next_action([f for f in matching if not isinstance(f.action, Skew)])

    def skew(
        self, route: str, upload_id: str | None = None, chunk_index: int | None = None
    ) -> timedelta:
        """Count a request, and return how far the server's clock is wrong for it."""
        matching = [f for f in self.script if f.matches(route, upload_id, chunk_index)]
        action = _next_action([f for f in matching if isinstance(f.action, Skew)])
        return action.by if isinstance(action, Skew) else timedelta(0)


def _next_action(matching: Sequence[Fault]) -> Action | None:
    for fault in matching:
        fault.seen += 1
    due = next((fault for fault in matching if fault.due), None)
    if due is None:
        return None
    due.hits += 1
    return due.action
