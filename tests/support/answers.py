"""A valid answer of every endpoint, and which endpoint a request is for."""

import re
from typing import Any

LATER = "2026-01-02T00:00:00Z"
PAGE = {"page": 1, "limit_per_page": 10, "total_page": 2, "total_results": 12}
SESSION = {"upload_id": "u1", "total_size": 12, "chunk_size": 4, "total_chunks": 3}
ASSET = {
    "_id": "a1",
    "method": "multipart",
    "status": "ready",
    "filename": "film.mp4",
    "file_type": "video/mp4",
    "created_at": LATER,
    "user_metadata": {"album": "2026"},
    "hls": {"manifest_url": "https://x.example/m", "status": "ready"},
    "technical_metadata": {"file_size_bytes": 12, "video_streams": [{"index": 0, "fps": 25.0}]},
    "size": 12,
    "duration": 1.5,
    "error": {"message": "none"},
    "url": "https://x.example/a1?signature=0123456789",
}
SAID = {"start": 0, "end": 1.5, "value": "Hello."}
CHUNK = {"index": 1, "status": "completed", "updated_at": LATER, "uploaded_at": LATER}


def documents(store: str) -> dict[str, Any]:
    """Return a valid answer of each route; presigned URLs point at ``store``."""
    urls = [
        {"chunk_index": n, "url": f"{store}/{n}?signature=0123456789", "expires_at": LATER}
        for n in (1, 2, 3)
    ]
    return {
        "create": SESSION
        | {
            "asset_id": "a1",
            "upload_urls": urls[:1],
            "upload_headers": {"Content-Type": "application/octet-stream"},
            "expires_at": LATER,
        },
        "presigned_urls": {
            "upload_id": "u1",
            "start_index": 2,
            "count": 2,
            "upload_urls": urls,
            "generated_at": "2026-01-01T23:00:00Z",
            "expires_at": LATER,
        },
        "report": {"asset_id": "a1", "processed_chunks": 3, "duplicate_chunks": 0,
                   "total_completed": 3, "url": ASSET["url"]},
        "status": {
            "upload_id": "u1", "status": "completed", "uploaded_chunks": [CHUNK],
            "chunks_completed": 3, "chunks_failed": 0, "chunks_pending": 0,
            "page_info": PAGE, "total_size": 12, "uploaded_size": 12,
            "created_at": LATER, "updated_at": LATER,
        },
        "list": {"data": [SESSION | {"status": "active", "created_at": LATER}], "page_info": PAGE},
        "list_assets": {"data": [ASSET], "page_info": PAGE},
        "asset": ASSET,
        "create_asset": ASSET,
        "transcription": {"status": "ready", "words": [SAID], "sentences": [SAID],
                          "utterances": [SAID | {"speaker": "A"}], "error": {"message": "none"}},
        "order": {},
        "put": {},
    }  # fmt: skip


ROUTES = (
    ("PUT /store/.*", "put"),
    ("DELETE .*|.*/user-metadata", "order"),
    ("GET /assets", "list_assets"),
    ("POST /assets", "create_asset"),
    ("GET /assets/multipart-uploads", "list"),
    ("POST /assets/multipart-uploads", "create"),
    ("POST .*/presigned-urls", "presigned_urls"),
    ("GET /assets/multipart-uploads/[^/]+", "status"),
    ("POST /assets/multipart-uploads/.*", "report"),
    ("GET /assets/[^/]+/transcription", "transcription"),
    ("GET /assets/[^/]+", "asset"),
)


def route_of(method: str, target: str) -> str:
    """Return which endpoint a request is for."""
    path = target.partition("?")[0].removeprefix("/v1.3")
    for pattern, route in ROUTES:
        if re.fullmatch(pattern, f"{method} {path}"):
            return route
    raise LookupError(f"{method} {target}")
