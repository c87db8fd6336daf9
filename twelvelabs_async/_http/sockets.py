"""What a socket still holds: bytes of ours on their way, and bytes of the peer that nobody read."""

import sys
from typing import Any

_NUMBER = bytes(4)  # room for one, of the size that these questions are answered with

if sys.platform != "win32":
    import fcntl
    import termios

    def kernel_unread(sock: Any) -> int:
        """Return the bytes in a socket that nobody has read yet; 0 when that is unknown."""
        return _asked(sock, termios.FIONREAD)

    def _asked(sock: Any, question: int) -> int:
        try:
            answer = fcntl.ioctl(sock.fileno(), question, _NUMBER)
        except (AttributeError, OSError, ValueError):
            return 0
        return int.from_bytes(answer, sys.byteorder)
else:

    def kernel_unread(sock: Any) -> int:
        """Return 0: this system is not asked what a socket holds."""
        del sock
        return 0


if sys.platform == "linux":

    def kernel_unsent(sock: Any) -> int:
        """Return the bytes that a socket's peer has not acknowledged; 0 when that is unknown."""
        return _asked(sock, termios.TIOCOUTQ)
else:

    def kernel_unsent(sock: Any) -> int:
        """Return 0: this system does not tell what a socket's peer has not acknowledged."""
        del sock
        return 0
