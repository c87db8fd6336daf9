"""An emulator of the platform's uploads and assets: real sockets, no account, no network.

It imports nothing of the client, and writes its own JSON, so that the two cannot share a mistake.
"""

from twelvelabs_async.emulator.catalogue import CATALOGUE, ready_made
from twelvelabs_async.emulator.exchanges import Exchange
from twelvelabs_async.emulator.faults import (
    Answer,
    Corrupt,
    Cut,
    EndSession,
    Etag,
    Expire,
    Fault,
    Faults,
    Rewrite,
    Skew,
    Slow,
    Spoil,
    Stall,
    api_error,
    store_error,
)
from twelvelabs_async.emulator.forms import Limits
from twelvelabs_async.emulator.incidents import Incident
from twelvelabs_async.emulator.library import Library
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.platform import Platform
from twelvelabs_async.emulator.server import Emulator
from twelvelabs_async.emulator.transcripts import Segment, Transcript

__all__ = [
    "CATALOGUE",
    "Answer",
    "Corrupt",
    "Cut",
    "Emulator",
    "EndSession",
    "Etag",
    "Exchange",
    "Expire",
    "Fault",
    "Faults",
    "Incident",
    "Library",
    "Limits",
    "Platform",
    "Refusal",
    "Rewrite",
    "Segment",
    "Skew",
    "Slow",
    "Spoil",
    "Stall",
    "Transcript",
    "api_error",
    "ready_made",
    "store_error",
]
