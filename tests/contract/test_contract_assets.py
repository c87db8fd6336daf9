"""The contract of the asset endpoints, held against every target."""

import json
from typing import Any

import pytest
from support.account import UPLOADS, Account, song
from support.clock import ManualClock
from support.contract import Attachment, Form, Reply, Request, Switches

from twelvelabs_async.emulator import Segment, Transcript
from twelvelabs_async.emulator.forms import METHOD_REFUSED

Json = dict[str, Any]

pytestmark = pytest.mark.real_time  # nothing waits, but where the platform itself is asked

MISSING = "parameter_not_provided"
INVALID = "parameter_invalid"
UNKNOWN = "parameter_unknown"
NOT_THERE = (404, "resource_not_exist")
NOBODY = "/assets/0123456789abcdef01234567"
A_FILE = Attachment("a.wav", "audio/wav", song(100))
METADATA = {"album": "2026", "rating": 5, "share": 0.5, "seen": False, "tags": ["a", "b"]}

parsed = pytest.mark.not_on("core", why="how a form is parsed is the server's business")
loopback = pytest.mark.not_on("platform", why="it fetches nothing from this machine")


def metadata_path(asset_id: str) -> str:
    """Return where an asset's metadata is changed."""
    return f"/assets/{asset_id}/user-metadata"


async def test_a_file_becomes_an_asset(account: Account) -> None:
    """It is ``processing`` at first; in the end, its size is told, and what it is."""
    made = await account.direct(filename=account.name("renamed.wav"))
    assert (made["method"], made["status"]) == ("direct", "processing")
    assert made["filename"] == account.name("renamed.wav")
    assert made["file_type"].startswith("audio/")
    assert "user_metadata" not in made
    asset = await account.processed(made["_id"])
    assert asset["status"] == "ready"
    assert asset["size"] == account.target.sizes.one
    assert asset["technical_metadata"]["file_size_bytes"] == asset["size"]
    assert "error" not in asset
    for name in ("_id", "method", "filename", "file_type", "created_at"):
        assert asset[name] == made[name]


async def test_the_file_names_its_asset(account: Account) -> None:
    """Where nothing else does."""
    assert (await account.direct())["filename"] == account.name()


async def test_metadata_comes_as_a_string_of_json(account: Account) -> None:
    """And is told as JSON, of the same types, in every answer."""
    made = await account.direct(user_metadata=json.dumps(METADATA))
    assert made["user_metadata"] == METADATA
    asset = await account.get(f"/assets/{made['_id']}")
    assert asset["user_metadata"] == METADATA
    assert type(asset["user_metadata"]["rating"]) is int


@pytest.mark.parametrize(
    ("fields", "file", "code"),
    [
        ({"method": "direct"}, None, MISSING),
        ({"method": "url"}, None, MISSING),
        ({"method": "url", "url": "ftp://example.org/a.wav"}, None, INVALID),
        ({"method": "direct"}, Attachment("a.wav", "audio/wav", b""), INVALID),
        ({"method": "direct", "filename": "x" * 256}, A_FILE, INVALID),
        ({"method": "direct", "user_metadata": "x"}, A_FILE, INVALID),
        ({"method": "direct", "user_metadata": "[]"}, A_FILE, INVALID),
        ({"method": "direct", "user_metadata": '{"a": {}}'}, A_FILE, INVALID),
        ({"method": "direct", "more": "x"}, A_FILE, UNKNOWN),
        (
            {"method": "direct"},
            Attachment("a.exe", "application/x-msdownload", b"MZ"),
            "media_url_unsupported_format",
        ),
    ],
    ids=str,
)
async def test_a_bad_form_is_refused(
    account: Account, fields: dict[str, str], file: Attachment | None, code: str
) -> None:
    """Each mistake has its code."""
    assert (await account.order(file, **fields)).error == (400, code)


@pytest.mark.parametrize("method", ["", "multipart", "Direct"])
async def test_a_wrong_method_meets_the_validator(account: Account, method: str) -> None:
    """Its sentence reaches the caller as it is."""
    reply = await account.order(A_FILE, method=method)
    assert reply.status == 400
    assert METHOD_REFUSED in str(reply.payload)


async def test_a_flag_that_is_none_meets_the_binding(account: Account) -> None:
    """Its text reaches the caller as it is."""
    reply = await account.order(A_FILE, method="direct", enable_hls="yes")
    assert reply.status == 400
    assert 'parsing "yes": invalid syntax' in str(reply.payload)


@parsed
@pytest.mark.parametrize(
    ("content_type", "content", "code"),
    [
        ("application/json", b"{}", "content_type_invalid"),
        ("multipart/form-data", b"", "multipart_boundary_missing"),
        ("multipart/form-data; boundary=x", b"nothing of the kind", "invalid_multipart"),
    ],
)
async def test_what_is_no_form_is_refused(
    account: Account, content_type: str, content: bytes, code: str
) -> None:
    """By its type, by its boundary, by its content, in this order."""
    reply = await account.target.call(
        Request(
            "POST",
            "/assets",
            account.target.key,
            content_type=content_type,
            content=content,
        )
    )
    assert reply.error == (400, code)


@loopback
@parsed
async def test_a_url_becomes_an_asset(account: Account) -> None:
    """Its last step names the file; what the store serves of another asset is a good URL."""
    url = (await account.upload(account.target.sizes.one))["url"]
    reply = await account.order(None, method="url", url=url)
    assert (reply.status, reply.payload["method"]) == (201, "url")
    assert reply.payload["filename"] == account.name()
    asset = await account.processed(reply.payload["_id"])
    assert asset["size"] == account.target.sizes.one


@loopback
@parsed
async def test_a_url_without_a_file_is_refused(account: Account) -> None:
    """It is not accessible, whatever the server says there."""
    url = (await account.upload(account.target.sizes.one))["url"]
    reply = await account.order(None, method="url", url=url.replace("/assets/", "/nothing/"))
    assert reply.error == (400, "media_url_not_accessible")


async def test_the_list_has_the_newest_first(account: Account) -> None:
    """However they came, and in pages that add up."""
    ids = [(await account.direct("One.wav"))["_id"]]
    session = await account.open(5, sent=False)
    ids.append(session.answer["asset_id"])
    ids.append((await account.direct("two.wav"))["_id"])
    mine = {"filename": account.token}
    listed = await account.get("/assets", **mine)
    assert [each["_id"] for each in listed["data"]] == ids[::-1]
    figures = {"limit_per_page": 10, "page": 1, "total_page": 1, "total_results": 3}
    assert listed["page_info"] == figures
    pages = [await account.get("/assets", page=n, page_limit=2, **mine) for n in (1, 2, 3)]
    assert [len(page["data"]) for page in pages] == [2, 1, 0]
    assert [each["_id"] for page in pages for each in page["data"]] == ids[::-1]
    figures = {"limit_per_page": 2, "total_page": 2, "total_results": 3}
    assert [page["page_info"] for page in pages] == [{**figures, "page": n} for n in (1, 2, 3)]


async def test_the_list_can_be_filtered(account: Account) -> None:
    """By ids, by a part of the name in any case, by types; all that are given count."""
    one, two = await account.direct("One.wav"), await account.direct("two.wav")

    async def found(*query: tuple[str, str]) -> set[str]:
        reply = await account.ask("GET", "/assets", query=query)
        return {each["_id"] for each in reply.payload["data"]}

    both = {one["_id"], two["_id"]}
    ids = [("asset_ids", each) for each in both]
    assert await found(*ids) == both
    assert await found(ids[0]) == {ids[0][1]}
    assert await found(("filename", account.token.upper())) == both
    assert await found(("filename", f"{account.token}-oNE.w")) == {one["_id"]}
    assert await found(*ids, ("filename", "two")) == {two["_id"]}
    assert await found(*ids, ("asset_types", "audio")) == both
    assert await found(*ids, ("asset_types", "video"), ("asset_types", "image")) == set()
    assert await found(*ids, ("asset_types", "video"), ("asset_types", "audio")) == both


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (("page", "0"), INVALID),
        (("page_limit", "0"), INVALID),
        (("page_limit", "51"), INVALID),
        (("page", "x"), INVALID),
        (("asset_types", "sound"), INVALID),
        (("more", "1"), UNKNOWN),
    ],
    ids=str,
)
async def test_a_bad_list_is_refused(account: Account, query: tuple[str, str], code: str) -> None:
    """Each mistake has its code."""
    assert (await account.ask("GET", "/assets", query=[query])).error == (400, code)


async def test_fifty_on_a_page_are_the_most(account: Account) -> None:
    """The bound itself is within it."""
    listed = await account.get("/assets", page_limit=50, filename=account.token)
    assert listed["data"] == []
    assert listed["page_info"]["limit_per_page"] == 50


async def test_metadata_is_merged(account: Account) -> None:
    """A value sets its key, null deletes it, empty ones are ignored, all others stay."""
    asset_id = (await account.direct(user_metadata=json.dumps(METADATA)))["_id"]
    changes: Json = {"album": None, "rating": 4, "share": "", "tags": [], "new": "x", "none": ""}
    body = {"user_metadata": changes}
    assert await account.ask("PATCH", metadata_path(asset_id), body=body) == Reply(200)
    expected = {"rating": 4, "share": 0.5, "seen": False, "tags": ["a", "b"], "new": "x"}
    assert (await account.get(f"/assets/{asset_id}"))["user_metadata"] == expected


async def test_metadata_is_replaced(account: Account) -> None:
    """Nothing of the old is left; null and empty ones are ignored."""
    asset_id = (await account.direct(user_metadata=json.dumps(METADATA)))["_id"]
    body: Json = {"user_metadata": {"new": 1, "album": None, "rating": "", "tags": []}}
    assert await account.ask("PUT", metadata_path(asset_id), body=body) == Reply(200)
    assert (await account.get(f"/assets/{asset_id}"))["user_metadata"] == {"new": 1}


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
async def test_metadata_is_cleared(account: Account, method: str) -> None:
    """By deleting it, or with an empty object; then the field is not there."""
    asset_id = (await account.direct(user_metadata=json.dumps(METADATA)))["_id"]
    more: Json = {"body": {"user_metadata": {}}} if method == "PUT" else {}
    assert await account.ask(method, metadata_path(asset_id), **more) == Reply(200)
    assert "user_metadata" not in await account.get(f"/assets/{asset_id}")


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, MISSING),
        ({"user_metadata": []}, INVALID),
        ({"user_metadata": {"a": {"b": 1}}}, INVALID),
        ({"user_metadata": {}, "more": 1}, UNKNOWN),
        ([], INVALID),
    ],
    ids=str,
)
async def test_bad_metadata_changes_nothing(
    account: Account, method: str, body: object, code: str
) -> None:
    """It is refused whole."""
    asset_id = (await account.direct(user_metadata='{"a": 1}'))["_id"]
    assert (await account.ask(method, metadata_path(asset_id), body=body)).error == (400, code)
    assert (await account.get(f"/assets/{asset_id}"))["user_metadata"] == {"a": 1}


async def test_a_deleted_asset_is_not_there(account: Account) -> None:
    """Neither alone nor in the list, nor for anything else that could be done to it."""
    asset_id = (await account.direct())["_id"]
    assert await account.ask("DELETE", f"/assets/{asset_id}") == Reply(200)
    assert (await account.get("/assets", filename=account.token))["data"] == []
    for method, path in (
        ("GET", ""),
        ("GET", "/transcription"),
        ("DELETE", ""),
        ("DELETE", "/user-metadata"),
    ):
        reply = await account.ask(method, f"/assets/{asset_id}{path}")
        assert reply.error == NOT_THERE


async def test_a_transcription_is_divided_as_asked(account: Account) -> None:
    """By words if nothing is asked for; repeated or with commas; nothing else is in the answer.

    The platform may have no transcription of noise; then it has none in any segmentation.
    """
    asset_id = (await account.processed((await account.direct())["_id"]))["_id"]
    asked = {
        (): {"words"},
        ("words",): {"words"},
        ("sentences",): {"sentences"},
        ("words", "utterances"): {"words", "utterances"},
        ("words,utterances",): {"words", "utterances"},
    }
    told = {include: await account.transcribed(asset_id, *include) for include in asked}
    if account.target.switches is None and told[()] is None:
        assert set(told.values()) == {None}
        return
    for include, answer in told.items():
        assert answer is not None
        assert answer["status"] in {"ready", "failed"}
        assert ("error" in answer) == (answer["status"] == "failed")
        assert answer.keys() - {"status", "error"} <= asked[include]
        for entries in (answer[name] for name in asked[include] & answer.keys()):
            assert all(0 <= each["start"] <= each["end"] for each in entries)
    assert told[()] == told["words",]
    assert told["words", "utterances"] == told["words,utterances",]


async def test_a_transcription_follows_its_asset(account: Account, switches: Switches) -> None:
    """Pending, then processing while the asset is ready, then ready."""
    asset_id = (await account.direct())["_id"]
    seen: list[tuple[str, str]] = []
    for _ in range(3):
        asset = await account.get(f"/assets/{asset_id}")
        told = await account.get(f"/assets/{asset_id}/transcription")
        seen.append((asset["status"], told["status"]))
        assert ("words" in told) == (told["status"] == "ready")
        switches.clock.advance(seconds=10)
    assert seen == [("processing", "pending"), ("ready", "processing"), ("ready", "ready")]


async def test_a_transcription_that_is_set_is_told(account: Account, switches: Switches) -> None:
    """What it does not support is absent; silence is an empty list."""
    said = (Segment(0, 1.5, "Hello.", speaker="A"), Segment(1.5, 2, "Bye."))
    switches.platform.transcripts[account.name()] = Transcript(words=(), utterances=said)
    asset_id = (await account.direct())["_id"]
    assert await account.transcribed(asset_id, "words", "sentences", "utterances") == {
        "status": "ready",
        "words": [],
        "utterances": [
            {"start": 0, "end": 1.5, "value": "Hello.", "speaker": "A"},
            {"start": 1.5, "end": 2, "value": "Bye."},
        ],
    }


@pytest.mark.parametrize("of", ["asset", "transcription"])
async def test_a_failed_transcription_tells_why(
    account: Account, switches: Switches, of: str
) -> None:
    """Its own failure, or that of the asset."""
    if of == "asset":
        switches.platform.failures[account.name()] = "It cannot be heard."
    else:
        switches.platform.transcripts[account.name()] = Transcript(error="It cannot be heard.")
    told = await account.transcribed((await account.direct())["_id"])
    assert told == {"status": "failed", "error": {"message": "It cannot be heard."}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (("include", "letters"), INVALID),
        (("include", "words,letters"), INVALID),
        (("include", ""), INVALID),
        (("more", "1"), UNKNOWN),
    ],
    ids=str,
)
async def test_a_bad_segmentation_is_refused(
    account: Account, query: tuple[str, str], code: str
) -> None:
    """Also where a good one stands before it."""
    path = f"/assets/{(await account.direct())['_id']}/transcription"
    reply = await account.ask("GET", path, query=[("include", "words"), query])
    assert reply.error == (400, code)


async def test_a_document_has_no_transcription(account: Account) -> None:
    """404, with the code of what is not there."""
    file = Attachment(account.name("notes.md"), "text/markdown", b"# Notes\n\nNothing to hear.\n")
    made = (await account.order(file, method="direct")).payload
    reply = await account.ask("GET", f"/assets/{made['_id']}/transcription")
    assert reply.error == NOT_THERE


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", NOBODY),
        ("GET", f"{NOBODY}/transcription"),
        ("DELETE", NOBODY),
        ("PATCH", metadata_path("0123456789abcdef01234567")),
        ("PUT", metadata_path("0123456789abcdef01234567")),
        ("DELETE", metadata_path("0123456789abcdef01234567")),
    ],
)
async def test_an_unknown_asset_is_not_there(account: Account, method: str, path: str) -> None:
    """404, whatever is asked of it; and without a key, not even that is told."""
    body = {"user_metadata": {"a": 1}}
    assert (await account.ask(method, path, body=body)).error == NOT_THERE
    reply = await account.ask(method, path, body=body, key="tlk_wrong")
    assert reply.error in {(401, "api_key_invalid"), (403, "api_key_invalid")}


async def test_a_wrong_key_makes_and_lists_nothing(account: Account) -> None:
    """The key is looked at before the form."""
    form = Form((("method", "direct"),), A_FILE)
    for method, sent in (("POST", form), ("GET", None)):
        reply = await account.ask(method, "/assets", key="tlk_wrong", form=sent)
        assert reply.error in {(401, "api_key_invalid"), (403, "api_key_invalid")}


async def test_a_flag_of_a_delete_is_true_or_false(account: Account) -> None:
    """``force`` deletes what nothing refers to as well; another word deletes nothing."""
    path = f"/assets/{(await account.direct())['_id']}"
    assert (await account.ask("DELETE", path, query=[("force", "x")])).error == (400, INVALID)
    assert await account.ask("DELETE", path, query=[("force", "true")]) == Reply(200)


async def test_a_reference_keeps_an_asset(account: Account, switches: Switches) -> None:
    """409, until force is used."""
    asset_id = (await account.direct())["_id"]
    switches.platform.find(asset_id).references = 1
    path = f"/assets/{asset_id}"
    assert (await account.ask("DELETE", path)).status == 409
    assert (await account.ask("DELETE", path, query=[("force", "false")])).status == 409
    assert (await account.get(path))["_id"] == asset_id
    assert await account.ask("DELETE", path, query=[("force", "true")]) == Reply(200)


async def test_renditions_follow_their_asset(account: Account, switches: Switches) -> None:
    """Pending, then processing while the asset is ready, then ready with a URL."""
    made = await account.direct(enable_hls="true", enable_thumbnail="true")
    await states(account, switches.clock, made["_id"])


async def test_renditions_follow_a_multipart_asset(account: Account, switches: Switches) -> None:
    """The same, from the moment of the last report."""
    sizes = account.target.sizes
    made = await account.upload(sizes.one, enable_hls=True, enable_thumbnail=True)
    await states(account, switches.clock, made["asset_id"])


async def states(account: Account, clock: ManualClock, asset_id: str) -> None:
    """Look at an asset of which everything was asked for, at each step of the way."""
    path = f"/assets/{asset_id}"
    pending = await account.get(path)
    assert pending["status"] == "processing"
    assert pending["hls"] == pending["thumbnail"] == {"status": "pending"}
    assert not {"size", "duration", "technical_metadata"} & pending.keys()
    clock.advance(seconds=10)
    processing = await account.get(path)
    assert (processing["status"], processing["hls"]["status"]) == ("ready", "processing")
    clock.advance(seconds=10)
    ready = await account.get(path)
    assert ready["hls"]["status"] == ready["thumbnail"]["status"] == "ready"
    assert ready["hls"]["manifest_url"]
    assert ready["thumbnail"]["representative_url"]


async def test_what_was_not_asked_for_is_not_there(account: Account) -> None:
    """No stream and no thumbnail of an upload in chunks that asked for none."""
    answer = await account.upload(account.target.sizes.one)
    asset = await account.processed(answer["asset_id"])
    assert not {"hls", "thumbnail"} & asset.keys()


async def test_a_failure_tells_why(account: Account, switches: Switches) -> None:
    """``error.message`` is there exactly when the status is ``failed``."""
    switches.platform.failures[account.name()] = "no playable stream"
    asset = await account.processed((await account.direct(enable_hls="true"))["_id"])
    assert (asset["status"], asset["error"]) == ("failed", {"message": "no playable stream"})
    assert asset["hls"] == {"status": "error"}


async def test_deleting_an_asset_ends_its_session(account: Account, switches: Switches) -> None:
    """The session is not there any more, either; this is assumed."""
    session = await account.open(account.target.sizes.one)
    await account.ask("DELETE", f"/assets/{session.answer['asset_id']}")
    assert (await account.ask("GET", session.path)).error == NOT_THERE
    assert (await account.get(UPLOADS))["data"] == []


async def test_a_document_is_an_asset_too(account: Account) -> None:
    """Text is taken, and listed as a document."""
    file = Attachment(account.name("notes.MD"), "text/markdown", b"# Notes\n\nNothing to see.\n")
    made = (await account.order(file, method="direct")).payload
    for kind, count in (("document", 1), ("video", 0)):
        listed = await account.get("/assets", asset_types=kind, filename=account.token)
        assert [each["_id"] for each in listed["data"]] == [made["_id"]] * count


async def test_empty_metadata_is_not_kept(account: Account) -> None:
    """Of a session, null and what is empty are left out."""
    metadata: Json = {"a": 1, "b": None, "c": "", "d": [], "e": False, "f": 0}
    session = await account.open(5, sent=False, user_metadata=metadata)
    asset = await account.get(f"/assets/{session.answer['asset_id']}")
    assert asset["user_metadata"] == {"a": 1, "e": False, "f": 0}
