"""Pages of the platform's lists: iterate over all items, or page by page.

A page has two interfaces: the one that the platform documents (``data``,
``has_next_page()``, ``await get_next_page()``), and the one of the official Python SDK (``items``,
``has_next``, ``next_page()``, ``iter_pages()``).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Generic, Self, TypeVar

import attrs
from attrs import evolve, field, frozen

from twelvelabs_async._core.unpicklable import Unpicklable
from twelvelabs_async._core.validation import check_whole
from twelvelabs_async.errors import InvalidResponseError

T = TypeVar("T")

LARGEST_PAGE = 50
"""Items; the platform gives no more on one page (API reference, v1.3)."""

MOST_PAGES = 100_000
"""Pages that one iteration fetches at most; a list with more is taken to have no end."""

MOST_REPEATS = 10
"""Pages in a row that may hold the same items as a page before them. A few are no fault: where
items are added during an iteration, a page holds what an earlier one held, too."""


def page_params(page: int | None, page_limit: int | None) -> dict[str, str | int]:
    """Return the query of a list call; None leaves a choice to the platform (page 1, 10 items).

    Raises:
        InvalidArgumentError: For a page below 1, or a limit outside 1 to 50.
    """
    if page is not None:
        check_whole("page", page, 1)
    if page_limit is not None:
        check_whole("page_limit", page_limit, 1, most=LARGEST_PAGE)
    chosen = {"page": page, "page_limit": page_limit}
    return {name: value for name, value in chosen.items() if value is not None}


@frozen
class PageInfo:
    """Which page of how many this is; None where the platform did not say.

    Attributes:
        limit_per_page: Items on a page at most.
        page: The page's number, from 1.
        total_page: How many pages there are.
        total_results: How many items there are on all pages.
    """

    limit_per_page: int | None = None
    page: int | None = None
    total_page: int | None = None
    total_results: int | None = None


@frozen
class Page(Unpicklable, Generic[T]):
    """One page of a list; ``async for`` over it yields the items of this page and all after it.

    Attributes:
        data: The items of this page.
        page_info: Which page of how many.
        number: This page's number, from 1.

    A page fetches the next one through its client: as that, it can be neither pickled nor copied,
    but its items can.
    """

    data: tuple[T, ...]
    page_info: PageInfo
    number: int
    _fetch: Callable[[int], Awaitable[Any]] = field(repr=False, eq=False, alias="fetch")
    _repeats: int = field(default=0, repr=False, eq=False, alias="repeats")
    """How many pages up to this one hold the same items as the page before them."""

    @property
    def items(self) -> tuple[T, ...]:
        """The items of this page."""
        return self.data

    @property
    def has_next(self) -> bool:
        """Whether there was a page after this one when this one was fetched."""
        if not self.data:
            return False
        last = self.page_info.total_page
        return True if last is None else self.number < last

    def has_next_page(self) -> bool:
        """Whether there was a page after this one when this one was fetched."""
        return self.has_next

    async def next_page(self) -> Self | None:
        """Fetch the page after this one; None when this is the last.

        Raises:
            InvalidResponseError: The list has no end: the platform sends the same page again and
                again, or more than 100,000 pages; or it sends another page.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        if not self.has_next:
            return None
        if self.number >= MOST_PAGES:
            raise _endless(f"there are more than {MOST_PAGES:,} pages")
        page: Self = await self._fetch(self.number + 1)
        if page.page_info.page not in {None, page.number}:
            raise _endless(f"asked for page {page.number}, it sends page {page.page_info.page}")
        repeats = self._repeats + 1 if _names(page.data) == _names(self.data) else 0
        if repeats > MOST_REPEATS:
            raise _endless(f"page {page.number} and the {repeats} pages before it hold the same")
        return evolve(page, repeats=repeats)

    async def get_next_page(self) -> Self | None:
        """Fetch the page after this one; None when this is the last."""
        return await self.next_page()

    async def iter_pages(self) -> AsyncIterator[Self]:
        """Yield this page and all after it, each fetched when it is reached.

        Raises:
            InvalidResponseError: As ``next_page``, and where pages come again in turn.
        """
        page: Self | None = self
        seen, repeats = set[int](), 0
        while page is not None:
            content = hash(_names(page.data))
            repeats = repeats + 1 if content in seen else 0
            if repeats > MOST_REPEATS:
                raise _endless(
                    f"page {page.number} and those before it hold what earlier ones held"
                )
            seen.add(content)
            yield page
            page = await page.next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.data:
                yield item


def _names(items: Iterable[object]) -> frozenset[object]:
    """Return what is on a page, in any order and whatever its state is meanwhile."""
    return frozenset(map(_name, items))


def _name(item: object) -> object:
    for attribute in ("id", "upload_id", "index"):
        if attrs.has(type(item)) and hasattr(item, attribute):
            return getattr(item, attribute)
    return item


def _endless(why: str) -> InvalidResponseError:
    return InvalidResponseError(message=f"not as documented: the list has no end: {why}")
