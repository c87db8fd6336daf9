"""Every exception that users of this package can see, in one tree under ``TwelveLabsError``.

The class says who must act: a caller who passed something wrong (``InvalidArgumentError``), the
platform that refused or failed (``ApiError``), a network that did not answer
(``ApiConnectionError``), the object store (``StorageError``), the file (``SourceError``), or the
journal (``JournalError``). ``upload_file`` raises one ``UploadError``, whose ``__cause__`` is one
of these. Neither the API key nor the signature of a presigned URL is in any text or attribute.
"""

from twelvelabs_async.errors._api import (
    ApiConnectionError as ApiConnectionError,
    ApiError as ApiError,
    ApiTimeoutError as ApiTimeoutError,
    BadGatewayError as BadGatewayError,
    BadRequestError as BadRequestError,
    ConflictError as ConflictError,
    ContentTooLargeError as ContentTooLargeError,
    ForbiddenError as ForbiddenError,
    GatewayTimeoutError as GatewayTimeoutError,
    GoneError as GoneError,
    InternalServerError as InternalServerError,
    InvalidResponseError as InvalidResponseError,
    NotFoundError as NotFoundError,
    ServiceUnavailableError as ServiceUnavailableError,
    TooManyRequestsError as TooManyRequestsError,
    UnauthorizedError as UnauthorizedError,
    UnprocessableEntityError as UnprocessableEntityError,
)
from twelvelabs_async.errors._base import (
    TwelveLabsError as TwelveLabsError,
)
from twelvelabs_async.errors._journal import (
    JournalError as JournalError,
    JournalLostError as JournalLostError,
    UploadInProgressError as UploadInProgressError,
)
from twelvelabs_async.errors._source import (
    SourceChangedError as SourceChangedError,
    SourceError as SourceError,
)
from twelvelabs_async.errors._storage import (
    ChunkCorruptedError as ChunkCorruptedError,
    StorageConnectionError as StorageConnectionError,
    StorageError as StorageError,
)
from twelvelabs_async.errors._uploads import (
    AssetFailedError as AssetFailedError,
    AssetNotReadyError as AssetNotReadyError,
    AssetUnknownError as AssetUnknownError,
    ChunkFailedError as ChunkFailedError,
    IncompleteUploadError as IncompleteUploadError,
    OutcomeUnknownError as OutcomeUnknownError,
    SessionCorruptedError as SessionCorruptedError,
    SessionEndedError as SessionEndedError,
    UploadError as UploadError,
)
from twelvelabs_async.errors._usage import (
    ClientClosedError as ClientClosedError,
    ClientUseError as ClientUseError,
    ConfigurationError as ConfigurationError,
    InvalidArgumentError as InvalidArgumentError,
)

for _kind in tuple(globals().values()):
    if isinstance(_kind, type):
        _kind.__module__ = __name__  # where users find it: in tracebacks, and in pickles
