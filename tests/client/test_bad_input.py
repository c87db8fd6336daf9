"""Bad input gets a clear error before any byte is sent, and leaves no session behind."""

import inspect
import io
import math
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    CompletedChunk,
    ConfigurationError,
    InvalidArgumentError,
    MultipartUploadClient,
    SourceError,
    TwelveLabsError,
    UploadError,
    UploadResult,
)
from twelvelabs_async._core.validation import shown
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.resources.assets import AssetsClient
from twelvelabs_async.resources.raw_assets import RawAssetsClient
from twelvelabs_async.resources.raw_multipart_upload import RawMultipartUploadClient


def directory(tmp_path: Path) -> Path:
    return tmp_path


def missing(tmp_path: Path) -> Path:
    return tmp_path / "nowhere.mp4"


def below_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"x")
    return tmp_path / "file" / "video.mp4"


def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty.mp4").touch()
    return tmp_path / "empty.mp4"


def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe.mp4")
    return tmp_path / "pipe.mp4"


def unix_socket(tmp_path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(tmp_path)  # the path of a socket must be short
        made.bind("socket.mp4")
    return tmp_path / "socket.mp4"


def device(_: Path) -> Path:
    return Path("/dev/null")


def dangling(tmp_path: Path) -> Path:
    (tmp_path / "link.mp4").symlink_to(tmp_path / "gone.mp4")
    return tmp_path / "link.mp4"


def too_long(tmp_path: Path) -> Path:
    return tmp_path / ("x" * 5000 + ".mp4")


def with_a_null(tmp_path: Path) -> Path:
    return tmp_path / "a\0b.mp4"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (directory, "is a directory, not a file"),
        (missing, "there is no file"),
        (below_a_file, "not a directory"),
        (empty, "is empty"),
        (pipe, "is not a regular file"),
        (unix_socket, "is not a regular file"),
        (device, "is not a regular file"),
        (dangling, "there is no file"),
        (too_long, "file name too long"),
        (with_a_null, "embedded null"),
    ],
)
async def test_a_path_that_is_no_file_is_refused(
    make: Any,
    said: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error says what is there instead of a file, and no session is opened."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UploadError, match=said) as caught:
        await client.multipart_upload.upload_file(make(tmp_path), file_type="video")
    assert isinstance(caught.value.__cause__, SourceError)
    assert caught.value.upload_id is None
    assert emulator.requests == []


async def test_a_file_without_permission_is_refused(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error says that permission is what is missing."""
    path, real = make_file(1), os.open

    def refuse(name: Any, *args: Any, **given: Any) -> int:
        if os.fspath(name) == str(path):
            raise PermissionError(13, "Permission denied")
        return real(name, *args, **given)

    monkeypatch.setattr("os.open", refuse)  # whoever runs the tests may be root
    with pytest.raises(UploadError, match="no permission to read"):
        await client.multipart_upload.upload_file(path)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"batch_size": 0}, "batch_size must be 1 or more"),
        ({"batch_size": -3}, "batch_size must be 1 or more"),
        ({"max_workers": 0}, "max_workers must be 1 or more"),
        ({"max_workers": "5"}, "max_workers must be a whole number, not '5'"),
        ({"max_workers": 2.5}, r"max_workers must be a whole number, not 2\.5"),
        ({"batch_size": True}, "batch_size must be a whole number, not True"),
        ({"retry_delay": "1"}, "retry_delay must be a number of seconds, not '1'"),
        ({"progress_callback": "x"}, "progress_callback must be callable, not 'x'"),
        ({"max_retries": -1}, "max_retries must be 0 or more"),
        ({"retry_delay": -1}, "retry_delay must be 0 s or more"),
        ({"retry_delay": math.nan}, "retry_delay must be 0 s or more"),
        ({"retry_delay": math.inf}, "retry_delay must be 0 s or more"),
        ({"filename": ""}, "filename is empty"),
        ({"filename": "  "}, "filename is empty"),
        (
            {"filename": "notes.xyz"},
            "does not show whether it is video, audio or image",
        ),
        ({"filename": "\udce9.mp4"}, "not valid Unicode"),
        ({"file_type": "document"}, "file_type must be one of video, audio, image"),
        ({"file_type": ""}, "file_type must be one of"),
        ({"user_metadata": "text"}, "user_metadata must be a dict, not str"),
        ({"user_metadata": {"a": object()}}, r"\$\.user_metadata\.a"),
        ({"user_metadata": {"a": math.nan}}, r"\$\.user_metadata\.a"),
        ({"user_metadata": {"a": 2**53}}, r"user_metadata\['a'\] has more than 53 bits"),
    ],
)
async def test_an_argument_that_can_never_be_right_is_refused(
    wrong: dict[str, Any],
    said: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
) -> None:
    """The error names the argument and its value; the platform is not even asked."""
    with pytest.raises(InvalidArgumentError, match=said):
        await client.multipart_upload.upload_file(make_file(CHUNK_SIZE), **wrong)
    assert emulator.requests == []


@pytest.mark.parametrize("path", [None, b"x", 5, io.BytesIO(b"x")])
async def test_what_is_no_path_is_refused(
    path: Any, emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    """An open file, such as a web framework's upload, is told what to do instead."""
    advice = r"must be a path .* use client.upload\(data, filename=..., size=...\)"
    with pytest.raises(InvalidArgumentError, match=advice):
        await client.multipart_upload.upload_file(path)
    with pytest.raises(InvalidArgumentError, match=r"must be a path .* write it to a file first"):
        await client.multipart_upload.resume("an-id", path)
    assert emulator.requests == []


async def test_an_empty_path_is_refused(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """An empty path is not the current directory."""
    with pytest.raises(InvalidArgumentError, match="file_path is empty"):
        await client.multipart_upload.upload_file("")
    assert emulator.requests == []


async def test_a_name_and_a_type_that_are_given_are_used(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """What the caller says beats what the path says, in any alphabet."""
    result = await client.multipart_upload.upload_file(
        make_file(5, "no-extension"),
        filename="été & été+1 /100%.MKV",
        user_metadata={"müll": 5, "tags": ["a"]},
    )
    asset = emulator.platform.assets[result.asset_id]
    assert asset.filename == "été & été+1 /100%.MKV"


# Every parameter of every method

OWNERS: dict[type[Any], Callable[[AsyncTwelveLabs], Any]] = {
    AsyncTwelveLabs: lambda client: client,
    MultipartUploadClient: lambda client: client.multipart_upload,
    RawMultipartUploadClient: lambda client: client.multipart_upload.with_raw_response,
    AssetsClient: lambda client: client.assets,
    RawAssetsClient: lambda client: client.assets.with_raw_response,
}

VALUES: tuple[object, ...] = (
    None,
    5,
    1.5,
    "x",
    b"x",
    object(),
    [1],
    {1: 2},
    True,
    math.nan,
    -1,
    10**400,
    "\ud800",
)
"""Tried as each parameter: what does not fit it must be refused."""

RIGHT: dict[str, Any] = {
    "upload_id": "u1",
    "asset_id": "a1",
    "filename": "a.mp4",
    "type": "video",
    "total_size": 1,
    "completed_chunks": [CompletedChunk(1, "etag", chunk_size=1)],
    "start": 1,
    "count": 1,
    "method": "direct",
    "user_metadata": {"a": 1},
    "result": UploadResult("a1", None, "u1", 1, 1),
}
"""What the parameters without a default are given."""


def never(_: object) -> bool:
    return False


def is_whole(value: object) -> bool:
    return type(value) is int and 0 < value < 2**63


def is_seconds(value: object) -> bool:
    return value == 5 or value == 1.5  # noqa: PLR1714 - NaN is not hashed alike


def is_word(value: object) -> bool:
    return value == "x"


def is_flag(value: object) -> bool:
    return value is True


def is_bytes(value: object) -> bool:
    return isinstance(value, str | bytes)


FITS: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("page", "page_limit", "total_size", "start", "count"), is_whole),
    **dict.fromkeys(("batch_size", "max_workers", "max_retries", "multipart_above"), is_whole),
    **dict.fromkeys(("retry_delay", "ready_timeout", "sleep_interval"), is_seconds),
    **dict.fromkeys(("max_wait_time", "timeout", "poll_interval"), is_seconds),
    **dict.fromkeys(("enable_hls", "enable_thumbnail", "force", "hls", "thumbnail"), is_flag),
    **dict.fromkeys(("resume", "keep_result", "spool", "wait_until_ready"), is_flag),
    **dict.fromkeys(("upload_id", "asset_id", "resume_key", "asset_ids"), is_word),
    **dict.fromkeys(("filename", "asset_types", "include"), is_word),
    **dict.fromkeys(("source", "file", "file_path"), is_bytes),
}
"""Which values fit a parameter, apart from None; none of them fits any other."""

INSIDE: dict[str, tuple[object, ...]] = {
    "request_options": (
        {"timeout_in_seconds": "5"},
        {"timeout_in_seconds": math.nan},
        {"timeout_in_seconds": 0},
        {"max_retries": 1.5},
        {"max_retries": -1},
        {"additional_headers": 5},
        {"additional_headers": [("a", "b")]},
        {"additional_headers": {"a": 5}},
        {"additional_headers": {5: "a"}},
        {"additional_headers": {"a": "\ud800"}},
        {"additional_body_parameters": 5},
        {"additional_body_parameters": {1: 2}},
        {"additional_body_parameters": {"a": object()}},
        {"additional_query_parameters": 5},
        {"additional_query_parameters": {1: "a"}},
        {"additional_query_parameters": {"\ud800": "a"}},
        {"additional_query_parameters": {"a": "\ud800"}},
        {"additional_query_parameters": {"a": 10**400}},
        {"additional_query_parameters": {"a": None}},
    ),
    "upload_headers": ([("a", "b")], {"a": 5}, {"a": "b\n"}, {"Host": "a"}),
    "user_metadata": ({"a": object()}, {"a": math.nan}, {"a": 2**53}, {"a": {1: 2}}, "[1]"),
    "completed_chunks": (
        "x",
        [5],
        [{"chunk_index": 1}],
        [CompletedChunk(0, "etag", chunk_size=1)],
        [CompletedChunk(1, "\ud800", chunk_size=1)],
        [CompletedChunk(1, "etag", chunk_size=1.5)],  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ),
    "asset_ids": ([""], ["\ud800"], [b"x"], iter(["a"]), {"a": 1}, bytearray(b"x")),
    "source": (("a.mp4",), (5, b"x"), ("a.mp4", b"x", "a\n"), (b"x", "a")),
    "file": (("a.mp4",), (5, b"x"), ("a.mp4", b"x", "a\n"), (b"x", "a")),
}
"""Wrong only further in."""


def parameters() -> Iterator[tuple[type[Any], str, str]]:
    for owner in OWNERS:
        for name, method in inspect.getmembers(owner, inspect.iscoroutinefunction):
            if not name.startswith("_"):
                _, *taken = inspect.signature(method).parameters
                yield from ((owner, name, parameter) for parameter in taken)


async def outcome(call: Any, given: dict[str, Any]) -> Exception | None:
    """Return what a call raises; None: nothing."""
    try:
        await call(**given)
    except Exception as error:  # noqa: BLE001 - which it is, is the question
        return error
    return None


def wrong_and_right(annotation: object, parameter: str) -> tuple[list[object], list[object]]:
    """Return the values that do not fit a parameter, and those that do."""
    fits = FITS.get(parameter, never)
    if type(None) in get_args(annotation):
        right = [value for value in VALUES if value is None or fits(value)]
    else:
        right = [value for value in VALUES if fits(value)]
    wrong = [value for value in VALUES if not any(value is each for each in right)]
    return [*wrong, *INSIDE.get(parameter, ())], right


@pytest.mark.parametrize(("owner", "method", "parameter"), [*parameters()])
async def test_each_parameter_of_each_method_is_checked(
    owner: type[Any],
    method: str,
    parameter: str,
    emulator: Emulator,
    client: AsyncTwelveLabs,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong value is refused and nothing is sent; a right one ends in no foreign exception."""
    path = make_file(1)
    monkeypatch.chdir(path.parent)
    call = getattr(OWNERS[owner](client), method)
    signature = inspect.signature(call).parameters
    given = {
        name: {**RIGHT, "file_path": path, "source": path}[name]
        for name, each in signature.items()
        if each.default is each.empty
    }
    if method == "create" and "url" in signature:
        given |= {"method": "url"} if parameter == "url" else {"file": ("a.mp4", b"film")}
    wrong, right = wrong_and_right(signature[parameter].annotation, parameter)
    if method == "create" and parameter in {"url", "file"}:
        wrong, right = [*wrong, None], [value for value in right if value is not None]
    for value in wrong:
        ended = await outcome(call, {**given, parameter: value})
        assert isinstance(ended, InvalidArgumentError), shown(value)
        assert emulator.requests == [], shown(value)
    for value in right:
        ended = await outcome(call, {**given, parameter: value})
        assert ended is None or isinstance(ended, TwelveLabsError), shown(value)


SETTINGS: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("timeout", "stall_timeout", "outage_timeout"), is_seconds),
    **dict.fromkeys(("max_retries", "max_concurrency", "max_buffer_bytes"), is_whole),
    **dict.fromkeys(("early_slots", "ssl", "trust_env"), is_flag),
    "api_key": is_word,
}


@pytest.mark.parametrize("setting", [*inspect.signature(AsyncTwelveLabs).parameters])
def test_each_setting_of_a_client_is_checked(setting: str) -> None:
    """When it is made."""
    annotation = inspect.signature(AsyncTwelveLabs).parameters[setting].annotation
    fits = SETTINGS.get(setting, never)
    optional = type(None) in get_args(annotation) and setting != "api_key"
    for value in VALUES:
        given: dict[str, Any] = {"api_key": "k", "base_url": "http://localhost", setting: value}
        if fits(value) or (value is None and optional):
            AsyncTwelveLabs(**given)
        else:
            with pytest.raises(ConfigurationError):
                AsyncTwelveLabs(**given)
