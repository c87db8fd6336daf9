"""``client.assets``: what the platform holds. Names and parameters are the official SDK's."""

from collections.abc import Awaitable, Callable, Sequence

from attrs import define

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import check_flag, check_seconds, checked_texts
from twelvelabs_async._http.request import RequestOptions, checked_options
from twelvelabs_async._upload.form import CreationMethod
from twelvelabs_async._upload.source.content import File
from twelvelabs_async.models.assets import (
    AssetDetail,
    AssetTranscriptionResponse,
)
from twelvelabs_async.models.pages import Page
from twelvelabs_async.models.uploads import UserMetadata
from twelvelabs_async.resources.raw_assets import RawAssetsClient
from twelvelabs_async.resources.readiness import ReadinessPoll


@define(eq=False, repr=False)
class AssetsClient(Unpicklable):
    """The account's assets."""

    _raw: RawAssetsClient
    _pause: Callable[[float], Awaitable[None]]

    @property
    def with_raw_response(self) -> RawAssetsClient:
        """The same endpoints, each answer with its ``data``, ``status_code`` and ``headers``."""
        return self._raw

    async def create(
        self,
        *,
        method: CreationMethod,
        file: File | None = None,
        url: str | None = None,
        filename: str | None = None,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        user_metadata: UserMetadata | str | None = None,
        request_options: RequestOptions | None = None,
    ) -> AssetDetail:
        """Create an asset in one request: from a file, or from a URL that the platform fetches.

        The file is streamed: its size costs no memory. It is sent again, whole, only where the
        platform has surely not taken it: the rate limit, or a body that did not get through. The
        platform takes 200 MB this way; ``client.upload`` sends larger files in chunks.

        Cancelled, it leaves no connection or file open; whether the asset was made is not known.

        Args:
            method: ``direct``: ``file`` is sent; ``url``: the platform fetches ``url``.
            file: A path (str or os.PathLike), bytes, anything with ``read(size)``, sync or async,
                that gives bytes (sent from where it stands, and left standing there if it can be
                sought in), an async iterator of bytes, or a tuple ``(name, content)`` or ``(name,
                content, content_type)``. What can be read only once must have as many bytes as a
                ``size`` of its own says, if that is a whole number from 1 on, and is not sent again
                when a part of it is gone; a generator is closed in the end. While it is read
                it holds one of the client's ``max_concurrency``, so it must not itself wait for
                other uploads. Bytes that can change (a ``bytearray``) are not copied: they are sent
                as they are when it is their turn, and must not change before the call has ended.
            url: ``http`` or ``https``, and within the platform's reach.
            filename: What to call the asset; None: the name that ``file`` or ``url`` has.
            enable_hls: Whether to make an HLS stream; None: the platform's choice.
            enable_thumbnail: Whether to make thumbnails; None: the platform's choice.
            user_metadata: Your own keys and values, kept with the asset; or, as in the official
                SDK, the same as the text of a JSON object.
            request_options: For this call; ``timeout_in_seconds`` is the longest time without a
                byte taken or an answer, and ``stall_timeout`` of the client where it is not given.

        Returns:
            The asset, as a rule still ``processing``; what the platform does not say yet is None.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            SourceError: The file cannot be read, is empty, or was changed while it was sent;
                nothing was made.
            ApiError: The platform refused; nothing was made.
            ApiConnectionError: The request did not get through; nothing was made.
            OutcomeUnknownError: The answer is lost: the asset may have been made, or not.
        """
        answer = await self._raw.create(
            method=method,
            file=file,
            url=url,
            filename=filename,
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=user_metadata,
            request_options=request_options,
        )
        return answer.data

    async def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = None,
        asset_ids: str | Sequence[str] | None = None,
        asset_types: str | Sequence[str] | None = None,
        filename: str | None = None,
        request_options: RequestOptions | None = None,
    ) -> Page[AssetDetail]:
        """List assets, newest first; ``async for`` walks all pages.

        Args:
            page: Which page, from 1; None: the first.
            page_limit: Assets on a page, 1 to 50; None: 10.
            asset_ids: Only these; None: any.
            asset_types: Only ``video``, ``audio``, ``image`` and so on; None: any.
            filename: Only those whose name has this in it, in any case; None: any.
            request_options: For each call, those for later pages too.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        # Of one's own: later pages are fetched after the caller may have changed them.
        options = checked_options(request_options)
        ids = None if asset_ids is None else checked_texts("asset_ids", asset_ids)
        types = None if asset_types is None else checked_texts("asset_types", asset_types)

        async def fetch(number: int) -> Page[AssetDetail]:
            answer = await self._raw.list(
                page=number,
                page_limit=page_limit,
                asset_ids=ids,
                asset_types=types,
                filename=filename,
                request_options=options,
            )
            return Page(answer.data.data, answer.data.page_info, number, fetch)

        return await fetch(1 if page is None else page)

    async def retrieve(
        self, asset_id: str, *, request_options: RequestOptions | None = None
    ) -> AssetDetail:
        """Ask for one asset.

        Raises:
            InvalidArgumentError: The id is empty, or has a slash; nothing was sent.
            NotFoundError: There is no such asset.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        return (await self._raw.retrieve(asset_id, request_options=request_options)).data

    async def retrieve_transcription(
        self,
        asset_id: str,
        *,
        include: str | Sequence[str] | None = None,
        request_options: RequestOptions | None = None,
    ) -> AssetTranscriptionResponse:
        """Retrieve the transcription of a video or audio asset.

        The platform transcribes asynchronously: call this again later while ``status`` is neither
        ``ready`` nor ``failed``. A 404 does not say whether a transcription will ever exist.

        Args:
            asset_id: The asset.
            include: The segmentations to return: ``words``, ``sentences`` or ``utterances``, or a
                list of them; None or an empty list: the platform's default, ``words``.
            request_options: For this call.

        Returns:
            The status, and once it is ``ready`` the segmentations that were asked for. A
            segmentation that the transcription does not support is None.

        Raises:
            InvalidArgumentError: The id is empty, or has a slash, or ``include`` is no text;
                nothing was sent.
            NotFoundError: There is no such asset, or it has no transcription, as an image.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        answer = await self._raw.retrieve_transcription(
            asset_id, include=include, request_options=request_options
        )
        return answer.data

    async def delete(
        self,
        asset_id: str,
        *,
        force: bool | None = None,
        request_options: RequestOptions | None = None,
    ) -> None:
        """Delete an asset; a 404 after a lost answer means that it is deleted.

        Args:
            asset_id: The asset.
            force: Whether to delete it although others refer to it; None: the platform's choice
                (no).
            request_options: For this call.

        Raises:
            InvalidArgumentError: The id is empty, or has a slash; nothing was sent.
            NotFoundError: There is no such asset.
            ConflictError: Others refer to it; ``force=True`` deletes it all the same.
            ApiError: The platform refused.
            ApiConnectionError: The platform gave no answer.
        """
        await self._raw.delete(asset_id, force=force, request_options=request_options)

    async def update_user_metadata(
        self,
        asset_id: str,
        *,
        user_metadata: UserMetadata,
        request_options: RequestOptions | None = None,
    ) -> None:
        """Set some keys, and leave the others; a key set to None is deleted.

        Raises:
            InvalidArgumentError: A value cannot be carried exactly; nothing was sent.
            NotFoundError: There is no such asset.
            ApiError: The platform refused.
            ApiConnectionError: The platform gave no answer.
        """
        await self._raw.update_user_metadata(
            asset_id, user_metadata=user_metadata, request_options=request_options
        )

    async def replace_user_metadata(
        self,
        asset_id: str,
        *,
        user_metadata: UserMetadata,
        request_options: RequestOptions | None = None,
    ) -> None:
        """Put these keys in the place of all that there are; raises as ``update_user_metadata``."""
        await self._raw.replace_user_metadata(
            asset_id, user_metadata=user_metadata, request_options=request_options
        )

    async def delete_user_metadata(
        self, asset_id: str, *, request_options: RequestOptions | None = None
    ) -> None:
        """Delete all keys; raises as ``update_user_metadata``."""
        await self._raw.delete_user_metadata(asset_id, request_options=request_options)

    async def wait_until_ready(
        self,
        asset_id: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the error names the last status
        poll_interval: float = 2.0,
        hls: bool = False,
        thumbnail: bool = False,
        request_options: RequestOptions | None = None,
    ) -> AssetDetail:
        """Ask for an asset until it can be used.

        Args:
            asset_id: The asset.
            timeout: Seconds to wait; a question that is under way then gets 5 more. None: as long
                as it takes.
            poll_interval: Seconds before the second question, about; the pauses grow to 30.
            hls: Whether to wait for the HLS stream, too.
            thumbnail: Whether to wait for the thumbnail, too.
            request_options: For each question.

        Returns:
            The asset, ready.

        Raises:
            InvalidArgumentError: An argument can never be right; nothing was sent.
            AssetFailedError: The platform could not process it, or make what is waited for.
            AssetNotReadyError: Time ran out; the error names the last status, and its cause is
                what the last question ended in, if that was no answer.
            ApiError: The platform refused, or failed ten times in a row.
            ApiConnectionError: It gave no answer, ten times in a row.
            ClientClosedError: The client was closed meanwhile.
        """
        check_seconds("poll_interval", poll_interval)
        if timeout is not None:
            check_seconds("timeout", timeout)
        check_flag("hls", hls)
        check_flag("thumbnail", thumbnail)
        options = checked_options(request_options)
        poll = ReadinessPoll(timeout, poll_interval, hls, thumbnail, self._pause)
        return await poll.run(asset_id, lambda: self.retrieve(asset_id, request_options=options))
