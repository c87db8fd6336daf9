"""Parse the platform's answers into values or errors, without the API key.

A server may echo the key, as it is or as JSON spells it. So it is taken out of every text here.
"""

import logging
from collections.abc import Mapping
from json import dumps
from typing import Any, Generic, TypeVar, cast

from attrs import field, frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.redaction import printable, scrub
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http import json_text
from twelvelabs_async._http.retries import retry_after
from twelvelabs_async._http.structure import structure_answer
from twelvelabs_async.errors import (
    ApiError,
    InvalidResponseError,
    TooManyRequestsError,
)
from twelvelabs_async.errors._api import error_class
from twelvelabs_async.models.error_codes import ErrorCode

logger = logging.getLogger("twelvelabs_async")

T = TypeVar("T")

LARGEST_ERROR = 2**20
"""Bytes of an error's body that are read; the platform's have a few hundred."""

_LONGEST_ID = 100
_LONGEST_QUOTE = 500
_OK = range(200, 300)


@frozen
class ApiResponse(Generic[T]):
    """An answer of the platform: its values, status and headers.

    Attributes:
        data: The answer's values.
        status_code: The HTTP status.
        headers: The answer's headers, lower-case names.
    """

    data: T
    status_code: int
    headers: Mapping[str, str] = field(repr=False)


@frozen
class AnswerSubject:
    """What an answer has to be about.

    Attributes:
        field: The field of the answer's model that names it.
        id: What was asked for.
    """

    field: str
    id: str

    def other(self, data: Any) -> str | None:
        """Return the problem where an answer names something else; None: it does not."""
        named: str | None = getattr(data, self.field)
        if not named or named == self.id:
            return None
        return f"the answer is about {named[:_LONGEST_ID]!r}, not {self.id!r}"


@frozen
class RawResponse:
    """An answer as it came: it may hold presigned URLs. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def good(self) -> bool:
        """Whether the status is one of success (2xx)."""
        return self.status in _OK


@frozen(eq=False, repr=False)
class ResponseParser(Unpicklable):
    """Parses the answers to requests that carried the API key."""

    _secrets: tuple[str, ...] = field(repr=False)
    _warned: set[str] = field(factory=set[str], init=False)
    """The fields that were logged for being of another type than they should be."""

    @classmethod
    def of(cls, api_key: str) -> "ResponseParser":
        """Return a parser that takes the API key out, also as JSON spells it."""
        return cls((api_key, dumps(api_key)[1:-1]))

    def values(
        self,
        kind: type[T],
        response: RawResponse,
        request: str,
        subject: AnswerSubject | None = None,
    ) -> ApiResponse[T]:
        """Return a good answer as ``kind``.

        Args:
            kind: The model of the answer.
            response: The answer.
            request: The request's name.
            subject: What the answer must be about; None: anything.

        Raises:
            InvalidResponseError: It is not what the platform documents, or is about something else.
        """
        try:
            data, odd = structure_answer(json_text.parse(response.body), kind)
        except ValueError as error:
            problem = str(error)
        else:
            if odd:
                self._warn(odd, request)
            other = None if subject is None else subject.other(data)
            if other is None:
                return ApiResponse(data, response.status, self._scrubbed(response.headers))
            problem = other
        raise InvalidResponseError(
            status_code=response.status,
            headers=self._scrubbed(response.headers),
            message=f"not as documented: {self.scrubbed(problem)}",
            request=request,
        )

    def _warn(self, odd: Mapping[str, str], request: str) -> None:
        """Log what was left out of the answer to ``request``, each field once."""
        new = {name: problem for name, problem in odd.items() if name not in self._warned}
        self._warned.update(new)
        if new:
            text = "the answer to %s is not as documented; ignored, since nothing needs it: %s"
            logger.warning(text, request, self.scrubbed("; ".join(new.values())))

    def nothing(self, response: RawResponse) -> ApiResponse[None]:
        """Return a good answer of which only status and headers matter; its body is not parsed."""
        return ApiResponse(None, response.status, self._scrubbed(response.headers))

    def endless(self, request: str, most: int) -> InvalidResponseError:
        """Return the error for an answer of more than ``most`` bytes, to ``request``."""
        text = f"not as documented: the answer is larger than {most} bytes"
        return InvalidResponseError(message=text, request=request)

    def error(self, response: RawResponse, request: str) -> ApiError:
        """Return the error that the answer to ``request`` stands for; any answer can be one."""
        text = self._beginning(response.body)
        try:
            body = self._scrubbed_json(json_text.parse(text.encode()))
        except (ValueError, RecursionError):
            body = text
        fields = cast("dict[str, object]", body) if isinstance(body, dict) else {}
        code, message = fields.get("code"), fields.get("message")
        error = error_class(response.status)(
            status_code=response.status,
            headers=self._scrubbed(response.headers),
            body=body,
            code=ErrorCode(code) if isinstance(code, str) else None,
            message=message if isinstance(message, str) else _default_message(response, text),
            request=request,
            retry_after=retry_after(response.status, response.headers, clock.utcnow()),
        )
        if isinstance(error, TooManyRequestsError):
            _add_limits(error)
        return error

    def _beginning(self, body: bytes) -> str:
        """Return an error's body, or the beginning of one that is longer than any should be."""
        text = self.scrubbed(body[:LARGEST_ERROR].decode("utf-8", "replace"))
        if len(body) <= LARGEST_ERROR:
            return text
        return text[: -max(map(len, self._secrets))]  # it may end in the middle of the key

    def scrubbed(self, text: str) -> str:
        """Return ``text`` without the API key and without unpaired surrogates."""
        return scrub(printable(text), self._secrets)

    def _scrubbed(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self.scrubbed(value) for name, value in headers.items()}

    def _scrubbed_json(self, value: Any) -> Any:
        """Return a JSON value without the API key, which JSON may have spelt with escapes."""
        if isinstance(value, str):
            return self.scrubbed(value)
        if isinstance(value, list):
            items = cast("list[object]", value)
            return [self._scrubbed_json(item) for item in items]
        if isinstance(value, dict):
            pairs = cast("dict[str, object]", value).items()
            return {self._scrubbed_json(k): self._scrubbed_json(v) for k, v in pairs}
        return value


def _add_limits(error: TooManyRequestsError) -> None:
    if error.limit is not None:
        error.advised(f"the limit is {error.limit} requests")
    if error.retry_after is not None:
        error.advised(f"try again in {error.retry_after:.0f} s")


def _default_message(response: RawResponse, text: str) -> str:
    """Return a message for an error without one: that it redirects, or how its body begins."""
    if "location" in response.headers:
        return "a redirect, which is not followed: the API key would go along; check base_url"
    return " ".join(text[: 4 * _LONGEST_QUOTE].split())[:_LONGEST_QUOTE]
