"""Requests to the platform: sent, repeated where that may help, and parsed.

``RequestBuilder`` makes a request, ``Exchanger`` sends it once, and ``ResponseParser`` reads the
answer. In between, a request waits for the rate gate and a slot, and is sent again after 408, 421,
425, 429, most 5xx, no answer, and, where that is harmless, a success that cannot be read.
``retries`` has the rules. Redirects are not followed: they would take the API key along to another
host.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from attrs import define, evolve, field

from twelvelabs_async._core import clock
from twelvelabs_async._core.slots import Slots
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.exchange import LARGE_BODY, Exchanger, Watch
from twelvelabs_async._http.gated_slot import GatedSlot
from twelvelabs_async._http.network_errors import without_frames
from twelvelabs_async._http.rate_gate import RateGate
from twelvelabs_async._http.request import ApiRequest, RequestOptions
from twelvelabs_async._http.request_builder import Params, RequestBuilder
from twelvelabs_async._http.response import AnswerSubject, ApiResponse, RawResponse, ResponseParser
from twelvelabs_async._http.retries import RetryCount, error_after, is_transient
from twelvelabs_async._http.sessions import HttpSessions
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    InvalidResponseError,
    TooManyRequestsError,
    TwelveLabsError,
)

T = TypeVar("T")


@define(eq=False, repr=False)
class Transport(Unpicklable):
    """Sends requests of one client.

    Attributes:
        builder: Makes requests.
        parser: Parses answers.
        slots: Bounds the requests under way at once.
        gate: Holds requests back while the platform refuses the account for its rate.
        waits: Whether requests wait at the gate.
    """

    _sessions: HttpSessions = field(alias="sessions")
    builder: RequestBuilder
    parser: ResponseParser
    _exchanger: Exchanger = field(alias="exchanger")
    slots: Slots
    gate: RateGate = field(factory=RateGate)
    waits: bool = True

    @classmethod
    def of(
        cls,
        *,
        sessions: HttpSessions,
        base_url: str,
        api_key: str,
        timeout: float,
        max_retries: int,
        headers: Mapping[str, str],
        slots: Slots,
        lane: Executor,
    ) -> "Transport":
        """Return the transport of a client.

        ``slots`` bounds the requests under way at once, and the threads of ``lane`` read and write
        large bodies. The other arguments are those of ``RequestBuilder``.
        """
        parser = ResponseParser.of(api_key)
        builder = RequestBuilder(base_url, api_key, timeout, max_retries, headers, lane)
        return cls(sessions, builder, parser, Exchanger(sessions, base_url, parser), slots)

    @property
    def base_url(self) -> str:
        """Where the platform is, without a slash at the end."""
        return self.builder.base_url

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
        subject: AnswerSubject | None = None,
    ) -> ApiResponse[T]:
        """Send a request, again where that may help, and return its answer as ``kind``.

        Args:
            kind: The model of the answer.
            method: ``GET``, ``POST`` and so on.
            path: The path below the base URL; it begins with a slash.
            params: The query; None: none.
            json: The body; None: none.
            options: The caller's settings.
            harmless: As of ``ApiRequest``.
            subject: What the answer must be about; None: anything.

        Raises:
            ApiError: The platform answered with an error, or not as documented.
            ApiConnectionError: It gave no answer at any attempt.
            ClientClosedError: The client is closed, or was closed meanwhile.
            InvalidArgumentError: ``json`` holds what JSON cannot carry, or an option is wrong.
        """
        request = await self.builder.json_request(
            method, path, params, json, options, harmless=harmless
        )
        read = partial(self.parser.values, kind, request=request.name, subject=subject)
        return await self._answered(request, read)

    async def request_no_content(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Mapping[str, Any] | None = None,
        options: RequestOptions | None = None,
        not_found_is_success: bool = False,
    ) -> ApiResponse[None]:
        """Send a request whose answer has no content: its status says that it was carried out.

        The arguments are those of ``request``, and ``not_found_is_success`` of ``ApiRequest``.

        Raises:
            ApiError: The platform answered with an error.
            ApiConnectionError: It gave no answer at any attempt.
            ClientClosedError: The client is closed, or was closed meanwhile.
            InvalidArgumentError: ``json`` holds what JSON cannot carry, or an option is wrong.
        """
        request = await self.builder.json_request(
            method, path, params, json, options, not_found_is_success=not_found_is_success
        )
        return await self._answered(request, self.parser.nothing)

    @without_frames
    async def _answered(
        self, request: ApiRequest, parse: Callable[[RawResponse], ApiResponse[T]]
    ) -> ApiResponse[T]:
        with self._sessions.at_work():
            return await self._retried(request, parse)

    async def parsed(self, response: RawResponse, parse: Callable[[RawResponse], T]) -> T:
        """Return what ``parse`` makes of an answer, a large one in a thread.

        Raises:
            ApiError: As ``parse`` does.
        """
        if len(response.body) < LARGE_BODY:
            return parse(response)
        return await self.builder.in_thread(partial(parse, response))

    async def _retried(
        self, request: ApiRequest, parse: Callable[[RawResponse], ApiResponse[T]]
    ) -> ApiResponse[T]:
        """Return the first good answer, parsed; raise what the last attempt came to."""
        retries, seen_refusals, repeated = self.retry_count(request), self.gate.refusals, False
        while True:
            failure: ApiError | ApiConnectionError
            try:
                response = await self._send(request, seen_refusals)
            except ApiConnectionError as error:
                failure = error
            else:
                if response.good or (repeated and _is_gone(request, response)):
                    try:
                        return await self.parsed(response, parse)
                    except InvalidResponseError as error:
                        # It may end here, and its frames hold the answer, with presigned URLs.
                        failure = error.with_traceback(None)
                else:
                    failure = await self.refusal(response, request)
            repeated = True
            pause = self.pause_after(failure, retries, final=_is_final(request, failure))
            if pause is None:
                raise error_after(retries.failures, failure)
            if pause:
                await self._sessions.until_closed(
                    partial(clock.sleep, pause), f"{request.name} was answered"
                )

    def retry_count(self, request: ApiRequest) -> RetryCount:
        """Return the count of a request that was not sent yet."""
        return RetryCount(request.retries, self._sessions.most_stale)

    def pause_after(
        self, failure: TwelveLabsError, retries: RetryCount, *, final: bool
    ) -> float | None:
        """Count a failed attempt, and return the seconds before the next one; None: give up.

        Args:
            failure: How the attempt ended.
            retries: What the request has cost so far.
            final: Whether another attempt would end the same.
        """
        at_gate = self.waits and isinstance(failure, TooManyRequestsError)
        return retries.after(failure, final=final, at_gate=at_gate)

    async def refusal(self, response: RawResponse, request: ApiRequest) -> ApiError:
        """Return the error that an answer stands for; a 429 closes the gate for all requests."""
        error = await self.parsed(response, partial(self.parser.error, request=request.name))
        if isinstance(error, TooManyRequestsError):
            self.gate.note_refusal(error, clock.monotonic())
        return error

    def gated_slot(
        self, slot: Callable[[], AbstractAsyncContextManager[object]], seen_refusals: int
    ) -> GatedSlot:
        """Return an ``async with`` block that holds a slot and begins while the gate is open.

        A request that waits at the gate holds no slot meanwhile. To enter the block raises
        ``TooManyRequestsError`` where the platform asked for a longer pause than is ever waited,
        and ``ClientClosedError`` where the client was closed meanwhile.

        Args:
            slot: Returns what bounds the requests under way.
            seen_refusals: The gate's ``refusals`` when the request's first attempt began.
        """
        return GatedSlot(self._sessions, self.gate if self.waits else None, slot, seen_refusals)

    @without_frames
    async def send_once(self, request: ApiRequest, watch: Watch) -> RawResponse:
        """Send a request once, and return any answer.

        It gets a new connection, so that no idle one can lose it, unless the connections are a
        user's own.

        Args:
            request: The request.
            watch: Ends the attempt when it makes no progress.

        Raises:
            ApiConnectionError: The platform gave no answer; or ``watch`` saw no progress.
            ClientClosedError: The client was closed meanwhile.
        """
        with self._sessions.at_work():
            return await self._exchanger.exchange(request, self._sessions.single(), watch)

    async def pause(self, seconds: float) -> None:
        """Wait before another attempt.

        Raises:
            ClientClosedError: The client was closed meanwhile.
        """
        await self._sessions.pause(seconds)

    async def _send(self, request: ApiRequest, seen_refusals: int) -> RawResponse:
        async with self.gated_slot(self.slots.acquire, seen_refusals):
            if self._sessions.closed:
                raise self._sessions.closed_before(f"{request.name} was answered")
            return await self._exchanger.exchange(request, self._sessions.control())


def _is_gone(request: ApiRequest, response: RawResponse) -> bool:
    return request.not_found_is_success and response.status == HTTPStatus.NOT_FOUND


def _is_final(request: ApiRequest, failure: ApiError | ApiConnectionError) -> bool:
    """Whether another attempt would end the same, or must not be made."""
    if isinstance(failure, InvalidResponseError):
        return not request.harmless
    return isinstance(failure, ApiError) and not is_transient(failure.status_code or 0)
