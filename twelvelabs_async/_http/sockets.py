"""What a connection still holds: our bytes on their way, and the peer's that nobody has read."""

import asyncio
import sys
from typing import Any

from aiohttp.client_proto import ResponseHandler

_INT_BYTES = 4  # of the answer of these calls, a C int

if sys.platform != "win32":
    import fcntl
    import termios

    def kernel_unread(sock: Any) -> int:
        """Return how many received bytes nobody has read yet; 0 when that is unknown."""
        return _ask_kernel(sock, termios.FIONREAD)

    def _ask_kernel(sock: Any, question: int) -> int:
        answer = bytearray(_INT_BYTES)  # with bytes, the call takes twice as long
        try:
            fcntl.ioctl(sock.fileno(), question, answer)
        except (AttributeError, OSError, ValueError):
            return 0
        return int.from_bytes(answer, sys.byteorder)
else:

    def kernel_unread(sock: Any) -> int:
        """Return 0: on this system, nothing is known of a socket's unread bytes."""
        del sock
        return 0


if sys.platform == "linux":

    def kernel_unsent(sock: Any) -> int:
        """Return how many sent bytes the peer has not acknowledged; 0 when that is unknown."""
        return _ask_kernel(sock, termios.TIOCOUTQ)
else:

    def kernel_unsent(sock: Any) -> int:
        """Return 0: on this system, nothing is known of unacknowledged bytes."""
        del sock
        return 0


def holds_answer(protocol: ResponseHandler) -> bool:
    """Whether a connection on which no request was sent holds bytes, or is about to close."""
    transport = protocol.transport
    unread = 0 if transport is None else kernel_unread(transport.get_extra_info("socket"))
    return protocol.should_close or unread > 0


def bytes_unsent(transport: asyncio.Transport) -> int:
    """Return how many bytes have not reached the other side, as far as the system knows.

    It is 0 for a connection that is being closed: its TLS farewell is among the bytes, so that
    their number says nothing about the request.
    """
    if transport.is_closing():
        return 0
    return transport.get_write_buffer_size() + kernel_unsent(transport.get_extra_info("socket"))
