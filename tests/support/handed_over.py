"""Files of every kind that users hand over: what is read anywhere, as often as wanted."""

import io
import mmap
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiofiles.threadpool import wrap
from aiohttp import web
from attrs import frozen
from fastapi import UploadFile as FastApiFile
from multidict import CIMultiDict, CIMultiDictProxy
from starlette.datastructures import UploadFile as StarletteFile

from support.open_files import kept


@frozen
class BytesOnDisk:
    """The same bytes in memory and on the disk.

    Attributes:
        data: The bytes.
        path: A file of them.
        archive: A tar of that file, as ``a.mp4``, among others.
    """

    data: bytes
    path: Path
    archive: Path

    @classmethod
    def of(cls, data: bytes, directory: Path) -> "BytesOnDisk":
        """Write the bytes to a directory, once for all tests that ask for them."""
        stored = cls(data, directory / f"{len(data)}.mp4", directory / f"{len(data)}.tar")
        if not stored.path.exists():
            stored.path.write_bytes(data)
            with tarfile.open(stored.archive, "w") as archive:
                for name in ("before", "a.mp4", "after"):
                    archive.add(stored.path if name == "a.mp4" else __file__, name)
        return stored

    def file(self) -> Any:
        """Open the file."""
        return kept(self.path.open("rb"))

    def member(self) -> Any:
        """Open the archive, and return what it has of ``a.mp4``."""
        return kept(kept(tarfile.open(self.archive)).extractfile("a.mp4"))

    def mapped(self) -> Any:
        """Map the file into memory."""
        return kept(mmap.mmap(self.file().fileno(), 0, access=mmap.ACCESS_READ))

    def field(self) -> Any:
        """Return what aiohttp makes of a form's file."""
        headers = CIMultiDictProxy(CIMultiDict[str]())
        return web.FileField("file", "a.mp4", self.file(), "video/mp4", headers)


class OwnPath:
    """A path of a class of the user's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


FILES: dict[str, Callable[[BytesOnDisk], Any]] = {
    "path": lambda stored: stored.path,
    "text path": lambda stored: str(stored.path),
    "own path": lambda stored: OwnPath(stored.path),
    "bytes": lambda stored: stored.data,
    "bytearray": lambda stored: bytearray(stored.data),
    "memoryview": lambda stored: memoryview(stored.data),
    "open file": BytesOnDisk.file,
    "BytesIO": lambda stored: io.BytesIO(stored.data),
    "aiofiles": lambda stored: wrap(stored.file()),
    "FastAPI": lambda stored: FastApiFile(stored.file(), filename="a.mp4"),
    "Starlette": lambda stored: StarletteFile(stored.file(), filename="a.mp4"),
    "aiohttp field": BytesOnDisk.field,
    "tar member": BytesOnDisk.member,
    "mmap": BytesOnDisk.mapped,
}
"""What is read anywhere, as often as wanted, by us."""
