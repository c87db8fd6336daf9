"""A request as it goes out: what a caller may set of it, checked before it is sent."""

from collections.abc import Mapping
from typing import Any, TypedDict
from urllib.parse import quote

from aiohttp import Payload
from attrs import field, frozen
from yarl import URL

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import Refusal, is_header
from twelvelabs_async._http.network_errors import without_frames
from twelvelabs_async.errors import InvalidArgumentError

FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Headers that say how long a body is: another word on it would make the rest a second request."""


class RequestOptions(TypedDict, total=False):
    """Settings of one call, under the official SDK's names; what is absent is the client's.

    Attributes:
        timeout_in_seconds: For each attempt; where a file is sent, without a byte taken or an
            answer.
        max_retries: Further attempts after the first; 0: none.
        additional_headers: Sent with the request.
        additional_query_parameters: Added to the request's query.
        additional_body_parameters: Added to the request's JSON object, or to its form.
    """

    timeout_in_seconds: float
    max_retries: int
    additional_headers: Mapping[str, str]
    additional_query_parameters: Mapping[str, str | int]
    additional_body_parameters: Mapping[str, Any]


@frozen
class Call(Unpicklable):
    """A request, the same at each attempt.

    Attributes:
        method: ``GET``, ``POST`` and so on.
        path: Below the base URL, from a slash on.
        url: Where it goes.
        headers: All of them, the API key among them.
        body: JSON; or what streams itself, once; None: none.
        timeout: Seconds for an attempt; of a body that streams itself, without progress.
        retries: Further attempts after the first.
        not_found_is_success: Whether a 404 after a lost answer is success.
        harmless: Whether a success that cannot be read may be asked for again. Not where it has
            made something: that would be there twice, and the first of them without a name.
    """

    method: str
    path: str
    url: URL
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Payload | None = field(repr=False)
    timeout: float | None
    retries: int
    not_found_is_success: bool = False
    harmless: bool = False

    @property
    def name(self) -> str:
        """What to call it to a person."""
        return f"{self.method} {self.path}"

    @property
    def streamed(self) -> bool:
        """Whether the body may take as long as it needs, while there is progress."""
        return isinstance(self.body, Payload)


def path_segment(value: object, argument: str) -> str:
    """Return an id as one segment of a path.

    Args:
        value: The id.
        argument: Its name, for the error.

    Raises:
        InvalidArgumentError: For an id that is no text, is empty, or would reach another endpoint.
    """
    if not isinstance(value, str) or value in {"", ".", ".."} or "/" in value:
        problem = f"must be an id without a slash, not {value!r}"
        raise InvalidArgumentError(problem, argument=argument)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        problem = f"holds half a character: {value!r}"
    raise InvalidArgumentError(problem, argument=argument)


@without_frames
def checked_headers(
    argument: str, headers: Mapping[str, str], refusal: Refusal = InvalidArgumentError
) -> Mapping[str, str]:
    """Return headers that can be sent.

    Args:
        argument: The name of the argument that they come from, for the error.
        headers: The headers.
        refusal: The class of the error.

    Raises:
        InvalidArgumentError: A name or a value is not text, or would begin another header. The
            error names the header and not its value, which may be a secret.
    """
    for name, value in headers.items():
        if not is_header(name, value):
            problem = "has characters that no header can carry"
            raise refusal(problem, argument=f"{argument}[{name!r}]")
        if name.lower() in FRAMING:
            problem = "cannot be set: the length of the body decides it"
            raise refusal(problem, argument=f"{argument}[{name!r}]")
    return headers
