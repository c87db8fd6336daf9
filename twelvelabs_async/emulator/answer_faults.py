"""The named faults of good answers to an upload's control calls: what they say is odd.

A fault that names several routes happens at one of them at a time. The routes ``status`` and
``asset`` are asked only where the reports leave something open.
"""

from datetime import timedelta

from twelvelabs_async.emulator.faults import Payload, Rewrite, Skew
from twelvelabs_async.emulator.named_faults import (
    NamedFault,
    added,
    all_null,
    answered,
    changed,
    lagging,
    pending,
    urls,
    without_url,
)

CALLS = ("create", "presigned_urls", "report")
GIVING = ("create", "presigned_urls")
MIDWAY = ("presigned_urls", "report")

UNREADABLE = (
    "the call is repeated where it makes nothing twice (not `create`), then the upload ends, "
    "and says what is not as documented"
)
COUNTED = "the call is repeated, which makes nothing twice, then the status is asked, and believed"
READ_LATER = "the call is repeated, which makes nothing twice"
ASKED_AGAIN = "what is missing is asked for when it is needed"
NOTHING = "nothing"

_HTML = "<html><body>Welcome to the network of this hotel</body></html>"
_HALF = '{"upload_id": "12'
_HOURS = timedelta(hours=3)


def _without_required(payload: Payload) -> Payload:
    return {**dict.fromkeys(payload), "upload_urls": [{"url": None}]}


CONTENTS = (
    NamedFault(
        "html",
        "200, with HTML",
        UNREADABLE,
        GIVING,
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
        GIVING,
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
        GIVING,
        Rewrite(_without_required),
        times=None,
        causes=("InvalidResponseError",),
        seconds=15,
        requests=10,
    ),
    *(
        NamedFault(name, text, COUNTED, ("report",), action, times=None, seconds=60, requests=60)
        for name, text, action in (
            ("report-html", "200, with HTML", answered(_HTML)),
            ("report-broken-json", "200, with half of a JSON text", answered(_HALF)),
        )
    ),
    NamedFault(
        "report-nulls",
        "null for everything",
        "the status is asked, and believed",
        ("report",),
        Rewrite(_without_required),
        times=None,
        seconds=60,
        requests=60,
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
    NamedFault("new-fields", "unknown fields", NOTHING, CALLS, Rewrite(added), times=None),
    NamedFault(
        "new-words",
        "unknown states",
        NOTHING,
        ("status", "asset"),
        changed(lambda _: {"status": "hibernating"}),
        times=None,
    ),
    NamedFault(
        "count-lags",
        "the reports' count lags, and they name no `url`",
        "the status is asked until every chunk is counted",
        ("report",),
        changed(lagging),
        times=None,
        requests=8,
    ),
    NamedFault(
        "status-lags",
        "the status' count lags",
        "it is asked again",
        ("status",),
        changed(pending),
        times=2,
        seconds=10,
    ),
    NamedFault(
        "no-url",
        "no `url` in the last report",
        "the status, the asset and a repeated report are asked",
        ("report",),
        changed(without_url),
        times=None,
    ),
    NamedFault(
        "url-never",
        "no `url` anywhere",
        "the same, for 30 seconds at most; then the upload has succeeded: `asset_url` is `None`",
        ("report",),
        changed(lambda _: {"url": None}),
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
