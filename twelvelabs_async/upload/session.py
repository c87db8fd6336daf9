"""An upload session, as far as an upload needs to know it; what it has in common with others."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen


@frozen
class Session:
    """A session on the platform.

    Attributes:
        upload_id: Its name.
        chunk_size: Bytes in each chunk but the last, which may be smaller.
        total_chunks: How many chunks.
        total_size: Bytes of the file.
        asset_id: The asset that it will make; None where only a report will tell.
        upload_headers: Headers to send with every PUT; told once, when it is opened.
        expires_at: When it ends; None if the platform did not say.
    """

    upload_id: str
    chunk_size: int
    total_chunks: int
    total_size: int
    asset_id: str | None = None
    upload_headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    expires_at: datetime | None = None
