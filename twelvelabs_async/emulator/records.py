"""The emulator's records of uploads and assets: values only, no rules of any endpoint.

A ``Chunk`` is frozen and replaced whole. An ``Upload`` and a ``StoredAsset`` are changed in place,
by ``platform.py``, ``store.py`` and ``asset_rules.py`` only, never across an await.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from attrs import Factory, define, frozen

Method = Literal["direct", "url", "multipart"]
Ending = Literal["failed", "expired", "gone"]


@frozen
class Stored:
    """A chunk's bytes, as the object store has them: bare ETag, size in bytes."""

    etag: str
    size: int


@frozen
class Chunk:
    """Where one chunk stands. ``serial`` is that of its newest URL, 0 before the first one.

    ``flaw`` is what the platform finds wrong with it once it is reported; None: nothing.
    """

    serial: int = 0
    used: bool = False
    stored: Stored | None = None
    reported_at: datetime | None = None
    flaw: str | None = None

    @property
    def counted(self) -> bool:
        """Whether it was reported and found good."""
        return self.reported_at is not None and self.flaw is None

    @property
    def failed(self) -> bool:
        """Whether it was reported and found bad."""
        return self.reported_at is not None and self.flaw is not None


UNTOUCHED = Chunk()


@define
class Upload:
    """One upload session and the asset that it makes. Sizes are bytes, chunks count from 1."""

    upload_id: str
    asset_id: str
    filename: str
    kind: str
    total_size: int
    chunk_size: int
    user_metadata: Mapping[str, object] | None
    upload_headers: Mapping[str, str]
    created_at: datetime
    expires_at: datetime
    updated_at: datetime
    chunks: dict[int, Chunk] = Factory(dict[int, Chunk])
    failed: bool = False

    @property
    def total_chunks(self) -> int:
        """Return the number of chunks, the last of which may be smaller."""
        return -(-self.total_size // self.chunk_size)

    @property
    def reported(self) -> list[int]:
        """Return the indexes of the chunks that were reported and found good."""
        return [index for index, chunk in self.chunks.items() if chunk.counted]

    @property
    def chunks_failed(self) -> int:
        """Return how many chunks were reported and found bad."""
        return sum(chunk.failed for chunk in self.chunks.values())

    @property
    def uploaded_size(self) -> int:
        """Return the bytes of the chunks that were reported."""
        return sum(self.size_of(index) for index in self.reported)

    @property
    def completed(self) -> bool:
        """Whether every chunk was reported."""
        return len(self.reported) == self.total_chunks

    def chunk(self, index: int) -> Chunk:
        """Return where the chunk stands."""
        return self.chunks.get(index, UNTOUCHED)

    def size_of(self, index: int) -> int:
        """Return the exact size in bytes that the chunk must have."""
        return min(self.chunk_size, self.total_size - (index - 1) * self.chunk_size)

    def status(self, now: datetime) -> str:
        """Return the session's status word at ``now``; only a fault makes it ``failed``."""
        if self.completed:
            return "completed"
        if self.failed:
            return "failed"
        return "expired" if now >= self.expires_at else "active"


@frozen
class Sound:
    """The header of a WAV file: frames a second (``rate``), bytes a sample (``width``)."""

    channels: int
    rate: int
    width: int
    frames: int

    @property
    def seconds(self) -> float:
        """Return how long it lasts."""
        return self.frames / self.rate


@define(kw_only=True)
class StoredAsset:
    """One asset, however it came. Its bytes are the files ``<folder>/1`` to ``<folder>/<pieces>``.

    ``received_at`` is when the platform had the whole file; None: not yet. ``references`` counts
    the indexed assets that keep it from being deleted.
    """

    asset_id: str
    method: Method
    filename: str
    file_type: str
    size: int
    folder: str
    pieces: int
    created_at: datetime
    received_at: datetime | None = None
    enable_hls: bool = False
    enable_thumbnail: bool = False
    user_metadata: dict[str, object] = Factory(dict[str, object])
    sound: Sound | None = None
    references: int = 0

    @property
    def kind(self) -> str:
        """Return ``video``, ``audio`` or ``image``, as the MIME type says; else ``document``."""
        family = self.file_type.partition("/")[0]
        return family if family in {"video", "audio", "image"} else "document"
