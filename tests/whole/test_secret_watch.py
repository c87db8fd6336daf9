"""Whoever looks for secrets in the whole suite would find one, wherever it was told."""

import logging
import pickle
from pathlib import Path

import pytest
from support.watch import Watch, listen

from twelvelabs_async import (
    ApiError,
    AsyncTwelveLabs,
    InvalidArgumentError,
    PresignedUrlChunk,
    UploadError,
)
from twelvelabs_async._http.request import path_segment
from twelvelabs_async.emulator import Emulator

SECRET = "a-key-of-its-own"
SIGNATURE = "5" * 64


@pytest.fixture
def own() -> Watch:
    """Return a watch that the suite's does not share its secrets with."""
    watch = Watch()
    watch.know(SECRET)
    watch.sign(SIGNATURE)
    return watch


@pytest.mark.parametrize("text", [f"key {SECRET}!", f"https://x/?X-Amz-Signature={SIGNATURE}"])
def test_a_secret_in_a_text_is_found(own: Watch, text: str) -> None:
    """A key as well as a signature, wherever in it; and it is told once."""
    own.look("log", text)
    assert len(own.next_test()) == 1
    assert own.next_test() == []


@pytest.mark.parametrize("text", ["", "a-key-of", "6" * 64, "5" * 63])
def test_other_texts_are_left_alone(own: Watch, text: str) -> None:
    """A hash is no signature of ours, nor is half a key a key."""
    own.look("log", text)
    assert own.next_test() == []


@pytest.mark.parametrize(
    "error",
    [
        UploadError(f"it failed: {SECRET}"),
        ApiError(status_code=500, headers={"x-echo": SECRET}),
        ApiError(status_code=500, body={"deep": [{"url": f"?s={SIGNATURE}"}]}),
    ],
    ids=["text", "headers", "body"],
)
def test_a_secret_in_an_exception_is_found(own: Watch, error: Exception) -> None:
    """In its text, and in its attributes."""
    own.look_at_error(error)
    assert len(own.next_test()) == 1
    assert pickle.loads(pickle.dumps(error)) is not None  # noqa: S301 - our own


def test_a_secret_in_a_foreign_cause_is_found(own: Watch) -> None:
    """It would be printed with the traceback."""
    error = UploadError("it failed")
    error.__cause__ = ValueError("no")
    error.__cause__.__context__ = OSError(SECRET)
    own.look_at_error(error)
    assert len(own.next_test()) == 1


def test_a_secret_in_a_frame_of_the_package_is_found(own: Watch) -> None:
    """Tools that render tracebacks with local variables would show it."""
    with pytest.raises(InvalidArgumentError) as caught:
        path_segment(f"{SECRET}/", "an id")
    caught.value.args = ("hidden",)
    own.look_at_error(caught.value)
    assert len(own.next_test()) == 1


def test_a_secret_in_a_file_is_found(own: Watch, tmp_path: Path) -> None:
    """Such as a journal's, in whatever directory of a test."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "entry").write_bytes(b"\xff\x00" + SECRET.encode())
    own.look_into(tmp_path)
    assert len(own.next_test()) == 1


async def test_logs_objects_and_exceptions_are_listened_to(emulator: Emulator) -> None:
    """Whatever is said while the watch listens, at DEBUG; objects and exceptions when they die."""
    watch = Watch()
    secret = "a-key-that-no-other-test-tells"  # whose exceptions may die while this one listens
    watch.know(secret)
    with pytest.MonkeyPatch.context() as patch:
        listen(watch, patch)
        async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
            await client.multipart_upload.create(filename="a.mp4", type="video", total_size=5)
        assert emulator.api_key in watch.words
        assert watch.signatures
        PresignedUrlChunk(1, "https://x/?s=1")
        UploadError("it failed")
        logging.getLogger("twelvelabs_async").debug("%s", f"{secret}!")
    assert {"log", "repr", "exception"} <= watch.looked.keys()
    leaks = watch.next_test()
    assert len(leaks) == 1
    assert leaks[0].startswith("log twelvelabs_async")


async def test_the_suite_listens(emulator: Emulator, client: AsyncTwelveLabs, watch: Watch) -> None:
    """With the keys and the signatures of the test that runs."""
    session = await client.multipart_upload.create(filename="a.mp4", type="video", total_size=5)
    assert emulator.api_key in watch.words
    assert session.upload_urls[0].url[-64:] in watch.signatures
