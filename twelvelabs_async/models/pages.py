"""Pages of the platform's lists: iterate over all items, or page by page.

A page has two interfaces: the one that the platform documents (``data``,
``has_next_page()``, ``await get_next_page()``), and the one of the official Python SDK (``items``,
``has_next``, ``next_page()``, ``iter_pages()``).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Generic, Self, TypeVar

import attrs
from attrs import define, evolve, field, frozen

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

_NAMES = ("id", "upload_id", "index")
"""What names an item of the platform's lists, whatever its state is meanwhile."""


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


@define(eq=False, repr=False)
class _Walk:
    """The pages that one iteration has seen, each as a hash of what its items are called.

    Attributes:
        seen: The place of each, from 0, by its hash.
        steps: How many pages there were.
    """

    seen: dict[int, int]
    steps: int

    def step(self, place: int, items: int) -> "tuple[_Walk, bool]":
        """Note a page; return the walk that goes on from it, and whether its items came before.

        Args:
            place: How many pages came before. Where this walk has gone on from there already, the
                walk that is returned is another one, which knows nothing of that.
            items: The page's hash.
        """
        walk = self
        if place != self.steps:
            walk = _Walk({page: at for page, at in self.seen.items() if at < place}, place)
        walk.steps += 1
        return walk, walk.seen.setdefault(items, place) != place


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
    _walk: _Walk | None = field(default=None, repr=False, eq=False, alias="walk")
    """The pages from which this one was reached; None: it is the first one."""
    _place: int = field(default=0, repr=False, eq=False, alias="place")
    """How many these are."""
    _repeats: int = field(default=0, repr=False, eq=False, alias="repeats")
    """How many pages in a row, up to this one, hold the same items as a page before them."""

    def __attrs_post_init__(self) -> None:
        """Refuse another page than was asked for.

        Raises:
            InvalidResponseError: The platform says that it is another one.
        """
        told = self.page_info.page or self.number
        if told != self.number:
            problem = f"page {self.number} was asked for, and the answer is page {told}"
            raise InvalidResponseError(message=f"not as documented: {problem}")

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
            InvalidResponseError: The list has no end: the platform sends the same pages again and
                again, in any order, or more than 100,000 pages; or it is another page.
            ApiError: The platform refused, or did not answer as documented.
            ApiConnectionError: The platform gave no answer.
        """
        if not self.has_next:
            return None
        if self.number >= MOST_PAGES:
            raise _endless(f"there are more than {MOST_PAGES:,} pages")
        page: Self = await self._fetch(self.number + 1)
        walk, place = self._walk or _Walk({_hash(self.data): 0}, 1), self._place + 1
        walk, again = walk.step(place, _hash(page.data))
        repeats = self._repeats + 1 if again else 0
        if repeats > MOST_REPEATS:
            raise _endless(
                f"page {page.number} and the {repeats - 1} before it hold what earlier pages held"
            )
        return evolve(page, walk=walk, place=place, repeats=repeats)

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


def _hash(items: Iterable[object]) -> int:
    """Return a number for what is on a page, in any order."""
    return hash(frozenset(map(_name, items)))


def _name(item: object) -> object:
    names = (
        getattr(item, name) for name in _NAMES if attrs.has(type(item)) and hasattr(item, name)
    )
    return next(names, item)


def _endless(why: str) -> InvalidResponseError:
    return InvalidResponseError(message=f"not as documented: the list has no end: {why}")
