"""What may happen to the control calls of an upload.

An incident of several routes happens to one of them at a time; the last two, ``status`` and
``asset``, are asked only where reports leave something open.
"""

from datetime import timedelta

from twelvelabs_async.emulator.faults import (
    Answer,
    Cut,
    EndSession,
    Payload,
    Rewrite,
    Skew,
    Stall,
    api_error,
)
from twelvelabs_async.emulator.named_faults import (
    NamedFault,
    added,
    all_null,
    answered,
    lagging,
    meddled,
    mute,
    pending,
    urls,
)

CALLS = ("create", "presigned_urls", "report")
GIVING = ("create", "presigned_urls")
MIDWAY = ("presigned_urls", "report")

REPEATED = "the call is repeated, after a pause with full jitter"
LOST = "the call is repeated, at once if the connection was an old one, else after a pause"
OBEYED = "no control call is sent before it may be; then this one is repeated"
ENDS = "the upload ends, with the platform's own words"
UNREADABLE = (
    "the call is repeated where it makes nothing twice (not `create`), then the upload ends, "
    "and says what is not as documented"
)
READ_LATER = "the call is repeated, which makes nothing twice"
ASKED_AGAIN = "what is missing is asked for when it is needed"
NOTHING = "nothing"

_HTML = "<html><body>Welcome to the network of this hotel</body></html>"
_FAILED = api_error(500, "internal_server_error", "Something went wrong.")
_REFUSED = api_error(400, "parameter_invalid", "The parameter is invalid.")
_KEY = api_error(401, "api_key_invalid", "The API key is missing or invalid.")
_GATEWAY = Answer(502, body="<html>Bad Gateway</html>", content_type="text/html")
_HALF = '{"upload_id": "12'
_HOURS = timedelta(hours=3)


def _without_required(payload: Payload) -> Payload:
    return {**dict.fromkeys(payload), "upload_urls": [{"url": None}]}


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
        "more than two minutes are not waited: the upload ends, and says when to come back",
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
        "the call is repeated; once a chunk has made it, for `outage_timeout`",
        CALLS,
        Cut(),
        times=None,
        causes=("ApiConnectionError",),
        seconds=160,
        requests=300,
    ),
)
CONTENTS = (
    NamedFault(
        "html",
        "200, with HTML",
        UNREADABLE,
        CALLS,
        answered(_HTML),
        times=None,
        causes=("InvalidResponseError",),
        seconds=15,
        requests=10,
    ),
    NamedFault(
        "broken-json",
        "200, with half of a JSON text",
        UNREADABLE,
        CALLS,
        answered(_HALF),
        times=None,
        causes=("InvalidResponseError",),
        seconds=15,
        requests=10,
    ),
    NamedFault(
        "nulls",
        "null for everything that may be missing",
        ASKED_AGAIN,
        CALLS,
        all_null(
            "upload_urls",
            "expires_at",
            "generated_at",
            "start_index",
            "count",
            "url",
            "processed_chunks",
            "duplicate_chunks",
        ),
    ),
    NamedFault(
        "null-required",
        "null for what may not be missing",
        UNREADABLE,
        CALLS,
        Rewrite(_without_required),
        times=None,
        causes=("InvalidResponseError",),
        seconds=15,
        requests=10,
    ),
    NamedFault("html-once", "200, with HTML, once", READ_LATER, MIDWAY, answered(_HTML)),
    NamedFault(
        "broken-json-once",
        "200, with half of a JSON text, once",
        READ_LATER,
        MIDWAY,
        answered(_HALF),
    ),
    NamedFault(
        "null-required-once",
        "null for what may not be missing, once",
        READ_LATER,
        MIDWAY,
        Rewrite(_without_required),
    ),
    NamedFault(
        "new-fields", "fields that nobody knows", NOTHING, CALLS, Rewrite(added), times=None
    ),
    NamedFault(
        "new-words",
        "states that nobody knows",
        NOTHING,
        ("status", "asset"),
        meddled(lambda _: {"status": "hibernating"}),
        times=None,
    ),
    NamedFault(
        "count-lags",
        "the reports' count lags, and no `url` is told",
        "the status is asked until every chunk is counted",
        ("report",),
        meddled(lagging),
        times=None,
        requests=8,
    ),
    NamedFault(
        "status-lags",
        "the status' count lags",
        "it is asked again",
        ("status",),
        meddled(pending),
        times=2,
        seconds=10,
    ),
    NamedFault(
        "no-url",
        "no `url` in the last report",
        "the status, the asset and a repeated report are asked",
        ("report",),
        meddled(mute),
        times=None,
    ),
    NamedFault(
        "url-never",
        "no `url` anywhere",
        "the same, for 20 seconds; then the upload has succeeded: `asset_url` is `None`",
        ("report",),
        meddled(lambda _: {"url": None}),
        times=None,
        seconds=30,
        requests=20,
    ),
)
URLS = (
    NamedFault("urls-few", "fewer URLs than asked", ASKED_AGAIN, GIVING, urls(lambda u: u[:1])),
    NamedFault("urls-none", "no URLs at all", ASKED_AGAIN, GIVING, urls(lambda _: [])),
    NamedFault(
        "urls-hole",
        "a URL is missing in the middle",
        ASKED_AGAIN,
        GIVING,
        urls(lambda u: u[:1] + u[2:]),
    ),
    NamedFault("urls-shuffled", "URLs in another order", NOTHING, GIVING, urls(lambda u: u[::-1])),
    NamedFault(
        "urls-never",
        "never a URL",
        "it is asked for three times, then the upload ends",
        ("presigned_urls",),
        urls(lambda _: []),
        times=None,
        causes=("StorageError",),
    ),
    NamedFault(
        "date-ahead",
        "`Date` is three hours ahead: URLs look expired",
        "they are tried all the same, for only the store knows",
        GIVING,
        Skew(_HOURS),
        times=None,
    ),
    NamedFault(
        "date-behind",
        "`Date` is three hours behind: URLs look younger than they are",
        "the store says when one has expired, and it is replaced",
        GIVING,
        Skew(-_HOURS),
        times=None,
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
CALL_INCIDENTS = (*ANSWERS, *CONNECTIONS, *CONTENTS, *URLS, *SESSIONS)
