"""Send one request once, and return the platform's answer as it came, or why there was none."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus

import aiohttp
from attrs import frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.descriptors import are_lacking
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.attempt import CONNECT_TIMEOUT, Attempt, StrayAnswerError
from twelvelabs_async._http.network_errors import is_network_error, reason
from twelvelabs_async._http.request import ApiRequest
from twelvelabs_async._http.response import RawResponse, ResponseParser
from twelvelabs_async._http.sessions import HttpSessions
from twelvelabs_async._http.stray_answers import CheckedBytes
from twelvelabs_async.errors import ApiConnectionError, ApiTimeoutError, InvalidArgumentError

logger = logging.getLogger("twelvelabs_async")

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes; a page of 50 items is a thousandth of it."""

LARGE_BODY = 64 * 1024
"""Bytes of an answer from which it is read in a thread: smaller ones take some milliseconds."""

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
"""For one address. ``Attempt`` bounds the whole request, without the time in a pool's queue."""

Watch = Callable[[Attempt], AbstractContextManager[object]]
"""Returns a ``with`` block in which an attempt that makes no progress is ended."""


def unwatched(_: Attempt) -> AbstractContextManager[object]:
    """Return a block that ends nothing: the attempt's own timeout is enough."""
    return nullcontext()


@frozen(eq=False, repr=False)
class Exchanger(Unpicklable):
    """Exchanges one request for one answer, over the sessions of one client.

    Attributes:
        base_url: Where the platform is, for texts.
        parser: Takes the API key out of texts.
    """

    _sessions: HttpSessions
    base_url: str
    parser: ResponseParser

    async def exchange(
        self, request: ApiRequest, session: aiohttp.ClientSession, watch: Watch = unwatched
    ) -> RawResponse:
        """Send a request once, and return the answer to it.

        Raises:
            ApiConnectionError: The platform gave no answer; or ``watch`` saw no progress.
            ClientClosedError: The client was closed meanwhile.
            InvalidResponseError: The answer is larger than ``LARGEST_ANSWER``.
            InvalidArgumentError: aiohttp refuses to send it.
        """
        data = CheckedBytes(request.body) if isinstance(request.body, bytes) else request.body
        attempt = self._sessions.attempt(
            request.url,
            None if request.streamed else request.timeout,
            body_checks=data is not None,
        )
        try:
            async with attempt:
                with watch(attempt):
                    async with session.request(
                        request.method,
                        request.url,
                        data=data,
                        headers=request.headers,
                        timeout=_TIMEOUT,
                        allow_redirects=False,
                        raise_for_status=False,
                        auto_decompress=True,
                        proxy=attempt.proxy.url,
                        proxy_headers=attempt.proxy.headers,
                    ) as response:
                        attempt.check(response.status)
                        attempt.check_idle(response)
                        if attempt.reused and isinstance(data, CheckedBytes) and not data.begun:
                            raise StrayAnswerError
                        body = await _read_whole(response)
                        if response.status == HTTPStatus.MISDIRECTED_REQUEST:
                            attempt.note_misdirected()
            headers = {name.lower(): value for name, value in response.headers.items()}
            logger.debug("%s answered %d", request.name, response.status)
            return RawResponse(response.status, headers, body)
        except Exception as error:  # noqa: BLE001 - a closed session fails in many ways
            failure = self._failure(request, error, session, attempt)
        if isinstance(failure, ApiConnectionError):
            failure.stale_connection = attempt.stale
        logger.debug("%s failed: %s", request.name, failure)
        raise failure

    def _failure(
        self,
        request: ApiRequest,
        error: Exception,
        session: aiohttp.ClientSession,
        attempt: Attempt,
    ) -> Exception:
        """Return what ``error`` means to the caller; itself, where it is a mistake of ours."""
        if session.closed or self._sessions.closed:
            return self._sessions.closed_before(f"{request.name} was answered")
        if is_network_error(error):
            return self._no_answer(request, error, attempt)
        if isinstance(error, _EndlessAnswerError):
            return self.parser.endless(request.name, LARGEST_ANSWER)
        if isinstance(error, ValueError):  # such as credentials given in two places
            problem = self.parser.scrubbed(str(error))
            return InvalidArgumentError(f"{request.name} cannot be sent: {problem}")
        return error

    def _no_answer(
        self, request: ApiRequest, error: BaseException, attempt: Attempt
    ) -> ApiConnectionError:
        if attempt.overdue is not None:
            text = f"no answer from {self.base_url} to {request.name}: {attempt.overdue}"
            return ApiTimeoutError(text)
        if isinstance(error, TimeoutError) and request.timeout is not None:
            what = "byte was taken and no answer came" if request.streamed else "answer came"
            text = f"no {what} from {self.base_url} to {request.name} in {request.timeout:g} s"
            return ApiTimeoutError(text)
        text = f"no answer from {self.base_url} to {request.name}: {reason(error)}"
        failure = ApiConnectionError(text)
        failure.lacks_descriptors = are_lacking(error)
        return failure


class _EndlessAnswerError(Exception):
    """An answer is larger than any that the platform documents."""


async def _read_whole(response: aiohttp.ClientResponse) -> bytes:
    """Read the body of an answer to its end.

    Raises:
        _EndlessAnswerError: It is larger than ``LARGEST_ANSWER``.
    """
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise _EndlessAnswerError
        if len(body) > LARGE_BODY:
            await clock.sleep(0)  # bytes that have arrived, or are unpacked, come without a pause
    return bytes(body)
