"""The platform's state, and its rules for multipart uploads: endpoints as functions.

Pure: no I/O, no await, no clock but the injected one; each method takes what the request carried
and returns the JSON object of the answer, or raises ``Refusal`` and changes nothing. Facts: the
platform's API reference, v1.3, multipart uploads (2026-11); what it leaves open is marked
*assumed*. Some answers are stricter than it promises, so that a careless client is found out.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from attrs import Factory, define, evolve

from twelvelabs_async.emulator import descriptions, parameters, reports
from twelvelabs_async.emulator.answers import rfc3339
from twelvelabs_async.emulator.parameters import Object, Refusal
from twelvelabs_async.emulator.readiness import Readiness, readiness
from twelvelabs_async.emulator.records import Stored, StoredAsset, Upload
from twelvelabs_async.emulator.signing import Grant, Signer
from twelvelabs_async.emulator.transcripts import Transcript

NameUrl = Literal["report", "repeat", "asset", "never"]
Json = dict[str, Any]

MAX_URLS = 50
MAX_FILENAME = 255
SMALLEST_CHUNK = 5 * 2**20
USUAL_MOST_CHUNKS = 2_000
KINDS = ("video", "audio", "image")
CREATE = ("filename", "type", "total_size", "enable_hls", "enable_thumbnail", "user_metadata")


def utcnow() -> datetime:
    """Return the system's time, aware, in UTC."""
    return datetime.now(UTC)


def usual_chunk_size(total_size: int) -> int:
    """Return bytes a chunk: 5 MiB, doubled until a file has at most 2,000 chunks (assumed)."""
    size = SMALLEST_CHUNK
    while total_size > size * USUAL_MOST_CHUNKS:
        size *= 2
    return size


@define(eq=False, kw_only=True)
class Platform:
    """All sessions and the rules over them; settings are those of ``Emulator``."""

    signer: Signer
    now: Callable[[], datetime] = utcnow
    store_url: str = ""
    chunk_size: int | None = None
    initial_urls: int = 10
    session_lifetime: timedelta = timedelta(hours=24)
    url_lifetime: timedelta = timedelta(hours=1)
    upload_headers: Mapping[str, str] | None = None
    name_url: NameUrl = "report"
    processing_time: timedelta = timedelta(0)
    uploads: dict[str, Upload] = Factory(dict[str, Upload])
    assets: dict[str, StoredAsset] = Factory(dict[str, StoredAsset])
    failures: dict[str, str] = Factory(dict[str, str])
    transcripts: dict[str, Transcript | None] = Factory(dict[str, Transcript | None])

    def create(self, payload: object) -> Json:
        """Open a session; hand out URLs for its first ``initial_urls`` chunks."""
        body = parameters.json_object(payload)
        upload = self._opened(body)
        self.uploads[upload.upload_id] = upload
        self.assets[upload.asset_id] = _asset(upload, body)
        return {
            "upload_id": upload.upload_id,
            "asset_id": upload.asset_id,
            "upload_urls": self._urls(upload, 1, self.initial_urls),
            "upload_headers": dict(upload.upload_headers),
            "chunk_size": upload.chunk_size,
            "total_chunks": upload.total_chunks,
            "expires_at": rfc3339(upload.expires_at),
        }

    def presigned_urls(self, upload_id: str, payload: object) -> Json:
        """Make URLs for ``count`` chunks from ``start``; they void the chunks' older ones."""
        upload = self._open(upload_id)
        body = parameters.json_object(payload)
        parameters.only_known(body, ("start", "count"))
        start = parameters.integer(body, "start", least=1, most=upload.total_chunks)
        count = parameters.integer(body, "count", least=1, most=MAX_URLS)
        urls = self._urls(upload, start, count)
        return {
            "upload_id": upload_id,
            "start_index": start,
            "count": len(urls),
            "upload_urls": urls,
            "generated_at": rfc3339(self.now()),
            "expires_at": rfc3339(self.now() + self.url_lifetime),
        }

    def report(self, upload_id: str, payload: object) -> Json:
        """Take chunks as uploaded: all entries or, when one of them is bad, none."""
        upload = self._find(upload_id)
        repeated = upload.completed
        if not repeated:
            self._refuse_ended(upload)
        entries = enumerate(reports.entries(payload))
        indexes = [reports.checked(upload, number, entry) for number, entry in entries]
        fresh = {index for index in indexes if upload.chunk(index).reported_at is None}
        self._mark_reported(upload, fresh)
        asset = self.assets[upload.asset_id]
        if upload.completed and not repeated:
            asset.received_at = self.now()
        answer = {
            "asset_id": upload.asset_id,
            "processed_chunks": len(fresh),
            "duplicate_chunks": len(indexes) - len(fresh),
            "total_completed": len(upload.reported),
        }
        named = self.name_url == "report" or (self.name_url == "repeat" and repeated)
        return {"url": self.asset_url(asset), **answer} if upload.completed and named else answer

    def status(self, upload_id: str, query: Mapping[str, str]) -> Json:
        """Return where a session stands: one page of its chunks, in order of their indexes."""
        upload = self._find(upload_id)
        page = parameters.page(query)
        completed, failed, total = len(upload.reported), upload.chunks_failed, upload.total_chunks
        return {
            "upload_id": upload_id,
            "status": upload.status(self.now()),
            "uploaded_chunks": [
                reports.chunk_info(upload, index) for index in page.cut(range(1, total + 1))
            ],
            "chunks_completed": completed,
            "chunks_failed": failed,
            "chunks_pending": total - completed - failed,
            "page_info": page.info(total),
            "total_size": upload.total_size,
            "uploaded_size": upload.uploaded_size,  # assumed: of the reported chunks
            "created_at": rfc3339(upload.created_at),
            "updated_at": rfc3339(upload.updated_at),
        }

    def incomplete(self, query: Mapping[str, str]) -> Json:
        """List the sessions that are not completed, newest first."""
        page = parameters.page(query)
        waiting = [each for each in reversed(self.uploads.values()) if not each.completed]
        return {
            "data": [self._summary(upload) for upload in page.cut(waiting)],
            "page_info": page.info(len(waiting)),
        }

    def asset(self, asset_id: str) -> Json:
        """Describe an asset as it is now."""
        return self.describe(self.find(asset_id))

    def describe(self, asset: StoredAsset) -> Json:
        """Describe an asset in full; a failure scripted for its id or its filename strikes."""
        answer = descriptions.detailed(asset, self.state(asset), self.store_url)
        named = self.name_url == "asset" and asset.received_at is not None
        return {**answer, "url": self.asset_url(asset)} if named else answer

    def state(self, asset: StoredAsset) -> Readiness:
        """Return how far an asset is now."""
        by_name = self.failures.get(asset.filename)
        failure = self.failures.get(asset.asset_id, by_name)
        return readiness(asset, self.now(), self.processing_time, failure)

    def asset_url(self, asset: StoredAsset) -> str:
        """Return where the store serves the whole file."""
        return self.store_url + reports.asset_path(asset)

    def find(self, asset_id: str) -> StoredAsset:
        """Return an asset, whose id must exist."""
        if asset_id not in self.assets:
            raise Refusal(404, "resource_not_exist", f"The asset {asset_id} does not exist.")
        return self.assets[asset_id]

    def drop(self, asset: StoredAsset) -> None:
        """Forget an asset, and its upload session with it (assumed)."""
        del self.assets[asset.asset_id]
        self.uploads.pop(asset.folder, None)

    def spend_url(self, upload: Upload, index: int) -> None:
        """Remember that the newest URL of a chunk was used: it will not work again."""
        upload.chunks[index] = evolve(upload.chunk(index), used=True)

    def keep_chunk(
        self, upload_id: str, index: int, etag: str, size: int, flaw: str | None = None
    ) -> None:
        """Remember that the store has a chunk: its bare ETag, its size in bytes, its flaw.

        Raises:
            KeyError: The session was deleted meanwhile.
        """
        upload = self.uploads[upload_id]
        chunk = upload.chunk(index)
        reported_at = None if chunk.failed else chunk.reported_at
        upload.chunks[index] = evolve(
            chunk, stored=Stored(etag, size), flaw=flaw, reported_at=reported_at
        )

    def _opened(self, body: Object) -> Upload:
        parameters.only_known(body, CREATE)
        parameters.optional_flag(body, "enable_hls")
        parameters.optional_flag(body, "enable_thumbnail")
        upload_id, now = secrets.token_hex(12), self.now()
        total_size = parameters.integer(body, "total_size", least=1)
        return Upload(
            upload_id=upload_id,
            asset_id=secrets.token_hex(12),
            filename=parameters.text(body, "filename", most=MAX_FILENAME),
            kind=parameters.word(body, "type", KINDS),
            total_size=total_size,
            chunk_size=self.chunk_size or usual_chunk_size(total_size),
            user_metadata=parameters.optional_metadata(body),
            upload_headers=self._headers(upload_id),
            created_at=now,
            expires_at=now + self.session_lifetime,
            updated_at=now,
        )

    def _headers(self, upload_id: str) -> Mapping[str, str]:
        if self.upload_headers is not None:
            return dict(self.upload_headers)
        return {"Content-Type": "application/octet-stream", "x-amz-meta-upload-id": upload_id}

    def _find(self, upload_id: str) -> Upload:
        if upload_id not in self.uploads:
            message = f"The upload session {upload_id} does not exist."
            raise Refusal(404, "resource_not_exist", message)
        return self.uploads[upload_id]

    def _open(self, upload_id: str) -> Upload:
        upload = self._find(upload_id)
        if upload.completed:  # assumed
            message = f"The upload session {upload_id} is already completed."
            raise Refusal(400, "parameter_invalid", message)
        self._refuse_ended(upload)
        return upload

    def _refuse_ended(self, upload: Upload) -> None:
        if upload.failed:  # assumed
            message = f"The upload session {upload.upload_id} has failed."
            raise Refusal(400, "parameter_invalid", message)
        if self.now() >= upload.expires_at:
            expiry = rfc3339(upload.expires_at)
            message = f"The upload session {upload.upload_id} has expired at {expiry}."
            raise Refusal(400, "parameter_invalid", message)

    def _urls(self, upload: Upload, start: int, count: int) -> list[Json]:
        end = min(start + count - 1, upload.total_chunks)
        return [self._url(upload, index) for index in range(start, end + 1)]

    def _url(self, upload: Upload, index: int) -> Json:
        serial = upload.chunk(index).serial + 1
        upload.chunks[index] = evolve(upload.chunk(index), serial=serial, used=False)
        now = self.now().replace(microsecond=0)
        grant = Grant(upload.upload_id, index, serial, now + self.url_lifetime)
        target = self.signer.presign(grant, issued_at=now, signed_headers=upload.upload_headers)
        return {
            "chunk_index": index,
            "url": self.store_url + target,
            "expires_at": rfc3339(grant.expires_at),
        }

    def _mark_reported(self, upload: Upload, indexes: set[int]) -> None:
        now = self.now()
        for index in indexes:
            upload.chunks[index] = evolve(upload.chunk(index), reported_at=now)
        upload.updated_at = now if indexes else upload.updated_at

    def _summary(self, upload: Upload) -> Json:
        return {
            "upload_id": upload.upload_id,
            "status": upload.status(self.now()),
            "total_size": upload.total_size,
            "chunk_size": upload.chunk_size,
            "total_chunks": upload.total_chunks,
            "created_at": rfc3339(upload.created_at),
            "expires_at": rfc3339(upload.expires_at),
        }


def _asset(upload: Upload, body: Object) -> StoredAsset:
    return StoredAsset(
        asset_id=upload.asset_id,
        method="multipart",
        filename=upload.filename,
        file_type=reports.file_type(upload),
        size=upload.total_size,
        folder=upload.upload_id,
        pieces=upload.total_chunks,
        created_at=upload.created_at,
        enable_hls=bool(body.get("enable_hls")),
        enable_thumbnail=bool(body.get("enable_thumbnail")),
        user_metadata=parameters.worth_keeping(upload.user_metadata or {}),
    )
