"""Which proxy a request goes through, and how its credentials are kept out of sight."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import aiohttp
from aiohttp import hdrs
from attrs import field, frozen
from yarl import URL

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http.no_proxy import bypasses
from twelvelabs_async.errors import ConfigurationError


@frozen
class Proxy(Unpicklable):
    """The proxy of a request.

    aiohttp keeps the URL of the proxy with each connection, and shows it in its warnings. So the
    credentials travel in ``headers``, not in the URL.

    Attributes:
        url: Its URL, without credentials; None: there is no proxy.
        headers: What aiohttp is given as ``proxy_headers``; None: nothing. aiohttp moves
            ``Authorization`` from there to ``Proxy-Authorization``: of CONNECT where there is a
            tunnel, or else of the request itself. Named so, it also takes the place of an
            ``Authorization`` that a user's session sends by default, which aiohttp would hand to
            the proxy.
    """

    url: URL | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: URL | None) -> "Proxy":
        """Return the proxy at ``url``, which may hold credentials; None: no proxy."""
        if url is None or (url.user is None and url.password is None):
            return cls(url)
        bare = url.with_user(None)
        return cls(bare, {hdrs.AUTHORIZATION: _basic(f"{url.user or ''}:{url.password or ''}")})


DIRECT = Proxy()
"""The way without a proxy."""


def _basic(credentials: str) -> str:
    """Return the header of ``user:password``: in Latin-1, as is usual, or else in UTF-8."""
    latin = all(character <= "\xff" for character in credentials)
    coded = credentials.encode("latin-1" if latin else "utf-8", "replace")
    return f"Basic {b64encode(coded).decode()}"


def session_proxy(session: aiohttp.ClientSession) -> URL | None:
    """Return the proxy that a user's session was made with, its credentials inside; None: none.

    aiohttp keeps it in private attributes.

    Raises:
        ConfigurationError: It is not the URL of a proxy.
    """
    proxy = getattr(session, "_default_proxy", None)
    if proxy is None:
        return None
    auth: Any = getattr(session, "_default_proxy_auth", None)
    url = proxy_url(str(proxy), "the session's proxy")
    return url.with_user(auth.login).with_password(auth.password) if auth else url


def environment_proxy(url: URL) -> URL | None:
    """Return the proxy that the environment names for ``url``; None: it is reached directly.

    The variables are ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``; without any of them, the
    system's settings count (macOS, Windows).

    Raises:
        ConfigurationError: A variable is not the URL of a proxy.
    """
    variables = getproxies_environment()
    if variables:
        direct = bypasses(url, variables.get("no", ""))
    else:  # the system's settings, on macOS and Windows
        direct = url.host is not None and bool(proxy_bypass(url.host))
    proxy = None if direct else getproxies().get(url.scheme)
    if not proxy:
        return None
    name = f"{url.scheme.upper()}_PROXY"
    return proxy_url(proxy if "://" in proxy else f"http://{proxy}", name)


def proxy_url(text: str, name: str) -> URL:
    """Return the URL of a proxy, which may hold credentials.

    Args:
        text: The URL, as it was given.
        name: Where it was given, for the error: an argument, or a variable of the environment.

    Raises:
        ConfigurationError: It is not ``http(s)://host:port``. The text does not quote it, because
            it may hold a password.
    """
    try:
        url = URL(text)
    except (TypeError, ValueError):
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError("must be http(s)://host:port", argument=name)
    return url
