"""The open file within a file of a web framework or of aiofiles: it can be read anywhere.

Starlette (and so FastAPI) and aiohttp keep what a form has brought in an open file, which
they show as ``file``; a file of aiofiles has the one that it reads in threads. It is used only
where the reading method is the library's own: another class may decrypt or count what it reads.
"""

import inspect
from contextlib import suppress
from typing import Any

OPEN_FILES = {
    "aiofiles": "_file",
    "aiohttp": "file",
    "fastapi": "file",
    "starlette": "file",
}
"""In which attribute files of a library have an open file."""


def file_within(data: object) -> object:
    """Return the open file within a library's file; of anything else, ``data`` itself."""
    reader: object = getattr(type(data), "read", type(data))
    library = str(getattr(reader, "__module__", None)).partition(".")[0]
    if library in OPEN_FILES and "read" not in getattr(data, "__dict__", ()):
        with suppress(Exception):  # it may be closed, or another kind of object
            found: Any = getattr(data, OPEN_FILES[library])
            if not inspect.iscoroutinefunction(found.read) and callable(found.seek):
                return found
    return data
