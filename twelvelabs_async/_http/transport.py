"""One authenticated request to the platform: JSON in, a typed answer or an error out.

Retries what may succeed next time (408, 429, 5xx, no answer, and, where that is harmless, a success
that cannot be read), obeys the pause that the platform
asks for, and puts the API key on each request. Redirects are not followed: they would take the key
along to another host.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence, Sized
from concurrent.futures import Executor
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    nullcontext,
)
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

import aiohttp
from attrs import Factory, define, evolve, field
from multidict import CIMultiDict
from yarl import URL

from twelvelabs_async._core import clock
from twelvelabs_async._core.descriptors import are_lacking
from twelvelabs_async._core.slots import Slots
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import check_seconds, check_text_or_whole, check_whole
from twelvelabs_async._http import json_text
from twelvelabs_async._http.connections import (
    CONNECT_TIMEOUT,
    Attempt,
    CheckedBytes,
    StrayAnswerError,
)
from twelvelabs_async._http.network_errors import NETWORK_ERRORS, reason, without_frames
from twelvelabs_async._http.rate_gate import RateGate
from twelvelabs_async._http.request import Call, RequestOptions, checked_headers
from twelvelabs_async._http.response import Answer, ApiResponse, ResponseParser
from twelvelabs_async._http.retries import (
    FIRST_BACKOFF,
    LONGEST_OBEYED_PAUSE,
    backoff,
    is_transient,
)
from twelvelabs_async._http.sessions import HttpSessions
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    InvalidArgumentError,
    InvalidResponseError,
    TooManyRequestsError,
    TwelveLabsError,
)

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes; a page of 50 items is a thousandth of it."""

LARGE_BODY = 64 * 1024
"""Bytes of an answer from which it is read in a thread: smaller ones take some milliseconds."""

LARGE_LIST = 500
"""Values in the lists and objects of a request from which it is written in a thread."""

GONE = 404

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
"""Of one address; the bound on the whole request does not count the time in a pool's queue."""

Params = Mapping[str, str | int | Sequence[str]]
"""A query; a list repeats its name."""


class _Flags(TypedDict, total=False):
    harmless: bool
    not_found_is_success: bool


class Watch(Protocol):
    """Makes what ends an attempt that does not get on."""

    def __call__(self, attempt: Attempt, /) -> AbstractContextManager[object]:
        """Return what watches over ``attempt`` in its ``with`` block."""
        ...


@define(eq=False, repr=False)
class Transport(Unpicklable):
    """Sends requests of one client.

    Attributes:
        base_url: Where the platform is, without a slash at the end.
        timeout: Seconds for an attempt, from connecting to the answer's last byte.
        max_retries: Further attempts after the first.
        headers: Sent with every request to the platform, and only there.
        slots: Bounds the requests under way at once.
        lane: Threads for bodies that would hold up the event loop.
        gate: Holds requests back while the platform asks the account to stay away.
        waits: Whether requests wait at the gate.
        reader: Says what an answer means.
    """

    _sessions: HttpSessions = field(alias="sessions")
    base_url: str
    _api_key: str = field(repr=False, alias="api_key")
    timeout: float
    max_retries: int
    headers: Mapping[str, str] = field(repr=False)
    slots: Slots = field(repr=False)
    lane: Executor = field(repr=False)
    gate: RateGate = field(factory=RateGate, repr=False)
    waits: bool = True
    reader: ResponseParser = field(
        default=Factory(lambda self: ResponseParser.of(self._api_key), takes_self=True), init=False
    )

    def urgent(self) -> "Transport":
        """Return a transport of the same client whose requests do not wait at the gate."""
        return evolve(self, waits=False)

    async def request(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Mapping[str, Any] | None = None,
        options: RequestOptions | None = None,
        harmless: bool = False,
    ) -> ApiResponse[T]:
        """Send a request, again where that may help, and return its answer as ``kind``.

        Args:
            kind: What the answer is.
            method: ``GET``, ``POST`` and so on.
            path: Below the base URL, from a slash on.
            params: The query.
            json: The body.
            options: The caller's settings.
            harmless: As of ``Call``.

        Raises:
            ApiError: The platform answered with an error, or not as documented.
            ApiConnectionError: It gave no answer at any attempt.
            InvalidArgumentError: ``json`` holds what JSON cannot carry.
        """
        call = await self._json_call(method, path, params, json, options, harmless=harmless)
        return await self._answered(call, partial(self.reader.values, kind, request=call.name))

    async def order(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Mapping[str, Any] | None = None,
        options: RequestOptions | None = None,
        not_found_is_success: bool = False,
    ) -> ApiResponse[None]:
        """Send a request whose answer says nothing but that it was carried out.

        Args:
            method: As for ``request``, like all but the last.
            path: As for ``request``.
            params: As for ``request``.
            json: As for ``request``.
            options: As for ``request``.
            not_found_is_success: Whether a 404 after a lost answer is a success.

        Raises:
            ApiError: The platform answered with an error.
            ApiConnectionError: It gave no answer at any attempt.
            InvalidArgumentError: ``json`` holds what JSON cannot carry.
        """
        call = await self._json_call(
            method, path, params, json, options, not_found_is_success=not_found_is_success
        )
        return await self._answered(call, self.reader.nothing)

    @without_frames
    async def _answered(
        self, call: Call, read: Callable[[Answer], ApiResponse[T]]
    ) -> ApiResponse[T]:
        with self._sessions.at_work():
            return await self._answer(call, read)

    async def _json_call(
        self,
        method: str,
        path: str,
        params: Params | None,
        json: Mapping[str, Any] | None,
        options: RequestOptions | None,
        *,
        harmless: bool = False,
        not_found_is_success: bool = False,
    ) -> Call:
        flags = _Flags(harmless=harmless, not_found_is_success=not_found_is_success)
        if json is None:
            return self.call(method, path, params=params, options=options, **flags)
        additional = (options or {}).get("additional_body_parameters") or {}
        return self.call(
            method,
            path,
            params=params,
            body=await self._dumped({**json, **additional}),
            content_type="application/json",
            options=options,
            **flags,
        )

    async def _dumped(self, values: Mapping[str, object]) -> bytes:
        inner = [v for v in values.values() if isinstance(v, Sized) and not isinstance(v, str)]
        if sum(map(len, inner)) < LARGE_LIST:
            return json_text.dump(values)
        return await self._in_thread(partial(json_text.dump, values))

    async def understood(self, answer: Answer, read: Callable[[Answer], T]) -> T:
        """Return what ``read`` makes of an answer, a large one in a thread.

        Raises:
            ApiError: As ``read`` does.
        """
        if len(answer.body) < LARGE_BODY:
            return read(answer)
        return await self._in_thread(partial(read, answer))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.lane, work)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: bytes | None = None,
        content_type: str | None = None,
        options: RequestOptions | None = None,
        **flags: Unpack[_Flags],
    ) -> Call:
        """Return a request, checked, with everything that the client adds to it.

        ``flags`` are those of ``Call``.

        Raises:
            InvalidArgumentError: An option can never be right.
        """
        options = options or {}
        additional = options.get("additional_query_parameters") or {}
        for name, value in additional.items():
            check_text_or_whole(f"additional_query_parameters[{name!r}]", value)
        timeout = options.get("timeout_in_seconds")
        retries = options.get("max_retries")
        if timeout is not None:  # 0 would mean to wait for ever, below
            check_seconds("timeout_in_seconds", timeout)
        if retries is not None:
            check_whole("max_retries", retries, 0)
        query = {**(params or {}), **additional}
        url = URL(f"{self.base_url}{path}", encoded=True)
        return Call(
            method=method,
            path=path,
            url=url.update_query(query) if query else url,
            headers=self._headers(content_type, options.get("additional_headers") or {}),
            body=body,
            timeout=self.timeout if timeout is None else timeout,
            retries=self.max_retries if retries is None else retries,
            **flags,
        )

    def _headers(
        self, content_type: str | None, additional: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return the headers of a request; whatever their case, the later one of a name wins."""
        # Checked before there are secrets in this frame.
        checked = checked_headers("additional_headers", additional)
        headers = CIMultiDict(self.headers)
        headers.update(checked)
        if content_type is not None:
            headers["Content-Type"] = content_type
        headers["x-api-key"] = self._api_key
        return headers

    async def _answer(self, call: Call, read: Callable[[Answer], ApiResponse[T]]) -> ApiResponse[T]:
        """Return the first good answer, read; raise what the last attempt came to."""
        arrived, failures, dead, repeated = self.gate.refusals, 0, 0, False
        while True:
            failure: ApiError | ApiConnectionError
            try:
                answer = await self._send(call, arrived)
            except ApiConnectionError as error:
                failure = error
            else:
                if answer.good or (
                    repeated and call.not_found_is_success and answer.status == GONE
                ):
                    try:
                        return await self.understood(answer, read)
                    except InvalidResponseError as error:
                        # It may end here, and its frames hold the answer, with presigned URLs.
                        failure = error.with_traceback(None)
                else:
                    failure = await self.refusal(answer, call)
            repeated = True
            if self.lost_with(failure, dead):
                dead += 1
                continue
            failures += 1
            if failures > call.retries or not _may_retry(call, failure):
                raise self._after(failures, failure)
            delay = self.delay(failure, failures)
            await self._sessions.until_closed(
                partial(clock.sleep, delay), f"{call.name} was answered"
            )

    def lost_with(self, failure: TwelveLabsError, dead: int) -> bool:
        """Whether a request was lost with a dead connection, and is to be sent again at once.

        Args:
            failure: How the attempt ended.
            dead: How many such connections it has met before.
        """
        stale = isinstance(failure, ApiConnectionError) and failure.stale_connection
        return stale and dead < self._sessions.most_dead

    async def refusal(self, answer: Answer, call: Call) -> ApiError:
        """Return the error that an answer to ``call`` is; a 429 closes the gate for all."""
        error = await self.understood(answer, partial(self.reader.error, request=call.name))
        if isinstance(error, TooManyRequestsError):
            self.gate.limited(error, clock.monotonic())
        return error

    def delay(self, failure: TwelveLabsError, failures: int) -> float:
        """Return the seconds to wait before another attempt, beside those at the gate.

        Args:
            failure: How the last attempt ended.
            failures: How many have failed; 1 or more.
        """
        at_the_gate = self.waits and isinstance(failure, TooManyRequestsError)
        asked = 0.0 if at_the_gate else failure.retry_after or 0.0
        return asked + backoff(failures, FIRST_BACKOFF)

    @asynccontextmanager
    async def admitted(
        self, slot: Callable[[], AbstractAsyncContextManager[object]], arrived: int
    ) -> AsyncGenerator[None]:
        """Have a slot for the ``async with`` block, which begins while the gate is open.

        Nobody waits at the gate with a slot that others could use.

        Args:
            slot: Returns what bounds the requests under way.
            arrived: The gate's ``refusals`` when the caller's work began.

        Raises:
            TooManyRequestsError: The platform asked for a longer pause than is ever waited.
            ClientClosedError: The client was closed meanwhile.
        """
        while True:
            if self._must_wait():
                await self._sessions.until_closed(
                    lambda: self.gate.wait(arrived), "the platform took requests again"
                )
            async with slot():
                if self.waits and self.gate.was_closed:
                    self.gate.check(arrived, clock.monotonic())
                if not self._must_wait():
                    yield
                    return

    def _must_wait(self) -> bool:
        return self.waits and self.gate.was_closed and self.gate.closed_for(clock.monotonic()) > 0

    @without_frames
    async def once(self, call: Call, watch: Watch) -> Answer:
        """Send a request once, whatever comes of it, while ``watch`` looks on.

        It gets a new connection, so that no idle one can lose it, unless the connections are a
        user's own.

        Raises:
            ApiConnectionError: The platform gave no answer; or ``watch`` saw no progress.
            ClientClosedError: The client was closed meanwhile.
        """
        with self._sessions.at_work():
            return await self._exchange(call, watch, self._sessions.single())

    async def pause(self, seconds: float) -> None:
        """Wait before another attempt.

        Raises:
            ClientClosedError: The client was closed meanwhile.
        """
        await self._sessions.pause(seconds)

    async def _send(self, call: Call, arrived: int) -> Answer:
        async with self.admitted(self.slots.acquire, arrived):
            if self._sessions.closed:
                raise self._sessions.closed_before(f"{call.name} was answered")
            return await self._exchange(call, _unwatched, self._sessions.control())

    async def _exchange(
        self,
        call: Call,
        watch: Watch,
        session: aiohttp.ClientSession,
    ) -> Answer:
        data = CheckedBytes(call.body) if isinstance(call.body, bytes) else call.body
        attempt = self._sessions.attempt(
            call.url, None if call.streamed else call.timeout, body_checks=data is not None
        )
        try:
            async with attempt:
                with watch(attempt):
                    async with session.request(
                        call.method,
                        call.url,
                        data=data,
                        headers=call.headers,
                        timeout=_TIMEOUT,
                        allow_redirects=False,
                        raise_for_status=False,
                        auto_decompress=True,
                        proxy=attempt.proxy.url,
                        proxy_headers=attempt.proxy.headers,
                    ) as response:
                        attempt.check(response.status)
                        if attempt.reused and isinstance(data, CheckedBytes) and not data.begun:
                            raise StrayAnswerError
                        body = await _whole(response)
                        if response.status == HTTPStatus.MISDIRECTED_REQUEST:
                            attempt.misdirected()
            headers = {name.lower(): value for name, value in response.headers.items()}
            logger.debug("%s answered %d", call.name, response.status)
            return Answer(response.status, headers, body)
        except Exception as error:  # noqa: BLE001 - a closed session fails in many ways
            failure = self._failure(call, error, session, attempt)
        if isinstance(failure, ApiConnectionError):
            failure.stale_connection = attempt.stale
        logger.debug("%s failed: %s", call.name, failure)
        raise failure

    def _failure(
        self, call: Call, error: Exception, session: aiohttp.ClientSession, attempt: Attempt
    ) -> Exception:
        """Return what ``error`` means to the caller; itself, where it is a mistake of ours."""
        if session.closed or self._sessions.closed:
            return self._sessions.closed_before(f"{call.name} was answered")
        if isinstance(error, NETWORK_ERRORS):
            return self._no_answer(call, error, attempt)
        if isinstance(error, _EndlessAnswerError):
            return self.reader.endless(call.name, LARGEST_ANSWER)
        if isinstance(error, ValueError):  # such as credentials given in two places
            return InvalidArgumentError(
                f"{call.name} cannot be sent: {self.reader.scrubbed(str(error))}"
            )
        return error

    def _no_answer(self, call: Call, error: BaseException, attempt: Attempt) -> ApiConnectionError:
        if attempt.overdue is not None:
            text = f"no answer from {self.base_url} to {call.name}: {attempt.overdue}"
            return ApiTimeoutError(text)
        if isinstance(error, TimeoutError) and call.timeout is not None:
            what = "byte was taken and no answer came" if call.streamed else "answer came"
            text = f"no {what} from {self.base_url} to {call.name} in {call.timeout:g} s"
            return ApiTimeoutError(text)
        text = f"no answer from {self.base_url} to {call.name}: {reason(error)}"
        failure = ApiConnectionError(text)
        failure.lacks_descriptors = are_lacking(error)
        return failure

    def _after(self, attempts: int, failure: ApiError | ApiConnectionError) -> Exception:
        if attempts == 1 or isinstance(failure, ApiError):
            return failure
        last = type(failure)(f"{failure} (tried {attempts} times)")
        last.lacks_descriptors = failure.lacks_descriptors
        return last


def _unwatched(_: Attempt) -> AbstractContextManager[object]:
    return nullcontext()


def _may_retry(call: Call, failure: ApiError | ApiConnectionError) -> bool:
    if isinstance(failure, InvalidResponseError):
        return call.harmless
    if isinstance(failure, ApiError) and not is_transient(failure.status_code or 0):
        return False
    return (failure.retry_after or 0.0) <= LONGEST_OBEYED_PAUSE


class _EndlessAnswerError(Exception):
    """An answer is larger than any that the platform documents."""


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer to its end, unless it has none."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise _EndlessAnswerError
        if len(body) > LARGE_BODY:
            await clock.sleep(
                0
            )  # what is here, or is unpacked from a little, comes without a pause
    return bytes(body)
