"""The platform's rules for assets: creation, lists, transcription, metadata, deletion, early ends.

Pure, as ``platform.py`` is: each method takes what the request carried, and returns what the answer
says or raises ``Refusal`` and changes nothing. Facts: the platform's OpenAPI file (2026-11); of the
transcription, which is not in it, the official SDK 1.3.6.
"""

from collections.abc import Sequence

from attrs import Factory, frozen

from twelvelabs_async.emulator import descriptions, parameters, transcripts
from twelvelabs_async.emulator.forms import Limits, NewAsset, ReceivedFile
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.platform import Json, Platform
from twelvelabs_async.emulator.records import Ending, Sound, StoredAsset
from twelvelabs_async.emulator.transcripts import SEGMENTATIONS, Transcript

Query = Sequence[tuple[str, str]]

KINDS = ("image", "video", "audio", "document")  # the last is in the official SDK only
FLAGS = {"true": True, "false": False}


@frozen
class AssetRules:
    """The assets of a platform, and the rules over them."""

    platform: Platform
    limits: Limits = Factory(Limits)

    def admit(
        self, asset_id: str, asked: NewAsset, file: ReceivedFile, sound: Sound | None = None
    ) -> Json:
        """Make an asset of a file that is there whole; the answer always says ``processing``."""
        now = self.platform.now()
        asset = StoredAsset(
            asset_id=asset_id,
            method=asked.method,
            filename=file.filename,
            file_type=file.content_type,
            size=file.size,
            folder=asset_id,
            pieces=1,
            created_at=now,
            received_at=now,
            enable_hls=asked.enable_hls,
            enable_thumbnail=asked.enable_thumbnail,
            user_metadata=dict(asked.user_metadata),
            sound=sound,
        )
        self.platform.assets[asset_id] = asset
        return descriptions.brief(asset, "processing")

    def listed(self, query: Query) -> Json:
        """List the assets that pass every filter given, newest first."""
        page = parameters.page(dict(reversed(query)), "asset_ids", "asset_types", "filename")
        ids, kinds = _all(query, "asset_ids"), _all(query, "asset_types")
        for kind in kinds - set(KINDS):
            raise parameters.invalid("asset_types", kind, f"must be one of {', '.join(KINDS)}")
        part = dict(reversed(query)).get("filename", "").casefold()
        found = [
            asset
            for asset in reversed(self.platform.assets.values())
            if (not ids or asset.asset_id in ids)
            and (not kinds or asset.kind in kinds)
            and part in asset.filename.casefold()
        ]
        data = [self.platform.describe(asset) for asset in page.cut(found)]
        return {"data": data, "page_info": page.info(len(found))}

    def transcription(self, asset_id: str, query: Query) -> Json:
        """Return the status of an asset's transcription, and its text once it is ready."""
        asset = self.platform.find(asset_id)
        parameters.only_known(dict(query), ("include",))
        wanted = _all(query, "include", separator=",") or {"words"}
        for name in wanted - set(SEGMENTATIONS):
            raise parameters.invalid("include", name, f"must be one of {', '.join(SEGMENTATIONS)}")
        transcript = self._transcript(asset)
        if transcript is None:
            message = f"The asset {asset_id} has no transcription."
            raise Refusal(404, "resource_not_exist", message)
        return transcripts.described(transcript, self.platform.state(asset), wanted)

    def end_session(self, upload_id: str, how: Ending) -> StoredAsset | None:
        """End an upload session before its time; return the asset that is gone with it, if any."""
        upload = self.platform.uploads.get(upload_id)
        if upload is None:
            return None
        if how == "gone":
            asset = self.platform.assets[upload.asset_id]
            self.platform.drop(asset)
            return asset
        upload.failed = upload.failed or how == "failed"
        upload.expires_at = min(upload.expires_at, self.platform.now())
        return None

    def delete(self, asset_id: str, query: Query) -> StoredAsset:
        """Forget an asset, and the session that it came by, and return what it was."""
        asset = self.platform.find(asset_id)
        parameters.only_known(dict(query), ("force",))
        force = dict(reversed(query)).get("force", "false")
        if force not in FLAGS:
            raise parameters.invalid("force", force, "must be true or false")
        if asset.references and not FLAGS[force]:
            message = (
                f"The asset {asset_id} cannot be deleted because {asset.references} indexed "
                "asset(s) reference it. Set the `force` parameter to `true` to delete it anyway."
            )
            raise Refusal(409, "conflict", message)  # the code is assumed
        self.platform.drop(asset)
        return asset

    def update_metadata(self, asset_id: str, payload: object) -> None:
        """Merge: a value is set, null deletes its key, an empty string or array is ignored."""
        asset, given = self._given(asset_id, payload)
        merged = asset.user_metadata | {k: v for k, v in given.items() if v not in ("", [])}
        asset.user_metadata = {k: v for k, v in merged.items() if v is not None}

    def replace_metadata(self, asset_id: str, payload: object) -> None:
        """Replace: nothing of the old remains; null and what is empty are ignored."""
        asset, given = self._given(asset_id, payload)
        asset.user_metadata = parameters.worth_keeping(given)

    def delete_metadata(self, asset_id: str) -> None:
        """Forget all user metadata."""
        self.platform.find(asset_id).user_metadata = {}

    def _transcript(self, asset: StoredAsset) -> Transcript | None:
        """Return what was set for an asset's id or filename, else a made-up transcription.

        None: there is none. An asset whose file has not arrived has none (assumed).
        """
        if asset.received_at is None:
            return None
        known = self.platform.transcripts
        name = asset.asset_id if asset.asset_id in known else asset.filename
        return known[name] if name in known else transcripts.made_up(asset)

    def _given(self, asset_id: str, payload: object) -> tuple[StoredAsset, dict[str, object]]:
        asset = self.platform.find(asset_id)
        body = parameters.json_object(payload)
        parameters.only_known(body, ("user_metadata",))
        return asset, parameters.metadata(parameters.required(body, "user_metadata"))


def _all(query: Query, name: str, separator: str | None = None) -> set[str]:
    """Return every value of a parameter that repeats; ``separator`` divides one into several."""
    given = [value for key, value in query if key == name]
    found = {part for value in given for part in (value.split(separator) if separator else [value])}
    if "" in found:
        raise parameters.invalid(name, "", "must not be empty")
    return found
