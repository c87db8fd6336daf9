"""Every fault of the catalogue, alone and in pairs: a promised end, in bounded time and requests.

An upload ends in an asset whose bytes are the file's, or in the exception that the catalogue names.
``FAULT_PAIRS=all`` plays every pair; otherwise it is a sample, which new faults do not change.
"""

import os
import zlib
from itertools import combinations

import pytest
from support.fault_table import README, command, table
from support.faults import ASSET, CASES, FILE_SIZE, Case, Ending, play
from support.files import CHUNK_SIZE, MakeFile
from support.virtual_time import utcnow

import twelvelabs_async
from twelvelabs_async import AsyncTwelveLabs, TwelveLabsError
from twelvelabs_async.emulator import CATALOGUE, Emulator, Fault, Stall, named_fault

USUAL_REQUESTS = 13
"""Of an upload that nothing befalls: opened, 7 chunks, 4 reports at most, URLs once."""

SLACK = 5.0
"""Seconds by which two faults may take longer than each alone: pauses grow with failures."""

Pair = tuple[Case, Case]


def pair_name(pair: Pair) -> str:
    return f"{pair[0]}+{pair[1]}"


def in_sample(pair: Pair) -> bool:
    """Whether a pair is among one in forty: always the same ones, whatever else is added."""
    return zlib.crc32(pair_name(pair).encode()) % 40 == 0


PAIRS = list(combinations(sorted(CASES, key=lambda case: case.named.times is not None), 2))
"""In each, a fault that happens always stands before one that happens sometimes: of two that are
due, the first one happens, and an upload that gets through at times waits longer."""

SAMPLE = [each for each in PAIRS if os.environ.get("FAULT_PAIRS") == "all" or in_sample(each)]


def assert_bounded(ending: Ending, *cases: Case, slack: float = 0.0) -> None:
    """Nothing hung, nothing was asked over and over, nothing is left running."""
    assert ending.seconds <= sum(case.named.seconds for case in cases) + slack
    extra = sum(case.named.requests for case in cases)
    assert ending.requests <= USUAL_REQUESTS + extra
    assert not ending.tasks


async def test_an_upload_that_nothing_befalls_takes_no_more_than_it_needs(
    make_file: MakeFile,
) -> None:
    """The bound on requests begins here."""
    ending = await play(make_file(FILE_SIZE), [])
    assert ending.identical
    assert ending.requests <= USUAL_REQUESTS
    assert ending.seconds == 0


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_fault_ends_as_promised(case: Case, make_file: MakeFile) -> None:
    """In the asset, byte for byte, or in the stated error; and the fault did happen."""
    ending = await play(make_file(FILE_SIZE), [case])
    assert ending.cause in case.endings
    assert ending.identical == (ending.cause == ASSET)
    assert ending.unused == []
    assert_bounded(ending, case)


@pytest.mark.parametrize("pair", SAMPLE, ids=pair_name)
async def test_two_faults_end_as_one_of_them_promises(
    pair: tuple[Case, Case], make_file: MakeFile
) -> None:
    """An asset only where no fault that happened promises an error; else one of those errors."""
    ending = await play(make_file(FILE_SIZE), pair)
    happened = [c.endings for c, fault in zip(pair, ending.faults, strict=True) if fault.hits]
    errors = {cause for endings in happened if ASSET not in endings for cause in endings}
    assert ending.cause in (errors or {ASSET})
    assert ending.identical == (ending.cause == ASSET)
    assert_bounded(ending, *pair, slack=SLACK)


SIZE_MATTERS = [
    "slow-down",
    "refused-early",
    "reset-before",
    "reset-middle",
    "reset-after",
    "stall-before",
    "stall-middle",
    "stall-after",
    "slow-link",
]
LARGE = 10 * 2**20
"""Bytes of a chunk that no buffer on the way can hold."""
FILLING = 45.0
"""Seconds, at most, until a stall is seen to have begun: while buffers fill, bytes are taken."""


@pytest.mark.parametrize("name", SIZE_MATTERS)
async def test_a_fault_in_a_large_body_ends_as_promised(name: str, make_file: MakeFile) -> None:
    """The same where most of the chunk is still to be sent when it happens."""
    case = Case(CATALOGUE[name], "put")
    ending = await play(make_file(2 * LARGE), [case], chunk_size=LARGE)
    assert ending.cause in case.endings
    assert ending.identical == (ending.cause == ASSET)
    assert ending.unused == []
    at_rate = LARGE / 2**18 if name == "slow-link" else 0.0
    assert at_rate <= ending.seconds <= at_rate + FILLING + case.named.seconds
    assert ending.requests <= USUAL_REQUESTS
    assert not ending.tasks


@pytest.mark.parametrize(("name", "least"), [("rate-limited", 2), ("rate-limited-until", 2)])
async def test_a_rate_limit_is_obeyed(name: str, least: float, make_file: MakeFile) -> None:
    """No call is repeated before it may be: seconds, or a date, which has whole ones only."""
    ending = await play(make_file(FILE_SIZE), [Case(CATALOGUE[name], "create")])
    assert ending.seconds >= least


async def test_urls_that_are_older_than_they_look_are_replaced(make_file: MakeFile) -> None:
    """With a ``Date`` that is behind, the store's word counts: one refusal, then fresh URLs."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, now=utcnow) as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url, stall_timeout=4000) as client,
    ):
        emulator.faults.add(named_fault("date-behind", route="create"))
        emulator.faults.add(Fault(route="put", action=Stall("after")))
        await client.multipart_upload.upload_file(make_file(5 * CHUNK_SIZE), max_workers=1)
    assert [e.status for e in emulator.requests if e.route == "put"].count(403) == 1
    assert emulator.count("presigned_urls") == 2  # for the chunk that stalled, then for all


def test_a_promise_names_exceptions_that_exist() -> None:
    """The emulator knows none of the client's classes; their names are right all the same."""
    for named in CATALOGUE.values():
        for cause in named.causes:
            assert issubclass(getattr(twelvelabs_async, cause), TwelveLabsError)


def test_a_named_fault_can_be_narrowed() -> None:
    """To a chunk, a route, so many times; and each has a count of its own."""
    fault = named_fault("slow-down", chunk_index=3, times=2)
    assert (fault.route, fault.chunk_index, fault.times) == ("put", 3, 2)
    assert named_fault("server-error", route="report").route == "report"
    assert named_fault("slow-down") is not named_fault("slow-down")
    with pytest.raises(KeyError, match=r"no fault is called 'slowdown'; there are .*slow-down"):
        named_fault("slowdown")


def test_the_readme_has_the_table_of_the_catalogue() -> None:
    """What the tests prove is what the README says."""
    assert table() in README.read_text(), f"rewrite the README's table: {command()}"
