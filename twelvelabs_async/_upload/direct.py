"""Create one asset in one request, and never a second one by mistake.

The platform has no key that would make a repetition harmless. So a request is sent again only when
it was surely not taken: refused for its rate, or its body did not get through. In every other case
without a good answer the outcome is unknown, and the error says so. Facts: API reference, v1.3,
"Create an asset", read 2026-11.
"""

import logging
import math
from functools import partial
from http import HTTPStatus

from attrs import define, evolve

from twelvelabs_async._core.slots import Slot
from twelvelabs_async._http.network_errors import without_frames
from twelvelabs_async._http.request import ApiRequest, RequestOptions
from twelvelabs_async._http.response import ApiResponse, RawResponse
from twelvelabs_async._http.retries import is_transient
from twelvelabs_async._upload.form import AssetForm
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.send.body import Body
from twelvelabs_async._upload.send.stall_watch import StallWatch
from twelvelabs_async._upload.source.content import open_content
from twelvelabs_async._upload.source.memory import MemorySource
from twelvelabs_async._upload.source.protocol import CheckedSource, Source
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async.errors import (
    ApiConnectionError,
    ClientClosedError,
    InvalidResponseError,
    OutcomeUnknownError,
    TwelveLabsError,
)
from twelvelabs_async.errors._api import SERVER_ERRORS
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.results import UploadProgress

ASSETS = "/assets"

logger: logging.Logger = logging.getLogger("twelvelabs_async")


def may_be_taken(status: int | None, *, complete: bool) -> bool:
    """Whether the platform may have made an asset, where it did not say so as it should.

    Args:
        status: What it answered; None: nothing.
        complete: Whether it was sent the whole file.
    """
    unclear = status in {None, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.SEE_OTHER}
    if unclear or status is None or status >= SERVER_ERRORS:
        return complete
    return status < HTTPStatus.MULTIPLE_CHOICES  # a 2xx without an asset; all else is a refusal


@define(eq=False, repr=False)
class DirectUpload:
    """Sends a form until the platform has answered it for good; used once."""

    _runtime: UploadRuntime
    _form: AssetForm
    _request: ApiRequest
    _body: Body | None = None
    _once: bool = False
    """Whether the bytes can be read only once."""

    @classmethod
    def of(cls, runtime: UploadRuntime, form: AssetForm, options: RequestOptions) -> "DirectUpload":
        """Prepare to send ``form``.

        Raises:
            InvalidArgumentError: An option can never be right.
        """
        request = runtime.transport.builder.request(
            "POST", ASSETS, content_type=form.content_type, options=options
        )
        if "timeout_in_seconds" not in options:
            request = evolve(request, timeout=runtime.storage.stall_timeout)
        return cls(runtime, form, request)

    def progress(self, status: str) -> UploadProgress:
        """Return how far this attempt is; ``status`` is uploading, completed or failed."""
        sent = 0 if self._body is None else self._body.sent
        total = None if self._body is None else self._body.size
        done = status == "completed"
        return UploadProgress(
            total_chunks=1,
            completed_chunks=int(done),
            percentage=100.0 if done else 100 * sent / (total or math.inf),
            status=status,
            upload_id=None,
            asset_id=None,
            uploaded_bytes=sent,
            total_bytes=total,
            stored_chunks=int(done),
        )

    async def run(self) -> ApiResponse[AssetDetail]:
        """Create the asset.

        Raises:
            ApiError: The platform refused; nothing was made.
            ApiConnectionError: It was never sent the whole request.
            ClientClosedError: The client was closed before it was.
            OutcomeUnknownError: It may have made the asset.
            SourceError: The file cannot be read, or was changed while it was sent.
        """
        return await self._runtime.run(self._attempt, lambda: self.may_repeat)

    async def _attempt(self) -> ApiResponse[AssetDetail]:
        if self._form.content is None:
            form = memoryview(await self._form.without_file().as_bytes())
            return await self._answered(MemorySource("the form", form))
        async with open_content(self._form.content, self._runtime.threads) as source:
            return await self.send(source)

    @property
    def may_repeat(self) -> bool:
        """Whether a failed attempt has had no effect."""
        return not self._once

    async def send(self, source: Source | Stream) -> ApiResponse[AssetDetail]:
        """Make an attempt with the opened content; for callers that are admitted.

        Raises:
            TwelveLabsError: As ``run`` raises it.
        """
        self._once = isinstance(source, Stream)
        return await self._answered(source if isinstance(source, Stream) else CheckedSource(source))

    async def _answered(self, source: Source | Stream) -> ApiResponse[AssetDetail]:
        transport = self._runtime.transport
        seen_refusals = transport.gate.refusals
        retries = transport.retry_count(self._request)
        while True:
            failure: TwelveLabsError
            status = None
            slot = self._runtime.puts.acquire()
            body = self._body = Body(
                source, 0, source.size, self._runtime.bodies, when_stuck=slot.release
            )
            try:
                answer = await self._send(body, slot, seen_refusals)
            except (ApiConnectionError, InvalidResponseError, ClientClosedError) as error:
                failure = error
            else:
                if answer.good and body.complete:
                    return await self._created(answer)
                status = answer.status
                failure = await transport.refusal(answer, self._request)
            if may_be_taken(status, complete=body.complete):
                raise self._unknown(failure) from failure
            final = isinstance(failure, ClientClosedError)
            final = final or (status is not None and not is_transient(status))
            pause = transport.pause_after(failure, retries, final=final)
            if pause is None:
                raise failure
            if isinstance(source, Stream) and source.touched:
                raise failure.advised(f"not sent again: {source.name} can be read only once")
            logger.info("%s is sent again: %s", self._request.name, failure)
            if pause:
                await transport.pause(pause)

    @without_frames
    async def _send(self, body: Body, slot: Slot, seen_refusals: int) -> RawResponse:
        """Make one attempt.

        Raises:
            ApiConnectionError: There was no answer.
            SourceError: The file failed; aiohttp reports that as a broken connection.
        """
        payload = body if self._form.content is None else self._form.with_file(body)
        transport = self._runtime.transport
        try:
            async with transport.gated_slot(lambda: slot, seen_refusals):
                watch = partial(StallWatch, body, self._request.timeout)
                answer = await transport.send_once(evolve(self._request, body=payload), watch)
        except ApiConnectionError as error:
            failure: Exception = body.failure or error
        else:
            if body.sent or body.complete or not answer.good:
                return answer
            # Of a user's connection: the answer was there before anything of the file was sent.
            text = f"no answer to {self._request.name}, but one to another call"
            failure = ApiConnectionError(text)
            failure.stale_connection = True
        finally:
            body.abandon()
        raise failure

    async def _created(self, answer: RawResponse) -> ApiResponse[AssetDetail]:
        transport = self._runtime.transport
        read = partial(transport.parser.values, AssetDetail, request=self._request.name)
        try:
            return await transport.parsed(answer, read)
        except InvalidResponseError as error:
            raise self._unknown(error) from error

    def _unknown(self, failure: TwelveLabsError) -> OutcomeUnknownError:
        name = self._form.fields.get("filename")
        named = f"filename={name!r}" if name else ""
        return OutcomeUnknownError(
            f"the asset may have been created or not: {failure}; look at the newest of "
            f"assets.list({named}) before you send it again",
            failure,
            filename=name,
        )
