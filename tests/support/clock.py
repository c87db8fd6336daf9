"""A clock for an emulator whose time only a test moves."""

from datetime import UTC, datetime, timedelta

from attrs import define


@define
class ManualClock:
    """A clock that stands still until a test moves it; call it for the time.

    Attributes:
        time: What it shows.
    """

    time: datetime = datetime(2026, 11, 22, 5, 0, 0, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.time

    def advance(self, **delta: float) -> None:
        """Move forward by ``timedelta(**delta)``."""
        self.time += timedelta(**delta)
