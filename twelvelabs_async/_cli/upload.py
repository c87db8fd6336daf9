"""``upload``: a few files at a time, each reported when it has ended."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from twelvelabs_async import AsyncTwelveLabs, Journal, TwelveLabsError
from twelvelabs_async._cli.arguments import UploadArguments
from twelvelabs_async._cli.bars import Bars
from twelvelabs_async._cli.client_from_environment import platform
from twelvelabs_async._cli.interrupts import Interrupts
from twelvelabs_async._cli.jobs import run_jobs
from twelvelabs_async._cli.log_display import notices
from twelvelabs_async._cli.outcomes import DONE, FAILED, INTERRUPTED, Arrived, Outcome
from twelvelabs_async._cli.output import print_error
from twelvelabs_async._cli.own_journal import OwnJournal
from twelvelabs_async._cli.upload_one import Carrier, Surroundings
from twelvelabs_async._cli.upload_views import print_emulated, print_interruption, print_outcome
from twelvelabs_async._core.threads import Threads
from twelvelabs_async.emulator import Emulator

FILES_AT_ONCE = 4
CHUNKS_TO_SEE = 20
SMALLEST_CHUNK = 64 * 1024
LARGEST_CHUNK = 16 * 1024 * 1024


async def upload(arguments: UploadArguments, interrupts: Interrupts) -> int:
    """Upload the files, print what became of each, and return the exit code.

    Raises:
        ConfigurationError: The client cannot be made with these settings.
        OutputGoneError: The output cannot be written; what was under way has ended.
    """
    async with AsyncExitStack() as stack:
        emulator = Emulator(chunk_size=_chunk_size(arguments.files)) if arguments.emulated else None
        if emulator is not None:
            try:
                await stack.enter_async_context(emulator)
            except OSError as error:
                print_error(f"error: cannot start the emulator: {error.strerror or error}")
                return FAILED
        client = await stack.enter_async_context(_client(arguments, emulator))
        outcomes = await _all(arguments, client, emulator, interrupts)
    return _end(arguments, outcomes)


def _end(arguments: UploadArguments, outcomes: Sequence[Outcome]) -> int:
    exit_code = max((outcome.exit_code for outcome in outcomes), default=DONE)
    if exit_code == INTERRUPTED:
        print_interruption(arguments, outcomes)
    elif arguments.emulated and any(isinstance(outcome, Arrived) for outcome in outcomes):
        print_emulated(as_json=arguments.as_json)
    return exit_code


def _client(arguments: UploadArguments, emulator: Emulator | None) -> AsyncTwelveLabs:
    puts = arguments.concurrency * min(FILES_AT_ONCE, len(arguments.sources))
    if emulator is not None:  # with a key and a way of its own: nothing of the environment
        return AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=puts)
    return platform(arguments.base_url, puts)


async def _all(
    arguments: UploadArguments,
    client: AsyncTwelveLabs,
    emulator: Emulator | None,
    interrupts: Interrupts,
) -> Sequence[Outcome]:
    """Upload every file, and print what became of each as it ends."""
    slots = asyncio.Semaphore(FILES_AT_ONCE)
    with Bars() as bars, notices(bars):
        journal = OwnJournal(bars)
        if arguments.journaled:
            journal.open()

        async def report(outcome: Outcome) -> None:
            with bars.aside():
                print_outcome(outcome, as_json=arguments.as_json)
            await _forget(client, journal.for_upload(), outcome)

        around = Surroundings(client, emulator, bars, slots, journal, Threads())
        carriers = [Carrier(arguments, source, around) for source in arguments.sources]
        return await run_jobs(carriers, interrupts, report)


async def _forget(client: AsyncTwelveLabs, journal: Journal | None, outcome: Outcome) -> None:
    """Forget a result that was printed; after an interruption the same command goes on with it."""
    if outcome.result is None or outcome.exit_code == INTERRUPTED:
        return
    try:
        await client.multipart_upload.forget(outcome.result, journal=journal)
    except TwelveLabsError as error:
        print_error(f"warning: the same command will give the same asset again: {error}")


def _chunk_size(files: Sequence[str]) -> int:
    """Return bytes of a chunk of the embedded emulator: a small file goes in several, too."""
    largest = 0
    for path in files:
        with suppress(OSError, ValueError):  # what cannot be seen is reported when its turn comes
            largest = max(largest, Path(path).stat().st_size)
    return min(max(largest // CHUNKS_TO_SEE, SMALLEST_CHUNK), LARGEST_CHUNK)
