"""A request to the platform, and what a caller may set of it, checked before it is sent."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast
from urllib.parse import quote

from aiohttp import Payload
from attrs import field, frozen
from yarl import URL

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import (
    Refusal,
    check_seconds,
    check_text,
    check_text_or_whole,
    check_whole,
    checked_mapping,
    is_header,
    shown,
)
from twelvelabs_async._http import json_text
from twelvelabs_async._http.network_errors import without_frames
from twelvelabs_async.errors import InvalidArgumentError

_LENGTH = "the length of the body decides it"
FRAMING: Mapping[str, str] = {"content-length": _LENGTH, "transfer-encoding": _LENGTH}
"""Headers that say how long a body is, and why nobody sets them: a wrong value would turn the
body's rest into a second request."""


class RequestOptions(TypedDict, total=False):
    """Settings of one call, under the official SDK's names; the client's own apply otherwise.

    Attributes:
        timeout_in_seconds: Seconds for each attempt; where a file is sent, seconds in which no byte
            is taken and no answer comes.
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
class ApiRequest(Unpicklable):
    """A request to the platform, the same at each attempt.

    Attributes:
        method: ``GET``, ``POST`` and so on.
        path: The path below the base URL; it begins with a slash.
        url: Where it goes, with its query.
        headers: All of them, the API key among them.
        body: JSON; or a body that streams itself, once; None: none.
        timeout: Seconds for an attempt; for a streamed body, seconds without progress. None: no
            bound.
        retries: Further attempts after the first; 0: none.
        not_found_is_success: Whether a 404 is a success at a repetition, because the request
            deletes something, and the lost answer may have been that it did.
        harmless: Whether to repeat the request when its success cannot be read. It must not be
            repeated where it has made something: that would exist twice, once without a known id.
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
        """The request's name in texts for people: its method and path."""
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
        problem = f"must be an id without a slash, not {shown(value)}"
        raise InvalidArgumentError(problem, argument=argument)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        problem = f"contains an unpaired surrogate: {shown(value)}"
    raise InvalidArgumentError(problem, argument=argument)


def is_id(value: str) -> bool:
    """Whether a text of the platform can be an id: one that leads to no other endpoint."""
    try:
        path_segment(value, "id")
    except InvalidArgumentError:
        return False
    return True


@without_frames
def checked_options(options: object) -> RequestOptions:
    """Return a copy of a caller's settings of a call, so that what was checked is what is sent.

    Args:
        options: The settings; None, as a whole or for one of them: the client's own apply.

    Raises:
        InvalidArgumentError: A setting can never be right.
    """
    if options is None:
        return {}
    given = checked_mapping("request_options", options)
    chosen = {name: value for name, value in given.items() if value is not None}
    if "timeout_in_seconds" in chosen:  # 0 would mean no bound at all
        check_seconds("timeout_in_seconds", chosen["timeout_in_seconds"])
    if "max_retries" in chosen:
        check_whole("max_retries", chosen["max_retries"], 0)
    if headers := _given(chosen, "additional_headers"):
        chosen["additional_headers"] = checked_headers("additional_headers", headers)
    if query := _given(chosen, "additional_query_parameters"):
        chosen["additional_query_parameters"] = _checked_query(query)
    if body := _given(chosen, "additional_body_parameters"):
        copied = json_text.plain_copy("additional_body_parameters", body)
        chosen["additional_body_parameters"] = copied
    return cast("RequestOptions", chosen)


def _given(chosen: Mapping[str, object], name: str) -> dict[str, Any]:
    return checked_mapping(name, chosen[name]) if name in chosen else {}


def _checked_query(query: Mapping[str, object]) -> Mapping[str, object]:
    for name, value in query.items():
        argument = f"additional_query_parameters[{name!r}]"
        check_text(argument, name)
        check_text_or_whole(argument, value)
    return query


@without_frames
def checked_headers(
    argument: str,
    headers: object,
    refusal: Refusal = InvalidArgumentError,
    *,
    reserved: Mapping[str, str] = FRAMING,
) -> Mapping[str, str]:
    """Return a copy of headers that can be sent.

    Args:
        argument: The name of the argument that they come from, for the error.
        headers: The headers.
        refusal: The class of the error.
        reserved: Names, in lower case, of headers that cannot be set, and what decides them.

    Raises:
        InvalidArgumentError: A name or a value is not text, or would begin another header, or the
            header is reserved. The error names the header and not its value, which may be a secret.
    """
    copied = checked_mapping(argument, headers, refusal)
    for name, value in copied.items():
        if not is_header(name, value):
            problem = "has characters that no header can carry"
            raise refusal(problem, argument=f"{argument}[{name!r}]")
        if name.lower() in reserved:
            problem = f"cannot be set: {reserved[name.lower()]}"
            raise refusal(problem, argument=f"{argument}[{name!r}]")
    return copied
