"""The aiohttp application of the object store: chunks in, files out, errors in XML.

It moves bytes; ``store.py`` decides which requests are let in.
"""

import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from aiohttp import StreamReader, web
from attrs import define

from twelvelabs_async.emulator import disk
from twelvelabs_async.emulator.answers import error_xml
from twelvelabs_async.emulator.exchanges import OriginName
from twelvelabs_async.emulator.faults import Action, Corrupt, Etag, Expire, FailChunk, Slow
from twelvelabs_async.emulator.origin import ActiveRequest, Origin
from twelvelabs_async.emulator.pacing import paced
from twelvelabs_async.emulator.records import StoredAsset
from twelvelabs_async.emulator.signing import Grant
from twelvelabs_async.emulator.store import Denied, Store, expired, forgotten


@define(eq=False, kw_only=True)
class StoreOrigin(Origin):
    """The object store's origin: chunks in, files out."""

    name: ClassVar[OriginName] = "store"

    store: Store
    files: disk.Files

    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers with which S3 names a request."""
        response.headers["Server"] = "AmazonS3"
        response.headers["x-amz-request-id"] = secrets.token_hex(8).upper()
        response.headers["x-amz-id-2"] = secrets.token_urlsafe(56)

    def now(self) -> datetime:
        """Return the store's time."""
        return self.store.now()

    async def answer(self, active: ActiveRequest) -> web.StreamResponse:
        """Take a chunk or serve a file; any refusal is XML."""
        try:
            match active.request.method:
                case "PUT":
                    return await self._put(active)
                case "GET" | "HEAD":
                    return await self._fetch(active)
                case _:
                    message = "The specified method is not allowed against this resource."
                    raise Denied(405, "MethodNotAllowed", message)
        except Denied as denied:
            return _denied(denied)

    async def _put(self, active: ActiveRequest) -> web.StreamResponse:
        active.route = "put"
        headers = {name.lower(): value for name, value in active.headers}
        grant, size = self.store.accept(
            active.request.raw_path, headers, partial(self._skewed, active)
        )
        active.upload_id, active.chunk_index = grant.upload_id, grant.chunk_index
        action = self.faults.take("put", grant.upload_id, grant.chunk_index)
        if isinstance(action, Expire):
            raise expired(grant, self.now() + active.skew)
        return await self.apply_fault(
            active, action, partial(self._stored, active, grant, size, action)
        )

    def _skewed(self, active: ActiveRequest, grant: Grant) -> timedelta:
        active.skew = self.faults.skew("put", grant.upload_id, grant.chunk_index)
        return active.skew

    async def _stored(
        self, active: ActiveRequest, grant: Grant, size: int, action: Action | None
    ) -> web.StreamResponse:
        path = self.files.chunk(grant.upload_id, grant.chunk_index)
        incoming = disk.Incoming(path, grant.serial)
        try:
            pieces = _pieces(active.request.content, action)
            await incoming.receive(_flipped(pieces) if isinstance(action, Corrupt) else pieces)
            if grant.upload_id not in self.platform.uploads:
                raise forgotten(grant.upload_id)
            incoming.commit()
        except BaseException:
            await incoming.discard()
            raise
        finally:
            active.received = incoming.received
        flaw = action.error if isinstance(action, FailChunk) else None
        etag_fault = action if isinstance(action, Etag) else None
        bare = incoming.etag
        kept = etag_fault.to_report(bare) if etag_fault else bare
        self.platform.keep_chunk(grant.upload_id, grant.chunk_index, kept, size, flaw)
        etag = etag_fault.header(bare) if etag_fault else f'"{bare}"'
        return web.Response(headers={} if etag is None else {"ETag": etag})

    async def _fetch(self, active: ActiveRequest) -> web.StreamResponse:
        active.route = "fetch"
        asset = self.store.find_asset(active.request.raw_path.partition("?")[0])
        active.upload_id = asset.folder if asset.method == "multipart" else None
        action = self.faults.take("fetch", active.upload_id)
        return await self.apply_fault(active, action, partial(self._served, active, asset))

    async def _served(self, active: ActiveRequest, asset: StoredAsset) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Date": self.date(active)})
        response.content_length = asset.size
        response.content_type = "application/octet-stream"
        await response.prepare(active.request)
        if active.request.method == "GET":
            async for piece in disk.outgoing(self.files.paths(asset)):
                await response.write(piece)
        return response


def _denied(denied: Denied) -> web.Response:
    """Answer at once; aiohttp drops the rest of the body, for up to 10 seconds.

    So the client can read the answer, and a connection on which the body ends is used again.
    """
    details = {"RequestId": secrets.token_hex(8).upper(), "HostId": secrets.token_urlsafe(56)}
    body = error_xml(denied.code, denied.message, {**denied.details, **details})
    return web.Response(status=denied.status, text=body, content_type="application/xml")


async def _pieces(content: StreamReader, action: Action | None) -> AsyncIterator[bytes]:
    if isinstance(action, Slow):
        async for piece in paced(content, action.rate):
            yield piece
    async for piece, _ in content.iter_chunks():
        yield piece


async def _flipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces, the first bit of the first one inverted."""
    flip = 0x80
    async for piece in pieces:
        yield bytes([piece[0] ^ flip]) + piece[1:] if piece else piece
        flip = 0
