"""What a soak keeps account of: each file and its assets, what happened, and figures of all."""

import hashlib
from collections import Counter
from pathlib import Path

from attrs import Factory, define, frozen

from support.soak_plan import PATHS, Plan, PlannedCall
from twelvelabs_async import (
    ApiConnectionError,
    ApiError,
    ClientClosedError,
    OutcomeUnknownError,
    SourceError,
    StorageConnectionError,
    UploadError,
    UploadInProgressError,
)
from twelvelabs_async.emulator import CATALOGUE

ENDS_SESSION = {"session-expired", "session-failed", "session-gone", "chunk-failed"}
"""Faults after which a session cannot go on."""


@define(eq=False)
class SoakFile:
    """What calls of one name upload, and what became of it.

    Attributes:
        path: Where it lies.
        content: What it holds; None: it was removed.
        sizes: The bytes of everything that it has held.
        digests: The SHA-256 of everything that it has held.
        returned: The assets that calls have returned.
        unknown: Calls that may have made an asset and did not return one.
        failure: The last error of an upload of it; None: there was none.
    """

    path: Path
    content: bytes | None = None
    sizes: set[int] = Factory(set[int])
    digests: set[str] = Factory(set[str])
    returned: set[str] = Factory(set[str])
    unknown: int = 0
    failure: UploadError | None = None

    def hold(self, content: bytes | None) -> None:
        """Note what the file holds from now on."""
        self.content = content
        if content is not None:
            self.sizes.add(len(content))
            self.digests.add(hashlib.sha256(content).hexdigest())


@frozen
class Happened:
    """What went wrong in a step, as far as calls could notice.

    Attributes:
        plan: The step.
        faults: The names of the faults that happened.
        broken: Whether a relay broke a connection.
        closed: Whether the client was closed.
        changed: Whether the first call's file was changed.
    """

    plan: Plan
    faults: frozenset[str]
    broken: bool
    closed: bool
    changed: bool

    def explains(self, call: PlannedCall, cause: BaseException | None) -> bool:
        """Whether a call may end in an error with this cause."""
        promised = {name for fault in self.faults for name in CATALOGUE[fault].causes}
        return type(cause).__name__ in promised or any(
            isinstance(cause, kinds) for happened, kinds in self._reasons(call) if happened
        )

    def _reasons(self, call: PlannedCall) -> list[tuple[bool, tuple[type[BaseException], ...]]]:
        shared = self.plan.calls.count(call) > 1
        direct = bool(self.faults) and not call.chunked
        return [
            (call.size == 0 or self.touches(call), (SourceError,)),
            (self.closed, (ClientClosedError, OutcomeUnknownError)),
            (self.broken, (ApiConnectionError, StorageConnectionError, OutcomeUnknownError)),
            (direct, (ApiError, ApiConnectionError, OutcomeUnknownError)),
            (shared, (UploadInProgressError,)),
            (shared and call.source.endswith("file"), (SourceError,)),
        ]

    def touches(self, call: PlannedCall) -> bool:
        """Whether a call's file was changed."""
        return self.changed and call.name == self.plan.calls[0].name and call.source in PATHS

    def ends_session(self) -> bool:
        """Whether the platform may have ended a session."""
        return bool(self.faults & ENDS_SESSION)


@define
class SoakBooks:
    """What a soak came to.

    Attributes:
        steps: Steps that were played.
        outcomes: How calls ended: in an asset, a cancellation, or an error of some name.
        faults: How often each fault of the catalogue has happened.
        unreached: Faults whose request never came.
        chaos: What the relays did.
        endings: What was done to calls that were under way.
        kills: Processes that were killed.
        bytes: Bytes of the assets that were compared.
    """

    steps: int = 0
    outcomes: Counter[str] = Factory(Counter[str])
    faults: Counter[str] = Factory(Counter[str])
    unreached: int = 0
    chaos: Counter[str] = Factory(Counter[str])
    endings: Counter[str] = Factory(Counter[str])
    kills: int = 0
    bytes: int = 0

    def summary(self) -> str:
        """Return all figures, a line for each kind."""
        return "\n".join(
            (
                f"{self.steps} steps, {self.kills} kills, {self.bytes:,} bytes compared",
                f"{self.outcomes.total()} outcomes: {_counts(self.outcomes)}",
                f"{self.endings.total()} endings: {_counts(self.endings)}",
                f"{self.chaos.total()} harms of relays: {_counts(self.chaos)}",
                f"{self.faults.total()} faults: {_counts(self.faults)}",
                f"{self.unreached} faults whose request never came",
            )
        )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common() if count)
