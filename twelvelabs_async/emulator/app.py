"""The aiohttp application of the API: sockets and files around the pure endpoints.

It reads requests, writes answers, and does the work on files; ``endpoints.py`` decides the rest.
Each request that would be let in takes its fault from the script, once.
"""

import asyncio
import json
import secrets
from datetime import datetime
from functools import partial
from typing import ClassVar

from aiohttp import web
from attrs import define

from twelvelabs_async.emulator.asset_intake import Intake
from twelvelabs_async.emulator.disk import Files
from twelvelabs_async.emulator.endpoints import Endpoints, Outcome, RequestBody, refused
from twelvelabs_async.emulator.exchanges import OriginName
from twelvelabs_async.emulator.faults import EndSession, Rewrite
from twelvelabs_async.emulator.origin import ActiveRequest, Origin
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.routing import API_VERSION, Target, target
from twelvelabs_async.emulator.wav import sound_in


@define(eq=False, kw_only=True)
class ApiOrigin(Origin):
    """The API's origin: JSON in, or a form with a file; JSON out."""

    name: ClassVar[OriginName] = "api"
    read_buffer: ClassVar[int] = 2**18  # parsing a form takes some copies of what is buffered

    endpoints: Endpoints
    files: Files

    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that name the API's version and the request."""
        response.headers["X-Api-Version"] = API_VERSION
        response.headers["X-Request-Id"] = secrets.token_hex(16)

    def now(self) -> datetime:
        """Return the platform's time."""
        return self.platform.now()

    async def answer(self, active: ActiveRequest) -> web.StreamResponse:
        """Check key and path, then let a fault or the platform answer."""
        at = target(active.request.method, active.request.path)
        active.route, active.upload_id = at.route, at.upload_id
        try:
            key = active.request.headers.get("x-api-key")
            self.endpoints.identify(key, at, active.request.path)
        except Refusal as refusal:
            return _written(refused(refusal))
        active.skew = self.faults.skew(active.route, active.upload_id)
        action = self.faults.take(active.route, active.upload_id)
        if isinstance(action, EndSession):
            await self._end_session(at, action)
        response = await self.apply_fault(active, action, partial(self._handled, active, at))
        return _rewritten(action, response) if isinstance(action, Rewrite) else response

    async def _end_session(self, at: Target, action: EndSession) -> None:
        gone = self.endpoints.asset_rules.end_session(at.upload_id or "", action.how)
        if gone is not None:
            await self.files.remove(gone)

    async def _handled(self, active: ActiveRequest, at: Target) -> web.StreamResponse:
        try:
            made = at.route == "create_asset"
            outcome = await (self._create_asset(active) if made else self._answer_json(active, at))
        except Refusal as refusal:
            outcome = refused(refusal)
        return _written(outcome)

    async def _answer_json(self, active: ActiveRequest, at: Target) -> Outcome:
        body = RequestBody(active.request.content_type, await active.read())
        outcome = self.endpoints.answer(at, list(active.request.query.items()), body)
        if outcome.gone is not None:
            await self.files.remove(outcome.gone)
        if outcome.whole is not None:
            first = self.files.chunk(outcome.whole.folder, 1)
            size = outcome.whole.size
            outcome.whole.sound = await asyncio.to_thread(sound_in, first, size)
        return outcome

    async def _create_asset(self, active: ActiveRequest) -> Outcome:
        try:
            return await Intake(self.endpoints, self.files).create(active.request)
        finally:
            active.received = active.request.content.total_bytes


def _written(outcome: Outcome) -> web.Response:
    match outcome.payload:
        case None:
            return web.Response(status=outcome.status)
        case str():
            return web.Response(status=outcome.status, text=outcome.payload)
        case _:
            return _json(outcome.status, json.dumps(outcome.payload))


def _json(status: int, body: str) -> web.Response:
    return web.Response(status=status, text=body, content_type="application/json")


def _rewritten(action: Rewrite, response: web.StreamResponse) -> web.Response:
    is_json = response.content_type == "application/json"
    body = response.body if is_json and isinstance(response, web.Response) else None
    payload = action.fn(json.loads(body if isinstance(body, bytes) else b"{}"))
    if isinstance(payload, dict):
        return _json(response.status, json.dumps(payload))
    content = payload.encode() if isinstance(payload, str) else payload
    return web.Response(status=response.status, body=content, content_type="text/html")
