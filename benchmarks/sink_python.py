"""The sink where there is no C compiler: a thread a connection, somewhat dearer.

``native/sink.c`` says what it speaks and how it is set; this is the same in Python.
"""

import json
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from attrs import Factory, define

from benchmarks.exchange import Exchange

FIRST_URLS = 10
ETAG = "d41d8cd98f00b204e9800998ecf8427e"
"""Every PUT's, for nothing is hashed here: who compares them sends the same bytes again."""
SESSION = re.compile(r"/v1\.3/assets/multipart-uploads/(\d+)(/presigned-urls)?")
ASSET = re.compile(r"/v1\.3/assets/(\d+)")


@define
class Session:
    """One upload session."""

    id: str
    size: int
    chunk_size: int
    reported: set[int] = Factory(set[int])

    @property
    def chunks(self) -> int:
        """How many chunks the file has."""
        return -(-self.size // self.chunk_size)


def at(seconds: float = 0) -> str:
    """Return the time so many seconds from now, as the platform writes it."""
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


@define(eq=False)
class Sink:
    """What came, and what the next sessions are like."""

    settings: dict[str, float]
    counters: dict[str, int] = Factory(dict[str, int])
    sessions: dict[str, Session] = Factory(dict[str, Session])
    lock: threading.Lock = Factory(threading.Lock)
    etag: str = ETAG
    numbers: Iterator[int] = Factory(count)

    def count(self, **more: int) -> None:
        """Add to the counters."""
        with self.lock:
            for name, number in more.items():
                self.counters[name] = self.counters.get(name, 0) + number

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        counted = False
        exchange = Exchange(connection)
        while exchange.read_head():
            own = exchange.target.startswith("/__")
            if not own:
                self.count(requests=1, connections=not counted)
                counted = True
            (self.tell if own else self.take)(exchange)

    def tell(self, exchange: Exchange) -> None:
        """Answer what the benchmark asks about its own affairs."""
        if exchange.target.startswith("/__reset"):
            words = exchange.target.partition("?")[2].split("&")
            named = [word[5:] for word in words if word.startswith("etag=")]
            self.settings |= parse(word for word in words if not word.startswith("etag="))
            self.etag = named[0] if named else ETAG
            self.counters, self.sessions = {}, {}
        names = ("connections", "requests", "puts", "put_bytes")
        told = {name: self.counters.get(name, 0) for name in names}
        exchange.answer(json.dumps({**told, "cpu_s": time.process_time()}))

    def take(self, exchange: Exchange) -> None:
        """Answer a client's request."""
        exchange.cap = self.settings["cap"]
        if exchange.method == "PUT":
            self.count(puts=1, put_bytes=exchange.skip_body())
            self.pause()
            # As every store: without a number, one ETag for all looks like one answer sent twice.
            number = str(next(self.numbers))
            answer = {"ETag": f'"{self.etag}"', "x-amz-request-id": number}
            exchange.answer("", headers=answer)
        elif exchange.target.startswith("/v1.3/"):
            told = self.platform(exchange, json.loads(exchange.read_body() or b"null"))
            self.pause()
            exchange.answer(json.dumps(told))
        else:
            exchange.skip_body()
            self.pause()
            exchange.answer(s3_answer(exchange))

    def pause(self) -> None:
        """Wait as long as an answer is to take."""
        time.sleep(self.settings["latency_ms"] / 1e3)

    def platform(self, exchange: Exchange, asked: Any) -> dict[str, Any]:
        """Return what the platform says."""
        if found := SESSION.match(exchange.target):
            session = self.sessions[found[1]]
            if found[2]:
                first, many = asked["start"], asked["count"]
                urls = self.urls(exchange, session, first, first + many)
                return {"upload_urls": urls, "generated_at": at()}
            return self.report(session, asked) if asked else status(session)
        if found := ASSET.match(exchange.target):
            return asset(found[1])
        return self.create(exchange, asked["total_size"])

    def create(self, exchange: Exchange, size: int) -> dict[str, Any]:
        """Open a session."""
        with self.lock:
            name = str(len(self.sessions) + 1)
            session = Session(name, size, int(self.settings["chunk_size"]))
            self.sessions[name] = session
        return {
            "upload_id": name,
            "asset_id": name,
            "chunk_size": session.chunk_size,
            "total_chunks": session.chunks,
            "upload_headers": {"Content-Type": "application/octet-stream"},
            "upload_urls": self.urls(exchange, session, 1, FIRST_URLS + 1),
        }

    def urls(
        self, exchange: Exchange, session: Session, first: int, end: int
    ) -> list[dict[str, Any]]:
        """Return the URLs of the chunks from ``first`` to before ``end``."""
        base, until = f"{exchange.origin}/store/{session.id}", at(3600)
        return [
            {"chunk_index": i, "url": f"{base}/{i}?X-Amz-Signature={i:064}", "expires_at": until}
            for i in range(first, min(end, session.chunks + 1))
        ]

    def report(self, session: Session, asked: Any) -> dict[str, Any]:
        """Count the chunks that a client says are stored."""
        told = {chunk["chunk_index"] for chunk in asked["completed_chunks"]}
        with self.lock:
            fresh = len(told - session.reported)
            session.reported |= told
            total = len(session.reported)
        answer = {
            "asset_id": session.id,
            "processed_chunks": fresh,
            "total_completed": total,
        }
        done = {"url": f"https://store.example/{session.id}.mp4"}
        return answer | (done if total == session.chunks else {})


def status(session: Session) -> dict[str, Any]:
    """Say where a session stands."""
    done, total = len(session.reported), session.chunks
    return {
        "upload_id": session.id,
        "status": "completed" if done == total else "active",
        "chunks_completed": done,
        "chunks_pending": total - done,
        "total_size": session.size,
    }


def asset(name: str) -> dict[str, Any]:
    """Describe an asset."""
    return {"_id": name, "method": "multipart", "status": "ready", "created_at": at()}


def s3_answer(exchange: Exchange) -> str:
    """Return what S3 says to the calls around a multipart upload."""
    names = "<Bucket>bench</Bucket><Key>file</Key>"
    if exchange.method == "HEAD":
        return ""
    if exchange.method == "GET":
        return "<ListBucketResult></ListBucketResult>"
    kind, said = "InitiateMultipartUploadResult", "<UploadId>1</UploadId>"
    if "uploadId=" in exchange.target:
        kind, said = "CompleteMultipartUploadResult", '<ETag>"e-1"</ETag>'
    return f"<{kind}>{names}{said}</{kind}>"


def parse(words: Iterable[str]) -> dict[str, float]:
    """Return the settings that ``name=value`` words name."""
    pairs = (word.split("=") for word in words if "=" in word)
    return {name: float(value) for name, value in pairs}


def listen(serve: Callable[[socket.socket], None], context: ssl.SSLContext | None) -> int:
    """Listen on a free port of the loopback, a thread a connection, and return the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

    def converse(connection: socket.socket) -> None:
        with suppress(OSError, EOFError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(context.wrap_socket(connection, server_side=True) if context else connection)

    def accept() -> None:
        while True:
            threading.Thread(target=converse, args=[listener.accept()[0]], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def main() -> None:
    """Run until standard input ends."""
    defaults = {"chunk_size": 2.0**24, "latency_ms": 0.0, "cap": 0.0}
    sink = Sink({**defaults, **parse(sys.argv[2:])})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.load_cert_chain(sys.argv[1])
    print(json.dumps({"plain": listen(sink.serve, None), "tls": listen(sink.serve, context)}))
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
