"""Open files that share a position: members of one archive take turns, others are refused.

An open file may read from another one beneath it, as a member of an archive, a decompressor and a
buffered file do. Two uploads that read from the same file would each move it under the other.
Members of an archive can bear that, since each knows its place in the archive; so they take turns:
a thread holds a lock from the seek to the end of the read. Of everything else, the second upload is
refused; also where a descriptor is a duplicate of another one, or where two archives were opened
over one file.

What lies beneath is seen in Python's own files, and where an attribute of the usual name has it.
It is not seen in an object that hides it, in a file that is read with ``await``, nor in another
process.
"""

import inspect
import io
import itertools
import os
import stat
import threading
from collections.abc import Generator, Hashable
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from attrs import define, field

from twelvelabs_async._upload.source.foreign import caller_code, discard
from twelvelabs_async.errors import SourceError

BENEATH = ("raw", "fileobj", "_fileobj", "_fp", "fp", "buffer", "_file", "file", "stream")
"""Attributes in which an open file has the one that it reads from."""

DEEPEST = 40
"""Files beneath a file that are looked at; a mock has no end."""

TAR_MEMBER = "tarfile", "_FileInFile"
"""The class of what a member of a tar archive reads from."""

ZIP_MEMBER = "zipfile", "_SharedFile"
"""The class of what a member of a ZIP archive reads from."""

ZIP_STORED = 0
"""How a member says that it is not compressed; ``zipfile`` is not imported for it alone."""

_registry = threading.Lock()
_positions = dict[Hashable, list["Position"]]()
"""The positions of all uploads, by ``place``, in the order in which the uploads began."""


@define(eq=False)
class Position:
    """The share that one upload has in a position; made by ``of``, and given back by ``close``.

    ``of``, ``keep_alone`` and ``held`` use objects of the caller's, so they run in a thread.

    Attributes:
        name: What to call the file to a person.
        files: The file, the one that it reads from, and so on.
        place: Equal for all files that might share a position.
        is_pipe: Whether all files of this place share one, as those of a pipe or a socket do.
        takes_turns: Whether all reads of the file are made within ``held``, each after a seek.
        lock: Taken by a thread for each read; the same for all uploads from members of one archive.
    """

    name: str
    files: tuple[Any, ...]
    place: Hashable
    is_pipe: bool
    takes_turns: bool
    lock: threading.Lock = field(factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, name: str, file: Any) -> "Position":
        """Take a share in the position of a file, which is called ``name`` to a person.

        Raises:
            SourceError: Another upload reads from the same file, and they cannot take turns.
        """
        files = _with_those_beneath(file)
        place, is_pipe = _place(files[-1])
        position = cls(name, files, place, is_pipe, _is_seekable(file))
        with _registry:
            others = _positions.get(place, list["Position"]())
            position._refuse_if_disturbed_by(others)
            for other in others:
                if position._shared_with(other) is not None:
                    position.lock = other.lock
            _positions[place] = [*others, position]
        return position

    def keep_alone(self) -> None:
        """Refuse all others from now on, since reads are not made within ``held`` after all.

        Raises:
            SourceError: Another upload reads from the same file already.
        """
        with caller_code(f"cannot look at {self.name}"), _registry:
            self.takes_turns = False
            self._refuse_if_disturbed_by(_positions.get(self.place, []))

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep others from what lies beneath, for the ``with`` block, which seeks and reads."""
        with self.lock, ExitStack() as stack:
            stored = [at for above, at in _pairs(self.files) if _is_stored_in_zip(above, at)]
            for member in stored:  # so that the caller, too, reads no other member meanwhile
                stack.enter_context(_zip_lock(member))
            for member in reversed(stored):
                # Until 3.13, a seek goes on from wherever another member has left the archive.
                member.seek(member.tell())
            yield

    def close(self) -> None:
        """Give the share back."""
        with _registry:
            left = [one for one in _positions.pop(self.place, []) if one is not self]
            if left:
                _positions[self.place] = left

    def _refuse_if_disturbed_by(self, others: "list[Position]") -> None:
        if any(other is not self and self._is_disturbed_by(other) for other in others):
            raise SourceError(
                f"{self.name} shares its position with a file that is being uploaded already; "
                "open it a second time"
            )

    def _is_disturbed_by(self, other: "Position") -> bool:
        shared = self._shared_with(other)
        if shared is None:
            return self.is_pipe or _are_duplicates(self.files[-1], other.files[-1])
        archive = _archive_of(self, shared)
        return archive is None or archive != _archive_of(other, shared)

    def _shared_with(self, other: "Position") -> Any:
        """Return the uppermost file that both read from; None: there is none."""
        both = (file for file in self.files if any(file is its for its in other.files))
        return next(both, None)


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


def _pairs(files: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Return each file but the first, after the one that reads from it; the uppermost first."""
    return list(itertools.pairwise(files))


def _archive_of(position: Position, file: object) -> Hashable:
    """Return what all members of the archive in ``file`` have in common.

    None: the upload reads from it in another way than through a member, in turns.
    """
    for above, at in _pairs(position.files):
        if at is file and position.takes_turns:
            if _class_of(above) == ZIP_MEMBER:
                return ZIP_MEMBER, id(_zip_lock(above))
            return TAR_MEMBER if _class_of(above) == TAR_MEMBER else None
    return None


def _is_stored_in_zip(above: Any, at: Any) -> bool:
    """Whether a member of a ZIP archive is not compressed, so that a seek moves the archive."""
    is_stored = getattr(above, "_compress_type", None) == ZIP_STORED
    return is_stored and _class_of(at) == ZIP_MEMBER


def _zip_lock(member: Any) -> threading.RLock:
    """Return the lock that each read of a member of the archive takes."""
    lock: threading.RLock = member._lock  # noqa: SLF001 - there is no public way to it
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


def _place(last: Any) -> tuple[Hashable, bool]:
    """Return ``place`` and ``is_pipe`` of files above this one: by device and inode, if it can."""
    if isinstance(last, io.RawIOBase | io.BufferedIOBase):
        with suppress(Exception):  # in memory, or without any such method
            status = os.fstat(last.fileno())
            has_own_position = stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode)
            if status.st_ino:  # Windows knows none of a pipe
                return (status.st_dev, status.st_ino), not has_own_position
    return id(last), False


def _are_duplicates(one: Any, other: Any) -> bool:
    """Whether two files on a disk have descriptors of which one is a duplicate of the other.

    Then they have their flags in common, and one that is set here is found there. Reads of a file
    on a disk take no notice of the one that is chosen.
    """
    with suppress(Exception):  # they have no descriptors, or are closed by now
        mine, its = one.fileno(), other.fileno()
        before = os.get_blocking(mine)
        if before == os.get_blocking(its):
            try:
                os.set_blocking(mine, not before)
                return os.get_blocking(its) != before
            finally:
                os.set_blocking(mine, before)
    return False


def _forget_all() -> None:
    """Begin anew in a forked process: the threads that hold locks have stayed in its parent."""
    global _registry  # noqa: PLW0603
    _registry = threading.Lock()
    _positions.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
