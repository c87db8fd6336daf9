"""``assets``: list, show, delete, and wait for what the platform holds."""

import math
from collections.abc import Sequence

from attrs import define, frozen

from twelvelabs_async import (
    AssetDetail,
    AsyncTwelveLabs,
    InvalidArgumentError,
    TwelveLabsError,
)
from twelvelabs_async._cli.asset_views import AssetLister, asset_block, asset_json
from twelvelabs_async._cli.bars import Bars
from twelvelabs_async._cli.client_from_environment import check_key, platform
from twelvelabs_async._cli.flags import in_flags
from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.jobs import run_alone, run_jobs
from twelvelabs_async._cli.log_display import notices
from twelvelabs_async._cli.outcomes import (
    DONE,
    INTERRUPTED,
    AssetOutcome,
    Done,
    NotDone,
    WrongUsageError,
)
from twelvelabs_async._cli.output import plain, print_end, print_error, print_json, print_text
from twelvelabs_async._cli.readiness import Wait
from twelvelabs_async._http.request import path_segment
from twelvelabs_async.models.pages import LARGEST_PAGE, Page


@frozen(kw_only=True)
class Subject:
    """Which assets a command is about, where they are, and who reads the output.

    Attributes:
        asset_ids: The assets; a list may have none, which means any.
        base_url: Where the platform is; None: where the environment says.
        as_json: Whether the output is JSON, for machines.
    """

    asset_ids: Sequence[str]
    base_url: str | None
    as_json: bool

    def __attrs_post_init__(self) -> None:
        for asset_id in self.asset_ids:
            _check_id(asset_id)
        check_key()

    @property
    def each(self) -> list[str]:
        """Each asset once."""
        return list(dict.fromkeys(self.asset_ids))


def _check_id(asset_id: str) -> None:
    if not asset_id:
        raise WrongUsageError("ID is an empty string (is the variable set?)")
    try:
        path_segment(asset_id, "ID")
    except InvalidArgumentError as error:
        raise WrongUsageError(str(error)) from None


@frozen(kw_only=True)
class Filters:
    """Which assets to list; None: any, and all of them."""

    filename: str | None
    types: Sequence[str] | None
    limit: int | None


async def list_assets(subject: Subject, filters: Filters, interrupts: Interrupts) -> int:
    """List assets, newest first, page by page, and return the exit code.

    Raises:
        ConfigurationError: The client cannot be made with these settings.
        OutputGoneError: The output cannot be written.
    """
    async with platform(subject.base_url) as client:
        return await run_alone(_listed(subject, filters, client), interrupts)


async def _listed(subject: Subject, filters: Filters, client: AsyncTwelveLabs) -> int:
    left = math.inf if filters.limit is None else filters.limit
    page: Page[AssetDetail] | None = await client.assets.list(
        page_limit=int(min(LARGEST_PAGE, left)),
        asset_ids=subject.each or None,
        asset_types=filters.types,
        filename=filters.filename,
    )
    lister = AssetLister(subject.as_json)
    while page is not None:
        wanted = page.data[: int(min(left, len(page.data)))]
        lister.print(wanted)
        left -= len(wanted)
        page = await page.next_page() if left > 0 else None
    if not lister.begun:
        print_error("no assets were found")
    return DONE


async def show_asset(subject: Subject, interrupts: Interrupts) -> int:
    """Print all that is known of one asset, and return the exit code; raises as ``list_assets``."""
    async with platform(subject.base_url) as client:
        return await run_alone(_shown(subject, client), interrupts)


async def _shown(subject: Subject, client: AsyncTwelveLabs) -> int:
    asset = await client.assets.retrieve(subject.asset_ids[0])
    if subject.as_json:
        print_json(asset_json(asset))
    else:
        print_text(asset_block(asset))
    return DONE


async def delete_assets(subject: Subject, interrupts: Interrupts, *, force: bool) -> int:
    """Delete assets, print what became of each, and return the exit code; see ``list_assets``."""

    async def report(outcome: AssetOutcome) -> None:
        if isinstance(outcome, NotDone):
            _print_failure(outcome, as_json=subject.as_json)
        elif subject.as_json:
            print_json({"id": outcome.asset_id, "deleted": True})
        else:
            print_text(f"deleted {plain(outcome.asset_id)}")

    async with platform(subject.base_url) as client:
        jobs = [Deletion(each, client, force) for each in subject.each]
        outcomes = await run_jobs(jobs, interrupts, report)
    return _end(outcomes, "deleted")


@frozen
class Deletion:
    """Deletes one asset."""

    _asset_id: str
    _client: AsyncTwelveLabs
    _force: bool

    async def run(self) -> AssetOutcome:
        """Delete it."""
        try:
            await self._client.assets.delete(self._asset_id, force=self._force or None)
        except TwelveLabsError as error:
            problem = f"{self._asset_id} was not deleted: {in_flags(error)}"
            return NotDone(self._asset_id, problem)
        return Done(self._asset_id)

    def interrupted(self) -> AssetOutcome:
        """Say that it is not known to be deleted."""
        return NotDone(self._asset_id, "interrupted", INTERRUPTED)


async def wait_for_assets(subject: Subject, wait: Wait, interrupts: Interrupts) -> int:
    """Wait for assets, print each when it is ready, and return the exit code.

    Raises:
        ConfigurationError: The client cannot be made with these settings.
        OutputGoneError: The output cannot be written; what was under way has ended.
    """
    lister = AssetLister(subject.as_json)
    with Bars() as bars, notices(bars):

        async def report(outcome: AssetOutcome) -> None:
            with bars.aside():
                if isinstance(outcome, NotDone):
                    _print_failure(outcome, as_json=subject.as_json)
                elif outcome.asset is not None:
                    lister.print([outcome.asset])

        async with platform(subject.base_url) as client:
            jobs = [WaitForAsset(each, client, wait, bars) for each in subject.each]
            outcomes = await run_jobs(jobs, interrupts, report)
    return _end(outcomes, "ready")


@define(eq=False)
class WaitForAsset:
    """Waits for one asset."""

    _asset_id: str
    _client: AsyncTwelveLabs
    _wait: Wait
    _bars: Bars

    async def run(self) -> AssetOutcome:
        """Wait for it."""
        try:
            with self._bars.spinner(f"waiting for {plain(self._asset_id)}"):
                asset = await self._wait.run(self._client, self._asset_id)
        except TwelveLabsError as error:
            return NotDone(self._asset_id, str(error))
        return Done(self._asset_id, asset)

    def interrupted(self) -> AssetOutcome:
        """Say that it was not waited for to the end."""
        return NotDone(self._asset_id, "interrupted", INTERRUPTED)


def _print_failure(outcome: NotDone, *, as_json: bool) -> None:
    if outcome.exit_code != INTERRUPTED:
        print_error(f"error: {outcome.error}")
    if as_json:
        print_json({"id": outcome.asset_id, "error": outcome.error})


def _end(outcomes: Sequence[AssetOutcome], what: str) -> int:
    exit_code = max((outcome.exit_code for outcome in outcomes), default=DONE)
    if exit_code == INTERRUPTED:
        done = sum(isinstance(outcome, Done) for outcome in outcomes)
        assets = "asset" if len(outcomes) == 1 else "assets"
        print_end(f"interrupted: {done} of {len(outcomes)} {assets} {what}")
    return exit_code
