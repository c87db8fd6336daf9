"""An upload in one request or in chunks: which of them, the opened content decides."""

import math
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

from attrs import define, evolve

from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.admitted import AdmittedUpload
from twelvelabs_async._upload.asset_name import checked_name, type_of
from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async._upload.beginning import StartOrResume
from twelvelabs_async._upload.direct import DirectUpload
from twelvelabs_async._upload.form import checked_form
from twelvelabs_async._upload.multipart import MultipartUpload
from twelvelabs_async._upload.options import UploadCall
from twelvelabs_async._upload.platform import UploadPlatform
from twelvelabs_async._upload.progress import ProgressReporter
from twelvelabs_async._upload.resume.claim import BusyEntries
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.source.content import UNNAMED, Content, parse_content, size_of
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async._upload.upload_error import upload_error
from twelvelabs_async.errors import InvalidArgumentError, SourceError, TwelveLabsError, UploadError
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.assets import AssetMethod
from twelvelabs_async.models.error_codes import ErrorCode
from twelvelabs_async.models.media_types import is_document
from twelvelabs_async.models.results import UploadedAsset, UploadResult
from twelvelabs_async.models.uploads import CreateAssetUploadRequestType


@define(eq=False, repr=False)
class RoutedUpload:
    """Carries out one call of ``client.upload``; used once.

    Attributes:
        _filename: What to call the asset.
        _direct: The upload in one request, if it comes to that.
        _multipart: The upload in chunks; None: it goes in one request, or is not opened yet.
    """

    _admitted: AdmittedUpload
    _platform: UploadPlatform
    _call: UploadCall
    _filename: str
    _direct: DirectUpload
    _multipart: MultipartUpload | None = None
    _shown: bool = False

    @classmethod
    def of(
        cls,
        runtime: UploadRuntime,
        platform: UploadPlatform,
        call: UploadCall,
        content: Content,
        journal: Journal | None,
    ) -> Self:
        """Check what the call asks for, and prepare it; nothing is opened yet.

        Raises:
            InvalidArgumentError: It can never be right.
        """
        options = call.request_options or {}
        form = checked_form(
            method="direct",
            content=content,
            url=None,
            filename=call.filename,
            enable_hls=call.enable_hls,
            enable_thumbnail=call.enable_thumbnail,
            user_metadata=call.user_metadata,
            additional=options.get("additional_body_parameters", {}),
        )
        filename = form.fields["filename"]
        if call.spool:
            content = evolve(content, spool_up_to=_most_in_one_request(call, filename))
        admitted = AdmittedUpload(runtime, content, call, journal)
        return cls(admitted, platform, call, filename, DirectUpload.of(runtime, form, options))

    async def run(self) -> UploadedAsset:
        """Upload the content.

        Raises:
            InvalidArgumentError: It is too large for one request, and nothing says what it is.
            UploadError: It did not arrive.
        """
        try:
            async with AsyncExitStack() as progress:
                attempt = partial(self._attempt, progress)
                return await self._admitted.run(attempt, lambda: self._may_repeat)
        except InvalidArgumentError:
            raise
        except TwelveLabsError as error:
            raise self._error(error) from error

    async def _attempt(
        self, progress: AsyncExitStack, source: Source | Stream, busy_entries: BusyEntries | None
    ) -> UploadedAsset:
        kind = _type_in_chunks(self._call, self._filename, source.size)
        if kind is None:
            if isinstance(source, Stream):
                source.limit = _most_in_one_request(self._call, self._filename)
            await self._show(progress)
            return UploadedAsset.of((await self._direct.send(source)).data, None)
        if self._multipart is None:
            self._multipart = self._in_chunks(kind)
        return self._asset(await self._multipart.send(source, busy_entries))

    async def _show(self, progress: AsyncExitStack) -> None:
        """Show the progress of the one request from now on, over all attempts."""
        if not self._shown:
            self._shown = True
            callback = self._call.progress_callback
            await progress.enter_async_context(ProgressReporter(callback, self._direct.progress))

    @property
    def _may_repeat(self) -> bool:
        return self._direct.may_repeat if self._multipart is None else self._multipart.may_repeat

    def _in_chunks(self, kind: CreateAssetUploadRequestType) -> MultipartUpload:
        spec = AssetSpec.of(self._call, self._filename, kind)
        beginning, one = StartOrResume(spec, self._call), self._admitted
        return MultipartUpload(
            one.runtime, self._platform, one.content, self._call, beginning, one.journal
        )

    def _asset(self, result: UploadResult) -> UploadedAsset:
        """Return what is known of an asset whose last chunk was just taken, without asking."""
        return UploadedAsset(
            id=result.asset_id,
            method=AssetMethod.MULTIPART,
            filename=self._filename,
            user_metadata=dict(self._call.user_metadata or {}),
            size=result.total_size,
            url=result.asset_url,
            result=result,
        )

    def _error(self, cause: TwelveLabsError) -> UploadError:
        """Return what ``cause`` means to the caller; of what has no name, that it lacks one."""
        if self._multipart is not None:
            return self._multipart.error(cause)
        error = upload_error(self._admitted.content.label, cause)
        unnamed = self._call.filename is None and not self._admitted.content.filename
        if unnamed and getattr(cause, "code", None) == ErrorCode.MEDIA_URL_UNSUPPORTED_FORMAT:
            return error.advised('pass filename=, such as "clip.mp4"', remedy="filename")
        return error


def _type_in_chunks(
    call: UploadCall, filename: str, size: int | None
) -> CreateAssetUploadRequestType | None:
    """Return the type under which chunks are sent; None: it goes in one request.

    Args:
        call: The call.
        filename: What to call the asset.
        size: Bytes; None: not known, and then no chunks can be cut.

    Raises:
        InvalidArgumentError: It is too large for one request, and its type is not known.
    """
    most = _most_in_one_request(call, filename)
    if size is None and not most:
        problem = "is 0, and chunks are cut of a known size; pass size=, or spool=True"
        raise InvalidArgumentError(problem, argument="multipart_above")
    if size is None or size <= most:
        return None
    return type_of(filename, call.file_type)


def _most_in_one_request(call: UploadCall, filename: str) -> float:
    """Return up to how many bytes go in one request; infinite for a document."""
    if call.file_type is None and is_document(filename):
        return math.inf
    return call.multipart_above


async def check_file(call: UploadCall, threads: Threads) -> None:
    """Refuse what ``client.upload`` would refuse, before it is called; nothing is opened.

    Raises:
        InvalidArgumentError: An argument can never be right.
        UploadError: There is no file, or it is no regular file, or empty, or cannot be seen.
    """
    content = evolve(parse_content(call.source), size=call.size)
    size = await usable_size(content, threads)
    if size is None and call.spool:
        size = call.multipart_above + 1  # it is read to its end first, and may be that large
    _type_in_chunks(call, checked_name(call.filename, content.filename or UNNAMED), size)


async def usable_size(content: Content, threads: Threads) -> int | None:
    """Return the bytes of what can be uploaded, without opening it; None: the end is not known.

    Raises:
        UploadError: There is no file, or it is no regular file, or empty, or cannot be seen.
    """
    try:
        size = await size_of(content, threads)
    except SourceError as error:
        raise upload_error(content.label, error) from error
    if content.size not in {None, size}:
        problem = f"is {content.size}, and {content.label} has {size} bytes"
        raise InvalidArgumentError(problem, argument="size")
    return size
