"""JSON in and out: no answer is misread, none crashes, and no request is garbled.

An answer is either the model that it should be, or a ``ShapeError`` that names each path; whatever
is not JSON is a ``MalformedBodyError``. A request is either JSON that reads back as it was, or an
``InvalidArgumentError``. No text of these shows a value, for values may be secret.
"""

import json
import math
import traceback
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from twelvelabs_async._http.json_text import MOST_VALUES, MalformedBodyError, dump, parse
from twelvelabs_async._http.structure import ShapeError, structure
from twelvelabs_async.errors import InvalidArgumentError
from twelvelabs_async.models import assets as asset_models, uploads as models
from twelvelabs_async.models.assets import AssetDetail, AssetStatus, AssetTranscriptionResponse
from twelvelabs_async.models.pages import PageInfo
from twelvelabs_async.models.uploads import (
    ChunkInfo,
    CompletedChunk,
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    ListIncompleteUploadsResponse,
    MultipartUploadStatusType,
    PresignedUrlChunk,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)

MODELS: list[type] = [
    kind for file in (models, asset_models) for kind in vars(file).values() if attrs.has(kind)
]
WIRE_NAMES = sorted({"_id"} | {field.name for kind in MODELS for field in attrs.fields(kind)})
SIGNED = "https://store.example/chunk?X-Amz-Signature=5ecret5ecret"
NO_VALUE = object()

texts = st.text(st.characters(codec="utf-8"))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
times = st.sampled_from(["", "2026-11-22T05:06:07Z", "0001-01-01T00:00:00Z", "soon", "2026-13-01"])
json_values = st.recursive(
    scalars | times,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(WIRE_NAMES) | texts, inner),
)
finite_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


def a_session(**changes: Any) -> dict[str, Any]:
    """Return the JSON of a new session, with ``changes``; a key of ``NO_VALUE`` is left out."""
    written = {
        "upload_id": "u1",
        "asset_id": "a1",
        "chunk_size": 5_242_880,
        "total_chunks": 2,
        "upload_urls": [{"chunk_index": 1, "url": SIGNED, "expires_at": "2026-11-22T06:00:00Z"}],
        "upload_headers": {"x-amz-acl": "private"},
        "expires_at": "2026-11-23T05:00:00Z",
        **changes,
    }
    return {name: value for name, value in written.items() if value is not NO_VALUE}


def problem(value: Any, kind: Any) -> str:
    """Return the text of the error that ``value`` is as ``kind``."""
    with pytest.raises(ShapeError) as caught:
        structure(value, kind)
    return str(caught.value)


def test_an_answer_becomes_its_model() -> None:
    """Every value arrives, as the type that the model declares."""
    assert structure(a_session(), CreateAssetUploadResponse) == CreateAssetUploadResponse(
        upload_id="u1",
        asset_id="a1",
        chunk_size=5_242_880,
        total_chunks=2,
        upload_urls=(PresignedUrlChunk(1, SIGNED, datetime(2026, 11, 22, 6, tzinfo=UTC)),),
        upload_headers={"x-amz-acl": "private"},
        expires_at=datetime(2026, 11, 23, 5, tzinfo=UTC),
    )


def test_an_unknown_key_is_ignored() -> None:
    """What the platform adds tomorrow breaks nothing, at any depth."""
    url = {"chunk_index": 1, "url": SIGNED, "region": "eu"}
    answer = structure(
        a_session(upload_urls=[url], brand_new={"x": [1]}), CreateAssetUploadResponse
    )
    assert answer.upload_urls == (PresignedUrlChunk(1, SIGNED),)


def test_a_new_word_is_a_member_of_an_open_vocabulary() -> None:
    """A status that the platform adds compares and prints as its word."""
    answer = structure({"status": "paused"}, GetUploadStatusResponse)
    assert isinstance(answer.status, MultipartUploadStatusType)
    assert answer.status == "paused"
    assert f"{answer.status}" == "paused"


def test_a_known_word_is_the_known_member() -> None:
    """A status that is documented is the member itself."""
    answer = structure({"_id": "a", "status": "ready"}, AssetDetail)
    assert answer.status is AssetStatus.READY


@pytest.mark.parametrize("value", [None, 1, True, ["active"], {}])
def test_a_word_is_only_taken_from_text(value: Any) -> None:
    """An open vocabulary is open to words, not to other types."""
    assert problem({"status": value}, GetUploadStatusResponse).startswith(
        "$.status: expected text, got "
    )


def test_an_asset_is_known_by_its_underscored_id() -> None:
    """The platform writes ``_id``; the model says ``id``, and errors say what is on the wire."""
    assert structure({"_id": "a1", "id": "another"}, AssetDetail).id == "a1"
    assert problem({"id": "a1"}, AssetDetail) == "$._id: missing"
    assert problem({"_id": None}, AssetDetail) == "$._id: expected text, got null"


def test_every_problem_is_listed_with_its_path() -> None:
    """One error tells all that is wrong, so that one look is enough."""
    urls = [{"chunk_index": 1, "url": SIGNED}, {"chunk_index": 2, "url": None}, None, {"url": 5}]
    broken = a_session(chunk_size=NO_VALUE, asset_id=None, upload_urls=urls)
    assert problem(broken, CreateAssetUploadResponse).split("; ") == [
        "$.asset_id: expected text, got null",
        "$.chunk_size: missing",
        "$.upload_urls[1].url: expected text, got null",
        "$.upload_urls[2]: expected an object, got null",
        "$.upload_urls[3].chunk_index: missing",
        "$.upload_urls[3].url: expected text, got number",
    ]


def test_a_flood_of_problems_is_cut() -> None:
    """Ten thousand broken URLs do not make a text of a megabyte."""
    text = problem({"upload_urls": [None] * 10_000}, RequestAdditionalPresignedUrLsResponse)
    assert text.endswith("; and more")
    assert len(text) < 2_000
    text = problem([None] * 21, tuple[str, ...])
    assert text.endswith("$[19]: expected text, got null; and more")
    assert problem([None] * 20, tuple[str, ...]).endswith("$[19]: expected text, got null")


def test_no_more_problems_are_looked_for_than_are_told() -> None:
    """A small answer can hold a flood of wrong items: neither time nor memory goes into them."""
    wrong: list[object] = []
    flood = {"upload_urls": [wrong] * 100_000}
    tracemalloc.start()
    try:
        problem(flood, RequestAdditionalPresignedUrLsResponse)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000


def test_an_answer_with_too_many_values_is_not_parsed() -> None:
    """Parsing holds up the event loop, and nothing that is documented has so many values."""
    assert parse(b"[" + b"0," * (MOST_VALUES - 2) + b"0]") == [0] * (MOST_VALUES - 1)
    for body in (b"0," * MOST_VALUES + b"0", b"[]," * MOST_VALUES + b"0", b"{}" * MOST_VALUES):
        with pytest.raises(MalformedBodyError, match="more than 250,000 values"):
            parse(b"[" + body + b"]")


def test_the_words_of_a_long_recording_are_not_too_many() -> None:
    """Four hours of quick speech, and what is said in sentences and by speakers."""
    word = {"start": 1.25, "end": 1.5, "value": "word"}
    said = {"status": "ready", "words": [word] * 40_000, "sentences": [word] * 8_000}
    body = json.dumps({**said, "utterances": [{**word, "speaker": "a"}] * 8_000}).encode()
    transcription = structure(parse(body), AssetTranscriptionResponse)
    assert len(transcription.words or ()) == 40_000


@pytest.mark.parametrize("number", ["1" * 401, "-" + "1" * 400, "0." + "1" * 400, "1e" + "0" * 400])
def test_a_number_without_end_is_not_converted(number: str) -> None:
    """The time for it would grow with the square of its length."""
    with pytest.raises(MalformedBodyError, match="not finite, or too long"):
        parse(f"[{number}]".encode())
    assert parse(b"1" + b"0" * 308) == 10**308


def test_a_mapping_is_strict_in_its_values() -> None:
    """A header that is null must not be sent as the word None."""
    broken = a_session(upload_headers={"x-amz-acl": None, "plain": 1, "good": "yes"})
    assert problem(broken, CreateAssetUploadResponse).split("; ") == [
        '$.upload_headers["x-amz-acl"]: expected text, got null',
        "$.upload_headers.plain: expected text, got number",
    ]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (str, None, "text, got null"),
        (str, 5, "text, got number"),
        (str, True, "text, got true"),
        (str, ["a"], "text, got list"),
        (str, {"a": 1}, "text, got object"),
        (int, "5", "a whole number, got text"),
        (int, 5.9, "a whole number, got number"),
        (int, True, "a whole number, got true"),
        (int, False, "a whole number, got false"),
        (int, 2**63, "a whole number, got number"),
        (int, 1e300, "a whole number, got number"),
        (int, math.inf, "a whole number, got number"),
        (int, None, "a whole number, got null"),
        (float, "5", "a number, got text"),
        (float, True, "a number, got true"),
        (float, 10**400, "a number, got number"),
        (bool, 1, "true or false, got number"),
        (bool, "true", "true or false, got text"),
        (bool, None, "true or false, got null"),
        (datetime, 1_700_000_000, "a time as of RFC 3339, got number"),
        (datetime, "", "a time as of RFC 3339, got text"),
        (datetime, "soon", "a time as of RFC 3339, got text"),
        (datetime, None, "a time as of RFC 3339, got null"),
        (tuple[str, ...], "abc", "a list, got text"),
        (tuple[str, ...], {"a": 1}, "a list, got object"),
        (tuple[int, ...], 5, "a list, got number"),
        (Mapping[str, str], [["a", "b"]], "an object, got list"),
        (Mapping[str, str], "ab", "an object, got text"),
        (PageInfo, [], "an object, got list"),
        (PageInfo, None, "an object, got null"),
        (PageInfo, "page", "an object, got text"),
    ],
)
def test_one_json_type_is_not_turned_into_another(kind: Any, value: Any, expected: str) -> None:
    """What is not the documented type is refused, however easy it were to convert."""
    assert problem(value, kind) == f"$: expected {expected}"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 5.0, 5),
        (int, -(2**63), -(2**63)),
        (int, 2**63 - 1, 2**63 - 1),
        (float, 5, 5.0),
        (float, 0.5, 0.5),
        (bool, False, False),
        (str, "", ""),
        (tuple[int, ...], [1, 2.0], (1, 2)),
        (tuple[tuple[str, ...], ...], [["a"], None], (("a",), ())),
        (Mapping[str, str], None, {}),
        (Mapping[str, tuple[int, ...]], {"a": None, "b": [1]}, {"a": (), "b": (1,)}),
    ],
)
def test_what_is_the_same_value_is_taken(kind: Any, value: Any, expected: Any) -> None:
    """JSON has one type of number, so 5.0 is 5; and a null list is an empty one, inside too."""
    result = structure(value, kind)
    assert result == expected
    assert type(result) is type(expected)


def test_a_missing_or_null_collection_is_empty() -> None:
    """Go writes an empty list as null."""
    for nothing in (None, NO_VALUE):
        written = a_session(upload_urls=nothing, upload_headers=nothing)
        answer = structure(written, CreateAssetUploadResponse)
        assert answer.upload_urls == ()
        assert answer.upload_headers == {}
    assert structure(None, tuple[PageInfo, ...]) == ()


@pytest.mark.parametrize("page_info", [None, NO_VALUE, {}, {"page": None, "total_page": None}])
def test_a_missing_or_null_field_has_its_default(page_info: Any) -> None:
    """A page that does not say which it is, is still a page."""
    written: dict[str, Any] = {"data": None}
    if page_info is not NO_VALUE:
        written["page_info"] = page_info
    assert structure(written, ListIncompleteUploadsResponse) == ListIncompleteUploadsResponse()


def test_an_optional_value_may_be_null_or_missing() -> None:
    """A report before the last has no URL, spelled either way."""
    expected = ReportChunkBatchResponse(total_completed=3)
    assert structure({"total_completed": 3, "url": None}, ReportChunkBatchResponse) == expected
    assert structure({"total_completed": 3}, ReportChunkBatchResponse) == expected
    assert problem({"total_completed": 3, "url": 1}, ReportChunkBatchResponse) == (
        "$.url: expected text, got number"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T05:06:07Z", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-22t05:06:07z", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-22 05:06:07Z", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-22T05:06:07", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-22T07:06:07+02:00", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-21T21:36:07-07:30", datetime(2026, 11, 22, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-22T05:06:07.5Z", datetime(2026, 11, 22, 5, 6, 7, 500_000, tzinfo=UTC)),
        ("2026-11-22T05:06:07.123Z", datetime(2026, 11, 22, 5, 6, 7, 123_000, tzinfo=UTC)),
        ("2026-11-22T05:06:07.123456789Z", datetime(2026, 11, 22, 5, 6, 7, 123_456, tzinfo=UTC)),
        (
            "2026-11-22T05:06:07.123456789+00:00",
            datetime(2026, 11, 22, 5, 6, 7, 123_456, tzinfo=UTC),
        ),
    ],
)
def test_a_time_is_aware_whatever_its_spelling(text: str, expected: datetime) -> None:
    """Each spelling of RFC 3339, to the nanosecond, is one moment; one without a zone is UTC."""
    time = structure(text, datetime)
    assert time == expected
    assert time.tzinfo is not None


@pytest.mark.parametrize("text", [None, "", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"])
def test_a_time_that_was_never_set_is_none(text: str | None) -> None:
    """Go's zero time is no moment, and must not make a URL look expired."""
    assert structure(a_session(expires_at=text), CreateAssetUploadResponse).expires_at is None


def test_a_time_at_the_edge_of_the_calendar_does_not_crash() -> None:
    """A time that UTC cannot express is still compared, not overflowed."""
    chunk = structure(
        {"index": 1, "status": "pending", "updated_at": "0001-01-01T00:00:00+23:59"}, ChunkInfo
    )
    assert chunk.updated_at is not None
    assert chunk.updated_at < datetime(1, 1, 1, tzinfo=UTC)


def test_only_a_documented_proof_type_is_taken() -> None:
    """A closed vocabulary is closed."""
    chunk = {"chunk_index": 1, "proof": "e", "chunk_size": 2, "proof_type": "md5"}
    assert problem(chunk, CompletedChunk) == "$.proof_type: expected one of etag, got text"
    assert problem({**chunk, "proof_type": []}, CompletedChunk).endswith("of etag, got list")
    taken = structure({**chunk, "proof_type": None}, CompletedChunk)
    assert taken == CompletedChunk(1, "e", chunk_size=2)


def test_half_a_character_is_refused() -> None:
    """An unpaired surrogate could neither be sent back nor printed."""
    assert problem(parse(rb'{"_id": "\ud800"}'), AssetDetail) == "$._id: expected text, got text"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (a_session(upload_urls=SIGNED), CreateAssetUploadResponse),
        (a_session(upload_urls=[SIGNED]), CreateAssetUploadResponse),
        (a_session(expires_at=SIGNED), CreateAssetUploadResponse),
        (a_session(chunk_size=SIGNED), CreateAssetUploadResponse),
        (a_session(upload_headers=[SIGNED]), CreateAssetUploadResponse),
        (
            a_session(upload_urls=[{"chunk_index": SIGNED, "url": [SIGNED]}]),
            CreateAssetUploadResponse,
        ),
        ({"chunk_index": 1, "proof": "e", "chunk_size": 1, "proof_type": SIGNED}, CompletedChunk),
    ],
)
def test_no_value_stands_in_an_error(value: Any, kind: type) -> None:
    """Neither the text nor anything chained to it shows what may be a presigned URL."""
    with pytest.raises(ShapeError) as caught:
        structure(value, kind)
    assert "5ecret" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__context__ is None


@settings(deadline=None)
@given(value=json_values)
def test_any_json_is_a_model_or_a_shape_error(value: Any) -> None:
    """No answer, however odd, raises anything else out of any model."""
    for kind in MODELS:
        try:
            assert isinstance(structure(value, kind), kind)
        except ShapeError as error:
            assert str(error).startswith("$")  # noqa: PT017 - most raise, a few do not


@settings(deadline=None)
@given(data=st.data())
def test_any_field_may_hold_any_json(data: st.DataObject) -> None:
    """One odd value among good ones is refused with its path, or harmless."""
    name = data.draw(st.sampled_from(sorted(a_session())))
    value = data.draw(json_values)
    try:
        answer = structure(a_session(**{name: value}), CreateAssetUploadResponse)
    except ShapeError as error:
        assert str(error).startswith(f"$.{name}")  # noqa: PT017 - either is right
    else:
        assert isinstance(answer.upload_id, str)
        assert type(answer.chunk_size) is int


@settings(deadline=None)
@given(
    moment=st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    offset=st.integers(-1439, 1439),
)
def test_any_moment_is_read_as_it_was_written(moment: datetime, offset: int) -> None:
    """A time with an offset is the same moment after the journey."""
    written = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert structure(written.isoformat(), datetime) == written


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<html><body>502 Bad Gateway</body></html>", "HTML or XML"),
        (b"  <?xml version='1.0'?>", "HTML or XML"),
        (b'{"upload_id": "u', "Unterminated string starting at, character 14"),
        (b'{"a": 1}{', "Extra data, character 8"),
        (b"upstream error", "Expecting value, character 0"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "a number that is not finite, or too long"),
        (b"-Infinity", "a number that is not finite, or too long"),
        (b"1e999", "a number that is not finite, or too long"),
        (b"9" * 5_000, "a number that is not finite, or too long"),
        (b"[" * 90_000, "nested too deeply"),
        (b'{"a":' * 90_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_named(body: bytes, problem: str) -> None:
    """A body from a proxy, a broken one or a hostile one is one error, which keeps no document."""
    with pytest.raises(MalformedBodyError) as caught:
        parse(body)
    assert str(caught.value) == f"the body is not JSON ({problem})"
    assert caught.value.__context__ is None


def test_a_byte_order_mark_is_skipped() -> None:
    """Some proxies write one."""
    assert parse(b'\xef\xbb\xbf{"a": 1.5}') == {"a": 1.5}


@settings(deadline=None)
@given(
    body=st.binary()
    | st.text().map(str.encode)
    | st.text('[]{}:,"0123456789.eE-+ntfa\\u').map(str.encode)
)
def test_any_body_is_json_or_malformed(body: bytes) -> None:
    """Nothing but ``MalformedBodyError`` comes out of ``parse``."""
    try:
        value = parse(body)
    except MalformedBodyError:
        return
    assert parse(dump(value)) == value


@settings(deadline=None)
@given(value=finite_values)
def test_what_is_dumped_is_parsed_again(value: Any) -> None:
    """A request says what the caller said, and any JSON reader agrees."""
    body = dump(value)
    assert parse(body) == value
    assert json.loads(body) == value


def test_a_request_is_compact() -> None:
    """No spaces between, and text as UTF-8."""
    assert dump({"name": "é", "tags": ("a", None)}) == '{"name":"é","tags":["a",null]}'.encode()


def test_a_completed_chunk_is_dumped_in_the_platform_s_words() -> None:
    """A report holds models; they are written field by field."""
    chunk = CompletedChunk(3, "etag-3", chunk_size=10)
    assert json.loads(dump({"completed_chunks": (chunk,)})) == {
        "completed_chunks": [
            {"chunk_index": 3, "proof": "etag-3", "proof_type": "etag", "chunk_size": 10}
        ]
    }


def test_words_and_any_mapping_are_dumped() -> None:
    """A member of a vocabulary is its word; a mapping need not be a dict."""
    assert dump(MappingProxyType({AssetStatus.READY: AssetStatus("new")})) == b'{"ready":"new"}'


class NoJson:
    """No JSON."""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (math.nan, "$: JSON cannot carry float (too long, or not finite)"),
        ({"a": [1, math.inf]}, "$.a[1]: JSON cannot carry float (too long, or not finite)"),
        ({"a": -math.inf}, "$.a: JSON cannot carry float (too long, or not finite)"),
        pytest.param(
            10**5000, "$: JSON cannot carry int (too long, or not finite)", id="a long number"
        ),
        ({"a": {1: "b"}}, "$.a: JSON cannot carry int as a key"),
        ({None: 1}, "$: JSON cannot carry NoneType as a key"),
        ({"two words": {"a": b"raw"}}, '$["two words"].a: JSON cannot carry bytes'),
        ({"a": {1, 2}}, "$.a: JSON cannot carry set"),
        ([NoJson()], "$[0]: JSON cannot carry NoJson"),
        ([datetime(2026, 11, 22, tzinfo=UTC)], "$[0]: JSON cannot carry datetime"),
        ({"name": "\udcff.mp4"}, "$.name: JSON cannot carry str (an unpaired surrogate)"),
        ({"\ud800": 1}, "$: JSON cannot carry str (an unpaired surrogate)"),
        (
            CompletedChunk(1, b"etag", chunk_size=2),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            "$.proof: JSON cannot carry bytes",
        ),
    ],
)
def test_what_json_cannot_carry_is_refused(value: Any, problem: str) -> None:
    """The caller learns where and what, before anything is sent; the text can be printed."""
    with pytest.raises(InvalidArgumentError) as caught:
        dump(value)
    assert str(caught.value) == problem
    assert problem.isascii()


def test_a_list_within_itself_is_refused() -> None:
    """Endless nesting is the caller's mistake, not a ``RecursionError``."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidArgumentError, match="nested too deeply"):
        dump(endless)


def test_a_long_key_is_cut_in_a_path() -> None:
    """A path stays readable whatever the key."""
    with pytest.raises(InvalidArgumentError) as caught:
        dump({"k" * 10_000: b""})
    assert len(str(caught.value)) < 100


def test_both_errors_of_an_answer_are_value_errors() -> None:
    """The transport catches them as one."""
    assert issubclass(ShapeError, ValueError)
    assert issubclass(MalformedBodyError, ValueError)
