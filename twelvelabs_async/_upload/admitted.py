"""One upload among others: admitted, opened, and begun again where another call is in its way."""

import math
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

from attrs import define, field

from twelvelabs_async._core.tasks import uninterrupted
from twelvelabs_async._upload.options import SendOptions
from twelvelabs_async._upload.resume.claim import BusyEntries
from twelvelabs_async._upload.resume.lease import Waiting
from twelvelabs_async._upload.runtime import UploadRuntime
from twelvelabs_async._upload.source.content import Content, is_stream, open_content
from twelvelabs_async._upload.source.handles import open_handle
from twelvelabs_async._upload.source.protocol import Source
from twelvelabs_async._upload.source.spool import Spool
from twelvelabs_async._upload.source.streams import Stream
from twelvelabs_async.errors import UploadInProgressError
from twelvelabs_async.journal import Journal

T = TypeVar("T")

Attempt = Callable[[Source | Stream, BusyEntries | None], Awaitable[T]]
"""Sends what was opened; the second argument is None where there is no journal."""


@define(eq=False, repr=False)
class AdmittedUpload:
    """Makes the attempts of one upload; the content is opened once for each.

    A stream that is to be spooled is read once for all attempts, and before its upload is admitted,
    so that a sender that stalls keeps nobody out. Only what turns out to be a stream when it is
    opened, such as a pipe, is read after that.

    Attributes:
        content: What is uploaded.
        options: How.
        journal: Where attempts are written down; None: nowhere.
    """

    runtime: UploadRuntime
    content: Content
    options: SendOptions
    journal: Journal | None
    _spool: Spool | None = field(default=None, init=False)

    async def run(self, attempt: Attempt[T], may_repeat: Callable[[], bool]) -> T:
        """Make attempts until one of them returns.

        Args:
            attempt: Makes one.
            may_repeat: Whether an attempt that failed for want of descriptors had no effect.

        Raises:
            TwelveLabsError: What the last attempt raised.
        """
        async with AsyncExitStack() as held:
            try:
                if self.content.is_spooled and is_stream(self.content):
                    spool = partial(self._spool_stream, held)
                    await self.runtime.sessions.until_closed(spool, "the stream was read")
                return await self._run(attempt, may_repeat)
            finally:
                if self._spool is not None:
                    await uninterrupted(self._spool.close())

    async def _run(self, attempt: Attempt[T], may_repeat: Callable[[], bool]) -> T:
        if self.journal is None:
            return await self.runtime.run(partial(self._open, attempt, None), may_repeat)
        completions = self.runtime.completions
        number = completions.begin()
        seconds = math.inf if self.options.if_busy == "wait" else 0.0
        waiting = Waiting(self.content.label, seconds)
        busy_entries = BusyEntries(waiting, partial(completions.since, number))
        try:
            return await self._while_busy(busy_entries, partial(self._open, attempt), may_repeat)
        finally:
            completions.end(number)

    async def _spool_stream(self, held: AsyncExitStack) -> None:
        await held.enter_async_context(self.runtime.spools.acquire())
        async with open_content(self.content, self.runtime.threads) as source:
            if isinstance(source, Stream):
                self._spool = await Spool.of(source, self.runtime.threads)

    async def _open(self, attempt: Attempt[T], busy_entries: BusyEntries | None) -> T:
        threads = self.runtime.threads
        if self._spool is None:
            async with open_content(self.content, threads) as source:
                if not (isinstance(source, Stream) and self.content.is_spooled):
                    return await attempt(source, busy_entries)
                self._spool = await Spool.of(source, threads)
        # Later attempts begin here: the stream itself was read to its end.
        async with open_handle(self.content.label, self._spool.file, threads) as spooled:
            return await attempt(spooled, busy_entries)

    async def _while_busy(
        self,
        busy_entries: BusyEntries,
        attempt: Callable[[BusyEntries], Awaitable[T]],
        may_repeat: Callable[[], bool],
    ) -> T:
        """Make attempts, each once no other call does the same upload.

        An upload that is admitted never waits for another one, and so ends. The others wait outside
        without a file or a lease, and then queue again: there is no order of waits that hangs.
        """
        runtime, first_in = self.runtime, None
        async with AsyncExitStack() as line:
            while True:
                try:
                    return await runtime.run(partial(attempt, busy_entries), may_repeat)
                except UploadInProgressError as error:
                    pause, key = busy_entries.pause(error), error.key
                if busy_entries.file_known and first_in != key:
                    await line.aclose()
                    await line.enter_async_context(runtime.first_in_line((id(self.journal), key)))
                    first_in = key
                else:
                    await runtime.sessions.pause(pause)
