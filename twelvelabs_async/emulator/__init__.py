"""An emulator of the platform's uploads and assets: real sockets, no account, no network.

It imports nothing of the client, and writes its own JSON, so that the two cannot share a mistake.
"""

from twelvelabs_async.emulator.asset_rules import AssetRules
from twelvelabs_async.emulator.catalogue import CATALOGUE, named_fault
from twelvelabs_async.emulator.exchanges import Exchange
from twelvelabs_async.emulator.faults import (
    Answer,
    Corrupt,
    Cut,
    EndSession,
    Etag,
    Expire,
    FailChunk,
    Fault,
    Faults,
    Rewrite,
    Skew,
    Slow,
    Stall,
    api_error,
    store_error,
)
from twelvelabs_async.emulator.forms import Limits
from twelvelabs_async.emulator.named_faults import NamedFault
from twelvelabs_async.emulator.parameters import Refusal
from twelvelabs_async.emulator.platform import Platform
from twelvelabs_async.emulator.server import Emulator
from twelvelabs_async.emulator.transcripts import Segment, Transcript

__all__ = [
    "CATALOGUE",
    "Answer",
    "AssetRules",
    "Corrupt",
    "Cut",
    "Emulator",
    "EndSession",
    "Etag",
    "Exchange",
    "Expire",
    "FailChunk",
    "Fault",
    "Faults",
    "Limits",
    "NamedFault",
    "Platform",
    "Refusal",
    "Rewrite",
    "Segment",
    "Skew",
    "Slow",
    "Stall",
    "Transcript",
    "api_error",
    "named_fault",
    "store_error",
]
