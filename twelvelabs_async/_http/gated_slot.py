"""A slot for one request, held from a moment when the rate gate is open."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from attrs import define

from twelvelabs_async._core import clock
from twelvelabs_async._http.rate_gate import RateGate
from twelvelabs_async._http.sessions import HttpSessions


@define(eq=False, repr=False)
class GatedSlot:
    """The ``async with`` block of ``Transport.gated_slot``; a generator would cost more.

    Attributes:
        _gate: The gate; None: the request does not wait at it.
        _slot: Returns what bounds the requests under way.
        _seen_refusals: The gate's ``refusals`` when the request's first attempt began.
        _held: The slot, during the block.
    """

    _sessions: HttpSessions
    _gate: RateGate | None
    _slot: Callable[[], AbstractAsyncContextManager[object]]
    _seen_refusals: int
    _held: AbstractAsyncContextManager[object] | None = None

    async def __aenter__(self) -> None:
        while self._held is None:
            await self._wait_at_gate()
            slot = self._slot()
            await slot.__aenter__()
            try:
                if self._may_send():
                    self._held = slot
            finally:
                if self._held is None:
                    await slot.__aexit__(None, None, None)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._held is not None  # noqa: S101 - __aenter__ has set it
        await self._held.__aexit__(kind, error, trace)

    async def _wait_at_gate(self) -> None:
        gate = self._gate
        if gate is not None and _is_closed(gate):
            await self._sessions.until_closed(
                lambda: gate.wait(self._seen_refusals), "the platform took requests again"
            )

    def _may_send(self) -> bool:
        """Whether the gate is still open now that there is a slot.

        Raises:
            TooManyRequestsError: The platform has asked for a longer pause than is ever waited.
        """
        if self._gate is None or not self._gate.was_closed:
            return True
        self._gate.check(self._seen_refusals, clock.monotonic())
        return not _is_closed(self._gate)


def _is_closed(gate: RateGate) -> bool:
    return gate.was_closed and gate.closed_for(clock.monotonic()) > 0
