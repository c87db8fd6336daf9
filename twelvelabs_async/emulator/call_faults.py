"""The named faults of an upload's control calls: refusals, lost answers, sessions that end.

A fault that names several routes happens at one of them at a time.
"""

from datetime import timedelta

from twelvelabs_async.emulator.answer_faults import CALLS, CONTENTS, MIDWAY, URLS
from twelvelabs_async.emulator.faults import Answer, Cut, EndSession, Stall, api_error
from twelvelabs_async.emulator.named_faults import NamedFault

REPEATED = "the call is repeated, after a pause with full jitter"
LOST = "the call is repeated, at once if the connection was an old one, else after a pause"
OBEYED = "no control call is sent during the pause; then this one is repeated"
ENDS = "the upload ends, with the platform's own words"

_FAILED = api_error(500, "internal_server_error", "Something went wrong.")
_REFUSED = api_error(400, "parameter_invalid", "The parameter is invalid.")
_KEY = api_error(401, "api_key_invalid", "The API key is missing or invalid.")
_GATEWAY = Answer(502, body="<html>Bad Gateway</html>", content_type="text/html")


def _limited(retry_after: str | timedelta) -> Answer:
    message = "You have exceeded the rate limit."
    return api_error(429, "too_many_requests", message, {"Retry-After": retry_after})


ANSWERS = (
    NamedFault(
        "rate-limited", "429 with `Retry-After` in seconds", OBEYED, CALLS, _limited("2"), seconds=8
    ),
    NamedFault(
        "rate-limited-until",
        "429 with `Retry-After` as a date",
        OBEYED,
        CALLS,
        _limited(timedelta(seconds=3)),
        seconds=8,
    ),
    NamedFault(
        "rate-limited-for-long",
        "429 that asks for an hour",
        "more than two minutes are not waited: the upload ends, and says when to try again",
        CALLS,
        _limited("3600"),
        times=None,
        causes=("TooManyRequestsError",),
    ),
    NamedFault("server-error", "500", REPEATED, CALLS, _FAILED),
    NamedFault("bad-gateway", "502, with a proxy's HTML", REPEATED, CALLS, _GATEWAY),
    NamedFault(
        "server-down",
        "500 to every call",
        "it is repeated, `max_retries` times, then the upload ends",
        CALLS,
        _FAILED,
        times=None,
        causes=("InternalServerError",),
        seconds=15,
        requests=10,
    ),
    NamedFault(
        "call-refused", "400", ENDS, CALLS, _REFUSED, times=None, causes=("BadRequestError",)
    ),
    NamedFault("key-refused", "401", ENDS, CALLS, _KEY, times=None, causes=("UnauthorizedError",)),
)
CONNECTIONS = (
    NamedFault("call-reset", "a connection is reset", LOST, CALLS, Cut("before")),
    NamedFault(
        "answer-lost",
        "the answer is lost after the call took effect",
        f"{LOST}; of two sessions, one ends by itself",
        CALLS,
        Cut("after"),
    ),
    NamedFault(
        "call-stall",
        "no answer comes",
        "the call is repeated, after `timeout`",
        CALLS,
        Stall(),
        seconds=80,
    ),
    NamedFault(
        "no-network",
        "every connection is reset",
        "the call is repeated; once a chunk was stored, for `outage_timeout`",
        CALLS,
        Cut(),
        times=None,
        causes=("ApiConnectionError",),
        seconds=160,
        requests=300,
    ),
)
SESSIONS = (
    NamedFault(
        "session-expired",
        "the session expires midway",
        ENDS,
        MIDWAY,
        EndSession("expired"),
        causes=("BadRequestError",),
    ),
    NamedFault(
        "session-failed",
        "the session fails midway",
        ENDS,
        MIDWAY,
        EndSession("failed"),
        causes=("BadRequestError",),
    ),
    NamedFault(
        "session-gone",
        "the session is deleted midway",
        f"{ENDS}, or the store's",
        MIDWAY,
        EndSession("gone"),
        causes=("NotFoundError", "StorageError"),
    ),
)
CALL_FAULTS = (*ANSWERS, *CONNECTIONS, *CONTENTS, *URLS, *SESSIONS)
