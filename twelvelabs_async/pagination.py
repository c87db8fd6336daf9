"""Pages of the platform's lists: walk the items of all of them, or page by page.

Both spellings are here: the platform's documented interface (``data``, ``has_next_page()``,
``await get_next_page()``) and the official Python SDK's (``items``, ``has_next``, ``next_page()``,
``iter_pages()``).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, Self, TypeVar

from attrs import field, frozen

from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models import PageInfo

T = TypeVar("T")

LARGEST_PAGE = 50
"""Items; the platform gives no more on one page (API reference, v1.3)."""


def page_params(page: int | None, page_limit: int | None) -> dict[str, str | int]:
    """Return the query of a list call; None leaves a choice to the platform (page 1, 10 items).

    Raises:
        InvalidArgumentError: For a page below 1, or a limit outside 1 to 50.
    """
    if page is not None and page < 1:
        raise InvalidArgumentError(f"page counts from 1, not {page}")
    if page_limit is not None and not 1 <= page_limit <= LARGEST_PAGE:
        raise InvalidArgumentError(f"page_limit must be 1 to {LARGEST_PAGE}, not {page_limit}")
    chosen = {"page": page, "page_limit": page_limit}
    return {name: value for name, value in chosen.items() if value is not None}


@frozen
class Page(Generic[T]):
    """One page of a list; ``async for`` over it yields the items of this page and all after it.

    Attributes:
        data: The items of this page.
        page_info: Which page of how many.
        number: This page's number, from 1.
    """

    data: tuple[T, ...]
    page_info: PageInfo
    number: int
    _fetch: Callable[[int], Awaitable[Any]] = field(repr=False, eq=False, alias="fetch")

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
        """Fetch the page after this one; None when this is the last."""
        if not self.has_next:
            return None
        page: Self = await self._fetch(self.number + 1)
        return page

    async def get_next_page(self) -> Self | None:
        """Fetch the page after this one; None when this is the last."""
        return await self.next_page()

    async def iter_pages(self) -> AsyncIterator[Self]:
        """Yield this page and all after it, each fetched when it is reached."""
        page: Self | None = self
        while page is not None:
            yield page
            page = await page.next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.data:
                yield item
