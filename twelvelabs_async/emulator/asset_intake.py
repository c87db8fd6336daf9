"""How a new asset's file comes in: out of a form, or from a URL, piece by piece to the disk.

A form is read whole before anything in it is judged, so that the size of a file that is too large
is known exactly; what exceeds the limit is counted and dropped. Nothing takes effect until the
file is there, and then at once: no await stands between the asset and the name of its file.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from email.message import Message

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from attrs import frozen

from twelvelabs_async.emulator import fetching, forms
from twelvelabs_async.emulator.disk import Files, Incoming
from twelvelabs_async.emulator.endpoints import Endpoints, Outcome
from twelvelabs_async.emulator.forms import Form, Order, Sent
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.wav import sound_in

READ_SIZE = 2**20
"""More than a connection ever buffers: else aiohttp puts bytes back, which it deprecates."""
MAX_TEXT = 2**20
UNNAMED = "application/octet-stream"
BROKEN = (ValueError, RuntimeError, AssertionError, HttpProcessingError)


@frozen
class Intake:
    """Make assets from requests."""

    endpoints: Endpoints
    files: Files

    async def create(self, request: web.Request) -> Outcome:
        """Take in one file, and return what is answered.

        Raises:
            Refusal: Nothing was made, nothing is left on the disk.
        """
        asset_id = secrets.token_hex(12)
        async with self.files.receiving(asset_id) as incoming:
            form = await self._read(request, incoming)
            order = forms.order(form)
            if order.method == "url":
                sent = await _fetched(order, incoming, self.endpoints.library.limits)
            else:
                assert form.file is not None  # noqa: S101 - for the type checker: checked above
                sent = form.file
            file = self.endpoints.judged(order, sent)
            sound = await asyncio.to_thread(sound_in, incoming.temporary, file.size)
            incoming.commit()
            return self.endpoints.created(asset_id, order, file, sound)

    async def _read(self, request: web.Request, incoming: Incoming) -> Form:
        limits = self.endpoints.library.limits
        reader = await _reader(request)
        try:
            return await _form(reader, incoming, max(limits.direct, limits.image))
        except BROKEN as error:
            message = f"The multipart body cannot be read: {error}."
            raise Refusal(400, "invalid_multipart", message) from error


async def _reader(request: web.Request) -> MultipartReader:
    if request.content_type != "multipart/form-data":
        message = f"The content type {request.content_type} is not multipart/form-data."
        raise Refusal(400, "content_type_invalid", message)
    header = Message()
    header["Content-Type"] = request.headers["Content-Type"]
    if not header.get_boundary():
        message = "The content type multipart/form-data has no boundary."
        raise Refusal(400, "multipart_boundary_missing", message)
    try:
        return await request.multipart()
    except BROKEN as error:
        raise Refusal(400, "invalid_multipart", f"The boundary is no good: {error}.") from error


async def _form(reader: MultipartReader, incoming: Incoming, limit: int) -> Form:
    fields: list[tuple[str, str]] = []
    file: Sent | None = None
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise ValueError("a part has no name, or is multipart itself")
        if part.name == "file" and part.filename is not None and file is None:
            file = await _file(part, incoming, limit)
        else:
            fields.append((part.name, await _text(part)))
    return Form(tuple(fields), file)


async def _file(part: BodyPartReader, incoming: Incoming, limit: int) -> Sent:
    size = 0

    async def kept() -> AsyncIterator[bytes]:
        nonlocal size
        while not part.at_eof():
            piece = await part.read_chunk(READ_SIZE)
            size += len(piece)
            if size <= limit:
                yield piece

    await incoming.receive(kept())
    announced = part.headers.get("Content-Type", UNNAMED).partition(";")[0].strip()
    return Sent(part.filename or "", announced, size)


async def _text(part: BodyPartReader) -> str:
    text = bytearray()
    while not part.at_eof():
        text += await part.read_chunk(READ_SIZE)
        if len(text) > MAX_TEXT:
            raise ValueError(f"the field {part.name} is larger than {MAX_TEXT} bytes")
    return text.decode()


async def _fetched(order: Order, incoming: Incoming, limits: forms.Limits) -> Sent:
    async with fetching.opened(order.url) as response:
        filename = forms.name_in(order.url)
        file_type = forms.taken_type(order.filename or filename, response.content_type)
        pieces = fetching.body(response, limits.of("url", file_type))
        await incoming.receive(pieces)
        return Sent(filename, response.content_type, incoming.received)
