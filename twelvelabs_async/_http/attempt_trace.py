"""Follow the connections of a user's connector, which our own code does not make."""

from collections.abc import Callable
from typing import Any

import aiohttp

from twelvelabs_async._http.attempt import Attempt, current_attempt


def attempt_trace() -> aiohttp.TraceConfig:
    """Return a trace for aiohttp that notes each step of connecting in the current attempt.

    Our own connector does this itself; a user's connector needs the trace. Requests that a user
    sends over the same session have no attempt, and are not noted.
    """

    def noting(note: Callable[[Attempt, Any], None]) -> Any:
        async def listen(_session: object, _context: object, params: Any) -> None:
            attempt = current_attempt()
            if attempt is not None:
                note(attempt, params)

        return listen

    trace = aiohttp.TraceConfig()
    trace.on_connection_queued_start.append(noting(lambda attempt, _: attempt.note_queued()))
    trace.on_connection_queued_end.append(noting(lambda attempt, _: attempt.note_connecting()))
    trace.on_connection_create_start.append(noting(lambda attempt, _: attempt.note_connecting()))
    trace.on_dns_resolvehost_start.append(
        noting(lambda attempt, of: attempt.note_resolving(of.host))
    )
    trace.on_dns_resolvehost_end.append(noting(lambda attempt, _: attempt.note_connecting()))
    trace.on_connection_create_end.append(
        noting(lambda attempt, _: attempt.note_connected(reused=False))
    )
    trace.on_connection_reuseconn.append(
        noting(lambda attempt, _: attempt.note_connected(reused=True))
    )
    trace.freeze()
    return trace
