"""How many bytes a stream has, where the object itself says it.

The attribute is ``size``; a response of ``http.client``, as ``urllib`` gives it, has ``length``,
the bytes that are left of it. Objects have such names for other things, too: what is no whole
number from 1 on is no size.
"""

from contextlib import suppress
from typing import Any

from twelvelabs_async._upload.source.foreign import caller_code, discard
from twelvelabs_async._upload.source.pipes import has_read_under_way
from twelvelabs_async.errors import TwelveLabsError


def own_size(data: object) -> int | None:
    """Return the bytes that an object says it has left, if it is a stream; None: it does not say.

    Nothing is raised: an attribute that cannot be read says nothing.
    """
    if has_read_under_way(data):
        return None  # what a cancelled upload was reading comes first, and may be counted or not
    reader: object = getattr(type(data), "read", None)
    attribute = "length" if getattr(reader, "__module__", None) == "http.client" else "size"
    with suppress(TwelveLabsError), caller_code("cannot look at its size"):
        size: Any = getattr(data, attribute, None)
        discard(size)
        if isinstance(size, int) and not isinstance(size, bool) and size > 0:
            return int(size)
    return None
