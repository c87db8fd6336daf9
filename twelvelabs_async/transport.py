"""One authenticated request to the platform: JSON in, a typed answer or an error out.

Retries what may succeed next time (408, 429, 5xx, no answer), obeys the pause that the platform
asks for, and is the only place that holds the API key. Redirects are not followed: they would take
the key along to another host.
"""

import asyncio
import logging
import math
import re
from collections.abc import Mapping
from json import dumps
from typing import Any, Generic, TypedDict, TypeVar, cast
from urllib.parse import quote

import aiohttp
from attrs import define, field, frozen
from multidict import CIMultiDict
from yarl import URL

from twelvelabs_async import clock, codec
from twelvelabs_async.border import NETWORK_ERRORS, reason
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    ClientClosedError,
    InvalidArgumentError,
    InvalidResponseError,
    error_class,
)
from twelvelabs_async.redact import scrub
from twelvelabs_async.retries import LONGEST_OBEYED_PAUSE, asked_pause, backoff, is_transient
from twelvelabs_async.sessions import Sessions

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")

FIRST_BACKOFF = 0.5
"""Seconds; the ceiling of the pause after a first failure of a control call."""

_LONGEST_QUOTE = 500
_OK = range(200, 300)
_CONTROL_OR_HALF_CHARACTER = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class RequestOptions(TypedDict, total=False):
    """Settings of one call, under the official SDK's names; what is absent is the client's.

    Attributes:
        timeout_in_seconds: For each attempt.
        max_retries: Further attempts after the first; 0: none.
        additional_headers: Sent with the request.
        additional_query_parameters: Added to the request's query.
        additional_body_parameters: Added to the request's JSON object.
    """

    timeout_in_seconds: float
    max_retries: int
    additional_headers: Mapping[str, str]
    additional_query_parameters: Mapping[str, str | int]
    additional_body_parameters: Mapping[str, Any]


@frozen
class ApiResponse(Generic[T]):
    """An answer of the platform, with what the values alone do not tell.

    Attributes:
        data: The answer's values.
        status_code: The HTTP status.
        headers: The answer's headers, lower-case names.
    """

    data: T
    status_code: int
    headers: Mapping[str, str] = field(repr=False)


@frozen
class _Call:
    """A request as it goes out, the same at each attempt."""

    method: str
    path: str
    url: URL
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: float
    retries: int

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@frozen
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def path_segment(value: str, name: str) -> str:
    """Return an id as one segment of a path.

    Raises:
        InvalidArgumentError: For an id that is empty or would reach another endpoint.
    """
    if not value or value in {".", ".."} or "/" in value:
        raise InvalidArgumentError(f"{name} must be an id without a slash, not {value!r}")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} holds half a character: {value!r}") from None


def checked_seconds(value: float) -> float:
    """Return a timeout.

    Raises:
        InvalidArgumentError: It is none: 0 would mean to wait for ever, below.
    """
    if not (math.isfinite(value) and value > 0):
        raise InvalidArgumentError(f"timeout_in_seconds must be more than 0 s, not {value}")
    return value


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers that can be sent.

    Raises:
        InvalidArgumentError: A name or a value is no text, or would begin another header. Only the
            name is told: the value may be a secret.
    """
    for name, value in headers.items():
        if not (_is_header_text(name) and _is_header_text(value)):
            raise InvalidArgumentError(f"header {name!r} has characters that no header can carry")
    return headers


def _is_header_text(text: object) -> bool:
    return isinstance(text, str) and not _CONTROL_OR_HALF_CHARACTER.search(text)


@define
class Transport:
    """Sends requests of one client.

    Attributes:
        base_url: Where the platform is, without a slash at the end.
        timeout: Seconds for an attempt, from connecting to the answer's last byte.
        max_retries: Further attempts after the first.
        headers: Sent with every request to the platform, and only there.
        slots: Bounds the requests under way at once.
    """

    _sessions: Sessions = field(alias="sessions")
    base_url: str
    _api_key: str = field(repr=False, alias="api_key")
    timeout: float
    max_retries: int
    headers: Mapping[str, str] = field(repr=False)
    slots: asyncio.Semaphore = field(repr=False)

    async def request(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Mapping[str, Any] | None = None,
        options: RequestOptions | None = None,
    ) -> ApiResponse[T]:
        """Send a request, again where that may help, and return its answer as ``kind``.

        Raises:
            ApiError: The platform answered with an error, or not as documented.
            ApiConnectionError: It gave no answer at any attempt.
            InvalidArgumentError: ``json`` holds what JSON cannot carry.
        """
        call = self._call(method, path, params or {}, json, options or {})
        answer = await self._sessions.until_closed(
            lambda: self._answer(call), f"{call.name} was answered"
        )
        try:
            data = codec.structure(codec.parse(answer.body), kind)
        except ValueError as error:
            problem = str(error)
        else:
            return ApiResponse(data, answer.status, self._scrubbed(answer.headers))
        raise self._undocumented(call, answer, problem)

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int],
        json: Mapping[str, Any] | None,
        options: RequestOptions,
    ) -> _Call:
        query = {**params, **(options.get("additional_query_parameters") or {})}
        body = None
        if json is not None:
            body = codec.dump({**json, **(options.get("additional_body_parameters") or {})})
        timeout = options.get("timeout_in_seconds")
        retries = options.get("max_retries")
        return _Call(
            method=method,
            path=path,
            url=URL(f"{self.base_url}{path}", encoded=True).update_query(query),
            headers=self._headers(body, options.get("additional_headers") or {}),
            body=body,
            timeout=self.timeout if timeout is None else checked_seconds(timeout),
            retries=self.max_retries if retries is None else retries,
        )

    def _headers(self, body: bytes | None, additional: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers of a request; whatever their case, the later one of a name wins."""
        headers = CIMultiDict({"Content-Type": "application/json"} if body is not None else {})
        headers.update(self.headers)
        headers.update(checked_headers(additional))
        headers["x-api-key"] = self._api_key
        return headers

    async def _answer(self, call: _Call) -> _Answer:
        """Return the first good answer; raise what the last attempt came to."""
        failures = 0
        while True:
            failure: ApiError | ApiConnectionError
            pause = 0.0
            try:
                answer = await self._send(call)
            except ApiConnectionError as error:
                failure = error
            else:
                if answer.status in _OK:
                    return answer
                failure = self._error(call, answer)
                pause = asked_pause(answer.status, answer.headers, clock.utcnow()) or 0.0
            failures += 1
            if failures > call.retries or not _may_retry(failure, pause):
                raise self._after(failures, failure)
            await clock.sleep(pause + backoff(failures, FIRST_BACKOFF))

    async def _send(self, call: _Call) -> _Answer:
        async with self.slots:
            session = self._sessions.control()
            proxy = self._sessions.proxy_for(call.url)
            try:
                async with session.request(
                    call.method,
                    call.url,
                    data=call.body,
                    headers=call.headers,
                    timeout=aiohttp.ClientTimeout(total=call.timeout),
                    allow_redirects=False,
                    raise_for_status=False,
                    auto_decompress=True,
                    proxy=proxy,
                ) as response:
                    body = await response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                logger.debug("%s answered %d", call.name, response.status)
                return _Answer(response.status, headers, body)
            except Exception as error:  # noqa: BLE001 - a closed session fails in many ways
                failure = self._failure(call, error, session)
        logger.debug("%s failed: %s", call.name, failure)
        raise failure

    def _failure(self, call: _Call, error: Exception, session: aiohttp.ClientSession) -> Exception:
        """Return what ``error`` means to the caller; itself, where it is a mistake of ours."""
        if session.closed or self._sessions.closed:
            return ClientClosedError(f"the client was closed before {call.name} was answered")
        if isinstance(error, NETWORK_ERRORS):
            return self._no_answer(call, error)
        if isinstance(error, ValueError):  # such as credentials given in two places
            return InvalidArgumentError(f"{call.name} cannot be sent: {self._scrub(str(error))}")
        return error

    def _no_answer(self, call: _Call, error: BaseException) -> ApiConnectionError:
        if isinstance(error, TimeoutError):
            text = f"no answer from {self.base_url} to {call.name} in {call.timeout:g} s"
            return ApiTimeoutError(text)
        return ApiConnectionError(f"no answer from {self.base_url} to {call.name}: {reason(error)}")

    def _after(self, attempts: int, failure: ApiError | ApiConnectionError) -> Exception:
        if attempts == 1 or isinstance(failure, ApiError):
            return failure
        return type(failure)(f"{failure} (tried {attempts} times)")

    def _error(self, call: _Call, answer: _Answer) -> ApiError:
        text = self._scrub(answer.body.decode("utf-8", "replace"))
        try:
            body = self._scrubbed_json(codec.parse(text.encode()))
        except ValueError:
            body = text
        told = cast("dict[str, object]", body) if isinstance(body, dict) else {}
        code, message = told.get("code"), told.get("message")
        return error_class(answer.status)(
            status_code=answer.status,
            headers=self._scrubbed(answer.headers),
            body=body,
            code=code if isinstance(code, str) else None,
            message=message if isinstance(message, str) else _without_message(answer, text),
            request=call.name,
        )

    def _undocumented(self, call: _Call, answer: _Answer, problem: str) -> InvalidResponseError:
        return InvalidResponseError(
            status_code=answer.status,
            headers=self._scrubbed(answer.headers),
            message=f"not as documented: {self._scrub(problem)}",
            request=call.name,
        )

    def _scrub(self, text: str) -> str:
        return scrub(text, [self._api_key, dumps(self._api_key)[1:-1]])

    def _scrubbed(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._scrub(value) for name, value in headers.items()}

    def _scrubbed_json(self, value: Any) -> Any:
        """Return a JSON value without the API key, which JSON may have spelt with escapes."""
        if isinstance(value, str):
            return self._scrub(value)
        if isinstance(value, list):
            items = cast("list[object]", value)
            return [self._scrubbed_json(item) for item in items]
        if isinstance(value, dict):
            pairs = cast("dict[str, object]", value).items()
            return {self._scrubbed_json(k): self._scrubbed_json(v) for k, v in pairs}
        return value


def _without_message(answer: _Answer, text: str) -> str:
    """Return what to tell of an error that has no message: where it points, or how it begins."""
    if "location" in answer.headers:
        return "a redirect, which is not followed: the API key would go along; check base_url"
    return " ".join(text.split())[:_LONGEST_QUOTE]


def _may_retry(failure: ApiError | ApiConnectionError, pause: float) -> bool:
    if isinstance(failure, ApiError) and not is_transient(failure.status_code or 0):
        return False
    return pause <= LONGEST_OBEYED_PAUSE
