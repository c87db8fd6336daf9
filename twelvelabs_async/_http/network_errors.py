"""Say in our own words what a foreign network exception means.

aiohttp's texts hold whole URLs (with signatures) and its reprs request headers (with the API key),
so they are never shown nor chained: only these words cross the border. Its frames stay behind as
well: many tools render a traceback with the local variables of each frame.
"""

import os
import re
import ssl
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar, cast

import aiohttp

from twelvelabs_async._core.new_thread import NO_MORE_THREADS, is_lack_of_threads
from twelvelabs_async.errors import TwelveLabsError

P = ParamSpec("P")
T = TypeVar("T")

_TLS = re.compile(r"^\[\w+: (\w+)\]|^EOF occurred in violation of protocol")
"""How OpenSSL's errors begin, whose numbers are none of the system's."""

_NETWORK_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)


def is_network_error(error: BaseException) -> bool:
    """Whether the other side of an HTTP exchange, the way to it, or the system is at fault."""
    return isinstance(error, _NETWORK_ERRORS) or is_lack_of_threads(error)


def reason(error: BaseException) -> str:  # noqa: C901, PLR0911 - a table
    """Return what happened, with host and port where that helps, and no URL, header or key."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"cannot resolve the host name {error.host!r}"
        case aiohttp.ClientConnectorCertificateError():
            return f"the TLS certificate of {error.host}:{error.port} was not accepted"
        case aiohttp.ClientConnectorError():
            return f"cannot connect to {error.host}:{error.port} ({_os_text(error.os_error)})"
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ServerDisconnectedError():
            return "the other side closed the connection"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused the connection ({error.status})"
        case aiohttp.ClientResponseError():
            return "the answer is not HTTP"
        case OSError():
            return _os_text(error)
        case RuntimeError() if is_lack_of_threads(error):
            return f"cannot resolve the host name: {NO_MORE_THREADS}"
        case _:
            return f"the connection failed ({type(error).__name__})"


def _os_text(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or type(error).__name__}"
    if match := _TLS.search(error.strerror or ""):  # aiohttp turns an SSLError into an OSError
        return f"TLS: {match[1] or 'the other side closed the connection'}"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return f"the connection was lost ({type(error).__name__})"


def without_frames(function: Callable[P, T]) -> Callable[P, T]:
    """Have what a function raises carry no frame of the function, nor of anything that it called.

    pytest's ``--showlocals``, rich and error trackers render the local variables of each frame in
    a traceback, and those of an HTTP exchange hold the API key and presigned URLs. Cutting the
    frames off is the one way that also covers aiohttp's, and exceptions of any kind: a
    cancellation, ``KeyboardInterrupt``, a mistake in the code. The exception object stays the same.

    Args:
        function: A function, or a coroutine function. Its arguments may be secrets.
    """
    if iscoroutinefunction(function):

        async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            outer = sys.exception()
            try:
                return await cast("Any", function(*args, **kwargs))
            except BaseException as error:
                del args, kwargs
                _cut_frames(error, outer)
                raise

        return cast("Callable[P, T]", wraps(function)(awaited))

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        outer = sys.exception()
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            del args, kwargs
            _cut_frames(error, outer)
            raise

    return called


def _cut_frames(error: BaseException, outer: BaseException | None) -> None:
    """Drop the traceback of an exception, and of those that it is chained to.

    What an error of ours names as its cause keeps its traceback: it is ours too, or comes from the
    user's own code, such as the ``read`` of a file-like object.

    Args:
        error: The exception; one that nobody expected gets a note of where it was raised.
        outer: What was being handled before: the caller's own; it is left as it is.
    """
    if isinstance(error, Exception) and not isinstance(error, TwelveLabsError):
        frames = "".join(traceback.format_tb(error.__traceback__))
        error.add_note(f"raised at (without frames, which hold secrets):\n{frames}")
    seen = {id(None), id(outer)}
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        link.__traceback__ = None
        chained = [link.__cause__, link.__context__]
        if isinstance(link, TwelveLabsError):
            seen.add(id(link.__cause__))
        if isinstance(link, BaseExceptionGroup):
            chained += cast("BaseExceptionGroup[BaseException]", link).exceptions
        waiting += [each for each in chained if each is not None]
