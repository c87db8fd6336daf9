"""Checks of arguments: the error names the argument, for programs as well as for people."""

import pickle
from collections.abc import Callable

import pytest

from twelvelabs_async import ConfigurationError, InvalidArgumentError
from twelvelabs_async._core.validation import (
    check_seconds,
    check_text,
    check_text_or_whole,
    check_whole,
    check_word,
    shown,
)
from twelvelabs_async._http.request import checked_headers, path_segment


class Unshown:
    """A caller's object whose ``repr`` fails."""

    def __repr__(self) -> str:
        raise RuntimeError("not to be shown")


REFUSED: dict[str, Callable[[], object]] = {
    "no number": lambda: check_whole("size", "five", 1),
    "a bool": lambda: check_whole("size", True, 0),
    "too small": lambda: check_whole("size", 0, 1),
    "no seconds": lambda: check_seconds("size", None),
    "zero": lambda: check_seconds("size", 0),
    "endless": lambda: check_seconds("size", float("inf")),
    "no float can be as large": lambda: check_seconds("size", 10**400),
    "too long to be printed": lambda: check_whole("size", -(10**5000), 1),
    "what cannot be shown": lambda: check_whole("size", Unshown(), 1),
    "a list": lambda: check_text_or_whole("size", []),
    "bytes": lambda: check_text("size", b"text"),
    "an unpaired surrogate": lambda: check_text("size", "\ud800"),
    "another word": lambda: check_word("size", "huge", ("small", "large")),
    "a slash": lambda: path_segment("a/b", "size"),
    "half an id": lambda: path_segment("\ud800", "size"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_error_carries_the_argument_and_its_problem(what: str) -> None:
    """The text is both, so that nobody has to cut it apart."""
    with pytest.raises(InvalidArgumentError) as caught:
        REFUSED[what]()
    error = caught.value
    assert error.argument == "size"
    assert str(error) == f"size {error.problem}"


def test_an_error_of_no_single_argument_has_a_problem_only() -> None:
    """It is the whole text."""
    error = InvalidArgumentError("pass one or the other")
    assert error.argument is None
    assert str(error) == error.problem == "pass one or the other"


def test_the_argument_survives_pickling() -> None:
    """A worker in another process reports it as it is."""
    error = pickle.loads(pickle.dumps(InvalidArgumentError("is empty", argument="name")))  # noqa: S301
    assert (error.argument, error.problem, str(error)) == ("name", "is empty", "name is empty")


@pytest.mark.parametrize("name", ["X-Bad\n", "Content-Length"])
def test_a_bad_header_is_named_without_its_value(name: str) -> None:
    """The value may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        checked_headers("headers", {name: "the secret"}, ConfigurationError)
    assert caught.value.argument == f"headers[{name!r}]"
    assert "the secret" not in str(caught.value)


def test_a_wrong_value_is_shown_in_few_words() -> None:
    """However long it is, and whatever its ``repr`` does."""
    assert shown("one") == "'one'"
    assert shown("x" * 1000) == "'" + "x" * 99 + "..."
    assert shown(10**5000) == "a value of type int"
    assert shown(Unshown()) == "a value of type Unshown"
