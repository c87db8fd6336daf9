"""Open files that share a position, such as members of one archive: read one at a time.

Whoever reads one of them moves the others; so do a duplicated descriptor, and a file and its
``raw``. Those that go to their place before each read take turns: a thread holds a lock from the
seek to the end of the read. The lock is that of the file beneath all of them, which is known by
device and inode where it has a descriptor; so files that were opened twice take turns, too, though
they need not. What reads on from where the file beneath stands, as a decompressor does, has that
to itself, and so has a pipe: another one is refused. So is an archive while a member of it is
uploaded, and a member while its archive is.

What lies beneath is seen in Python's own files, and where an attribute of the usual name has it.
It is not seen in an object that hides it, in a file that is read with ``await``, beneath a
decompressor if its descriptor was duplicated, nor in another process.
"""

import io
import os
import stat
import threading
from collections.abc import Generator, Hashable
from contextlib import contextmanager, suppress
from typing import IO, Any

from attrs import Factory, define, frozen

from twelvelabs_async.errors import SourceError

BENEATH = ("raw", "fileobj", "_fileobj", "_fp", "fp", "buffer", "_file", "file", "stream")
"""Attributes in which an open file has the one that it reads from."""

DEEPEST = 10
"""Files above each other that are looked at; a mock has no end."""

ZIP_MEMBER = "zipfile", "_SharedFile"
"""Reads under a lock of the archive, which the caller's own reads of other members hold, too."""

TAR_MEMBER = "tarfile", "_FileInFile"
"""Goes to its place in the archive at each read; the archive itself is in no upload meanwhile."""

GO_TO_THEIR_PLACE = {
    ("tarfile", "ExFileObject"),
    TAR_MEMBER,
    ("zipfile", "ZipExtFile"),
    ZIP_MEMBER,
    ("tempfile", "SpooledTemporaryFile"),
    ("tempfile", "_TemporaryFileWrapper"),
}
"""Classes whose reads seek in the file beneath, at least after a seek in themselves."""


_BUFFERED = io.BufferedReader, io.BufferedRandom


@define(eq=False)
class _Route:
    """How the reads of an open file reach the last one beneath it.

    Attributes:
        last: That file.
        holder: The one that has its position, as the caller sees it: itself, or its buffer.
        buffers: Buffered files on the way, which would not notice that what is beneath has moved.
        shares_with: What else may have the same last file: None: all that go to their place at
            each read, as this does. Else what lies beneath is read from where it stands, or under
            another lock, and by whom: whoever comes the same way.
    """

    last: Any
    holder: Any
    buffers: list[Any] = Factory(list[Any])
    shares_with: Hashable = None

    @classmethod
    def of(cls, file: Any) -> "_Route":
        """Look at what lies beneath a file."""
        route = cls(file, file)
        at: Any
        for _ in range(DEEPEST):
            at = route.last
            beneath = _beneath(at)
            if beneath is None:
                break
            kind = type(at).__module__, type(at).__name__
            is_known = kind in GO_TO_THEIR_PLACE
            if kind == ZIP_MEMBER and route.shares_with is None:
                route.shares_with = id(getattr(at, "_lock", at)), "the archive's own lock"
            if kind == TAR_MEMBER and route.shares_with is None:
                route.shares_with = id(beneath), "members of one archive"
            is_raw = isinstance(beneath, io.FileIO)
            is_buffer = is_raw and (is_known or issubclass(type(at), _BUFFERED))
            if route.shares_with is None:
                if is_buffer or kind == ("tarfile", "ExFileObject"):
                    route.buffers.append(at)
                elif not is_known:
                    route.shares_with = id(at), at is file
            route.last = beneath
            route.holder = at if is_buffer else beneath
        return route


@frozen(eq=False)
class _Keys:
    """What identifies a file, the last one beneath others.

    Attributes:
        turns: Those that have it in common take turns.
        position: Those that have it in common surely have one position.
    """

    turns: Hashable
    position: Hashable

    @classmethod
    def of(cls, file: Any) -> "_Keys":
        """Identify a file."""
        if isinstance(file, io.RawIOBase | io.BufferedIOBase):
            with suppress(Exception):  # in memory, or without any such method
                status = os.fstat(file.fileno())
                known = status.st_dev, status.st_ino
                return cls(known, id(file) if stat.S_ISREG(status.st_mode) else known)
        return cls(id(file), id(file))


@define(eq=False)
class _Turns:
    """Uploads whose files lead to the same one.

    Attributes:
        lock: What the thread that reads holds.
        members: The uploads.
        homes: By ``id``, files that have a position, and where the caller has left them.
    """

    lock: threading.Lock = Factory(threading.Lock)
    members: "list[Position]" = Factory(list["Position"])
    homes: dict[int, tuple[IO[bytes], int]] = Factory(dict[int, tuple[IO[bytes], int]])


_all_turns = dict[Hashable, _Turns]()
_registry = threading.Lock()


@define(eq=False)
class Position:
    """The share that one upload has in a position; made by ``of``, and given back by ``close``.

    All but ``close`` looks at objects of the caller's: in a thread, and within ``caller_code``.

    Attributes:
        name: What to call the file to a person.
        route: How its reads reach the last file beneath it.
        keys: What identifies that one.
        turns: The uploads whose files lead to it.
        alone: Whether all others are kept from it.
    """

    name: str
    route: _Route
    keys: _Keys
    turns: _Turns
    alone: bool = False

    @classmethod
    def of(cls, name: str, file: object) -> "Position":
        """Take a share in the position of a file, which is called ``name`` to a person.

        Raises:
            SourceError: Another upload reads what lies beneath from where it stands.
        """
        route = _Route.of(file)
        keys = _Keys.of(route.last)
        with _registry:
            turns = _all_turns.get(keys.turns, _Turns())
            position = cls(name, route, keys, turns)
            for other in position._others():
                if other.alone or other.route.shares_with != route.shares_with:
                    raise position._is_taken()
            turns.members.append(position)
            _all_turns[keys.turns] = turns
        return position

    def keep_alone(self) -> None:
        """Keep all others from it, for the file cannot be sought in.

        Raises:
            SourceError: Another upload has done so before.
        """
        with _registry:
            if any(other.alone for other in self._others()):
                raise self._is_taken()
            self.alone = True

    @contextmanager
    def as_found(self) -> Generator[None]:
        """Have the file where the caller left it, for the ``with`` block, and to ourselves."""
        holder: Any = self.route.holder
        homes = self.turns.homes
        with self.turns.lock:
            if self.route.shares_with is None:
                for file, home in homes.values():
                    with suppress(Exception):  # it may be closed by now
                        _forget_place(file)
                        file.seek(home)
                with suppress(Exception):  # it may have none
                    homes.setdefault(id(holder), (holder, holder.tell()))
            yield

    @contextmanager
    def held(self) -> Generator[None]:
        """Have it to ourselves for the ``with`` block, which seeks before it reads."""
        with self.turns.lock:
            for file in self.route.buffers:
                _forget_place(file)
            yield

    def close(self) -> None:
        """Give the share back."""
        with _registry:
            self.turns.members.remove(self)
            if all(one.route.holder is not self.route.holder for one in self.turns.members):
                self.turns.homes.pop(id(self.route.holder), None)  # it is the caller's again
            if not self.turns.members:
                del _all_turns[self.keys.turns]

    def _others(self) -> "list[Position]":
        """Return the others that surely have the same position."""
        same, members = self.keys.position, self.turns.members
        return [one for one in members if one is not self and one.keys.position == same]

    def _is_taken(self) -> SourceError:
        return SourceError(
            f"{self.name} is read from where another file that is being uploaded already stands, "
            "or the other way round; open it a second time"
        )


def _beneath(file: Any) -> Any:
    """Return the open file that another one reads from; None: there is none to be seen."""
    for attribute in BENEATH:
        with suppress(Exception):
            found: Any = getattr(file, attribute, None)
            if found is not None and found is not file and callable(found.read):
                return found
    return None


def _forget_place(file: IO[bytes]) -> None:
    """Have a buffered file ask where the one beneath stands; a seek from the end makes it."""
    file.seek(0, os.SEEK_END)


def _forget_all() -> None:
    """Begin anew in a forked process: the threads that hold locks have stayed in its parent."""
    global _registry  # noqa: PLW0603
    _registry = threading.Lock()
    _all_turns.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
