"""How a client makes its connections, as the user chose."""

from ssl import SSLContext

import aiohttp
from attrs import field, frozen
from yarl import URL

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import check_flag, check_kind
from twelvelabs_async._http.proxies import (
    DIRECT,
    Proxy,
    environment_proxy,
    proxy_url,
    session_proxy,
)
from twelvelabs_async.errors import ConfigurationError


@frozen
class ConnectionSettings(Unpicklable):
    """The arguments of ``AsyncTwelveLabs`` that are about connections, checked."""

    session: aiohttp.ClientSession | None = None
    connector: aiohttp.BaseConnector | None = None
    ssl: SSLContext | aiohttp.Fingerprint | bool = True
    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = False

    def __attrs_post_init__(self) -> None:
        if self.session is not None:
            check_kind("session", self.session, aiohttp.ClientSession, ConfigurationError)
        if self.connector is not None:
            check_kind("connector", self.connector, aiohttp.BaseConnector, ConfigurationError)
        if not isinstance(self.ssl, bool | aiohttp.Fingerprint):
            check_kind("ssl", self.ssl, SSLContext, ConfigurationError)
        check_flag("trust_env", self.trust_env, ConfigurationError)
        if self.session is not None and self.connector is not None:
            raise ConfigurationError("pass session= or connector=, not both: a session has its own")
        if self.ssl is not True and not self.uses_own_connector:
            problem = "is for our own connector: set it on yours instead"
            raise ConfigurationError(problem, argument="ssl")
        if self.proxy is not None:
            proxy_url(self.proxy, "proxy")

    @property
    def uses_own_connector(self) -> bool:
        """Whether the connections are ours, and not those of a user's session or connector."""
        return self.session is None and self.connector is None

    def proxy_for(self, url: URL) -> Proxy:
        """Return the proxy on the way to ``url``.

        Our own sessions never get ``trust_env``, which would also add netrc credentials.

        Raises:
            ConfigurationError: A proxy of the environment or of the user's session is not a URL.
        """
        proxy = self._proxy_url_for(url)
        return DIRECT if proxy is None else Proxy.of(proxy)

    def _proxy_url_for(self, url: URL) -> URL | None:
        """Return the URL of the proxy on the way to ``url``, its credentials inside."""
        if self.proxy is not None:
            return proxy_url(self.proxy, "proxy")
        if self.session is not None and (chosen := session_proxy(self.session)) is not None:
            return chosen
        if self.trust_env or (self.session is not None and self.session.trust_env):
            return environment_proxy(url)
        return None
