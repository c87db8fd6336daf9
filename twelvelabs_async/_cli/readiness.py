"""Wait for an asset, and for what was to be made from it."""

from attrs import frozen

from twelvelabs_async import AssetDetail, AssetFailedError, AssetNotReadyError, AsyncTwelveLabs
from twelvelabs_async._core import clock
from twelvelabs_async._core.validation import check_seconds

ALMOST_NONE = 1e-3
"""Seconds: enough for one more question."""


@frozen(kw_only=True)
class Wait:
    """What to wait for; ``timeout`` in seconds, None: as long as it takes.

    Raises:
        InvalidArgumentError: ``timeout`` can never be right.
    """

    hls: bool
    thumbnail: bool
    timeout: float | None

    def __attrs_post_init__(self) -> None:
        if self.timeout is not None:
            check_seconds("--timeout", self.timeout)

    async def run(self, client: AsyncTwelveLabs, asset_id: str) -> AssetDetail:
        """Wait until an asset is ready, and then for what is made from it.

        In two steps: an asset that is ready says what is being made, and what never will be.

        Raises:
            AssetFailedError: It failed, or the platform does not make what is waited for.
            AssetNotReadyError: Time ran out.
            TwelveLabsError: As ``client.assets.wait_until_ready`` raises it.
        """
        began = clock.monotonic()
        asset = await client.assets.wait_until_ready(asset_id, timeout=self.timeout)
        if self.hls and asset.hls is None:
            raise AssetFailedError(asset_id, "no HLS stream of it was asked for, or can be made")
        if self.thumbnail and asset.thumbnail is None:
            raise AssetFailedError(asset_id, "no thumbnail of it was asked for, or can be made")
        if not (self.hls or self.thumbnail):
            return asset
        return await self._made(client, asset_id, began)

    async def _made(self, client: AsyncTwelveLabs, asset_id: str, began: float) -> AssetDetail:
        left = None
        if self.timeout is not None:
            left = max(began + self.timeout - clock.monotonic(), ALMOST_NONE)
        try:
            return await client.assets.wait_until_ready(
                asset_id, timeout=left, hls=self.hls, thumbnail=self.thumbnail
            )
        except AssetNotReadyError as error:
            raise AssetNotReadyError(
                asset_id, error.status, f"after {self.timeout:g} s"
            ) from error.__cause__
