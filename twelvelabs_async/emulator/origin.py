"""What both origins have in common: requests under way, their faults, the log, an end.

A request becomes an ``ActiveRequest``, and an entry of the log when it is over. A connection that
ends, by either side, cancels its handler; closing the emulator ends every connection.
"""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import ClassVar

from aiohttp import web
from attrs import Factory, define

from twelvelabs_async.emulator.answers import http_date
from twelvelabs_async.emulator.exchanges import Exchange, ExchangeLog, OriginName
from twelvelabs_async.emulator.faults import Action, Answer, Cut, Faults, Stall, When
from twelvelabs_async.emulator.platform import Platform

MAX_JSON = 64 * 2**20

Handler = Callable[[], Awaitable[web.StreamResponse]]


@define(eq=False)
class ActiveRequest:
    """A request under way, and what the log will say about it."""

    request: web.Request
    arrival: int
    connection: int
    route: str = "unknown"
    upload_id: str | None = None
    chunk_index: int | None = None
    received: int = 0
    skew: timedelta = timedelta(0)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers as received."""
        raw = self.request.raw_headers
        return tuple((n.decode("latin-1"), v.decode("utf-8", "replace")) for n, v in raw)

    @property
    def length(self) -> int:
        """Return the announced size of the body in bytes; 0 when none is announced."""
        return self.request.content_length or 0

    async def skip(self, size: int) -> None:
        """Read ``size`` bytes of the body and drop them; fewer when it ends."""
        while self.received < size and (
            piece := await self.request.content.read(size - self.received)
        ):
            self.received += len(piece)

    async def read(self) -> bytes:
        """Read the whole body, of a JSON request."""
        body = await self.request.read()
        self.received = len(body)
        return body


def scripted(answer: Answer, now: datetime) -> web.Response:
    """Build the response that a fault gives instead of the real one."""
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    headers = {"Content-Type": answer.content_type}
    for name, value in answer.headers.items():
        headers[name] = http_date(now + value) if isinstance(value, timedelta) else value
    return web.Response(status=answer.status, body=body, headers=headers)


async def hold() -> None:
    """Wait until the client goes away or the emulator closes: either cancels the handler."""
    await asyncio.get_running_loop().create_future()


@define(eq=False, kw_only=True)
class Origin(ABC):
    """What both origins have in common: connections, faults, the log, an end."""

    name: ClassVar[OriginName]
    read_buffer: ClassVar[int] = 2**20
    """Bytes; a connection buffers about twice as much."""

    platform: Platform
    faults: Faults
    log: ExchangeLog
    tasks: set[asyncio.Task[object]] = Factory(set["asyncio.Task[object]"])
    numbers: dict[web.RequestHandler, int] = Factory(dict[web.RequestHandler, int])

    def application(self) -> web.Application:
        """Build the application; every request goes to ``handle``."""
        app = web.Application(client_max_size=MAX_JSON)
        app.router.add_route("*", r"/{tail:[\s\S]*}", self.handle)
        app.on_response_prepare.append(self.stamp)
        return app

    @abstractmethod
    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put the origin's own headers on an answer, also on one of aiohttp's."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the origin's own time."""

    @abstractmethod
    async def answer(self, active: ActiveRequest) -> web.StreamResponse:
        """Answer a request."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request and log it when it is over."""
        active = ActiveRequest(request, self.log.arrive(), self._connection(request))
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: handlers run in tasks
        self.tasks.add(task)
        status = None
        try:
            response = await self.answer(active)
            status = response.status
            if not response.prepared:
                response.headers.setdefault("Date", self.date(active))
        except ConnectionError:  # the body broke off; the cancellation is on its way
            await hold()
            raise
        finally:
            self.tasks.discard(task)
            self._record(active, status)
        return response

    async def apply_fault(
        self, active: ActiveRequest, action: Action | None, handler: Handler
    ) -> web.StreamResponse:
        """Let a fault happen around ``handler``, which does what the request asks for."""
        await self._interrupt(active, action, "before")
        if isinstance(action, Cut | Stall | Answer) and action.when == "middle":
            await active.skip(active.length // 2)
            await self._interrupt(active, action, "middle")
        if isinstance(action, Answer):
            if action.when == "after":
                await active.skip(sys.maxsize)
            return scripted(action, self.now() + active.skew)
        response = await handler()
        await self._interrupt(active, action, "after")
        return response

    def date(self, active: ActiveRequest) -> str:
        """Return the origin's time for the header ``Date`` of the answer to ``active``."""
        return http_date(self.now() + active.skew)

    async def ended(self) -> None:
        """Wait until the handlers of connections that were just cut have cleaned up."""
        if self.tasks:
            await asyncio.wait(set(self.tasks))

    async def _interrupt(self, active: ActiveRequest, action: Action | None, when: When) -> None:
        if not isinstance(action, Cut | Stall) or action.when != when:
            return
        if isinstance(action, Cut) and active.request.transport is not None:
            active.request.transport.abort()
        await hold()

    def _connection(self, request: web.Request) -> int:
        protocol = request.protocol
        if protocol not in self.numbers:
            self.numbers = {p: n for p, n in self.numbers.items() if p.connected}
            self.numbers[protocol] = self.log.connect(self.name)
        return self.numbers[protocol]

    def _record(self, active: ActiveRequest, status: int | None) -> None:
        self.log.add(
            Exchange(
                origin=self.name,
                method=active.request.method,
                path=active.request.raw_path,
                route=active.route,
                status=status,
                connection=active.connection,
                headers=active.headers,
                received=active.received,
                upload_id=active.upload_id,
                chunk_index=active.chunk_index,
                arrival=active.arrival,
            )
        )
