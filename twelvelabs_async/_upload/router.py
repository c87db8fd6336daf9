"""The ways in: each takes a call, checked, and carries it out."""

import logging

from attrs import evolve, frozen

from twelvelabs_async._upload.admitted import AdmittedUpload
from twelvelabs_async._upload.asset_name import checked_name, type_of
from twelvelabs_async._upload.asset_spec import AssetSpec
from twelvelabs_async._upload.beginning import ResumeById, StartOrResume
from twelvelabs_async._upload.multipart import MultipartUpload
from twelvelabs_async._upload.options import (
    AssetOptions,
    ResumeCall,
    SendOptions,
    UploadCall,
    UploadFileCall,
)
from twelvelabs_async._upload.platform import UploadPlatform
from twelvelabs_async._upload.resume.forgetting import forget_result
from twelvelabs_async._upload.routed import RoutedUpload, usable_size
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.source.content import (
    Content,
    parse_content,
    parse_path,
)
from twelvelabs_async.errors import (
    AssetFailedError,
    AssetNotReadyError,
    InvalidArgumentError,
    TwelveLabsError,
)
from twelvelabs_async.journal import Journal
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.results import UploadedAsset, UploadResult
from twelvelabs_async.models.uploads import CreateAssetUploadRequestType

NO_PATH = "use client.upload(data, filename=..., size=...), which takes what is no file on a disk"
"""What to do with what ``upload_file`` does not take."""

logger = logging.getLogger("twelvelabs_async")


@frozen(eq=False, repr=False)
class UploadRouter:
    """Carries out the calls that upload; see the methods of the resources for what they raise.

    Attributes:
        _journal: The client's; None: it has none.
    """

    _runtime: UploadRuntime
    _platform: UploadPlatform
    _journal: Journal | None

    async def upload(self, call: UploadCall) -> UploadedAsset:
        """Upload what has bytes, and wait until it is ready if that is asked for."""
        journal = self._journal_of(call.journal)
        content = evolve(parse_content(call.source), size=call.size)
        asset = await RoutedUpload.of(self._runtime, self._platform, call, content, journal).run()
        if not call.wait_until_ready:
            return asset
        return UploadedAsset.of(await self._ready(asset, call), asset.result)

    async def upload_file(self, call: UploadFileCall) -> UploadResult:
        """Upload a file in chunks."""
        content = parse_path(call.file_path, NO_PATH)
        name = checked_name(call.filename, content.filename or "")
        spec = AssetSpec.of(call, name, await self._type_of(content, name, call))
        return await self._in_chunks(content, call, StartOrResume(spec, call))

    async def resume(self, call: ResumeCall) -> UploadResult:
        """Go on with a session that the caller names."""
        return await self._in_chunks(parse_path(call.file_path), call, ResumeById(call))

    async def forget(self, result: UploadResult, journal: Journal | None) -> None:
        """Forget a result that a journal keeps."""
        chosen = self._journal_of(journal)
        if chosen is not None and result.journal_key is not None:
            pause = self._runtime.sessions.pause
            await forget_result(chosen, result.journal_key, result.upload_id, pause)

    def _journal_of(self, journal: Journal | None) -> Journal | None:
        """Return the journal of a call: its own, or the client's."""
        return self._journal if journal is None else journal

    async def _ready(self, asset: UploadedAsset, call: UploadCall) -> AssetDetail:
        """Wait until an asset is ready; every failure names it, for its file has arrived."""
        try:
            return await self._platform.wait_until_ready(
                asset.id,
                timeout=call.ready_timeout,
                hls=bool(call.enable_hls),
                thumbnail=bool(call.enable_thumbnail),
            )
        except (AssetFailedError, AssetNotReadyError):
            raise
        except TwelveLabsError as error:
            until = f"as far as is known: {error}"
            unseen = AssetNotReadyError(asset.id, asset.status, until)
            unseen.retry_after = error.retry_after
            raise unseen from error

    async def _in_chunks(
        self, content: Content, call: SendOptions, beginning: StartOrResume | ResumeById
    ) -> UploadResult:
        journal = self._journal_of(call.journal)
        upload = MultipartUpload(self._runtime, self._platform, content, call, beginning, journal)
        admitted = AdmittedUpload(self._runtime, content, call, journal)
        try:
            result = await admitted.run(upload.send, lambda: upload.may_repeat)
        except InvalidArgumentError:
            raise
        except TwelveLabsError as error:
            raise upload.error(error) from error
        logger.info("upload %s arrived as asset %s", result.upload_id, result.asset_id)
        return result

    async def _type_of(
        self, content: Content, name: str, call: AssetOptions
    ) -> CreateAssetUploadRequestType:
        """Return the platform's type of a file.

        Raises:
            InvalidArgumentError: Nothing says what it is.
            UploadError: Nothing does because there is no such file, or it is no regular one.
        """
        try:
            return type_of(name, call.file_type)
        except InvalidArgumentError:
            # Only now, for a look at the disk takes a thread.
            await usable_size(content, self._runtime.threads)
            raise
