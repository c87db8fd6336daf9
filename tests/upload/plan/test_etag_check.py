"""What is made of a store's ETags: learned from the first match, judged where none comes."""

import pytest
from hypothesis import given, strategies as st
from support.memory_platform import choose_profile

from twelvelabs_async._upload.plan.etag_check import EtagCheck
from twelvelabs_async._upload.plan.md5 import ENOUGH_MISMATCHES
from twelvelabs_async.errors import ChunkCorruptedError, SessionCorruptedError

choose_profile()

RIGHT, WRONG = "0123456789abcdef" * 2, "f" * 32


def judged(check: EtagCheck, *etags: str) -> list[bool]:
    """Judge one chunk after the other, from chunk 1."""
    return [check.judge(index, etag, RIGHT) for index, etag in enumerate(etags, 1)]


def test_a_match_is_verified_in_either_case() -> None:
    """Hexadecimal is the same in capitals."""
    check = EtagCheck(wanted=True)
    assert judged(check, RIGHT, RIGHT.upper()) == [True, True]
    assert (check.verified, check.proven) == (2, True)


@pytest.mark.parametrize("etag", [f"{RIGHT}-1", "x" * 32, RIGHT[:-1], f"{RIGHT}0", "", "opaque"])
def test_what_is_no_md5_says_nothing(etag: str) -> None:
    """It is taken as it is, before and after a match, and proves nothing."""
    check = EtagCheck(wanted=True)
    assert judged(check, etag, RIGHT, etag) == [True, True, True]
    assert check.verified == 1
    assert not check.mismatches


def test_without_an_md5_there_is_nothing_to_compare() -> None:
    """As of an upload that did not ask for it."""
    check = EtagCheck()
    assert check.judge(1, WRONG, None)
    assert check == EtagCheck()


def test_once_it_is_known_a_mismatch_is_a_corrupted_chunk() -> None:
    """Told with both values."""
    check = EtagCheck(wanted=True)
    judged(check, RIGHT)
    with pytest.raises(ChunkCorruptedError, match=f"{WRONG}.*{RIGHT}") as caught:
        check.judge(7, WRONG, RIGHT)
    error = caught.value
    assert (error.chunk_index, error.etag, error.md5) == (7, WRONG, RIGHT)


def test_before_it_is_known_a_mismatch_is_held_back() -> None:
    """Until a match: then it was a corrupted chunk, and counts as an attempt of it."""
    check = EtagCheck(wanted=True)
    assert judged(check, WRONG, WRONG, RIGHT) == [False, False, True]
    assert (check.proven, check.given_up) == (True, False)
    assert check.mismatches == {1: 1, 2: 1}


def test_many_chunks_without_a_match_settle_it() -> None:
    """The store has ETags of its own: from then on they are taken as they are."""
    check = EtagCheck(wanted=True)
    assert judged(check, *[WRONG] * ENOUGH_MISMATCHES) == [False] * (ENOUGH_MISMATCHES - 1) + [True]
    assert check.given_up
    assert check.judge(99, WRONG, RIGHT)
    assert len(check.mismatches) == ENOUGH_MISMATCHES
    assert check.verified == 0


def test_one_chunk_that_was_sent_twice_settles_it_too() -> None:
    """A small file has no more than one."""
    check = EtagCheck(wanted=True)
    assert [check.judge(1, WRONG, RIGHT) for _ in range(2)] == [False, True]
    assert check.given_up


def test_a_match_after_all_ends_the_upload() -> None:
    """What was relied on may be corrupt, and may be reported: there is no way back."""
    check = EtagCheck(wanted=True)
    judged(check, *[WRONG] * ENOUGH_MISMATCHES)
    with pytest.raises(SessionCorruptedError, match="begin a new upload") as caught:
        check.judge(99, RIGHT, RIGHT)
    assert caught.value.chunk_index == 1
    assert check.verified == 0


@given(etags=st.lists(st.sampled_from([RIGHT, WRONG]), max_size=40), data=st.data())
def test_right_and_wrong_etags_are_never_relied_on_together(
    etags: list[str], data: st.DataObject
) -> None:
    """Whatever comes in whatever order, also twice: all are right, or none is."""
    check, relied_on = EtagCheck(wanted=True), set[str]()
    for etag in etags:
        try:
            good = check.judge(data.draw(st.integers(1, 12)), etag, RIGHT)
        except ChunkCorruptedError:
            assert RIGHT in relied_on
        except SessionCorruptedError:
            return
        else:
            relied_on |= {etag} if good else set()
        assert relied_on != {RIGHT, WRONG}
