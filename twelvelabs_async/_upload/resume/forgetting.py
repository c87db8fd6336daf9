"""Forget a result that a journal keeps."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress

from twelvelabs_async._upload.resume.lease import Waiting, hold_lease, journal_errors
from twelvelabs_async._upload.resume.records import dead_record, parse_records_in_turns
from twelvelabs_async.errors import JournalError, UploadInProgressError
from twelvelabs_async.journal import Journal

FORGET_SECONDS = 60.0
"""Seconds to wait for an entry that is to be forgotten, and that another call has."""

_BUSY = "the result of %s cannot be forgotten yet, for %s is at work on the same upload (%s)"
_PATIENCE = "forget() waits for a minute"


async def forget_result(
    journal: Journal, key: str, upload_id: str, pause: Callable[[float], Awaitable[None]]
) -> None:
    """Forget what an upload left in an entry; nothing happens where that is gone already.

    A record is left that says nothing: an empty entry would hide the numbered ones behind it.

    Raises:
        UploadInProgressError: Somebody else had the entry for a minute, and has it still.
        JournalError: The journal cannot be read or written.
    """
    with journal_errors():
        records = await journal.read(key)
    if not await _is_of(upload_id, records):
        return
    waiting = Waiting(f"upload {upload_id}", FORGET_SECONDS, _BUSY, _PATIENCE, None)
    async with AsyncExitStack() as stack:
        try:
            lease = await stack.enter_async_context(
                hold_lease(journal, key, waiting=waiting, pause=pause)
            )
        except UploadInProgressError as error:
            raise UploadInProgressError(error.key, error.holder, advice=_PATIENCE) from None
        if await _is_of(upload_id, await lease.read()):
            await lease.clear()
            with suppress(JournalError):  # it is forgotten all the same
                await lease.append(dead_record())


async def _is_of(upload_id: str, records: Sequence[bytes]) -> bool:
    previous = await parse_records_in_turns(records)
    return previous is not None and previous.session.upload_id == upload_id
