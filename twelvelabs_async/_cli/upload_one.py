"""One file on its way to the platform: looked at, sent, compared, waited for."""

import asyncio
import shlex
import sys
from pathlib import Path

from attrs import define, evolve, frozen

from twelvelabs_async import (
    ApiConnectionError,
    AsyncTwelveLabs,
    InternalServerError,
    InvalidArgumentError,
    InvalidResponseError,
    OutcomeUnknownError,
    TwelveLabsError,
    UploadedAsset,
    UploadError,
    UploadProgress,
)
from twelvelabs_async._cli.arguments import UploadArguments
from twelvelabs_async._cli.bars import Bar, Bars
from twelvelabs_async._cli.flags import in_flags
from twelvelabs_async._cli.outcomes import (
    FAILED,
    INTERRUPTED,
    WRONG_USAGE,
    Arrived,
    Failed,
    GivenSource,
    Outcome,
)
from twelvelabs_async._cli.output import plain
from twelvelabs_async._cli.own_journal import OptionalJournal, OwnJournal
from twelvelabs_async._cli.readiness import Wait
from twelvelabs_async._cli.verify_served import CheckFailedError, check_served
from twelvelabs_async._core import clock
from twelvelabs_async._core.threads import Threads
from twelvelabs_async._upload.options import UploadCall
from twelvelabs_async._upload.routed import check_file
from twelvelabs_async._upload.source.content import File
from twelvelabs_async.emulator import Emulator

_UNANSWERED = (ApiConnectionError, InternalServerError, InvalidResponseError)
"""What leaves open whether the platform has opened a session."""


@frozen
class Surroundings:
    """What all carriers of a command share.

    Attributes:
        emulator: The embedded one; None: a real platform. With one, assets are compared.
        slots: Bounds the files that are sent at once; waiting takes none.
        journal: Where it is noted what is sent in chunks.
        threads: Where files are looked at, and compared with what came back.
    """

    client: AsyncTwelveLabs
    emulator: Emulator | None
    bars: Bars
    slots: asyncio.Semaphore
    journal: OwnJournal
    threads: Threads


@define(eq=False)
class Carrier:
    """Carries one file to its outcome; used once."""

    _arguments: UploadArguments
    _source: GivenSource
    _around: Surroundings
    _upload_id: str | None = None
    _arrived: Arrived | None = None
    _asked: bool = False  # for the asset, in one request
    _begun: bool = False  # the upload of a FILE
    _all_stored: bool = False
    _journal: OptionalJournal | None = None

    async def run(self) -> Outcome:
        """Look at the file at once, upload it when its turn comes, and say what became of it."""
        try:
            await self._look()
            async with self._around.slots:
                arrived = await self._carried()
            wait = self._arguments.wait
            return arrived if wait is None else await self._waited(arrived, wait)
        except (TwelveLabsError, CheckFailedError) as error:
            return self._failed(error)

    def interrupted(self) -> Failed:
        """Return the outcome of a file that had not ended when the user interrupted the command."""
        unclear = (self._asked or self._all_stored) and self._arrived is None
        failure = self._failure("interrupted", INTERRUPTED)
        return evolve(failure, unclear=unclear, opening=self._may_have_opened())

    def _may_have_opened(self) -> bool:
        """Return whether the platform may have opened a session whose id never reached us."""
        waited = self._journal is not None and not self._journal.taken
        return self._begun and not waited and self._upload_id is None

    # What can go wrong.

    def _failed(self, error: Exception) -> Failed:
        name = self._source.name or repr(self._source.name)
        cause = error.original_error if isinstance(error, UploadError) else error
        if isinstance(cause, OutcomeUnknownError):
            return self._failure(
                f"{name} may or may not have been uploaded: {cause.original_error}; before you "
                f"send it again, look: {_look_for(cause.filename)}"
            )
        if isinstance(error, UploadError):
            self._upload_id = error.upload_id
            unanswered = isinstance(error.original_error, _UNANSWERED)
            opening = unanswered and error.upload_id is None and not self._asked
            return evolve(self._failure(in_flags(error)), opening=opening)
        if self._arrived is not None:
            return self._failure(f"{name} was uploaded, but {error}")
        if isinstance(error, InvalidArgumentError):
            return self._failure(f"{name} was not uploaded: {in_flags(error)}", WRONG_USAGE)
        return self._failure(f"{name} was not uploaded: {error}")

    def _failure(self, error: str, exit_code: int = FAILED) -> Failed:
        arrived = self._arrived
        return Failed(
            self._source,
            error,
            self._upload_id,
            exit_code,
            asset_id=None if arrived is None else arrived.asset_id,
            noted=self._journal is not None and not self._journal.failed,
            result=None if arrived is None else arrived.result,
        )

    # The way.

    async def _look(self) -> None:
        """Refuse a file as its upload would, but before others have had their turn."""
        kind, name = self._source.kind, self._source.name
        if not name:
            argument = "source" if kind == "path" else "url"
            problem = "is an empty string (is the variable set?)"
            raise InvalidArgumentError(problem, argument=argument)
        if kind == "path":
            if name.startswith(("http://", "https://")):
                raise InvalidArgumentError("it is a URL: pass it with --url")
            call = UploadCall(self._content(), **self._arguments.options)
            await check_file(call, self._around.threads)

    def _content(self) -> File:
        """Return what is read.

        Raises:
            InvalidArgumentError: It is standard input, which is closed.
        """
        if not self._source.is_stdin:
            return self._source.name
        stdin = getattr(sys.stdin, "buffer", None)  # a shell may close it, a notebook replaces it
        if stdin is None:
            raise InvalidArgumentError("is standard input, which is closed", argument="source")
        return (self._arguments.filename, stdin)

    async def _carried(self) -> Arrived:
        with self._around.bars.bar(plain(Path(self._source.name).name)) as bar:
            arrived = self._arrived = await self._sent(bar)
            url = self._served(arrived)
            return arrived if url is None else await self._checked(arrived, url, bar)

    async def _sent(self, bar: Bar) -> Arrived:
        began = clock.monotonic()
        asset = await (self._fetched() if self._source.kind == "url" else self._uploaded(bar))
        seconds, result = clock.monotonic() - began, asset.result
        # After chunks, the platform has not been asked for the asset.
        said = asset if result is None else None
        return Arrived(self._source, asset.id, seconds, result, asset=said)

    async def _uploaded(self, bar: Bar) -> UploadedAsset:
        def move(progress: UploadProgress) -> None:
            self._asked = progress.upload_id is None
            self._upload_id = progress.upload_id
            self._all_stored = progress.stored_chunks == progress.total_chunks
            bar.move(progress.uploaded_bytes, progress.total_bytes)

        if not self._source.is_stdin:  # nothing of it can be read again
            self._journal = self._around.journal.for_upload()
        self._begun = True
        return await self._around.client.upload(
            self._content(),
            journal=self._journal,
            progress_callback=move,
            **self._arguments.options,
        )

    async def _fetched(self) -> UploadedAsset:
        """Have the platform fetch a --url."""
        self._asked = True
        with self._around.bars.spinner(f"sending {plain(self._source.name)}"):
            asset = await self._around.client.assets.create(
                method="url", url=self._source.name, **self._arguments.creation
            )
        return UploadedAsset.of(asset, None)

    def _served(self, arrived: Arrived) -> str | None:
        """Return the URL at which the emulator serves a FILE; None: there is nothing to compare."""
        emulator = self._around.emulator
        if emulator is None or self._source.kind == "url" or self._source.is_stdin:
            return None
        if arrived.result is not None and arrived.result.asset_url is not None:
            return arrived.result.asset_url
        return emulator.platform.asset_url(emulator.platform.assets[arrived.asset_id])

    async def _checked(self, arrived: Arrived, url: str, bar: Bar) -> Arrived:
        bar.begin_again(f"checking {plain(Path(self._source.name).name)}")
        sha256 = await check_served(self._source.name, url, bar.advance, self._around.threads)
        return evolve(arrived, sha256=sha256)

    async def _waited(self, arrived: Arrived, wait: Wait) -> Arrived:
        with self._around.bars.spinner(f"waiting for {plain(Path(self._source.name).name)}"):
            asset = await wait.run(self._around.client, arrived.asset_id)
        return evolve(arrived, asset=asset)


def _look_for(filename: str | None) -> str:
    """Return the command that finds an asset of which nobody knows whether it is there."""
    wanted = [] if filename is None else ["--filename", filename]
    return shlex.join(["twelvelabs-async", "assets", "list", *wanted])
