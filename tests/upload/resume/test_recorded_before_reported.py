"""No chunk is reported, by a worker or by the rescue, before its ETag is in the journal.

Otherwise the platform would count a chunk that a later attempt cannot compare with the file, and a
file that was only touched would be sent again from its beginning.
"""

import asyncio
import hashlib
import math
import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define
from support.files import CHUNK_SIZE, MakeFile

from twelvelabs_async import (
    AsyncTwelveLabs,
    FileJournal,
    JournalLostError,
    MemoryJournal,
    UploadError,
)
from twelvelabs_async._core import clock
from twelvelabs_async._upload.resume.records import parse_records
from twelvelabs_async._upload.steps.rescue import RESCUE_SECONDS
from twelvelabs_async.emulator import Emulator, Etag, Fault, store_error
from twelvelabs_async.emulator.platform import Platform
from twelvelabs_async.journal._disk import Disk

CHUNKS = 40
REFUSAL = store_error(400, "InvalidRequest", "No.")
SECONDS = 0.02
MOMENTS = 6
OWN_ETAGS = Etag(lambda md5: f'"own-{md5}"', kept=True)


@define(eq=False)
class HesitantJournal(MemoryJournal):
    """A journal that takes its time for a record, before or after it is there.

    Attributes:
        late: Whether a record is there as soon as it is asked for, and the answer comes late.
        hangs_after: Records after which it does not answer any more.
    """

    late: bool = False
    hangs_after: float = math.inf
    appended: int = 0

    async def append(self, key: str, owner: str, record: bytes) -> None:
        self.appended += 1
        if self.appended > self.hangs_after:
            await asyncio.Event().wait()
        if self.late:
            await super().append(key, owner, record)
        await clock.sleep(SECONDS)
        if not self.late:
            await super().append(key, owner, record)

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        if self.appended > self.hangs_after:
            await asyncio.Event().wait()
        return await super().renew(key, owner, seconds)

    def known(self) -> set[int]:
        """Return the chunks whose ETags are in the journal."""
        pasts = [parse_records(records) for records in self._records.values()]
        return {index for past in pasts if past is not None for index in past.stored}


@define(eq=False)
class Witness:
    """Compares each report that reaches the platform with the journal at that moment."""

    journal: HesitantJournal
    reported: set[int] = Factory(set[int])
    too_early: set[int] = Factory(set[int])

    def look(self, payload: Any) -> None:
        chunks = {chunk["chunk_index"] for chunk in payload["completed_chunks"]}
        self.reported |= chunks
        self.too_early |= chunks - self.journal.known()


@pytest.fixture
def journal() -> HesitantJournal:
    return HesitantJournal()


@pytest.fixture
def witness(journal: HesitantJournal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """Yield what sees every report; none may have come too early."""
    made, report = Witness(journal), Platform.report

    def seen(platform: Platform, upload_id: str, payload: Any) -> Any:
        made.look(payload)
        return report(platform, upload_id, payload)

    monkeypatch.setattr(Platform, "report", seen)
    yield made
    assert made.too_early == set()


def client_of(emulator: Emulator, journal: HesitantJournal | FileJournal) -> AsyncTwelveLabs:
    return AsyncTwelveLabs(emulator.api_key, emulator.base_url, journal=journal)


def sent(emulator: Emulator) -> list[int]:
    puts = [each for each in emulator.requests if each.route == "put" and each.status == 200]
    return [each.chunk_index for each in puts if each.chunk_index is not None]


async def cancelled_after(seconds: float, work: "asyncio.Task[Any]") -> bool:
    """Cancel a task after some seconds; whether it had not ended before."""
    await asyncio.wait({work}, timeout=seconds)
    ended = work.done()
    work.cancel()
    await asyncio.wait({work})
    return not ended


@pytest.mark.parametrize("how", ["cancelled", "refused"])
@pytest.mark.parametrize("workers", [2, 5, 16])
@pytest.mark.parametrize("seed", range(MOMENTS))
async def test_a_touched_file_never_begins_anew(
    emulator: Emulator,
    journal: HesitantJournal,
    witness: Witness,
    make_file: MakeFile,
    how: str,
    workers: int,
    seed: int,
) -> None:
    """Whenever the upload was interrupted: no chunk that was reported or noted is sent again."""
    chance, path = random.Random(f"{how} {workers} {seed}"), make_file(CHUNKS * CHUNK_SIZE)
    journal.late = bool(seed % 2)
    batch_size = chance.choice((1, 3, 10))
    async with client_of(emulator, journal) as client:
        upload = partial(
            client.multipart_upload.upload_file, max_workers=workers, batch_size=batch_size
        )
        if how == "refused":
            fault = Fault(route="put", chunk_index=chance.randint(3, CHUNKS), action=REFUSAL)
            emulator.faults.add(fault)
            with pytest.raises(UploadError):
                await upload(path)
        else:
            whole = CHUNKS * SECONDS / workers
            work = asyncio.create_task(upload(path))
            opened = 2 * SECONDS  # the path and the session are noted
            assert await cancelled_after(opened + chance.uniform(SECONDS / 2, whole), work)
        known, first = journal.known(), sent(emulator)
        os.utime(path, ns=(5, 5))
        result = await upload(path)
    assert emulator.count("create") == 1
    assert not known.intersection(sent(emulator)[len(first) :])
    assert result.resumed_chunks == len(known)
    assert await emulator.sha256(result.asset_id) == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_what_was_held_back_is_written_before_it_is_reported(
    emulator: Emulator, journal: HesitantJournal, witness: Witness, make_file: MakeFile
) -> None:
    """ETags that are no MD5s are relied on late, all at once."""
    etag = Etag("0" * 32, kept=True)
    emulator.faults.add(Fault(route="put", action=etag, times=None))
    async with client_of(emulator, journal) as client:
        result = await client.multipart_upload.upload_file(
            make_file(CHUNKS * CHUNK_SIZE), verify="etag", batch_size=1
        )
    assert result.verified_chunks == 0
    assert witness.reported == set(range(1, CHUNKS + 1))


@pytest.mark.parametrize("seconds", [SECONDS * turn for turn in (3.5, 4.5, 6.5, 10.5)])
async def test_what_was_held_back_and_interrupted_is_written_by_the_rescue(
    emulator: Emulator,
    journal: HesitantJournal,
    witness: Witness,
    make_file: MakeFile,
    seconds: float,
) -> None:
    """Of the chunks that one worker writes one after the other, none is lost or comes too early."""
    etag = Etag("0" * 32, kept=True)
    emulator.faults.add(Fault(route="put", action=etag, times=None))
    async with client_of(emulator, journal) as client:
        work = asyncio.create_task(
            client.multipart_upload.upload_file(make_file(CHUNKS * CHUNK_SIZE), verify="etag")
        )
        assert await cancelled_after(seconds, work)
    assert witness.reported == journal.known() == set(sent(emulator))


async def test_a_report_that_was_refused_is_not_repeated_by_the_rescue(
    emulator: Emulator, journal: HesitantJournal, witness: Witness, make_file: MakeFile
) -> None:
    """Its ETags are struck out of the journal; what else is stored is reported all the same."""
    emulator.faults.add(Fault(route="put", chunk_index=2, action=Etag('"0123"')))
    async with client_of(emulator, journal) as client:
        with pytest.raises(UploadError):
            await client.multipart_upload.upload_file(
                make_file(CHUNKS * CHUNK_SIZE), max_workers=5, batch_size=3
            )
        (upload,) = emulator.platform.uploads.values()
        assert set(upload.reported) == journal.known()
        assert upload.reported
        assert 2 not in upload.reported


async def test_a_lost_lease_reports_nothing_that_the_journal_does_not_know(
    emulator: Emulator, journal: HesitantJournal, witness: Witness, make_file: MakeFile
) -> None:
    """Somebody else has the entry, who will not find those chunks there."""
    async with client_of(emulator, journal) as client:
        work = asyncio.create_task(
            client.multipart_upload.upload_file(make_file(CHUNKS * CHUNK_SIZE), batch_size=2)
        )
        while not witness.reported:
            await clock.sleep(SECONDS / 2)
        journal._leases.clear()
        with pytest.raises(UploadError) as caught:
            await work
    assert isinstance(caught.value.__cause__, JournalLostError)
    assert caught.value.stored_chunks >= len(witness.reported) > 0


async def test_a_lease_that_ran_out_reports_nothing_either(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """The store is away, so only we know that the lease is over; the ETags in hand stay here."""
    journal = HesitantJournal(hangs_after=2)
    async with client_of(emulator, journal) as client:
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(make_file(CHUNKS * CHUNK_SIZE), max_workers=2)
    assert isinstance(caught.value.__cause__, JournalLostError)
    assert (len(sent(emulator)), emulator.count("report")) == (2, 0)


async def test_a_journal_that_hangs_does_not_keep_the_rescue_from_reporting_the_rest(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """Four chunks are noted and reported; the fifth is not, and all ends within the bound."""
    journal = HesitantJournal(hangs_after=6)
    async with client_of(emulator, journal) as client:
        work = asyncio.create_task(
            client.multipart_upload.upload_file(make_file(CHUNKS * CHUNK_SIZE), max_workers=1)
        )
        while journal.appended < 7:
            await clock.sleep(SECONDS)
        began = clock.monotonic()
        assert await cancelled_after(SECONDS, work)
        assert clock.monotonic() - began <= RESCUE_SECONDS
    (upload,) = emulator.platform.uploads.values()
    assert set(upload.reported) == journal.known() == {1, 2, 3, 4}


async def test_a_slow_disk_is_waited_for(emulator: Emulator, tmp_path: Path) -> None:
    """With the journal in files: a cancelled record is written whole, and reported once it is."""
    path, noted = tmp_path / "video.mp4", tmp_path / "journal"
    path.write_bytes(random.Random(1).randbytes(CHUNKS * CHUNK_SIZE))
    syncs = 0

    def sync(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        os.fsync(descriptor)

    for cut in (5, 2, 3, 4):
        journal = FileJournal(noted, disk=Disk(sync=sync))
        syncs = 0
        async with client_of(emulator, journal) as client:
            work = asyncio.create_task(client.multipart_upload.upload_file(path, batch_size=2))
            while syncs < cut and not work.done():
                await asyncio.sleep(0)
            assert await cancelled_after(0, work)
            os.utime(path, ns=(cut, cut))
    async with client_of(emulator, FileJournal(noted)) as client:
        result = await client.multipart_upload.upload_file(path)
    assert emulator.count("create") == 1
    assert await emulator.sha256(result.asset_id) == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_session_known_by_its_id_goes_on_with_a_touched_file(
    emulator: Emulator, make_file: MakeFile
) -> None:
    """The platform has counted chunks before the journal was there: of these the caller knows."""
    path, journal = make_file(CHUNKS * CHUNK_SIZE), MemoryJournal()
    async with AsyncTwelveLabs(emulator.api_key, emulator.base_url) as client:
        emulator.faults.add(Fault(route="put", chunk_index=9, action=REFUSAL))
        with pytest.raises(UploadError) as caught:
            await client.multipart_upload.upload_file(path, batch_size=3, max_workers=1)
        upload_id, headers = caught.value.upload_id, caught.value.upload_headers
        assert upload_id is not None
        resume = partial(client.multipart_upload.resume, upload_id, upload_headers=headers)
        emulator.faults.add(Fault(route="put", chunk_index=20, action=REFUSAL))
        with pytest.raises(UploadError):
            await resume(file_path=path, journal=journal, max_workers=1)
        os.utime(path, ns=(5, 5))
        before = len(sent(emulator))
        result = await resume(file_path=path, journal=journal)
    assert result.resumed_chunks == before
    assert sorted(sent(emulator)) == list(range(1, CHUNKS + 1))
