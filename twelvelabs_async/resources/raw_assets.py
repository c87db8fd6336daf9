"""The asset endpoints, each answer with its status and headers.

Facts: the platform's API reference, v1.3, "Assets", read 2026-11; of transcriptions, the official
SDK 1.3.6.
"""

from collections.abc import Sequence

from attrs import define

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import check_flag, check_text, checked_texts
from twelvelabs_async._http.request import RequestOptions, checked_options, path_segment
from twelvelabs_async._http.request_builder import Params
from twelvelabs_async._http.response import AnswerSubject, ApiResponse
from twelvelabs_async._http.transport import Transport
from twelvelabs_async._http.user_metadata import checked_metadata
from twelvelabs_async._upload.direct import ASSETS, DirectUpload
from twelvelabs_async._upload.form import CreationMethod, checked_form
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.source.content import File, parse_content
from twelvelabs_async.errors import ConflictError
from twelvelabs_async.models.assets import (
    AssetDetail,
    AssetTranscriptionResponse,
    ListAssetsResponse,
)
from twelvelabs_async.models.pages import page_params
from twelvelabs_async.models.uploads import UserMetadata


@define(eq=False, repr=False)
class RawAssetsClient(Unpicklable):
    """As ``client.assets``, but each method returns an ``ApiResponse``."""

    _transport: Transport
    _runtime: UploadRuntime

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
    ) -> ApiResponse[AssetDetail]:
        """Create an asset; see ``AssetsClient.create``."""
        options = checked_options(request_options)
        form = checked_form(
            method=method,
            content=None if file is None else parse_content(file),
            url=url,
            filename=filename,
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=user_metadata,
            additional=options.get("additional_body_parameters", {}),
        )
        return await DirectUpload.of(self._runtime, form, options).run()

    async def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = None,
        asset_ids: str | Sequence[str] | None = None,
        asset_types: str | Sequence[str] | None = None,
        filename: str | None = None,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[ListAssetsResponse]:
        """List assets; see ``AssetsClient.list``."""
        if filename is not None:
            check_text("filename", filename)
        params: Params = {
            **page_params(page, page_limit),
            **_repeated("asset_ids", asset_ids),
            **_repeated("asset_types", asset_types),
            **({"filename": filename} if filename is not None else {}),
        }
        return await self._transport.request(
            ListAssetsResponse, "GET", ASSETS, params=params, options=request_options, harmless=True
        )

    async def retrieve(
        self, asset_id: str, *, request_options: RequestOptions | None = None
    ) -> ApiResponse[AssetDetail]:
        """Ask for one asset; see ``AssetsClient.retrieve``."""
        return await self._transport.request(
            AssetDetail,
            "GET",
            _asset(asset_id),
            options=request_options,
            harmless=True,
            subject=AnswerSubject("id", asset_id),
        )

    async def retrieve_transcription(
        self,
        asset_id: str,
        *,
        include: str | Sequence[str] | None = None,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[AssetTranscriptionResponse]:
        """Ask for a transcription; see ``AssetsClient.retrieve_transcription``."""
        return await self._transport.request(
            AssetTranscriptionResponse,
            "GET",
            f"{_asset(asset_id)}/transcription",
            params=_repeated("include", include),
            options=request_options,
            harmless=True,
        )

    async def delete(
        self,
        asset_id: str,
        *,
        force: bool | None = None,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[None]:
        """Delete an asset; see ``AssetsClient.delete``."""
        if force is not None:
            check_flag("force", force)
        params = {} if force is None else {"force": "true" if force else "false"}
        try:
            return await self._transport.request_no_content(
                "DELETE",
                _asset(asset_id),
                params=params,
                options=request_options,
                not_found_is_success=True,
            )
        except ConflictError as error:
            error.advised("force=True deletes it all the same", remedy="force")
            raise

    async def update_user_metadata(
        self,
        asset_id: str,
        *,
        user_metadata: UserMetadata,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[None]:
        """Merge metadata; see ``AssetsClient.update_user_metadata``."""
        return await self._change("PATCH", asset_id, user_metadata, request_options)

    async def replace_user_metadata(
        self,
        asset_id: str,
        *,
        user_metadata: UserMetadata,
        request_options: RequestOptions | None = None,
    ) -> ApiResponse[None]:
        """Replace metadata; see ``AssetsClient.replace_user_metadata``."""
        return await self._change("PUT", asset_id, user_metadata, request_options)

    async def delete_user_metadata(
        self, asset_id: str, *, request_options: RequestOptions | None = None
    ) -> ApiResponse[None]:
        """Clear metadata; see ``AssetsClient.delete_user_metadata``."""
        return await self._transport.request_no_content(
            "DELETE", _metadata(asset_id), options=request_options
        )

    async def _change(
        self,
        method: str,
        asset_id: str,
        user_metadata: UserMetadata,
        request_options: RequestOptions | None,
    ) -> ApiResponse[None]:
        return await self._transport.request_no_content(
            method,
            _metadata(asset_id),
            json={"user_metadata": checked_metadata(user_metadata)},
            options=request_options,
        )


def _asset(asset_id: str) -> str:
    return f"{ASSETS}/{path_segment(asset_id, 'asset_id')}"


def _metadata(asset_id: str) -> str:
    return f"{_asset(asset_id)}/user-metadata"


def _repeated(name: str, values: object) -> dict[str, Sequence[str]]:
    """Return a parameter that repeats: one text, or each of a list of texts; None: none."""
    return {} if values is None else {name: checked_texts(name, values)}
