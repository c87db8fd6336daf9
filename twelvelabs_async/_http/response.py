"""What an answer of the platform means: values, or an error, and never the API key.

A server may echo what it was sent, as it is or as JSON spells it, so that every text that leaves
here has the key taken out.
"""

from collections.abc import Mapping
from json import dumps
from typing import Any, Generic, TypeVar, cast

from attrs import field, frozen

from twelvelabs_async._core import clock
from twelvelabs_async._core.redaction import printable, scrub
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http import json_text
from twelvelabs_async._http.retries import asked_pause
from twelvelabs_async._http.structure import structure
from twelvelabs_async.errors import (
    ApiError,
    InvalidResponseError,
    TooManyRequestsError,
    error_class,
)
from twelvelabs_async.models.error_codes import ErrorCode

T = TypeVar("T")

LARGEST_ERROR = 2**20
"""Bytes of an error's body that are read; the platform's have a few hundred."""

_LONGEST_QUOTE = 500
_OK = range(200, 300)


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
class Answer:
    """An answer as it came, presigned URLs and all; ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def good(self) -> bool:
        """Whether it is no error."""
        return self.status in _OK


@frozen(eq=False, repr=False)
class ResponseParser(Unpicklable):
    """Reads the answers to requests that carried the API key."""

    _secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, api_key: str) -> "ResponseParser":
        """Return a reader that takes the API key out, also as JSON spells it."""
        return cls((api_key, dumps(api_key)[1:-1]))

    def values(self, kind: type[T], answer: Answer, request: str) -> ApiResponse[T]:
        """Return a good answer to ``request`` as ``kind``.

        Raises:
            InvalidResponseError: It is not what the platform documents.
        """
        try:
            data = structure(json_text.parse(answer.body), kind)
        except ValueError as error:
            problem = str(error)
        else:
            return ApiResponse(data, answer.status, self._scrubbed(answer.headers))
        raise InvalidResponseError(
            status_code=answer.status,
            headers=self._scrubbed(answer.headers),
            message=f"not as documented: {self.scrubbed(problem)}",
            request=request,
        )

    def nothing(self, answer: Answer) -> ApiResponse[None]:
        """Return a good answer of which only the status and the headers matter."""
        return ApiResponse(None, answer.status, self._scrubbed(answer.headers))

    def endless(self, request: str, most: int) -> InvalidResponseError:
        """Return the error that an answer of more than ``most`` bytes is."""
        text = f"not as documented: the answer is larger than {most} bytes"
        return InvalidResponseError(message=text, request=request)

    def error(self, answer: Answer, request: str) -> ApiError:
        """Return the error that an answer to ``request`` is."""
        text = self._beginning(answer.body)
        try:
            body = self._scrubbed_json(json_text.parse(text.encode()))
        except (ValueError, RecursionError):
            body = text
        told = cast("dict[str, object]", body) if isinstance(body, dict) else {}
        code, message = told.get("code"), told.get("message")
        error = error_class(answer.status)(
            status_code=answer.status,
            headers=self._scrubbed(answer.headers),
            body=body,
            code=ErrorCode(code) if isinstance(code, str) else None,
            message=message if isinstance(message, str) else _without_message(answer, text),
            request=request,
            retry_after=asked_pause(answer.status, answer.headers, clock.utcnow()),
        )
        if isinstance(error, TooManyRequestsError):
            _tell_limits(error)
        return error

    def _beginning(self, body: bytes) -> str:
        """Return an error's body, or the beginning of one that is longer than any should be."""
        text = self.scrubbed(body[:LARGEST_ERROR].decode("utf-8", "replace"))
        if len(body) <= LARGEST_ERROR:
            return text
        return text[: -max(map(len, self._secrets))]  # it may end within the key

    def scrubbed(self, text: str) -> str:
        """Return ``text`` without the API key, and so that it can be printed."""
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


def _tell_limits(error: TooManyRequestsError) -> None:
    if error.limit is not None:
        error.advised(f"the limit is {error.limit} requests")
    if error.retry_after is not None:
        error.advised(f"come back in {error.retry_after:.0f} s")


def _without_message(answer: Answer, text: str) -> str:
    """Return what to tell of an error that has no message: where it points, or how it begins."""
    if "location" in answer.headers:
        return "a redirect, which is not followed: the API key would go along; check base_url"
    return " ".join(text[: 4 * _LONGEST_QUOTE].split())[:_LONGEST_QUOTE]
