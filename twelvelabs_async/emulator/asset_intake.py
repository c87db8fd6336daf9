"""Receive the file of a new asset, from a form or a URL, piece by piece to the disk.

A form is read whole before anything in it is judged, so that the size of a file that is too large
is known exactly; bytes beyond the limit are counted and dropped. The asset appears at once with its
file: there is no await between renaming the file and making the asset.
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
from twelvelabs_async.emulator.forms import Form, NewAsset, ReceivedFile
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
            asked = forms.new_asset(form)
            if asked.method == "url":
                sent = await _fetched(asked, incoming, self.endpoints.asset_rules.limits)
            else:
                assert form.file is not None  # noqa: S101 - for the type checker: checked above
                sent = form.file
            file = self.endpoints.judged(asked, sent)
            sound = await asyncio.to_thread(sound_in, incoming.temporary, file.size)
            incoming.commit()
            return self.endpoints.created(asset_id, asked, file, sound)

    async def _read(self, request: web.Request, incoming: Incoming) -> Form:
        limits = self.endpoints.asset_rules.limits
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
    file: ReceivedFile | None = None
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise ValueError("a part has no name, or is multipart itself")
        if part.name == "file" and part.filename is not None and file is None:
            file = await _file(part, incoming, limit)
        else:
            fields.append((part.name, await _text(part)))
    return Form(tuple(fields), file)


async def _file(part: BodyPartReader, incoming: Incoming, limit: int) -> ReceivedFile:
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
    return ReceivedFile(part.filename or "", announced, size)


async def _text(part: BodyPartReader) -> str:
    text = bytearray()
    while not part.at_eof():
        text += await part.read_chunk(READ_SIZE)
        if len(text) > MAX_TEXT:
            raise ValueError(f"the field {part.name} is larger than {MAX_TEXT} bytes")
    return text.decode()


async def _fetched(asked: NewAsset, incoming: Incoming, limits: forms.Limits) -> ReceivedFile:
    async with fetching.opened(asked.url) as response:
        filename = forms.name_in(asked.url)
        file_type = forms.taken_type(asked.filename or filename, response.content_type)
        pieces = fetching.body(response, limits.of("url", file_type))
        await incoming.receive(pieces)
        return ReceivedFile(filename, response.content_type, incoming.received)
