"""The log: what was asked and answered, so that a test can count requests, not only outcomes."""

from collections import deque
from typing import Literal

from attrs import Factory, define, frozen

OriginName = Literal["api", "store"]
KEPT = 100_000


@frozen
class Exchange:
    """One request that is over.

    ``arrival`` numbers the requests of both origins as they came, from 1. ``connection`` numbers
    the TCP connections of one origin, from 1. ``path`` is the raw target. ``status`` is None when
    the connection was cut, by either side, before an answer. ``received`` counts the bytes of the
    body that were read.
    """

    origin: OriginName
    method: str
    path: str
    route: str
    status: int | None
    connection: int
    headers: tuple[tuple[str, str], ...]
    received: int
    upload_id: str | None
    chunk_index: int | None
    arrival: int


@define(eq=False)
class ExchangeLog:
    """The newest 100,000 exchanges, in order of arrival."""

    exchanges: deque[Exchange] = Factory(deque[Exchange])
    arrivals: int = 0
    connections: dict[OriginName, int] = Factory(dict[OriginName, int])

    def arrive(self) -> int:
        """Number a request."""
        self.arrivals += 1
        return self.arrivals

    def connect(self, origin: OriginName) -> int:
        """Number a connection."""
        self.connections[origin] = self.connections.get(origin, 0) + 1
        return self.connections[origin]

    def add(self, exchange: Exchange) -> None:
        """Insert an exchange where its arrival belongs; the oldest one may go."""
        place = len(self.exchanges)
        while place and self.exchanges[place - 1].arrival > exchange.arrival:
            place -= 1
        self.exchanges.insert(place, exchange)
        if len(self.exchanges) > KEPT:
            self.exchanges.popleft()
