"""Find out which asset an upload has made, and where it is."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from attrs import define, field

from twelvelabs_async._core import clock
from twelvelabs_async._http.request import is_id
from twelvelabs_async._upload.plan.ledger import Ledger
from twelvelabs_async._upload.plan.session import UploadSession
from twelvelabs_async._upload.session_calls import SessionCalls
from twelvelabs_async.errors import ApiConnectionError, ApiError, ClientClosedError
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.uploads import GetUploadStatusResponse, ReportChunkBatchResponse

logger = logging.getLogger("twelvelabs_async")

URL_PAUSES = (1.0, 2.0, 4.0, 6.0, 8.0)
"""Seconds between questions for the URL of an asset that is complete. Assumed: a late URL
comes within seconds. Where none comes, they take 21 seconds, and the time of the answers."""

URL_SECONDS = 30.0
"""Seconds after which these questions end, however slowly they are answered."""

HasUrl = GetUploadStatusResponse | AssetDetail | ReportChunkBatchResponse


@define(eq=False, repr=False)
class AssetIdentity:
    """The id of the asset that a session makes: named by the session, or else by a report."""

    session: UploadSession
    _ledger: Ledger
    _contradicted: bool = field(default=False, init=False)

    @property
    def id(self) -> str | None:
        """The asset's id; None: it is not known yet, as of a session that is resumed."""
        return self.session.asset_id or self._ledger.asset_id

    def credible(self, named: str | None) -> str | None:
        """Return the id that a report names, if it can be the asset's; None if not.

        An id that contradicts the session, or is not an id at all, is logged once and ignored.
        """
        if not named:
            return None
        known = self.id
        if named == known or (known is None and is_id(named)):
            return named
        if not self._contradicted:
            self._contradicted = True
            text = "upload %s: a report names the asset %.100r, which is ignored: %s"
            why = "it is not an id" if known is None else f"the session's is {known}"
            logger.warning(text, self.session.upload_id, named, why)
        return None


@define(eq=False, repr=False)
class AssetFinder:
    """Asks for the asset's URL, and for its id where that is not known.

    Attributes:
        asset: Which asset it is.
        _pause: Waits for some seconds.
    """

    asset: AssetIdentity
    _ledger: Ledger
    _platform: SessionCalls
    _pause: Callable[[float], Awaitable[None]]

    async def find(self) -> None:
        """Ask until the asset's URL and id are known, for ``URL_SECONDS`` at most.

        The upload is complete, so a question that fails does not make it fail; nor does the
        client's end.
        """
        if not any(self._questions()):
            return
        with suppress(TimeoutError, ClientClosedError):
            async with clock.timeout(URL_SECONDS):
                for pause in URL_PAUSES:
                    await self._ask()
                    if not any(self._questions()):
                        return
                    await self._pause(pause)
                await self._ask()
        if self._ledger.asset_url is None:
            text = "upload %s is complete, but the platform names no URL of its asset %s"
            logger.warning(text, self.asset.session.upload_id, self.asset.id or "?")

    async def _ask(self) -> None:
        for question in self._questions():
            with suppress(ApiError, ApiConnectionError):  # another one may be answered, or later
                answer = await question()
                named = answer.asset_id if isinstance(answer, ReportChunkBatchResponse) else None
                self._ledger.name_asset(answer.url, self.asset.credible(named))

    def _questions(self) -> Iterator[Callable[[], Awaitable[HasUrl]]]:
        """Yield the calls whose answers may name what is not known.

        Assumed: the status, the asset, or the last report sent again may name the URL.
        """
        batch = self._ledger.last_batch
        if self._ledger.asset_url is None:
            yield self._platform.status
        if self._ledger.asset_url is None and (asset_id := self.asset.id) is not None:
            yield lambda: self._platform.asset(asset_id)
        if batch and (self._ledger.asset_url is None or self.asset.id is None):
            yield lambda: self._platform.report(batch)
