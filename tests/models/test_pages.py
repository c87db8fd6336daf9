"""Pages: walk the items of all of them, or page by page, in both spellings, in no needless call."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from support.calls import ask, create

from twelvelabs_async import (
    AsyncTwelveLabs,
    InvalidArgumentError,
    InvalidResponseError,
    Page,
    PageInfo,
    UploadStatusPage,
)
from twelvelabs_async.emulator import Answer, Emulator, Fault, Rewrite
from twelvelabs_async.models.pages import MOST_REPEATS, page_params

Numbers = Page[int]


def book(items: int, limit: int, asked: list[int], *, total_told: bool = True) -> Numbers:
    """Return the first page of the numbers below ``items``; ``asked`` gets each page fetched."""
    last = -(-items // limit) if total_told else None

    async def fetch(number: int) -> Numbers:
        asked.append(number)
        return page(number)

    def page(number: int) -> Numbers:
        data = tuple(range(items)[(number - 1) * limit : number * limit])
        return Page(data, PageInfo(limit, number, last, items), number, fetch)

    return page(1)


@pytest.mark.parametrize("items", [0, 1, 9, 10, 11, 30, 31])
async def test_async_for_yields_every_item_once_in_order(items: int) -> None:
    """Of this page and all after it; each page is fetched once."""
    asked: list[int] = []
    assert [item async for item in book(items, 10, asked)] == list(range(items))
    assert asked == list(range(2, -(-items // 10) + 1))


@pytest.mark.parametrize("items", [0, 1, 10, 25])
async def test_without_a_total_the_first_empty_page_ends_the_walk(items: int) -> None:
    """A platform that does not count its pages is walked all the same."""
    asked: list[int] = []
    assert [item async for item in book(items, 10, asked, total_told=False)] == list(range(items))
    assert asked == (list(range(2, -(-items // 10) + 2)) if items else [])


@pytest.mark.parametrize("last", [None, 10**15])
async def test_a_page_that_is_sent_again_and_again_ends_the_walk(last: int | None) -> None:
    """A platform that ignores the page's number does not keep its caller for ever."""
    asked: list[int] = []

    async def fetch(number: int) -> Numbers:
        asked.append(number)
        return Page((1, 2), PageInfo(2, number, last, None), number, fetch)

    with pytest.raises(InvalidResponseError, match="the list has no end"):
        async for _ in await fetch(1):
            pass
    assert asked == list(range(1, MOST_REPEATS + 3))


CIRCLES: dict[str, Callable[[int], tuple[int, ...]]] = {
    "two pages": lambda number: (number % 2,),
    "seven pages": lambda number: (number % 7, number % 7 + 10),
    "another order": lambda number: tuple((number + at) % 3 for at in range(3)),
    "after fifty pages": lambda number: (min(number, 50 + number % 5),),
}


@pytest.mark.parametrize("turn", CIRCLES.values(), ids=CIRCLES)
async def test_a_list_that_turns_in_a_circle_ends_the_walk(
    turn: Callable[[int], tuple[int, ...]],
) -> None:
    """Whatever the length of the circle, and the order of what is on its pages."""
    asked: list[int] = []

    async def fetch(number: int) -> Numbers:
        asked.append(number)
        return Page(turn(number), PageInfo(), number, fetch)

    with pytest.raises(InvalidResponseError, match="the list has no end"):
        async for _ in await fetch(1):
            pass
    assert len(asked) < 50 + 7 + MOST_REPEATS + 3


async def test_assets_whose_state_changes_meanwhile_are_the_same_assets(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The ids say what is on a page, as a platform that ignores the page's number sends it."""
    turns = count()

    def page(_: dict[str, Any]) -> dict[str, Any]:
        status = f"state {next(turns)}"
        return {"data": [{"_id": name, "status": status} for name in "ab"], "page_info": {}}

    fault = emulator.faults.add(Fault(route="list_assets", action=Rewrite(page), times=None))
    with pytest.raises(InvalidResponseError, match="the list has no end"):
        async for _ in await client.assets.list():
            pass
    assert fault.hits == MOST_REPEATS + 2


@pytest.mark.parametrize("added", [1, 3, 10, 25])
async def test_a_list_that_grows_while_it_is_walked_is_no_circle(added: int) -> None:
    """Newest first: what is added moves items to later pages, where they come again."""
    items = list(range(1000, 0, -1))

    async def fetch(number: int) -> Numbers:
        if number in {5, 20}:
            items[:0] = range(items[0] + added, items[0], -1)
        data = tuple(items[(number - 1) * 10 : number * 10])
        return Page(data, PageInfo(10, number, -(-len(items) // 10), len(items)), number, fetch)

    seen = [item async for item in await fetch(1)]
    assert set(range(1, 1001)) <= set(seen)


async def test_a_page_may_be_walked_from_more_than_once() -> None:
    """Each walk has its own memory, also while the list grows by whole pages between them."""
    grown = list[int]()

    async def fetch(number: int) -> Numbers:
        first = (number - len(grown)) * 10
        return Page(tuple(range(first, first + 10)), PageInfo(10, number, 60, 600), number, fetch)

    first = await fetch(1)
    second = await first.next_page()
    assert second is not None
    for _ in range(3):
        for page in (first, second):
            assert len([item async for item in page]) == 600 - 10 * (page.number - 1)
        grown.append(10)


async def test_a_walk_ends_where_another_page_comes_than_was_asked_for(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """A platform that sends page 1 always, and counts more of them each time."""
    await client.upload(("a.mp4", b"bytes"))
    turns = count(9)

    def page(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "page_info": {"page": 1, "total_page": next(turns)}}

    emulator.faults.add(Fault(route="list_assets", action=Rewrite(page), times=None))
    with pytest.raises(InvalidResponseError, match="asked for page 2, it sends page 1"):
        async for _ in await client.assets.list():
            pass
    assert emulator.count("list_assets") == 2


async def test_a_list_has_a_largest_number_of_pages() -> None:
    """Even where each page holds other items."""

    async def fetch(number: int) -> Numbers:
        return Page((number,), PageInfo(1, number, 10**15, None), number, fetch)

    with pytest.raises(InvalidResponseError, match="more than 100,000 pages"):
        async for _ in await fetch(1):
            pass


async def test_a_walk_fetches_a_page_only_when_it_is_reached() -> None:
    """Who stops early has paid for nothing else."""
    asked: list[int] = []
    async for item in book(100, 10, asked):
        if item == 10:
            break
    assert asked == [2]


async def test_a_walk_can_begin_in_the_middle() -> None:
    """``async for`` over page 2 yields pages 2 and 3."""
    second = await book(25, 10, []).next_page()
    assert second is not None
    assert [item async for item in second] == list(range(10, 25))


async def test_both_spellings_say_the_same() -> None:
    """The platform's documentation has one, the official SDK the other."""
    page = book(15, 10, [])
    assert page.items == page.data == tuple(range(10))
    assert page.has_next is page.has_next_page() is True
    assert await page.next_page() == await page.get_next_page()
    last = await page.next_page()
    assert last is not None
    assert last.items == last.data == tuple(range(10, 15))
    assert last.has_next is last.has_next_page() is False
    assert await last.next_page() is await last.get_next_page() is None


@pytest.mark.parametrize("page", [0, -1])
def test_a_page_below_one_is_refused(page: int) -> None:
    """Pages count from 1."""
    with pytest.raises(InvalidArgumentError, match="page must be 1 or more"):
        page_params(page, None)


@pytest.mark.parametrize("limit", [0, -1, 51, 1000])
def test_a_limit_outside_1_to_50_is_refused(limit: int) -> None:
    """The platform gives no more than 50 items on a page."""
    with pytest.raises(InvalidArgumentError, match="page_limit must be 1 to 50"):
        page_params(None, limit)


def test_what_is_not_chosen_is_left_to_the_platform() -> None:
    """None is not sent."""
    assert page_params(None, None) == {}
    assert page_params(3, 50) == {"page": 3, "page_limit": 50}


async def test_sessions_are_walked_in_as_many_requests_as_there_are_pages(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """23 sessions at 10 a page: three requests, newest session first."""
    opened = [(await create(client)).upload_id for _ in range(23)]
    first = await client.multipart_upload.list_incomplete_uploads()
    assert [each.upload_id async for each in first] == opened[::-1]
    assert emulator.count("list") == 3


async def test_sessions_are_walked_page_by_page(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """``iter_pages`` begins with the page in hand and keeps its limit."""
    for _ in range(5):
        await create(client)
    first = await client.multipart_upload.list_incomplete_uploads(page_limit=2)
    pages = [page async for page in first.iter_pages()]
    assert pages[0] is first
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert [page.page_info.page for page in pages] == [1, 2, 3]
    assert [page.number for page in pages] == [1, 2, 3]
    assert emulator.count("list") == 3
    assert all("page_limit=2" in exchange.path for exchange in emulator.requests[5:])


@pytest.mark.parametrize(("chunks", "requests"), [(1, 1), (50, 1), (51, 2), (100, 2), (230, 5)])
async def test_all_chunks_of_a_session_take_a_request_for_each_fifty(
    chunks: int, requests: int, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """No needless request at the end, also where the last page is full."""
    session = await create(client, chunks * 1000)
    page = await client.multipart_upload.get_status(session.upload_id, page_limit=50)
    assert [chunk.index async for chunk in page] == list(range(1, chunks + 1))
    assert emulator.count("status") == requests


async def test_later_pages_of_a_status_are_of_its_own_kind(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """They have the session's fields, too, as they were when the page was fetched."""
    session = await create(client, 15_000)
    first = await client.multipart_upload.get_status(session.upload_id)
    second = await first.next_page()
    assert isinstance(second, UploadStatusPage)
    assert second.upload_id == session.upload_id
    assert second.chunks_pending == 15
    assert [chunk.index for chunk in second.items] == list(range(11, 16))


async def test_settings_of_the_first_call_hold_for_later_pages(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """Each page is a request of its own, with its own retries."""
    for _ in range(3):
        await create(client)
    page = await client.multipart_upload.list_incomplete_uploads(
        page_limit=1, request_options={"additional_headers": {"X-Trace": "walk"}}
    )
    emulator.faults.add(Fault(route="list", action=Answer(503)))
    assert len([each async for each in page]) == 3
    listed = [exchange for exchange in emulator.requests if exchange.route == "list"]
    assert [exchange.status for exchange in listed] == [200, 503, 200, 200]
    assert all(("X-Trace", "walk") in exchange.headers for exchange in listed)


async def test_settings_of_a_status_call_hold_for_later_pages(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """The same for the pages of a session's chunks, and its page's limit."""
    session = await create(client, 5000)
    page = await client.multipart_upload.get_status(
        session.upload_id, page_limit=2, request_options={"additional_headers": {"X-Trace": "walk"}}
    )
    assert len([each async for each in page]) == 5
    asked = [exchange for exchange in emulator.requests if exchange.route == "status"]
    assert len(asked) == 3
    assert all(("X-Trace", "walk") in exchange.headers for exchange in asked)


async def test_an_account_without_sessions_has_one_empty_page(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """And nothing after it."""
    page = await ask(client)
    assert page.items == ()
    assert [each async for each in page] == []
    assert not page.has_next
    assert emulator.count("list") == 1
