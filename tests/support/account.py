"""One user of a target of the contract: what a scenario asks with, and what cleans up after it."""

import io
import json
import random
import secrets
import wave
from typing import Any

from attrs import NOTHING, Factory, define, frozen

from support.contract import Attachment, ContractTarget, Form, Query, Reply, Request
from support.models import kept, told
from support.shapes import (
    ASSET,
    ASSETS,
    DETAIL,
    ERROR,
    MORE_URLS,
    REPORT,
    SESSION,
    SESSIONS,
    STATUS,
    TRANSCRIPTION,
    misfits,
)
from twelvelabs_async import (
    Asset,
    AssetDetail,
    AssetTranscriptionResponse,
    CreateAssetUploadResponse,
    GetUploadStatusResponse,
    ListAssetsResponse,
    ListIncompleteUploadsResponse,
    ReportChunkBatchResponse,
    RequestAdditionalPresignedUrLsResponse,
)
from twelvelabs_async.emulator.routing import API_VERSION, target

Json = dict[str, Any]

UPLOADS = "/assets/multipart-uploads"
MOST_POLLS = 60
ANSWERS: dict[str, tuple[int, Any, type[Any] | None]] = {
    "create": (201, SESSION, CreateAssetUploadResponse),
    "presigned_urls": (200, MORE_URLS, RequestAdditionalPresignedUrLsResponse),
    "report": (200, REPORT, ReportChunkBatchResponse),
    "status": (200, STATUS, GetUploadStatusResponse),
    "list": (200, SESSIONS, ListIncompleteUploadsResponse),
    "create_asset": (201, ASSET, Asset),
    "list_assets": (200, ASSETS, ListAssetsResponse),
    "asset": (200, DETAIL, AssetDetail),
    "transcription": (200, TRANSCRIPTION, AssetTranscriptionResponse),
    "delete_asset": (200, None, None),
    "update_metadata": (200, None, None),
    "replace_metadata": (200, None, None),
    "delete_metadata": (200, None, None),
}
"""Status, shape and model of every endpoint's answer; None where its body is empty."""


def song(size: int) -> bytes:
    """Return a sound file of exactly ``size`` bytes, which the platform itself would take."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(random.Random(size).randbytes(size - 44))
    return file.getvalue()


@frozen
class Session:
    """An upload session, as its creation was answered, and the file to send."""

    answer: Json
    content: bytes

    @property
    def path(self) -> str:
        """Return where it is asked about."""
        return f"{UPLOADS}/{self.answer['upload_id']}"

    @property
    def indexes(self) -> range:
        """Return the numbers of its chunks."""
        return range(1, self.answer["total_chunks"] + 1)

    @property
    def urls(self) -> dict[int, str]:
        """Return the URLs that came with it, by their chunks' numbers."""
        given: list[Json] = self.answer["upload_urls"] or []
        return {each["chunk_index"]: each["url"] for each in given}

    def piece(self, index: int) -> bytes:
        """Return the bytes of a chunk."""
        size = self.answer["chunk_size"]
        return self.content[(index - 1) * size : index * size]

    def entry(self, index: int, etag: str) -> Json:
        """Return what reports a chunk."""
        return {
            "chunk_index": index,
            "proof": etag.removeprefix("W/").strip('"'),
            "proof_type": "etag",
            "chunk_size": len(self.piece(index)),
        }


@define
class Account:
    """Asks a target, compares each answer with what is documented, remembers what was made."""

    target: ContractTarget
    token: str = Factory(lambda: secrets.token_hex(4))
    made: list[str] = Factory(list[str])
    answered: set[str] = Factory(set[str])

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: object = NOTHING,
        form: Form | None = None,
        key: str | None = None,
    ) -> Reply:
        """Ask the API; ``body`` is sent as JSON, ``key`` is another than the account's."""
        bare = body is NOTHING
        reply = await self.target.call(
            Request(
                method,
                path,
                self.target.key if key is None else key,
                query,
                "application/octet-stream" if bare else "application/json",
                b"" if bare else json.dumps(body).encode(),
                form,
            )
        )
        self._remember(reply)
        self._compare(target(method, f"/{API_VERSION}{path}").route, reply)
        return reply

    async def get(self, path: str, **query: object) -> Json:
        """Ask for what must be there."""
        reply = await self.ask("GET", path, query=[(k, str(v)) for k, v in query.items()])
        assert reply.status == 200, reply
        payload: Json = reply.payload
        return payload

    def name(self, name: str = "song.wav") -> str:
        """Return a name that nothing else on the target has."""
        return f"contract-{self.token}-{name}"

    def wanted(self, size: int, name: str = "song.wav") -> Json:
        """Return what asks for a session."""
        return {"filename": self.name(name), "type": "audio", "total_size": size}

    async def open(self, size: int, *, sent: bool = True, **changes: object) -> Session:
        """Open a session; the file is not made unless it will be sent."""
        reply = await self.ask("POST", UPLOADS, body={**self.wanted(size), **changes})
        assert reply.status == 201, reply
        return Session(reply.payload, song(size) if sent else b"")

    async def url(self, session: Session, index: int) -> str:
        """Ask for a new URL of a chunk."""
        body = {"start": index, "count": 1}
        reply = await self.ask("POST", f"{session.path}/presigned-urls", body=body)
        assert reply.status == 200, reply
        url: str = reply.payload["upload_urls"][0]["url"]
        return url

    async def put(self, session: Session, index: int, url: str) -> tuple[int, str]:
        """PUT a chunk, and return status and ETag."""
        headers: dict[str, str] = session.answer["upload_headers"]
        return await self.target.put(url, headers, session.piece(index))

    async def store(self, session: Session, *indexes: int) -> list[Json]:
        """Store chunks through new URLs, and return what reports them."""
        entries: list[Json] = []
        for index in indexes:
            status, etag = await self.put(session, index, await self.url(session, index))
            assert status == 200, index
            entries.append(session.entry(index, etag))
        return entries

    async def report(self, session: Session, *entries: Json) -> Reply:
        """Report one batch."""
        return await self.ask("POST", session.path, body={"completed_chunks": list(entries)})

    async def upload(self, size: int, **changes: Any) -> Json:
        """Upload a file whole, and return the answer to its only report."""
        session = await self.open(size, **changes)
        reply = await self.report(session, *await self.store(session, *session.indexes))
        assert reply.status == 200, reply
        answer: Json = reply.payload
        return answer

    async def order(self, file: Attachment | None, **fields: str) -> Reply:
        """Send the form that makes an asset."""
        return await self.ask("POST", "/assets", form=Form(tuple(fields.items()), file))

    async def direct(self, name: str = "song.wav", **fields: str) -> Json:
        """Upload a file directly, and return what is told of its asset."""
        file = Attachment(self.name(name), "audio/wav", song(self.target.sizes.one))
        reply = await self.order(file, **{"method": "direct", **fields})
        assert reply.status == 201, reply
        asset: Json = reply.payload
        return asset

    async def processed(self, asset_id: str) -> Json:
        """Wait until an asset is no longer being processed."""
        for _ in range(MOST_POLLS):
            asset = await self.get(f"/assets/{asset_id}")
            if asset["status"] != "processing":
                return asset
            await self.target.settle()
        raise AssertionError(f"{asset_id} is processed for ever")

    async def transcribed(self, asset_id: str, *include: str) -> Json | None:
        """Wait until a transcription is made or has failed; None: the asset has none."""
        query = [("include", each) for each in include]
        for _ in range(MOST_POLLS):
            reply = await self.ask("GET", f"/assets/{asset_id}/transcription", query=query)
            if reply.status == 404:
                return None
            assert reply.status == 200, reply
            told: Json = reply.payload
            if told["status"] in {"ready", "failed"}:
                return told
            await self.target.settle()
        raise AssertionError(f"{asset_id} is transcribed for ever")

    async def leave(self) -> None:
        """Delete all that was made; a session goes with its asset, or ends by itself."""
        replies = [
            await self.ask("DELETE", f"/assets/{asset_id}", query=[("force", "true")])
            for asset_id in self.made
        ]
        assert {reply.status for reply in replies} <= {200, 404}, replies

    def _remember(self, reply: Reply) -> None:
        """Keep in mind what must be deleted, also where the answer is not as it should be."""
        if reply.status == 201:
            names = {"asset_id", "_id"} & reply.payload.keys()
            self.made += [reply.payload[name] for name in names]

    def _compare(self, route: str, reply: Reply) -> None:
        if reply.status >= 400:
            told_why = isinstance(reply.payload, str) or not misfits(reply.payload, ERROR)
            assert told_why, reply
            return
        status, shape, model = ANSWERS[route]
        assert reply.status == status, reply
        self.answered.add(route)
        if model is None:
            assert reply.payload is None, reply
            return
        found = misfits(reply.payload, shape)
        assert not found, found
        ours, theirs = kept(reply.payload, model), told(reply.payload)
        assert ours == theirs, f"{ours} is not {theirs}"
