"""A client and an emulator of its own, for a test: what the pytest plugin gives, without pytest.

An async context manager, and not a running thing that a fixture hands over: client and emulator
live on the event loop of whoever enters it, so that it makes no difference who runs that loop
(pytest-asyncio in either mode, anyio, ``asyncio.run``), and both are closed on it, too.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen

from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Fault, Faults, named_fault


@frozen
class Emulated:
    """A platform in a box, and a client of it.

    Attributes:
        emulator: The platform: its log of ``requests``, ``count(route)``, ``sha256(asset_id)``.
        client: A client of it, with the options that were asked for.
    """

    emulator: Emulator
    client: AsyncTwelveLabs

    @property
    def faults(self) -> Faults:
        """The script of what shall go wrong."""
        return self.emulator.faults

    def inject(self, name: str, **changes: Any) -> Fault:
        """Script a fault of the catalogue.

        Args:
            name: Such as ``slow-down``; the README's table has all of them.
            changes: Arguments of ``Fault`` to replace, such as ``route``, ``chunk_index``,
                ``after`` or ``times``.

        Returns:
            The fault; its ``hits`` tell how often it has happened.

        Raises:
            KeyError: No such name.
            ValueError: The fault could never happen so.
        """
        return self.faults.add(named_fault(name, **changes))


@asynccontextmanager
async def emulated(
    *, emulator: Emulator | None = None, **client_options: Any
) -> AsyncGenerator[Emulated]:
    """Run an emulator and a client of it, until the ``async with`` block ends.

    Args:
        emulator: Yours, not yet started, such as ``Emulator(chunk_size=1_000_000)``; None: one with
            the platform's settings.
        client_options: For ``AsyncTwelveLabs``, such as ``stall_timeout``.

    Raises:
        AssertionError: The block ended well, but a fault that was scripted never happened: what
            the test wanted to show was not shown.
    """
    async with emulator or Emulator() as running:
        async with AsyncTwelveLabs(running.api_key, running.base_url, **client_options) as client:
            yield Emulated(running, client)
        if unused := running.faults.unused():
            raise AssertionError(f"scripted, but it never happened: {_told(unused)}")


def _told(faults: list[Fault]) -> str:
    return "; ".join(f"{f.action} to {f.route} ({f.seen} requests matched)" for f in faults)
