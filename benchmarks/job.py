"""What one client is asked to upload, and how; handed to its process in a file of JSON."""

import json
from pathlib import Path
from typing import Any, Self

from attrs import asdict, frozen

SENT_BEFORE = ("alone", "beside")
"""Variants that send their file once before they are measured: nothing is new to the client then,
and what is compared is the streams alone."""


@frozen
class Job:
    """One measurement of one client.

    Attributes:
        origin: What the sink's URLs begin with.
        paths: The files to upload.
        chunk_size: Bytes of a chunk; for ours and the official SDK, the sink decides.
        workers: Connections that one file may use.
        variant: How the client is set, in words of its own; empty: as usual.
    """

    origin: str
    paths: tuple[Path, ...]
    chunk_size: int
    workers: int
    variant: str = ""

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps({**asdict(self), "paths": [str(path) for path in self.paths]})

    @classmethod
    def load(cls, text: str) -> Self:
        """Read it from JSON."""
        values: dict[str, Any] = json.loads(text)
        values["paths"] = tuple(map(Path, values["paths"]))
        return cls(**values)
