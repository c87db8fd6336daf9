"""The two aiohttp applications, the API and the store: a thin skin over the pure rules.

Nothing is decided here but how bytes travel: which rule answers which path, how an answer is
written, how a chunk gets to the disk and back. Each request that would be let in asks the script of
faults once.
"""

import json
import secrets
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from aiohttp import web
from attrs import define

from twelvelabs_async.emulator import disk
from twelvelabs_async.emulator.answers import error_json, error_xml, http_date
from twelvelabs_async.emulator.exchanges import OriginName
from twelvelabs_async.emulator.faults import Action, Etag, Expire, Rewrite
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.platform import Json
from twelvelabs_async.emulator.records import Upload
from twelvelabs_async.emulator.signing import Grant
from twelvelabs_async.emulator.skin import Skin, Visit
from twelvelabs_async.emulator.store import Denied, Store, expired

API_VERSION = "v1.3"
UPLOADS = f"/{API_VERSION}/assets/multipart-uploads"


@define(eq=False, kw_only=True)
class ApiSkin(Skin):
    """The API's origin: JSON in, JSON out."""

    name: ClassVar[OriginName] = "api"

    api_key: str

    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Name version and request, and tell the emulator's time."""
        response.headers["Date"] = http_date(self.platform.now())
        response.headers["X-Api-Version"] = API_VERSION
        response.headers["X-Request-Id"] = secrets.token_hex(16)

    async def answer(self, visit: Visit) -> web.StreamResponse:
        """Check key and path, then let a fault or the platform answer."""
        handler = partial(self._handled, visit)
        try:
            self._identify(visit)
        except Refusal as refusal:
            return _refused(refusal)
        action = self.faults.take(visit.route, visit.upload_id)
        response = await self.befall(visit, action, handler)
        return _rewritten(action, response) if isinstance(action, Rewrite) else response

    def _identify(self, visit: Visit) -> None:
        visit.route, visit.upload_id = _api_route(visit.request.method, visit.request.path)
        if visit.request.headers.get("x-api-key") != self.api_key:
            raise Refusal(401, "api_key_invalid", "The API key is missing or invalid.")
        if visit.route == "unknown":
            message = f"The endpoint {visit.request.path} does not exist."
            raise Refusal(404, "resource_not_exist", message)

    async def _handled(self, visit: Visit) -> web.StreamResponse:
        body = await visit.read()
        try:
            payload = self._ruled(visit, body)
        except Refusal as refusal:
            return _refused(refusal)
        return _json(201 if visit.route == "create" else 200, json.dumps(payload))

    def _ruled(self, visit: Visit, body: bytes) -> Json:
        platform, query, upload_id = self.platform, visit.request.query, visit.upload_id or ""
        match visit.route:
            case "create":
                return platform.create(_parsed(visit, body))
            case "presigned_urls":
                return platform.presigned_urls(upload_id, _parsed(visit, body))
            case "report":
                return platform.report(upload_id, _parsed(visit, body))
            case "status":
                return platform.status(upload_id, query)
            case "list":
                return platform.incomplete(query)
            case _:
                return platform.asset(visit.request.path.rpartition("/")[2])


def _api_route(method: str, path: str) -> tuple[str, str | None]:
    """Name the endpoint and the session that it is about; a wrong method is an unknown path."""
    if path == UPLOADS:
        return {"POST": "create", "GET": "list"}.get(method, "unknown"), None
    if path.startswith(f"{UPLOADS}/"):
        upload_id, _, rest = path.removeprefix(f"{UPLOADS}/").partition("/")
        routes = {("POST", ""): "report", ("GET", ""): "status"}
        routes["POST", "presigned-urls"] = "presigned_urls"
        return routes.get((method, rest), "unknown"), upload_id
    parent, _, asset_id = path.rpartition("/")
    is_asset = method == "GET" and parent == f"/{API_VERSION}/assets" and asset_id
    return ("asset" if is_asset else "unknown"), None


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
    return _json(refusal.status, error_json(refusal.code, refusal.message))


def _rewritten(action: Rewrite, response: web.StreamResponse) -> web.Response:
    body = response.body if isinstance(response, web.Response) else None
    payload = action.fn(json.loads(body if isinstance(body, bytes) else b"{}"))
    if isinstance(payload, dict):
        return _json(response.status, json.dumps(payload))
    content = payload.encode() if isinstance(payload, str) else payload
    return web.Response(status=response.status, body=content, content_type="text/html")


@define(eq=False, kw_only=True)
class StoreSkin(Skin):
    """The object store's origin: chunks in, files out."""

    name: ClassVar[OriginName] = "store"

    store: Store
    data_dir: Path

    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Name the request as S3 does, and tell the store's time."""
        response.headers["Date"] = http_date(self._now())
        response.headers["Server"] = "AmazonS3"
        response.headers["x-amz-request-id"] = secrets.token_hex(8).upper()
        response.headers["x-amz-id-2"] = secrets.token_urlsafe(56)

    async def answer(self, visit: Visit) -> web.StreamResponse:
        """Take a chunk or serve a file; any refusal is XML."""
        try:
            match visit.request.method:
                case "PUT":
                    return await self._put(visit)
                case "GET" | "HEAD":
                    return await self._fetch(visit)
                case _:
                    message = "The specified method is not allowed against this resource."
                    raise Denied(405, "MethodNotAllowed", message)
        except Denied as denied:
            return _denied(denied)

    async def _put(self, visit: Visit) -> web.StreamResponse:
        visit.route = "put"
        headers = {name.lower(): value for name, value in visit.headers}
        grant, size = self.store.accept(visit.request.raw_path, headers)
        visit.upload_id, visit.chunk_index = grant.upload_id, grant.chunk_index
        action = self.faults.take("put", grant.upload_id, grant.chunk_index)
        if isinstance(action, Expire):
            raise expired(grant, self._now())
        return await self.befall(visit, action, partial(self._stored, visit, grant, size, action))

    async def _stored(
        self, visit: Visit, grant: Grant, size: int, action: Action | None
    ) -> web.StreamResponse:
        path = self._chunk_path(grant.upload_id, grant.chunk_index)
        incoming = disk.Incoming(path, grant.serial)
        try:
            await incoming.receive(visit.request.content)
            incoming.commit()
        except BaseException:
            await incoming.discard()
            raise
        finally:
            visit.received = incoming.received
        self.platform.keep_chunk(grant.upload_id, grant.chunk_index, incoming.etag, size)
        etag = action.value if isinstance(action, Etag) else f'"{incoming.etag}"'
        return web.Response(headers={} if etag is None else {"ETag": etag})

    async def _fetch(self, visit: Visit) -> web.StreamResponse:
        visit.route = "fetch"
        upload = self.store.find_asset(visit.request.raw_path.partition("?")[0])
        visit.upload_id = upload.upload_id
        action = self.faults.take("fetch", upload.upload_id)
        return await self.befall(visit, action, partial(self._served, visit, upload))

    async def _served(self, visit: Visit, upload: Upload) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = upload.total_size
        response.content_type = "application/octet-stream"
        await response.prepare(visit.request)
        if visit.request.method == "GET":
            async for piece in disk.outgoing(self.paths(upload)):
                await response.write(piece)
        return response

    def paths(self, upload: Upload) -> list[Path]:
        """Return the files of the chunks, in order."""
        indexes = range(1, upload.total_chunks + 1)
        return [self._chunk_path(upload.upload_id, index) for index in indexes]

    def _chunk_path(self, upload_id: str, index: int) -> Path:
        return self.data_dir / upload_id / str(index)

    def _now(self) -> datetime:
        return self.store.now()


def _denied(denied: Denied) -> web.Response:
    """Answer at once; aiohttp drops what still comes of the body, for up to 10 seconds.

    So the client can read the answer, and a connection on which the body ends is used again.
    """
    details = {"RequestId": secrets.token_hex(8).upper(), "HostId": secrets.token_urlsafe(56)}
    body = error_xml(denied.code, denied.message, {**denied.details, **details})
    return web.Response(status=denied.status, text=body, content_type="application/xml")
