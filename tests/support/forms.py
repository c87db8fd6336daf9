"""A form that a browser posts to a web application of a user's."""

from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler


async def posted(handle: Handler, data: bytes, filename: str = "clip.mp4") -> Any:
    """Serve a handler, post a form with one file, ``file``, and return the answer's JSON."""
    app = web.Application()
    app.router.add_post("/", handle)
    form = aiohttp.FormData()
    form.add_field("file", data, filename=filename)
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as session,
        session.post(server.make_url("/"), data=form) as response,
    ):
        return await response.json()
