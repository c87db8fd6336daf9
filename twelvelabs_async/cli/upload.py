"""``upload``: a few files at a time, each told of when it has ended, none in the others' way."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from attrs import define, evolve, frozen

from twelvelabs_async import (
    AsyncTwelveLabs,
    CreateAssetUploadRequestType,
    InvalidArgumentError,
    TwelveLabsError,
    UploadError,
    UploadProgress,
    clock,
)
from twelvelabs_async.cli.access import check_key, platform
from twelvelabs_async.cli.bars import Bar, Bars
from twelvelabs_async.cli.checking import CheckFailedError, check_served
from twelvelabs_async.cli.errands import run_errands
from twelvelabs_async.cli.interrupts import Interrupts
from twelvelabs_async.cli.notices import notices
from twelvelabs_async.cli.outcomes import (
    DONE,
    FAILED,
    INTERRUPTED,
    WRONG_USAGE,
    Arrived,
    Failed,
    Outcome,
    WrongUsageError,
)
from twelvelabs_async.cli.telling import (
    plain,
    tell_emulated,
    tell_error,
    tell_interruption,
    tell_outcome,
)
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.resources.file_upload import refuse_unusable
from twelvelabs_async.upload.job import checked_name, checked_path, checked_type

FILES_AT_ONCE = 4
CHUNKS_TO_SEE = 20
SMALLEST_CHUNK = 64 * 1024
LARGEST_CHUNK = 16 * 1024 * 1024

_OPTIONS = {"file_type=": "--type", "filename=": "--filename", "file_path": "FILE"}
"""What the library calls its arguments, and what they are called here."""


@frozen(kw_only=True)
class Order:
    """What the user asked for; see the command's own help."""

    files: Sequence[str]
    file_type: CreateAssetUploadRequestType | None
    filename: str | None
    concurrency: int
    base_url: str | None
    emulated: bool
    as_json: bool

    def __attrs_post_init__(self) -> None:
        if self.filename is not None and len(self.files) > 1:
            raise WrongUsageError(f"--filename is for one FILE, not {len(self.files)}")
        if self.emulated and self.base_url is not None:
            raise WrongUsageError("--emulator has its own base URL: leave out --base-url")
        if not self.emulated:
            check_key(otherwise=", or try --emulator")


async def upload(order: Order, interrupts: Interrupts) -> int:
    """Upload the files, tell of each, and return the exit code.

    Raises:
        ConfigurationError: The client cannot be made with these settings.
        OutputGoneError: Nobody can be told; what was under way has ended.
    """
    async with AsyncExitStack() as stack:
        emulator = Emulator(chunk_size=_chunk_size(order.files)) if order.emulated else None
        if emulator is not None:
            try:
                await stack.enter_async_context(emulator)
            except OSError as error:
                tell_error(f"error: cannot start the emulator: {error.strerror or error}")
                return FAILED
        client = await stack.enter_async_context(_client(order, emulator))
        outcomes = await _all(order, client, interrupts)
    return _end(order, outcomes)


def _end(order: Order, outcomes: Sequence[Outcome]) -> int:
    exit_code = max((outcome.exit_code for outcome in outcomes), default=DONE)
    if exit_code == INTERRUPTED:
        tell_interruption(outcomes, emulated=order.emulated)
    elif order.emulated and any(isinstance(outcome, Arrived) for outcome in outcomes):
        tell_emulated(as_json=order.as_json)
    return exit_code


def _client(order: Order, emulator: Emulator | None) -> AsyncTwelveLabs:
    puts = order.concurrency * min(FILES_AT_ONCE, len(order.files))
    if emulator is not None:  # with a key and a way of its own: nothing of the environment
        return AsyncTwelveLabs(emulator.api_key, emulator.base_url, max_concurrency=puts)
    return platform(order.base_url, puts)


async def _all(order: Order, client: AsyncTwelveLabs, interrupts: Interrupts) -> Sequence[Outcome]:
    """Carry every file, and tell of each as it ends."""
    slots = asyncio.Semaphore(FILES_AT_ONCE)
    with Bars() as bars, notices(bars):

        def told(outcome: Outcome) -> None:
            with bars.aside():
                tell_outcome(outcome, as_json=order.as_json)

        carriers = [Carrier(order, path, client, bars, slots) for path in order.files]
        return await run_errands(carriers, interrupts, told)


@define(eq=False)
class Carrier:
    """Carries one file to its outcome; used once."""

    _order: Order
    _path: str
    _client: AsyncTwelveLabs
    _bars: Bars
    _slots: asyncio.Semaphore
    _upload_id: str | None = None

    async def run(self) -> Outcome:
        """Look at the file at once, upload it when its turn comes, and say what became of it."""
        try:
            await self._look()
            async with self._slots:
                with self._bars.bar(plain(Path(self._path).name)) as bar:
                    return await self._carried(bar)
        except InvalidArgumentError as error:
            return self._failed(_in_options(str(error)), WRONG_USAGE)
        except UploadError as error:
            return Failed(self._path, str(error), error.upload_id)
        except TwelveLabsError as error:
            return self._failed(str(error))
        except CheckFailedError as error:
            return Failed(self._path, f"{self._path} was uploaded, but {error}", self._upload_id)

    async def _look(self) -> None:
        """Refuse a file as its upload would, but before others have had their turn."""
        if not self._path:
            raise InvalidArgumentError("FILE is an empty string (is the variable set?)")
        path = checked_path(self._path)
        await refuse_unusable(path)
        checked_type(checked_name(path, self._order.filename), self._order.file_type)

    async def _carried(self, bar: Bar) -> Outcome:
        arrived = await self._arrived(bar)
        return await self._checked(arrived, bar) if self._order.emulated else arrived

    def _failed(self, problem: str, exit_code: int = FAILED) -> Failed:
        sentence = f"{self._path or repr(self._path)} was not uploaded: {problem}"
        return Failed(self._path, sentence, self._upload_id, exit_code)

    def interrupted(self) -> Failed:
        """Return the outcome of a file that was on its way, or waited, when the user had enough."""
        return Failed(self._path, "interrupted", self._upload_id, INTERRUPTED)

    async def _arrived(self, bar: Bar) -> Arrived:
        def move(progress: UploadProgress) -> None:
            self._upload_id = progress.upload_id
            bar.move(progress.uploaded_bytes, progress.total_bytes)

        began = clock.monotonic()
        result = await self._client.multipart_upload.upload_file(
            self._path,
            filename=self._order.filename,
            file_type=self._order.file_type,
            max_workers=self._order.concurrency,
            progress_callback=move,
        )
        return Arrived(self._path, result, clock.monotonic() - began)

    async def _checked(self, arrived: Arrived, bar: Bar) -> Arrived:
        bar.begin_again(f"checking {plain(Path(self._path).name)}")
        sha256 = await check_served(self._path, arrived.result.asset_url, bar.advance)
        return evolve(arrived, sha256=sha256)


def _chunk_size(files: Sequence[str]) -> int:
    """Return bytes of a chunk of the embedded emulator: a small file goes in several, too."""
    largest = 0
    for path in files:
        with suppress(OSError, ValueError):  # what cannot be seen is told of when its turn comes
            largest = max(largest, Path(path).stat().st_size)
    return min(max(largest // CHUNKS_TO_SEE, SMALLEST_CHUNK), LARGEST_CHUNK)


def _in_options(text: str) -> str:
    for theirs, ours in _OPTIONS.items():
        text = text.replace(theirs, ours)
    return text
