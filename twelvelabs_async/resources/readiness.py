"""Ask for an asset until it can be used."""

import random
from collections.abc import Awaitable, Callable

from attrs import frozen

from twelvelabs_async._http.retries import is_transient
from twelvelabs_async.errors import (
    ApiConnectionError,
    ApiError,
    AssetFailedError,
    AssetNotReadyError,
)
from twelvelabs_async.models.assets import (
    AssetDetail,
    AssetHlsStatus,
    AssetStatus,
    AssetThumbnailStatus,
)
from twelvelabs_async.resources.deadline import Deadline

LONGEST_PAUSE = 30.0
"""Seconds between two questions, at most, unless the caller's interval is longer."""

GROWTH = 1.5
MOST_FAILURES = 10
"""Questions in a row that may fail, each after its own retries; then the last failure is raised."""


@frozen
class ReadinessPoll:
    """How an asset is waited for; see ``AssetsClient.wait_until_ready``.

    Attributes:
        timeout: Seconds to wait; a question that is under way then gets 5 more. None: as long as it
            takes.
        interval: Seconds before the second question, about.
        hls: Whether to wait for the HLS stream, too.
        thumbnail: Whether to wait for the thumbnail, too.
    """

    timeout: float | None
    interval: float
    hls: bool
    thumbnail: bool
    _pause: Callable[[float], Awaitable[None]]

    async def run(self, asset_id: str, ask: Callable[[], Awaitable[AssetDetail]]) -> AssetDetail:
        """Return the asset once it is ready.

        Raises:
            AssetFailedError: It never will be.
            AssetNotReadyError: Time ran out.
            ApiError: The platform refused, or failed too often in a row.
            ApiConnectionError: It gave no answer too often in a row.
        """
        deadline, pause, failed, status = Deadline.after(self.timeout), self.interval, 0, None
        failure: Exception | None = None
        while True:
            try:
                asset = await deadline.ask(ask)
            except (ApiError, ApiConnectionError) as error:
                failed, failure = failed + 1, error
                if failed == MOST_FAILURES or not _may_pass(error):
                    raise
            else:
                if asset is not None:
                    failed, failure, status = 0, None, asset.status
                    if self._is_ready(asset):
                        return asset
            if deadline.left <= 0:
                until = f"after {self.timeout:g} s"
                if failure is not None:
                    until += f", and the last question failed: {failure}"
                raise AssetNotReadyError(asset_id, status, until) from failure
            jittered = pause * random.uniform(0.75, 1.25)  # noqa: S311 - jitter is no secret
            await self._pause(min(jittered, deadline.left))
            pause = max(self.interval, min(pause * GROWTH, LONGEST_PAUSE))

    def _is_ready(self, asset: AssetDetail) -> bool:
        """Whether everything that is waited for is there.

        Raises:
            AssetFailedError: Something of it never will be.
        """
        if asset.status == AssetStatus.FAILED:
            reason = asset.error.message if asset.error else "the platform does not say why"
            raise AssetFailedError(asset.id, reason)
        made = (not self.hls or _has_stream(asset), not self.thumbnail or _has_thumbnail(asset))
        return asset.status == AssetStatus.READY and all(made)


def _may_pass(error: ApiError | ApiConnectionError) -> bool:
    return isinstance(error, ApiConnectionError) or is_transient(error.status_code or 0)


def _has_stream(asset: AssetDetail) -> bool:
    if asset.hls is not None and asset.hls.status == AssetHlsStatus.ERROR:
        raise AssetFailedError(asset.id, "its HLS stream could not be made")
    return asset.hls is not None and asset.hls.status == AssetHlsStatus.READY


def _has_thumbnail(asset: AssetDetail) -> bool:
    if asset.thumbnail is not None and asset.thumbnail.status == AssetThumbnailStatus.ERROR:
        raise AssetFailedError(asset.id, "its thumbnail could not be made")
    return asset.thumbnail is not None and asset.thumbnail.status == AssetThumbnailStatus.READY
