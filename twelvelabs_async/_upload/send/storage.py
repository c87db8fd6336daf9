"""PUT one slice to a presigned URL and return its ETag.

The URL goes out byte for byte as it was signed, with the headers that the platform named and an
exact ``Content-Length``; no redirect is followed. Foreign exceptions end here. A body has no total
timeout. Instead, a watch ends an attempt when no byte was taken and no whole answer came for
``stall_timeout`` seconds. aiohttp's ``sock_read`` cannot do this: it counts while the body still is
in kernel buffers, and ends slow uploads that are healthy.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
from attrs import define, field
from yarl import URL

from twelvelabs_async._core.descriptors import are_lacking
from twelvelabs_async._core.redaction import printable
from twelvelabs_async._http.attempt import Attempt, StrayAnswerError
from twelvelabs_async._http.network_errors import is_network_error, reason, without_frames
from twelvelabs_async._http.sessions import HttpSessions
from twelvelabs_async._upload.plan.slices import Slice
from twelvelabs_async._upload.send.body import BodyResources, do_nothing
from twelvelabs_async._upload.send.refusals import StoreAnswer
from twelvelabs_async._upload.send.repetitions import Repetitions
from twelvelabs_async._upload.send.slice_body import HashedBody, SliceBody
from twelvelabs_async._upload.send.stall_watch import StallWatch
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async.errors import (
    ClientClosedError,
    StorageConnectionError,
    StorageError,
)

_LONGEST_ANSWER = 64 * 1024
_LONGEST_PHRASE = 200
_OK = range(200, 300)
_WHITE = " \t\r\n\f\v"
_UNSENDABLE = re.compile(r"[^\x21-\x7e]+")


@define(eq=False, repr=False)
class Storage:
    """The way to the object store, shared by all uploads of a client.

    Attributes:
        stall_timeout: Seconds without a byte taken or an answer that end an attempt; None: never.
    """

    _sessions: HttpSessions
    stall_timeout: float | None
    _bodies: BodyResources
    _repetitions: Repetitions = field(factory=Repetitions, init=False)

    @property
    def most_dead(self) -> int:
        """How many connections in a row may turn out to be dead; see ``HttpSessions``."""
        return self._sessions.most_stale

    def body(
        self,
        source: Source,
        piece: Slice,
        *,
        hashed: bool = False,
        when_sent: Callable[[], None] = do_nothing,
        when_stuck: Callable[[], None] = do_nothing,
    ) -> SliceBody:
        """Return the body of one attempt; nothing is read before it is sent.

        Args:
            source: The file.
            piece: Which bytes of it.
            hashed: Whether to compute the MD5 of what is sent.
            when_sent: Called once every byte was handed to the transport.
            when_stuck: Called each time that the file was waited for for ``STUCK_SECONDS``.
        """
        kind = HashedBody if hashed else SliceBody
        return kind(source, piece, self._bodies, when_sent=when_sent, when_stuck=when_stuck)

    @without_frames
    async def put(self, url: str, headers: Mapping[str, str], body: SliceBody) -> str:
        """Send ``body`` to a presigned ``url`` and return the answer's ETag, bare.

        Cancelled, it leaves no connection: what was half sent is closed.

        Raises:
            StorageError: The store refused, or sent no ETag.
            StorageConnectionError: It gave no answer, or took no byte for ``stall_timeout``.
            SourceError: The source failed.
            ClientClosedError: The client was closed meanwhile.
        """
        session = self._sessions.storage()
        target = _target(url, body.index)
        attempt = self._sessions.attempt(target, stored=True, body_checks=True)
        try:
            answer = await self._exchange(session, target, headers, body, attempt)
        except Exception as error:  # noqa: BLE001 - a closed session fails in many ways
            failure = self._failure(error, session, target, body, attempt)
        else:
            return _etag(answer, body)
        if isinstance(failure, StorageConnectionError):
            failure.stale_connection = attempt.stale
        raise failure

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        target: URL,
        headers: Mapping[str, str],
        body: SliceBody,
        attempt: Attempt,
    ) -> StoreAnswer:
        try:
            async with attempt:
                # to begin a request is as much work as a piece of a body
                await self._bodies.loop_share.take()
                with StallWatch(body, self.stall_timeout, attempt):
                    async with session.put(
                        target,
                        data=body,
                        headers=headers,
                        allow_redirects=False,
                        proxy=attempt.proxy.url,
                        proxy_headers=attempt.proxy.headers,
                    ) as response:
                        answer = await self._understood(response, target, body, attempt)
                return answer
        finally:
            body.abandon()

    async def _understood(
        self, response: aiohttp.ClientResponse, target: URL, body: SliceBody, attempt: Attempt
    ) -> StoreAnswer:
        _check_arrival(response.status, body, attempt)
        attempt.check_idle(response)
        beginning = await _beginning(response)
        if response.status == HTTPStatus.MISDIRECTED_REQUEST:
            attempt.note_misdirected()
            body.drop()
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = StoreAnswer(response.status, headers, beginning, target)
        await self._refuse_repetition(answer, body)
        return answer

    async def _refuse_repetition(self, answer: StoreAnswer, body: SliceBody) -> None:
        """Refuse a success that is the one to the PUT before, over this connection, once more.

        Raises:
            StrayAnswerError: It is.
            SourceError: The chunk had to be read again, and could not.
        """
        if answer.status not in _OK or body.connection is None:
            return
        etag = bare_etag(answer.headers.get("etag", ""))
        repeated = self._repetitions.note(body.connection, answer.headers, etag, body.content)
        if repeated is not False:
            body.drop()  # the true answer may still come
        if repeated is None:
            repeated = self._repetitions.settle(etag, await body.reread_md5(self._bodies.threads))
        if repeated:
            raise StrayAnswerError

    def _failure(
        self,
        error: Exception,
        session: aiohttp.ClientSession,
        target: URL,
        body: SliceBody,
        attempt: Attempt,
    ) -> Exception:
        """Return what ``error`` means to the caller; itself, where it is a mistake of ours."""
        if body.failure is not None:
            return body.failure
        if isinstance(error, ClientClosedError):
            return error
        if session.closed or self._sessions.closed:
            return self._sessions.closed_before(f"chunk {body.index} was stored")
        if not is_network_error(error):
            return error
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return _closed_tunnel(error, target, body.index)
        lost = attempt.overdue or reason(error)
        if (
            attempt.overdue is None
            and isinstance(error, TimeoutError)
            and not isinstance(error, aiohttp.ClientError)
        ):
            lost = f"no byte was taken and no whole answer came for {self.stall_timeout:g} s"
        text = f"no answer from the object store {target.host}: {lost}"
        failure = StorageConnectionError(text, chunk_index=body.index)
        failure.lacks_descriptors = are_lacking(error)
        failure.unsent = body.sent == 0
        return failure


def _closed_tunnel(error: aiohttp.ClientHttpProxyError, target: URL, index: int) -> StorageError:
    """Return what it means that a proxy does not let us through to a store behind TLS."""
    phrase = " ".join(printable(error.message).split())[:_LONGEST_PHRASE]
    return StorageError(
        phrase or "it gave no reason",
        chunk_index=index,
        status_code=error.status,
        answered_by=f"the proxy on the way to {target.host_port_subcomponent}",
    )


def _target(url: str, index: int) -> URL:
    """Return a presigned URL to be sent byte for byte.

    Only what no request can carry is changed, as browsers do, and as it was signed: white space
    around the URL is removed, and a space, a control or a letter beyond ASCII within it is quoted.
    """
    with suppress(ValueError):
        target = URL(_sendable(url.strip(_WHITE)), encoded=True)
        (target.host or "").encode("idna")  # what resolving it would do, and fail at
        if target.scheme in {"http", "https"} and target.host and target.port:
            return target
    problem = "the platform sent something that is not an http(s) URL as presigned URL"
    raise StorageError(problem, chunk_index=index)


def _check_arrival(status: int, body: SliceBody, attempt: Attempt) -> None:
    """Refuse an answer that is not to this PUT, or is a success too early to be one.

    Raises:
        StrayAnswerError: It is to an earlier request over this connection.
        StorageError: It is a success, and the store cannot have the chunk yet.
    """
    stray = attempt.reused and not body.sent
    early = status in _OK and not body.arrived
    if stray or early:
        body.drop()
        if attempt.reused:
            raise StrayAnswerError
        raise StorageError("the store answered before it had the chunk", chunk_index=body.index)


def _sendable(url: str) -> str:
    """Return a URL with what cannot be sent quoted, and its host's name as it is looked up.

    Raises:
        ValueError: The host's name has what no name can have.
    """
    if url.isascii() and url.isprintable() and " " not in url:
        return url  # as nearly every URL is; the pattern would take longer to say so
    scheme, mark, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    host = authority if authority.isascii() else authority.encode("idna").decode()
    if _UNSENDABLE.search(host):
        raise ValueError(host)
    tail = _UNSENDABLE.sub(lambda found: quote(found[0], safe=""), rest[len(authority) :])
    return f"{scheme}{mark}{host}{tail}"


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer, up to a bound: the connection can be used again only when it was read."""
    read = bytearray()
    async for piece in response.content.iter_any():
        read += piece
        if len(read) > _LONGEST_ANSWER:
            break
    return bytes(read)


def _etag(answer: StoreAnswer, body: SliceBody) -> str:
    if answer.status not in _OK:
        raise answer.refusal(body.index)
    header = answer.headers.get("etag", "")
    etag = bare_etag(header) if header.isprintable() else ""
    if not etag:
        raise answer.without_etag(body.index)
    return etag


def bare_etag(header: str) -> str:
    """Return an ETag without quotes and without a weak ``W/``, as it is reported."""
    return header.strip().removeprefix("W/").strip('"')
