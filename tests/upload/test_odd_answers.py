"""An answer that is odd in what nothing needs, or cannot be read, ends no upload that goes well."""

import logging
from typing import Any

import pytest
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import AsyncTwelveLabs, InvalidResponseError, MemoryJournal, UploadError
from twelvelabs_async.emulator import Answer, Emulator, FailChunk, Fault, Rewrite

CHUNKS = 4
HTML = "<html><body>Welcome</body></html>"


def altered(**changes: Any) -> Rewrite:
    return Rewrite(lambda payload: {**payload, **changes})


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("journal", [None, MemoryJournal()], ids=["plain", "journal"])
@pytest.mark.parametrize("odd", [None, "4", True, 2**70, []], ids=str)
async def test_a_count_that_is_none_is_asked_for(
    odd: object, journal: MemoryJournal | None, emulator: Emulator, make_file: MakeFile
) -> None:
    """The platform has the asset, and its status says so: one more question, and no new session."""
    emulator.faults.add(Fault(route="report", action=altered(total_completed=odd), times=None))
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal) as client:
        result = await client.multipart_upload.upload_file(
            make_file(CHUNKS * CHUNK_SIZE), batch_size=2, max_workers=1
        )
    assert result.asset_url
    counts = {route: emulator.count(route) for route in ("create", "put", "report", "status")}
    assert counts == {"create": 1, "put": CHUNKS, "report": 2, "status": 1}


@pytest.mark.parametrize(
    ("route", "change", "problems"),
    [
        (
            "report",
            {"url": 5, "asset_id": [], "processed_chunks": "many", "duplicate_chunks": {}},
            4,
        ),
        ("create", {"expires_at": 5}, 1),
        (
            "presigned_urls",
            {"expires_at": 5, "generated_at": [], "count": "2", "start_index": 1.5},
            4,
        ),
        ("status", {"url": 5, "chunks_failed": "0", "chunks_pending": [], "total_size": "8"}, 4),
        ("status", {"page_info": {"page": "1", "total_page": []}, "created_at": 5}, 3),
        ("asset", {"duration": "5", "status": 5, "technical_metadata": {"video_fps": "x"}}, 3),
    ],
)
async def test_what_nothing_needs_may_be_of_any_type(
    route: str,
    change: dict[str, Any],
    problems: int,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is as if the platform had not said it, and one warning names it for all such answers."""
    async with (
        Emulator(chunk_size=CHUNK_SIZE, initial_urls=1, name_url="asset") as emulator,
        AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client,
    ):
        emulator.faults.add(Fault(route=route, action=altered(**change), times=None))
        for _ in range(2):
            result = await client.multipart_upload.upload_file(
                make_file(CHUNKS * CHUNK_SIZE), batch_size=1
            )
            assert result.asset_url
        assert emulator.faults.unused() == []
        assert emulator.count("put") == 2 * CHUNKS
    (warned,) = warnings_of(caplog)
    assert "not as documented; ignored, since nothing needs it: " in warned
    assert warned.count(": expected ") == problems


@pytest.mark.parametrize("text", [HTML, "[]", "null", '{"url": "\\ud800", ', ""], ids=str)
async def test_reports_whose_answers_cannot_be_read_are_counted_all_the_same(
    text: str, emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Each is sent again once, then the status is asked for the count."""
    emulator.faults.add(Fault(route="report", action=Rewrite(lambda _: text), times=None))
    result = await client.multipart_upload.upload_file(
        make_file(CHUNKS * CHUNK_SIZE),
        batch_size=2,
        max_workers=1,
        request_options={"max_retries": 1},
    )
    assert result.asset_id
    counts = {route: emulator.count(route) for route in ("create", "put", "status")}
    assert counts == {"create": 1, "put": CHUNKS, "status": counts["status"]}
    assert counts["status"] < 10


async def test_a_chunk_that_fails_was_counted_where_the_answer_cannot_be_read(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """Two completed chunks are too few for a report of three, but one more has failed since."""
    emulator.faults.add(Fault(route="report", action=Rewrite(lambda _: HTML), times=None))
    emulator.faults.add(Fault(route="put", chunk_index=2, action=FailChunk()))
    result = await client.multipart_upload.upload_file(
        make_file(3 * CHUNK_SIZE), batch_size=3, max_workers=1, request_options={"max_retries": 0}
    )
    assert result.asset_id
    assert emulator.faults.unused() == []
    assert (emulator.count("create"), emulator.count("put")) == (1, 4)


async def test_a_report_that_nobody_has_counted_fails(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A page of somebody between, instead of the platform's answer: the chunks were not taken."""
    lost = Answer(200, body=HTML.encode(), content_type="text/html", when="before")
    emulator.faults.add(Fault(route="report", action=lost, times=None))
    with pytest.raises(UploadError, match="4 of 4 chunks are stored, 0 of them reported") as caught:
        await client.multipart_upload.upload_file(
            make_file(CHUNKS * CHUNK_SIZE), max_workers=1, request_options={"max_retries": 0}
        )
    assert isinstance(caught.value.__cause__, InvalidResponseError)
    assert emulator.count("status") == 4


async def test_a_status_without_counts_is_read_to_its_last_page(
    emulator: Emulator, client: AsyncTwelveLabs, make_file: MakeFile
) -> None:
    """A resume looks for counted chunks on every page, where no figure says that there are none."""
    journal, path = MemoryJournal(), make_file(60 * CHUNK_SIZE)
    emulator.faults.add(Fault(route="put", chunk_index=60, action=Answer(400, body=b"no")))
    with pytest.raises(UploadError):
        await client.multipart_upload.upload_file(path, journal=journal, max_workers=1)
    emulator.faults.add(Fault(route="status", action=altered(chunks_completed="59"), times=None))
    result = await client.multipart_upload.upload_file(path, journal=journal)
    assert result.resumed_chunks == 59
