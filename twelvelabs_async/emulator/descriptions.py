"""How assets are described in answers: ``StoredAsset`` in short, ``AssetDetail`` in full.

Pure. Names and presence of the fields: the platform's OpenAPI file (2026-11).
"""

from typing import Any

from twelvelabs_async.emulator.answers import rfc3339
from twelvelabs_async.emulator.readiness import Readiness, Rendition
from twelvelabs_async.emulator.records import Sound, StoredAsset

Json = dict[str, Any]


def brief(asset: StoredAsset, status: str) -> Json:
    """Describe an asset as the answer to its creation does."""
    answer = {
        "_id": asset.asset_id,
        "method": asset.method,
        "status": status,
        "filename": asset.filename,
        "file_type": asset.file_type,
        "created_at": rfc3339(asset.created_at),
    }
    return {**answer, "user_metadata": asset.user_metadata} if asset.user_metadata else answer


def detailed(asset: StoredAsset, state: Readiness, store_url: str) -> Json:
    """Describe an asset in full: what is not there yet, or was not asked for, is left out."""
    answer = brief(asset, state.status)
    base = f"{store_url}/renditions/{asset.asset_id}"
    if asset.enable_hls and asset.kind in {"video", "audio"}:
        answer["hls"] = _rendition("manifest_url", f"{base}/manifest.m3u8", state.rendition)
    if asset.enable_thumbnail:
        url = f"{base}/thumbnail.jpg"
        answer["thumbnail"] = _rendition("representative_url", url, state.rendition)
    if state.status == "ready":
        answer |= {"technical_metadata": _technical(asset), "size": asset.size}
        answer |= {"duration": asset.sound.seconds} if asset.sound else {}
    if state.error is not None:
        answer["error"] = {"message": state.error}
    return answer


def _rendition(name: str, url: str, status: Rendition) -> Json:
    return {name: url, "status": status} if status == "ready" else {"status": status}


def _technical(asset: StoredAsset) -> Json:
    known = {"file_size_bytes": asset.size, "file_mime_type": asset.file_type}
    return known | _audible(asset.sound) if asset.sound else known


def _audible(sound: Sound) -> Json:
    codec = f"pcm_s{8 * sound.width}le" if sound.width > 1 else "pcm_u8"
    stream = {
        "index": 0,
        "codec": codec,
        "sample_rate": sound.rate,
        "bit_depth": 8 * sound.width,
        "channels": sound.channels,
        "bitrate_bps": 8 * sound.width * sound.channels * sound.rate,
        "duration_seconds": sound.seconds,
    }
    return {
        "file_container_format": "wav",
        "audio_streams": [stream],
        "audio_codec": codec,
        "audio_sample_rate": sound.rate,
        "audio_channels": sound.channels,
        "audio_duration_seconds": sound.seconds,
        "has_audio": True,
        "total_video_streams": 0,
        "total_audio_streams": 1,
    }
