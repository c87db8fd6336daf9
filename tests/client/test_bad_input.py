"""Bad input gets a clear error before any byte is sent, and leaves no session behind."""

import io
import math
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, InvalidArgumentError, SourceError, UploadError
from twelvelabs_async.emulator import Emulator


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
    with pytest.raises(InvalidArgumentError, match=r"must be a path .* write it to a file first"):
        await client.multipart_upload.upload_file(path)
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
