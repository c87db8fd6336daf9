"""Recognise MD5s, which the ETags of some object stores are. Pure."""

import re

ENOUGH_MISMATCHES = 8
"""Chunks whose ETags are not the MD5s of their bytes, and none is, after which a store's ETags are
taken to be no MD5s. Fewer than a usual batch, so that reports are not held up, nor much of a large
file read again, where nothing can be learned."""

_MD5 = re.compile("[0-9a-f]{32}")


def is_md5(text: str) -> bool:
    """Whether a lower-case ETag may be an MD5: other things have that length, too."""
    return _MD5.fullmatch(text) is not None
