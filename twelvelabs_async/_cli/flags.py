"""What the command line calls the arguments of the library, and the defaults that they share."""

from twelvelabs_async import InvalidArgumentError, TwelveLabsError
from twelvelabs_async._core.call_options import default_of
from twelvelabs_async._upload.options import UploadCall

CONCURRENCY: int = default_of(UploadCall, "max_workers")
"""Chunks of each file under way at once, unless the user says otherwise."""

_FLAGS = {
    "source": "FILE",
    "file": "FILE",
    "url": "--url",
    "filename": "--filename",
    "file_type": "--type",
    "size": "--size",
    "user_metadata": "--metadata",
    "enable_hls": "--hls",
    "enable_thumbnail": "--thumbnail",
    "max_workers": "--concurrency",
    "base_url": "--base-url",
}
"""The flags, by the Python argument that each of them sets."""


_REMEDIES = {
    "filename": "pass another one as --filename",
    "file_type": "pass --type",
    "force": "--force deletes it all the same",
    "resume": "--restart begins anew",
}
"""What the flags do that set the arguments which errors recommend."""


def in_flags(error: TwelveLabsError) -> str:
    """Return the text of an error, with flags where the library names Python arguments."""
    if error.remedy in _REMEDIES:
        return f"{error.without_remedy}; {_REMEDIES[error.remedy]}"
    if isinstance(error, InvalidArgumentError) and error.argument in _FLAGS:
        return f"{_FLAGS[error.argument]} {error.problem}"
    return str(error)
