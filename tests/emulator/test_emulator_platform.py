"""The emulator's rules, pure: no socket, no event loop, a clock moved by hand."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define
from support.clock import ManualClock
from yarl import URL

from twelvelabs_async.emulator import (
    Answer,
    Corrupt,
    Cut,
    Etag,
    Exchange,
    Expire,
    Fault,
    Faults,
    Platform,
    Refusal,
    Rewrite,
    exchanges,
)
from twelvelabs_async.emulator.answers import error_xml, http_date
from twelvelabs_async.emulator.exchanges import ExchangeLog
from twelvelabs_async.emulator.platform import usual_chunk_size
from twelvelabs_async.emulator.signing import Signer
from twelvelabs_async.emulator.store import Denied, Store

MIB = 2**20
STORE_URL = "http://127.0.0.1:9"
VALID: dict[str, Any] = {"filename": "film.mp4", "type": "video", "total_size": 25}
Json = dict[str, Any]


@define
class UploadsInMemory:
    """A platform with its store, 10 bytes a chunk, and a clock for each."""

    platform: Platform
    store: Store
    clock: ManualClock
    store_clock: ManualClock

    def create(self, **changes: Any) -> Json:
        """Open a session for ``VALID``, changed."""
        return self.platform.create({**VALID, **changes})

    def accept(self, url: str, session: Json, size: int, **headers: str | None) -> None:
        """PUT without bytes: the rules only; a header of None is left out."""
        usual = {"content-length": str(size), **_lower(session["upload_headers"])}
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {n: v for n, v in {**usual, **changed}.items() if v is not None}
        self.store.accept(url.removeprefix(STORE_URL), sent)

    def put(self, session: Json, index: int, content: bytes) -> Json:
        """Store a chunk through a new URL and return the entry that reports it."""
        made = self.platform.presigned_urls(session["upload_id"], {"start": index, "count": 1})
        self.accept(made["upload_urls"][0]["url"], session, len(content))
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.platform.keep_chunk(session["upload_id"], index, etag, len(content))
        return entry(index, etag, len(content))

    def report(self, session: Json, *entries: Json) -> Json:
        """Report one batch."""
        return self.platform.report(session["upload_id"], {"completed_chunks": list(entries)})

    def finish(self, session: Json) -> tuple[list[Json], Json]:
        """Store and report the three chunks of ``VALID``."""
        entries = [self.put(session, i, b"x" * (10 if i < 3 else 5)) for i in (1, 2, 3)]
        return entries, self.report(session, *entries)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def entry(index: int, proof: str, size: int) -> Json:
    """Build an entry of a report."""
    return {"chunk_index": index, "proof": proof, "proof_type": "etag", "chunk_size": size}


def make_uploads(**settings: Any) -> UploadsInMemory:
    """Build a platform with settings of ``Platform``."""
    clock, store_clock = ManualClock(), ManualClock()
    signer = Signer(b"secret")
    settings = {"chunk_size": 10, **settings}
    platform = Platform(signer=signer, now=clock, store_url=STORE_URL, **settings)
    return UploadsInMemory(platform, Store(platform, signer, store_clock), clock, store_clock)


@pytest.fixture
def uploads() -> UploadsInMemory:
    """Build a platform with the usual settings."""
    return make_uploads()


def refusal(call: Callable[[], object]) -> tuple[int, str | None, str]:
    """Return status, code and message of the refusal that ``call`` must meet."""
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.status, caught.value.code, caught.value.message


def denial(call: Callable[[], object]) -> Denied:
    """Return the denial that ``call`` must meet."""
    with pytest.raises(Denied) as caught:
        call()
    return caught.value


def test_create_answers_as_documented(uploads: UploadsInMemory) -> None:
    """Every documented key is there, with URLs, expiry to the second, and chunk arithmetic."""
    session = uploads.create()
    assert set(session) == {
        "upload_id", "asset_id", "upload_urls", "upload_headers",
        "chunk_size", "total_chunks", "expires_at",
    }  # fmt: skip
    assert (session["chunk_size"], session["total_chunks"]) == (10, 3)
    assert session["expires_at"] == "2026-11-23T05:00:00Z"
    assert [url["chunk_index"] for url in session["upload_urls"]] == [1, 2, 3]
    assert {url["expires_at"] for url in session["upload_urls"]} == {"2026-11-22T06:00:00Z"}
    assert session["upload_headers"] == {
        "Content-Type": "application/octet-stream",
        "x-amz-meta-upload-id": session["upload_id"],
    }


def test_create_hands_out_only_the_initial_urls() -> None:
    """A session of more chunks than initial URLs gets the first ones only."""
    session = make_uploads(initial_urls=2).create()
    assert [url["chunk_index"] for url in session["upload_urls"]] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"filename": None}, "parameter_not_provided", "filename"),
        ({"type": None}, "parameter_not_provided", "type"),
        ({"total_size": None}, "parameter_not_provided", "total_size"),
        ({"filename": ""}, "parameter_invalid", "filename"),
        ({"filename": "x" * 256}, "parameter_invalid", "filename"),
        ({"filename": 5}, "parameter_invalid", "filename"),
        ({"type": "document"}, "parameter_invalid", "document"),
        ({"total_size": 0}, "parameter_invalid", "total_size"),
        ({"total_size": -1}, "parameter_invalid", "-1"),
        ({"total_size": True}, "parameter_invalid", "total_size"),
        ({"total_size": 25.0}, "parameter_invalid", "25.0"),
        ({"total_size": "25"}, "parameter_invalid", "total_size"),
        ({"enable_hls": 1}, "parameter_invalid", "enable_hls"),
        ({"enable_thumbnail": "yes"}, "parameter_invalid", "enable_thumbnail"),
        ({"user_metadata": []}, "parameter_invalid", "user_metadata"),
        ({"user_metadata": {"k": {}}}, "parameter_invalid", "user_metadata.k"),
        ({"user_metadata": {"k": [1]}}, "parameter_invalid", "user_metadata.k"),
        ({"file_name": "x"}, "parameter_unknown", "file_name"),
    ],
)
def test_create_refuses_what_is_not_as_documented(
    uploads: UploadsInMemory, changes: Json, code: str, named: str
) -> None:
    """Each bad parameter is refused with its code, its name or value, and leaves no session."""
    status, actual, message = refusal(lambda: uploads.create(**changes))
    assert (status, actual) == (400, code)
    assert named in message
    assert not uploads.platform.uploads


@pytest.mark.parametrize("payload", [None, [], "x", 5])
def test_create_refuses_anything_but_an_object(uploads: UploadsInMemory, payload: object) -> None:
    """A body that is not a JSON object is refused."""
    assert refusal(lambda: uploads.platform.create(payload))[:2] == (400, "parameter_invalid")


def test_create_takes_every_kind_of_metadata(uploads: UploadsInMemory) -> None:
    """Strings, numbers, booleans and arrays of strings come back with the asset; null does not."""
    metadata = {"a": "s", "b": 1, "c": 1.5, "d": True, "e": ["x", "y"]}
    given = {**metadata, "f": None}
    session = uploads.create(user_metadata=given, enable_hls=True, enable_thumbnail=False)
    assert uploads.platform.asset(session["asset_id"])["user_metadata"] == metadata


@pytest.mark.parametrize(
    ("total", "size"),
    [(1, 5 * MIB), (10_000 * MIB, 5 * MIB), (10_000 * MIB + 1, 10 * MIB), (10**11, 80 * MIB)],
)
def test_chunk_size_keeps_files_within_2000_chunks(total: int, size: int) -> None:
    """Chunks are 5 MiB, doubled only until a file has at most 2,000."""
    assert usual_chunk_size(total) == size
    assert -(-total // size) <= 2_000


def test_presigned_urls_are_clipped_at_the_last_chunk(uploads: UploadsInMemory) -> None:
    """A range running past the end yields the URLs there are, and counts them."""
    session = uploads.create()
    answer = uploads.platform.presigned_urls(session["upload_id"], {"start": 2, "count": 50})
    assert [url["chunk_index"] for url in answer["upload_urls"]] == [2, 3]
    assert (answer["start_index"], answer["count"]) == (2, 2)
    assert answer["generated_at"] == "2026-11-22T05:00:00Z"
    assert answer["expires_at"] == "2026-11-22T06:00:00Z"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"start": 1, "count": 51}, "parameter_invalid"),
        ({"start": 1, "count": 0}, "parameter_invalid"),
        ({"start": 0, "count": 1}, "parameter_invalid"),
        ({"start": 4, "count": 1}, "parameter_invalid"),
        ({"start": 1}, "parameter_not_provided"),
        ({"count": 1}, "parameter_not_provided"),
        ({"start": 1, "count": 1, "end": 2}, "parameter_unknown"),
    ],
)
def test_presigned_urls_refuses_a_bad_range(
    uploads: UploadsInMemory, body: Json, code: str
) -> None:
    """1 to 50 URLs, from a chunk that exists; 51 are refused."""
    session = uploads.create()
    call = lambda: uploads.platform.presigned_urls(session["upload_id"], body)  # noqa: E731
    assert refusal(call)[:2] == (400, code)


def test_unknown_sessions_and_assets_do_not_exist(uploads: UploadsInMemory) -> None:
    """An id that was never given out is 404 resource_not_exist everywhere."""
    platform = uploads.platform
    calls: list[Callable[[], object]] = [
        lambda: platform.presigned_urls("nope", {"start": 1, "count": 1}),
        lambda: platform.report("nope", {"completed_chunks": [entry(1, "x", 10)]}),
        lambda: platform.status("nope", {}),
        lambda: platform.asset("nope"),
    ]
    assert {refusal(call)[:2] for call in calls} == {(404, "resource_not_exist")}


def test_an_expired_session_takes_no_more_requests(uploads: UploadsInMemory) -> None:
    """After its lifetime a session gives no URLs, takes no reports, and says ``expired``."""
    session = uploads.create()
    reported = uploads.put(session, 1, b"x" * 10)
    uploads.clock.advance(hours=24)
    urls = refusal(
        lambda: uploads.platform.presigned_urls(session["upload_id"], {"start": 1, "count": 1})
    )
    report = refusal(lambda: uploads.report(session, reported))
    assert urls[:2] == report[:2] == (400, "parameter_invalid")
    assert "expired" in urls[2]
    assert "expired" in report[2]
    assert uploads.platform.status(session["upload_id"], {})["status"] == "expired"
    assert uploads.platform.incomplete({})["data"][0]["status"] == "expired"


def test_a_session_works_until_its_last_moment(uploads: UploadsInMemory) -> None:
    """One second before its expiry a session is active."""
    session = uploads.create()
    uploads.clock.advance(hours=23, minutes=59, seconds=59)
    uploads.platform.presigned_urls(session["upload_id"], {"start": 1, "count": 1})
    assert uploads.platform.status(session["upload_id"], {})["status"] == "active"


def test_a_report_completes_the_upload(uploads: UploadsInMemory) -> None:
    """The last report has the URL; the others have none; the asset becomes ready."""
    session = uploads.create()
    entries = [uploads.put(session, i, b"x" * (10 if i < 3 else 5)) for i in (3, 1, 2)]
    first = uploads.report(session, *entries[:2])
    assert first == {
        "asset_id": session["asset_id"],
        "processed_chunks": 2, "duplicate_chunks": 0, "total_completed": 2,
    }  # fmt: skip
    assert uploads.platform.asset(session["asset_id"])["status"] == "processing"
    last = uploads.report(session, *entries[2:])
    assert last["url"] == f"{STORE_URL}/assets/{session['asset_id']}/film.mp4"
    asset = uploads.platform.asset(session["asset_id"])
    assert (asset["status"], asset["method"], asset["size"]) == ("ready", "multipart", 25)
    assert (asset["file_type"], asset["created_at"]) == ("video/mp4", "2026-11-22T05:00:00Z")


def test_duplicates_are_counted_and_harmless(uploads: UploadsInMemory) -> None:
    """A chunk reported twice, in one batch or in two, counts once."""
    session = uploads.create()
    one, two = uploads.put(session, 1, b"x" * 10), uploads.put(session, 2, b"y" * 10)
    answer = uploads.report(session, one, one)
    assert (answer["processed_chunks"], answer["duplicate_chunks"]) == (1, 1)
    answer = uploads.report(session, one, two)
    assert (answer["processed_chunks"], answer["duplicate_chunks"]) == (1, 1)
    assert answer["total_completed"] == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chunk_index": 0}, "parameter_invalid"),
        ({"chunk_index": 4}, "parameter_invalid"),
        ({"chunk_index": None}, "parameter_not_provided"),
        ({"chunk_index": 3, "chunk_size": 5}, "parameter_invalid"),
        ({"proof_type": "md5"}, "parameter_invalid"),
        ({"proof_type": None}, "parameter_not_provided"),
        ({"proof": "0" * 32}, "parameter_invalid"),
        ({"proof": None}, "parameter_not_provided"),
        ({"chunk_size": 9}, "parameter_invalid"),
        ({"chunk_size": "10"}, "parameter_invalid"),
        ({"etag": "x"}, "parameter_unknown"),
    ],
)
def test_one_bad_entry_refuses_the_whole_batch(
    uploads: UploadsInMemory, change: Json, code: str
) -> None:
    """A bad entry is refused with its place in the batch, and nothing of the batch counts."""
    session = uploads.create()
    good, other = uploads.put(session, 1, b"x" * 10), uploads.put(session, 2, b"y" * 10)
    status, actual, message = refusal(lambda: uploads.report(session, good, {**other, **change}))
    assert (status, actual) == (400, code)
    assert "completed_chunks[1]" in message or code == "parameter_unknown"
    assert uploads.platform.status(session["upload_id"], {})["chunks_completed"] == 0


@pytest.mark.parametrize("dress", ['"{}"', 'W/"{}"', "W/{}"])
def test_a_dressed_etag_is_no_proof(uploads: UploadsInMemory, dress: str) -> None:
    """A proof with quotes or a weak mark is refused, though the ETag inside is right."""
    session = uploads.create()
    good = uploads.put(session, 1, b"x" * 10)
    bad = {**good, "proof": dress.format(good["proof"])}
    _, code, message = refusal(lambda: uploads.report(session, bad))
    assert code == "parameter_invalid"
    assert "quotes" in message


def test_a_chunk_that_was_not_stored_cannot_be_reported(uploads: UploadsInMemory) -> None:
    """The refusal names the chunk."""
    session = uploads.create()
    assert "chunk 3" in refusal(lambda: uploads.report(session, entry(3, "0" * 32, 5)))[2]


@pytest.mark.parametrize("body", [{}, {"completed_chunks": []}, {"completed_chunks": {}}, []])
def test_a_report_needs_chunks(uploads: UploadsInMemory, body: object) -> None:
    """A report without an array of chunks is refused."""
    session = uploads.create()
    assert refusal(lambda: uploads.platform.report(session["upload_id"], body))[0] == 400


@pytest.mark.parametrize(
    ("name_url", "told"),
    [
        ("report", (True, True, False)),
        ("repeat", (False, True, False)),
        ("asset", (False, False, True)),
        ("never", (False, False, False)),
    ],
)
def test_the_url_is_told_where_the_setting_says(
    name_url: str, told: tuple[bool, bool, bool]
) -> None:
    """In the last report, in its repetition, in the asset, or nowhere."""
    uploads = make_uploads(name_url=name_url)
    session = uploads.create()
    assert "url" not in uploads.platform.asset(session["asset_id"])
    entries, last = uploads.finish(session)
    repeated = uploads.report(session, *entries)
    assert repeated["duplicate_chunks"] == 3
    asset = uploads.platform.asset(session["asset_id"])
    assert tuple("url" in answer for answer in (last, repeated, asset)) == told


def test_a_completed_session_gives_no_more_urls(uploads: UploadsInMemory) -> None:
    """Its chunks cannot be replaced, even by a URL from before."""
    session = uploads.create()
    uploads.finish(session)
    call = lambda: uploads.platform.presigned_urls(session["upload_id"], {"start": 1, "count": 1})  # noqa: E731
    assert "completed" in refusal(call)[2]
    denied = denial(lambda: uploads.accept(session["upload_urls"][0]["url"], session, 10))
    assert (denied.status, denied.code) == (404, "NoSuchUpload")


def test_status_pages_through_the_chunks(uploads: UploadsInMemory) -> None:
    """Pages count from 1, 10 items by default; stored but unreported chunks are pending."""
    session = uploads.create(total_size=125)
    uploads.report(session, uploads.put(session, 2, b"x" * 10))
    uploads.put(session, 3, b"x" * 10)
    status = uploads.platform.status(session["upload_id"], {})
    assert [chunk["index"] for chunk in status["uploaded_chunks"]] == list(range(1, 11))
    assert [c["index"] for c in status["uploaded_chunks"] if c["status"] == "completed"] == [2]
    assert status["uploaded_chunks"][2]["uploaded_at"] is None
    assert status["uploaded_chunks"][1]["uploaded_at"] == "2026-11-22T05:00:00Z"
    assert (status["chunks_completed"], status["chunks_pending"]) == (1, 12)
    assert (status["total_size"], status["uploaded_size"]) == (125, 10)
    assert status["page_info"] == {
        "limit_per_page": 10, "page": 1, "total_page": 2, "total_results": 13,
    }  # fmt: skip
    second = uploads.platform.status(session["upload_id"], {"page": "2"})
    assert [chunk["index"] for chunk in second["uploaded_chunks"]] == [11, 12, 13]
    assert not uploads.platform.status(session["upload_id"], {"page": "3"})["uploaded_chunks"]


@pytest.mark.parametrize(
    "query",
    [{"page_limit": "51"}, {"page_limit": "0"}, {"page": "0"}, {"page": "x"}, {"size": "5"}],
)
def test_a_page_out_of_range_is_refused(uploads: UploadsInMemory, query: dict[str, str]) -> None:
    """50 items a page at most, pages from 1, no other parameters; in both lists."""
    session = uploads.create()
    assert refusal(lambda: uploads.platform.incomplete(query))[0] == 400
    assert refusal(lambda: uploads.platform.status(session["upload_id"], query))[0] == 400


def test_the_list_has_incomplete_sessions_newest_first(uploads: UploadsInMemory) -> None:
    """A completed session leaves the list; the rest carry what a resume needs."""
    first, second, third = (uploads.create() for _ in range(3))
    uploads.finish(second)
    page = uploads.platform.incomplete({"page_limit": "1"})
    assert [each["upload_id"] for each in page["data"]] == [third["upload_id"]]
    assert page["page_info"]["total_results"] == 2
    page = uploads.platform.incomplete({"page_limit": "50"})
    assert [each["upload_id"] for each in page["data"]] == [
        third["upload_id"],
        first["upload_id"],
    ]
    assert page["data"][0] == {
        "upload_id": third["upload_id"], "status": "active", "total_size": 25,
        "chunk_size": 10, "total_chunks": 3,
        "created_at": "2026-11-22T05:00:00Z", "expires_at": "2026-11-23T05:00:00Z",
    }  # fmt: skip


REWRITES: dict[str, Callable[[str], str]] = {
    "yarl": lambda url: str(URL(url)),
    "%2F": lambda url: url.replace("%2F", "/", 1),
    "%2f": lambda url: url.replace("%2F", "%2f", 1),
    "+": lambda url: url.replace("+", "%20", 1),
    "%20": lambda url: url.replace("%20", "+", 1),
    "~": lambda url: url.replace("au~lait", "au%7Elait", 1),
    "%7E": lambda url: url.replace("%7E", "~", 1),
    "%3D": lambda url: url.replace("%3D", "=", 1),
    "=": lambda url: url.replace("a=b", "a%3Db", 1),
    "utf-8": lambda url: url.replace("%C3%A9", "\u00e9", 1),
    "added": lambda url: url.replace("?", "?a=b&", 1),
    "chunk": lambda url: url.replace("partNumber=1", "partNumber=2", 1),
}


@pytest.mark.parametrize("rewrite", list(REWRITES))
def test_any_rewriting_breaks_the_signature(uploads: UploadsInMemory, rewrite: str) -> None:
    """A URL that a library re-quoted is not the one that was signed; the URL is not spent."""
    session = uploads.create()
    url = session["upload_urls"][0]["url"]
    changed = REWRITES[rewrite](url)
    assert changed != url
    denied = denial(lambda: uploads.accept(changed, session, 10))
    assert (denied.status, denied.code) == (403, "SignatureDoesNotMatch")
    assert denied.details["SignatureProvided"] == url.rpartition("=")[2]
    assert denied.details["StringToSign"].startswith("AWS4-HMAC-SHA256\nPUT\n/uploads/")
    uploads.accept(url, session, 10)


def test_an_unsigned_or_foreign_url_is_denied(uploads: UploadsInMemory) -> None:
    """Without a signature, or with one of another secret, nothing is stored."""
    session = uploads.create()
    url = session["upload_urls"][0]["url"]
    assert denial(lambda: uploads.accept("/uploads/x", session, 10)).code == "AccessDenied"
    foreign = Store(uploads.platform, Signer(b"other"), uploads.clock)
    target = url.removeprefix(STORE_URL)
    assert denial(lambda: foreign.accept(target, {})).code == "SignatureDoesNotMatch"


def test_a_url_works_once(uploads: UploadsInMemory) -> None:
    """The second PUT is denied, with a message that says why."""
    session = uploads.create()
    url = session["upload_urls"][0]["url"]
    uploads.accept(url, session, 10)
    denied = denial(lambda: uploads.accept(url, session, 10))
    assert (denied.status, denied.code) == (403, "AccessDenied")
    assert "already used" in denied.message


def test_a_new_url_voids_the_older_one(uploads: UploadsInMemory) -> None:
    """The older URL is denied although nobody used it; the other chunks' URLs still work."""
    session = uploads.create()
    new = uploads.platform.presigned_urls(session["upload_id"], {"start": 1, "count": 1})
    old = session["upload_urls"][0]["url"]
    assert "replaced" in denial(lambda: uploads.accept(old, session, 10)).message
    uploads.accept(new["upload_urls"][0]["url"], session, 10)
    uploads.accept(session["upload_urls"][1]["url"], session, 10)


def test_the_stores_clock_decides_when_a_url_expires(uploads: UploadsInMemory) -> None:
    """The platform's clock does not matter; at ``expires_at`` the URL is over."""
    session = uploads.create()
    uploads.clock.advance(hours=5)
    uploads.store_clock.time = datetime(2026, 11, 22, 5, 59, 59, tzinfo=UTC)
    uploads.accept(session["upload_urls"][0]["url"], session, 10)
    uploads.store_clock.time = datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC)
    denied = denial(lambda: uploads.accept(session["upload_urls"][1]["url"], session, 10))
    assert (denied.status, denied.code) == (403, "AccessDenied")
    assert denied.message == "Request has expired"


@pytest.mark.parametrize(
    ("headers", "status", "code", "told"),
    [
        ({"content_length": None}, 411, "MissingContentLength", "Content-Length"),
        ({"content_length": "11"}, 400, "EntityTooLarge", "11 bytes"),
        ({"content_length": "9"}, 400, "EntityTooSmall", "exactly 10 bytes"),
        ({"authorization": "x"}, 400, "InvalidArgument", "Only one auth mechanism allowed"),
        ({"content_type": "video/mp4"}, 403, "AccessDenied", "signed headers"),
        ({"content_type": None}, 403, "AccessDenied", "signed headers"),
        ({"x_amz_meta_upload_id": None}, 403, "AccessDenied", "signed headers"),
    ],
)
def test_a_put_with_wrong_headers_is_denied_and_spends_nothing(
    uploads: UploadsInMemory, headers: dict[str, str | None], status: int, code: str, told: str
) -> None:
    """Length, signed headers and foreign credentials are checked before the URL is spent."""
    session = uploads.create()
    url = session["upload_urls"][0]["url"]
    denied = denial(lambda: uploads.accept(url, session, 10, **headers))
    assert (denied.status, denied.code) == (status, code)
    assert told in denied.message
    uploads.accept(url, session, 10)


def test_upload_headers_can_be_chosen() -> None:
    """The given headers are handed out and asked for, none when none are given."""
    uploads = make_uploads(upload_headers={"X-Amz-Tag": "a b"})
    session = uploads.create()
    assert session["upload_headers"] == {"X-Amz-Tag": "a b"}
    url = session["upload_urls"][0]["url"]
    denied = denial(lambda: uploads.accept(url, session, 10, x_amz_tag="other"))
    assert denied.details["HeadersNotSigned"] == "X-Amz-Tag"
    assert make_uploads(upload_headers={}).create()["upload_headers"] == {}


def test_error_bodies_escape_what_they_echo() -> None:
    """XML stays XML whatever the request had in it."""
    assert "<Message>a&lt;b&amp;c</Message>" in error_xml("X", "a<b&c")


def test_dates_are_imf_fixdates_in_utc() -> None:
    """The ``Date`` header does not depend on locale or zone."""
    assert http_date(ManualClock().time) == "Sun, 22 Nov 2026 05:00:00 GMT"


def test_a_fault_happens_as_often_as_it_says() -> None:
    """``after`` requests pass, ``times`` are hit, the rest pass; all are counted."""
    faults = Faults()
    fault = faults.add(Fault(route="put", chunk_index=3, after=1, times=2, action=Cut()))
    assert faults.unused() == [fault]
    taken = [faults.take("put", "u", 3) for _ in range(4)]
    assert taken == [None, Cut(), Cut(), None]
    assert (fault.seen, fault.hits) == (4, 2)
    assert not faults.unused()


def test_a_fault_without_end_always_happens() -> None:
    """``times=None`` never runs out."""
    faults = Faults()
    fault = faults.add(Fault(route="list", times=None, action=Answer(503)))
    assert all(faults.take("list") == Answer(503) for _ in range(5))
    assert fault.hits == 5


def test_a_fault_matches_only_its_requests() -> None:
    """Route, session and chunk must all fit; the first fault due happens, the next one waits."""
    faults = Faults()
    first = faults.add(Fault(route="put", upload_id="u", chunk_index=2, action=Cut()))
    second = faults.add(Fault(route="put", action=Expire()))
    assert faults.take("create") is None
    assert faults.take("put", "u", 2) == Cut()
    assert faults.take("put", "u", 1) == Expire()
    assert faults.take("put", "u", 2) is None
    assert (first.seen, first.hits, second.seen, second.hits) == (2, 1, 3, 1)


@pytest.mark.parametrize(
    ("route", "action", "chunk"),
    [
        ("creates", Cut(), None),
        ("create", Expire(), None),
        ("report", Etag(None), None),
        ("report", Corrupt(), None),
        ("put", Rewrite(dict), None),
        ("report", Cut(), 3),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(
    route: str, action: Cut | Expire | Etag | Corrupt | Rewrite, chunk: int | None
) -> None:
    """A misspelt route or an action of another route would silently prove nothing."""
    with pytest.raises(ValueError, match=route):
        Fault(route=route, action=action, chunk_index=chunk)


def exchange(arrival: int) -> Exchange:
    """Build an exchange of which only the arrival matters."""
    return Exchange("api", "GET", "/", "list", 200, 1, (), 0, None, None, arrival)


def test_the_log_is_in_order_of_arrival() -> None:
    """A request that took longer than a later one stands before it all the same."""
    log = ExchangeLog()
    for arrival in (2, 4, 1, 3):
        log.add(exchange(arrival))
    assert [each.arrival for each in log.exchanges] == [1, 2, 3, 4]


def test_the_log_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator that runs for weeks does not grow without bound."""
    monkeypatch.setattr(exchanges, "KEPT", 3)
    log = ExchangeLog()
    for arrival in range(1, 6):
        log.add(exchange(arrival))
    assert [each.arrival for each in log.exchanges] == [3, 4, 5]
