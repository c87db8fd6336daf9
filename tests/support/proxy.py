"""A small real forward proxy: absolute-form requests, CONNECT tunnels, credentials."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from attrs import Factory, define
from yarl import URL

from support.server import listening, read_request
from support.watch import WATCH


@define(eq=False)
class ForwardProxy:
    """Carries each request to where it is addressed, on a connection of its own.

    Attributes:
        refusal: The status that every request is refused with; None: they are carried.
        tunnel_refusal: The status that every tunnel is refused with; None: they are opened.
        seconds_a_put: Seconds between the head of a PUT and its body, as on a slow link.
        seen: Method and host:port of each request.
        authorizations: The ``Proxy-Authorization`` of each request; None where it had none.
        heads: The head of each request, as it came.
        url: Where it listens.
    """

    refusal: int | None = None
    tunnel_refusal: int | None = None
    seconds_a_put: float = 0.0
    seen: list[tuple[str, str]] = Factory(list[tuple[str, str]])
    authorizations: list[str | None] = Factory(list["str | None"])
    heads: list[str] = Factory(list[str])
    url: URL = Factory(URL)

    def authorities(self) -> set[str]:
        """Return each host:port that something was carried to."""
        return {authority for _, authority in self.seen}

    def url_with(self, user: str, password: str) -> str:
        """Return the URL of the proxy with credentials in it, which nobody may tell."""
        WATCH.know_credentials(user, password)
        return str(self.url.with_user(user).with_password(password))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        await self._carry(await read_request(reader), reader, writer)

    async def _carry(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        tunnel = method == "CONNECT"
        url = URL(f"//{target}" if tunnel else target, encoded=True)
        self._record(head, method, f"{url.host}:{url.port}", lines)
        refusal = self.refusal or (self.tunnel_refusal if tunnel else None)
        if refusal is not None:
            writer.write(f"HTTP/1.1 {refusal} No\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        there, back = await asyncio.open_connection(url.host, url.port)
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                kept = [line for line in lines if not line.lower().startswith(("proxy-", "conn"))]
                onward = [f"{method} {url.raw_path_qs} HTTP/1.1", *kept, "Connection: close"]
                back.write("\r\n".join([*onward, "", ""]).encode("latin-1"))
                await asyncio.sleep(self.seconds_a_put if method == "PUT" else 0.0)
                back.write(body)
            await _both_ways((reader, back), (there, writer))
        finally:
            back.close()

    def _record(self, head: bytes, method: str, authority: str, lines: list[str]) -> None:
        named = dict(line.lower().split(": ", 1) for line in lines)
        cased = dict(line.split(": ", 1) for line in lines)
        has = "proxy-authorization" in named
        self.seen.append((method, authority))
        self.authorizations.append(cased["Proxy-Authorization"] if has else None)
        self.heads.append(head.decode("latin-1"))


async def _both_ways(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Copy in both directions until one of them ends."""
    copying = {asyncio.ensure_future(_copy(reader, writer)) for reader, writer in ways}
    try:
        await asyncio.wait(copying, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in copying:
            task.cancel()
        await asyncio.gather(*copying, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(2**16):
        writer.write(piece)
        await writer.drain()


def basic(user: str, password: str, charset: str = "utf-8") -> str:
    """Return the header value of basic credentials."""
    return "Basic " + b64encode(f"{user}:{password}".encode(charset)).decode()


@asynccontextmanager
async def forward_proxy(*, refusal: int | None = None) -> AsyncGenerator[ForwardProxy]:
    """Run a ``ForwardProxy``."""
    proxy = ForwardProxy(refusal)
    async with listening(proxy.serve) as where:
        proxy.url = URL(f"http://{where}")
        yield proxy
