"""Open files that share a position: members of one archive take turns, others are refused.

An open file may read from another one beneath it, as a member of an archive, a decompressor and a
buffered file do. Two uploads that read from one and the same file would each move it under the
other. Members of an archive can bear that, since each goes to its place whenever it is read; so
they take turns: a thread holds a lock from the seek to the end of the read. Of everything else,
the second upload is refused. That holds for descriptors, too, where one is a duplicate of the
other.

What lies beneath is seen in Python's own files, and where an attribute of the usual name has it.
It is not seen in an object that hides it, in a file that is read with ``await``, nor in another
process.
"""

import inspect
import io
import os
import stat
import threading
from collections.abc import Generator, Hashable, Iterable
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from attrs import Factory, define, field, frozen

from twelvelabs_async._upload.source.foreign import discard
from twelvelabs_async.errors import SourceError

BENEATH = ("raw", "fileobj", "_fileobj", "_fp", "fp", "buffer", "_file", "file", "stream")
"""Attributes in which an open file has the one that it reads from."""

DEEPEST = 10
"""Files above each other that are looked at; a mock has no end."""

TAR_MEMBER = "tarfile", "_FileInFile"

ZIP_MEMBER = "zipfile", "_SharedFile"
"""Reads under a lock of the archive, which the caller's own reads of other members hold, too."""


@define(eq=False)
class _Group:
    """Uploads whose files have the same one, or the same place on a disk, beneath all others.

    Attributes:
        lock: What a thread holds while it moves one of the files, or reads.
        members: The uploads, in the order in which they began.
    """

    lock: threading.Lock = Factory(threading.Lock)
    members: "list[Position]" = Factory(list["Position"])


@frozen
class _Place:
    """Where the last of several files beneath each other is.

    Attributes:
        key: Device and inode; what the file is itself, if it has no descriptor.
        is_pipe: Whether whoever opens it again has the same position: a pipe, or a socket.
    """

    key: Hashable
    is_pipe: bool

    @classmethod
    def of(cls, file: Any) -> "_Place":
        """Look at a file, which may have to wait for a disk."""
        if isinstance(file, io.RawIOBase | io.BufferedIOBase):
            with suppress(Exception):  # in memory, or without any such method
                status = os.fstat(file.fileno())
                return cls((status.st_dev, status.st_ino), not stat.S_ISREG(status.st_mode))
        return cls(id(file), is_pipe=False)


_groups = dict[Hashable, _Group]()
_registry = threading.Lock()


@define(eq=False)
class Position:
    """The share that one upload has in a position; made by ``of``, and given back by ``close``.

    All but ``close`` looks at objects of the caller's: in a thread, and within ``caller_code``.

    Attributes:
        name: What to call the file to a person.
        files: The file, the one that it reads from, and so on.
        takes_turns: Whether all reads of it are made within ``held``, after a seek.
        place: Where the last of them is.
    """

    name: str
    files: tuple[Any, ...]
    takes_turns: bool
    place: _Place
    _group: _Group = field(factory=_Group, repr=False)

    @classmethod
    def of(cls, name: str, file: Any) -> "Position":
        """Take a share in the position of a file, which is called ``name`` to a person.

        Raises:
            SourceError: Another upload reads what this one would read, and they cannot take turns.
        """
        files = _with_those_beneath(file)
        position = cls(name, files, _is_seekable(file), _Place.of(files[-1]))
        with _registry:
            position._group = _groups.get(position.place.key, position._group)
            before = position._group.members.copy()
            position._refuse_if(position._disturbs(other) for other in before)
            position._group.members.append(position)
            _groups[position.place.key] = position._group
        try:
            with position.held():
                position._refuse_if(position._has_descriptor_of(other) for other in before)
        except BaseException:
            position.close()
            raise
        return position

    def keep_alone(self) -> None:
        """Have what lies beneath to itself, since reads are not made within ``held`` after all.

        Raises:
            SourceError: Another upload reads from it, too.
        """
        with _registry:
            self.takes_turns = False
            others = [other for other in self._group.members if other is not self]
            self._refuse_if(self._disturbs(other) for other in others)

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep others from what lies beneath for the ``with`` block, which seeks, and reads."""
        with self._group.lock:
            yield

    def close(self) -> None:
        """Give the share back."""
        with _registry:
            self._group.members.remove(self)
            if not self._group.members:
                _groups.pop(self.place.key, None)  # a forked process has none

    def _disturbs(self, other: "Position") -> bool:
        """Whether both read from one file, and not as members of one archive."""
        shared = [file for file in self.files if any(file is its for its in other.files)]
        if not shared:
            return self.place.is_pipe
        archive = _archive_at(shared[0], self)
        return archive is None or archive != _archive_at(shared[0], other)

    def _has_descriptor_of(self, other: "Position") -> bool:
        """Whether a move of the last descriptor moves the other's, though their files differ."""
        mine, its = self.files[-1], other.files[-1]
        if mine is its or not isinstance(mine, io.FileIO) or not isinstance(its, io.FileIO):
            return False
        with suppress(OSError, ValueError), ExitStack() as stack:  # one may be closed by now
            for file in self.files:
                if _class_of(file) == ZIP_MEMBER:
                    stack.enter_context(_lock_of(file))
            return _are_moved_together(mine.fileno(), its.fileno())
        return False

    def _refuse_if(self, outcomes: Iterable[bool]) -> None:
        if any(outcomes):
            raise SourceError(
                f"{self.name} is read from where another file that is being uploaded already "
                "stands, or the other way round; open it a second time"
            )


def _with_those_beneath(file: Any) -> tuple[Any, ...]:
    files = [file]
    while len(files) <= DEEPEST and (beneath := _beneath(files[-1])) is not None:
        files.append(beneath)
    return tuple(files)


def _beneath(file: Any) -> Any:
    """Return the open file that another one reads from; None: there is none to be seen."""
    for attribute in BENEATH:
        with suppress(Exception):
            found: Any = getattr(file, attribute, None)
            if found is not None and found is not file and callable(found.read):
                return found
    return None


def _archive_at(shared: object, position: Position) -> Hashable:
    """Return what all members of the archive in ``shared`` have in common.

    None: a position does not reach it through a member, or not within ``held``.
    """
    above = next(place for place, file in enumerate(position.files) if file is shared) - 1
    if above < 0 or not position.takes_turns:
        return None
    member = position.files[above]
    kind = _class_of(member)
    if kind == ZIP_MEMBER:
        return kind, id(_lock_of(member))
    return kind if kind == TAR_MEMBER else None


def _lock_of(zip_member: Any) -> threading.RLock:
    lock: threading.RLock = zip_member._lock  # noqa: SLF001 - there is no public way to it
    return lock


def _class_of(file: object) -> tuple[str, str]:
    return type(file).__module__, type(file).__name__


def _is_seekable(file: Any) -> bool:
    with suppress(Exception):
        seekable: object = file.seekable()
        if inspect.isawaitable(seekable):
            discard(seekable)
        return seekable is True
    return False


def _are_moved_together(one: int, other: int) -> bool:
    """Whether two descriptors have one position, which is left as it was."""
    here = os.lseek(one, 0, os.SEEK_CUR)
    if here != os.lseek(other, 0, os.SEEK_CUR):
        return False
    try:
        os.lseek(one, here + 1, os.SEEK_SET)
        return os.lseek(other, 0, os.SEEK_CUR) == here + 1
    finally:
        os.lseek(one, here, os.SEEK_SET)


def _forget_all() -> None:
    """Begin anew in a forked process: the threads that hold locks have stayed in its parent."""
    global _registry  # noqa: PLW0603
    _registry = threading.Lock()
    _groups.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
