"""Say in our own words what a foreign network exception means.

aiohttp's texts hold whole URLs (with signatures) and its reprs request headers (with the API key),
so they are never shown nor chained: only these words cross the border.
"""

import os
import ssl

import aiohttp

NETWORK_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)
"""What an HTTP exchange may raise when the other side, or the way to it, is at fault."""


def reason(error: BaseException) -> str:  # noqa: PLR0911 - a table
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
            return f"the proxy refused the way ({error.status})"
        case aiohttp.ClientResponseError():
            return "the answer is not HTTP"
        case OSError():
            return _os_text(error)
        case _:
            return f"the connection failed ({type(error).__name__})"


def _os_text(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or type(error).__name__}"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return f"the connection was lost ({type(error).__name__})"
