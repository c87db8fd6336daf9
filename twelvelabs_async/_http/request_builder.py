"""Build requests to the platform: JSON bodies, headers, and the settings of client and caller."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Sized
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypedDict, TypeVar, Unpack

from attrs import define, field
from multidict import CIMultiDict
from yarl import URL

from twelvelabs_async._core.new_thread import NoThreadError
from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._http import json_text
from twelvelabs_async._http.request import ApiRequest, RequestOptions, checked_options

T = TypeVar("T")

LARGE_LIST = 500
"""Values in the lists and objects of a request from which it is written in a thread."""

Params = Mapping[str, str | int | Sequence[str]]
"""A query; a list repeats its name."""


class RequestFlags(TypedDict, total=False):
    """The flags of ``ApiRequest``."""

    harmless: bool
    not_found_is_success: bool


@define(eq=False, repr=False)
class RequestBuilder(Unpicklable):
    """Builds the requests of one client.

    Attributes:
        base_url: Where the platform is, without a slash at the end.
        timeout: Seconds for an attempt, from connecting to the answer's last byte.
        max_retries: Further attempts after the first.
        headers: Sent with every request to the platform, and only there.
    """

    base_url: str
    _api_key: str = field(repr=False, alias="api_key")
    timeout: float
    max_retries: int
    headers: Mapping[str, str] = field(repr=False)
    _lane: Executor = field(repr=False, alias="lane")

    async def json_request(
        self,
        method: str,
        path: str,
        params: Params | None,
        json: Mapping[str, Any] | None,
        options: RequestOptions | None,
        **flags: Unpack[RequestFlags],
    ) -> ApiRequest:
        """Return a request with a JSON body, a large one written in a thread; None: no body.

        Raises:
            InvalidArgumentError: An option can never be right, or ``json`` holds what JSON cannot
                carry.
        """
        if json is None:
            return self.request(method, path, params=params, options=options, **flags)
        options = checked_options(options)
        additional = options.get("additional_body_parameters", {})
        return self.request(
            method,
            path,
            params=params,
            body=await self._dumped({**json, **additional}),
            content_type="application/json",
            options=options,
            **flags,
        )

    async def _dumped(self, values: Mapping[str, object]) -> bytes:
        inner = [v for v in values.values() if isinstance(v, Sized) and not isinstance(v, str)]
        if sum(map(len, inner)) < LARGE_LIST:
            return json_text.dump(values)
        return await self.in_thread(partial(json_text.dump, values))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do what would hold up the event loop in a thread, or here where there is none."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._lane, work)
        except NoThreadError:
            return work()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: bytes | None = None,
        content_type: str | None = None,
        options: RequestOptions | None = None,
        **flags: Unpack[RequestFlags],
    ) -> ApiRequest:
        """Return a request with everything that the client adds to it.

        Args:
            method: ``GET``, ``POST`` and so on.
            path: The path below the base URL; it begins with a slash.
            params: The query.
            body: The body; None: none, or it is added later.
            content_type: The body's MIME type.
            options: The caller's settings.
            flags: Those of ``ApiRequest``.

        Raises:
            InvalidArgumentError: An option can never be right.
        """
        # Checked before there are secrets in the frames below.
        options = checked_options(options)
        query = {**(params or {}), **options.get("additional_query_parameters", {})}
        url = URL(f"{self.base_url}{path}", encoded=True)
        return ApiRequest(
            method=method,
            path=path,
            url=url.update_query(query) if query else url,
            headers=self._headers(content_type, options.get("additional_headers", {})),
            body=body,
            timeout=options.get("timeout_in_seconds", self.timeout),
            retries=options.get("max_retries", self.max_retries),
            **flags,
        )

    def _headers(
        self, content_type: str | None, additional: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return the headers of a request; whatever their case, the later one of a name wins."""
        headers = CIMultiDict(self.headers)
        headers.update(additional)
        if content_type is not None:
            headers["Content-Type"] = content_type
        headers["x-api-key"] = self._api_key
        return headers
