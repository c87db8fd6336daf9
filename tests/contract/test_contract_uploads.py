"""The contract of the multipart endpoints and the object store, held against every target."""

from datetime import datetime
from typing import Any

import pytest
from support.account import UPLOADS, Account
from support.contract import Switches

Json = dict[str, Any]

pytestmark = pytest.mark.real_time  # nothing waits, but where the platform itself is asked

MISSING = "parameter_not_provided"
INVALID = "parameter_invalid"
UNKNOWN = "parameter_unknown"
NOT_THERE = (404, "resource_not_exist")


def seconds(since: str, until: str) -> float:
    """Return how long it is from one time to another."""
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()


async def test_a_session_is_as_documented(account: Account) -> None:
    """The arithmetic of its chunks holds; its URLs count from 1; it lives for 24 hours."""
    size = account.target.sizes.several
    session = await account.open(size, sent=False)
    answer = session.answer
    assert answer["total_chunks"] == -(-size // answer["chunk_size"])
    assert len(session.urls) == len(answer["upload_urls"] or [])
    assert set(session.urls) <= set(session.indexes)
    status = await account.get(session.path)
    assert seconds(status["created_at"], answer["expires_at"]) == pytest.approx(86_400, abs=60)


async def test_an_upload_becomes_an_asset(account: Account) -> None:
    """Session, URLs, PUTs, report; then it is completed, and no longer listed as incomplete."""
    session = await account.open(account.target.sizes.one)
    entries: list[Json] = []
    for index in session.indexes:
        url = session.urls.get(index) or await account.url(session, index)
        status, etag = await account.put(session, index, url)
        assert (status, bool(etag)) == (200, True)
        entries.append(session.entry(index, etag))
    answer = (await account.report(session, *entries)).payload
    assert answer["url"]
    assert answer["asset_id"] == session.answer["asset_id"]
    assert (answer["processed_chunks"], answer["duplicate_chunks"]) == (len(entries), 0)
    assert answer["total_completed"] == session.answer["total_chunks"]
    told = await account.get(session.path)
    assert (told["status"], told["chunks_pending"]) == ("completed", 0)
    assert told["uploaded_size"] == told["total_size"] == account.target.sizes.one
    listed = await account.get(UPLOADS, page_limit=50)
    assert session.answer["upload_id"] not in {each["upload_id"] for each in listed["data"]}
    asset = await account.get(f"/assets/{answer['asset_id']}")
    assert (asset["method"], asset["filename"]) == ("multipart", account.name())


async def test_a_report_may_come_in_any_order(account: Account) -> None:
    """Last chunk first, in two batches; the URL is told only with the last batch."""
    session = await account.open(account.target.sizes.several)
    entries = await account.store(session, *session.indexes)
    assert len(entries) > 1
    last, others = entries[-1], entries[:-1]
    early = (await account.report(session, last)).payload
    assert "url" not in early
    assert (early["processed_chunks"], early["total_completed"]) == (1, 1)
    told = await account.get(session.path)
    assert (told["status"], told["chunks_pending"]) == ("active", len(others))
    assert told["uploaded_size"] == last["chunk_size"]
    chunks = {each["index"]: each for each in told["uploaded_chunks"]}
    assert chunks[last["chunk_index"]]["status"] == "completed"
    assert chunks[1]["status"] == "pending"
    assert chunks[1]["uploaded_at"] is None
    late = (await account.report(session, *reversed(others))).payload
    assert late["url"]
    assert (late["processed_chunks"], late["total_completed"]) == (len(others), len(entries))


async def test_duplicates_are_counted_and_harmless(account: Account) -> None:
    """In one report, in a later one, and after the end: counted, never added."""
    session = await account.open(account.target.sizes.several)
    first, *others = await account.store(session, *session.indexes)
    twice = (await account.report(session, first, first)).payload
    assert (twice["processed_chunks"], twice["duplicate_chunks"]) == (1, 1)
    again = (await account.report(session, first)).payload
    assert (again["processed_chunks"], again["duplicate_chunks"]) == (0, 1)
    assert again["total_completed"] == 1
    await account.report(session, *others)
    late = (await account.report(session, first, *others)).payload
    assert (late["processed_chunks"], late["duplicate_chunks"]) == (0, 1 + len(others))
    assert late["total_completed"] == session.answer["total_chunks"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"proof": "0" * 32}, INVALID),
        ({"chunk_index": 0}, INVALID),
        ({"chunk_index": 1_000_000}, INVALID),
        ({"chunk_size": 1}, INVALID),
        ({"proof_type": "md5"}, INVALID),
        ({"proof": None}, MISSING),
        ({"chunk_index": None}, MISSING),
        ({"chunk_size": None}, MISSING),
        ({"proof_type": None}, MISSING),
    ],
    ids=str,
)
async def test_a_bad_report_is_refused_and_counts_nothing(
    account: Account, change: Json, code: str
) -> None:
    """A wrong ETag, index or size: refused whole; the right entry is taken thereafter."""
    session = await account.open(account.target.sizes.one)
    (entry,) = await account.store(session, 1)
    changed = {name: value for name, value in {**entry, **change}.items() if value is not None}
    assert (await account.report(session, changed)).error == (400, code)
    assert (await account.get(session.path))["chunks_completed"] == 0
    assert (await account.report(session, entry)).payload["total_completed"] == 1


async def test_a_chunk_that_was_never_put_is_refused(account: Account) -> None:
    """No ETag proves what is not there."""
    session = await account.open(account.target.sizes.one)
    reply = await account.report(session, session.entry(1, "0" * 32))
    assert reply.error == (400, INVALID)


async def test_urls_come_on_demand(account: Account) -> None:
    """As many as asked for, contiguous, from the start that was named, for an hour each."""
    session = await account.open(account.target.sizes.many, sent=False)
    body = {"start": 3, "count": 7}
    answer = (await account.ask("POST", f"{session.path}/presigned-urls", body=body)).payload
    assert answer["upload_id"] == session.answer["upload_id"]
    assert (answer["start_index"], answer["count"]) == (3, 7)
    urls = answer["upload_urls"]
    assert sorted(each["chunk_index"] for each in urls) == list(range(3, 10))
    assert len({each["url"] for each in urls}) == 7
    for each in [answer, *urls]:
        assert seconds(answer["generated_at"], each["expires_at"]) == pytest.approx(3600, abs=60)


async def test_a_retry_takes_another_url(account: Account) -> None:
    """A second PUT of a chunk, through a new URL, replaces the first; its ETag is the proof."""
    session = await account.open(account.target.sizes.one)
    await account.store(session, 1)
    entries = await account.store(session, 1)
    assert (await account.report(session, *entries)).payload["total_completed"] == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"start": 0, "count": 1}, INVALID),
        ({"start": -1, "count": 1}, INVALID),
        ({"start": 1_000_000, "count": 1}, INVALID),
        ({"start": 1, "count": 0}, INVALID),
        ({"start": 1, "count": 51}, INVALID),
        ({"start": "1", "count": 1}, INVALID),
        ({"start": 1.5, "count": 1}, INVALID),
        ({"count": 1}, MISSING),
        ({"start": 1}, MISSING),
        ({"start": 1, "count": 1, "more": 1}, UNKNOWN),
    ],
    ids=str,
)
async def test_urls_out_of_bounds_are_refused(account: Account, body: Json, code: str) -> None:
    """From 1, up to the last chunk, 1 to 50 at a time."""
    session = await account.open(account.target.sizes.many, sent=False)
    reply = await account.ask("POST", f"{session.path}/presigned-urls", body=body)
    assert reply.error == (400, code)


async def test_fifty_urls_are_taken(account: Account) -> None:
    """The bound itself is within it; beyond the last chunk there is no URL."""
    session = await account.open(account.target.sizes.many, sent=False)
    body = {"start": 2, "count": 50}
    answer = (await account.ask("POST", f"{session.path}/presigned-urls", body=body)).payload
    assert answer["count"] == len(answer["upload_urls"]) == min(50, len(session.indexes) - 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"filename": None}, MISSING),
        ({"type": None}, MISSING),
        ({"total_size": None}, MISSING),
        ({"filename": ""}, INVALID),
        ({"type": "document"}, INVALID),
        ({"total_size": 0}, INVALID),
        ({"total_size": -1}, INVALID),
        ({"total_size": "5"}, INVALID),
        ({"enable_hls": "yes"}, INVALID),
        ({"enable_thumbnail": 1}, INVALID),
        ({"user_metadata": []}, INVALID),
        ({"user_metadata": {"a": {"b": 1}}}, INVALID),
        ({"more": 1}, UNKNOWN),
    ],
    ids=str,
)
async def test_a_bad_session_is_refused(account: Account, change: Json, code: str) -> None:
    """Each mistake has its code."""
    wanted = {**account.wanted(5), **change}
    body = {name: value for name, value in wanted.items() if value is not None}
    assert (await account.ask("POST", UPLOADS, body=body)).error == (400, code)


async def test_a_body_that_is_no_json_is_refused(account: Account) -> None:
    """The content type decides first."""
    assert (await account.ask("POST", UPLOADS)).error == (400, "content_type_invalid")


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"completed_chunks": []}),
        ("POST", "/presigned-urls", {"start": 1, "count": 1}),
    ],
)
async def test_an_unknown_session_is_not_there(
    account: Account, method: str, rest: str, body: object
) -> None:
    """404, whatever is asked of it."""
    path = f"{UPLOADS}/0123456789abcdef01234567{rest}"
    assert (await account.ask(method, path, body=body)).error == NOT_THERE


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", UPLOADS),
        ("GET", UPLOADS),
        ("GET", f"{UPLOADS}/0123456789abcdef01234567"),
        ("POST", f"{UPLOADS}/0123456789abcdef01234567"),
        ("POST", f"{UPLOADS}/0123456789abcdef01234567/presigned-urls"),
    ],
)
@pytest.mark.parametrize("key", ["", "tlk_wrong"])
async def test_a_wrong_key_is_let_into_nothing(
    account: Account, method: str, path: str, key: str
) -> None:
    """Neither is a missing one; the key is looked at before anything else."""
    reply = await account.ask(method, path, body={}, key=key)
    assert reply.error in {(401, "api_key_invalid"), (403, "api_key_invalid")}


async def test_incomplete_sessions_are_listed(account: Account) -> None:
    """With what a resume needs, ``chunk_size`` above all, and 10 on a page."""
    sessions = [await account.open(account.target.sizes.several, sent=False) for _ in range(3)]
    listed = await account.get(UPLOADS, page_limit=50)
    found = {each["upload_id"]: each for each in listed["data"]}
    for answer in (session.answer for session in sessions):
        told = found[answer["upload_id"]]
        assert told["status"] == "active"
        assert told["total_size"] == account.target.sizes.several
        assert (told["chunk_size"], told["total_chunks"], told["expires_at"]) == (
            answer["chunk_size"],
            answer["total_chunks"],
            answer["expires_at"],
        )


async def test_pages_of_sessions_add_up(account: Account) -> None:
    """Two on a page; the last page has the rest; beyond it is an empty one."""
    sessions = [await account.open(5, sent=False) for _ in range(3)]
    usual = (await account.get(UPLOADS))["page_info"]
    assert (usual["limit_per_page"], usual["page"]) == (10, 1)
    first = await account.get(UPLOADS, page=1, page_limit=2)
    figures = first["page_info"]
    assert len(first["data"]) == figures["limit_per_page"] == 2
    assert figures["total_results"] >= len(sessions)
    assert figures["total_page"] == -(-figures["total_results"] // 2)
    beyond = await account.get(UPLOADS, page=figures["total_page"] + 1, page_limit=2)
    assert beyond["data"] == []
    assert beyond["page_info"] == {**figures, "page": figures["total_page"] + 1}


async def test_pages_of_chunks_add_up(account: Account) -> None:
    """10 by default, in order, from 1; the figures of the session are on every page."""
    session = await account.open(account.target.sizes.many, sent=False)
    total = len(session.indexes)
    seen: list[int] = []
    for page in range(1, -(-total // 10) + 1):
        told = await account.get(session.path, page=page)
        seen += [each["index"] for each in told["uploaded_chunks"]]
        assert told["page_info"] == {
            "limit_per_page": 10,
            "page": page,
            "total_page": -(-total // 10),
            "total_results": total,
        }
        assert (told["chunks_completed"], told["chunks_failed"]) == (0, 0)
        assert told["chunks_pending"] == total
    assert seen == list(session.indexes)
    beyond = await account.get(session.path, page=1000, page_limit=50)
    assert beyond["uploaded_chunks"] == []
    assert beyond["page_info"]["limit_per_page"] == 50


@pytest.mark.parametrize(
    "query", [{"page": "0"}, {"page_limit": "0"}, {"page_limit": "51"}, {"page": "x"}], ids=str
)
async def test_a_page_out_of_bounds_is_refused(account: Account, query: dict[str, str]) -> None:
    """From 1, and 1 to 50 on a page, in both lists."""
    session = await account.open(5, sent=False)
    for path in (UPLOADS, session.path):
        reply = await account.ask("GET", path, query=list(query.items()))
        assert reply.error == (400, INVALID)


async def test_metadata_and_flags_go_with_the_session(account: Account) -> None:
    """What was said when it was opened is told of the asset."""
    metadata = {"album": "2026", "rating": 5, "share": 0.5, "seen": True, "tags": ["a", "b"]}
    session = await account.open(
        5, sent=False, user_metadata=metadata, enable_hls=True, enable_thumbnail=False
    )
    asset = await account.get(f"/assets/{session.answer['asset_id']}")
    assert asset["user_metadata"] == metadata
    assert asset["status"] == "processing"


async def test_a_url_works_once(account: Account, switches: Switches) -> None:
    """And not at all once a newer one was made; no client may rely on either."""
    session = await account.open(account.target.sizes.one)
    older, newer = await account.url(session, 1), await account.url(session, 1)
    assert (await account.put(session, 1, older))[0] == 403
    assert (await account.put(session, 1, newer))[0] == 200
    assert (await account.put(session, 1, newer))[0] == 403


async def test_a_url_expires_after_an_hour(account: Account, switches: Switches) -> None:
    """A new one works."""
    session = await account.open(account.target.sizes.one)
    url = await account.url(session, 1)
    switches.clock.advance(hours=1)
    assert (await account.put(session, 1, url))[0] == 403
    assert (await account.put(session, 1, await account.url(session, 1)))[0] == 200


async def test_a_put_is_exact(account: Account, switches: Switches) -> None:
    """Its size, its headers and its URL are looked at; a refusal spends nothing."""
    session = await account.open(account.target.sizes.one)
    url, headers = await account.url(session, 1), session.answer["upload_headers"]
    piece = session.piece(1)
    assert (await account.target.put(url, headers, piece[1:]))[0] == 400
    assert (await account.target.put(url, headers, piece + b"x"))[0] == 400
    assert (await account.target.put(url, {}, piece))[0] == 403
    assert (await account.target.put(url.replace("%20", "+"), headers, piece))[0] == 403
    assert (await account.target.put(url, headers, piece))[0] == 200


async def test_a_session_ends_after_a_day(account: Account, switches: Switches) -> None:
    """It is expired, still listed, and takes no more."""
    session = await account.open(account.target.sizes.one)
    entries = await account.store(session, 1)
    switches.clock.advance(hours=24)
    assert (await account.get(session.path))["status"] == "expired"
    assert [each["status"] for each in (await account.get(UPLOADS))["data"]] == ["expired"]
    assert (await account.report(session, *entries)).error == (400, INVALID)
    body = {"start": 1, "count": 1}
    reply = await account.ask("POST", f"{session.path}/presigned-urls", body=body)
    assert reply.error == (400, INVALID)


async def test_the_newest_session_comes_first(account: Account, switches: Switches) -> None:
    """The order is assumed."""
    ids = [(await account.open(5, sent=False)).answer["upload_id"] for _ in range(3)]
    listed = (await account.get(UPLOADS))["data"]
    assert [each["upload_id"] for each in listed] == ids[::-1]
