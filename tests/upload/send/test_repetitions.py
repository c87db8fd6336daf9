"""Whether an answer is the one before once more, by what it says."""

import pytest

from twelvelabs_async._upload.send.repetitions import Repetitions

MD5 = "0123456789abcdef" * 2
OTHER = "fedcba9876543210" * 2


class Connection:
    """Stands for a connection."""


def said(request: str | None = None) -> dict[str, str]:
    """Return the headers of an answer."""
    return {} if request is None else {"x-amz-request-id": request}


def test_the_first_answer_of_a_connection_is_its_own() -> None:
    """Whatever others have said."""
    seen = Repetitions()
    for _ in range(3):
        assert seen.note(Connection(), said("r1"), MD5, 1) is False


@pytest.mark.parametrize(
    "name", ["x-amz-request-id", "x-ms-request-id", "x-guploader-uploadid", "x-request-id"]
)
def test_a_request_has_one_answer(name: str) -> None:
    """What names the same request as the answer before is that answer; another one is not."""
    seen, connection = Repetitions(), Connection()
    assert seen.note(connection, {name: "r1"}, MD5, 2) is False
    assert seen.note(connection, {name: "r2"}, MD5, 3) is False
    assert seen.note(connection, {name: "r2"}, OTHER, 4) is True


@pytest.mark.parametrize("etag", ["abc", "", MD5[1:], f"{MD5}-7"])
def test_other_etags_than_md5s_prove_nothing(etag: str) -> None:
    """A store may have one for all chunks."""
    seen, connection = Repetitions(), Connection()
    assert seen.note(connection, said(), etag, 5) is False
    assert seen.note(connection, said(), etag, 6) is False


def test_an_md5_that_comes_again_is_compared_with_the_content() -> None:
    """Equal chunks have equal MD5s, and are compared once."""
    seen, connection = Repetitions(), Connection()
    assert seen.note(connection, said(), MD5.upper(), 7) is False
    assert seen.note(connection, said(), MD5.upper(), 8) is None
    assert seen.settle(MD5.upper(), MD5) is False
    assert seen.note(connection, said(), MD5.upper(), 9) is False


def test_an_md5_of_another_content_is_the_answer_before() -> None:
    """Unless a new connection says the same: then it is the store's way, and not doubted again."""
    seen, connection = Repetitions(), Connection()
    seen.note(connection, said(), MD5, 10)
    assert seen.note(connection, said(), MD5, 11) is None
    assert seen.settle(MD5, OTHER) is True
    assert seen.note(connection, said(), MD5, 12) is None
    assert seen.note(Connection(), said(), MD5, 13) is False
    assert seen.note(connection, said(), MD5, 14) is False


def test_the_same_chunk_sent_again_has_the_same_etag() -> None:
    """Nothing is to be compared: the store has it either way."""
    seen, connection = Repetitions(), Connection()
    for _ in range(3):
        assert seen.note(connection, said(), MD5, "chunk 1") is False
