"""An upload session on the platform, and what makes one valid."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from twelvelabs_async._http.request import FRAMING, checked_headers, path_segment
from twelvelabs_async._upload.plan.slices import Slices, agreed_slices
from twelvelabs_async.errors import InvalidArgumentError

_OF_A_PUT = {**FRAMING, "host": "the presigned URL decides it"}


@frozen
class UploadSession:
    """A session on the platform.

    Attributes:
        upload_id: Its name.
        chunk_size: Bytes in each chunk but the last, which may be smaller.
        total_chunks: How many chunks.
        total_size: Bytes of the file.
        asset_id: The asset that it will make; None: a report will name it.
        upload_headers: Headers to send with every PUT; the platform names them once, when it opens
            the session.
        expires_at: When it ends; None if the platform did not say.
    """

    upload_id: str
    chunk_size: int
    total_chunks: int
    total_size: int
    asset_id: str | None = None
    upload_headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    expires_at: datetime | None = None


def check_session(session: UploadSession) -> Slices:
    """Return the slices of a valid session, whether the platform or a journal named it.

    Raises:
        ValueError: Its sizes contradict each other, its ids would lead to another endpoint, or its
            headers cannot be sent with a PUT.
    """
    _check_id("upload_id", session.upload_id)
    if session.asset_id is not None:
        _check_id("asset_id", session.asset_id)
    try:
        checked_put_headers("upload_headers", session.upload_headers)
    except InvalidArgumentError as error:
        problem = f"$.{error}"
        raise ValueError(problem) from None
    return agreed_slices(session.total_size, session.chunk_size, session.total_chunks)


def checked_put_headers(argument: str, headers: object) -> Mapping[str, str]:
    """Return a copy of headers, from the caller or the platform, that a PUT can carry.

    Raises:
        InvalidArgumentError: As of ``checked_headers``, and for a ``Host``: it would lead to
            another bucket or server than the one that the URL is signed for.
    """
    return checked_headers(argument, headers, reserved=_OF_A_PUT)


def _check_id(name: str, value: str) -> None:
    try:
        path_segment(value, name)
    except InvalidArgumentError as error:
        problem = f"$.{name}: {error}"
    else:
        return
    raise ValueError(problem)
