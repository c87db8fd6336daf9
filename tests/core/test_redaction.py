"""What is promised of secrets: a presigned signature is found, and never shown."""

from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from twelvelabs_async._core.redaction import (
    printable,
    query_secrets,
    repr_without_query,
    scrub,
    without_query,
)

SIGNED = (
    "https://store.example/bucket/key?partNumber=1&X-Amz-Credential=AKIA%2F20261122%2Feu"
    "&X-Amz-Signature=0123456789abcdef"
)


def test_a_url_is_shown_up_to_its_query() -> None:
    """Where a chunk goes is worth knowing; the right to send it there is not for show."""
    assert without_query(SIGNED) == "https://store.example/bucket/key?…"
    assert repr_without_query(SIGNED) == "'https://store.example/bucket/key?…'"


@pytest.mark.parametrize("url", [None, "", "https://store.example/bucket/key"])
def test_what_has_no_query_is_shown_whole(url: str | None) -> None:
    """No mark suggests a query that was not there."""
    assert without_query(url) == url
    assert repr_without_query(url) == repr(url)


def test_a_secret_is_known_raw_and_decoded() -> None:
    """A store that echoes a value may have decoded it."""
    found = query_secrets(SIGNED)
    assert {"AKIA%2F20261122%2Feu", "AKIA/20261122/eu", "0123456789abcdef"} <= found


def test_a_plus_is_known_in_both_readings() -> None:
    """In a query, a plus is itself or a space, depending on who reads."""
    assert query_secrets("https://h/p?sig=abcd+efgh%2B") == {
        "abcd+efgh%2B", "abcd+efgh+", "abcd efgh+",
    }  # fmt: skip


def test_a_short_value_is_no_secret() -> None:
    """Replacing each 1 of a text would help nobody."""
    assert query_secrets("https://h/p?partNumber=1&x-id=PutPart") == set()
    assert query_secrets("https://h/p") == set()


def test_scrubbing_leaves_the_rest_of_a_text() -> None:
    """Every occurrence goes, and nothing else."""
    text = "Signature 0123456789abcdef (0123456789abcdef) does not match"
    expected = "Signature [redacted] ([redacted]) does not match"
    assert scrub(text, query_secrets(SIGNED)) == expected


def test_the_longest_secret_is_scrubbed_first() -> None:
    """A secret that holds another leaves no half behind."""
    assert scrub("key-0123-signed", ["key-0123", "key-0123-signed"]) == "[redacted]"


def test_an_empty_secret_is_ignored() -> None:
    """An empty text stands everywhere."""
    assert scrub("nothing to hide", ["", "hidden"]) == "nothing to hide"


@given(
    secret=st.text("ABCDEFXYZ0123456789+/=-_.~%&", min_size=8, max_size=80),
    around=st.text("äöü <>\n", max_size=20),
)
def test_a_signature_never_survives_an_echo(secret: str, around: str) -> None:
    """Whichever characters a signature has, a text that quotes it or its URL loses it."""
    encoded = quote(secret, safe="")
    url = f"https://store.example/key?part=1&signature={encoded}"
    for echo in (secret, encoded, url):
        clean = scrub(f"{around}{echo}{around}", query_secrets(url))
        assert secret not in clean
        assert encoded not in clean
        assert clean.startswith(around)


def test_half_a_character_is_made_printable() -> None:
    """A log or a terminal would refuse the whole text because of it."""
    assert printable("caf\u00e9 \ud800 \udcff") == "caf\u00e9 ? ?"
