"""Errors of what is uploaded: a file, or another source of bytes."""

from twelvelabs_async.errors._base import TwelveLabsError


class SourceError(TwelveLabsError):
    """The file cannot be read, or is not one that can be uploaded.

    Attributes:
        chunk_index: The chunk that was being read, from 1; None where no chunk was.
        retryable: Whether another attempt, later, may succeed without any change.
    """

    def __init__(
        self, message: str, *, chunk_index: int | None = None, retryable: bool = False
    ) -> None:
        self.chunk_index = chunk_index
        self.retryable = retryable
        super().__init__(message)


class SourceChangedError(SourceError):
    """The file was changed during its upload, so that the stored chunks may not be of one file.

    It is ``retryable`` where only its times are known to have changed (it was touched, renamed,
    restored, or written to), and no stored chunk can be compared with it.
    """
