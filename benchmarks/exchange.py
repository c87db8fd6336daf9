"""As much of HTTP/1.1 as the sink in Python needs: heads, bodies to keep or to skip, answers."""

import socket
import ssl
import time

from attrs import Factory, define

BUFFER_BYTES = 256 * 1024
CATCH_UP = 0.05
"""Seconds of silence that a capped connection may make up for."""


@define(eq=False)
class Exchange:
    """One connection and the request that was read from it last.

    Attributes:
        method: ``PUT`` and the like.
        target: Path and query.
        headers: By lower-case name.
        cap: Bytes a second that bodies are taken at; 0: all that come.
    """

    _socket: socket.socket
    method: str = ""
    target: str = ""
    headers: dict[str, str] = Factory(dict[str, str])
    cap: float = 0
    _held: bytearray = Factory(bytearray)
    _scratch: bytearray = Factory(lambda: bytearray(BUFFER_BYTES))
    _due: float = 0.0

    @property
    def origin(self) -> str:
        """What the URLs of this server begin with, as the client sees it."""
        scheme = "https" if isinstance(self._socket, ssl.SSLSocket) else "http"
        return f"{scheme}://{self.headers['host']}"

    def read_head(self) -> bool:
        """Read the next head; False when the client has ended."""
        try:
            first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        except EOFError:
            return False
        self.method, self.target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        return True

    def read_body(self) -> bytes:
        """Read and return the body."""
        self._welcome()
        while len(self._held) < self._length:
            self._held += self._receive()
        return self._cut(self._length)

    def skip_body(self) -> int:
        """Move past the body and return its bytes."""
        self._welcome()
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self._skip(self._length)
        total = 0
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            total += size
            self._skip(size + 2)
        while self._until(b"\r\n"):
            pass
        return total

    def answer(self, body: str, headers: dict[str, str] | None = None) -> None:
        """Send an answer of 200."""
        lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
        head = "\r\n".join(["HTTP/1.1 200 OK", *lines, f"Content-Length: {len(body)}", "", ""])
        self._socket.sendall((head + body).encode())

    @property
    def _length(self) -> int:
        return int(self.headers.get("content-length", "0"))

    def _welcome(self) -> None:
        if "expect" in self.headers:
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _receive(self) -> bytes:
        if not (received := self._socket.recv(BUFFER_BYTES)):
            raise EOFError
        return received

    def _cut(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def _until(self, mark: bytes) -> bytes:
        while (end := self._held.find(mark)) < 0:
            self._held += self._receive()
        return self._cut(end + len(mark))[: -len(mark)]

    def _skip(self, count: int) -> int:
        left = count - len(self._cut(count))
        while left:
            got = self._socket.recv_into(self._scratch, min(left, BUFFER_BYTES))
            if not got:
                raise EOFError
            left -= got
            self._pace(got)
        return count

    def _pace(self, count: int) -> None:
        if self.cap:
            now = time.monotonic()
            self._due = max(self._due, now - CATCH_UP) + count / self.cap
            time.sleep(max(0, self._due - now))
