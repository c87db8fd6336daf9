"""The aiohttp application of the API: a thin skin over the pure rules.

Nothing is decided here but how bytes travel: which rule answers which path, how an answer is
written. Each request that would be let in asks the script of faults once.
"""

import asyncio
import json
import secrets
from functools import partial
from typing import ClassVar

from aiohttp import web
from attrs import define

from twelvelabs_async.emulator.answers import error_json, http_date
from twelvelabs_async.emulator.disk import Files
from twelvelabs_async.emulator.exchanges import OriginName
from twelvelabs_async.emulator.faults import Rewrite
from twelvelabs_async.emulator.intake import Intake
from twelvelabs_async.emulator.library import Library, Query
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.platform import Json
from twelvelabs_async.emulator.routing import API_VERSION, UNKNOWN, Target, target
from twelvelabs_async.emulator.skin import Skin, Visit
from twelvelabs_async.emulator.sounds import sound_in

CREATED = {"create", "create_asset"}


@define(eq=False, kw_only=True)
class ApiSkin(Skin):
    """The API's origin: JSON in, or a form with a file; JSON out."""

    name: ClassVar[OriginName] = "api"
    read_buffer: ClassVar[int] = 2**18  # parsing a form takes some copies of what is buffered

    api_key: str
    library: Library
    files: Files

    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Name version and request, and tell the emulator's time."""
        response.headers["Date"] = http_date(self.platform.now())
        response.headers["X-Api-Version"] = API_VERSION
        response.headers["X-Request-Id"] = secrets.token_hex(16)

    async def answer(self, visit: Visit) -> web.StreamResponse:
        """Check key and path, then let a fault or the platform answer."""
        at = target(visit.request.method, visit.request.path)
        visit.route, visit.upload_id = at.route, at.upload_id
        try:
            self._identify(visit, at)
        except Refusal as refusal:
            return _refused(refusal)
        action = self.faults.take(visit.route, visit.upload_id)
        response = await self.befall(visit, action, partial(self._handled, visit, at))
        return _rewritten(action, response) if isinstance(action, Rewrite) else response

    def _identify(self, visit: Visit, at: Target) -> None:
        if visit.request.headers.get("x-api-key") != self.api_key:
            raise Refusal(401, "api_key_invalid", "The API key is missing or invalid.")
        if at.route == UNKNOWN.route:
            message = f"The endpoint {visit.request.path} does not exist."
            raise Refusal(404, "resource_not_exist", message)

    async def _handled(self, visit: Visit, at: Target) -> web.StreamResponse:
        try:
            payload = await self._ruled(visit, at)
        except Refusal as refusal:
            return _refused(refusal)
        if payload is None:
            return web.Response()
        return _json(201 if at.route in CREATED else 200, json.dumps(payload))

    async def _ruled(self, visit: Visit, at: Target) -> Json | None:
        """Return what the endpoint answers; None: an empty body."""
        if at.route == "create_asset":
            return await self._taken_in(visit)
        body = await visit.read()
        if at.asset_id is not None:
            return await self._of_one_asset(visit, at.route, at.asset_id, body)
        if at.route == "list_assets":
            return self.library.listed(_pairs(visit))
        return await self._of_uploads(visit, at.route, at.upload_id or "", body)

    async def _of_uploads(self, visit: Visit, route: str, upload_id: str, body: bytes) -> Json:
        match route:
            case "create":
                return self.platform.create(_parsed(visit, body))
            case "presigned_urls":
                return self.platform.presigned_urls(upload_id, _parsed(visit, body))
            case "report":
                return await self._reported(upload_id, _parsed(visit, body))
            case "status":
                return self.platform.status(upload_id, visit.request.query)
            case _:
                return self.platform.incomplete(visit.request.query)

    async def _of_one_asset(
        self, visit: Visit, route: str, asset_id: str, body: bytes
    ) -> Json | None:
        match route:
            case "delete_asset":
                await self.files.remove(self.library.delete(asset_id, _pairs(visit)))
            case "update_metadata":
                self.library.update_metadata(asset_id, _parsed(visit, body))
            case "replace_metadata":
                self.library.replace_metadata(asset_id, _parsed(visit, body))
            case "delete_metadata":
                self.library.delete_metadata(asset_id)
            case _:
                return self.platform.asset(asset_id)
        return None

    async def _taken_in(self, visit: Visit) -> Json:
        try:
            return await Intake(self.library, self.files).create(visit.request)
        finally:
            visit.received = visit.request.content.total_bytes

    async def _reported(self, upload_id: str, payload: object) -> Json:
        answer = self.platform.report(upload_id, payload)
        asset = self.platform.find(answer["asset_id"])
        if asset.received_at is not None and asset.sound is None:
            first = self.files.chunk(asset.folder, 1)
            asset.sound = await asyncio.to_thread(sound_in, first, asset.size)
        return answer


def _pairs(visit: Visit) -> Query:
    return list(visit.request.query.items())


def _parsed(visit: Visit, body: bytes) -> object:
    if visit.request.content_type != "application/json":
        message = f"The content type {visit.request.content_type} is not application/json."
        raise Refusal(400, "content_type_invalid", message)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"The request body is not valid JSON: {error}."
        raise Refusal(400, "parameter_invalid", message) from None


def _json(status: int, body: str) -> web.Response:
    return web.Response(status=status, text=body, content_type="application/json")


def _refused(refusal: Refusal) -> web.Response:
    if refusal.code is None:
        return web.Response(status=refusal.status, text=refusal.message)
    return _json(refusal.status, error_json(refusal.code, refusal.message))


def _rewritten(action: Rewrite, response: web.StreamResponse) -> web.Response:
    is_json = response.content_type == "application/json"
    body = response.body if is_json and isinstance(response, web.Response) else None
    payload = action.fn(json.loads(body if isinstance(body, bytes) else b"{}"))
    if isinstance(payload, dict):
        return _json(response.status, json.dumps(payload))
    content = payload.encode() if isinstance(payload, str) else payload
    return web.Response(status=response.status, body=content, content_type="text/html")
