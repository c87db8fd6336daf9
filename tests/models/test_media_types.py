"""What is promised of a file's type: a name tells it alike on every machine, or honestly not."""

import mimetypes
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from twelvelabs_async.models.media_types import asset_type
from twelvelabs_async.models.uploads import ASSET_TYPES


@pytest.mark.parametrize("extension", [
    "mp4", "mkv", "m4v", "mov", "avi", "webm", "wmv", "flv", "mpg", "mpeg", "3gp", "3g2", "ts",
    "mts", "m2ts", "ogv", "vob", "mxf", "asf", "f4v", "rmvb", "divx", "y4m", "hevc", "h264",
    "m2v",
])  # fmt: skip
def test_containers_of_video_are_video(extension: str) -> None:
    """Common and professional containers and raw streams are known."""
    assert asset_type(f"a.{extension}") == "video"


@pytest.mark.parametrize("extension", [
    "mp3", "wav", "flac", "m4a", "aac", "ogg", "oga", "opus", "wma", "aiff", "aif", "amr",
    "ac3", "eac3", "alac", "ape", "mka", "m4b", "caf", "dts", "mp2", "mpa", "weba", "wv", "w64",
    "au",
])  # fmt: skip
def test_containers_of_audio_are_audio(extension: str) -> None:
    """Common, lossless and telephone formats are known."""
    assert asset_type(f"a.{extension}") == "audio"


@pytest.mark.parametrize("extension", [
    "jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl",
    "jp2", "svg", "ico", "dng", "exr", "tga", "psd",
])  # fmt: skip
def test_pictures_are_images(extension: str) -> None:
    """Common, modern and camera formats are known."""
    assert asset_type(f"a.{extension}") == "image"


@pytest.mark.parametrize("name", ["A.MP4", "Film.MkV", "/data/clips.d/a.mp4", "C:\\a.b\\c.mp4"])
def test_case_and_folders_do_not_matter(name: str) -> None:
    """Cameras shout, and paths have dots."""
    assert asset_type(name) == "video"


@pytest.mark.parametrize(
    "name",
    ["", "mp4", "a.", "a.txt", "a.pdf", "a.zip", "a.mp4.gz", "a.mp4.part", "a.srt", "a.m3u8",
     "clips.mp4/notes", "data:video/mp4,x", "..", "a.mp4 "],
)  # fmt: skip
def test_a_name_that_does_not_tell_is_none(name: str) -> None:
    """Documents, archives and unfinished downloads are not guessed to be media."""
    assert asset_type(name) is None


@pytest.fixture
def known_types() -> Iterator[None]:
    """Forget afterwards what a test taught this process."""
    yield
    mimetypes.init()


@pytest.mark.usefixtures("known_types")
def test_what_the_table_lacks_is_asked_of_mimetypes() -> None:
    """A type that the machine was taught is honoured, if it is one of the platform's families."""
    mimetypes.add_type("video/x-brand-new", ".brandnew")
    mimetypes.add_type("application/x-brand-new", ".brandnewer")
    assert asset_type("a.brandnew") == "video"
    assert asset_type("a.brandnewer") is None


@pytest.mark.usefixtures("known_types")
def test_the_table_comes_before_the_machine_s_list() -> None:
    """A machine on which ``.ts`` is a translation does not change what is uploaded."""
    mimetypes.add_type("text/vnd.trolltech.linguist", ".ts")
    assert asset_type("a.ts") == "video"


@given(name=st.text())
def test_any_name_has_an_answer(name: str) -> None:
    """No name, however odd, raises."""
    assert asset_type(name) in {*ASSET_TYPES, None}
