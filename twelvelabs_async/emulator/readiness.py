"""How far an asset is at a moment: what a clock and a scripted failure make of it.

Pure. An asset is being processed from when the platform has the whole file, for
``processing_time``; its HLS stream, thumbnail and transcription for as long again (assumed), so
that a client can see an asset that is ready while they are not.
"""

from datetime import datetime, timedelta
from typing import Literal

from attrs import frozen

from twelvelabs_async.emulator.records import StoredAsset

Status = Literal["processing", "ready", "failed"]
Rendition = Literal["pending", "processing", "ready", "error"]


@frozen
class Readiness:
    """The status words of an asset and of what is made from it; ``error`` says why it failed."""

    status: Status
    rendition: Rendition
    error: str | None = None


def readiness(
    asset: StoredAsset, now: datetime, processing_time: timedelta, failure: str | None
) -> Readiness:
    """Return how far an asset is; ``failure`` is the message it fails with, None if it does not."""
    done = asset.received_at and asset.received_at + processing_time
    if done is None or now < done:
        return Readiness("processing", "pending")
    if failure is not None:
        return Readiness("failed", "error", failure)
    return Readiness("ready", "processing" if now < done + processing_time else "ready")
