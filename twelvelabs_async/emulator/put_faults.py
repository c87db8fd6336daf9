"""The named faults of PUTs. Their figures are for a chunk that takes no time to send."""

from datetime import timedelta

from twelvelabs_async.emulator.faults import (
    Answer,
    Cut,
    Etag,
    Expire,
    FailChunk,
    Skew,
    Slow,
    Stall,
    store_error,
)
from twelvelabs_async.emulator.named_faults import NamedFault

PUT = ("put",)
AGAIN = "the chunk is sent again, to a fresh URL"
SLOWER = f"{AGAIN}, after a pause with full jitter"
AT_ONCE = "the upload ends at once, with the store's reason"
STALLED = f"{AGAIN}, after `stall_timeout`"
AS_IS = "it is taken as it is, and reported bare"

_SLOW_DOWN = store_error(503, "SlowDown", "Please reduce your request rate.")
_INTERNAL = store_error(500, "InternalError", "We encountered an internal error.")
_TIMEOUT = store_error(400, "RequestTimeout", "Your socket was not read from in time.")
_TOO_SMALL = store_error(400, "EntityTooSmall", "Your upload is too small.")
_DENIED = store_error(403, "AccessDenied", "Access Denied")
_DENIED_EARLY = store_error(403, "AccessDenied", "Access Denied", when="before")
_WELCOME = Answer(200, body="<html>Welcome</html>", content_type="text/html")
_BLOCKED = Answer(407, body="<html><title>Access blocked</title></html>", content_type="text/html")
_ELSEWHERE = Answer(307, headers={"Location": "http://elsewhere.invalid/"})
_HOURS = timedelta(hours=3)

ANSWERS = (
    NamedFault("slow-down", "the store answers 503 `SlowDown`", SLOWER, PUT, _SLOW_DOWN),
    NamedFault("busy", "the store answers 429", SLOWER, PUT, Answer(429)),
    NamedFault("internal-error", "the store answers 500 `InternalError`", SLOWER, PUT, _INTERNAL),
    NamedFault("request-timeout", "the store answers 400 `RequestTimeout`", SLOWER, PUT, _TIMEOUT),
    NamedFault(
        "store-down",
        "the store answers 500 to everything",
        "a chunk gets `max_retries` more attempts, then the upload ends",
        PUT,
        _INTERNAL,
        times=None,
        causes=("StorageError",),
        seconds=15,
        requests=10,
    ),
    NamedFault(
        "refused",
        "the store answers 403 `AccessDenied`",
        AT_ONCE,
        PUT,
        _DENIED,
        causes=("StorageError",),
    ),
    NamedFault(
        "refused-early",
        "the same, while the body is still being sent",
        AT_ONCE,
        PUT,
        _DENIED_EARLY,
        causes=("StorageError",),
    ),
    NamedFault(
        "bad-request",
        "the store answers 400 `EntityTooSmall`",
        AT_ONCE,
        PUT,
        _TOO_SMALL,
        causes=("StorageError",),
    ),
    NamedFault(
        "redirect",
        "the store redirects to another host",
        "it is not followed, for a signature is for one host; the upload ends",
        PUT,
        _ELSEWHERE,
        causes=("StorageError",),
    ),
    NamedFault(
        "proxy-refused",
        "a proxy on the way answers 407, with HTML",
        "the upload ends at once, and says so, with the title of the proxy's page",
        PUT,
        _BLOCKED,
        causes=("StorageError",),
    ),
    NamedFault("hotel-network", "someone else answers 200, with HTML", AGAIN, PUT, _WELCOME),
)
CONNECTIONS = (
    NamedFault("reset-before", "a connection is reset before the body", AGAIN, PUT, Cut("before")),
    NamedFault("reset-middle", "a connection is reset in the body", AGAIN, PUT, Cut("middle")),
    NamedFault("reset-after", "the answer is lost", AGAIN, PUT, Cut("after")),
    NamedFault(
        "unreachable",
        "every connection to the store is reset",
        "a chunk gets `max_retries` more attempts; if a chunk had been stored before, the upload "
        "would wait",
        PUT,
        Cut(),
        times=None,
        causes=("StorageConnectionError",),
        seconds=15,
        requests=10,
    ),
    NamedFault("stall-before", "no byte is taken", STALLED, PUT, Stall("before"), seconds=95),
    NamedFault("stall-middle", "no byte more is taken", STALLED, PUT, Stall("middle"), seconds=95),
    NamedFault("stall-after", "the answer never comes", STALLED, PUT, Stall("after"), seconds=95),
    NamedFault(
        "slow-link",
        "the link takes 256 KiB/s",
        "nothing: a link that is only slow is no stall",
        PUT,
        Slow(2**18),
    ),
)
URLS = (
    NamedFault(
        "expired-early",
        "the store calls a good URL expired",
        "it and its siblings are replaced; one request serves all workers",
        PUT,
        Expire(),
    ),
    NamedFault(
        "store-ahead",
        "the store's clock is three hours ahead: every URL has expired",
        "one expiry is forgiven, `max_retries` more are tried, then the upload ends",
        PUT,
        Skew(_HOURS),
        times=None,
        causes=("StorageError",),
        seconds=15,
        requests=14,
    ),
    NamedFault(
        "store-behind",
        "the store's clock is three hours behind: URLs live longer than `expires_at` says",
        "nothing: they are replaced before `expires_at`",
        PUT,
        Skew(-_HOURS),
        times=None,
    ),
)
PROOFS = (
    NamedFault("etag-missing", "the answer has no `ETag`", AGAIN, PUT, Etag(None)),
    NamedFault("etag-weak", "the `ETag` is weak", AS_IS, PUT, Etag(lambda bare: f'W/"{bare}"')),
    NamedFault("etag-unquoted", "the `ETag` has no quotes", AS_IS, PUT, Etag(lambda bare: bare)),
    NamedFault(
        "etag-wrong",
        "the `ETag` is not the chunk's",
        "the platform refuses the report, and the upload ends",
        PUT,
        Etag('"0123456789abcdef0123456789abcdef"'),
        causes=("BadRequestError",),
    ),
    NamedFault(
        "chunk-failed",
        "the platform marks a chunk as failed that was reported",
        f"{AGAIN}, and reported again",
        PUT,
        FailChunk(),
        requests=6,
    ),
    NamedFault(
        "chunks-fail",
        "the platform marks every chunk as failed, whenever it is reported",
        "a chunk gets `max_retries` more attempts, then the upload ends, with the platform's words",
        PUT,
        FailChunk(),
        times=None,
        causes=("ChunkFailedError",),
        seconds=60,
        requests=60,
    ),
)
PUT_FAULTS = (*ANSWERS, *CONNECTIONS, *URLS, *PROOFS)
