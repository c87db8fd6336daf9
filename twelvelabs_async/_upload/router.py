"""``client.upload``: whatever has bytes, sent as suits its size, and one asset back."""

from attrs import frozen

from twelvelabs_async._core.validation import check_seconds, check_whole
from twelvelabs_async._http.request import RequestOptions
from twelvelabs_async._upload.direct import AssetCreation
from twelvelabs_async._upload.form import AssetForm, checked_form
from twelvelabs_async._upload.job import AssetSpec, ResumePolicy, UploadJob, Verify, checked_type
from twelvelabs_async._upload.multipart import FileUpload
from twelvelabs_async._upload.opening import StartOrResume
from twelvelabs_async._upload.platform import Platform
from twelvelabs_async._upload.progress import ProgressCallback, ProgressReporter, check_callback
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.source.content import Content, size_of
from twelvelabs_async._upload.upload_error import upload_failure
from twelvelabs_async.errors import SourceError, TwelveLabsError
from twelvelabs_async.models.assets import AssetDetail, AssetMethod
from twelvelabs_async.models.media_types import is_document
from twelvelabs_async.models.results import (
    UploadResult,
)
from twelvelabs_async.models.uploads import (
    CreateAssetUploadRequestType,
    UserMetadata,
)

DIRECT_BYTES = 200_000_000
"""The platform takes this much in one request, and recommends chunks above (API reference)."""


@frozen(kw_only=True)
class UploadOrder:
    """What a caller asks of one upload; see ``AsyncTwelveLabs.upload``."""

    content: Content
    filename: str
    file_type: CreateAssetUploadRequestType | None
    multipart_above: int
    batch_size: int
    max_workers: int
    max_retries: int
    retry_delay: float
    enable_hls: bool | None
    enable_thumbnail: bool | None
    user_metadata: UserMetadata | None
    progress_callback: ProgressCallback | None
    wait_until_ready: bool
    ready_timeout: float | None
    resuming: ResumePolicy
    verify: Verify | None
    options: RequestOptions

    def __attrs_post_init__(self) -> None:
        check_whole("multipart_above", self.multipart_above, 0)
        if self.ready_timeout is not None:
            check_seconds("ready_timeout", self.ready_timeout)
        check_callback(self.progress_callback)
        if self.file_type is not None:
            checked_type(self.filename, self.file_type)
        self.form()  # checks all that it carries, as the next line does
        self.job()

    def kind(self, size: int | None) -> CreateAssetUploadRequestType | None:
        """Return the type under which chunks are sent; None: it goes in one request.

        Args:
            size: Bytes; None: not known, and then chunks cannot be cut.

        Raises:
            InvalidArgumentError: It is too large for one request, and its type is not known.
        """
        if size is None or size <= self.multipart_above:
            return None
        if self.file_type is None and is_document(self.filename):
            return None
        return checked_type(self.filename, self.file_type)

    def form(self) -> AssetForm:
        """Return the form of one request."""
        return checked_form(
            method="direct",
            content=self.content,
            url=None,
            filename=self.filename,
            enable_hls=self.enable_hls,
            enable_thumbnail=self.enable_thumbnail,
            user_metadata=self.user_metadata,
            additional=self.options.get("additional_body_parameters") or {},
        )

    def wish(self, kind: CreateAssetUploadRequestType) -> AssetSpec:
        """Return the asset that chunks shall make."""
        return AssetSpec(
            filename=self.filename,
            file_type=kind,
            enable_hls=self.enable_hls,
            enable_thumbnail=self.enable_thumbnail,
            user_metadata=self.user_metadata,
            options=self.options,
        )

    def job(self) -> UploadJob:
        """Return the order for an upload in chunks."""
        return UploadJob(
            content=self.content,
            batch_size=self.batch_size,
            max_workers=self.max_workers,
            max_retries=self.max_retries,
            retry_delay=self.retry_delay,
            verify=self.verify,
        )


@frozen(eq=False, repr=False)
class Uploads:
    """Carries orders out."""

    _runtime: UploadRuntime
    _platform: Platform

    async def run(self, order: UploadOrder) -> AssetDetail:
        """Upload, and wait if that was asked for; see ``AsyncTwelveLabs.upload``."""
        asset = await self._sent(order)
        if not order.wait_until_ready:
            return asset
        return await self._platform.wait_until_ready(
            asset.id,
            timeout=order.ready_timeout,
            hls=bool(order.enable_hls),
            thumbnail=bool(order.enable_thumbnail),
        )

    async def _sent(self, order: UploadOrder) -> AssetDetail:
        try:
            kind = order.kind(await size_of(order.content, self._runtime.threads))
        except SourceError as error:
            raise upload_failure(order.content.label, error) from error
        if kind is None:
            return await self._direct(order)
        result = await FileUpload(
            self._runtime,
            self._platform,
            order.job(),
            StartOrResume(order.wish(kind), restart=True, verify=order.verify is not None),
            order.resuming,
            order.options,
            order.progress_callback,
        ).run()
        return _asset(order, result)

    async def _direct(self, order: UploadOrder) -> AssetDetail:
        creation = AssetCreation.of(self._runtime, order.form(), order.options)
        try:
            async with ProgressReporter(order.progress_callback, creation.progress):
                return (await creation.run()).data
        except TwelveLabsError as error:
            raise upload_failure(order.content.label, error) from error


def _asset(order: UploadOrder, result: UploadResult) -> AssetDetail:
    """Return what is known of an asset whose last chunk was just taken, without asking."""
    return AssetDetail(
        id=result.asset_id,
        method=AssetMethod.MULTIPART,
        filename=order.filename,
        user_metadata=dict(order.user_metadata or {}),
        size=result.total_size,
        url=result.asset_url,
    )
