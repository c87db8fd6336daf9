"""Errors of the platform: no answer, and answers that are errors, by their HTTP status."""

from collections.abc import Mapping
from typing import Any

from twelvelabs_async.errors._base import TwelveLabsError


class ApiConnectionError(TwelveLabsError):
    """The platform gave no answer: nothing listens there, the connection broke, or time ran out.

    Attributes:
        stale_connection: Whether a connection broke that had served another request before. It may
            have died long ago, so that its loss says nothing about the network of now.
    """

    stale_connection: bool = False


class ApiTimeoutError(ApiConnectionError, TimeoutError):
    """The platform gave no answer in time."""


class ApiError(TwelveLabsError):
    """The platform answered with an error.

    Attributes:
        status_code: The HTTP status; None where the error does not stand for one answer.
        headers: The answer's headers, lower-case names.
        body: The answer's body: parsed JSON, or text where it is not JSON.
        code: The platform's code, an ``ErrorCode``; None where it gave none.
        message: The platform's whole message; empty where it gave none.
        request_id: The platform's id of the request, for its support; None where it gave none.
        request: The request, such as ``POST /assets/multipart-uploads``; None if not known.
    """

    def __init__(
        self,
        *,
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        code: str | None = None,
        message: str | None = None,
        request: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        self.status_code = status_code
        self.headers: dict[str, str] = dict(headers or {})
        self.body = body
        self.code = code
        self.message: str = message or ""
        self.request = request
        self.request_id: str | None = request_id(self.headers)
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        what = f"{self.request or 'the platform'} answered"
        reason = " ".join(str(part) for part in (self.status_code, self.code) if part)
        what = f"{what} {reason}" if reason else what
        message = f": {self.message}" if self.message else ""
        quoted = f" (request id {self.request_id})" if self.request_id else ""
        return f"{what}{message}{quoted}"


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the request's id from an answer's lower-case ``headers``; None if it has none."""
    for name in ("x-request-id", "request-id", "x-amzn-requestid", "cf-ray"):
        if name in headers:
            return headers[name]
    return None


class InvalidResponseError(ApiError):
    """The answer is not what the platform documents: HTML, broken JSON, a missing key.

    The message names the path of the offending key, such as ``$.upload_urls[0].url``.
    """


class BadRequestError(ApiError):
    """400: the platform refuses what was asked."""


class UnauthorizedError(ApiError):
    """401: the platform does not accept the API key."""

    def _sentence(self) -> str:
        return f"the platform does not accept the API key: {super()._sentence()}"


class ForbiddenError(ApiError):
    """403: the API key may not do this."""

    def _sentence(self) -> str:
        return f"the API key is wrong, or may not do this: {super()._sentence()}"


class NotFoundError(ApiError):
    """404: there is no such session or asset in this account."""


class ConflictError(ApiError):
    """409: the request conflicts with another resource that depends on this one."""


class GoneError(ApiError):
    """410: the session or asset existed, and was deleted."""


class ContentTooLargeError(ApiError):
    """413: the request is larger than the platform takes."""


class UnprocessableEntityError(ApiError):
    """422: the platform understood the request, and cannot carry it out."""


_MOST_DIGITS = 18
"""Digits of a rate limit; Python refuses to read a number of thousands of them."""


class TooManyRequestsError(ApiError):
    """429: the account has used up its rate limit."""

    @property
    def limit(self) -> int | None:
        """Requests allowed in a period; None if not known."""
        return self._figure("limit")

    @property
    def remaining(self) -> int | None:
        """Requests left in this period; None if not known."""
        return self._figure("remaining")

    @property
    def used(self) -> int | None:
        """Requests made in this period; None if not known."""
        return self._figure("used")

    def _figure(self, name: str) -> int | None:
        text = self.headers.get(f"x-ratelimit-{name}", "")
        is_figure = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        return int(text) if is_figure else None


class InternalServerError(ApiError):
    """500, or another 5xx without a class of its own: the platform failed."""


class BadGatewayError(InternalServerError):
    """502: a proxy got no good answer from the platform."""


class ServiceUnavailableError(InternalServerError):
    """503: the platform cannot serve now."""


class GatewayTimeoutError(InternalServerError):
    """504: a proxy got no answer from the platform in time."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    413: ContentTooLargeError,
    422: UnprocessableEntityError,
    429: TooManyRequestsError,
    502: BadGatewayError,
    503: ServiceUnavailableError,
    504: GatewayTimeoutError,
}

SERVER_ERRORS = 500


def error_class(status: int) -> type[ApiError]:
    """Return the class of the error for an answer with the HTTP ``status``."""
    fallback = InternalServerError if status >= SERVER_ERRORS else ApiError
    return _BY_STATUS.get(status, fallback)
