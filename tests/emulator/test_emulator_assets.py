"""The emulator's rules for assets, pure: no socket, no event loop, a clock moved by hand."""

import wave
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from support.clock import ManualClock

from twelvelabs_async.emulator import (
    AssetRules,
    Fault,
    Limits,
    Platform,
    Refusal,
    Rewrite,
    Segment,
    Transcript,
)
from twelvelabs_async.emulator.file_types import file_type
from twelvelabs_async.emulator.forms import (
    METHOD_REFUSED,
    Form,
    NewAsset,
    ReceivedFile,
    name_in,
    new_asset,
)
from twelvelabs_async.emulator.records import Sound
from twelvelabs_async.emulator.routing import Target, target
from twelvelabs_async.emulator.signing import Signer
from twelvelabs_async.emulator.transcripts import SEGMENTATIONS
from twelvelabs_async.emulator.wav import sound_in

STORE_URL = "http://127.0.0.1:9"
FILM = ReceivedFile("film.mp4", "video/mp4", 5)
TEN = timedelta(seconds=10)
Json = dict[str, Any]


@define
class AssetsInMemory:
    """A platform with its library, and their clock."""

    platform: Platform
    library: AssetRules
    clock: ManualClock
    made: int = 0

    def admit(self, name: str = "film.mp4", mime: str = "video/mp4", **changes: Any) -> str:
        """Take in a file of 5 bytes and return the asset's id."""
        self.made += 1
        asset_id, sound = f"asset{self.made}", changes.pop("sound", None)
        wanted = NewAsset("direct", **changes)
        self.library.admit(asset_id, wanted, ReceivedFile(name, mime, 5), sound)
        return asset_id

    def after(self, seconds: int, asset_id: str) -> Json:
        """Let time pass and look at an asset."""
        self.clock.time += timedelta(seconds=seconds)
        return self.platform.asset(asset_id)

    def names(self, *query: tuple[str, str]) -> list[str]:
        """Return the filenames on a page of the list."""
        return [each["filename"] for each in self.library.listed(query)["data"]]


def make_assets(**settings: Any) -> AssetsInMemory:
    """Build a platform with settings of ``Platform``."""
    clock = ManualClock()
    signer = Signer(b"secret")
    settings = {"chunk_size": 10, "processing_time": TEN, **settings}
    platform = Platform(signer=signer, now=clock, store_url=STORE_URL, **settings)
    return AssetsInMemory(platform, AssetRules(platform), clock)


@pytest.fixture
def assets() -> AssetsInMemory:
    """Build a platform on which processing takes ten seconds."""
    return make_assets()


def refusal(call: Callable[[], object]) -> tuple[int, str | None, str]:
    """Return status, code and message of the refusal that ``call`` must meet."""
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.status, caught.value.code, caught.value.message


def form(file: ReceivedFile | None = FILM, /, **fields: str | None) -> Form:
    """Build a form; a field of None is left out."""
    given = {"method": "direct", **fields}
    return Form(tuple((k, v) for k, v in given.items() if v is not None), file)


def test_a_full_form_becomes_an_order() -> None:
    """Every field counts; flags are written as Go reads them; null is no metadata."""
    given = form(
        filename="x.mp4",
        enable_hls="true",
        enable_thumbnail="F",
        user_metadata='{"a": "s", "b": 1, "c": 1.5, "d": false, "e": "", "f": null}',
    )
    assert new_asset(given) == NewAsset(
        "direct",
        filename="x.mp4",
        enable_hls=True,
        user_metadata={"a": "s", "b": 1, "c": 1.5, "d": False, "e": ""},
    )
    by_url = form(None, method="url", url="https://localhost/a.mp4", filename="")
    assert new_asset(by_url) == NewAsset("url", url="https://localhost/a.mp4")


@pytest.mark.parametrize("method", [None, "", "multipart", "Direct"])
def test_a_wrong_method_meets_the_validator(method: str | None) -> None:
    """Its sentence has no code; a missing method is told the same."""
    assert refusal(lambda: new_asset(form(method=method))) == (400, None, METHOD_REFUSED)


@pytest.mark.parametrize("name", ["enable_hls", "enable_thumbnail"])
def test_a_flag_that_is_none_meets_the_binding(name: str) -> None:
    """The raw text quotes it, has no code, and comes before the validator's."""
    told = refusal(lambda: new_asset(form(method=None, **{name: "yes"})))
    assert told == (400, None, 'strconv.ParseBool: parsing "yes": invalid syntax')


NO_FILE = form(None, method="direct")
URL = "http://localhost/a.mp4"


@pytest.mark.parametrize(
    ("given", "code", "named"),
    [
        (NO_FILE, "parameter_not_provided", "file"),
        (form(None, url=URL), "parameter_not_provided", "file"),
        (form(None, method="url"), "parameter_not_provided", "url"),
        (form(method="url"), "parameter_not_provided", "url"),
        (form(None, method="url", url=""), "parameter_not_provided", "url"),
        (form(url=URL), "parameter_invalid", "file"),
        (form(method="url", url=URL), "parameter_invalid", "file"),
        (form(None, method="url", url="ftp://localhost/a"), "parameter_invalid", "ftp"),
        (form(None, method="url", url="/a.mp4"), "parameter_invalid", "http"),
        (form(None, method="url", url="http://"), "parameter_invalid", "http"),
        (form(None, method="url", url="http://[::1"), "parameter_invalid", "http"),
        (form(None, file="film.mp4"), "parameter_invalid", "file"),
        (form(ReceivedFile("a.mp4", "video/mp4", 0)), "parameter_invalid", "empty"),
        (form(filename="x" * 256), "parameter_invalid", "255"),
        (form(user_metadata="x"), "parameter_invalid", "user_metadata"),
        (form(user_metadata="[]"), "parameter_invalid", "user_metadata"),
        (form(user_metadata='{"a": NaN}'), "parameter_invalid", "NaN"),
        (form(user_metadata="[" * 100_000), "parameter_invalid", "user_metadata"),
        (form(user_metadata='{"a": [1]}'), "parameter_invalid", "user_metadata.a"),
        (form(user_metadata='{"a": {}}'), "parameter_invalid", "user_metadata.a"),
        (form(title="x"), "parameter_unknown", "title"),
        (Form((("method", "direct"), ("method", "direct")), FILM), "parameter_invalid", "method"),
        (form(file="again"), "parameter_invalid", "once"),
    ],
)
def test_a_form_that_is_wrong_is_refused(given: Form, code: str, named: str) -> None:
    """Each mistake has its code and is named."""
    status, actual, message = refusal(lambda: new_asset(given))
    assert (status, actual) == (400, code)
    assert named in message


@pytest.mark.parametrize(
    ("filename", "announced", "taken"),
    [
        ("a.mp4", "application/octet-stream", "video/mp4"),
        ("a.WAV", "", "audio/wav"),
        ("a.b.md", "application/octet-stream", "text/markdown"),
        ("a", "image/png", "image/png"),
        ("a.bin", "Audio/MPEG", "audio/mpeg"),
        ("a.exe", "application/octet-stream", None),
        ("mp4", "application/octet-stream", None),
        ("", "", None),
        ("a.html", "text/html", None),
    ],
)
def test_the_type_comes_from_the_name_or_else_from_the_sender(
    filename: str, announced: str, taken: str | None
) -> None:
    """Media and documents are taken, nothing else."""
    assert file_type(filename, announced) == taken


def test_a_url_tells_a_name() -> None:
    """The last step of the path, decoded; the host where there is none; never too long."""
    assert name_in("http://h/a/caf%C3%A9.mp4?x=1") == "café.mp4"
    assert name_in("http://h:80/") == "h:80"
    assert len(name_in("http://h/" + "x" * 300)) == 255


def test_limits_differ_by_method_and_type() -> None:
    """200 MB direct, 4 GB by URL, 32 MB for images, as documented."""
    limits = Limits()
    sizes = [limits.of("direct", "video/mp4"), limits.of("url", "audio/wav")]
    sizes += [limits.of("direct", "image/png"), limits.of("url", "image/png")]
    assert [size // 2**20 for size in sizes] == [200, 4096, 32, 32]


def test_a_new_asset_is_processing_whatever_the_clock_says() -> None:
    """The answer to its creation says so even where processing takes no time."""
    assets = make_assets(processing_time=timedelta(0))
    wanted = NewAsset("direct", enable_hls=True, user_metadata={"a": 1})
    answer = assets.library.admit("id", wanted, FILM)
    assert answer == {
        "_id": "id", "method": "direct", "status": "processing", "filename": "film.mp4",
        "file_type": "video/mp4", "created_at": "2026-11-22T05:00:00Z", "user_metadata": {"a": 1},
    }  # fmt: skip
    assert assets.platform.asset("id")["status"] == "ready"


def test_an_asset_gets_ready_as_the_clock_moves(assets: AssetsInMemory) -> None:
    """Size and metadata are there when it is ready; what was not asked for never is."""
    asset_id = assets.admit()
    answer = assets.after(9, asset_id)
    assert answer["status"] == "processing"
    assert set(answer) == {"_id", "method", "status", "filename", "file_type", "created_at"}
    answer = assets.after(1, asset_id)
    assert (answer["status"], answer["size"]) == ("ready", 5)
    assert answer["technical_metadata"] == {"file_size_bytes": 5, "file_mime_type": "video/mp4"}
    assert not {"hls", "thumbnail", "duration", "error", "user_metadata"} & set(answer)


def test_renditions_follow_their_asset(assets: AssetsInMemory) -> None:
    """Pending until the asset is ready, then processing, then ready with a URL."""
    asset_id = assets.admit(enable_hls=True, enable_thumbnail=True)
    pending, processing, ready = (assets.after(s, asset_id) for s in (9, 1, 10))
    assert pending["hls"] == pending["thumbnail"] == {"status": "pending"}
    assert processing["status"] == "ready"
    assert processing["hls"] == processing["thumbnail"] == {"status": "processing"}
    base = f"{STORE_URL}/renditions/{asset_id}"
    assert ready["hls"] == {"status": "ready", "manifest_url": f"{base}/manifest.m3u8"}
    url = f"{base}/thumbnail.jpg"
    assert ready["thumbnail"] == {"status": "ready", "representative_url": url}


def test_an_image_has_no_stream(assets: AssetsInMemory) -> None:
    """HLS is for video and audio only."""
    asset_id = assets.admit("a.png", "image/png", enable_hls=True, enable_thumbnail=True)
    answer = assets.platform.asset(asset_id)
    assert "hls" not in answer
    assert "thumbnail" in answer


@pytest.mark.parametrize("by", ["film.mp4", "asset1"])
def test_an_asset_fails_as_scripted(assets: AssetsInMemory, by: str) -> None:
    """By name or id, said beforehand: when its processing ends, with the message."""
    assets.platform.failures[by] = "no playable stream"
    asset_id = assets.admit(enable_hls=True)
    assets.admit("other.mp4")
    assert assets.platform.asset(asset_id)["status"] == "processing"
    answer = assets.after(10, asset_id)
    assert (answer["status"], answer["error"]) == ("failed", {"message": "no playable stream"})
    assert answer["hls"] == {"status": "error"}
    assert "technical_metadata" not in answer
    assert assets.platform.asset("asset2")["status"] == "ready"


def test_a_sound_has_a_duration(assets: AssetsInMemory) -> None:
    """Figures of a WAV file are the file's own."""
    answer = assets.after(10, assets.admit("a.wav", "audio/wav", sound=Sound(2, 8000, 2, 12_000)))
    assert answer["duration"] == 1.5
    figures = answer["technical_metadata"]
    assert figures["audio_streams"] == [
        {
            "index": 0, "codec": "pcm_s16le", "sample_rate": 8000, "bit_depth": 16, "channels": 2,
            "bitrate_bps": 256_000, "duration_seconds": 1.5,
        },
    ]  # fmt: skip
    assert (figures["audio_codec"], figures["has_audio"]) == ("pcm_s16le", True)
    assert figures["file_size_bytes"] == 5


def test_a_wav_header_is_read(tmp_path: Path) -> None:
    """What it promises beyond the file's size is not taken; other files are no sound."""
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(400))
    assert sound_in(path, path.stat().st_size) == Sound(2, 8000, 2, 100)
    assert sound_in(path, 40) == Sound(2, 8000, 2, 10)
    timeless = path.read_bytes().replace((8000).to_bytes(4, "little"), bytes(4))
    for content in (
        b"",
        timeless,
        b"RIFF",
        b"RIFF0000WAVEfmt ",
        bytes(100),
        path.read_bytes()[:30],
    ):
        path.write_bytes(content)
        assert sound_in(path, len(content)) is None


def transcription(assets: AssetsInMemory, asset_id: str, *include: str) -> Json:
    """Return what is told of a transcription."""
    return assets.library.transcription(asset_id, [("include", each) for each in include])


def test_a_transcription_is_ready_as_long_after_its_asset(assets: AssetsInMemory) -> None:
    """Pending while the asset is processed, processing for as long again, then ready."""
    asset_id = assets.admit()
    assert transcription(assets, asset_id) == {"status": "pending"}
    assert assets.after(10, asset_id)["status"] == "ready"
    assert transcription(assets, asset_id) == {"status": "processing"}
    assets.clock.time += TEN
    ready = transcription(assets, asset_id)
    assert list(ready) == ["status", "words"]
    assert ready["status"] == "ready"
    assert transcription(assets, asset_id) == ready


def test_a_transcription_is_told_in_the_segmentations_asked_for(assets: AssetsInMemory) -> None:
    """Repeated, or divided by commas; words and sentences say the same, utterances who says it."""
    asset_id = assets.admit(name="my film.mp4")
    assets.clock.time += 2 * TEN
    told = transcription(assets, asset_id, "words", "sentences,utterances", "words")
    assert told == transcription(assets, asset_id, "utterances,words", "sentences")
    assert [each["value"] for each in told["sentences"]] == [
        "This is my film.mp4.",
        "Nobody has listened to it.",
    ]
    words = " ".join(each["value"] for each in told["words"])
    assert words == " ".join(each["value"] for each in told["sentences"])
    ends = [each["end"] for each in told["words"]]
    assert [each["start"] for each in told["words"]] == [0, *ends[:-1]]
    assert ends[-1] == told["sentences"][-1]["end"] == 10
    assert [each["speaker"] for each in told["utterances"]] == ["speaker_0", "speaker_1"]
    assert list(transcription(assets, asset_id, "sentences")) == ["status", "sentences"]


def test_what_is_said_in_a_sound_lasts_as_long_as_it(assets: AssetsInMemory) -> None:
    """Where the emulator knows its length."""
    sound = Sound(channels=2, rate=8000, width=2, frames=12_000)
    asset_id = assets.admit("a.wav", "audio/wav", sound=sound)
    assets.clock.time += 2 * TEN
    assert transcription(assets, asset_id)["words"][-1]["end"] == 1.5


@pytest.mark.parametrize("by", ["film.mp4", "asset1"])
def test_a_transcription_can_be_set(assets: AssetsInMemory, by: str) -> None:
    """By name or id; what it does not support is absent, what is silent is empty."""
    said = (Segment(0.5, 1, "Hello."),)
    assets.platform.transcripts[by] = Transcript(words=(), sentences=said)
    asset_id = assets.admit()
    assets.clock.time += 2 * TEN
    assert transcription(assets, asset_id, *SEGMENTATIONS) == {
        "status": "ready",
        "words": [],
        "sentences": [{"start": 0.5, "end": 1, "value": "Hello."}],
    }
    assert transcription(assets, asset_id, "utterances") == {"status": "ready"}


def test_a_transcription_fails_as_scripted(assets: AssetsInMemory) -> None:
    """By itself when it should be ready, or with its asset when that fails."""
    assets.platform.transcripts["film.mp4"] = Transcript(error="The language is unknown.")
    asset_id, failing = assets.admit(), assets.admit("bad.mp4")
    assets.platform.failures["bad.mp4"] = "The codec is unknown."
    assert [transcription(assets, each)["status"] for each in (asset_id, failing)] == [
        "pending"
    ] * 2
    assets.clock.time += TEN
    failed = {"status": "failed", "error": {"message": "The codec is unknown."}}
    assert transcription(assets, failing) == failed
    assert transcription(assets, asset_id) == {"status": "processing"}
    assets.clock.time += TEN
    failed = {"status": "failed", "error": {"message": "The language is unknown."}}
    assert transcription(assets, asset_id) == failed


def test_some_assets_have_no_transcription(assets: AssetsInMemory) -> None:
    """Images, documents, what was set to have none, a file not yet whole, an unknown id."""
    assets.platform.transcripts["silent.mp4"] = None
    session = assets.platform.create({"filename": "a.mp4", "type": "video", "total_size": 5})
    for asset_id in (
        assets.admit("a.png", "image/png"),
        assets.admit("a.pdf", "application/pdf"),
        assets.admit("silent.mp4"),
        session["asset_id"],
        "nobody",
    ):
        assets.clock.time += 2 * TEN
        status, code, message = refusal(partial(transcription, assets, asset_id))
        assert (status, code) == (404, "resource_not_exist")
        assert asset_id in message


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("include", "letters", "parameter_invalid"),
        ("include", "words,letters", "parameter_invalid"),
        ("include", "Words", "parameter_invalid"),
        ("include", "", "parameter_invalid"),
        ("include", "words,", "parameter_invalid"),
        ("more", "1", "parameter_unknown"),
    ],
)
def test_a_bad_segmentation_is_refused(
    assets: AssetsInMemory, name: str, value: str, code: str
) -> None:
    """Also while there is nothing to tell yet."""
    call = partial(
        assets.library.transcription, assets.admit(), [("include", "words"), (name, value)]
    )
    status, found, message = refusal(call)
    assert (status, found) == (400, code)
    assert f"`{name}`" in message


def test_multipart_assets_take_part(assets: AssetsInMemory) -> None:
    """They are listed from their session's start, and wait for their last chunk."""
    body = {"filename": "big.mp4", "type": "video", "total_size": 5, "enable_hls": True}
    body["enable_thumbnail"] = True
    session = assets.platform.create({**body, "user_metadata": {"a": 1}})
    answer = assets.after(100, session["asset_id"])
    assert (answer["method"], answer["status"]) == ("multipart", "processing")
    assert (answer["hls"], answer["user_metadata"]) == ({"status": "pending"}, {"a": 1})
    assert answer["thumbnail"] == {"status": "pending"}
    assets.admit()
    assert assets.names() == ["film.mp4", "big.mp4"]
    assets.platform.keep_chunk(session["upload_id"], 1, "etag", 5)
    chunk = {"chunk_index": 1, "proof": "etag", "proof_type": "etag", "chunk_size": 5}
    assets.platform.report(session["upload_id"], {"completed_chunks": [chunk]})
    assert assets.after(9, session["asset_id"])["status"] == "processing"
    assets.platform.report(session["upload_id"], {"completed_chunks": [chunk]})
    answer = assets.after(1, session["asset_id"])
    assert (answer["status"], answer["size"]) == ("ready", 5)


def test_the_list_is_newest_first_in_pages(assets: AssetsInMemory) -> None:
    """10 a page by default, in full, with ``page_info``; nothing beyond the last page."""
    for number in range(12):
        assets.admit(f"{number}.mp4")
    assert assets.names() == [f"{number}.mp4" for number in range(11, 1, -1)]
    page = assets.library.listed([("page", "3"), ("page_limit", "5")])
    assert page["data"] == [assets.platform.asset("asset2"), assets.platform.asset("asset1")]
    assert page["page_info"] == {
        "limit_per_page": 5, "page": 3, "total_page": 3, "total_results": 12,
    }  # fmt: skip
    assert assets.names(("page", "4"), ("page_limit", "5")) == []


def test_the_list_can_be_filtered(assets: AssetsInMemory) -> None:
    """By ids and types, which repeat, and by a part of the name in any case; all must pass."""
    for name, mime in (("Ab.mp4", "video/mp4"), ("b.wav", "audio/wav"), ("B.pdf", "text/plain")):
        assets.admit(name, mime)
    assert assets.names(("asset_types", "video")) == ["Ab.mp4"]
    assert assets.names(("asset_types", "video"), ("asset_types", "audio")) == ["b.wav", "Ab.mp4"]
    assert assets.names(("asset_types", "document")) == ["B.pdf"]
    assert assets.names(("asset_ids", "asset3"), ("asset_ids", "nope")) == ["B.pdf"]
    assert assets.names(("filename", "AB")) == ["Ab.mp4"]
    assert assets.names(("filename", "b."), ("asset_ids", "asset2")) == ["b.wav"]
    filtered = assets.library.listed([("filename", "b."), ("page_limit", "1")])
    assert filtered["page_info"]["total_results"] == 3


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("page", "0", "parameter_invalid"),
        ("page", "x", "parameter_invalid"),
        ("page_limit", "0", "parameter_invalid"),
        ("page_limit", "51", "parameter_invalid"),
        ("asset_types", "sound", "parameter_invalid"),
        ("asset_types", "", "parameter_invalid"),
        ("asset_ids", "", "parameter_invalid"),
        ("status", "ready", "parameter_unknown"),
    ],
)
def test_a_bad_filter_is_refused(assets: AssetsInMemory, name: str, value: str, code: str) -> None:
    """The refusal names the parameter."""
    status, actual, message = refusal(lambda: assets.library.listed([(name, value)]))
    assert (status, actual) == (400, code)
    assert name in message


def test_a_deleted_asset_does_not_exist(assets: AssetsInMemory) -> None:
    """For any endpoint; with a multipart asset goes its session."""
    asset_id = assets.admit()
    assets.library.delete(asset_id, [])
    calls: list[Callable[[], object]] = [
        lambda: assets.platform.asset(asset_id),
        lambda: assets.library.delete(asset_id, [("force", "true")]),
        lambda: assets.library.update_metadata(asset_id, {"user_metadata": {}}),
        lambda: assets.library.replace_metadata(asset_id, {"user_metadata": {}}),
        lambda: assets.library.delete_metadata(asset_id),
    ]
    assert {refusal(call)[:2] for call in calls} == {(404, "resource_not_exist")}
    assert assets.names() == []
    session = assets.platform.create({"filename": "a", "type": "video", "total_size": 5})
    assets.library.delete(session["asset_id"], [])
    assert refusal(lambda: assets.platform.status(session["upload_id"], {}))[0] == 404


def test_a_reference_keeps_an_asset(assets: AssetsInMemory) -> None:
    """Unless ``force`` is true."""
    asset_id = assets.admit()
    assets.platform.assets[asset_id].references += 1
    unforced: list[list[tuple[str, str]]] = [[], [("force", "false")]]
    for query in unforced:
        status, _, message = refusal(partial(assets.library.delete, asset_id, query))
        assert status == 409
        assert "force" in message
    assert refusal(lambda: assets.library.delete(asset_id, [("force", "yes")]))[0] == 400
    assert refusal(lambda: assets.library.delete(asset_id, [("sure", "1")]))[0] == 400
    assert assets.names() == ["film.mp4"]
    assets.library.delete(asset_id, [("force", "true"), ("force", "false")])
    assert assets.names() == []


def test_metadata_is_merged(assets: AssetsInMemory) -> None:
    """A value sets, null deletes, an empty string or array is ignored, the rest stays."""
    asset_id = assets.admit(user_metadata={"a": 1, "b": 2, "c": 3})
    changes: Json = {"a": None, "b": "", "c": [], "d": 0, "nope": None}
    assets.library.update_metadata(asset_id, {"user_metadata": changes})
    assert assets.platform.asset(asset_id)["user_metadata"] == {"b": 2, "c": 3, "d": 0}


def test_metadata_is_replaced_and_cleared(assets: AssetsInMemory) -> None:
    """Null and what is empty are ignored; without metadata the field is absent."""
    asset_id = assets.admit(user_metadata={"a": 1})
    new: Json = {"b": False, "c": None, "d": "", "e": []}
    assets.library.replace_metadata(asset_id, {"user_metadata": new})
    assert assets.platform.asset(asset_id)["user_metadata"] == {"b": False}
    assets.library.delete_metadata(asset_id)
    assert "user_metadata" not in assets.platform.asset(asset_id)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "parameter_invalid"),
        ({}, "parameter_not_provided"),
        ({"user_metadata": None}, "parameter_not_provided"),
        ({"user_metadata": []}, "parameter_invalid"),
        ({"user_metadata": {"a": [1]}}, "parameter_invalid"),
        ({"user_metadata": {"a": {}}}, "parameter_invalid"),
        ({"user_metadata": {}, "a": 1}, "parameter_unknown"),
    ],
)
def test_bad_metadata_changes_nothing(assets: AssetsInMemory, body: object, code: str) -> None:
    """Merged or replaced, it must be an object of plain values."""
    asset_id = assets.admit(user_metadata={"a": 1})
    library = assets.library
    for call in (library.update_metadata, library.replace_metadata):
        assert refusal(partial(call, asset_id, body))[:2] == (400, code)
    assert assets.platform.asset(asset_id)["user_metadata"] == {"a": 1}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "", Target("create_asset")),
        ("GET", "", Target("list_assets")),
        ("GET", "/x", Target("asset", asset_id="x")),
        ("GET", "/x/", Target("unknown")),
        ("GET", "/", Target("unknown")),
        ("DELETE", "/x", Target("delete_asset", asset_id="x")),
        ("GET", "/x/transcription", Target("transcription", asset_id="x")),
        ("GET", "/x/transcription/", Target("unknown", asset_id="x")),
        ("PUT", "/x/transcription", Target("unknown", asset_id="x")),
        ("PATCH", "/x/user-metadata", Target("update_metadata", asset_id="x")),
        ("PUT", "/x/user-metadata", Target("replace_metadata", asset_id="x")),
        ("DELETE", "/x/user-metadata", Target("delete_metadata", asset_id="x")),
        ("POST", "/multipart-uploads", Target("create")),
        ("DELETE", "/multipart-uploads", Target("unknown")),
        ("POST", "/multipart-uploads/u", Target("report", upload_id="u")),
    ],
)
def test_each_endpoint_has_a_route(method: str, path: str, expected: Target) -> None:
    """Method and path decide; every route can be hit by a fault."""
    found = target(method, f"/v1.3/assets{path}")
    assert found == expected
    if found.route != "unknown":
        Fault(route=found.route, action=Rewrite(dict))
