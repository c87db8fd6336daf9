"""A real file system that hangs when it is told to: one file, served from memory over FUSE.

It speaks the kernel's protocol itself (``linux/fuse.h``, 7.31), for that takes fewer lines than a
library would bring, and it can stop reading from the kernel, which is how a daemon hangs.
"""

import ctypes
import errno
import os
import select
import stat
import struct
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from attrs import Factory, define

NAME = "video.mp4"

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, INIT = 1, 2, 3, 14, 15, 18, 26
WITHOUT_ANSWER = {FORGET, 36, 42}  # also: INTERRUPT, BATCH_FORGET
LARGEST_REQUEST = 2**17 + 2**12
ROOT, FILE = 1, 2
MNT_FORCE, MNT_DETACH = 1, 2


@define(eq=False)
class FuseDisk:
    """A mounted file system with one file.

    Attributes:
        directory: Where it is mounted.
        content: What is in its file.
        hanging: Set when it hangs.
    """

    directory: Path
    content: bytes
    _device: int
    hanging: threading.Event = Factory(threading.Event)
    _hang_after: int | None = None
    _healthy: threading.Event = Factory(threading.Event)

    @property
    def path(self) -> Path:
        """The path of the one file."""
        return self.directory / NAME

    def hang(self, *, after: int) -> None:
        """Answer no request any more once one of a kind was answered.

        They stay in the kernel, so that a process which waits for one can be killed.
        """
        self._hang_after = after

    def come_back(self) -> None:
        """Answer all that was asked meanwhile."""
        self._hang_after = None
        self._healthy.set()

    def serve(self) -> None:
        """Answer the kernel until it is unmounted."""
        while True:
            try:
                request = os.read(self._device, LARGEST_REQUEST)
            except OSError as error:
                if error.errno == errno.ENOENT:  # the request was interrupted
                    continue
                return
            _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
            if opcode not in WITHOUT_ANSWER:
                refusal, answer = self._answer(opcode, node, request[40:])
                head = struct.pack("<IiQ", 16 + len(answer), -refusal, unique)
                with suppress(OSError):  # interrupted, or unmounted
                    os.write(self._device, head + answer)
            if opcode == self._hang_after:
                select.select([self._device], [], [])
                self.hanging.set()
                self._healthy.wait()

    def _answer(self, opcode: int, node: int, body: bytes) -> tuple[int, bytes]:
        if opcode == INIT:
            ahead = struct.unpack_from("<I", body, 8)[0]
            return 0, struct.pack("<IIIIHHII", 7, 31, ahead, 0, 12, 9, 2**17, 1).ljust(64, b"\0")
        if opcode == LOOKUP:
            found = struct.pack("<QQQQII", FILE, 0, 0, 0, 0, 0) + self._attributes(FILE)
            return (0, found) if body == NAME.encode() + b"\0" else (errno.ENOENT, b"")
        if opcode == GETATTR:
            return 0, struct.pack("<QII", 0, 0, 0) + self._attributes(node)
        if opcode == OPEN:
            return 0, struct.pack("<QII", 1, 0, 0)
        if opcode == READ:
            offset, size = struct.unpack_from("<QI", body, 8)
            return 0, self.content[offset : offset + size]
        # also to a close (FLUSH), or the end of a process would wait for a daemon that hangs
        return (0 if opcode == RELEASE else errno.ENOSYS), b""

    def _attributes(self, node: int) -> bytes:
        size = len(self.content) if node == FILE else 0
        mode = stat.S_IFREG | 0o444 if node == FILE else stat.S_IFDIR | 0o555
        return struct.pack("<6Q10I", node, size, 0, 1, 1, 1, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


@contextmanager
def fuse_disk(directory: Path, content: bytes) -> Generator[FuseDisk]:
    """Mount a file system at ``directory``; skip the test where the system does not let us."""
    if sys.platform != "linux" or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("this system has no FUSE, or not for this user")
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    where = os.fsencode(directory)
    if libc.mount(b"test", where, b"fuse", 0, options.encode()):
        os.close(device)
        pytest.skip(f"this user cannot mount: {os.strerror(ctypes.get_errno())}")
    disk = FuseDisk(directory, content, device)
    serving = threading.Thread(target=disk.serve, name="Main FUSE", daemon=True)
    serving.start()
    try:
        yield disk
    finally:
        disk.come_back()
        libc.umount2(where, MNT_FORCE | MNT_DETACH)
        serving.join()
        os.close(device)
