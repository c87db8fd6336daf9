"""What an object that is uploaded says of itself: its name, and where it was opened."""

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from twelvelabs_async._upload.source.file import absolute


def own_name(data: object) -> str | None:
    """Return the name of a web framework's file, or of an open one; None: it has none."""
    for attribute in ("filename", "name"):
        with suppress(Exception):  # a name is not worth a failure
            name: Any = getattr(data, attribute, None)  # that of a bare descriptor is a number
            if isinstance(name, str | bytes | os.PathLike):
                text = Path(os.fsdecode(cast("str | bytes | os.PathLike[str]", name))).name
                if text and not (text.startswith("<") and text.endswith(">")):  # <stdin>, <fdopen>
                    return text
    return None


def path_opened(data: object) -> Path | None:
    """Return the path of one of Python's own open files; None: it is none, or has no path."""
    name: object = None
    if isinstance(data, io.FileIO | io.BufferedReader | io.BufferedRandom):
        with suppress(Exception):  # a member of an archive, and a file of a socket, have no name
            name = data.name
            if isinstance(name, str | bytes | os.PathLike):  # that of a bare descriptor is a number
                return absolute(Path(os.fsdecode(cast("str | bytes | os.PathLike[str]", name))))
    return None
