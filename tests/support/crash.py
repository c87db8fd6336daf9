"""What may be on the disk after the power was lost: a model of one file, from a trace of its calls.

What was written before a sync is there. Of what came later, any part may be: each write or not, in
any order, the last of them cut at any byte. A file that is new is there only once its directory
was synced. This is less than POSIX allows a disk to do, and as much as journals have to expect.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen


@frozen
class DiskCall:
    """A call to the disk; ``at`` and ``data`` (hexadecimal) are those of the call, if it has any.

    Attributes:
        call: ``write``, ``truncate``, ``sync`` or ``sync directory``: what it says in the trace.
        at: Where a write begins, or how long the file is to be (bytes).
        data: What is written, in hexadecimal.
    """

    call: str
    at: int = 0
    data: str = ""

    def apply(self, content: bytes, most: int | None = None) -> bytes:
        """Return what a file has after the call; of a write, ``most`` bytes at most are done."""
        if self.call == "truncate":
            return content[: self.at].ljust(self.at, b"\0")
        data = bytes.fromhex(self.data)[:most]
        return content[: self.at].ljust(self.at, b"\0") + data + content[self.at + len(data) :]

    def cut(self, content: bytes, chance: random.Random) -> bytes:
        """Return what a file has if the power was lost during the call."""
        return self.apply(content, chance.randint(0, len(self.data) // 2))


def read_trace(path: Path) -> list[DiskCall]:
    """Return the calls that a process wrote down."""
    return [DiskCall(**json.loads(line)) for line in path.read_bytes().splitlines()]


def after_power_loss(
    before: bytes | None, trace: Sequence[DiskCall], chance: random.Random
) -> bytes | None:
    """Return what a file may have; None: it is not there.

    Args:
        before: What was on the disk before the trace; None: there was no file.
        trace: The calls, in order; a sync is in it only if it ended.
        chance: What decides.
    """
    kept, pending, named = before or b"", list[DiskCall](), before is not None
    for call in trace:
        if call.call == "sync":
            for done in pending:
                kept = done.apply(kept)
            pending.clear()
        elif call.call == "sync directory":
            named = True
        else:
            pending.append(call)
    if not named and chance.random() < 0.5:
        return None
    return _partly(kept, pending, chance)


def _partly(content: bytes, pending: Sequence[DiskCall], chance: random.Random) -> bytes:
    for call in pending:
        fate = chance.choice(("lost", "cut", "kept"))
        if fate == "kept":
            content = call.apply(content)
        elif fate == "cut":
            content = call.cut(content, chance)
    return content
